"""Events by number: who lost the line gets what came since, or is told that some of it is gone."""

from __future__ import annotations

from otio_perf.model.views import RangeView, ServiceEvent
from otio_perf.service.happenings import KEPT, Happenings


def test_who_comes_back_gets_what_came_since() -> None:
    happenings = Happenings()
    heard: list[ServiceEvent] = []
    end = happenings.subscribe(heard.append)
    for text in "abc":
        happenings.tell("notice", {"text": text})
    assert [e.number for e in heard] == [1, 2, 3]
    assert [e.body["text"] for e in happenings.after(1)] == ["b", "c"]
    assert happenings.after(3) == ()
    assert happenings.after(None) == tuple(heard)
    end()
    happenings.tell("queue")
    assert len(heard) == 3


def test_who_was_away_too_long_is_told() -> None:
    happenings = Happenings()
    for _ in range(KEPT + 10):
        happenings.tell("queue")
    first, *rest = happenings.after(5)
    assert first.kind == "missed"
    assert [rest[0].number, len(rest)] == [11, KEPT]
    assert happenings.after(10)[0].kind == "queue"


def test_numbers_of_an_earlier_service_are_told_from_ours() -> None:
    happenings = Happenings()
    happenings.tell("queue")
    assert [e.kind for e in happenings.after(500)] == ["missed", "queue"]


def test_a_clock_that_goes_back_does_not_turn_the_order() -> None:
    times = iter([100.0, 50.0, 200.0])
    happenings = Happenings(clock=lambda: next(times))
    for _ in range(3):
        happenings.tell("timeline", RangeView(start=0, stop=1))
    assert [(e.number, e.at) for e in happenings.after(None)] == [(1, 100.0), (2, 50.0), (3, 200.0)]
    assert happenings.after(None)[0].body["stop"] == 1
