"""Readings are plausible on any machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from otio_perf.metrics import system


def test_cores_respect_affinity() -> None:
    assert 1 <= system.cores() <= (os.cpu_count() or 1)
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no processor affinity")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert system.cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_memory_is_larger_than_what_is_available() -> None:
    assert 0 < system.available_memory_bytes() <= system.memory_bytes()


def test_the_nearest_existing_folder_is_asked_for_space(tmp_path: Path) -> None:
    there = system.free_disk_bytes(tmp_path)
    later = system.free_disk_bytes(tmp_path / "not" / "yet" / "made")
    assert there > 0
    assert abs(later - there) < 1 << 30


def test_identity_names_processor_cores_and_ffmpeg() -> None:
    name = system.machine_identity("8.1")
    assert name.endswith("8.1")
    assert f"{system.cores()} cores" in name
    assert system.processor_model()
    assert name == system.machine_identity("8.1")


def test_busy_time_grows_with_work() -> None:
    before, own = system.busy_seconds(), time.process_time()
    while time.process_time() - own < 0.2:
        sum(range(1000))
    assert system.busy_seconds() - before >= 0.1
    assert system.load() >= 0
