"""Exact time: frame rates are ``Fraction``, positions are ints at a rate, labels are timecode.

Float seconds appear only in text for people.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

#: Frame rates that files write as rounded decimals (SMPTE ST 12-1; NTSC rates are n·1000/1001).
_NTSC = {n: Fraction(n * 1000, 1001) for n in (15, 24, 30, 48, 60, 90, 96, 120, 240)}
_MAX_RATE = 1_000_000

FrameRate = Fraction
"""Frames (or samples) per second, exact."""


def snap_rate(value: float | Fraction) -> FrameRate:
    """The exact frame rate behind a rounded one: ``23.976`` → ``24000/1001``, ``25.0`` → ``25``.

    :raises ValueError: not a finite number in (0, 1 000 000].
    """
    if not 0 < value <= _MAX_RATE:  # NaN too
        raise ValueError(f"frame rate {value} is not a number between 0 and {_MAX_RATE}")
    exact = Fraction(value)
    if exact.denominator == 1:
        return exact
    nearest_int = round(value)
    for ntsc in _NTSC.values():
        # 23.98, 23.976, 23.9760239…: two decimals are what the coarsest writers (EDL, AAF, Resolve) keep
        if abs(float(ntsc) - float(value)) < 0.005 and abs(float(value) - nearest_int) > 1e-6:
            return ntsc
    if abs(float(value) - nearest_int) < 1e-6 and nearest_int > 0:
        return Fraction(nearest_int)
    if isinstance(value, Fraction):
        return exact
    # a float slower than a frame in a day has no near fraction of that size, but is a rate
    return exact.limit_denominator(100_100) or exact


@dataclass(frozen=True, slots=True, order=True)
class FrameRange:
    """Half-open run of frames ``[start, stop)`` at ``rate`` frames per second. Raises where others would clamp."""

    start: int
    stop: int
    rate: FrameRate

    def __post_init__(self) -> None:
        if self.stop < self.start:
            raise ValueError(f"frame range ends before it starts: [{self.start}, {self.stop})")
        if self.rate.numerator <= 0:  # a comparison of fractions takes as long as all the rest
            raise ValueError(f"frame range needs a positive rate, not {self.rate}")

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def seconds(self) -> Fraction:
        """Duration in seconds."""
        return (self.stop - self.start) / self.rate

    def shifted(self, frames: int) -> FrameRange:
        return FrameRange(self.start + frames, self.stop + frames, self.rate)

    def grown(self, frames: int) -> FrameRange:
        """Longer by ``frames`` at both ends (handles)."""
        return FrameRange(self.start - frames, self.stop + frames, self.rate)

    def within(self, limits: FrameRange) -> FrameRange:
        """The part inside ``limits``. :raises ValueError: nothing is inside."""
        self._same_rate(limits)
        start, stop = max(self.start, limits.start), min(self.stop, limits.stop)
        if start >= stop:
            raise ValueError(f"[{self.start}, {self.stop}) lies outside [{limits.start}, {limits.stop})")
        return FrameRange(start, stop, self.rate)

    def at_rate(self, rate: FrameRate) -> FrameRange:
        """The smallest range at ``rate`` that covers the same time."""
        if rate == self.rate:
            return self
        factor = rate / self.rate
        return FrameRange(math.floor(self.start * factor), math.ceil(self.stop * factor), rate)

    def _same_rate(self, other: FrameRange) -> None:
        if other.rate != self.rate:
            raise ValueError(f"frame ranges at different rates: {self.rate} and {other.rate}")


def union(ranges: Iterable[FrameRange], *, join_within: int = 0) -> tuple[FrameRange, ...]:
    """Sorted, disjoint ranges covering ``ranges``; neighbours up to ``join_within`` frames apart become one.

    :raises ValueError: the ranges are at different rates.
    """
    joined: list[FrameRange] = []
    for r in sorted(ranges):
        if joined and joined[-1].rate != r.rate:
            raise ValueError(f"frame ranges at different rates: {joined[-1].rate} and {r.rate}")
        if joined and r.start <= joined[-1].stop + join_within:
            joined[-1] = FrameRange(joined[-1].start, max(joined[-1].stop, r.stop), r.rate)
        else:
            joined.append(r)
    return tuple(joined)


_TIMECODE = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})([:;.,])([0-9]{2,3})")


def parse_timecode(text: str, rate: FrameRate) -> int:
    """Frame number of a ``HH:MM:SS:FF`` label; ``;`` (or ``.``/``,``) before the frames means drop-frame.

    Drop-frame as in SMPTE ST 12-1: labels 00 and 01 (…03 at 60) are skipped each minute but every tenth.

    :raises ValueError: not a timecode, or frames beyond the rate.
    """
    match = _TIMECODE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a timecode (HH:MM:SS:FF)")
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
    nominal = _nominal(rate)
    if frames >= nominal or seconds > 59 or minutes > 59:
        raise ValueError(f"timecode {text!r} does not exist at {float(rate):g} fps")
    number = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if match[4] != ":" and is_drop_frame_rate(rate):
        total_minutes = hours * 60 + minutes
        number -= _dropped(nominal) * (total_minutes - total_minutes // 10)
    return number


def format_timecode(frame: int, rate: FrameRate, *, drop_frame: bool = False) -> str:
    """``HH:MM:SS:FF`` label of a frame number (``HH:MM:SS;FF`` for drop-frame); wraps after 24 hours."""
    nominal = _nominal(rate)
    drop = drop_frame and is_drop_frame_rate(rate)
    if drop:
        dropped = _dropped(nominal)
        per_minute, per_ten = nominal * 60 - dropped, nominal * 600 - dropped * 9
        frame %= per_ten * 144
        tens, rest = divmod(frame, per_ten)
        frame += dropped * 9 * tens
        if rest >= dropped:
            frame += dropped * ((rest - dropped) // per_minute)
    else:
        frame %= nominal * 86400
    seconds, ff = divmod(frame, nominal)
    hh, mm, ss = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hh:02d}:{mm:02d}:{ss:02d}{';' if drop else ':'}{ff:02d}"


def is_drop_frame_rate(rate: FrameRate) -> bool:
    """Drop-frame labels exist for 30000/1001 and 60000/1001 only."""
    return rate in (_NTSC[30], _NTSC[60])


def _nominal(rate: FrameRate) -> int:
    return max(1, math.ceil(rate - Fraction(1, 100)))


def _dropped(nominal: int) -> int:
    return nominal // 15
