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


class Line(NamedTuple):
    """Which source frame is shown when: ``first + n · step``, ``n`` timeline frames after the clip's start, at ``rate``."""

    first: Frames
    step: Frames
    rate: FrameRate
    available_start: Frames | None  # number of the file's first frame; None: the reference does not say


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
        speed_varies: bool,
    ) -> Consumed:
        """What the part ``[first, last)`` of a clip needs, in timeline frames from its start; its own ``length`` may be less,
        for transitions reach over both ends.

        A negative speed is read in two ways by hosts: backwards from the in-point, or the range from its end; both are
        covered. So are all readings of Final Cut's in-point, which some writers count in retimed frames. At a speed that varies
        any frame of the medium may be shown.

        :raises UnusableTimeError: a time or rate that makes no sense.
        """
        clock, begin, factor = self._in_point(clip, reference)
        available = reference.get("available_range")
        low, high = _stretch(begin, first * factor, last * factor, speed)
        known = (UNKNOWN, UNKNOWN)
        if available:
            start, frames = clock.frames(available["start_time"]), clock.length(available["duration"])
            end = start + frames
            known = first_covered(start), nearest(frames)
            if retimed_in_point and speed:
                points = _retimed(begin, start, frames, speed)
                for point in points if speed < 0 else points[:1]:
                    other = _stretch(point, first * factor, last * factor, speed)
                    low, high = min(low, other[0]), max(high, other[1])
            if speed_varies:
                low, high = min(low, start), max(high, end)
            reaches_out = first < 0 or last > length or speed is not None
            if reaches_out and start <= begin < end and low < end and high > start:
                # handles and retimes may reach beyond the medium: hosts hold the last frame there
                low, high = max(low, start), min(high, end)
        lowest = first_covered(low)
        return Consumed(lowest, max(last_covered(high), lowest + 1), clock.rate, *known)

    def line(self, clip: Json, reference: Json, *, length: int, speed: Fraction | None, retimed_in_point: bool) -> Line:
        """What a clip of ``length`` timeline frames shows, in the one reading that is rendered.

        A negative speed shows the frames of the positive one in reverse order: what Avid Media Composer renders, and its
        AAFs say (measured by github.com/jminor/otio-time-warp-test-suite). Final Cut counts in-points in retimed frames,
        as the ``graphdict`` that Premiere writes beside them shows; played backwards, from the medium's end.

        :raises UnusableTimeError: a time or rate that makes no sense.
        """
        clock, begin, factor = self._in_point(clip, reference)
        step = factor if speed is None else factor * speed
        available = reference.get("available_range")
        start = clock.frames(available["start_time"]) if available else None
        if retimed_in_point and speed and available and start is not None:
            forwards, backwards = _retimed(begin, start, clock.length(available["duration"]), speed)
            if speed < 0:
                return Line(backwards, step, clock.rate, start)
            begin = forwards
        if step < 0:
            begin -= (length - 1) * step
        return Line(begin, step, clock.rate, start)

    def _in_point(self, clip: Json, reference: Json) -> tuple[Clock, Frames, Frames]:
        """The clock of the medium's numbering, the in-point by it, and its frames for each of the timeline's."""
        available = reference.get("available_range")
        source_range = clip.get("source_range") or available
        if not source_range:
            raise UnusableTimeError("neither a source range nor an available range: its length is unknown")
        clock = self._clock_of((available or source_range)["start_time"]["rate"])
        factor: Frames = 1 if clock is self._clock else clock.rate / self._clock.rate
        return clock, clock.frames(source_range["start_time"]), factor

    def _clock_of(self, rate: Any) -> Clock:
        clock = self._clocks.get(rate)
        if clock is None:
            exact = rate_of(rate)
            clock = self._clocks[rate] = self._clock if exact == self._clock.rate else Clock(exact)
        return clock


def _retimed(begin: Frames, start: Frames, frames: Frames, speed: Fraction) -> tuple[Frames, Frames]:
    """The source frame behind an in-point that counts retimed frames: of a medium played forwards, and backwards."""
    ahead = (begin - start) * abs(speed)
    return start + ahead, start + frames - 1 - ahead


def _stretch(begin: Frames, first: Frames, last: Frames, speed: Fraction | None) -> tuple[Frames, Frames]:
    if speed is None:
        return begin + first, begin + last
    if speed == 0:
        return begin, begin + 1
    if speed > 0:
        return begin + first * speed, begin + last * speed
    reach = max(last, -first, 0) * -speed
    return begin - reach, begin + reach
