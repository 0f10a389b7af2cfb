"""Which media a timeline uses, where and how: the only enumerator of media.

Works on plain dicts (``files.read``), so that OpenTimelineIO need not be loaded, and touches every clip once. Positions are
those of OpenTimelineIO's ``range_of_all_children`` and ``transformed_time_range``; what OTIO leaves out is added here: the
overlaps of transitions, nested stacks that are retimed, and what a retimed clip really consumes.

A collection of timelines or clips is surveyed as if its members were played one after another.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from pathlib import PurePath
from typing import Any

from otio_perf.errors import UnreadableTimelineError
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.model.uses import EffectUse, Problem, Survey, Target, TargetKind
from otio_perf.timeline.clock import Clock, Frames, UnusableTimeError, nearest, rate_of
from otio_perf.timeline.columns import TRANSITION_COLUMNS, USE_COLUMNS, Gathered, Transitions, Uses
from otio_perf.timeline.consumption import Consumption
from otio_perf.timeline.describe import Numbering, canvas_of, columns_of, described, name_of, picture_rates, timelines_of
from otio_perf.timeline.effects import UnusableEffectError, read_effects
from otio_perf.timeline.files import Document, unreadable_if_damaged
from otio_perf.timeline.json_text import no_collection
from otio_perf.timeline.locate import Locator, Reference
from otio_perf.timeline.place import Place
from otio_perf.timeline.references import DAMAGE, Json, original_of, schema_of

#: Rates outside are time scales or sample rates, not the rate of a timeline.
_SLOWEST, _FASTEST = 5, 1000
_FALLBACK_RATE = Fraction(24)
_MOST_USES = 5_000_000


def survey(document: Document, locator: Locator) -> Survey:
    """All that ``document`` asks for, with the media found by ``locator``.

    :raises UnreadableTimelineError: no timeline, track, stack, clip or collection of these.
    """
    return located(gather(document), document.path, document.digest, locator.based(document.base))


def located(gathered: Gathered, path: str, digest: str, locator: Locator) -> Survey:
    """The survey of a gathered timeline, its media looked for on the disk as it is now."""
    targets = [locator.target(reference) for reference in gathered.references]
    unique: dict[Target, Target] = {}
    targets = [unique.setdefault(t, t) for t in targets]
    # what names no medium is in the host's hand, unless it was looked for by its clip's name
    doubts = tuple(
        Problem(clip=t.url, reason=t.reason) for t in unique if t.reason and t.url and (t.path or t.kind is TargetKind.MISSING)
    )
    return Survey(
        name=gathered.name,
        path=path,
        digest=digest,
        frame_rate=gathered.frame_rate,
        duration=FrameRange(0, gathered.frames, gathered.frame_rate),
        start_frame=gathered.start_frame,
        canvas=gathered.canvas,
        layers=gathered.layers,
        targets=tuple(unique),
        uses=Uses(gathered, targets),
        transitions=Transitions(gathered),
        problems=gathered.problems + doubts,
    )


def gather(document: Document) -> Gathered:
    """What the timeline says, without a look at the disk. :raises UnreadableTimelineError"""
    with no_collection(), unreadable_if_damaged(document):
        return _Gatherer(document).gathered()


def needs(document: Document) -> dict[int, tuple[int, int, FrameRate]]:
    """Source frames ``(first, stop, rate)`` that each clip needs in all its uses, by ``id`` of the clip's dict."""
    with unreadable_if_damaged(document):
        gatherer = _Gatherer(document)
        gatherer.gathered()
    found: dict[int, tuple[int, int, FrameRate]] = {}
    for clip, row in zip(gatherer.items, gatherer.rows, strict=True):
        first, stop, rate = row[5], row[6], gatherer.rates.items[row[7]]
        known = found.get(id(clip))
        found[id(clip)] = (min(first, known[0]), max(stop, known[1]), rate) if known else (first, stop, rate)
    return found


class _Gatherer:
    """One pass over a document."""

    def __init__(self, document: Document) -> None:
        self.root = document.root
        self.path = document.path
        self.shared = document.shared
        self.timelines = list(timelines_of(self.root))
        if not self.timelines:
            raise UnreadableTimelineError(f"a {schema_of(self.root) or 'file'} is no timeline", path=document.path)
        self.rate = self._frame_rate()
        self.clock = Clock(self.rate)
        self.rows: list[tuple[int, ...]] = []
        self.transition_rows: list[tuple[int, ...]] = []
        self.clips: list[str] = []
        self.items: list[Json] = []  # the clip of each use
        self.problems: list[Problem] = []
        self.layers: dict[int, str] = {}
        self.references = Numbering[Reference]()
        self.rates = Numbering[Fraction]()
        self.retimes = Numbering[Fraction]()
        self.effects = Numbering[tuple[EffectUse, ...]]()
        self.words = Numbering[str]()
        self.consumption = Consumption(self.clock)
        self._reference_cache: dict[tuple[Any, ...], int] = {}
        self._ranges: dict[int, tuple[Frames, Frames]] = {}  # by id of the item, as the two below
        self._durations: dict[int, Frames] = {}
        self._depths: dict[int, int] = {}
        self._named: set[tuple[int, str]] = set()  # problems, by id of the item

    def gathered(self) -> Gathered:
        cursor: Frames = 0
        for stack in self.timelines:
            start, length = self._trimmed(stack)
            place = Place(shift=cursor - start, first=cursor, last=cursor + length)
            self._stack(stack, place, 0, "", audio=False, effects=(), speed=None)
            cursor += length
        frames = max([nearest(cursor), *(row[4] for row in self.rows)])
        first = self.root.get("global_start_time") if schema_of(self.root) == "Timeline" else None
        return Gathered(
            name=name_of(self.root) or PurePath(self.path).stem,
            frame_rate=self.rate,
            frames=frames,
            start_frame=self._start_frame(first),
            canvas=canvas_of(self.root),
            layers=tuple(self.layers.get(i, "") for i in range(max(self.layers, default=-1) + 1)),
            problems=tuple(self.problems),
            references=self.references.items,
            rates=self.rates.items,
            retimes=self.retimes.items,
            effects=self.effects.items,
            words=self.words.items,
            clips=self.clips,
            uses=columns_of(USE_COLUMNS, self.rows),
            transitions=columns_of(TRANSITION_COLUMNS, self.transition_rows),
        )

    # ---- time

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

    def _start_frame(self, time: Any) -> int:
        if not isinstance(time, dict):
            return 0
        try:
            return nearest(self.clock.frames(time))
        except UnusableTimeError as e:
            self.problems.append(Problem(clip="global_start_time", reason=str(e)))
            return 0

    def _trimmed(self, item: Json) -> tuple[Frames, Frames]:
        """Start and length of an item in its own time, as OTIO's ``trimmed_range``. :raises UnusableTimeError"""
        known = self._ranges.get(id(item))
        if known is None:
            known = self._ranges[id(item)] = self._range_of(item)
        return known

    def _range_of(self, item: Json) -> tuple[Frames, Frames]:
        source_range = item.get("source_range")
        schema = item["OTIO_SCHEMA"]
        if source_range:
            start, length = self.clock.frames(source_range["start_time"]), self.clock.length(source_range["duration"])
            if start + length <= 0 and schema in ("Track.1", "Stack.1"):
                start = 0  # a range before the beginning shows nothing: OTIO's EDL adapter writes such, meaning record time
            return start, length
        if schema.startswith("Clip."):
            reference = original_of(item)
            available = self._resolved(reference).get("available_range") if reference else None
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
            total: Frames = sum(self._length(c) for c in children)
            for edge, offset in ((children[:1], "in_offset"), (children[-1:], "out_offset")):
                if edge and schema_of(edge[0]) == "Transition":
                    total += self._offset(edge[0], offset)
            return total
        return max((self._length(c) for c in children), default=0)

    def _length(self, item: Json) -> Frames:
        """Length of a child on its track; 0 where it cannot be told.

        The problem is named here: a track of such children alone has no length, and is never visited.
        """
        if schema_of(item) == "Transition":
            return 0
        try:
            return self._trimmed(item)[1]
        except DAMAGE as e:
            self._problem(item, e)
            return 0

    def _offset(self, transition: Json, name: str) -> Frames:
        try:
            return self.clock.length(transition.get(name))
        except UnusableTimeError:
            return 0

    # ---- structure

    def _layers_of(self, item: Json) -> int:
        """How many layers an item takes when nested stacks are laid flat."""
        schema = schema_of(item)
        if schema not in ("Stack", "Track"):
            return 1
        known = self._depths.get(id(item))
        if known is None:
            inner = [self._layers_of(c) for c in item.get("children") or () if schema_of(c) in ("Stack", "Track")]
            known = sum(inner) + self._bare_items(item) if schema == "Stack" else max(inner, default=1)
            known = self._depths[id(item)] = max(known, 1)
        return known

    def _bare_items(self, stack: Json) -> int:
        return sum(1 for c in stack.get("children") or () if schema_of(c) not in ("Stack", "Track"))

    def _stack(
        self,
        stack: Json,
        place: Place,
        layer: int,
        name: str,
        *,
        audio: bool,
        effects: tuple[EffectUse, ...],
        speed: Fraction | None,
    ) -> None:
        for number, child in enumerate(stack.get("children") or (), 1):
            if not isinstance(child, dict):
                continue
            try:
                _, length = self._trimmed(child)
            except DAMAGE as e:
                self._problem(child, e)
                layer += self._layers_of(child)
                continue
            label = name_of(child) or f"{child.get('kind') or 'Layer'} {number}"
            label = f"{name} / {label}" if name else label
            self.layers.setdefault(layer, label)
            self._item(child, place, 0, length, layer, label, (0, 0), audio=audio, effects=effects, speed=speed)
            layer += self._layers_of(child)

    def _track(
        self,
        track: Json,
        place: Place,
        layer: int,
        name: str,
        *,
        audio: bool,
        effects: tuple[EffectUse, ...],
        speed: Fraction | None,
    ) -> None:
        kind = track.get("kind") or "Video"
        if kind not in ("Video", "Audio"):
            return
        audio = audio or kind == "Audio"
        children = [c for c in track.get("children") or () if isinstance(c, dict)]
        cursor: Frames = 0
        before: Frames = 0  # how far the next item reaches back into the transition before it
        for number, child in enumerate(children):
            schema = child.get("OTIO_SCHEMA") or ""
            if schema == "Transition.1":
                before = self._transition(child, place, cursor, layer)
                continue
            try:
                _, length = self._trimmed(child)
            except DAMAGE as e:
                self._problem(child, e)
                before = 0
                continue
            if schema != "Gap.1":
                after: Frames = 0
                if number + 1 < len(children) and children[number + 1].get("OTIO_SCHEMA") == "Transition.1":
                    after = self._offset(children[number + 1], "out_offset")
                self._item(
                    child, place, cursor, length, layer, name, (before, after), audio=audio, effects=effects, speed=speed
                )
            cursor += length
            before = 0

    def _transition(self, transition: Json, place: Place, cursor: Frames, layer: int) -> Frames:
        """Note a transition at the cut ``cursor``; how far the item after it reaches back."""
        try:
            before, after = self.clock.length(transition.get("in_offset")), self.clock.length(transition.get("out_offset"))
        except UnusableTimeError as e:
            self._problem(transition, e)
            return 0
        seen = place.see(cursor - before, cursor + after)
        if seen:
            kind = transition.get("transition_type")
            self.transition_rows.append(
                (
                    self.words.of(name_of(transition)),
                    self.words.of(kind if isinstance(kind, str) else ""),
                    layer,
                    nearest(seen.first),
                    nearest(seen.last),
                )
            )
        return before

    def _item(
        self,
        item: Json,
        place: Place,
        start: Frames,
        length: Frames,
        layer: int,
        name: str,
        handles: tuple[Frames, Frames],
        *,
        audio: bool,
        effects: tuple[EffectUse, ...],
        speed: Fraction | None,
    ) -> None:
        """A clip, or what is inside a nested stack or track, at ``start`` of its parent."""
        if item.get("enabled") is False:
            return
        schema = schema_of(item)
        if schema == "Clip":
            self._clip(item, place, start, length, layer, handles, audio=audio, outer=effects, outer_speed=speed)
            return
        if schema not in ("Stack", "Track"):
            return
        try:
            own, factor, _ = read_effects(item.get("effects") or [])
            inner_start, _ = self._trimmed(item)
        except DAMAGE as e:
            self._problem(item, e)
            return
        inner = place.into(
            start - handles[0], start + length + handles[1], start, inner_start, Fraction(1) if factor is None else factor
        )
        if inner is None:
            return
        if factor is not None:
            speed = factor if speed is None else speed * factor
        visit = self._track if schema == "Track" else self._stack
        visit(item, inner, layer, name, audio=audio, effects=own + effects, speed=speed)

    def _clip(
        self,
        clip: Json,
        place: Place,
        start: Frames,
        length: Frames,
        layer: int,
        handles: tuple[Frames, Frames],
        *,
        audio: bool,
        outer: tuple[EffectUse, ...],
        outer_speed: Fraction | None,
    ) -> None:
        seen = place.see(start - handles[0], start + length + handles[1])
        if seen is None:
            return
        try:
            metadata = clip.get("metadata")
            cdl = metadata if isinstance(metadata, dict) and "cdl" in metadata else None
            listed = clip.get("effects")
            own, factor, retimed_in_point = read_effects(listed or [], cdl) if listed or cdl else ((), None, False)
            reference = original_of(clip)
            reference = self._resolved(reference) if reference else {}
            number = self._reference(reference, name_of(clip))
            used = self.consumption.of(
                clip,
                reference,
                seen.inner_first - start,
                seen.inner_last - start,
                length=length,
                speed=factor,
                retimed_in_point=retimed_in_point,
            )
        except DAMAGE as e:
            self._problem(clip, e)
            return
        speed = outer_speed if factor is None else factor if outer_speed is None else factor * outer_speed
        if len(self.rows) >= _MOST_USES:
            raise UnreadableTimelineError(f"more than {_MOST_USES:,} uses of media", path=self.path)
        effects = own + outer
        self.clips.append(name_of(clip))
        self.items.append(clip)
        self.rows.append(
            (
                layer,
                1 if audio else 0,
                number,
                nearest(seen.first),
                nearest(seen.last),
                used.start,
                used.stop,
                self.rates.of(used.rate),
                used.available_start,
                used.available_frames,
                -1 if speed is None or speed == 1 else self.retimes.of(speed),
                self.effects.of(effects) if effects else -1,
            )
        )

    # ---- small things

    def _resolved(self, item: Json) -> Json:
        if item.get("OTIO_SCHEMA") == "SerializableObjectRef.1":
            return self.shared.get(str(item.get("id")), {})
        return item

    def _reference(self, reference: Json, clip: str) -> int:
        """Number of a media reference. :raises UnusableTimeError: an image sequence without usable numbers."""
        url = reference.get("target_url")
        key = (reference.get("OTIO_SCHEMA"), url)
        if url and (known := self._reference_cache.get(key)) is not None:
            return known
        number = self.references.of(described(reference, clip))
        if url:
            self._reference_cache[key] = number
        return number

    def _problem(self, item: Json, error: Exception) -> None:
        reason = (
            str(error) if isinstance(error, (UnusableTimeError, UnusableEffectError)) else "damaged: a part of it is missing"
        )
        if (id(item), reason) not in self._named:
            self._named.add((id(item), reason))
            self.problems.append(Problem(clip=name_of(item) or schema_of(item), reason=reason))
