"""From time stamps to frame rates: exact, and honest about variable ones."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

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


def timing(stamps: Stamps, time_base: Fraction, declared: list[FrameRate], count: int, total: Fraction | None) -> Timing:
    """Rate and duration of ``count`` frames, from their time stamps (or those of some) in ticks of ``time_base`` seconds.

    Constant means that steps differ from the mean one by no more than a tick; or by no more than a millisecond, where a
    standard rate takes the first stamp to the last. The rate is then the declared, else the standard one that fits, else
    the measured one. A variable rate is the average, called by its nominal name where that is within 1.5 %.

    :param total: duration of all frames in seconds, the last one's included, where the container says it.
    :raises ValueError: no stamps.
    """
    if not len(stamps):
        raise ValueError("no frames, no rate")
    ordered = np.sort(stamps)
    steps = len(ordered) - 1
    span = int(ordered[-1] - ordered[0]) * time_base
    if steps == 0 or span <= 0:
        return _of_one_frame(count, declared, total)
    mean = span / steps
    ticks = np.diff(ordered)
    uneven = max(int(ticks.max()) * time_base - mean, mean - int(ticks.min()) * time_base)
    rate = _constant_rate(steps, span, time_base, uneven, declared)
    if rate:
        return Timing(rate=rate, is_vfr=False, duration=count / rate)
    duration = total or count * mean
    return Timing(rate=_nominal_rate(count / duration, declared), is_vfr=True, duration=duration)


def _constant_rate(steps: int, span: Fraction, tick: Fraction, uneven: Fraction, declared: list[FrameRate]) -> FrameRate | None:
    """The rate behind even steps; ``None``: they are not even."""

    def misses_by(rate: FrameRate) -> Fraction:
        return abs(steps / rate - span)

    if uneven <= tick:
        fitting = [rate for rate in declared if misses_by(rate) <= tick]
        fitting += sorted((rate for rate in STANDARD_RATES if misses_by(rate) <= tick), key=misses_by)
        measured = snap_rate(steps / span) if uneven == 0 else (steps / span).limit_denominator(1001)
        return fitting[0] if fitting else measured
    nearest = min(STANDARD_RATES, key=misses_by)
    rounding = min(_ROUNDING_SECONDS, span / steps / 4)
    return nearest if uneven <= rounding and misses_by(nearest) <= rounding else None


def _nominal_rate(average: Fraction, declared: list[FrameRate]) -> FrameRate:
    near = [r for r in (*declared, *STANDARD_RATES) if r in STANDARD_RATES and abs(r / average - 1) <= _NOMINAL_TOLERANCE]
    if near and near[0] in declared:
        return near[0]
    return min(near, key=lambda rate: abs(rate - average), default=average.limit_denominator(1001))


def _of_one_frame(count: int, declared: list[FrameRate], total: Fraction | None) -> Timing:
    """One frame has no distance to measure: what is declared holds, then its own duration, then FFmpeg's default of 25."""
    lasting = total / count if total else None
    measured = [snap_rate(1 / lasting)] if lasting and Fraction(1, _ABSURD_RATE) < lasting <= 1 else []
    rate = (declared or measured or [Fraction(25)])[0]
    return Timing(rate=rate, is_vfr=False, duration=count / rate)


def stamps_of(values: array[int]) -> Stamps:
    return np.asarray(values, dtype=np.int64)
