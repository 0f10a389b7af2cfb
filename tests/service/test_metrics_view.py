"""Readings are taken while somebody looks or something works, and never else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from otio_perf.metrics.trace import Trace
from otio_perf.model.events import Failed, Prerendered
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.tasks import PrerenderTask
from otio_perf.model.timing import FrameRate
from otio_perf.model.timings import Timing, TimingKind
from otio_perf.model.views import MetricsView
from otio_perf.service import metrics_view
from otio_perf.service.metrics_view import Readings
from otio_perf.service.profile import Profile


def view() -> MetricsView:
    return MetricsView(
        at=time.time(),
        processor_load=0.0,
        own_processor_load=0.0,
        memory_used_bytes=0,
        memory_limit_bytes=0,
        machine_memory_available_bytes=0,
        gpus=(),
        gpu_reason="none",
        cache_bytes=0,
        disk_free_bytes=0,
        frames_per_second=0.0,
        bytes_per_second=0.0,
        queue_waiting=0,
        queue_running=0,
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("_EVERY_SECONDS", 0.05), ("_LOOKING_SECONDS", 0.3), ("_FRESH_SECONDS", 0.02)):
        monkeypatch.setattr(metrics_view, name, seconds)


Made = tuple[Readings, list[MetricsView], list[bool]]


@pytest.fixture
def made(quick: None) -> Iterator[Made]:
    """Readings, those that were told, and whether something works (the last counts)."""
    told: list[MetricsView] = []
    works = [False]
    readings = Readings(view, lambda: works[-1], told.append)
    readings.start()
    yield readings, told, works
    readings.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_read_while_nobody_looks(made: Made) -> None:
    readings, told, _ = made
    time.sleep(0.3)
    assert told == []
    first = readings.now()
    until(lambda: bool(readings.hour()) and len(told) >= 3)  # who looks is read for, also between two looks
    until(lambda: time.time() - told[-1].at > 0.4)  # and then no more
    many = len(told)
    time.sleep(0.3)
    assert len(told) == many and readings.hour()[0] == first


def test_readings_are_taken_while_something_works(made: Made) -> None:
    readings, told, works = made
    works.append(True)
    readings.wake()
    until(lambda: len(told) >= 8)
    works.append(False)
    until(lambda: time.time() - told[-1].at > 0.4)
    assert len(readings.hour()) == len(told)


def test_many_who_look_at_once_share_a_reading(made: Made) -> None:
    readings, told, _ = made
    many = [readings.now() for _ in range(50)]
    assert len({id(one) for one in many}) < 25 and len(told) < 25


def test_it_ends_at_once(made: Made) -> None:
    began = time.monotonic()
    made[0].close()
    assert time.monotonic() - began < 2


def test_time_is_told_by_stage_and_effect() -> None:
    trace = Trace(most=100)
    profile = Profile(trace)
    task = PrerenderTask(
        key="k", plans=(), media={}, frame_rate=FrameRate(24), recipe=PrerenderRecipe(),
        path="/x.mov", workspace="/w", label="cut.otio 0–4",
    )  # fmt: skip
    timings = (
        Timing(kind=TimingKind.STAGE, name="decode h264", thread=1, count=4, milliseconds=40.0),
        Timing(kind=TimingKind.EFFECT, name="gaussian_blur", thread=1, count=4, milliseconds=100.0),
    )
    done = Prerendered(
        key="k", chunk="k", path="/x.mov", frames=4, size_bytes=1, digest="", seconds=0.2, engine="cpu", timings=timings
    )
    for _ in range(2):
        profile.record(task, done)
    profile.record(task, Failed(key="k", error="TaskError", message="no"))
    stages = {stage.name: stage for stage in profile.stages()}
    assert list(stages) == ["gaussian_blur", "decode h264"]
    blur = stages["gaussian_blur"]
    assert (blur.kind, blur.calls, blur.frames, blur.total_ms, blur.frame_ms) == ("effect", 8, 8, 200.0, 25.0)
    names = [event["name"] for event in profile.trace()["traceEvents"] if event["ph"] == "X"]
    assert names.count("cut.otio 0–4") == 2 and "effect gaussian_blur" in names
    lanes = {event["args"]["name"] for event in profile.trace()["traceEvents"] if event["name"] == "thread_name"}
    assert {"worker 1", "worker 2"} <= lanes  # both took their time at the same time
