"""Where the inside of a composition lies on the timeline: a linear map of time and a window."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from otio_perf.timeline.clock import Frames


@dataclass(frozen=True, slots=True)
class Seen:
    """The visible part of an item: timeline frames ``[first, last)`` and the same in the composition's own time."""

    first: Frames
    last: Frames
    inner_first: Frames
    inner_last: Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Timeline frame = ``shift + scale · inner frame``, visible in ``[first, last)``.

    ``frozen``: the composition stands still at this inner frame for the whole window.
    """

    shift: Frames
    first: Frames
    last: Frames
    scale: Frames = 1
    frozen: Frames | None = None

    def see(self, start: Frames, stop: Frames) -> Seen | None:
        """The visible part of inner ``[start, stop)``; ``None`` where nothing is."""
        if self.frozen is not None:
            if start <= self.frozen < stop and self.first < self.last:
                return Seen(self.first, self.last, self.frozen, self.frozen + 1)
            return None
        if self.scale == 1:
            first, last = max(self.shift + start, self.first), min(self.shift + stop, self.last)
            return Seen(first, last, first - self.shift, last - self.shift) if first < last else None
        a, b = self.shift + self.scale * start, self.shift + self.scale * stop
        first, last = max(min(a, b), self.first), min(max(a, b), self.last)
        if first >= last:
            return None
        inner = sorted(((first - self.shift) / Fraction(self.scale), (last - self.shift) / Fraction(self.scale)))
        return Seen(first, last, inner[0], inner[1])

    def into(self, start: Frames, stop: Frames, anchor: Frames, inner_start: Frames, speed: Fraction) -> Place | None:
        """The place of a nested composition that is visible in inner ``[start, stop)`` and whose own time ``inner_start``
        is at ``anchor``, played at ``speed``; ``None`` where nothing of it is seen."""
        seen = self.see(start, stop)
        if seen is None:
            return None
        if self.frozen is not None or speed == 0:
            at = inner_start + ((self.frozen - anchor) * speed if self.frozen is not None else 0)
            return Place(shift=0, first=seen.first, last=seen.last, frozen=at)
        scale: Frames = self.scale if speed == 1 else self.scale / speed
        shift = self.shift + self.scale * anchor - scale * inner_start
        return Place(shift=shift, first=seen.first, last=seen.last, scale=scale)
