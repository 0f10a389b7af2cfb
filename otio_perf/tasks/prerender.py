"""Render one chunk of a timeline into a file; the encoder works beside the compositor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

from otio_perf.cache.workspace import Workspace
from otio_perf.effects.cpu.memory import kept
from otio_perf.effects.cpu.threads import one_a_frame
from otio_perf.effects.engine import Engine
from otio_perf.errors import (
    ContractError,
    CorruptMediaError,
    EncodeError,
    OtioPerfError,
    TaskCancelledError,
    UnsupportedMediaError,
)
from otio_perf.media import fingerprint
from otio_perf.media.chunks import ChunkFile, Written, found_chunk, write_chunk
from otio_perf.media.unchanged import Unchanged
from otio_perf.model.events import Prerendered
from otio_perf.model.frames import FramePlan
from otio_perf.model.tasks import PrerenderTask
from otio_perf.render.compositor import Compositor, Reads
from otio_perf.render.engines import PROCESSOR, engine_for, gave_up, stand_in
from otio_perf.render.measured import MeasuredSources, Stopwatch, measured
from otio_perf.render.storing import storing
from otio_perf.render.stream import fetched, streamed

_Made = TypeVar("_Made")

#: Frames that a GPU works on beside the one that is fetched: one is computed and one comes up.
_UNDER_WAY = 2


def run(task: PrerenderTask, *, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Prerendered:
    """:raises MediaError, EffectError, CacheError, TaskCancelledError: the registry makes them a ``Failed``"""
    job = _Job(task, progress, cancelled)
    workspace = Workspace.open(task.workspace)
    if task.gpu == "off":
        job.leave_to_processor()
    locked = job.wanted.key
    with workspace.writing(), workspace.lock(f"chunk {locked}", cancelled=job.is_stopped):
        found = job.found()
        if found is not None:
            return found
        if task.gpu == "off":
            return job.rendered(_Once(job.processor))
        engine, why = engine_for(task.gpu, devices=task.devices, cache_folder=task.kernels or None)
        if engine.name != PROCESSOR:
            try:
                return job.beside_hardware(engine, why)
            except (EncodeError, ContractError) as error:
                if not task.encoder or task.gpu == "on":
                    raise
                why = f"processor, for {task.encoder} gave up: {error.message}"
            except OtioPerfError:
                raise
            except Exception as error:  # noqa: BLE001 (gave_up tells it, or raises)
                why = gave_up(error, task.gpu)
        job.leave_to_processor()
        processor = _Once(partial(job.processor, why))
        if job.wanted.key == locked:
            return job.rendered(processor)
        with workspace.lock(f"chunk {job.wanted.key}", cancelled=job.is_stopped):
            return job.found() or job.rendered(processor)


class _Once(Generic[_Made]):
    """Made by the first thread that asks for it. Loading numba takes half a second, in which sources are decoded already."""

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make, self._lock = make, Lock()
        self._made: list[_Made] = []

    def __call__(self) -> _Made:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class _Job:
    """One task at work."""

    def __init__(self, task: PrerenderTask, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
        self.task, self._progress, self._cancelled, self._done = task, progress, cancelled, 0
        self.watch = Stopwatch()
        self._began = time.monotonic()
        canvas = task.plans[0].width, task.plans[0].height
        self.scale = float(task.recipe.scale_for(*canvas))
        width, height = task.recipe.size_for(*canvas)
        self.wanted = ChunkFile(
            path=task.path,
            key=task.key,
            codec=task.recipe.codec,
            quality=task.recipe.quality,
            has_alpha=task.recipe.keeps_alpha,
            width=width,
            height=height,
            frame_rate=task.frame_rate,
            frames=len(task.plans),
            colour=task.colour,
            light=task.light,
            encoder=task.encoder,
        )

    def leave_to_processor(self) -> None:
        """No GPU renders it, and no hardware encodes it: what is written goes by the processor's key."""
        if self.task.processor_key:
            self.wanted = replace(self.wanted, key=self.task.processor_key, path=self.task.processor_path, encoder="")

    def processor(self, why: str = "processor") -> tuple[Engine, str]:
        """What renders where no GPU does, as the key says: beside other chunks of a GPU it has to look like these."""
        return (stand_in() if self.task.processor_key else engine_for("off")[0]), why

    def is_stopped(self) -> bool:
        self._progress(self._done)
        return self._cancelled()

    def check_stop(self) -> None:
        if self._cancelled():
            raise TaskCancelledError("stopped", path=self.task.label)

    def tick(self) -> None:
        """It comes on."""
        self._progress(self._done)
        self.check_stop()

    def found(self) -> Prerendered | None:
        """What is wanted, if it is there by now."""
        written = found_chunk(self.wanted, tick=self.tick)
        return None if written is None else self._outcome(written, engine="", note="made by another run in the meantime")

    def beside_hardware(self, engine: Engine, why: str) -> Prerendered:
        """Sources are decoded by hardware where it can; if it fails on one, all are decoded in software, which says what is
        wrong."""
        try:
            return self.rendered(_Once(lambda: (engine, why)), is_shared=engine.is_shared, hardware=self.task.hardware)
        except (CorruptMediaError, UnsupportedMediaError) as error:
            if not self.task.hardware:
                raise
            said = f"{why}; decoded in software, for in hardware {error.message}"
            return self.rendered(_Once(lambda: (engine, said)), is_shared=engine.is_shared)

    def rendered(
        self, engine: _Once[tuple[Engine, str]], *, is_shared: bool = True, hardware: Sequence[str] = ()
    ) -> Prerendered:
        """:param is_shared: of ``engine``, and why it was taken."""
        written = self._render(engine, is_shared, hardware)
        loaded, why = engine()
        return self._outcome(written, engine=loaded.name, note=f"rendered by {why}")

    def _render(self, engine: _Once[tuple[Engine, str]], is_shared: bool, hardware: Sequence[str]) -> Written:
        self._done = 0
        self.watch = watch = Stopwatch()
        task = self.task
        if is_shared:
            one_a_frame()
        size = self.wanted.width, self.wanted.height
        compositor = _Once(lambda: Compositor(measured(engine()[0], watch), scale=self.scale))

        def begun(plan: FramePlan, frames: Reads) -> Callable[[], list[Any]]:
            return storing(compositor().reading(frames), plan, self.wanted.layout, self.wanted.colour, size)

        frames = streamed(
            task.plans,
            begun,
            partial(MeasuredSources, watch, task.media, task.frame_rate, hardware=hardware),
            cores=task.cores,
            workers=task.cores if is_shared else 0,
            weigh=self._pixels_of,
            check_stop=self.check_stop,
            tick=self.tick,
        )
        with kept(), closing(frames):
            planes = fetched(frames, 0 if is_shared else _UNDER_WAY)
            return write_chunk(self.wanted, self._counted(planes), cores=task.cores, tick=self.tick, timed=watch.stage)

    def _pixels_of(self, medium: str) -> float:
        video = self.task.media[medium].picture
        return video.width * video.height if video is not None else 1.0

    def _counted(self, frames: Iterator[list[Any]]) -> Iterator[list[Any]]:
        with Unchanged(self.task.media.values(), self.task.files, fingerprint.digest).throughout():
            for planes in frames:
                yield planes
                self._done += 1

    def _outcome(self, written: Written, *, engine: str, note: str) -> Prerendered:
        return Prerendered(
            key=self.task.key,
            chunk=self.wanted.key,
            path=self.wanted.path,
            frames=len(self.task.plans),
            size_bytes=written.size_bytes,
            digest=written.digest,
            seconds=time.monotonic() - self._began,
            engine=engine,
            notes=(note,),
            timings=self.watch.timings(),
        )
