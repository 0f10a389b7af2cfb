"""The session bus, and the little that is asked of a running Kdenlive on it.

Kdenlive puts hundreds of methods on the bus, and some of them end it (``addEffect`` with a name that it does not know) or hang
until the user closes a dialog. What is used here is all that may be: reading three properties, asking whether an action can be
used, and three actions. Every call has a time limit, and nothing is ever started by asking for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from otio_perf.errors import HostBusyError, HostError, HostGoneError, MissingDependencyError

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

SAVE, REVERT, TOGGLE_PROXY = "file_save", "file_revert", "proxy_clip"
#: Actions that are known to be safe, all versions; as it is said that one is grey.
_ACTIONS = {
    SAVE: "Kdenlive cannot save now",
    REVERT: "Kdenlive cannot read the project anew now",
    TOGGLE_PROXY: "Kdenlive cannot switch proxies now",
}

_NAME = re.compile(r"org\.kde\.kdenlive-(\d+)")
#: In a Flatpak its name ends in a number of the bus (KDBusService): which process that is, nobody can tell.
_SANDBOXED = "org.kde.kdenlive.kdbus-"
_WINDOW, _APPLICATION = "/kdenlive/MainWindow_1", "/MainApplication"
_WIDGET, _CORE, _MAIN_WINDOW = "org.qtproject.Qt.QWidget", "org.qtproject.Qt.QCoreApplication", "org.kde.KMainWindow"
#: A look at a property takes a millisecond; Kdenlive answers none while it reads a project, which may take long.
_LOOK_SECONDS, _GLANCE_SECONDS = 10.0, 1.0
_ACTION_SECONDS = 60.0
_CONNECT_SECONDS = 2.0


class Bus:
    """A connection to the user's session bus. Use as a context manager; for one thread."""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, variables: Mapping[str, str]) -> Bus | None:
        """The bus that the environment names, or that systemd keeps for the user; ``None`` where there is none: Windows, macOS,
        a machine without a session.

        :raises MissingDependencyError: it cannot be spoken to
        """
        address = variables.get("DBUS_SESSION_BUS_ADDRESS", "")
        if not address and (folder := variables.get("XDG_RUNTIME_DIR", "")):
            address = f"unix:path={folder}/bus"
        if not address or sys.platform in ("win32", "darwin"):
            return None
        try:
            from otio_perf.hosts.kdenlive.connection import connected
        except ImportError as e:
            raise MissingDependencyError("Kdenlive cannot be asked: jeepney is missing", hint="pip install jeepney") from e
        try:
            return cls(connected(address, seconds=_CONNECT_SECONDS))
        except (OSError, RuntimeError, ValueError, EOFError):  # an address of another kind, a bus that went away
            return None

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def programs(self) -> tuple[Program, ...]:
        """All Kdenlives that run and can be asked, the first started first. :raises HostBusyError: the bus does not answer"""
        found = [(int(match[1]), name) for name in self._names() if (match := _NAME.fullmatch(name))]
        return tuple(Program(self, name, number) for number, name in sorted(found))

    def has_sandboxed(self) -> bool:
        """Does one run in a sandbox, of which it cannot be told what it has open? :raises HostBusyError"""
        return any(name.startswith(_SANDBOXED) for name in self._names())

    def _names(self) -> list[str]:
        (names,) = self.asked_of_bus("ListNames")
        return list(names)

    def asked_of_bus(self, method: str, signature: str = "", *words: object) -> tuple[Any, ...]:
        return self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, signature, words)

    def call(
        self,
        name: str,
        path: str,
        interface: str,
        method: str,
        signature: str = "",
        words: tuple[object, ...] = (),
        *,
        seconds: float = _LOOK_SECONDS,
    ) -> tuple[Any, ...]:
        """The answer of one method.

        :raises HostGoneError: nobody of that name is there, or no more
        :raises HostBusyError: no answer in time, or a refusal
        """
        from jeepney import DBusAddress, MessageFlag, MessageType, new_method_call

        message = new_method_call(DBusAddress(path, name, interface), method, signature or None, words)
        message.header.flags |= MessageFlag.no_auto_start
        try:
            answer = self._connection.send_and_get_reply(message, timeout=seconds)
        except TimeoutError:
            raise HostBusyError(
                "Kdenlive does not answer: it is busy, or a dialog is open", hint="Close the dialog there, and try again"
            ) from None
        except (OSError, ValueError) as e:
            raise HostBusyError(f"the session bus went away ({e})", hint="Try again") from e
        if answer.header.message_type is MessageType.error:
            error = answer.header.fields.get(4, "")  # HeaderFields.error_name
            if error.endswith((".ServiceUnknown", ".NameHasNoOwner", ".NoReply", ".Disconnected")):
                raise HostGoneError("Kdenlive was closed")
            raise HostBusyError(f"Kdenlive refused {method} ({error})", hint="Is its main window there?")
        return tuple(answer.body)


class Program:
    """A Kdenlive that runs. All methods but ``is_there`` raise ``HostGoneError`` once it does not, and ``HostBusyError`` where
    it does not answer."""

    def __init__(self, bus: Bus, name: str, number: int) -> None:
        self._bus, self.name = bus, name
        self.pid = number  # as Kdenlive says: in a sandbox another than the system's

    def is_there(self) -> bool:
        (found,) = self._bus.asked_of_bus("NameHasOwner", "s", self.name)
        return bool(found)

    def title(self, *, patiently: bool = True) -> str:
        """Of its window, ``[*]`` where the sign of changes comes; empty while it begins."""
        seconds = _LOOK_SECONDS if patiently else _GLANCE_SECONDS
        return str(self._property(_WINDOW, _WIDGET, "windowTitle", seconds=seconds))

    def is_modified(self) -> bool:
        return bool(self._property(_WINDOW, _WIDGET, "windowModified"))

    def version(self) -> str:
        return str(self._property(_APPLICATION, _CORE, "applicationVersion"))

    def can(self, action: str) -> bool:
        (found,) = self._bus.call(self.name, _WINDOW, _MAIN_WINDOW, "actionIsEnabled", "s", (action,))
        return bool(found)

    def do(self, action: str, *, seconds: float = _ACTION_SECONDS) -> None:
        """Use an action of ``_ACTIONS``. It is done when this returns; what it opened a dialog for does not return in time.

        :raises HostBusyError: it cannot be used now
        """
        if action not in _ACTIONS:
            raise HostError(f"{action} is none of the actions that are known to be safe")
        if not self.can(action):
            raise HostBusyError(_ACTIONS[action], hint="Is a project open?")
        self._bus.call(self.name, _WINDOW, _MAIN_WINDOW, "activateAction", "s", (action,), seconds=seconds)

    def _property(self, path: str, interface: str, name: str, *, seconds: float = _LOOK_SECONDS) -> object:
        words = (interface, name)
        ((_, value),) = self._bus.call(self.name, path, "org.freedesktop.DBus.Properties", "Get", "ss", words, seconds=seconds)
        return value
