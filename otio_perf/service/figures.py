"""Figures of the service: what a reading of this moment says, and what has been counted since it began."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from otio_perf.metrics import counters
from otio_perf.metrics.gpus import Gpus
from otio_perf.model.events import Outcome, Prerendered, Ready
from otio_perf.model.tasks import Task
from otio_perf.model.views import MetricsView
from otio_perf.service.core import Core

#: Bytes per second are a mean over so long: files come whole, one now and then.
_WINDOW_SECONDS = 30.0


class Figures:
    """:param cache_bytes: size of the workspace; cheap, or known for a while"""

    def __init__(self, core: Core, cache_bytes: Callable[[], int]) -> None:
        self._core, self._cache_bytes = core, cache_bytes
        self._gpus = Gpus()
        self._counters = counters.Counters()
        self._written: deque[tuple[float, int]] = deque(maxlen=10_000)  # when, bytes

    def ended(self, task: Task, outcome: Outcome) -> None:
        """Once for each task, however many jobs wanted it."""
        self._counters.ended(task, outcome)
        match outcome:
            case Ready(products=products):
                self._written.append((time.monotonic(), sum(p.size_bytes for p in products)))
            case Prerendered(size_bytes=size_bytes):
                self._written.append((time.monotonic(), size_bytes))

    def read(self) -> MetricsView:
        """A few milliseconds; processor loads are those since the reading before."""
        readings = self._core.meter.read()
        gpus, gpu_reason = self._gpus.read()
        background = self._core.queue.progress(0, 0).background
        cores = max(1, readings.cores)
        since = time.monotonic() - _WINDOW_SECONDS
        return MetricsView(
            at=time.time(),
            processor_load=min(1.0, (readings.own_cores + readings.other_cores) / cores),
            own_processor_load=min(1.0, readings.own_cores / cores),
            memory_used_bytes=readings.own_memory_bytes,
            memory_limit_bytes=readings.memory_bytes,
            machine_memory_available_bytes=readings.available_memory_bytes,
            gpus=gpus,
            gpu_reason=gpu_reason,
            cache_bytes=self._cache_bytes(),
            disk_free_bytes=readings.free_disk_bytes,
            frames_per_second=background.frames_per_second,
            bytes_per_second=sum(size for at, size in tuple(self._written) if at >= since) / _WINDOW_SECONDS,
            queue_waiting=background.waiting,
            queue_running=background.running,
        )

    def exposition(self, view: MetricsView) -> bytes:
        """For Prometheus; its type is ``metrics.counters.CONTENT_TYPE``."""
        return counters.exposition(view, self._counters)
