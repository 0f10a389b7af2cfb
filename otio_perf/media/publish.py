"""A finished file appears whole under its final name, or not at all.

Temporary name in the target folder → verify → flush to the disk → rename → flush the folder. What a killed process leaves
behind has a name that :func:`is_part` knows; it is never taken for media, and the next run removes it
(``cache.workspace.Workspace.clean_orphans``).
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from otio_perf.errors import DiskFullError, EncodeError, TaskCancelledError

#: ``.<final name, shortened>.<8 hex digits>.part.mov``: hidden, and still QuickTime by its suffix.
PART_PATTERN = re.compile(r"^\..*\.[0-9a-f]{8}\.part\.[A-Za-z0-9]{1,8}$", re.DOTALL)

_NAME_BYTES = 200  # of the final name that are kept; file systems allow 255

#: What is left free on the disk of every proxy, for the index and for other programs.
RESERVE_BYTES = 64 << 20

_ELSEWHERE = "Free some space, or take --workspace on another disk"

#: Between two signs of life while the disk works.
_ALIVE_SECONDS = 0.2


def is_part(name: str) -> bool:
    """Whether a file name is that of an unfinished product."""
    return PART_PATTERN.match(name) is not None


@contextmanager
def part_file(final: str | Path) -> Iterator[Path]:
    """A new, empty file beside ``final`` to write to; removed when the block ends, unless :func:`publish` renamed it.

    Creating it is the test for a folder that cannot be written to: before any work, not after.

    :raises EncodeError: the folder is missing or read-only. :raises DiskFullError: no room for even that.
    """
    final = Path(final)
    stem = os.fsencode(final.stem)[:_NAME_BYTES].decode("utf-8", "ignore") or "x"
    part = final.parent / f".{stem}.{secrets.token_hex(4)}.part{final.suffix or '.mov'}"
    try:
        part.open("xb").close()
    except OSError as error:
        raise write_error(error, final) from error
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def publish(part: Path, final: str | Path, *, tick: Callable[[], None] = lambda: None) -> None:
    """Give a verified file its final name, replacing what was there in one step.

    :param tick: called all the while, from another thread: flushing gigabytes takes minutes. Once more from this one before
        the rename: a place to stop by raising.
    :raises DiskFullError: the disk took the data only until now. :raises EncodeError: the name cannot be given.
    """
    final = Path(final)
    try:
        with alive(tick), part.open("rb+") as stream:
            os.fsync(stream.fileno())
        tick()
        part.replace(final)
    except OSError as error:
        raise write_error(error, final) from error
    with alive(tick):
        _sync_folder(final.parent)


@contextmanager
def alive(tick: Callable[[], None]) -> Iterator[None]:
    """Call ``tick`` from another thread while the block waits for the operating system: a slow disk is no hanging worker."""
    done = threading.Event()

    def beat() -> None:
        with suppress(TaskCancelledError):  # the call cannot be broken off; whoever comes after it asks again
            while not done.wait(_ALIVE_SECONDS):
                tick()

    thread = threading.Thread(target=beat, name="sign-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _sync_folder(folder: Path) -> None:
    """The file has its name by now: where the file system cannot flush a folder (SMB, FUSE), there is nothing to be done."""
    if os.name == "nt":  # Windows keeps no such handle; its rename is journaled
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_error(error: OSError, final: str | Path, *, need_bytes: int = 0) -> DiskFullError | EncodeError:
    """This package's error for one of the operating system while ``final`` was written."""
    if error.errno == errno.ENOSPC:
        return disk_full(final, need_bytes)
    if error.errno == errno.EDQUOT:
        return DiskFullError("disk full: your quota is used up", path=final, hint=_ELSEWHERE)
    if error.errno == errno.EFBIG:
        reason = "it is larger than this file system or your account's limit (ulimit -f) allows a file to be"
        return EncodeError(f"cannot be written: {reason}", path=final, hint=_ELSEWHERE)
    return EncodeError(
        f"cannot be written: {error.strerror or error}",
        path=final,
        hint="Check the folder's permissions, or take --workspace DIR",
    )


def disk_full(final: str | Path, need_bytes: int = 0) -> DiskFullError:
    """``disk full: need …, have …``."""
    have = free_bytes(Path(final).parent)
    need = f"need {megabytes(need_bytes)}, " if need_bytes else ""
    left = "nothing left" if have is None else f"have {megabytes(have)}"
    return DiskFullError(f"disk full: {need}{left}", path=final, hint=_ELSEWHERE)


def require_room(final: str | Path, need_bytes: int = 0) -> None:
    """:raises DiskFullError: the disk of ``final`` has less than ``need_bytes`` and ``RESERVE_BYTES`` free."""
    need_bytes += RESERVE_BYTES
    have = free_bytes(Path(final).parent)
    if have is not None and have < need_bytes:
        raise disk_full(final, need_bytes)


def free_bytes(folder: Path) -> int | None:
    """Bytes that this user may still write there; ``None`` where the system does not say."""
    import shutil

    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
