"""Exact time: rates, ranges, timecode labels."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.model.timing import FrameRange, format_timecode, is_drop_frame_rate, parse_timecode, snap_rate, union

NTSC = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]
RATES = [Fraction(n) for n in (12, 24, 25, 30, 48, 50, 60, 100, 120)] + NTSC
DROP = [Fraction(30000, 1001), Fraction(60000, 1001)]

rates = st.sampled_from(RATES)


@st.composite
def frame_ranges(draw: st.DrawFn, rate: Fraction = Fraction(24)) -> FrameRange:
    start = draw(st.integers(-1000, 1000))
    return FrameRange(start, start + draw(st.integers(0, 200)), rate)


# -- rates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        (23.976, Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (23.976023976023978, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (25.0, Fraction(25)),
        (24.0000001, Fraction(24)),
        (12.5, Fraction(25, 2)),
        (29.917, Fraction(29917, 1000)),
        (Fraction(2997003, 100000), Fraction(30000, 1001)),
        (Fraction(30000, 1001), Fraction(30000, 1001)),
    ],
)
def test_rounded_rates_become_exact(written: float | Fraction, exact: Fraction) -> None:
    assert snap_rate(written) == exact


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("decimals", [2, 3, 6])
def test_every_common_rate_survives_rounding(rate: Fraction, decimals: int) -> None:
    assert snap_rate(round(float(rate), decimals)) == rate


@pytest.mark.parametrize("bad", [0, -24, math.nan, math.inf, -math.inf, 1e7, Fraction(10**400), Fraction(-1, 3)])
def test_what_is_no_rate_is_refused(bad: float | Fraction) -> None:
    with pytest.raises(ValueError, match="frame rate"):
        snap_rate(bad)


@given(st.floats(min_value=0, exclude_min=True, max_value=1_000_000))
def test_a_snapped_rate_is_positive_and_near(value: float) -> None:
    snapped = snap_rate(value)
    assert snapped > 0
    assert abs(float(snapped) - value) < 0.005


# -- ranges ------------------------------------------------------------------------------------------------------------


def test_ranges_raise_where_others_would_clamp() -> None:
    rate = Fraction(24)
    with pytest.raises(ValueError, match="ends before it starts"):
        FrameRange(5, 4, rate)
    with pytest.raises(ValueError, match="positive rate"):
        FrameRange(0, 1, Fraction(0))
    with pytest.raises(ValueError, match="outside"):
        FrameRange(0, 10, rate).within(FrameRange(10, 20, rate))
    with pytest.raises(ValueError, match="different rates"):
        FrameRange(0, 10, rate).within(FrameRange(0, 10, Fraction(25)))
    with pytest.raises(ValueError, match="ends before it starts"):
        FrameRange(0, 10, rate).grown(-6)


@given(frame_ranges(), st.integers(-50, 50), st.integers(0, 50))
def test_moving_and_growing(r: FrameRange, frames: int, handles: int) -> None:
    assert r.shifted(frames).shifted(-frames) == r
    assert len(r.shifted(frames)) == len(r)
    assert len(r.grown(handles)) == len(r) + 2 * handles
    assert (r.grown(handles).start, r.grown(handles).stop) == (r.start - handles, r.stop + handles)
    assert r.seconds == Fraction(len(r), 24)


@given(frame_ranges(), frame_ranges())
def test_within_is_the_common_part(a: FrameRange, b: FrameRange) -> None:
    common = set(range(a.start, a.stop)) & set(range(b.start, b.stop))
    if common:
        part = a.within(b)
        assert set(range(part.start, part.stop)) == common
    else:
        with pytest.raises(ValueError, match="outside"):
            a.within(b)


@given(st.integers(0, 5000), st.integers(1, 300), rates, rates)
def test_another_rate_covers_the_same_time_and_no_frame_more(start: int, length: int, rate: Fraction, other: Fraction) -> None:
    r = FrameRange(start, start + length, rate)
    there = r.at_rate(other)
    assert there.rate == other
    assert there.start / other <= r.start / rate < (there.start + 1) / other
    assert (there.stop - 1) / other < r.stop / rate <= there.stop / other


@given(st.lists(frame_ranges(), max_size=12), st.integers(0, 20))
def test_union_covers_everything_and_is_disjoint(ranges: list[FrameRange], join_within: int) -> None:
    joined = union(ranges, join_within=join_within)
    asked = {f for r in ranges for f in range(r.start, r.stop)}
    got = [f for r in joined for f in range(r.start, r.stop)]
    assert asked <= set(got)
    assert len(got) == len(set(got))
    if join_within == 0:
        assert asked == set(got)
    for before, after in pairwise(joined):
        assert after.start - before.stop > join_within


def test_union_refuses_mixed_rates() -> None:
    with pytest.raises(ValueError, match="different rates"):
        union([FrameRange(0, 10, Fraction(24)), FrameRange(100, 110, Fraction(25))])


# -- timecode ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "rate", "frame"),
    [
        ("01:00:00:00", Fraction(24), 86_400),
        ("01:00:00:00", Fraction(24000, 1001), 86_400),
        ("10:00:00:00", Fraction(25), 900_000),
        ("00:00:59;29", Fraction(30000, 1001), 1799),
        ("00:01:00;02", Fraction(30000, 1001), 1800),
        ("00:10:00;00", Fraction(30000, 1001), 17_982),
        ("01:00:00;00", Fraction(30000, 1001), 107_892),  # SMPTE ST 12-1: one hour of drop-frame
        ("01:00:00;00", Fraction(60000, 1001), 215_784),
        ("00:01:00:02", Fraction(30000, 1001), 1802),  # colon: not drop-frame
        ("00:00:01;00", Fraction(25), 25),  # drop-frame does not exist at 25
        ("00:00:00:119", Fraction(120), 119),
    ],
)
def test_labels_by_the_standard(label: str, rate: Fraction, frame: int) -> None:
    assert parse_timecode(label, rate) == frame


@given(st.integers(0, 12 * 86_400 - 1), rates)  # within the day of the slowest rate
def test_labels_are_read_back(frame: int, rate: Fraction) -> None:
    assert parse_timecode(format_timecode(frame, rate), rate) == frame


@given(st.integers(0, 24 * 107_892 - 1), st.sampled_from(DROP))
def test_drop_frame_labels_are_read_back_and_keep_the_time_of_day(frame: int, rate: Fraction) -> None:
    label = format_timecode(frame, rate, drop_frame=True)
    assert ";" in label
    assert parse_timecode(label, rate) == frame
    hours, minutes, seconds, frames = (int(part) for part in label.replace(";", ":").split(":"))
    shown = hours * 3600 + minutes * 60 + seconds + Fraction(frames, round(rate))
    # what dropping is for: at worst 1.8 frames before a minute drops two, and 86 ms left over in a day
    assert abs(shown - frame / rate) < Fraction(1, 6)


@pytest.mark.parametrize("rate", DROP)
def test_dropped_labels_never_appear(rate: Fraction) -> None:
    per_minute = round(rate) * 60
    dropped = round(rate) // 15
    for minute in range(1, 25):
        labels = [format_timecode(minute * per_minute + i, rate, drop_frame=True) for i in range(-200, 200)]
        bad = {f"00:{m:02d}:00;{f:02d}" for m in range(60) if m % 10 for f in range(dropped)}
        assert not bad & set(labels)


def test_the_day_wraps() -> None:
    assert format_timecode(-1, Fraction(24)) == "23:59:59:23"
    assert format_timecode(24 * 86_400, Fraction(24)) == "00:00:00:00"
    assert format_timecode(24 * 107_892, DROP[0], drop_frame=True) == "00:00:00;00"


@pytest.mark.parametrize(
    "bad", ["", "01:00:00", "01:00:00:24", "00:60:00:00", "00:00:60:00", "x", "-1:00:00:00", "٠١:00:00:00"]
)
def test_what_is_no_label_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        parse_timecode(bad, Fraction(24))


def test_drop_frame_rates() -> None:
    assert [r for r in RATES if is_drop_frame_rate(r)] == DROP
