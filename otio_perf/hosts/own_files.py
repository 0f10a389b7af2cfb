"""Files in the folders of other programs: written whole or not at all, and their folders made and taken away."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from otio_perf.errors import HostError

_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_SUFFIX = ".otio_perf.part"
#: What to do about it, by what the system says.
_HINTS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Check the permissions of its folder"),
    **dict.fromkeys((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)), "Make room there"),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR), "Something else is there already: move it away"),
}


def read(path: Path) -> bytes | None:
    """What is in it; ``None`` if it is not there.

    :raises HostError: it cannot be read
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise _error(path, "read", e) from e


def write(path: Path, content: bytes, *, is_executable: bool = False) -> None:
    """A link stays, and its file is written; so do the permissions of a file that is there.

    :raises HostError: it cannot be written
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        _sweep(target)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        if is_executable:
            temporary.chmod(stat.S_IMODE(temporary.stat().st_mode) | _EXECUTABLE)
        temporary.replace(target)
    except OSError as e:
        with suppress(OSError):
            temporary.unlink()
        raise _error(path, "written", e) from e


def is_executable(path: Path) -> bool:
    return path.is_file() and (os.name == "nt" or os.access(path, os.X_OK))


def remove(path: Path) -> None:
    """:raises HostError: it is there and stays there"""
    try:
        _sweep(path)
        path.unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as e:
        raise _error(path, "removed", e) from e


def remove_compiled(path: Path) -> None:
    """What Python keeps beside a script that was imported."""
    compiled = path.parent / "__pycache__"
    with suppress(OSError):
        for file in compiled.glob(f"{path.stem}.*.pyc"):
            file.unlink()
        compiled.rmdir()


def make_folder(folder: Path) -> list[Path]:
    """:returns: those that were not there, the outermost first. :raises HostError: it cannot be made"""
    missing = missing_folders(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise _error(folder, "made", e) from e
    return missing


def missing_folders(folder: Path) -> list[Path]:
    """The folders that have to be made for this one, the outermost first."""
    missing: list[Path] = []
    while not os.path.lexists(folder) and folder != folder.parent:
        missing.insert(0, folder)
        folder = folder.parent
    return missing


def _sweep(path: Path) -> None:
    """What killed runs left beside a file; nobody else writes it now (``installing.alone``)."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        part.unlink(missing_ok=True)


def _error(path: Path, done: str, error: OSError) -> HostError:
    return HostError(f"cannot be {done}: {error.strerror or error}", path=path, hint=_HINTS.get(error.errno or 0))
