"""Which media lie in a folder now. Links are not followed: what a link within the folder means is there by itself, and what
lies outside was not asked for. A folder that is mounted within itself is known by device and inode, and not entered."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath

from otio_perf.media.discover import is_rushes, is_searched
from otio_perf.media.sequences import PICTURE_SUFFIXES
from otio_perf.watch.settle import Seen

#: Names that copiers give to what is not whole. (They are no media by their suffix; ``clip.tmp.mov`` would be.)
_UNFINISHED = re.compile(r"\.(part|partial|tmp|temp|filepart|crdownload|download|!sync)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts. Patterns are those of shells, without regard to case.

    A pattern without ``/`` is compared with every part of a name (``*.mov``, ``Trash``), one with it with the path below the
    folder that is watched (``A001/*``).
    """

    include: tuple[str, ...] = ()  # only what matches one of them; empty: everything
    exclude: tuple[str, ...] = ()
    is_recursive: bool = True
    own: tuple[str, ...] = ()  # folders of otio-perf's own, absolute: never entered

    def takes(self, relative: str) -> bool:
        """Is the file at ``relative`` (with ``/``) wanted, if it is a medium at all?"""
        name = relative.rpartition("/")[2]
        return (
            is_rushes(name)
            and not _UNFINISHED.search(name)
            and not _matches(relative, self.exclude)
            and (not self.include or _matches(relative, self.include))
        )

    def enters(self, relative: str, absolute: str) -> bool:
        if not self.is_recursive or absolute in self.own or _matches(relative, self.exclude):
            return False
        path = PurePath(absolute)
        return is_searched(path.parent.name, path.name)


def _matches(relative: str, patterns: tuple[str, ...]) -> bool:
    small = relative.lower()
    return any(
        fnmatch(small, pattern.lower()) if "/" in pattern else any(fnmatch(part, pattern.lower()) for part in small.split("/"))
        for pattern in patterns
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one folder holds. ``media`` by ``name_of``."""

    device: int
    inode: int
    media: dict[str, Seen]
    folders: frozenset[str]  # that are entered, absolute


def list_folder(root: str, folder: str, rules: Rules) -> Listing:
    """:raises OSError: it cannot be listed, or is not there"""
    identity = os.stat(folder)  # noqa: PTH116 - as fast as can be, here and below
    media: dict[str, Seen] = {}
    folders = set()
    prefix = len(root.rstrip(os.sep)) + 1
    with os.scandir(folder) as entries:
        for entry in entries:
            relative = entry.path[prefix:].replace(os.sep, "/")
            try:
                if entry.is_dir(follow_symlinks=False):
                    if rules.enters(relative, entry.path):
                        folders.add(entry.path)
                elif entry.is_file(follow_symlinks=False) and rules.takes(relative):
                    status = entry.stat(follow_symlinks=False)
                    seen = Seen(entry.path, 1, status.st_size, status.st_mtime_ns, status.st_ino)
                    name = name_of(entry.path)
                    before = media.get(name)
                    media[name] = seen if before is None else _together(before, seen)
            except OSError:
                continue  # gone since it was listed
    return Listing(device=identity.st_dev, inode=identity.st_ino, media=media, folders=frozenset(folders))


def walk(root: str, folder: str, rules: Rules) -> Iterator[tuple[str, Listing | OSError]]:
    """Every folder from ``folder`` down, each with what it holds, or why that cannot be said; none within itself."""
    ahead = [(folder, _around(root, folder))]
    while ahead:
        here, around = ahead.pop()
        try:
            listing = list_folder(root, here, rules)
        except OSError as error:
            yield here, error
            continue
        identity = (listing.device, listing.inode)
        if identity not in around:
            yield here, listing
            ahead += [(below, around | {identity}) for below in sorted(listing.folders, reverse=True)]


def _around(root: str, folder: str) -> frozenset[tuple[int, int]]:
    """Identities of the folders from ``root`` to the one that ``folder`` lies in."""
    found = set()
    while folder != root:
        folder = os.path.dirname(folder)  # noqa: PTH120
        with suppress(OSError):
            status = os.stat(folder)  # noqa: PTH116
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)


def name_of(path: str) -> str:
    """What a medium is known by in a listing: a file by its path, numbered pictures by theirs without the number."""
    stem, suffix = os.path.splitext(path)  # noqa: PTH122
    without = stem.rstrip("0123456789")
    return f"{without}#{suffix}" if without != stem and suffix.lower() in PICTURE_SUFFIXES else path


def _together(one: Seen, other: Seen) -> Seen:
    first = one if one.path < other.path else other
    return Seen(
        first.path,
        one.files + other.files,
        one.size_bytes + other.size_bytes,
        max(one.mtime_ns, other.mtime_ns),
        first.inode,
    )
