"""Which source frames a clip consumes: its range, its speed, the overlaps of its transitions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from otio_perf.model.timing import FrameRate
from otio_perf.timeline.clock import Clock, Frames, UnusableTimeError, first_covered, last_covered, nearest, rate_of
from otio_perf.timeline.columns import UNKNOWN
from otio_perf.timeline.references import Json


class Consumed(NamedTuple):
    """Source frames ``[start, stop)`` at ``rate``, and what is available (``UNKNOWN``: the reference does not say)."""

    start: int
    stop: int
    rate: FrameRate
    available_start: int
    available_frames: int


class Consumption:
    """Reckons in the rates of the media, for a timeline whose frames ``clock`` counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clocks: dict[Any, Clock] = {}

    def of(
        self,
        clip: Json,
        reference: Json,
        first: Frames,
        last: Frames,
        *,
        length: Frames,
        speed: Fraction | None,
        retimed_in_point: bool,
    ) -> Consumed:
        """What the part ``[first, last)`` of a clip needs, in timeline frames from its start; its own ``length`` may be less,
        for transitions reach over both ends.

        A negative speed is read in two ways by hosts: backwards from the in-point, or the range from its end; both are
        covered. So are both readings of Final Cut's in-point, which some writers count in retimed frames.

        :raises UnusableTimeError: a time or rate that makes no sense.
        """
        available = reference.get("available_range")
        source_range = clip.get("source_range") or available
        if not source_range:
            raise UnusableTimeError("neither a source range nor an available range: its length is unknown")
        clock = self._clock_of((available or source_range)["start_time"]["rate"])
        begin = clock.frames(source_range["start_time"])
        factor: Frames = 1 if clock is self._clock else clock.rate / self._clock.rate
        low, high = _stretch(begin, first * factor, last * factor, speed)
        known = (UNKNOWN, UNKNOWN)
        if available:
            start, frames = clock.frames(available["start_time"]), clock.length(available["duration"])
            end = start + frames
            known = first_covered(start), nearest(frames)
            if retimed_in_point and speed:
                other = _stretch(start + (begin - start) * abs(speed), first * factor, last * factor, speed)
                low, high = min(low, other[0]), max(high, other[1])
            reaches_out = first < 0 or last > length or speed is not None
            if reaches_out and start <= begin < end and low < end and high > start:
                # handles and retimes may reach beyond the medium: hosts hold the last frame there
                low, high = max(low, start), min(high, end)
        lowest = first_covered(low)
        return Consumed(lowest, max(last_covered(high), lowest + 1), clock.rate, *known)

    def _clock_of(self, rate: Any) -> Clock:
        clock = self._clocks.get(rate)
        if clock is None:
            exact = rate_of(rate)
            clock = self._clocks[rate] = self._clock if exact == self._clock.rate else Clock(exact)
        return clock


def _stretch(begin: Frames, first: Frames, last: Frames, speed: Fraction | None) -> tuple[Frames, Frames]:
    if speed is None:
        return begin + first, begin + last
    if speed == 0:
        return begin, begin + 1
    if speed > 0:
        return begin + first * speed, begin + last * speed
    reach = max(last, -first, 0) * -speed
    return begin - reach, begin + reach
