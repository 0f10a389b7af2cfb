"""What a timeline shows, as a tree: ``compose`` is to rendering what ``survey`` is to media.

The same times in another shape: the survey flattens, so that every use of a medium can be counted; here groups stay groups,
so that an effect on a stack works on its whole picture. Each item is touched once. Video here; ``sound`` composes the audio.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePath

from otio_perf.model.composition import Composition, Group, Join, Lane, Placed, Shot
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.model.uses import EffectUse, Problem, Target, TargetKind
from otio_perf.timeline.clock import Frames, UnusableTimeError, nearest
from otio_perf.timeline.consumption import Consumption
from otio_perf.timeline.describe import FINAL_CUT, canvas_of, described, host_data, is_enabled, name_of
from otio_perf.timeline.effects import effects_of, generator_parameters, read_transition
from otio_perf.timeline.files import Document, unreadable_if_damaged
from otio_perf.timeline.json_text import no_collection
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.measure import Measure
from otio_perf.timeline.references import DAMAGE, Json, original_of, schema_of


def compose(document: Document, locator: Locator) -> Composition:
    """What ``document`` shows, with the media found by ``locator``.

    :raises UnreadableTimelineError: no timeline, track, stack, clip or collection of these.
    """
    with no_collection(), unreadable_if_damaged(document):
        return Composer(document, locator.based(document.base)).composition()


class Composer:
    """One pass over a document, for its tracks of one kind; in frames of the timeline, or of ``rate``."""

    kind = "Video"

    def __init__(self, document: Document, locator: Locator, rate: FrameRate | None = None) -> None:
        self.path = document.path
        self.locator = locator
        self.measure = Measure(document, rate)
        self.consumption = Consumption(self.measure.clock)

    def composition(self) -> Composition:
        root = self.measure.root
        name = name_of(root) or PurePath(self.path).stem
        placed: list[Placed] = []
        cursor: Frames = 0
        for stack in self.measure.timelines:
            _, length = self.measure.trimmed(stack)
            item = self._item(stack, cursor, length)
            placed += [item] if item else []
            cursor += length
        frames = nearest(cursor)
        return Composition(
            name=name,
            frame_rate=self.measure.clock.rate,
            duration=FrameRange(0, frames, self.measure.clock.rate),
            start_frame=self.measure.start_frame(),
            canvas=canvas_of(root),
            root=placed[0] if len(placed) == 1 else _in_a_row(name, placed, frames),
            problems=tuple(self.measure.problems),
        )

    def _item(self, item: Json, start: Frames, length: Frames) -> Placed | None:
        """An item at ``start`` of its lane; ``None``: it shows nothing."""
        first, stop = nearest(start), nearest(start + length)
        if not is_enabled(item) or first >= stop:
            return None
        schema = schema_of(item)
        if schema == "Clip":
            return self._clip(item, first, stop)
        if schema == "Stack" or (schema == "Track" and self._takes(item)):
            return self._group(item, first, stop)
        if schema == "Gap" and item.get("effects") and self.kind == "Video":
            return self._group(item, first, stop)
        return None

    def _takes(self, track: Json) -> bool:
        return kind_of(track) == self.kind

    def _clip(self, clip: Json, start: int, stop: int) -> Placed | None:
        name = name_of(clip)
        try:
            read = effects_of(clip)
            reference = original_of(clip)
            reference = self.measure.resolved(reference) if reference else {}
            target = self.locator.target(described(reference, clip, audio=self.kind == "Audio"))
            line = self.consumption.line(
                clip, reference, length=stop - start, speed=read.speed, retimed_in_point=read.retimed_in_point
            )
        except DAMAGE as e:
            return self._unusable(clip, start, stop, e)
        return Placed(
            name=name,
            start=start,
            stop=stop,
            inner_start=Fraction(line.first),
            speed=Fraction(line.step),
            content=Shot(
                target=target,
                rate=line.rate,
                available_start=None if line.available_start is None else Fraction(line.available_start),
                parameters=generator_parameters(reference) if target.kind is TargetKind.GENERATOR else (),
                # Final Cut takes every medium pixel for pixel: a clip of 2048 columns that fills 1920 has a ``scale`` of 93.75
                # in its XML, which Premiere and others write too; whether Premiere fits one by itself is not in it.
                has_own_size=isinstance(clip.get("metadata"), dict) and FINAL_CUT in clip["metadata"],
                alpha=str(host_data(clip, FINAL_CUT).get("alphatype") or ""),
            ),
            effects=read.uses,
        )

    def _unusable(self, item: Json, start: int, stop: int, error: Exception) -> Placed:
        """What stands for an item of which the timeline says what makes no sense."""
        reason = self.measure.problem(item, error)
        return Placed(
            name=name_of(item),
            start=start,
            stop=stop,
            inner_start=Fraction(0),
            speed=Fraction(1),
            content=Shot(
                target=Target(kind=TargetKind.UNUSABLE, url="", path=None, reason=reason), rate=self.measure.clock.rate
            ),
        )

    def _group(self, item: Json, start: int, stop: int) -> Placed | None:
        """A nested stack or track; a gap that carries effects, as a group of nothing."""
        try:
            read = effects_of(item)
            inner_start, _ = self.measure.trimmed(item)
        except DAMAGE as e:
            return self._unusable(item, start, stop, e)
        speed = Fraction(1) if read.speed is None else read.speed
        if speed < 0:  # what it would show forwards, in reverse order
            inner_start -= (stop - start - 1) * speed
        name = name_of(item)
        lanes = (self._lane(item, name),) if schema_of(item) == "Track" else self._lanes(item)
        return Placed(
            name=name,
            start=start,
            stop=stop,
            inner_start=Fraction(inner_start),
            speed=speed,
            content=Group(lanes=tuple(lane for lane in lanes if lane.items)),
            effects=read.uses,
        )

    def _lanes(self, stack: Json) -> tuple[Lane, ...]:
        """The layers of a stack, the lowest first."""
        lanes = []
        for number, child in enumerate(stack.get("children") or (), 1):
            if not isinstance(child, dict):
                continue
            name = name_of(child) or f"{child.get('kind') or 'Layer'} {number}"
            try:
                lane = self._layer(child, name)
            except DAMAGE as e:
                self.measure.problem(child, e)
                continue
            lanes += [lane] if lane is not None else []
        return tuple(lanes)

    def _layer(self, child: Json, name: str) -> Lane | None:
        """A child of a stack; a track that is neither trimmed nor retimed is the lane itself."""
        _, length = self.measure.trimmed(child)
        if schema_of(child) == "Track" and not child.get("source_range"):
            if not is_enabled(child) or not self._takes(child):
                return None
            read = effects_of(child)
            lane = self._lane(child, name, read.uses) if read.speed is None else None
            if lane is not None and (lane.items or not read.uses or self.kind != "Video"):
                return lane
        item = self._item(child, 0, length)
        return Lane(name=name, items=(item,)) if item else None

    def _lane(self, track: Json, name: str, effects: tuple[EffectUse, ...] = ()) -> Lane:
        children = [c for c in track.get("children") or () if isinstance(c, dict)]
        items: list[Placed] = []
        numbers: dict[int, int] = {}  # of the items, by that of the child
        cuts: list[tuple[int, Frames]] = []  # transitions, by number of the child
        cursor: Frames = 0
        for number, child in enumerate(children):
            if schema_of(child) == "Transition":
                cuts.append((number, cursor))
                continue
            try:
                _, length = self.measure.trimmed(child)
                item = self._item(child, cursor, length)
            except DAMAGE as e:
                self.measure.problem(child, e)
                continue
            if item is not None:
                numbers[number] = len(items)
                items.append(item)
            cursor += length
        joins: list[Join] = []
        for number, cut in cuts:
            join = self._join(children, number, cut, numbers, joins[-1].start if joins else None)
            joins += [join] if join else []
        return Lane(name=name, items=tuple(items), joins=tuple(joins), effects=effects)

    def _join(
        self, children: list[Json], number: int, cut: Frames, numbers: dict[int, int], earliest: int | None
    ) -> Join | None:
        """The transition ``children[number]`` at ``cut``, not before ``earliest``, the start of the one before it."""
        transition = children[number]
        if number and schema_of(children[number - 1]) == "Transition":
            self._refuse(transition, "a second transition at the same cut")
            return None
        try:
            before = self.measure.clock.length(transition.get("in_offset"))
            after = self.measure.clock.length(transition.get("out_offset"))
        except UnusableTimeError as e:
            self._refuse(transition, str(e))
            return None
        start, stop = nearest(cut - before), nearest(cut + after)
        if earliest is not None and start < earliest:
            self._refuse(transition, "it begins before the transition before it")
            return None
        following = number + 1
        while following < len(children) and schema_of(children[following]) == "Transition":
            following += 1
        outgoing, incoming = numbers.get(number - 1), numbers.get(following)
        if start >= stop or (outgoing is None and incoming is None):
            return None
        return Join(
            name=name_of(transition),
            kind=str(transition.get("transition_type") or ""),
            start=start,
            stop=stop,
            outgoing=outgoing,
            incoming=incoming,
            effect=read_transition(transition),
        )

    def _refuse(self, transition: Json, reason: str) -> None:
        self.measure.problems.append(Problem(clip=name_of(transition) or "Transition", reason=reason))


def kind_of(track: Json) -> object:
    return track.get("kind") or "Video"


def _in_a_row(name: str, placed: list[Placed], frames: int) -> Placed:
    """The members of a collection, played one after another."""
    lanes = (Lane(name=name, items=tuple(placed)),) if placed else ()
    return Placed(name=name, start=0, stop=frames, inner_start=Fraction(0), speed=Fraction(1), content=Group(lanes=lanes))
