"""Which timelines play what was made: noted when they are written, so that nothing they need is deleted without a word."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from otio_perf.cache.manifests import Manifests, stem
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError
from otio_perf.model import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    """Paths are relative to the workspace where they lie in it, or in the folder around it."""

    path: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Players:
    """The notes of the workspace at ``root``: one small JSON a timeline."""

    root: Path

    def note(self, timeline: Path, files: Iterable[Path]) -> None:
        """``timeline`` was written, and plays ``files``, wherever they lie.

        :raises CacheError: it cannot be kept.
        """
        written, manifests = timeline.absolute(), Manifests(self.root)
        target = self._file(written)
        played = tuple(sorted({manifests.inward(file) for file in files}))
        if not played:
            target.unlink(missing_ok=True)
            return
        try:
            write_whole(target, wire.dumps(_Player(path=manifests.inward(written), files=played)))
        except OSError as e:
            raise CacheError(f"cannot be written: {e.strerror}", path=target) from e

    def moved(self, old: Path, new: Path) -> None:
        """The timeline ``old`` has taken the place of ``new``, whatever that played. :raises CacheError: it cannot be kept"""
        self.note(new, self.noted(old))
        with suppress(OSError):
            self._file(old).unlink(missing_ok=True)

    def note_more(self, timeline: Path, files: Iterable[Path]) -> None:
        """``timeline`` plays ``files`` besides what was noted. :raises CacheError: it cannot be kept"""
        self.note(timeline, [*self.noted(timeline), *files])

    def noted(self, timeline: Path) -> list[Path]:
        """What ``timeline`` played when it was written."""
        files: tuple[str, ...] = ()
        with suppress(OSError, ValueError):
            files = wire.loads(_Player, self._file(timeline).read_bytes()).files
        return [Path(Manifests(self.root).absolute(file)) for file in files]

    def _file(self, timeline: Path) -> Path:
        return self.root / "timelines" / f"{stem(str(timeline.absolute()))}.json"

    def played(self) -> dict[str, tuple[str, ...]]:
        """Files that timelines play, and are there, by path: paths of these timelines.

        Of those that were noted, which are there and still name the file; copies elsewhere are not known.
        """
        found: dict[str, list[str]] = {}
        manifests = Manifests(self.root)
        for path in sorted((self.root / "timelines").glob("*.json")):
            try:
                player = wire.loads(_Player, path.read_bytes())
                timeline = Path(manifests.absolute(player.path))
                content = timeline.read_bytes() if timeline.suffix.lower() == ".otio" else None
                is_there = content is not None or timeline.exists()
            except (OSError, ValueError):
                continue
            for file in map(manifests.absolute, player.files if is_there else ()):
                is_named = content is None or any(spelling in content for spelling in _spellings(Path(file).name))
                if is_named and Path(file).is_file():
                    found.setdefault(file, []).append(str(timeline))
        return {file: tuple(timelines) for file, timelines in found.items()}


def played_in(roots: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """As ``Players.played``, of several workspaces: timelines of one may play what another has."""
    found: dict[str, dict[str, None]] = {}
    for root in roots:
        for file, timelines in Players(root).played().items():
            found.setdefault(file, {}).update(dict.fromkeys(timelines))
    return {file: tuple(timelines) for file, timelines in found.items()}


def _spellings(name: str) -> Iterator[bytes]:
    """How a file name may stand in a timeline: in a URL, or as JSON writes it."""
    for text in (name, quote(name)):
        yield text.encode("utf-8", "surrogateescape")
        yield json.dumps(text)[1:-1].encode()
