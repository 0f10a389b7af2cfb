"""Where the time goes while frames are rendered: a stopwatch, and an engine and sources that run by it.

A call costs a few microseconds more than without: less than a thousandth of what is measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, cast

from numpy.typing import NDArray

from otio_perf.effects.cost import costs
from otio_perf.effects.engine import Engine, Image, Step, runs
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Blend, Transition, View
from otio_perf.model.frames import SourceFrame
from otio_perf.model.timings import Timing, TimingKind
from otio_perf.render.sources import Shown, Sources

#: A median of fewer calls than that says nothing of an effect.
_LEAST_CALLS = 4


@dataclass(slots=True)
class _Row:
    count: int = 0
    seconds: float = 0.0
    units: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    """Of one block: by the clock, and what its thread had of the processor."""

    seconds: float = 0.0
    processor_seconds: float = 0.0


class Stopwatch:
    """Adds up what work took, by kind, name and thread; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[TimingKind, str, int], _Row] = {}
        self._threads: dict[int | str, int] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with reading() as taken:
            yield
        self.add(TimingKind.STAGE, name, taken.seconds)

    def add(self, kind: TimingKind, name: str, seconds: float, *, unit_ms: float = 0.0, queue: str = "") -> None:
        """One call in this thread, or in a queue of a device."""
        with self._lock:
            thread = self._threads.setdefault(queue or threading.get_ident(), len(self._threads) + 1)
            row = self._rows.setdefault((kind, name, thread), _Row())
            row.count += 1
            row.seconds += seconds
            if unit_ms > 0:
                row.units.append(unit_ms)

    def timings(self) -> tuple[Timing, ...]:
        """What was added so far, by thread, in the order in which each work came first."""
        with self._lock:
            units = self._units()
            found = [
                Timing(
                    kind=kind,
                    name=name,
                    thread=thread,
                    count=row.count,
                    milliseconds=round(row.seconds * 1e3, 3),
                    unit_ms=units.get((kind, name), 0.0),
                )
                for (kind, name, thread), row in self._rows.items()
            ]
        return tuple(sorted(found, key=lambda timing: timing.thread))

    def _units(self) -> dict[tuple[TimingKind, str], float]:
        """The median over all threads, each without its first call: in that one a file is read, or code is compiled. A short
        render that counted it would teach a hundred times what an effect costs."""
        calls: dict[tuple[TimingKind, str], list[float]] = {}
        for (kind, name, _), row in self._rows.items():
            calls.setdefault((kind, name), []).extend(row.units[1:])
        return {work: round(median(found), 4) for work, found in calls.items() if len(found) >= _LEAST_CALLS}


@contextmanager
def reading() -> Iterator[_Reading]:
    taken = _Reading()
    began, worked = time.perf_counter(), time.thread_time()
    yield taken
    taken.processor_seconds = time.thread_time() - worked
    taken.seconds = time.perf_counter() - began


class MeasuredSources(Sources):
    """Sources whose reading is measured: ``decode``."""

    def __init__(self, watch: Stopwatch, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def read(self, frame: SourceFrame) -> Shown:
        with self._watch.stage("decode"):
            return super().read(frame)


class MeasuredEngine:
    """``engine``, with everything that it does measured: effects, blend modes and transitions by their names in the registry,
    all else as the stage that the method is called.

    Engines on a GPU come back before the work is done. What the device did it says itself: ``upload``, ``compute`` and
    ``download``, each in a row of its own as if it were a thread. Done at the same time they take longer together than the
    render did.
    """

    def __init__(self, engine: Engine, watch: Stopwatch) -> None:
        self._engine, self._watch = engine, watch
        engine.listen(self._heard)

    def _heard(self, stage: str, began: float, ended: float) -> None:
        self._watch.add(TimingKind.STAGE, stage, ended - began, queue=stage)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if not callable(found):
            return found

        def measured(*arguments: Any, **options: Any) -> Any:
            with self._watch.stage(name):
                return found(*arguments, **options)

        setattr(self, name, measured)
        return measured

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        """Pass by pass: what is done in one is measured in one."""
        for _, run in runs(steps, self._engine.fuses):
            with reading() as taken:
                image = self._engine.apply(image, run, view)
            said = costs(run)
            total = sum(said)
            for step, cost in zip(run, said, strict=True):
                share = cost / total if total else 1 / len(run)
                self._watch.add(
                    TimingKind.EFFECT, step.effect.name, taken.seconds * share, unit_ms=_unit_ms(taken, total, view)
                )
        return image

    def storing(self, image: Image, coding: Coding, width: int, height: int) -> Callable[[], list[NDArray[Any]]]:
        with self._watch.stage("store"):
            return self._engine.storing(image, coding, width, height)

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float, view: View) -> Image:
        with reading() as taken:
            image = self._engine.blend(below, above, blend, opacity, view)
        self._watch.add(TimingKind.BLEND, blend.name, taken.seconds)
        return image

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        with reading() as taken:
            image = self._engine.mix(outgoing, incoming, transition, progress, values, view)
        self._watch.add(TimingKind.TRANSITION, transition.name, taken.seconds)
        return image


def measured(engine: Engine, watch: Stopwatch) -> Engine:
    """``engine``, measured by ``watch``."""
    return cast(Engine, MeasuredEngine(engine, watch))


def _unit_ms(taken: _Reading, cost: float, view: View) -> float:
    """Processor milliseconds a megapixel for each unit of ``cost``."""
    return taken.processor_seconds * 1e3 / (cost * view.width * view.height / 1e6) if cost else 0.0
