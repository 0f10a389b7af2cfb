"""Prerendered regions as Kdenlive's own timeline preview: cut into its chunks, put where it looks, and taken away again.

Kdenlive deletes chunks that are newer than the project when it opens that: chunks are written first, the project last.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from otio_perf.cache.players import played_in
from otio_perf.errors import CacheError, OtioPerfError, SettingsError
from otio_perf.media import concat
from otio_perf.media.finished import key_in
from otio_perf.media.pieces import Piece
from otio_perf.model.chunks import Chunk
from otio_perf.model.results import PrerenderReport, PreviewChunk
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.optimizer.chunked import Chunks
from otio_perf.optimizer.places import known_workspaces
from otio_perf.optimizer.regions import Stored
from otio_perf.optimizer.session import Session
from otio_perf.planning.cells import Cells
from otio_perf.timeline import files, projects
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.mlt import overlay, preview, storage
from otio_perf.timeline.mlt.overlay import Overlay
from otio_perf.timeline.mlt.preview import Preview
from otio_perf.timeline.mlt.project import KDENLIVE
from otio_perf.timeline.mlt.sequences import CHUNK_FRAMES

#: Raise it when the same pictures are stored otherwise.
_CHUNK_VERSION = 2
#: By these Kdenlive renders what is left to it, where the document does not say: as its own profile "ProRes", in full size.
_EXTENSION, _PARAMETERS = "mov", "vcodec=prores_ks vb=0 g=1 bf=0 vprofile=0 vendor=ap10 qscale=4"
#: Such files are what their names say; all others hold QuickTime, which MLT knows by its content.
_MATROSKA = "mkv"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewFolder:
    """Where the chunks of the sequence that is read go. ``cells``: its grid, and which of it Kdenlive has filled itself.

    ``taken_over``: chunks that were ours and that Kdenlive has rendered itself since, by sequence. ``output``: the project that
    will play them; ``digest``: of the one that is read.
    """

    folder: Path
    extension: str
    parameters: str
    cells: Cells
    taken_over: Mapping[str, frozenset[int]]
    is_switched_off: bool
    output: Path
    digest: str

    def path(self, cell: int) -> Path:
        return self.folder / f"{cell}.{self.extension}"


def folder_of(timeline: Path, output: Path | None, limits: Limits) -> PreviewFolder | None:
    """``None``: ``output`` is no project of Kdenlive's.

    :raises TimelineError: ``timeline`` is a project that is not changed here, or cannot be read
    """
    if output is None or output.suffix.lower() not in files.PROJECTS:
        return None
    data = projects.text_of(timeline, limits)
    if output.suffix.lower() != KDENLIVE:
        overlay.require_possible(data, timeline)
        return None
    found = preview.shown(data, timeline)
    properties = found.properties
    store = _storage(properties, output)
    folder, extension = store.previews(None if found.is_main else found.sequence), _extension(found)
    taken_over = _taken_over(data, timeline, store)
    own = {cell for cell in found.own if (folder / f"{cell}.{extension}").is_file()}
    own |= _newer(folder, extension, timeline)
    return PreviewFolder(
        folder=folder,
        extension=extension,
        parameters=properties.get(f"{storage.DOCUMENT}previewparameters") or _PARAMETERS,
        cells=Cells(frames=CHUNK_FRAMES, taken=taken_over.get(found.sequence, frozenset()) | own),
        taken_over=taken_over,
        is_switched_off=found.is_switched_off,
        output=output,
        digest=files.digest_of(data),
    )


def require_writable(folder: Path) -> None:
    """Make ``folder`` if it is not there. :raises CacheError: nothing can be written there"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        raise CacheError(
            f"cannot be written to ({e.strerror}), and Kdenlive looks for its preview there",
            path=folder,
            hint="Make it writable, or write .otio",
        ) from e


def tell_switched_off(session: Session, into: PreviewFolder) -> None:
    if into.is_switched_off:
        session.note("the timeline preview is switched off in this project: Timeline > Timeline Preview shows what is rendered")


def zone(timeline: Path, limits: Limits) -> tuple[int, int]:
    """First and last frame of the part that the user has marked in Kdenlive.

    :raises SettingsError: he has marked none, or it is no project of Kdenlive's
    """
    if timeline.suffix.lower() == KDENLIVE:
        found = preview.shown(projects.text_of(timeline, limits), timeline).zone
        if found is not None:
            return found
    raise SettingsError("has no zone", path=timeline, hint="Mark one in Kdenlive and save, or name the part with --range")


class Previews:
    """Stores runs of chunks as the host's own: whole cells, each a file; ``done`` are those of all runs."""

    def __init__(self, session: Session, chunks: Chunks, into: PreviewFolder, timeline: FrameRange) -> None:
        """:param timeline: all of it: the last cell ends with it"""
        self.session, self.chunks, self.into, self.timeline = session, chunks, into, timeline
        self.done: list[PreviewChunk] = []
        self._seen: set[tuple[Path, str]] = set()  # chunks that are there
        self._keys: dict[tuple[object, ...], str] = {}
        self._players: dict[str, list[str]] | None = None  # projects of other edits, by chunk

    def is_there(self, run: Sequence[Chunk]) -> bool:
        return all(self._has(self.into.path(cell.start), self._key(cell, run)) for cell in self._cells(run))

    def held(self, run: Sequence[Chunk]) -> Sequence[tuple[FrameRange, str]]:
        """Cells in which another project plays other pictures: those of one document share a folder, and names in it."""
        found = []
        for cell in self._cells(run):
            path = self.into.path(cell.start)
            if path.is_file() and not self._has(path, self._key(cell, run)) and (players := self._players_of(path)):
                found.append(
                    (cell, f"its place in Kdenlive's preview is taken: {', '.join(players)} plays other pictures there")
                )
        return found

    def _players_of(self, path: Path) -> Sequence[str]:
        if self._players is None:
            roots, output, edit = [self.session.workspace.root], self.into.output, self.into.digest
            self._players = listed({self.into.folder}, roots, replaced=output, digest=edit)
        return self._players.get(str(path), ())

    @contextmanager
    def joining(self) -> Iterator[None]:
        require_writable(self.into.folder)
        self.done = []
        with self.session.workspace.writing():
            yield

    def join(self, run: Sequence[Chunk]) -> Stored | None:
        cells = list(self._cells(run))
        if not cells:
            return None
        made = [self._file(cell, run) for cell in cells]
        self.done += made
        size = sum(Path(one.path).stat().st_size for one in made)
        key = hashlib.blake2b("\n".join(one.key for one in made).encode(), digest_size=16).hexdigest()
        return Stored(cells[0].start, cells[-1].stop, key, made[0].path, size)

    def _cells(self, run: Sequence[Chunk]) -> Iterator[FrameRange]:
        """Those that lie in ``run`` as a whole."""
        step = self.into.cells.frames
        start, stop = run[0].start, run[-1].stop
        for cell in range(-(-start // step) * step, stop, step):
            end = min(cell + step, self.timeline.stop)
            if end <= stop:
                yield FrameRange(cell, end, self.timeline.rate)

    def _file(self, cell: FrameRange, run: Sequence[Chunk]) -> PreviewChunk:
        path, key = self.into.path(cell.start), self._key(cell, run)
        is_new = not self._has(path, key)
        if is_new:
            suffix = f".{_MATROSKA}" if self.into.extension == _MATROSKA else ".mov"
            joined = path if path.suffix == suffix else path.with_name(f".{path.name}{suffix}")
            pieces = [self._piece(chunk, cell) for chunk in _inside(cell, run)]
            concat.join(pieces, joined, frame_rate=cell.rate, key=key, tick=self.session.check_stop)
            if joined != path:
                joined.replace(path)
        return PreviewChunk(start=cell.start, stop=cell.stop, path=str(path), key=key, is_new=is_new)

    def _has(self, path: Path, key: str) -> bool:
        if (path, key) not in self._seen and key_in(path) == key:
            self._seen.add((path, key))
        return (path, key) in self._seen and path.is_file()

    def _piece(self, chunk: Chunk, cell: FrameRange) -> Piece:
        start, stop = max(cell.start, chunk.start) - chunk.start, min(cell.stop, chunk.stop) - chunk.start
        return Piece(path=self.chunks.piece(chunk).path, frames=len(chunk), start=start, stop=stop)

    def _key(self, cell: FrameRange, run: Sequence[Chunk]) -> str:
        """Of its pictures, whatever is rendered around them."""
        inside = _inside(cell, run)
        made = cell.start, *map(self.chunks.key_of, inside)
        if made not in self._keys:
            pieces = [(chunk, self._piece(chunk, cell)) for chunk in inside]
            plans = [plan for chunk, piece in pieces for plan in chunk.plans[piece.start : piece.stop]]
            is_by_processor = any(self.chunks.key_of(chunk) != chunk.key for chunk in inside)
            alone = self.chunks.cut(plans, cell.start)
            words = ["preview", str(_CHUNK_VERSION), *(one.processor_key if is_by_processor else one.key for one in alone)]
            self._keys[made] = hashlib.blake2b("\n".join(words).encode(), digest_size=16).hexdigest()
        return self._keys[made]


def preview_of(into: PreviewFolder, report: PrerenderReport, frame_rate: FrameRate) -> Preview:
    """What a project gets."""
    left = [FrameRange(one.start, one.stop, frame_rate) for one in report.left]
    filled = {one.start for one in report.previews} | into.cells.taken
    return Preview(
        chunks=tuple(
            preview.Chunk(start=one.start, frames=one.stop - one.start, path=one.path, key=one.key) for one in report.previews
        ),
        dirty=tuple(cell for cell in into.cells.touched(left) if cell not in filled),
        extension=into.extension,
        parameters=into.parameters,
        taken_over=into.taken_over,
    )


def keep_older(project: Path, shown: Preview) -> None:
    """Chunks that are newer than the project that was just written, by the clock of another disk, are made as old as that."""
    written = project.stat().st_mtime_ns
    for chunk in shown.chunks:
        with suppress(OSError):
            found = os.stat(chunk.path)  # noqa: PTH116
            if found.st_mtime_ns > written:
                os.utime(chunk.path, ns=(found.st_atime_ns, written))


def removal(timeline: Path, limits: Limits) -> tuple[Preview | Overlay, tuple[PreviewChunk, ...]]:
    """What takes all that we rendered ahead out of the project ``timeline``; and its chunks, as far as they are still ours."""
    if timeline.suffix.lower() != KDENLIVE:
        return Overlay(), ()
    data = projects.text_of(timeline, limits)
    noted = preview.every_shown(data, timeline)
    if not noted:
        return Preview(removes_all=True), ()
    store = _storage(noted[0].properties, timeline)
    taken = _taken_over(data, timeline, store)
    found = [
        PreviewChunk(start=start, stop=start, path=str(path), key=key)
        for one in noted
        for start, key in one.ours.items()
        if (path := _path(store, one, start)).is_file() and start not in taken.get(one.sequence, ())
    ]
    return Preview(taken_over=taken, removes_all=True), tuple(found)


def delete(chunks: Sequence[PreviewChunk], timeline: Path, workspaces: Sequence[Path]) -> int:
    """Delete ``chunks``, which ``timeline`` played, where no project plays them any more, it included.

    :returns: how many went
    """
    playing = listed({Path(chunk.path).parent for chunk in chunks}, workspaces, also=[timeline]) if chunks else {}
    gone = 0
    for chunk in chunks:
        if chunk.path not in playing and key_in(chunk.path) == chunk.key:
            with suppress(OSError):
                Path(chunk.path).unlink()
                gone += 1
    return gone


def listed(
    folders: Collection[Path],
    workspaces: Sequence[Path],
    *,
    also: Sequence[Path] = (),
    replaced: Path | None = None,
    digest: str = "",
) -> dict[str, list[str]]:
    """Chunks in ``folders`` that projects play as they are now: these projects, by path.

    Of those that any workspace knows, and ``also``; but not the one that is to be ``replaced``, and none that is the edit with
    ``digest`` itself.
    """
    noted: dict[str, list[str]] = {str(path.absolute()): [] for path in also}
    for file, players in played_in(dict.fromkeys([*workspaces, *known_workspaces()])).items():
        for player in players if Path(file).parent in folders else ():
            noted.setdefault(player, []).append(file)
    if replaced is not None:
        noted.pop(str(replaced.absolute()), None)
    found: dict[str, list[str]] = {}
    for player, chunks in noted.items():
        try:  # an edit takes them off its list
            data = projects.text_of(player)
            played: Sequence[str] = () if files.digest_of(data) == digest else preview.chunk_paths(data, player)
        except OtioPerfError:  # nobody can tell
            played = chunks
        for chunk in played:  # Kdenlive makes paths relative to the project
            found.setdefault(os.path.normpath(Path(player).parent / chunk), []).append(player)
    return found


def _taken_over(data: bytes, timeline: Path, store: storage.Storage) -> dict[str, frozenset[int]]:
    found = {}
    for one in preview.every_shown(data, timeline):
        paths = {start: _path(store, one, start) for start in one.ours}
        found[one.sequence] = frozenset(start for start, path in paths.items() if path.is_file() and key_in(path) is None)
    return found


def _newer(folder: Path, extension: str, timeline: Path) -> set[int]:
    """Chunks that Kdenlive has rendered since the project was saved: it may have it open, and show them."""
    saved = timeline.stat().st_mtime_ns
    found = {path for path in folder.glob(f"[0-9]*.{extension}") if path.stem.isdecimal() and path.stat().st_mtime_ns > saved}
    return {int(path.stem) for path in found if key_in(path) is None}


def _path(store: storage.Storage, one: preview.Shown, start: int) -> Path:
    return store.previews(None if one.is_main else one.sequence) / f"{start}.{_extension(one)}"


def _extension(found: preview.Shown) -> str:
    return storage.extension_of(found.properties, "previewextension", _EXTENSION)


def _storage(properties: Mapping[str, str], project: Path) -> storage.Storage:
    caches = storage.cache_folders(Path.home(), os.environ, sys.platform)
    return storage.storage_of(properties, project, caches)


def _inside(cell: FrameRange, run: Sequence[Chunk]) -> Sequence[Chunk]:
    """The chunks that hold frames of ``cell``."""
    first = bisect_right(run, cell.start, key=lambda chunk: chunk.start) - 1
    return run[max(0, first) : bisect_left(run, cell.stop, key=lambda chunk: chunk.start)]
