"""Stage timers in the Chrome trace-event format, which https://ui.perfetto.dev opens.

Format: "Trace Event Format" (Google, document 1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU): complete events ``"ph": "X"``
with ``ts`` and ``dur`` in microseconds, and ``"M"`` metadata events that name processes and threads.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from otio_perf.model.events import Event, Prerendered, Ready, TaskFinished, TaskStarted
from otio_perf.model.timings import Timing, TimingKind


@dataclass(slots=True)
class Timed:
    """How long a stage took; 0 while it runs."""

    seconds: float = 0.0


class Trace:
    """Collects what ran when, from any thread. All times are on ``time.monotonic``'s clock, in seconds.

    :param most: so many rows are kept, the newest; ``None``: all
    """

    def __init__(self, *, most: int | None = None) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._events: deque[dict[str, Any]] = deque(maxlen=most)
        self._lanes: dict[str, int] = {}
        self._running: dict[str, tuple[float, str, int]] = {}  # task: began, label, slot

    @contextmanager
    def stage(self, name: str, **args: Any) -> Iterator[Timed]:
        """Time the block; it is recorded even when it raises, with the error's class as ``args["error"]``."""
        began = time.monotonic()
        timed = Timed()
        try:
            yield timed
        except BaseException as e:
            args["error"] = type(e).__name__
            raise
        finally:
            timed.seconds = time.monotonic() - began
            self.complete(name, began=began, seconds=timed.seconds, lane=threading.current_thread().name, **args)

    def hear(self, event: Event) -> None:
        """Record tasks as they start and finish in the workers: tasks that run at the same time get lanes of their own."""
        now = time.monotonic()
        if isinstance(event, TaskStarted):
            with self._lock:
                taken = {slot for _, _, slot in self._running.values()}
                slot = next(n for n in range(1, len(taken) + 2) if n not in taken)
                self._running[event.key] = (now, event.label, slot)
        elif isinstance(event, TaskFinished):
            with self._lock:
                started = self._running.pop(event.key, None)
            if started is not None:
                began, label, slot = started
                outcome = event.outcome
                args = {"outcome": type(outcome).__name__}
                if isinstance(outcome, Ready):
                    args["products"] = ", ".join(p.path for p in outcome.products)
                self.complete(label, began=began, seconds=now - began, lane=f"worker {slot}", **args)
                if isinstance(outcome, Prerendered):
                    self.breakdown(outcome.timings, began=now - outcome.seconds, lane=f"worker {slot}")

    def breakdown(self, timings: Iterable[Timing], *, began: float, lane: str) -> None:
        """Record where the time of a task went: a row for each of its threads, in which the sums stand one after the other.

        When each call was is not known; ``count`` and ``ms each`` are in the details of a sum.
        """
        ends: dict[int, float] = {}
        for timing in timings:
            at = ends.get(timing.thread, began)
            ends[timing.thread] = at + timing.milliseconds / 1e3
            self.complete(
                timing.name if timing.kind is TimingKind.STAGE else f"{timing.kind} {timing.name}",
                began=at,
                seconds=timing.milliseconds / 1e3,
                lane=f"{lane}, thread {timing.thread}: sums",
                **{"count": timing.count, "ms each": round(timing.milliseconds / timing.count, 3)},
            )

    def complete(self, name: str, *, began: float, seconds: float, lane: str, **args: Any) -> None:
        """Record work that was timed elsewhere, such as a worker's task.

        :param began: on ``time.monotonic``'s clock of this machine.
        :param lane: the row it is drawn in, such as ``"worker 2"``.
        """
        with self._lock:
            number = self._lanes.setdefault(lane, len(self._lanes) + 1)
            self._events.append(
                {
                    "name": name,
                    "cat": "otio_perf",
                    "ph": "X",
                    "ts": round((began - self._began) * 1e6, 3),
                    "dur": round(max(0.0, seconds) * 1e6, 3),
                    "pid": os.getpid(),
                    "tid": number,
                    "args": {key: _plain(value) for key, value in args.items()},
                }
            )

    def seconds(self) -> dict[str, float]:
        """Total seconds by stage name, in the order in which they first ended."""
        totals: dict[str, float] = {}
        with self._lock:
            for event in self._events:
                totals[event["name"]] = totals.get(event["name"], 0.0) + event["dur"] / 1e6
        return totals

    def document(self) -> dict[str, Any]:
        """The whole trace."""
        process = os.getpid()
        with self._lock:
            names = [("process_name", 0, "otio-perf"), *(("thread_name", number, lane) for lane, number in self._lanes.items())]
            labels = [
                {"name": kind, "ph": "M", "pid": process, "tid": number, "args": {"name": name}} for kind, number, name in names
            ]
            return {"traceEvents": [*labels, *self._events], "displayTimeUnit": "ms"}

    def to_json(self) -> str:
        """The whole trace as one JSON text."""
        return json.dumps(self.document())


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
