"""Locks between processes. The kernel releases them, also when their owner is killed.

``flock`` on POSIX, ``msvcrt.locking`` on Windows. A lock file is removed by whoever held it last, so the folder does not
fill up; who finds that the file it has locked is no longer the one on disk tries again. On network file systems these
locks are as good as the server: NFS v4 and SMB honour them, very old NFS servers do not.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from otio_perf.errors import CacheError, TaskCancelledError

_POLL_SECONDS = 0.05


@contextmanager
def held(path: Path, *, cancelled: Callable[[], bool] | None = None) -> Iterator[None]:
    """Hold the lock file ``path``; waits for whoever holds it, in this process or another.

    :param cancelled: asked while waiting.
    :raises TaskCancelledError: ``cancelled`` said yes.
    :raises CacheError: the file cannot be made.
    """
    while (descriptor := acquire(path)) is None:
        if cancelled is not None and cancelled():
            raise TaskCancelledError("stopped while another otio-perf was at work on it", path=path)
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        release(path, descriptor)


def acquire(path: Path) -> int | None:
    """Take the lock: a descriptor for ``release``, or ``None`` where somebody else has it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    except PermissionError as e:
        if sys.platform == "win32":
            return None  # the file is being removed by its last holder
        raise CacheError(f"cannot lock: {e.strerror}", path=path, hint="choose another folder with --workspace DIR") from e
    except OSError as e:
        raise CacheError(f"cannot lock: {e.strerror}", path=path, hint="choose another folder with --workspace DIR") from e
    if _try_lock(descriptor) and _is_current(path, descriptor):
        return descriptor
    os.close(descriptor)
    return None


def release(path: Path, descriptor: int) -> None:
    """Give the lock back and remove its file."""
    if sys.platform == "win32":
        _unlock(descriptor)
        os.close(descriptor)
        _remove(path)  # fails harmlessly while somebody else has it open
    else:
        _remove(path)
        os.close(descriptor)


def file_name(key: str) -> str:
    """Name of the lock file for any text."""
    return hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest() + ".lock"


def _is_current(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return  # gone already, or held by somebody else


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
