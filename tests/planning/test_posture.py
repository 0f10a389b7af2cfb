"""How much the background works: what the user does, the machine's readings, the settings. Readings are made up: no machine
has all of a battery, a full disk and busy neighbours at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from otio_perf.model.readings import Readings
from otio_perf.model.views import Activity
from otio_perf.planning.posture import MANNERS, QUIET_SECONDS, posture

CALM = Readings(
    cores=8,
    own_cores=0,
    other_cores=0,
    memory_bytes=16 << 30,
    available_memory_bytes=8 << 30,
    own_memory_bytes=0,
    free_disk_bytes=100 << 30,
)


@pytest.mark.parametrize(
    ("change", "priority", "slots", "reason"),
    [
        ({}, "normal", 4, ""),
        ({"other_cores": 1.0}, "low", 4, ""),
        ({"other_cores": 3.0}, "normal", 2, "other programs use 38% of the processors"),
        ({"other_cores": 5.0}, "low", 0, "other programs use 62% of the processors"),
        ({"other_cores": 8.0}, "normal", 1, "other programs use 100% of the processors"),
        ({"other_cores": 8.0}, "high", 1, "other programs use 100% of the processors"),
        ({"is_on_battery": True, "battery_percent": 99.0}, "low", 0, "battery at 99 %"),
        ({"is_on_battery": True, "battery_percent": 80.0}, "normal", 1, "on battery, at 80 %"),
        ({"is_on_battery": True, "battery_percent": 18.0}, "normal", 0, "battery at 18 %"),
        ({"is_on_battery": True, "battery_percent": 18.0}, "high", 4, ""),
        ({"is_on_battery": True, "battery_percent": 9.0}, "high", 0, "battery at 9 %"),
        ({"battery_percent": 9.0}, "low", 4, ""),  # it is being charged
        ({"free_disk_bytes": 900_000_000}, "high", 0, "0.9 GB are free on the workspace's disk, 2.0 stay free"),
        ({"free_disk_bytes": None}, "normal", 4, ""),
        ({"available_memory_bytes": 1 << 30}, "normal", 1, "1.1 GB of memory are left"),
        ({"available_memory_bytes": 500 << 20}, "normal", 0, "524 MB of memory are left"),
    ],
)
def test_the_machine_limits_the_background(change: dict[str, Any], priority: str, slots: int, reason: str) -> None:
    readings = replace(CALM, **change)
    found = posture(readings, Activity.IDLE, jobs=4, background_priority=priority, disk_reserve_bytes=2_000_000_000)
    assert (found.slots, found.reason, found.suspended) == (slots, reason, slots == 0)
    assert found.niceness == MANNERS[priority].niceness


@pytest.mark.parametrize("priority", MANNERS)
@pytest.mark.parametrize(
    ("activity", "quiet_seconds", "reason"),
    [
        (Activity.PLAYING, 100, "the user plays"),
        (Activity.EXPORTING, 100, "the user exports"),
        (Activity.EDITING, QUIET_SECONDS - 0.1, "the user edits"),
        (Activity.EDITING, QUIET_SECONDS, ""),
        (Activity.IDLE, 0, ""),
    ],
)
def test_the_user_comes_first_whatever_the_settings(
    priority: str, activity: Activity, quiet_seconds: float, reason: str
) -> None:
    found = posture(CALM, activity, jobs=4, background_priority=priority, quiet_seconds=quiet_seconds)
    assert (found.reason, found.suspended) == (reason, bool(reason))


@given(
    others=st.floats(0, 64),
    available=st.integers(0, 64 << 30),
    disk=st.none() | st.integers(0, 1 << 40),
    battery=st.none() | st.floats(0, 100),
    activity=st.sampled_from(Activity),
    jobs=st.integers(1, 64),
    priority=st.sampled_from(sorted(MANNERS)),
)
def test_there_is_always_an_answer_and_a_reason_for_less(
    others: float, available: int, disk: int | None, battery: float | None, activity: Activity, jobs: int, priority: str
) -> None:
    readings = replace(
        CALM,
        other_cores=others,
        available_memory_bytes=available,
        free_disk_bytes=disk,
        battery_percent=battery,
        is_on_battery=battery is not None,
    )
    found = posture(readings, activity, jobs=jobs, background_priority=priority, quiet_seconds=0, disk_reserve_bytes=1 << 30)
    assert 0 <= found.slots <= jobs
    assert found.suspended == (found.slots == 0)
    assert bool(found.reason) == (found.slots < jobs)
