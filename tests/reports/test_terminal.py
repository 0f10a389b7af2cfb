"""The strip and the rows say what the spans say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from otio_perf.model.analysis import Analysis, Remedy
from otio_perf.model.uses import TrackKind
from otio_perf.reports import html, terminal, words
from otio_perf.reports.regions import STATES, cells, regions

Make = Callable[[list[float | None]], Analysis]


def test_the_strip_shows_each_state(make_analysis: Make) -> None:
    analysis = make_analysis([0.2, 0.9, 1.5, 5.0, None])
    assert terminal.strip(analysis, 5) == "░▒██?"
    assert [state for _, state in terminal.strip_cells(analysis, 5)] == ["smooth", "close", "slow", "slow", "offline"]


@pytest.mark.parametrize("width", [1, 7, 50, 80, 300])
def test_the_strip_has_the_width_that_was_asked_for(make_analysis: Make, width: int) -> None:
    analysis = make_analysis([0.2, 3.0, None] * 4)
    assert len(terminal.strip(analysis, width)) == width
    assert {state for _, state in terminal.strip_cells(analysis, width)} <= set(STATES)


def test_a_strip_of_nothing_is_empty(make_analysis: Make) -> None:
    assert terminal.strip(make_analysis([]), 80) == ""
    assert terminal.rows(make_analysis([])) == ()


def test_a_cell_is_slow_when_half_of_it_is(make_analysis: Make) -> None:
    mostly, partly = make_analysis([0.1, 2.0, 2.0]), make_analysis([0.1, 0.1, 2.0])
    assert cells(mostly, 1)[0].state == "slow"
    assert cells(partly, 1)[0].state == "close"
    assert cells(partly, 1)[0].worst is partly.spans[2]
    assert sum(share for _, share in cells(partly, 1)[0].shares) == pytest.approx(1)


def test_neighbours_that_stutter_are_one_row_and_the_worst_comes_first(make_analysis: Make) -> None:
    analysis = make_analysis([1.1, 0.5, 1.5, 2.5, 0.5, 1.2])
    rows = terminal.rows(analysis)
    assert [(r.start, r.stop) for r in rows] == [
        ("01:00:00:20", "01:00:01:15"),
        ("01:00:02:00", "01:00:02:10"),
        ("01:00:00:00", "01:00:00:10"),
    ]
    assert rows[0].load == "needs 2.5 × the time it has; with proxies 25 %"
    assert "needs 2.5 × the time it has" in rows[0].reasons
    assert regions(analysis)[0].lost_seconds == pytest.approx((0.5 + 1.5) * 10 / 25)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (210_400_000, "210 MB"), (9_960_000_000, "10 GB"), (5e15, "5.0 PB")],
)
def test_sizes(size: float, text: str) -> None:
    assert words.size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (0.5, "0.5 s"), (9.4, "9 s"), (125, "2 min 5 s"), (120, "2 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_shares_say_all_or_nothing_only_when_it_is_so() -> None:
    assert [words.percent(s) for s in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]


def test_facts_in_one_line(make_analysis: Make) -> None:
    assert (
        words.timeline_facts(make_analysis([0.5, 2.0]))
        == "1920x1080, 25 fps, 0.8 s, 1 video track, 2 clips; 50 % plays in real time"
    )
    assert "9 s of work, 210 MB; saves 61 ms a frame in 1 span" in words.suggestion(make_analysis([2.0]).suggestions[0])


def test_tracks_are_told_by_what_is_on_them(make_analysis: Make) -> None:
    analysis = make_analysis([0.5] * 5)
    kinds = [TrackKind.VIDEO] * 3 + [TrackKind.AUDIO] * 2
    uses = tuple(replace(u, track=i, track_kind=k) for i, (u, k) in enumerate(zip(analysis.survey.uses, kinds, strict=True)))
    survey = replace(analysis.survey, uses=uses, layers=("V1", "V2", "V3", "A1", "A2"))
    assert "2 s, 3 video and 2 audio tracks, 5 clips" in words.timeline_facts(replace(analysis, survey=survey))
    assert "0.0 s, 1 track, 0 clips" in words.timeline_facts(make_analysis([]))


@pytest.mark.parametrize(
    ("factor", "text"),
    [(0.4, "40 % of the time it has"), (0.999, "1.0 × the time it has"), (5.4, "5.4 × the time it has")],
)
def test_loads_cannot_be_read_backwards(factor: float, text: str) -> None:
    assert words.load(factor) == text


def test_a_prerender_is_suggested_with_the_command_that_makes_it(make_analysis: Make) -> None:
    one = replace(make_analysis([2.0]).suggestions[0], remedy=Remedy.PRERENDER, text="prerender A – B: keyer")
    assert words.suggestion(one).endswith("in 1 span after the proxies; made by: otio-perf prerender TIMELINE")
    page = html.page([replace(make_analysis([2.0]), suggestions=(one,))])
    assert "otio-perf prerender TIMELINE" in page
