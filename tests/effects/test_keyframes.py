"""Key frames: hand-computed values, and melt itself rendering with animated levels."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.effects.keyframes import EASES, Key, mlt_keys, mlt_number, mlt_numbers, sampled

Melt = Callable[..., list[Any]]
RATE = Fraction(25)


def at(text: str, *frames: int, length: int | None = None, rate: Fraction = RATE) -> list[float]:
    keys = mlt_keys(text, mlt_number, rate, length)
    return [float(sampled(keys, Fraction(f))) for f in frames]  # type: ignore[arg-type]


def test_linear_hold_and_still_ends() -> None:
    assert at("10=1;20=2", 0, 10, 15, 20, 99) == [1, 1, 1.5, 2, 2]
    assert at("10|=1;20!=2;30=3", 15, 19, 20, 29, 30) == [1, 1, 2, 2, 3]
    assert at("0.25", 0, 7) == [0.25, 0.25]


def test_smooth_is_catmull_rom_through_the_neighbours() -> None:
    # halfway: (−y0 + 9·y1 + 9·y2 − y3) / 16
    assert at("0~=1;10~=4;20~=2;30~=8", 15) == [(-1 + 9 * 4 + 9 * 2 - 8) / 16]
    # at the first segment the first key is its own neighbour
    assert at("0~=1;10~=4;20~=2", 5) == [(-1 + 9 * 1 + 9 * 4 - 2) / 16]


def test_tight_keys_are_passed_flat_and_natural_ones_stay_between_them() -> None:
    assert at("0-=1;10-=3;20-=2", 5) == [2]
    tight = at("0-=0;10-=1;20-=2", 9, 10, 11)
    assert tight[1] - tight[0] < 0.04
    natural = at("0$=0;10$=5;20$=5;30$=1", *range(31))
    assert max(natural) == 5
    assert min(natural) == 0


def test_frames_from_the_end_and_times() -> None:
    assert at("0=0;-1=1", 12, 24, length=25) == [0.5, 1]
    with pytest.raises(ValueError, match="end that is not known"):
        at("0=0;-1=1", 3)
    assert at("00:00:00.000=0;00:00:01.000=50%", 0, 5, 25) == [0, 0.1, 0.5]
    assert at("00:00:00:00=0;00:01:00:12=1", 60 * 25 + 12) == [1]
    assert at("00:00:00.000=0;00:00:01,001=1", 24, rate=Fraction(24000, 1001)) == [1]


def test_the_last_of_two_keys_at_one_frame_counts_and_damage_ends_the_reading() -> None:
    assert at("0=1;10=2;10=3", 10) == [3]
    assert at("0=1;x=9;10=2", 10) == [1]
    with pytest.raises(ValueError, match="no animation"):
        at("x=1", 0)
    with pytest.raises(ValueError, match="not a number"):
        at("0=one", 0)


def test_numbers_of_old_files_and_rectangles() -> None:
    assert mlt_number("0,6") == 0.6
    assert mlt_number(" 1e-3 ") == 0.001
    assert mlt_numbers("10%/20%:50%x100%") == (0.1, 0.2, 0.5, 1)
    assert mlt_numbers("-10 20.5 320x180 1") == (-10, 20.5, 320, 180, 1)
    keys = mlt_keys("0=0 0 100 50 1;10=10 20 200 100 0", mlt_numbers, RATE)
    assert sampled(keys, Fraction(5)) == (5, 10, 150, 75, 0.5)


@pytest.mark.parametrize("name", sorted(EASES))
def test_eases_start_at_nought_and_end_at_one(name: str) -> None:
    ease = EASES[name]
    # MLT's elastic sets off a thousandth away from where it stands: 2^-10 · sin(0), and 1 − that at the end
    assert ease(0) == pytest.approx(0, abs=1e-3)
    assert ease(1) == pytest.approx(1, abs=1e-3)
    if name.endswith("in-out"):
        assert ease(0.25) == pytest.approx(1 - ease(0.75))
    else:
        other = EASES[name.replace("-in", "-?").replace("-out", "-in").replace("-?", "-out")]
        assert ease(0.3) == pytest.approx(1 - other(0.7))


def test_letters_of_mlt_name_the_eases() -> None:
    # http://robertpenner.com/easing, hand-computed at a quarter of the way
    wanted = {"d": 1 / 16, "e": 7 / 16, "f": 1 / 8, "g": 1 / 64, "i": 1 / 16, "p": 2**-7.5, "s": 1 - 0.9375**0.5}
    wanted |= {"a": 1 - np.cos(np.pi / 8), "v": 1 / 64 - np.sin(np.pi / 4) / 4, "C": 121 / 256}
    for letter, value in wanted.items():
        assert at(f"0{letter}=0;100=1", 25) == [pytest.approx(value)], letter


def test_bezier_handles() -> None:
    flat = (Key(Fraction(0), 0.0, leave=(5, 0)), Key(Fraction(10), 1.0, arrive=(-5, 0)))
    # x = 15·t·(1−t)·… is symmetric: halfway in time is halfway in value, and an ease-in starts slower than a line
    assert sampled(flat, Fraction(5)) == pytest.approx(0.5)
    assert float(sampled(flat, Fraction(2))) < 0.15  # type: ignore[arg-type]
    line = (Key(Fraction(0), 0.0, leave=(2, 0.2)), Key(Fraction(10), 1.0))
    assert sampled(line, Fraction(7)) == pytest.approx(0.7)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(-100, 100)), min_size=1, max_size=6, unique_by=lambda k: k[0]),
    st.integers(-50, 600),
    st.sampled_from("|!~$-abcdefghijklmnopqrstuvwxyzABCD "),
)
def test_every_curve_passes_its_keys_and_is_finite(points: list[tuple[int, float]], frame: int, sign: str) -> None:
    text = ";".join(f"{f}{sign.strip()}={v!r}" for f, v in points)
    assert at(text, *(f for f, _ in points)) == pytest.approx([v for _, v in points], abs=1e-9)
    assert np.isfinite(at(text, frame)[0])


WIDTH, HEIGHT, FRAMES = 64, 16, 40


@pytest.mark.parametrize(
    "level",
    [
        "0=0.2;7|=0.9;20!=0.4;30=0.6",
        "5~=0.3;9=0.9;14|=0.4;35~=0.8",
        "00:00:00.200=30%;00:00:01.000=90%",
        "-30~=0.2;-20~=0.8;-5~=0.3",
        *(
            pytest.param(level, marks=pytest.mark.slow)  # melt takes seconds to start, and hangs now and then
            for level in (
                "0=0.5;19=1",
                "0~=0.3;9~=0.9;14~=0.4;35~=0.8",
                "00:00:00:05=0.4;00:00:01:07=0.9",
                "0=0.2;-1=1",
                "10=0.4",
                "0.75",
            )
        ),
    ],
)
def test_melt_renders_the_same_levels(melt: Melt, level: str) -> None:
    """MLT's brightness multiplies luma by the level in 16 bits of fraction: every frame shows which level it used."""
    luma = np.tile(np.linspace(16, 235, WIDTH), (FRAMES, HEIGHT, 1))
    grey = np.full((FRAMES, HEIGHT, WIDTH // 2), 128, np.uint8)
    source = np.rint(luma).astype(np.uint8)
    shown, _, _ = melt([source, grey, grey], [{"mlt_service": "brightness", "level": level}])
    assert len(shown) == FRAMES
    for frame, factor in enumerate(at(level, *range(FRAMES), length=FRAMES)):
        predicted = np.clip((source[frame].astype(int) * int(factor * 65536)) >> 16, 16, 235)
        assert np.array_equal(predicted, shown[frame]), (frame, factor)
