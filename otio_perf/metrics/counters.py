"""Figures in Prometheus's text format: readings of the moment, and what was done since the service started.

Names follow Prometheus's rules (https://prometheus.io/docs/practices/naming): base units, ``_total`` for what only grows.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from otio_perf.model.events import Failed, Outcome, Prerendered, Ready, Skipped
from otio_perf.model.tasks import Task
from otio_perf.model.views import MetricsView

CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Fields of ``MetricsView``: name, what it says.
_GAUGES = {
    "processor_load": ("processor_load_ratio", "Load of the whole machine's processors, 0 to 1."),
    "own_processor_load": ("own_processor_load_ratio", "Load by the service and its workers, of the whole machine, 0 to 1."),
    "memory_used_bytes": ("memory_used_bytes", "Memory that the service and its workers hold."),
    "memory_limit_bytes": ("memory_limit_bytes", "Memory that they may hold."),
    "machine_memory_available_bytes": ("machine_memory_available_bytes", "Memory that any program can have."),
    "cache_bytes": ("cache_bytes", "Size of the workspace."),
    "disk_free_bytes": ("disk_free_bytes", "Free space where the workspace is."),
    "frames_per_second": ("frames_per_second", "Frames that running tasks make."),
    "bytes_per_second": ("bytes_per_second", "Bytes that running tasks write."),
    "queue_waiting": ("queue_waiting", "Tasks that wait."),
    "queue_running": ("queue_running", "Tasks that have begun."),
}

#: Fields of ``GpuView``.
_GPU_GAUGES = {
    "load": ("gpu_load_ratio", "Load of a GPU, 0 to 1."),
    "memory_used_bytes": ("gpu_memory_used_bytes", "Memory of a GPU in use."),
    "memory_total_bytes": ("gpu_memory_bytes", "Memory of a GPU."),
}


class Counters:
    """What was done since the service started. From any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._tasks = Counter("otio_perf_tasks", "Tasks that ended.", ["kind", "outcome"], registry=self.registry)
        self._frames = Counter("otio_perf_frames", "Frames that were made.", ["kind"], registry=self.registry)
        self._bytes = Counter("otio_perf_written_bytes", "Bytes of finished products.", ["kind"], registry=self.registry)
        self._seconds = Counter("otio_perf_work_seconds", "Seconds that tasks worked.", ["kind"], registry=self.registry)
        self._stages = Counter(
            "otio_perf_stage_seconds", "Seconds by stage and effect, of all threads.", ["kind", "stage"], registry=self.registry
        )

    def ended(self, task: Task, outcome: Outcome) -> None:
        """A task has its outcome; once for each task, however many jobs wanted it."""
        kind = task.kind
        self._tasks.labels(kind, _word(outcome)).inc()
        if isinstance(outcome, Ready):
            self._frames.labels(kind).inc(task.total)
            self._bytes.labels(kind).inc(sum(product.size_bytes or 0 for product in outcome.products))
            self._seconds.labels(kind).inc(outcome.seconds)
        elif isinstance(outcome, Prerendered):
            self._frames.labels(kind).inc(outcome.frames)
            self._bytes.labels(kind).inc(outcome.size_bytes)
            self._seconds.labels(kind).inc(outcome.seconds)
            for timing in outcome.timings:
                self._stages.labels(str(timing.kind), timing.name).inc(timing.milliseconds / 1e3)


def exposition(view: MetricsView, counters: Counters | None = None) -> bytes:
    """The text that a Prometheus server reads; its type is ``CONTENT_TYPE``."""
    registry = CollectorRegistry()
    registry.register(_Moment(view))
    return generate_latest(registry) + (b"" if counters is None else generate_latest(counters.registry))


class _Moment(Collector):
    """The readings of one moment."""

    def __init__(self, view: MetricsView) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        for field, (name, help_) in _GAUGES.items():
            if (value := getattr(self._view, field)) is not None:
                yield GaugeMetricFamily(f"otio_perf_{name}", help_, value=value)
        for field, (name, help_) in _GPU_GAUGES.items():
            family = GaugeMetricFamily(f"otio_perf_{name}", help_, labels=["gpu", "name"])
            for number, gpu in enumerate(self._view.gpus):
                if (value := getattr(gpu, field)) is not None:
                    family.add_metric([str(number), gpu.name], value)
            yield family


def _word(outcome: Outcome) -> str:
    match outcome:
        case Failed(error="TaskCancelledError"):
            return "cancelled"
        case Failed():
            return "failed"
        case Skipped():
            return "skipped"
    return "done"
