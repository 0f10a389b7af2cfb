"""Has anybody read a file since? File systems note it, most of them: then a Kdenlive that reads something else is found out."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

#: Long before anything was written to it: the usual way to mount (relatime) notes the first read after a change.
_LONG_AGO_NS = 10**9


def are_noted(probe: Path) -> bool:
    """Does the file system of ``probe``, a file of ours, note reads?"""
    try:
        mark(probe)
        probe.read_bytes()
        return was_read(probe)
    except OSError:
        return False


def mark(path: Path) -> None:
    with suppress(OSError):
        os.utime(path, ns=(_LONG_AGO_NS, path.stat().st_mtime_ns))


def unmark(path: Path) -> None:
    """Programs that remove what nobody reads go by the time, too."""
    with suppress(OSError):
        if not was_read(path):
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def was_read(path: Path) -> bool:
    """Since ``mark``. :raises OSError"""
    return path.stat().st_atime_ns != _LONG_AGO_NS
