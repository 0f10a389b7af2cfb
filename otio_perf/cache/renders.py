"""What was rendered: chunks, and the regions that were joined of them. One small JSON a file is the truth; there is no index.

::

    renders/
    ├── short_film_01-00-02-00_48.mov   a region, as timelines refer to it
    ├── chunks/<key>.mov
    └── records/<key>.json              one for each of them

A file is where its record says, so that finding it is one read, and many runs may work at once.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from otio_perf.cache import names
from otio_perf.cache.manifests import stem, touch
from otio_perf.cache.workspace import Workspace, write_whole
from otio_perf.errors import CacheError, DiskFullError
from otio_perf.model import wire

#: Some file systems keep times to two seconds (FAT), and servers round them after the file was closed.
_MTIME_TOLERANCE_NS = 2_000_000_000
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_TOUCHED = "its modification time has changed"


class RenderKind(StrEnum):
    CHUNK = "chunk"
    REGION = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """A file that was rendered or joined. ``key`` says what its frames are; of a region, its timecode too."""

    key: str
    kind: RenderKind
    path: str
    frames: int
    size_bytes: int
    digest: str  # of the file's bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    render: Render  # path relative to the folder ``renders``
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Renders:
    """The renders of ``workspace``."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        return self.workspace.renders

    def chunk_path(self, key: str) -> Path:
        return self.workspace.chunks / f"{stem(key)}{names.SUFFIX}"

    def region_names(self) -> RegionNames:
        """Names for regions that are to be joined, while nobody else joins any here (``Workspace.lock``)."""
        return RegionNames(self.folder, {names.same_name(self._absolute(r)): r.render.key for r in self._records()})

    def get(self, key: str) -> Render | None:
        """The render ``key`` if its file is there and unchanged (size, modification time); it counts as used."""
        found = self.peek(key)
        if found is not None:
            touch(self.record_path(key))
        return found

    def peek(self, key: str) -> Render | None:
        """As ``get``; nothing is touched."""
        record = self._read(self.record_path(key))
        return None if record is None or _state(self._absolute(record), record) is not None else self._outward(record)

    def stems(self) -> set[str]:
        """Of what is on record (``manifests.stem``), there or not."""
        return {path.stem for path in (self.folder / "records").glob("*.json")}

    def put(self, render: Render) -> None:
        """Record a finished file.

        :raises CacheError: it is not there, or not of ``render.size_bytes``. :raises DiskFullError: no room for the record.
        """
        path = Path(render.path)
        try:
            stat = path.stat()
        except OSError as e:
            raise CacheError(f"finished render is not there: {e.strerror}", path=path) from e
        if stat.st_size != render.size_bytes:
            raise CacheError(f"finished render has {stat.st_size} bytes, not {render.size_bytes}", path=path)
        inward = Render(
            key=render.key,
            kind=render.kind,
            path=path.relative_to(self.folder).as_posix(),
            frames=render.frames,
            size_bytes=render.size_bytes,
            digest=render.digest,
        )
        target = self.record_path(render.key)
        try:
            write_whole(target, wire.dumps(_Record(render=inward, mtime_ns=stat.st_mtime_ns)))
        except OSError as e:
            kind = DiskFullError if e.errno in _FULL else CacheError
            raise kind(f"cannot be written: {e.strerror}", path=target, hint="make room: otio-perf cache clear renders") from e

    def present(self) -> tuple[Render, ...]:
        """All whose file is there and unchanged."""
        return tuple(self._outward(r) for r in self._records() if _state(self._absolute(r), r) is None)

    def recorded(self) -> int:
        return sum(1 for _ in self._records())

    def faults(self, digest: Callable[[Path], str], *, repair: bool) -> Iterator[tuple[str, str, str | None]]:
        """Path, what is wrong with it, and what was done about it: as ``housekeeping.verify``."""
        for record in list(self._records()):
            render = self._outward(record)
            path = Path(render.path)
            problem = _problem(path, record, digest)
            if problem is None:
                continue
            done = None
            if repair and problem is _TOUCHED:
                self.put(render)
                done = "taken back"
            elif repair:
                self._forget(record)
                done = "will be made anew"
            yield render.path, problem, done

    def forget(self, key: str) -> None:
        """Delete the file of ``key``, if it has one: it turned out not to be what it was."""
        record = self._read(self.record_path(key))
        if record is not None:
            self._forget(record)

    def clear(self, *, keep: Container[str] = (), dry_run: bool = False) -> tuple[tuple[RenderKind, int], ...]:
        """Delete all chunks and regions: kind and bytes of each file that went.

        :param keep: paths of regions that stay.
        :param dry_run: delete nothing, say what would go.
        """
        free = self._size if dry_run else self._forget
        going = [r for r in self._records() if r.render.kind is RenderKind.CHUNK or str(self._absolute(r)) not in keep]
        return tuple((r.render.kind, size) for r in going if (size := free(r)) is not None)

    # ---- records

    def damaged_records(self) -> tuple[Path, ...]:
        """Records that cannot be read, or speak of files elsewhere."""
        return tuple(p for p in sorted((self.folder / "records").glob("*.json")) if self._read(p) is None)

    def unrecorded(self) -> tuple[tuple[RenderKind, Path], ...]:
        """Finished files that are on no record: their run was killed between giving them their names and recording them."""
        recorded = {names.same_name(r.render.path) for r in self._records()}
        return tuple(
            (kind, path)
            for kind, folder in ((RenderKind.CHUNK, self.workspace.chunks), (RenderKind.REGION, self.folder))
            for path in sorted(folder.glob(f"[!.]*{names.SUFFIX}"))
            if names.same_name(path.relative_to(self.folder).as_posix()) not in recorded
        )

    def record_path(self, key: str) -> Path:
        return self.folder / "records" / f"{stem(key)}.json"

    def _records(self) -> Iterator[_Record]:
        for path in sorted((self.folder / "records").glob("*.json")):
            record = self._read(path)
            if record is not None:
                yield record

    def _read(self, path: Path) -> _Record | None:
        """``None`` where it is missing, damaged, or speaks of a file elsewhere."""
        try:
            record = wire.loads(_Record, path.read_bytes())
        except (OSError, ValueError):
            return None
        here = self.folder.absolute()
        return record if (here / record.render.path).resolve().is_relative_to(here.resolve()) else None

    def _absolute(self, record: _Record) -> Path:
        return self.folder / record.render.path

    def _outward(self, record: _Record) -> Render:
        r = record.render
        path = str(self._absolute(record))
        return Render(key=r.key, kind=r.kind, path=path, frames=r.frames, size_bytes=r.size_bytes, digest=r.digest)

    def _size(self, record: _Record) -> int | None:
        try:
            return self._absolute(record).stat().st_size
        except OSError:
            return None

    def _forget(self, record: _Record) -> int | None:
        """Bytes freed; ``None``: no file was deleted."""
        path = self._absolute(record)
        freed = None
        try:
            size = path.stat().st_size
            path.unlink()
            freed = size
        except FileNotFoundError:
            pass
        except OSError:
            return None  # still open somewhere (Windows): it stays on record
        self.record_path(record.render.key).unlink(missing_ok=True)
        return freed


class RegionNames:
    """Names of regions. :param owners: keys by the names that are given"""

    def __init__(self, folder: Path, owners: dict[str, str]) -> None:
        self._folder, self._owners = folder, owners

    def path(self, timeline: str, timecode: str, frames: int, *, key: str) -> Path:
        """``short_film_01-00-02-00_48.mov``; where other frames have that name, with a piece of ``key``.

        A file that a timeline may refer to is never given other content.
        """
        label = timecode.replace(":", "-").replace(";", "-")
        wanted = self._folder / f"{names.safe_stem(f'{timeline}.otio')}_{label}_{frames}{names.SUFFIX}"

        def taken(candidate: Path) -> str | None:
            found = self._owners.get(names.same_name(candidate))
            return found if found is not None or not candidate.exists() else "nobody's"

        path = names.free_name(wanted, key=key, taken=taken)
        self._owners[names.same_name(path)] = key
        return path


def _state(path: Path, record: _Record) -> str | None:
    """What is wrong with the file, as far as a look at its size and time tells."""
    try:
        stat = path.stat()
    except OSError as e:
        return f"cannot be read: {e.strerror}"
    if stat.st_size != record.render.size_bytes:
        return f"has {stat.st_size} bytes, not {record.render.size_bytes}"
    return _TOUCHED if abs(stat.st_mtime_ns - record.mtime_ns) > _MTIME_TOLERANCE_NS else None


def _problem(path: Path, record: _Record, digest: Callable[[Path], str]) -> str | None:
    state = _state(path, record)
    if state not in (None, _TOUCHED):
        return state
    try:
        if digest(path) != record.render.digest:
            return "its content has changed"
    except OSError as e:
        return f"cannot be read: {e.strerror}"
    return state
