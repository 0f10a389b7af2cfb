"""Show a file in the system's file manager."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from otio_perf.errors import OfflineMediaError, ServiceError

_SECONDS = 10.0


def reveal(path: Path) -> None:
    """:raises OfflineMediaError: it is not there. :raises ServiceError: there is no file manager, or no desktop"""
    if not path.exists():
        raise OfflineMediaError("is not there", path=path, hint="Check that its disk is connected")
    if not any(_does(command) for command in _commands(path)):
        raise ServiceError("no file manager answered", path=path, hint="The service must run in a desktop session for that")


def _does(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        return True  # it is the file manager itself, and stays open
    except OSError:
        return False
    return ended.returncode == 0 or sys.platform == "win32"  # Explorer answers 1 where all is well


def _commands(path: Path) -> list[list[str]]:
    """What may do it, best first. The name is one argument of its own, never part of a shell's line."""
    if sys.platform == "darwin":
        return [["open", "-R", str(path)]]
    if sys.platform == "win32":
        return [["explorer", f"/select,{path}"]]
    manager = "org.freedesktop.FileManager1"
    show = ["--object-path", f"/{manager.replace('.', '/')}", "--method", f"{manager}.ShowItems"]
    return [
        ["gdbus", "call", "--session", "--dest", manager, *show, f"['{path.absolute().as_uri()}']", "''"],
        ["xdg-open", str(path.parent)],
    ]
