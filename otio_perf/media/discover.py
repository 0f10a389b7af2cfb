"""Which files under a folder are media: by suffix, numbered pictures as one sequence, proxies and hidden files left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from otio_perf.media import camera
from otio_perf.media.sequences import PICTURE_SUFFIXES, find
from otio_perf.model.uses import Target, TargetKind

#: Suffixes that cameras and editors write. A lying suffix costs one refused probe.
_MOVIES = frozenset(
    ".mp4 .mov .m4v .mkv .webm .avi .mxf .mts .m2ts .ts .mpg .mpeg .m2v .wmv .asf .flv .3gp .3g2 .dv .ogv .vob .gif".split()
)
MOVING_SUFFIXES = _MOVIES | camera.RAW_SUFFIXES
MEDIA_SUFFIXES = MOVING_SUFFIXES | PICTURE_SUFFIXES
#: Of sounds: no proxies are made of them, but clips in audio tracks mean them.
SOUND_SUFFIXES = frozenset(
    ".wav .wave .bwf .rf64 .w64 .aif .aiff .aifc .caf .flac .mp3 .m4a .aac .ac3 .ogg .oga .opus .wma".split()
)
#: Folders that hold proxies: ours, Resolve's and Kdenlive's. Their files are nobody's rushes.
_PROXY_FOLDERS = frozenset({"proxy", "proxies", ".otio_perf"})
#: Camera-made proxies: found from their original, never as rushes of their own.
_CAMERA_PROXIES = frozenset({".lrv", ".lrf"})


def discover(paths: Iterable[str | Path]) -> Iterator[Target]:
    """Media among ``paths``: files as they are, folders searched through, links followed once and never in a loop.

    A numbered picture named on its own stands for its whole sequence. A path that is not there is a target like any other:
    whoever looks at it says so, and the others go on.
    """
    seen: set[str] = set()
    for path in paths:
        top = Path(path).absolute()
        if top.is_dir():
            files: Iterable[Path] = _walk(top)
        else:
            files = (top,)
        for file in files:
            target = _target(file)
            if target.url not in seen:
                seen.add(target.url)
                yield target


def is_searched(around: str, name: str) -> bool:
    """Are rushes looked for in a folder of this ``name``, that lies in one called ``around``?"""
    return not name.startswith(".") and name.lower() not in _PROXY_FOLDERS and camera.holds_rushes(around, name)


def is_rushes(name: str) -> bool:
    """Is it a medium by its name, and nobody's proxy?"""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - asked of every file of a card
    return not name.startswith(".") and suffix not in _CAMERA_PROXIES and (suffix in MEDIA_SUFFIXES or suffix in SOUND_SUFFIXES)


def _target(file: Path) -> Target:
    sequence = find(str(file)) if file.suffix.lower() in PICTURE_SUFFIXES else None
    if sequence is None:
        return Target(kind=TargetKind.FILE, url=str(file), path=str(file))
    first = sequence.path_of(sequence.first)
    return Target(kind=TargetKind.SEQUENCE, url=first, path=first, sequence=sequence)


def _walk(top: Path) -> Iterator[Path]:
    visited: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(top, followlinks=True):
        folder = Path(root)
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(f for f in folders if is_searched(folder.name, f))
        sequences_seen: set[tuple[str, str]] = set()
        for name in sorted(names):
            file = folder / name
            suffix = file.suffix.lower()
            if not is_rushes(name):
                continue
            if suffix in PICTURE_SUFFIXES:
                # one look per run of numbered pictures: 10,000 frames are one medium
                run = (file.stem.rstrip("0123456789"), suffix)
                if run in sequences_seen:
                    continue
                if find(str(file)) is not None:
                    sequences_seen.add(run)
            yield file
