"""Where time went in what was made last: sums by stage and effect, and a trace of the tasks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from otio_perf.metrics.trace import Trace
from otio_perf.model.events import Outcome, Prerendered, Ready
from otio_perf.model.tasks import PrerenderTask, ProxyTask, Task
from otio_perf.model.timings import TimingKind
from otio_perf.model.views import StageView

#: Tasks that count. Older ones tell of timelines that look otherwise by now.
_TASKS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    name: str
    kind: str
    calls: int
    frames: int
    milliseconds: float


class Profile:
    """Hears of every task that ended. ``trace``: where they are drawn."""

    def __init__(self, trace: Trace, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._trace, self._clock = trace, clock
        self._lock = threading.Lock()
        self._tasks: deque[tuple[_Sum, ...]] = deque(maxlen=_TASKS)
        self._free_at: list[float] = []  # when the last task in each lane of the trace ended

    def record(self, task: Task, outcome: Outcome) -> None:
        """What took time in ``task``, once it has ended well."""
        if not isinstance(outcome, (Ready, Prerendered)) or outcome.seconds <= 0:
            return
        ended = self._clock()
        with self._lock:
            self._tasks.append(tuple(_sums(task, outcome)))
            lane = self._lane(ended - outcome.seconds, ended)
        self._trace.complete(task.label, began=ended - outcome.seconds, seconds=outcome.seconds, lane=lane, kind=task.kind)
        if isinstance(outcome, Prerendered):
            self._trace.breakdown(outcome.timings, began=ended - outcome.seconds, lane=lane)

    def stages(self) -> tuple[StageView, ...]:
        """Most time first."""
        with self._lock:
            every = [one for task in self._tasks for one in task]
        names: dict[tuple[str, str], list[_Sum]] = {}
        for one in every:
            names.setdefault((one.kind, one.name), []).append(one)
        views = [_view(kind, name, sums) for (kind, name), sums in names.items()]
        return tuple(sorted(views, key=lambda v: -v.total_ms))

    def trace(self) -> dict[str, Any]:
        """In the Chrome trace-event format."""
        return self._trace.document()

    def _lane(self, began: float, ended: float) -> str:
        """One in which nothing else was at that time: tasks that ran side by side are drawn so."""
        tolerance = 0.05  # an outcome is heard a moment after it came about
        number = next((n for n, free in enumerate(self._free_at) if free <= began + tolerance), len(self._free_at))
        self._free_at[number : number + 1] = [ended]
        return f"worker {number + 1}"


def _sums(task: Task, outcome: Ready | Prerendered) -> Iterator[_Sum]:
    if isinstance(task, ProxyTask) and task.media.picture is not None:
        codecs = ", ".join(dict.fromkeys(f"{p.recipe.codec.value} {p.recipe.rung}" for p in task.products))
        name = f"proxy of {task.media.picture.codec} as {codecs}"
        yield _Sum(name=name, kind="stage", calls=1, frames=task.total, milliseconds=outcome.seconds * 1e3)
    if isinstance(task, PrerenderTask) and isinstance(outcome, Prerendered):
        for timing in outcome.timings:
            yield _Sum(
                name=timing.name,
                kind="stage" if timing.kind is TimingKind.STAGE else "effect",
                calls=timing.count,
                frames=outcome.frames,
                milliseconds=timing.milliseconds,
            )


def _view(kind: str, name: str, sums: list[_Sum]) -> StageView:
    frames, total = sum(s.frames for s in sums), sum(s.milliseconds for s in sums)
    return StageView(
        name=name,
        kind=kind,
        calls=sum(s.calls for s in sums),
        frames=frames,
        total_ms=round(total, 3),
        frame_ms=round(total / max(frames, 1), 3),
    )
