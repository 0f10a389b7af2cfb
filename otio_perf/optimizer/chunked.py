"""Chunks of a timeline: which are missing, how they are made, and put on record. For prerenders and exports alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otio_perf import settings
from otio_perf.cache.renders import Render, RenderKind, Renders
from otio_perf.errors import MediaError
from otio_perf.media import fingerprint, publish
from otio_perf.media.pieces import Piece, whole
from otio_perf.metrics import system
from otio_perf.model.chunks import Chunk
from otio_perf.model.events import Failed, Outcome, Prerendered, Stage
from otio_perf.model.frames import FramePlan
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.tasks import PrerenderTask
from otio_perf.optimizer.composed import Composed
from otio_perf.optimizer.session import Session
from otio_perf.render.chunks import Known, chunks, facts
from otio_perf.render.engines import PROCESSOR, FoundEngine

#: Pictures of the canvas's size, in float32 R'G'B'A, that a core holds while it makes one: three layers with effects at 2160p
#: took 4.0 of one core, and 2.9 of each of four; sources and what waits for the encoder come to it.
_PICTURES_PER_CORE, _PIXEL_BYTES = 5, 16
#: What a process takes that renders from three 4K sources at once (0.7 GB), and half as much again.
_JOB_BYTES = 1 << 30


class Chunks:
    """Those of one timeline, in one recipe. ``takes_alike``: those too that the processor made in place of a GPU: their
    pictures are alike, not equal. A preview may."""

    def __init__(
        self,
        session: Session,
        timeline: Composed,
        recipe: PrerenderRecipe,
        engine: FoundEngine,
        *,
        takes_alike: bool,
        known: Known | None = None,
    ) -> None:
        self.session, self.timeline, self.recipe, self.engine = session, timeline, recipe, engine
        self._takes_alike, self._rendered = takes_alike, set[str]()  # keys, in this run
        self.renders = session.index.renders
        self._digests: dict[str, str] = {}
        self._known = known

    def cut(self, plans: Sequence[FramePlan], start: int) -> tuple[Chunk, ...]:
        """:param plans: of frames ``start``, ``start + 1`` … of the timeline.
        :raises MediaError: a file that effects read (a LUT) cannot be read; it is named.
        """
        for path in {path for files in self.files(plans) for path in files}:
            self._digest(path)
        return chunks(
            plans,
            start=start,
            media=self.timeline.media,
            frame_rate=self.timeline.composition.frame_rate,
            recipe=self.recipe,
            engine=self.engine.name,
            digests=self._digests,
            light=self.timeline.light,
            known=self._known,
        )

    def files(self, plans: Sequence[FramePlan]) -> list[tuple[str, ...]]:
        """Those that the effects of each of ``plans`` read, LUTs say."""
        return [fact.files for fact in facts(plans, self.timeline.media, self._known)]

    def unreadable(self, files: Iterable[str]) -> dict[str, str]:
        """Those of ``files`` that cannot be read, with the reason."""
        found = {}
        for path in files:
            try:
                self._digest(path)
            except MediaError as e:
                found[path] = e.message
        return found

    def _digest(self, path: str) -> str:
        """:raises MediaError"""
        if path not in self._digests:
            self._digests[path] = fingerprint.digest(path, self.session.check_stop)
        return self._digests[path]

    def missing(self, found: Iterable[Chunk]) -> dict[str, Chunk]:
        """Those that are not there yet, by key: what stands in two places is rendered once."""
        return {c.key: c for c in found if self.made(c) is None}

    def made(self, chunk: Chunk) -> Render | None:
        """``chunk``, if it is there: as the engine makes it, or as the processor did where the GPU gave up in this run."""
        keys = [chunk.key]
        if self._takes_alike or chunk.processor_key in self._rendered:
            keys.append(chunk.processor_key)
        return next(filter(None, map(self.there, dict.fromkeys(keys))), None)

    def there(self, key: str) -> Render | None:
        """The chunk or region ``key``, here or in another workspace."""
        return self.renders.get(key) or self.session.shared.render(key)

    def key_of(self, chunk: Chunk) -> str:
        """What is there in its place, or is to come there."""
        if chunk.processor_key == chunk.key:
            return chunk.key
        made = self.made(chunk)
        return chunk.key if made is None else made.key

    def make(self, missing: Mapping[str, Chunk], stage: Stage) -> dict[str, Failed]:
        """Chunks that could not be rendered, by key; messages name the file. What is done is put on record, also where the user
        stops."""
        if not missing:
            return {}
        session = self.session
        session.workspace.clean_orphans(publish.is_part)
        with session.stage(stage, len(missing)):
            outcomes = session.run(self.tasks(missing.values()), workers=self._jobs(), done=self.record)
            session.workspace.clean_orphans(publish.is_part)  # of workers that died
        return self.failed(missing, outcomes)

    def _jobs(self) -> int:
        """How many are made at once: one process a GPU; the processor's engine shares its cores with the decoders and the
        encoder."""
        if self.engine.name != PROCESSOR:
            return max(1, len(self.engine.devices))
        return self.session.settings.jobs or most_jobs(self.session.jobs)

    def tasks(self, missing: Iterable[Chunk]) -> tuple[PrerenderTask, ...]:
        """Each with the cores that it may use: the queue divides them among those that run at once."""
        cores = most_cores(self.recipe.size_for(*self.timeline.canvas))
        return tuple(self._task(chunk, cores=cores) for chunk in missing)

    def failed(self, missing: Mapping[str, Chunk], outcomes: Mapping[str, Outcome]) -> dict[str, Failed]:
        """What of ``missing`` could not be rendered, by key; messages name the file."""
        labels = set(map(self.label, missing.values()))
        return {
            key: o if o.path is None or o.path in labels else replace(o, message=f"{Path(o.path).name}: {o.message}")
            for key, o in outcomes.items()
            if isinstance(o, Failed) and key in missing
        }

    def piece(self, chunk: Chunk) -> Piece:
        made = self.made(chunk)
        return whole(str(self.renders.chunk_path(chunk.key)) if made is None else made.path, len(chunk))

    def forget_damaged(self, path: str | Path | None, found: Iterable[Chunk]) -> None:
        """Somebody damaged the file at ``path``: if it is one of these, the next run makes it anew."""
        for key in {key for chunk in found for key in (chunk.key, chunk.processor_key)}:
            if path is not None and Path(path) == self.renders.chunk_path(key):
                self.renders.forget(key)

    def _task(self, chunk: Chunk, *, cores: int) -> PrerenderTask:
        is_on_gpu = self.engine.name != PROCESSOR
        return PrerenderTask(
            key=chunk.key,
            plans=chunk.plans,
            media={name: self.timeline.media[name] for name in chunk.media},
            files={path: self._digests[path] for path in chunk.files},
            frame_rate=chunk.frame_rate,
            recipe=chunk.recipe,
            colour=chunk.colour,
            light=chunk.light,
            path=str(self.renders.chunk_path(chunk.key)),
            workspace=str(self.session.workspace.root),
            gpu=self.session.settings.gpu if is_on_gpu else "off",
            processor_key=chunk.processor_key if is_on_gpu else "",
            processor_path=str(self.renders.chunk_path(chunk.processor_key)) if is_on_gpu else "",
            devices=self.engine.devices,
            hardware=self.engine.decoders,
            encoder=self.engine.encoder,
            kernels=str(settings.kernels_folder()) if is_on_gpu else "",
            cores=cores,
            label=self.label(chunk),
            stall_seconds=float(self.session.settings.stall_seconds),
        )

    def label(self, chunk: Chunk) -> str:
        """For people: its timecodes."""
        label = self.timeline.composition.timecode
        return f"{label(chunk.start)} – {label(chunk.stop)}"

    def record(self, outcome: Outcome) -> None:
        """Put a chunk that was made on record."""
        if isinstance(outcome, Prerendered):
            put(self.renders, outcome)
            self.heard(outcome)

    def heard(self, outcome: Outcome) -> None:
        """A chunk was made, and is on record."""
        if isinstance(outcome, Prerendered):
            self._rendered.add(outcome.chunk)
            if self.engine.name != PROCESSOR == outcome.engine:
                self.session.note(f"not everything was rendered by the GPU: {outcome.notes[0]}")


def put(renders: Renders, made: Prerendered) -> None:
    """Put it on record. :raises CacheError: it is gone, or there is no room for the record"""
    renders.put(
        Render(
            key=made.chunk,
            kind=RenderKind.CHUNK,
            path=made.path,
            frames=made.frames,
            size_bytes=made.size_bytes,
            digest=made.digest,
        )
    )


def most_jobs(usual: int) -> int:
    """Two at least, where there are two cores and memory for both: those that one leaves idle where it begins and ends are the
    other's. (6 s of 1080p on two cores: 8.1 s instead of 10.2, and 640 MB instead of 450.)"""
    has_room = system.cores() > 1 and system.available_memory_bytes() >= 2 * _JOB_BYTES
    return max(usual, 2) if has_room else usual


def most_cores(size: tuple[int, int]) -> int:
    """That may be kept busy with pictures of ``size``: one a core, which memory must hold."""
    held = size[0] * size[1] * _PICTURES_PER_CORE * _PIXEL_BYTES
    return max(1, min(system.cores(), system.available_memory_bytes() // held))


def new_frames(found: Sequence[Chunk], missing: Mapping[str, Chunk]) -> int:
    """Frames of ``found`` that are missing, counted where they first appear: a clip that is there twice is rendered once."""
    return sum(len(c) for c in found if c.key in missing and missing[c.key].start == c.start)


def warn_of_full_disk(session: Session, *predicted: tuple[int, Path]) -> None:
    """:param predicted: bytes, and the folder that is there in which they will be written"""
    disks: dict[int, list[tuple[int, Path]]] = {}
    for size_bytes, folder in predicted:
        disks.setdefault(_disk_of(folder), []).append((size_bytes, folder))
    for needs in disks.values():
        need, folder = sum(size_bytes for size_bytes, _ in needs), needs[0][1]
        free = system.free_disk_bytes(folder)
        if need > free:
            told = f"about {need / 1e9:.1f} GB to write, {free / 1e9:.1f} GB free"
            session.note(f"the disk of {folder} may become full: {told}")


def _disk_of(folder: Path) -> int:
    return folder.stat().st_dev
