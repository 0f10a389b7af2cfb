"""A desktop of a test's own: a screen that nobody sees, a window manager, a session bus, a home."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageGrab

#: Program → Debian package that brings it.
PACKAGES = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "dbus-daemon": "dbus",
    "xdotool": "xdotool",
    "kdenlive": "kdenlive",
    "shotcut": "shotcut",
    "melt": "melt",
}
#: Every program has the whole screen, and dialogs stand in its middle.
_WINDOWS = """<openbox_config xmlns="http://openbox.org/3.4/rc"><applications>
<application type="normal"><maximized>yes</maximized></application></applications></openbox_config>
"""
#: No services that are started on demand: KDE's helpers would outlive the desktop.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:path={socket}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


def missing(*programs: str) -> list[str]:
    """Packages of those that are not installed."""
    return [PACKAGES[program] for program in programs if shutil.which(program) is None]


@dataclass(eq=False)
class Desktop:
    """``folder``: short, for the bus is in it. ``environment``: of programs on this desktop."""

    folder: Path
    display: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    _processes: list[subprocess.Popen[Any]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def bus(self) -> str:
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]

    def start(self) -> None:
        for name in ("home", "run", "tmp", "work"):
            (self.folder / name).mkdir(mode=0o700)
        reading, writing = os.pipe()
        screen = ["-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"]
        self.run(["Xvfb", "-displayfd", str(writing), *screen], pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as answer:
            self.display = f":{answer.readline().strip()}"
        socket = self.folder / "run" / "bus"
        configuration = self.folder / "run" / "bus.conf"
        configuration.write_text(_BUS.format(socket=socket))
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OTIO_PERF_", "DBUS_", "QT_"))
        }
        self.environment = {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),  # Kdenlive's lock is in it
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={socket}",
            "DISPLAY": self.display,
            "QT_QPA_PLATFORM": "xcb",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "SDL_AUDIODRIVER": "dummy",
            "LANG": "C.UTF-8",
        }
        self.run(["dbus-daemon", f"--config-file={configuration}", "--nofork"])
        until(socket.exists, "the session bus")
        windows = self.folder / "run" / "openbox.xml"
        windows.write_text(_WINDOWS)
        self.run(["openbox", "--config-file", str(windows)])

    def run(self, command: list[str], **how: Any) -> subprocess.Popen[Any]:
        """Start a program that ends with the desktop at the latest; what it says is in ``log``."""
        with (self.folder / f"{Path(command[0]).name}.log").open("ab") as log:
            how = {"env": self.environment or None, "cwd": self.folder / "work", **how}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **how)
        self._processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self._processes):
            end(process)

    # -- what is seen, and done by hand ------------------------------------------------------------------------------

    def screenshot(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.display).convert("RGB")

    def windows(self) -> dict[str, str]:
        """Names of the windows that are shown, by their number."""
        found = {}
        for number in self._xdotool("search", "--onlyvisible", "--name", ".").split():
            if name := self._xdotool("getwindowname", number).strip():
                found[number] = name
        return found

    def press(self, *keys: str) -> None:
        """``Return``, ``ctrl+a``: to the window that has the focus."""
        for key in keys:
            self._xdotool("key", "--clearmodifiers", key)

    def type(self, text: str) -> None:
        """As somebody who types quickly, to the window that has the focus."""
        self._xdotool("type", text)

    def focus(self, window: str) -> None:
        self._xdotool("windowactivate", "--sync", window)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self._xdotool("mousemove", str(x), str(y), "click", str(button))

    def open_menu(self, x: int, y: int, button: int = 1) -> None:
        """Click, and wait until what comes up is drawn."""
        before = self.screenshot()
        self.click(x, y, button)
        last = [before]

        def is_drawn() -> bool:
            time.sleep(0.4)
            last.append(self.screenshot())
            return last[-1] == last[-2] != before

        until(is_drawn, "something that comes up")

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )  # no window: 1
        return done.stdout


def until(is_so: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait for ``is_so`` and return what it says. :raises TimeoutError"""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)
    return found


def end(process: subprocess.Popen[Any]) -> None:
    """With all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@contextmanager
def desktop() -> Iterator[Desktop]:
    folder = Path(tempfile.mkdtemp(prefix="desk-", dir="/tmp"))
    made = Desktop(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
