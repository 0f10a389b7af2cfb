"""Times and ranges as users write them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from otio_perf.errors import SettingsError
from otio_perf.model.composition import Composition, Group, Placed
from otio_perf.model.timing import FrameRange
from otio_perf.optimizer.times import frame_number, frame_range

NTSC, PAL = Fraction(30000, 1001), Fraction(25)


def composition(rate: Fraction, frames: int, start_frame: int) -> Composition:
    nothing = Placed(name="", start=0, stop=frames, inner_start=Fraction(0), speed=Fraction(1), content=Group(lanes=()))
    duration = FrameRange(0, frames, rate)
    return Composition(name="cut", frame_rate=rate, duration=duration, start_frame=start_frame, canvas=None, root=nothing)


FILM = composition(PAL, 1000, 90_000)  # from 01:00:00:00 to 01:00:39:24
DROP = composition(NTSC, 3000, 107_892)  # from 01:00:00;00, over the labels that 01:01:00;00 drops


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        (None, 0, 1000),
        ("48-96", 48, 96),
        ("48-", 48, 1000),
        ("-96", 0, 96),
        (" 0 - 1000 ", 0, 1000),
        ("01:00:02:00-01:00:04:00", 50, 100),
        ("01:00:39:24-01:00:40:00", 999, 1000),
        ("2.5s-4s", 62, 100),
        ("2s-01:00:04:00", 50, 100),
    ],
)
def test_a_range_ends_before_its_end(text: str | None, start: int, stop: int) -> None:
    assert frame_range(text, FILM) == FrameRange(start, stop, PAL)


def test_drop_frame_labels_are_counted_as_they_are_shown() -> None:
    assert frame_range("01:00:59;29-01:01:00;02", DROP) == FrameRange(1799, 1800, NTSC)
    assert frame_number("01:01:00;02", DROP) == 1800


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no range"),
        ("-", "no range"),
        ("48", "no range"),
        ("1-2-3", "no range"),
        ("a-b", "no time"),
        ("1/0s-4", "no time"),
        ("96-48", "ends before it begins"),
        ("48-48", "ends before it begins"),
        ("0-1001", "from 01:00:00:00 up to, not including, 01:00:40:00"),
        ("1000-1001", "outside"),
        ("00:59:59:24-01:00:01:00", "outside"),
        ("01:00:00:25-01:00:02:00", "at 25 fps the frames of a second end at :24"),
        ("01:00:00;12-01:00:02;00", "drop-frame timecode, which there is none of at 25 fps"),
    ],
)
def test_what_is_no_range_is_said_to_be_none(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        frame_range(text, FILM)
