"""Regular files only: what must not be opened is refused before any library sees it."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import CorruptMediaError, OfflineMediaError, RefusedMediaError

#: ``http://…``, ``concat:a|b``, ``subfile,,start…``: at least two letters, so that ``C:\`` is a path.
_ADDRESS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)(:|,,)")

#: A FIFO without writer blocks a plain ``open`` for ever; with this flag it opens at once and is then refused.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularFile:
    """A regular file that could be opened for reading. ``path`` is absolute and free of symbolic links."""

    path: str
    status: os.stat_result


def regular_file(path: str) -> RegularFile:
    """Check that ``path`` is a readable regular file.

    :raises OfflineMediaError: nothing is there.
    :raises RefusedMediaError: an address, a pipe, device, directory or socket, or unreadable.
    :raises CorruptMediaError: the storage cannot deliver it.
    """
    file, descriptor = open_regular(path)
    os.close(descriptor)
    return file


def open_regular(path: str) -> tuple[RegularFile, int]:
    """As :func:`regular_file`, and the open file descriptor (the caller closes it)."""
    try:
        real = os.path.realpath(path)
        kind = _refused_kind(Path(real).stat().st_mode)
        if kind:
            raise RefusedMediaError(f"is {kind}, not a media file", path=path)
        descriptor = os.open(real, _OPEN_FLAGS)
    except (OSError, ValueError) as error:
        if isinstance(error, RefusedMediaError):
            raise
        raise _reason(path, error) from error
    status = os.fstat(descriptor)
    kind = _refused_kind(status.st_mode)  # again: what was opened is what counts
    if kind:
        os.close(descriptor)
        raise RefusedMediaError(f"is {kind}, not a media file", path=path)
    return RegularFile(path=real, status=status), descriptor


def _refused_kind(mode: int) -> str | None:
    if stat.S_ISREG(mode):
        return None
    return next((name for test, name in _KINDS if test(mode)), "not a regular file")


def _reason(path: str, error: OSError | ValueError) -> OfflineMediaError | RefusedMediaError | CorruptMediaError:
    if isinstance(error, ValueError) or error.errno == errno.ELOOP:
        what = "is a loop of symbolic links" if isinstance(error, OSError) else "is not a possible file name"
        return RefusedMediaError(what, path=path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL):
        address = _ADDRESS.match(path)
        if address:
            return RefusedMediaError(f"is a '{address[1]}' address; only files on disk are opened", path=path)
        return OfflineMediaError(
            "is offline: there is no such file", path=path, hint="Check the path, or map it to where it is now"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.ENXIO):
        return RefusedMediaError(f"may not be read: {os.strerror(error.errno)}", path=path)
    return CorruptMediaError(
        f"cannot be read: {error.strerror or error}", path=path, hint="Check the disk or the network share"
    )
