"""An ``.otiod`` that another is to replace: what would be lost with it.

A bundle may hold the only copy of a medium. Nothing in it is given up that the new one does not have, by content; and a
folder of that name may be no bundle at all.
"""

# ruff: noqa: PTH116, PTH118
# Paths of media are text here: pathlib would swallow "./", doubled and final slashes.

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import xxhash

from otio_perf.errors import LossyTimelineError
from otio_perf.timeline import child, guard

CONTENT = "content.otio"
VERSION = "version.txt"
MEDIA = "media"
#: What file managers leave in any folder that they show.
_NOBODYS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_CHUNK = 1 << 20
_MOST_NAMED = 3

Identity = tuple[int, int] | str


def identity(path: str) -> Identity:
    """The same for all names and links of one file. The path itself, where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return path
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def refuse_foreign(folder: Path) -> None:
    """:raises LossyTimelineError: there is more in ``folder`` than a bundle has."""
    foreign = [name for name, entry in _listed(folder) if _is_foreign(name, entry)]
    if foreign:
        raise _loss(folder, foreign)


def refuse_loss(folder: Path, sources: Iterable[str]) -> None:
    """:raises LossyTimelineError: ``folder`` holds what is no part of a bundle made of the media ``sources``."""
    refuse_foreign(folder)
    if missing := lost(folder, sources):
        raise _loss(folder, missing)


def lost(folder: Path, sources: Iterable[str]) -> list[str]:
    """Names of all in ``folder`` that is neither one of the files ``sources`` nor like one, byte for byte."""
    kept: dict[int, list[str]] = {}  # by size
    identities: set[Identity] = set()
    for source in sources:
        identities.add(identity(source))
        kept.setdefault(os.path.getsize(source), []).append(source)  # noqa: PTH202
    digests: dict[int, set[str]] = {}
    found = []
    for name, entry in _listed(folder):
        if _is_foreign(name, entry):
            found.append(name)
            continue
        if not name.startswith(f"{MEDIA}/") or entry.is_dir(follow_symlinks=False):
            continue
        try:
            status = entry.stat()
        except OSError:  # a link that leads nowhere
            found.append(name)
            continue
        if identity(entry.path) in identities:
            continue
        size = status.st_size
        if stat.S_ISREG(status.st_mode) and size in kept:
            if size not in digests:
                digests[size] = {_digest(source) for source in kept[size]}
            if _digest(entry.path) in digests[size]:
                continue
        found.append(name)
    return found


def files_of(folder: Path) -> list[str]:
    """Paths of all regular files in ``folder``."""
    return [entry.path for _, entry in _listed(folder) if entry.is_file()]


def seen(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What is in ``folder``: file → size, time of the last change and number."""
    stats = ((name, entry.stat(follow_symlinks=False)) for name, entry in _listed(folder))
    return {name: (s.st_size, s.st_mtime_ns, s.st_ino) for name, s in stats if not stat.S_ISDIR(s.st_mode)}


def _listed(folder: Path, below: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Each entry in ``folder`` with its path from there, in order. Links are not followed."""
    with os.scandir(os.path.join(folder, below)) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.name in _NOBODYS:
                continue
            yield name, entry
            if entry.is_dir(follow_symlinks=False):
                yield from _listed(folder, name)


def _is_foreign(name: str, entry: os.DirEntry[str]) -> bool:
    """Whether an entry is none of a bundle's own. What is inside of a folder that is foreign is named by that."""
    if "/" in name:
        return False
    if name == MEDIA:
        return not entry.is_dir(follow_symlinks=False)
    return name not in (CONTENT, VERSION) or not entry.is_file(follow_symlinks=False)


def _digest(path: str) -> str:
    """For telling files apart, not against forgery."""
    digest = xxhash.xxh3_128()
    with guard.opened(Path(path)) as file:
        while chunk := file.read(_CHUNK):
            child.raise_if_unwanted(path)
            digest.update(chunk)
    return digest.hexdigest()


def _loss(folder: Path, names: list[str]) -> LossyTimelineError:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return LossyTimelineError(
        f"would be replaced as a whole, and the new bundle has no {shown}: lost for good",
        path=folder,
        hint="Name another file with -o, or move them away first",
    )
