"""Activity and quiet, on a clock of the test's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from otio_perf.errors import SettingsError
from otio_perf.model.views import Activity
from otio_perf.planning.posture import Posture
from otio_perf.service.attention import Attention


class Room:
    def __init__(self) -> None:
        self.now = 1000.0
        self.judged: list[tuple[Activity, float]] = []
        self.taken: list[Posture] = []
        self.works = False
        self.attention = Attention(
            self._judge,
            self.taken.append,
            lambda: self.works,
            guarded=lambda: suppress(ZeroDivisionError),
            clock=lambda: self.now,
        )
        self.failing = False

    def _judge(self, activity: Activity, quiet_seconds: float) -> Posture:
        self.judged.append((activity, quiet_seconds))
        if self.failing:
            raise ZeroDivisionError
        return Posture(slots=len(self.judged))


@pytest.fixture
def room() -> Room:
    return Room()


def test_what_is_said_holds_for_its_time_and_takes_effect_at_once(room: Room) -> None:
    room.attention.set_activity("playing", 5)
    assert room.judged[-1][0] is Activity.PLAYING
    room.now += 4.9
    assert room.attention.activity is Activity.PLAYING
    room.now += 0.2
    assert room.attention.activity is Activity.IDLE


def test_a_machine_that_slept_for_days_goes_on(room: Room) -> None:
    room.attention.set_activity("exporting", 60)
    room.attention.edited()
    room.now += 3 * 86_400
    assert room.attention.activity is Activity.IDLE


def test_a_save_is_an_edit_for_two_seconds(room: Room) -> None:
    room.attention.edited()
    assert room.judged[-1] == (Activity.EDITING, 0.0)
    room.now += 1.9
    assert room.attention.activity is Activity.EDITING
    room.now += 0.2
    assert room.attention.activity is Activity.IDLE


def test_who_plays_while_a_timeline_is_saved_plays(room: Room) -> None:
    room.attention.set_activity("playing", 30)
    room.attention.edited()
    assert room.judged[-1][0] is Activity.PLAYING


@pytest.mark.parametrize(("word", "seconds"), [("sleeping", 5.0), ("", 5.0), ("playing", 0.0), ("playing", -1), ("idle", 1e9)])
def test_words_and_times_that_cannot_be_are_refused(word: str, seconds: float, room: Room) -> None:
    with pytest.raises(SettingsError):
        room.attention.set_activity(word, seconds)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_machine_is_looked_at_while_there_is_work_and_never_else(room: Room) -> None:
    room.attention.start()
    try:
        until(lambda: len(room.taken) == 1)
        time.sleep(1.2)
        assert len(room.taken) == 1
        room.works = True
        began = time.monotonic()
        room.attention.wake()
        until(lambda: len(room.taken) >= 4)
        assert time.monotonic() - began < 3  # twice a second, on a busy machine
        assert [posture.slots for posture in room.taken] == list(range(1, len(room.taken) + 1))
    finally:
        room.attention.close()


def test_a_look_that_goes_wrong_is_not_the_last(room: Room) -> None:
    room.failing = room.works = True
    room.attention.start()
    try:
        until(lambda: len(room.judged) >= 2)
        assert room.taken == []
        room.failing = False
        until(lambda: bool(room.taken))
    finally:
        room.attention.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "attention"]
