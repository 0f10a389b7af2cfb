"""Editing programs, started for real on a ``Desktop`` and asked over its bus, or looked at."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from desktop import Desktop, end, until
from jeepney import DBusAddress, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from PIL import Image

_WINDOW = "/kdenlive/MainWindow_1"
#: Windows that stand in the way, and the key that answers them without harm.
_MODALS = {
    "Clip Problems": "Escape",
    "Warning": "Return",
    "Information": "Return",
    "Error": "Return",
    "Configuration Wizard": "Escape",
}
_KDENLIVERC = """[version]
version={version}

[misc]
firstRun=false

[unmanaged]
force_breeze=true
use_dark_breeze=true
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a window of 1600x1000 pixels, for projects with the zoom of those in ``projects``.

    ``badges``: a column of the bin in which each clip that has one shows its badge. ``preview_bar``: a line of it from frame 0
    on; ``frame``: the width of one.
    """

    first_clip: tuple[int, int]
    badges: tuple[int, int, int, int]
    preview_bar: tuple[int, int, int, int]
    frame: float


@dataclass(frozen=True, slots=True)
class Program:
    """How a Kdenlive is started. ``root``: the folder in which its system lies; empty: it is of this one."""

    version: str
    layout: Layout
    root: str = ""
    visible: tuple[Path, ...] = ()  # what else of this system is to be seen in that

    def installed(self, desktop: Desktop) -> str:
        """The version that is there: ``22.12.3``."""
        environment = {**desktop.environment, "HOME": str(desktop.folder / "run")}  # settings are made where there are none
        command = self.command(desktop, "--version")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.split()[-1]

    def command(self, desktop: Desktop, *words: str) -> list[str]:
        if not self.root:
            return ["kdenlive", *words]
        # what is mounted in a name space of its own goes with the process
        mounts = [f"mount --rbind {place} {self.root}{place}" for place in ("/dev", "/proc")]
        for folder in (desktop.folder, *self.visible):
            mounts.append(f"mkdir -p {self.root}{folder} && mount --bind {folder} {self.root}{folder}")
        script = " && ".join([*mounts, 'exec chroot "$0" kdenlive "$@"'])
        return ["unshare", "--mount", "sh", "-c", script, self.root, *words]


KDENLIVE_22 = Program("22.12", Layout((127, 184), (37, 160, 38, 600), (170, 702, 1590, 703), 5.99))
KDENLIVE_26 = Program("26.08", Layout((65, 205), (37, 180, 38, 600), (170, 733, 1180, 734), 5.49))


class Kdenlive:
    """One that is open. What may block it (a dialog) is never waited for longer than ``_SECONDS``."""

    _SECONDS = 30

    def __init__(self, desktop: Desktop, project: Path | None = None, program: Program = KDENLIVE_22) -> None:
        self.desktop, self.project = desktop, project
        self.version, self.layout = program.version, program.layout
        settings = desktop.home / ".config" / "kdenliverc"
        if not settings.exists():
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(_KDENLIVERC.format(version=program.version))
        words = ["--no-welcome"] if program.version >= "26" else []
        self.process = desktop.run(program.command(desktop, *words, *([str(project)] if project else [])))
        self.name = f"org.kde.kdenlive-{self.process.pid}"
        self._bus: DBusConnection = open_dbus_connection(desktop.bus)
        until(self._is_up, f"Kdenlive {program.version}", 120)
        if project is not None:
            until(self._is_open, f"{project.name} in Kdenlive {program.version}", 120)

    # -- over the bus ------------------------------------------------------------------------------------------------

    def call(
        self, method: str, signature: str | None = None, *arguments: Any, interface: str = "org.kde.kdenlive.MainWindow"
    ) -> Any:
        """:raises TimeoutError: it waits for the user, most likely"""
        address = DBusAddress(_WINDOW, self.name, interface)
        reply = self._bus.send_and_get_reply(new_method_call(address, method, signature, arguments), timeout=self._SECONDS)
        if reply.header.message_type is MessageType.error:
            raise RuntimeError(f"{method}: {reply.body}")
        return reply.body[0] if reply.body else None

    def begin(
        self, method: str, signature: str | None = None, *arguments: Any, interface: str = "org.kde.kdenlive.MainWindow"
    ) -> None:
        """What opens a dialog, say, and answers when that is closed: not waited for."""
        self._bus.send(new_method_call(DBusAddress(_WINDOW, self.name, interface), method, signature, arguments))

    def action(self, name: str) -> bool:
        """Do what a menu entry does: see ``actions-22.12.txt``. False: it is grey."""
        if not self.call("actionIsEnabled", "s", name, interface="org.kde.KMainWindow"):
            return False
        return bool(self.call("activateAction", "s", name, interface="org.kde.KMainWindow"))

    @property
    def title(self) -> str:
        return str(self._property("windowTitle"))

    @property
    def is_modified(self) -> bool:
        return bool(self._property("windowModified"))

    def save(self) -> bytes:
        """Save, as Ctrl+S does; the project's bytes then."""
        assert self.project is not None
        before = self.project.stat().st_mtime_ns
        self.begin("activateAction", "s", "file_save", interface="org.kde.KMainWindow")
        until(lambda: self._unblocked() and self.project.stat().st_mtime_ns > before and not self.is_modified, "saved")
        return self.project.read_bytes()

    def seek(self, frame: int) -> None:
        """Put the playhead of the timeline there, step by step as the keys do."""
        self.action("seek_start")
        for _ in range(frame // 25):
            self.action("monitor_seek_forward-one-second")
        for _ in range(frame % 25):
            self.action("monitor_seek_forward-one-frame")

    def select_all_clips(self) -> None:
        """In the bin, where they are listed from its upper left corner on."""
        self.desktop.click(*self.layout.first_clip)
        self.desktop.press("ctrl+a")

    def show_project(self, frame: int) -> None:
        """Instead of the clip that was selected; from 23 on there are two monitors, and it is the clip's frame."""
        self.action("raise_project_monitor")
        self.seek(frame)

    def close(self) -> None:
        end(self.process)
        self._bus.close()
        for lock in (self.desktop.folder / "tmp").glob("*lock*"):  # it would ask whether it has crashed
            lock.unlink()

    def _property(self, name: str) -> Any:
        address = DBusAddress(_WINDOW, self.name, "org.qtproject.Qt.QWidget")
        reply = self._bus.send_and_get_reply(Properties(address).get(name), timeout=self._SECONDS)
        if reply.header.message_type is MessageType.error:
            raise RuntimeError(f"{name}: {reply.body}")
        return reply.body[0][1]

    def _is_up(self) -> bool:
        assert self.process.poll() is None, f"Kdenlive ended with {self.process.returncode}"
        self._unblocked()
        with suppress(RuntimeError, TimeoutError):
            return bool(self.title)
        return False

    def _is_open(self) -> bool:
        assert self.project is not None
        return self._is_up() and self.project.stem in self.title

    def _unblocked(self) -> bool:
        """Close what stands in the way; True: nothing does."""
        found = [(number, key) for number, name in self.desktop.windows().items() if (key := _MODALS.get(_plain(name)))]
        for number, key in found:
            self.desktop.focus(number)
            self.desktop.press(key)
        return not found

    # -- looked at ---------------------------------------------------------------------------------------------------

    def screenshot(self) -> Image.Image:
        return self.desktop.screenshot()

    def badges(self) -> int:
        """How many clips of the bin wear the P that says that a proxy is shown."""
        column = _pixels(self.screenshot().crop(self.layout.badges))
        yellow = [y for y, (r, g, b) in enumerate(column) if r > 170 and 140 < g < 215 and b < 80]
        return sum(here - before > 20 for before, here in pairwise([-100, *yellow]))  # the letter is black

    def preview_bar(self) -> list[tuple[str, int, int]]:
        """Stretches of the timeline's preview bar: green is rendered, red is to be; with their frames, for ``edit``'s zoom."""
        row = _pixels(self.screenshot().crop(self.layout.preview_bar))
        colours = ["green" if g > 70 > r + b else "red" if r > 90 > g + b else "" for r, g, b in row]
        found: list[tuple[str, int, int]] = []
        for colour, group in groupby(range(len(colours)), key=colours.__getitem__):
            pixels = list(group)
            if not colour:
                continue
            if found and found[-1][0] == colour and pixels[0] - found[-1][2] < 6:  # the playhead's line
                found[-1] = (colour, found[-1][1], pixels[-1] + 1)
            else:
                found.append((colour, pixels[0], pixels[-1] + 1))
        return [(colour, round(start / self.layout.frame), round(stop / self.layout.frame)) for colour, start, stop in found]


class Shotcut:
    """It has no bus: it is looked at."""

    _SETTINGS = """[General]
theme=dark

[proxy]
enabled=true
useProjectFolder=false
"""

    def __init__(self, desktop: Desktop, project: Path) -> None:
        self.desktop, self.project = desktop, project
        settings = desktop.home / ".config" / "Meltytech" / "Shotcut.conf"
        if not settings.exists():
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(self._SETTINGS)
        self.process = desktop.run(["shotcut", "--noupgrade", str(project)])
        until(self._is_open, f"{project.name} in Shotcut", 120)

    def _is_open(self) -> bool:
        assert self.process.poll() is None, f"Shotcut ended with {self.process.returncode}"
        return any(self.project.name in name for name in self.desktop.windows().values())

    def screenshot(self) -> Image.Image:
        return self.desktop.screenshot()

    def close(self) -> None:
        end(self.process)


def _plain(name: str) -> str:
    return re.split(r" [—-] ", name)[0].strip()


def _pixels(picture: Image.Image) -> list[list[int]]:
    """Red, green and blue of each, row by row; whole numbers of any size, for sums."""
    found: list[list[int]] = np.asarray(picture.convert("RGB"), int).reshape(-1, 3).tolist()
    return found
