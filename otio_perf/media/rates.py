"""From time stamps to frame rates: exact, and honest about variable ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from otio_perf.model.timing import FrameRate, snap_rate

#: Rates that cameras, editors and broadcasters use.
STANDARD_RATES = tuple(
    Fraction(r)
    for r in (
        *(6, 10, 12, Fraction(25, 2), Fraction(15000, 1001), 15, Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30),
        *(Fraction(48000, 1001), 48, 50, Fraction(60000, 1001), 60, 72, 75, 90, 96, 100, Fraction(120000, 1001), 120, 144, 240),
    )
)

#: Declared rates from here on are time bases that a writer put in the wrong field (600, 1000, 90000).
_ABSURD_RATE = 1000

#: A rate that is no multiple of the container's tick makes steps uneven by one tick; writers that went through
#: milliseconds (Matroska, FLV, and MP4 made from them) by one of those.
_ROUNDING_SECONDS = Fraction(1, 1000)

#: How far, relatively, the average of a variable rate may be from the nominal one that it is called by.
_NOMINAL_TOLERANCE = 0.015

Stamps = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """``duration`` in seconds, the last frame's included."""

    rate: FrameRate
    is_vfr: bool
    duration: Fraction


def declared_rates(rates: Iterable[Fraction | None]) -> list[FrameRate]:
    """The believable ones among the rates that a container declares, snapped, in the given order."""
    return [snap_rate(rate) for rate in rates if rate is not None and 0 < rate < _ABSURD_RATE]


def timing(stamps: Stamps, time_base: Fraction, declared: list[FrameRate], last_duration: int | None) -> Timing:
    """Rate and duration of frames that are presented (or decoded) at ``stamps``, in ticks of ``time_base`` seconds.

    Constant means that no step differs from the mean one by more than the rounding of the container. The rate is then the
    declared (else the standard) one that takes the first stamp to the last within that rounding, else the measured one.
    A variable rate is the average, called by its nominal name where that is within 1.5 %.

    :param last_duration: of the last frame, in ticks, where known.
    :raises ValueError: no stamps.
    """
    count = len(stamps)
    if count == 0:
        raise ValueError("no frames, no rate")
    ordered = np.sort(stamps)
    span = int(ordered[-1] - ordered[0]) * time_base
    if count == 1 or span <= 0:
        return _of_one_frame(count, time_base, declared, last_duration)
    mean = span / (count - 1)
    steps = np.diff(ordered)
    rounding = max(time_base, min(_ROUNDING_SECONDS, mean / 4))
    uneven = max(abs(int(steps.max()) * time_base - mean), abs(int(steps.min()) * time_base - mean))
    if uneven <= rounding:
        rate = _constant_rate(count - 1, span, time_base, rounding, declared, is_even=uneven == 0)
        return Timing(rate=rate, is_vfr=False, duration=count / rate)
    total = span + (last_duration * time_base if last_duration else mean)
    return Timing(rate=_nominal_rate(count / total, declared), is_vfr=True, duration=total)


def _constant_rate(
    steps: int, span: Fraction, tick: Fraction, rounding: Fraction, declared: list[FrameRate], *, is_even: bool
) -> FrameRate:
    for slack in (tick, rounding):
        fitting = [rate for rate in (*declared, *STANDARD_RATES) if abs(steps / rate - span) <= slack]
        if fitting and fitting[0] in declared:
            return fitting[0]
        if fitting:
            return min(fitting, key=lambda rate: abs(steps / rate - span))
    return snap_rate(steps / span) if is_even else (steps / span).limit_denominator(1001)


def _nominal_rate(average: Fraction, declared: list[FrameRate]) -> FrameRate:
    near = [r for r in (*declared, *STANDARD_RATES) if r in STANDARD_RATES and abs(r / average - 1) <= _NOMINAL_TOLERANCE]
    return (
        near[0]
        if near and near[0] in declared
        else min(near, key=lambda r: abs(r - average), default=average.limit_denominator(1001))
    )


def _of_one_frame(count: int, time_base: Fraction, declared: list[FrameRate], last_duration: int | None) -> Timing:
    """One frame has no distance to measure: what is declared holds, then the frame's own duration, then FFmpeg's 25."""
    lasting = last_duration * time_base if last_duration else None
    sane = declared or ([snap_rate(1 / lasting)] if lasting and Fraction(1, _ABSURD_RATE) < lasting <= 1 else [])
    rate = sane[0] if sane else Fraction(25)
    return Timing(rate=rate, is_vfr=False, duration=count / rate)


def stamps_of(values: Iterable[Any], count: int = -1) -> Stamps:
    return np.fromiter(values, dtype=np.int64, count=count)
