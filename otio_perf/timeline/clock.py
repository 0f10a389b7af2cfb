"""OTIO's times (float value at a float rate) as exact numbers of timeline frames.

Values stay ints as long as they are whole and at the timeline's rate, which is nearly always; otherwise they are fractions.
Rates are snapped (23.976 is 24000/1001), so that two spellings of one rate do not drift apart.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from otio_perf.model.timing import FrameRate, snap_rate

Frames = int | Fraction
#: Beyond, a float no longer counts frames.
MOST_FRAMES = 2**53
#: A clip longer than a year is a mistake or an attack.
MOST_SECONDS = 366 * 86400


class UnusableTimeError(ValueError):
    """A time that cannot be used, in a clause for people."""


class Clock:
    """Converts times to frames at one rate."""

    __slots__ = ("_factors", "_most", "rate")

    def __init__(self, rate: FrameRate) -> None:
        self.rate = rate
        self._most = math.ceil(MOST_SECONDS * rate)
        self._factors: dict[Any, Frames] = {}

    def frames(self, time: Any) -> Frames:
        """Frames at this clock's rate. :raises UnusableTimeError: not finite, absurdly large, a rate that is none."""
        try:
            value, rate = time["value"], time["rate"]
            factor = self._factors.get(rate) or self._factor(rate)
            whole = int(value)
            if not -MOST_FRAMES <= whole <= MOST_FRAMES:
                raise UnusableTimeError(f"frame number {value!r} is too large to be counted")
            return whole * factor if whole == value else Fraction(value) * factor
        except (KeyError, TypeError) as e:
            raise UnusableTimeError("a time without value or rate") from e
        except (ValueError, OverflowError) as e:
            if isinstance(e, UnusableTimeError):
                raise
            raise UnusableTimeError(f"frame number {time['value']!r} is not a finite number") from e

    def length(self, time: Any) -> Frames:
        """Frames of a duration. :raises UnusableTimeError: also where it is negative or longer than a year."""
        frames = self.frames(time)
        if frames < 0:
            raise UnusableTimeError(f"a negative duration ({time['value']:g} frames)")
        if frames > self._most:
            raise UnusableTimeError(f"a duration of {float(frames / self.rate / 86400):,.0f} days")
        return frames

    def _factor(self, rate: Any) -> Frames:
        exact = self.rate / rate_of(rate)
        factor: Frames = exact.numerator if exact.denominator == 1 else exact
        self._factors[rate] = factor
        return factor


def rate_of(rate: Any) -> FrameRate:
    """The exact rate behind OTIO's float. :raises UnusableTimeError: NaN, infinite, zero, negative, no number."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)):
        raise UnusableTimeError(f"frame rate {rate!r} is not a number")
    try:
        return snap_rate(rate)
    except ValueError as e:
        raise UnusableTimeError(f"frame rate {rate:g} is not usable") from e


def nearest(frames: Frames) -> int:
    """The nearest whole frame; halves go up."""
    return frames if isinstance(frames, int) else math.floor(frames + Fraction(1, 2))


def first_covered(frames: Frames) -> int:
    """The frame in which ``frames`` lies; a thousandth of a frame before the next counts as the next."""
    return frames if isinstance(frames, int) else math.floor(frames + Fraction(1, 1000))


def last_covered(frames: Frames) -> int:
    """The frame boundary at or after ``frames``, with the same tolerance."""
    return frames if isinstance(frames, int) else math.ceil(frames - Fraction(1, 1000))
