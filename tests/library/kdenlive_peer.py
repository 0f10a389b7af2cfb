"""What looks like a Kdenlive on a session bus: for answers that the real one does not give when a test needs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_call, new_method_return
from jeepney.io.blocking import DBusConnection, open_dbus_connection

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
NO_ANSWER = object()


@contextmanager
def session_bus(folder: Path) -> Iterator[str]:
    """Its address."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("NO DBUS: apt-get install --no-install-recommends dbus")
    socket, configuration = folder / "bus", folder / "bus.conf"
    configuration.write_text(_BUS.format(socket=socket))
    words = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"]
    daemon = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip().partition(",guid")[0]
    finally:
        daemon.terminate()
        daemon.communicate()


@dataclass(eq=False)
class Peer:
    """``acts``: what actions do, by name, called in the peer's thread; an action that is not named is grey, one that returns
    ``NO_ANSWER`` is never answered; by ``"Get windowTitle"`` and so on: done before that answer. ``asked``: all that was asked
    of it, in order."""

    address: str
    title: str = "edit [*]/ HD 720p 25 fps"
    is_modified: bool = False
    version: str = "26.08.2"
    pid: int = field(default_factory=os.getpid)
    name: str = "org.kde.kdenlive-{pid}"
    acts: dict[str, Callable[[], object]] = field(default_factory=dict)
    is_deaf: bool = False
    asked: list[str] = field(default_factory=list)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Peer:
        self._connection: DBusConnection = open_dbus_connection(self.address)
        bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
        self._connection.send_and_get_reply(new_method_call(bus, "RequestName", "su", (self.name.format(pid=self.pid), 4)))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The program ends."""
        self._closing.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _serve(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                message = self._connection.receive(timeout=0.02)
                if message.header.message_type is MessageType.method_call and not self.is_deaf:
                    self._answer(message)
        self._connection.close()

    def _answer(self, message: Message) -> None:
        method, words = message.header.fields[HeaderFields.member], message.body
        self.asked.append(" ".join([method, *map(str, words[-1:])]))
        reply: Any
        if method == "Get":
            self.acts.get(self.asked[-1], lambda: None)()
            values = {
                "windowTitle": ("s", self.title),
                "windowModified": ("b", self.is_modified),
                "applicationVersion": ("s", self.version),
            }
            reply = new_method_return(message, "v", (values[words[1]],))
        elif method == "actionIsEnabled":
            reply = new_method_return(message, "b", (words[0] in self.acts,))
        elif method == "activateAction":
            if self.acts[words[0]]() is NO_ANSWER:
                return
            reply = new_method_return(message, "b", (True,))
        else:
            reply = new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
        self._connection.send(reply)
