"""Which media a timeline uses, where and how: the only enumerator of media.

Works on plain dicts (``files.read``), so that OpenTimelineIO need not be loaded, and touches every clip once. Positions are
those of OpenTimelineIO's ``range_of_all_children`` and ``transformed_time_range``; what OTIO leaves out is added here: the
overlaps of transitions, nested stacks that are retimed, and what a retimed clip really consumes.

A collection of timelines or clips is surveyed as if its members were played one after another.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePath
from typing import Any

from otio_perf.errors import UnreadableTimelineError
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.model.uses import EffectUse, Problem, Survey, Target, TargetKind
from otio_perf.timeline.clock import Frames, UnusableTimeError, nearest
from otio_perf.timeline.columns import TRANSITION_COLUMNS, USE_COLUMNS, Gathered, Transitions, Uses
from otio_perf.timeline.consumption import Consumption
from otio_perf.timeline.describe import Numbering, canvas_of, columns_of, described, is_enabled, name_of
from otio_perf.timeline.effects import effects_of
from otio_perf.timeline.files import Document, unreadable_if_damaged
from otio_perf.timeline.json_text import no_collection
from otio_perf.timeline.locate import Locator, Reference
from otio_perf.timeline.measure import Measure
from otio_perf.timeline.place import Place
from otio_perf.timeline.references import DAMAGE, Json, original_of, schema_of

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
        self.measure = Measure(document)
        self.clock = self.measure.clock
        self.rows: list[tuple[int, ...]] = []
        self.transition_rows: list[tuple[int, ...]] = []
        self.clips: list[str] = []
        self.items: list[Json] = []  # the clip of each use
        self.layers: dict[int, str] = {}
        self.references = Numbering[Reference]()
        self.rates = Numbering[Fraction]()
        self.retimes = Numbering[Fraction]()
        self.effects = Numbering[tuple[EffectUse, ...]]()
        self.words = Numbering[str]()
        self.consumption = Consumption(self.clock)
        self._reference_cache: dict[tuple[Any, ...], int] = {}
        self._depths: dict[int, int] = {}  # by id of the item

    def gathered(self) -> Gathered:
        cursor: Frames = 0
        for stack in self.measure.timelines:
            _, length = self.measure.trimmed(stack)
            place = Place(shift=cursor, first=cursor, last=cursor + length)
            self._item(stack, place, 0, length, 0, "", (0, 0), audio=False, effects=(), speed=None)
            cursor += length
        frames = max([nearest(cursor), *(row[4] for row in self.rows)])
        return Gathered(
            name=name_of(self.root) or PurePath(self.path).stem,
            frame_rate=self.measure.rate,
            frames=frames,
            start_frame=self.measure.start_frame(),
            canvas=canvas_of(self.root),
            layers=tuple(self.layers.get(i, "") for i in range(max(self.layers, default=-1) + 1)),
            problems=tuple(self.measure.problems),
            references=self.references.items,
            rates=self.rates.items,
            retimes=self.retimes.items,
            effects=self.effects.items,
            words=self.words.items,
            clips=self.clips,
            uses=columns_of(USE_COLUMNS, self.rows),
            transitions=columns_of(TRANSITION_COLUMNS, self.transition_rows),
        )

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
                _, length = self.measure.trimmed(child)
            except DAMAGE as e:
                self.measure.problem(child, e)
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
                _, length = self.measure.trimmed(child)
            except DAMAGE as e:
                self.measure.problem(child, e)
                before = 0
                continue
            if schema != "Gap.1":
                after: Frames = 0
                if number + 1 < len(children) and children[number + 1].get("OTIO_SCHEMA") == "Transition.1":
                    after = self.measure.offset(children[number + 1], "out_offset")
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
            self.measure.problem(transition, e)
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
        if not is_enabled(item):
            return
        schema = schema_of(item)
        if schema == "Clip":
            self._clip(item, place, start, length, layer, handles, audio=audio, outer=effects, outer_speed=speed)
            return
        if schema not in ("Stack", "Track"):
            return
        try:
            read = effects_of(item)
            own, factor = read.uses, read.speed
            inner_start, _ = self.measure.trimmed(item)
        except DAMAGE as e:
            self.measure.problem(item, e)
            return
        # backwards, the in-point is at the end: what the stack would show forwards is shown in reverse order
        anchor = start + length if factor is not None and factor < 0 else start
        inner = place.into(
            start - handles[0], start + length + handles[1], anchor, inner_start, Fraction(1) if factor is None else factor
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
            read = effects_of(clip)
            own, factor = read.uses, read.speed
            reference = original_of(clip)
            reference = self.measure.resolved(reference) if reference else {}
            number = self._reference(reference, clip, audio=audio)
            used = self.consumption.of(
                clip,
                reference,
                seen.inner_first - start,
                seen.inner_last - start,
                length=length,
                speed=factor,
                retimed_in_point=read.retimed_in_point,
                speed_varies=read.speed_varies,
            )
        except DAMAGE as e:
            self.measure.problem(clip, e)
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

    def _reference(self, reference: Json, clip: Json, *, audio: bool) -> int:
        """Number of a media reference. :raises UnusableTimeError: an image sequence without usable numbers."""
        url = reference.get("target_url")
        key = (reference.get("OTIO_SCHEMA"), url)
        if url and (known := self._reference_cache.get(key)) is not None:
            return known
        number = self.references.of(described(reference, clip, audio=audio))
        if url:
            self._reference_cache[key] = number
        return number
