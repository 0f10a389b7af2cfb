"""How long things are on a timeline, and what is wrong with them: OTIO's ranges, exactly, each reckoned once."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import Any

from otio_perf.errors import UnreadableTimelineError
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import Problem
from otio_perf.timeline.clock import Clock, Frames, UnusableTimeError, nearest, rate_of
from otio_perf.timeline.describe import name_of, picture_rates, timelines_of
from otio_perf.timeline.effects import UnusableEffectError
from otio_perf.timeline.files import Document
from otio_perf.timeline.overlay import without_overlay
from otio_perf.timeline.references import DAMAGE, Json, original_of, schema_of

#: Rates outside are time scales or sample rates, not the rate of a timeline.
_SLOWEST, _FASTEST = 5, 1000
_FALLBACK_RATE = Fraction(24)


class Measure:
    """Measures the items of a document in frames of its rate, or of ``counted_at``. What cannot be measured is noted in
    ``problems``.

    :raises UnreadableTimelineError: no timeline, track, stack, clip or collection of these.
    """

    def __init__(self, document: Document, counted_at: FrameRate | None = None) -> None:
        self.root = without_overlay(document.root)  # it shows what is below it
        self.shared = document.shared
        self.timelines = list(timelines_of(self.root))
        if not self.timelines:
            raise UnreadableTimelineError(f"a {schema_of(self.root) or 'file'} is no timeline", path=document.path)
        self.rate = self._frame_rate()
        self.clock = Clock(counted_at or self.rate)
        self.problems: list[Problem] = []
        self._ranges: dict[int, tuple[Frames, Frames]] = {}  # by id of the item, as the one below
        self._durations: dict[int, Frames] = {}
        self._named: set[tuple[int, str]] = set()  # problems, by id of the item

    def start_frame(self) -> int:
        """Number of the timeline's first frame."""
        time = self.root.get("global_start_time") if schema_of(self.root) == "Timeline" else None
        if not isinstance(time, dict):
            return 0
        try:
            return nearest(self.clock.frames(time))
        except UnusableTimeError as e:
            self.problems.append(Problem(clip="global_start_time", reason=str(e)))
            return 0

    def trimmed(self, item: Json) -> tuple[Frames, Frames]:
        """Start and length of an item in its own time, as OTIO's ``trimmed_range``. :raises UnusableTimeError"""
        known = self._ranges.get(id(item))
        if known is None:
            known = self._ranges[id(item)] = self._range_of(item)
        return known

    def length(self, item: Json) -> Frames:
        """Length of a child on its track; 0 where it cannot be told.

        The problem is named here: a track of such children alone has no length, and is never visited.
        """
        if schema_of(item) == "Transition":
            return 0
        try:
            return self.trimmed(item)[1]
        except DAMAGE as e:
            self.problem(item, e)
            return 0

    def offset(self, transition: Json, name: str) -> Frames:
        """``in_offset`` or ``out_offset``; 0 where it cannot be told."""
        try:
            return self.clock.length(transition.get(name))
        except UnusableTimeError:
            return 0

    def resolved(self, item: Json) -> Json:
        """The object itself where ``item`` refers to one."""
        if item.get("OTIO_SCHEMA") == "SerializableObjectRef.1":
            return self.shared.get(str(item.get("id")), {})
        return item

    def problem(self, item: Json, error: Exception) -> str:
        """Note, once, why an item cannot be used; the reason."""
        reason = (
            str(error) if isinstance(error, (UnusableTimeError, UnusableEffectError)) else "damaged: a part of it is missing"
        )
        if (id(item), reason) not in self._named:
            self._named.add((id(item), reason))
            self.problems.append(Problem(clip=name_of(item) or schema_of(item), reason=reason))
        return reason

    def _frame_rate(self) -> FrameRate:
        """That of ``global_start_time``, else of the first picture clip, else 24; a sample rate is none."""
        candidates = [t["rate"] for t in [self.root.get("global_start_time")] if isinstance(t, dict) and "rate" in t]
        for rate in chain(candidates, *(picture_rates(stack) for stack in self.timelines)):
            try:
                exact = rate_of(rate)
            except UnusableTimeError:
                continue
            if _SLOWEST <= exact <= _FASTEST:
                return exact
        return _FALLBACK_RATE

    def _range_of(self, item: Json) -> tuple[Frames, Frames]:
        source_range: Any = item.get("source_range")
        schema = item["OTIO_SCHEMA"]
        if source_range:
            start, length = self.clock.frames(source_range["start_time"]), self.clock.length(source_range["duration"])
            if start + length <= 0 and schema in ("Track.1", "Stack.1"):
                start = 0  # a range before the beginning shows nothing: OTIO's EDL adapter writes such, meaning record time
            return start, length
        if schema.startswith("Clip."):
            reference = original_of(item)
            available = self.resolved(reference).get("available_range") if reference else None
            if not available:
                raise UnusableTimeError("neither a source range nor an available range: its length is unknown")
            return self.clock.frames(available["start_time"]), self.clock.length(available["duration"])
        return 0, self._content(item)

    def _content(self, item: Json) -> Frames:
        """Length of what is inside a track or stack, as OTIO's ``available_range``."""
        known = self._durations.get(id(item))
        if known is None:
            known = self._durations[id(item)] = self._inner_length(item)
        return known

    def _inner_length(self, item: Json) -> Frames:
        children = [c for c in item.get("children") or () if isinstance(c, dict)]
        if schema_of(item) == "Track":
            total: Frames = sum(self.length(c) for c in children)
            for edge, offset in ((children[:1], "in_offset"), (children[-1:], "out_offset")):
                if edge and schema_of(edge[0]) == "Transition":
                    total += self.offset(edge[0], offset)
            return total
        return max((self.length(c) for c in children), default=0)
