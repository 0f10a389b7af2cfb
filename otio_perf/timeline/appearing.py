"""A timeline's file or folder appears whole under its name, or not at all.

Temporary name in the same folder → written and flushed → renamed. A folder cannot be renamed onto another: the old one steps
aside first, and goes when the new one stands in its place. A kill at any moment leaves one whole folder, under its name or
beside it; ``sweep`` of the next run gives it its name back, and removes what else was left.
"""

# ruff: noqa: PTH112, PTH114, PTH118
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import xxhash

from otio_perf.errors import DiskFullError, OtioPerfError, UnwritableTimelineError

#: ``.<final name, shortened>.<8 hex digits>.part<suffix>``: hidden, and adapters still see the suffix.
_PART = re.compile(r"^\..*\.[0-9a-f]{8}\.part(?P<suffix>\.[A-Za-z0-9]+)?$", re.DOTALL)
_NAME_BYTES = 200  # of the final name that are kept; file systems allow 255
#: A part that nothing was written to for so long has no owner any more. Process numbers would not tell: in containers all
#: are alike.
_STALE_SECONDS = 600.0


def landing(path: Path) -> Path:
    """Where a file written to ``path`` lands: what a link leads to, which stays a link.

    :raises UnwritableTimelineError: a link that leads nowhere, or to itself.
    """
    if not os.path.islink(path):
        return path
    try:
        return Path(os.path.realpath(path, strict=True))
    except OSError as e:
        raise UnwritableTimelineError(
            f"is a link that leads nowhere ({e.strerror})", path=path, hint="Remove it, or name another file with -o"
        ) from e


@contextmanager
def appearing(target: Path, suffix: str, *, seen: Callable[[Path], object] | None = None) -> Iterator[Path]:
    """A temporary name beside ``target`` that takes its place when all went well, and vanishes otherwise.

    :param suffix: of the temporary name: adapters choose by it.
    :param seen: says what is in a folder. One that is replaced is looked at before the block and when it has stepped aside:
        what came into it in the meantime is not lost.
    :raises UnwritableTimelineError, DiskFullError
    """
    partial = part_of(target, suffix)
    try:
        try:
            before = seen(target) if seen and os.path.isdir(target) else None
            yield partial
            if seen and os.path.isdir(partial) and os.path.isdir(target):
                _exchange(partial, target, before, seen)
            else:
                partial.replace(target)
        except OtioPerfError:
            raise
        except OSError as e:
            if is_full(e):
                raise DiskFullError("cannot be written: the disk is full", path=target, hint="Make room there") from e
            raise UnwritableTimelineError(
                f"cannot be written ({e.strerror or e})", path=target, hint="Name another place with -o"
            ) from e
        sync_folder(target.parent)
    finally:
        _remove(partial)


def is_full(error: OSError) -> bool:
    """Was it for want of room?"""
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def part_of(target: Path, suffix: str) -> Path:
    """A new temporary name beside ``target``."""
    return target.with_name(f".{_short(target)}.{secrets.token_hex(4)}.part{suffix}")


def _aside_of(target: Path) -> Path:
    """Where a folder waits while another takes its name: always the same place, so that it is found again."""
    mark = xxhash.xxh32_hexdigest(os.fsencode(target.name))
    return target.with_name(f".{_short(target)}.{mark}.old{target.suffix}")


def _short(target: Path) -> str:
    return os.fsencode(target.stem)[:_NAME_BYTES].decode("utf-8", "ignore") or "x"


def _exchange(new: Path, target: Path, before: object, seen: Callable[[Path], object]) -> None:
    """Put the folder ``new`` in the place of the folder ``target``."""
    old = _aside_of(target)
    if os.path.lexists(old):
        raise UnwritableTimelineError(
            f"was replaced before, and what it was lies in {old.name}", path=target, hint="Look into that folder, and remove it"
        )
    target.rename(old)
    try:
        if seen(old) != before:
            raise UnwritableTimelineError(
                "changed while another was made for its place", path=target, hint="Run the command again"
            )
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    _discard(old, target)


def _discard(old: Path, target: Path) -> None:
    """Under a part's name first: a folder of the other name is always whole."""
    rubbish = part_of(target, target.suffix)
    with suppress(OSError):
        old.rename(rubbish)
        _remove(rubbish)


def sweep(target: Path, suffixes: frozenset[str], *, is_held: Callable[[Path, Path], bool]) -> None:
    """Clear away what killed runs left beside ``target``. What cannot be removed stays, without a word.

    :param suffixes: of the temporary names to look for, besides that of ``target``.
    :param is_held: whether all that is in the first folder is in the second as well.
    """
    old = _aside_of(target)
    with suppress(OSError, OtioPerfError):
        if os.path.isdir(old) and not os.path.islink(old):
            if not os.path.lexists(target):
                old.rename(target)
            elif is_held(old, target):
                _discard(old, target)
    clear_parts(target.parent, {*suffixes, target.suffix})


def clear_parts(folder: Path, suffixes: Collection[str] | None = None) -> None:
    """Remove the parts in ``folder`` that have no owner any more: those of ``suffixes``, or all."""
    with suppress(OSError):
        oldest = time.time() - _STALE_SECONDS
        for path, folders, files in os.walk(folder):
            for name in (*folders, *files):
                found = _PART.match(name)
                if found and (suffixes is None or (found["suffix"] or "") in suffixes):
                    part = Path(path, name)
                    if _touched(part) < oldest:
                        _remove(part)
            if suffixes is not None:
                break  # what is below is not ours


def _touched(path: Path) -> float:
    """When something was written to a file, or anywhere in a folder, for the last time."""
    times = [os.lstat(path).st_mtime]
    for folder, folders, files in os.walk(path):
        times += [os.lstat(os.path.join(folder, name)).st_mtime for name in (*folders, *files)]
    return max(times)


def _remove(path: Path) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        with suppress(OSError):
            path.unlink()


def write_bytes(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """A new file, on the disk when this returns. :raises OSError

    :param mode: its permissions, no more from its first byte on; ``None``: as new files have them
    """
    access = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, access, 0o666 if mode is None else mode & 0o600), "wb") as file:
        if mode is not None:
            path.chmod(mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename last, where that can be asked for: Windows and some network file systems know no folders to sync."""
    if os.name == "posix":
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
