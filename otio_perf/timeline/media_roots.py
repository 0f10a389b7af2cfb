"""The folders of ``--media-root``: files by name, and by the names of a clip that has nothing else.

One file that is reached in several ways (links, roots inside of each other) is one. Accents count the same however they are
spelled: macOS takes names apart (NFD), others do not.
"""

# ruff: noqa: PTH113, PTH118, PTH119, PTH122
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf.timeline.bundle_folders import identity

#: Folders that Resolve and Kdenlive keep proxies in, called like their originals.
_PROXY_FOLDERS = frozenset({"proxy", "proxies"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffixes:
    """Those of media, in lower case, by what they hold: what a clip called like a file without its suffix may be."""

    moving: frozenset[str] = frozenset()
    stills: frozenset[str] = frozenset()
    sounds: frozenset[str] = frozenset()


NO_SUFFIXES = Suffixes()


class MediaRoots:
    """Indexed when something is looked for the first time."""

    def __init__(self, folders: Iterable[str | os.PathLike[str]], suffixes: Suffixes) -> None:
        self.folders = tuple(map(os.path.abspath, folders))
        self.suffixes = suffixes
        self._by_name: dict[str, list[str]] | None = None
        self._by_clip: dict[str, list[str]] = {}  # "stem.suffix" and "stem.*", in letters of no case

    def below(self, parts: Sequence[str]) -> str | None:
        """The file at the relative path ``parts``, or at the end of it, the longest first; not by its name alone."""
        for start in range(len(parts) - 1):
            for root in self.folders:
                candidate = os.path.join(root, *parts[start:])
                if os.path.isfile(candidate):
                    return candidate
        return None

    def named(self, name: str) -> list[str]:
        """Files of this name."""
        found = self._index().get(_spelled(name), [])
        return _distinct(found, lambda path: os.path.basename(path) == name)

    def of_clip(self, name: str, *, audio: bool) -> list[str]:
        """Files of a name of a clip: with its suffix, in letters of any case; otherwise media that have it as their stem,
        moving pictures before stills, and in an audio track sounds before moving pictures. Where there is none, the same in
        letters of any case throughout."""
        self._index()
        spelled = _spelled(name)
        stem = os.path.splitext(spelled)[0]
        full, called = (self._by_clip.get(_folded(wanted), []) for wanted in (spelled, f"{spelled}.*"))
        kinds = self.suffixes
        order = (kinds.sounds, kinds.moving) if audio else (kinds.moving, kinds.stills)
        groups = [full, *([p for p in called if os.path.splitext(p)[1].lower() in kind] for kind in order)]
        same_case = ([p for p in group if _stem_is(p, stem) or _stem_is(p, spelled)] for group in groups)
        found = next(filter(None, (*same_case, *groups)), [])
        return _distinct(found, lambda path: os.path.basename(path).startswith(os.path.splitext(name)[0]))

    def _index(self) -> dict[str, list[str]]:
        if self._by_name is not None:
            return self._by_name
        self._by_name = {}
        media = self.suffixes.moving | self.suffixes.stills | self.suffixes.sounds
        for root in self.folders:
            for folder, folders, files in os.walk(root):
                folders[:] = sorted(f for f in folders if not f.startswith("."))
                is_proxies = not _PROXY_FOLDERS.isdisjoint(Path(os.path.relpath(folder, root).lower()).parts)
                for file in files:
                    path, name = os.path.join(folder, file), _spelled(file)
                    self._by_name.setdefault(name, []).append(path)
                    if is_proxies or file.startswith("."):
                        continue  # called like the originals beside it
                    stem, suffix = os.path.splitext(name)
                    self._by_clip.setdefault(_folded(name), []).append(path)
                    if suffix.lower() in media:
                        self._by_clip.setdefault(_folded(f"{stem}.*"), []).append(path)
        return self._by_name


def spellings(path: str) -> tuple[str, ...]:
    """``path``, and as other systems spell its accents."""
    return tuple(dict.fromkeys((path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")))))


def _spelled(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return _spelled(name.casefold())


def _stem_is(path: str, stem: str) -> bool:
    return _spelled(os.path.splitext(os.path.basename(path))[0]) == stem


def _distinct(paths: Iterable[str], is_exact: Callable[[str], bool]) -> list[str]:
    """Each file once, under its own name rather than that of a link; those called exactly so, where there are any."""
    found = sorted(set(paths))
    if len(found) > 1:
        by_file: dict[object, str] = {}
        for path in sorted(found, key=os.path.islink):
            by_file.setdefault(identity(path), path)
        found = sorted(by_file.values())
    if len(found) > 1:
        found = [path for path in found if is_exact(path)] or found
    return found
