"""Readings, GPUs and Prometheus figures of the machine that the tests run on; what it lacks is made up, and said."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from otio_perf.metrics import processes
from otio_perf.metrics.counters import CONTENT_TYPE, Counters, exposition
from otio_perf.metrics.gpus import Gpus
from otio_perf.metrics.readings import Meter
from otio_perf.model.events import Failed, Prerendered, Skipped
from otio_perf.model.tasks import ProbeTask
from otio_perf.model.timings import Timing, TimingKind
from otio_perf.model.views import GpuView, MetricsView

SPIN = "while True: pass"
SPIN_BELOW = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN!r}])"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_our_work_is_told_from_that_of_others(tmp_path: Path) -> None:
    """One spinning process: our child's child, so that it is ours; somebody else's for who does not know that."""
    spinning = subprocess.Popen([sys.executable, "-c", SPIN_BELOW])
    try:
        mine, theirs = Meter(tmp_path), Meter(tmp_path, children=list)
        end = time.monotonic() + 20
        while sum(c.cpu_times().user for c in processes.descendants(spinning.pid)) < 0.5 and time.monotonic() < end:
            time.sleep(0.05)
        with_it, without = mine.read(), theirs.read()
    finally:
        for child in processes.descendants(spinning.pid):
            child.kill()
        spinning.kill()
        spinning.wait()
    assert processes.descendants(spinning.pid) == []
    assert with_it.own_cores > without.own_cores + 0.05
    assert without.other_cores > 0.05
    assert with_it.own_memory_bytes > without.own_memory_bytes > 1_000_000
    assert 0 < with_it.available_memory_bytes <= with_it.memory_bytes
    assert with_it.free_disk_bytes


def test_others_count_at_their_peak_of_five_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, busy = Clock(), [0.0]
    monkeypatch.setattr("otio_perf.metrics.system.busy_seconds", lambda: busy[0])
    meter = Meter(tmp_path, children=list, clock=clock)
    found = []
    for seconds_busy in (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0):
        clock.now += 1
        busy[0] += seconds_busy
        found.append(round(meter.read().other_cores))
    assert found == [1, 1, 1, 1, 1, 1, 0, 0]


class Battery(NamedTuple):
    percent: float
    power_plugged: bool | None


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (None, (None, False)),
        (Battery(41, False), (41, True)),
        (Battery(41, True), (41, False)),
        (Battery(41, None), (41, False)),
        (FileNotFoundError("/sys/class/power_supply/BAT0/energy_now"), (None, False)),
    ],
)
def test_a_battery_is_read_where_there_is_one(
    battery: Battery | Exception | None, expected: tuple[float | None, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made up: the machines of the tests have none."""

    def read() -> Battery | None:
        if isinstance(battery, Exception):
            raise battery
        return battery

    monkeypatch.setattr(psutil, "sensors_battery", read, raising=False)
    readings = Meter(tmp_path, children=list).read()
    assert (readings.battery_percent, readings.is_on_battery) == expected


def test_a_workspace_on_a_disk_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Any) -> int:
        raise OSError("gone")

    monkeypatch.setattr("otio_perf.metrics.system.free_disk_bytes", fail)
    assert Meter(tmp_path, children=list).read().free_disk_bytes is None


def test_gpus_are_read_or_their_absence_is_said() -> None:
    gpus, reason = Gpus().read()
    assert bool(gpus) != bool(reason)
    for gpu in gpus:
        assert gpu.load is None or 0 <= gpu.load <= 1
        assert 0 < gpu.memory_used_bytes <= gpu.memory_total_bytes


def test_a_process_can_be_suspended_and_made_nicer() -> None:
    spinning = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        assert processes.set_niceness(spinning.pid, 19)
        if sys.platform != "win32":
            assert psutil.Process(spinning.pid).nice() == 19
        assert processes.suspend(spinning.pid)
        end = time.monotonic() + 5
        while not processes.is_suspended(spinning.pid):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert processes.resume(spinning.pid)
        assert not processes.is_suspended(spinning.pid)
    finally:
        spinning.kill()
        spinning.wait()
    gone = spinning.pid
    assert not processes.suspend(gone)
    assert not processes.resume(gone)
    assert not processes.set_niceness(gone, 5)
    assert not processes.is_suspended(gone)


def view(gpus: tuple[GpuView, ...] = ()) -> MetricsView:
    return MetricsView(
        at=0,
        processor_load=0.5,
        own_processor_load=0.25,
        memory_used_bytes=7,
        memory_limit_bytes=8,
        machine_memory_available_bytes=9,
        gpus=gpus,
        gpu_reason="",
        cache_bytes=10,
        disk_free_bytes=11,
        frames_per_second=12.5,
        bytes_per_second=13,
        queue_waiting=14,
        queue_running=15,
    )


def test_prometheus_can_read_what_we_say() -> None:
    counters, task = Counters(), ProbeTask(path="a")
    timings = (Timing(kind=TimingKind.EFFECT, name="gaussian_blur", thread=1, count=2, milliseconds=1500),)
    rendered = Prerendered(
        key="k", chunk="k", path="p", frames=24, size_bytes=1000, digest="", seconds=2.5, engine="cpu", timings=timings
    )
    counters.ended(task, rendered)
    counters.ended(task, Skipped(key="k", reason=""))
    counters.ended(task, Failed(key="k", error="TaskCancelledError", message=""))
    counters.ended(task, Failed(key="k", error="EncodeError", message=""))
    hostile = GpuView(name='a "GPU"\n\\', load=0.75, memory_used_bytes=1, memory_total_bytes=2)
    text = exposition(view((hostile,)), counters).decode()
    samples = {
        (s.name, *sorted(s.labels.items())): s.value for family in text_string_to_metric_families(text) for s in family.samples
    }
    assert samples["otio_perf_queue_waiting",] == 14
    assert samples["otio_perf_frames_per_second",] == 12.5
    assert samples["otio_perf_gpu_load_ratio", ("gpu", "0"), ("name", hostile.name)] == 0.75
    assert {k[2][1]: v for k, v in samples.items() if k[0] == "otio_perf_tasks_total"} == {
        "done": 1,
        "skipped": 1,
        "cancelled": 1,
        "failed": 1,
    }
    assert samples["otio_perf_frames_total", ("kind", "probe")] == 24
    assert samples["otio_perf_stage_seconds_total", ("kind", "effect"), ("stage", "gaussian_blur")] == 1.5
    assert CONTENT_TYPE.startswith("text/plain")


def test_without_a_gpu_nothing_is_made_up() -> None:
    assert "otio_perf_gpu_load_ratio{" not in exposition(view()).decode()


def test_what_cannot_be_read_is_absent() -> None:
    slice_of_one = GpuView(name="MIG", load=None, memory_used_bytes=1, memory_total_bytes=2)
    text = exposition(replace(view((slice_of_one,)), disk_free_bytes=None)).decode()
    assert "otio_perf_gpu_memory_bytes{" in text
    assert "otio_perf_gpu_load_ratio{" not in text and "\notio_perf_disk_free_bytes" not in text
