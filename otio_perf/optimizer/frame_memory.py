"""What frames of a timeline are made of, remembered from one save to the next: most of them did not change.

What lies on top of each other in a stretch of the timeline is a *stack*: digests of the items, transitions and effects there,
and how they lie against each other. A frame is known by its stack and by where in that it is: not by its own number, so that
what was moved is known again; a stretch by its first frame and its length, so that it is looked up as a whole. Planning a frame
and making its key takes some 250 µs; a stretch is looked up in 10, however long it is.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from otio_perf.model.composition import Group, Join, Lane, Placed, Shot
from otio_perf.model.frames import FramePlan
from otio_perf.model.timing import FrameRange
from otio_perf.optimizer.composed import Composed
from otio_perf.planning.generations import Generations
from otio_perf.planning.prerenders import Seen, looked_at
from otio_perf.render.chunks import Fact, Known, Piece
from otio_perf.render.plan import joins_at

Part = tuple[Hashable, int]
"""One thing in a stack, and where in it a frame is."""
Stack = tuple[Part, ...]
"""Its things, and where they are when the first one is at its beginning."""


@dataclass(slots=True, kw_only=True)
class _Frames:
    """Those of one stack. ``named``: paths of the files that its effects name, as they were found."""

    number: int  # no other has the same, of this stack neither
    plans: dict[int, FramePlan] = field(default_factory=dict)  # by where the first thing is
    named: dict[str, str] = field(default_factory=dict)


class FrameMemory:
    """Of one timeline that is followed, used by one thread. ``known``: what ``render.chunks`` reckoned."""

    def __init__(self) -> None:
        self._world: Hashable = None
        self._numbers = count()
        self._frames: Generations[Stack, _Frames] = Generations()
        self._seen: Generations[tuple[int, int, int, str], Seen] = Generations()  # number of the stack, start, length
        self._facts: Generations[int, Fact] = Generations()
        self._pieces: Generations[tuple[Hashable, ...], Piece] = Generations()
        self.known = Known(self._facts, self._pieces)

    @property
    def size(self) -> int:
        """Frames that it holds."""
        return len(self._facts)

    def begin(self, timeline: Composed, *world: Hashable) -> Remembering:
        """The next round begins.

        :param world: all that shapes keys besides what a frame shows: where it is another, nothing is remembered
        """
        now = (timeline.canvas, timeline.colour, timeline.light, timeline.composition.frame_rate, *world)
        memories: tuple[Generations[Any, Any], ...] = self._frames, self._seen, self._facts, self._pieces
        for memory in memories:
            if now != self._world:
                memory.clear()
            memory.turn()
        self._world = now
        return Remembering(timeline, self)

    def frames(self, stack: Stack, find: Callable[[str], str]) -> _Frames:
        """What is known of ``stack``: nothing, where a file that its effects name is found elsewhere by now."""
        frames = self._frames.get(stack)
        if frames is None or any(find(name) != path for name, path in frames.named.items()):
            frames = _Frames(number=next(self._numbers))
            self._frames.put(stack, frames)
        return frames

    def seen(self, frames: _Frames, at: int, length: int, fidelity: str, look: Callable[[], Seen]) -> Seen:
        """Of ``length`` frames from ``at`` on; by ``look``, where nobody has looked at them."""
        name = frames.number, at, length, fidelity
        found = self._seen.get(name)
        if found is None:
            found = look()
            self._seen.put(name, found)
        return found


class Remembering:
    """The frames of one round's timeline, by memory where that is possible."""

    def __init__(self, timeline: Composed, memory: FrameMemory) -> None:
        self._timeline, self._memory = timeline, memory
        root = timeline.composition.root
        is_plain = not root.effects and root.speed == 1 and root.inner_start == 0 and root.start == 0
        self._lanes: list[_Lane] | None = None
        if is_plain and not timeline.stand_ins and isinstance(root.content, Group):
            self._lanes = [_Lane(lane, timeline) for lane in root.content.lanes]
        self._stop = root.stop

    def plan(self, frame: int) -> FramePlan:
        """What frame ``frame`` is made of: ``Composed.plan``."""
        if self._lanes is None:
            return self._timeline.plan(frame)
        stack, at = self._at(self._lanes, frame)
        return self._planned(self._memory.frames(stack, self._timeline.find), frame, at)

    def seen(self, position: FrameRange, *, fidelity: str, tick: Callable[[], None]) -> Seen:
        """``prerenders.looked_at``."""
        lanes = self._lanes
        if lanes is None or position.stop > self._stop or not all(lane.is_even(position) for lane in lanes):
            return looked_at(self.plan, position, fidelity=fidelity, tick=tick)
        stack, at = self._at(lanes, position.start)
        frames = self._memory.frames(stack, self._timeline.find)
        shift = at - position.start

        def look() -> Seen:
            return looked_at(lambda n: self._planned(frames, n, n + shift), position, fidelity=fidelity, tick=tick)

        return self._memory.seen(frames, at, len(position), fidelity, look)

    def _planned(self, frames: _Frames, frame: int, at: int) -> FramePlan:
        found = frames.plans.get(at)
        if found is None:
            self._timeline.find.asked.clear()
            found = frames.plans[at] = self._timeline.plan(frame)
            frames.named.update(self._timeline.find.asked)
        return found

    def _at(self, lanes: Sequence[_Lane], frame: int) -> tuple[Stack, int]:
        """What lies at ``frame``, and where in it that is."""
        parts: list[Part] = []
        if frame < self._stop:
            for lane in lanes:
                parts += lane.at(frame)
        at = parts[0][1] if parts else 0
        return tuple((what, where - at) for what, where in parts), at


class _Lane:
    """What lies on a lane, by digest."""

    def __init__(self, lane: Lane, timeline: Composed) -> None:
        self._lane, self._timeline = lane, timeline
        self._starts = [item.start for item in lane.items]
        self._edges = sorted(
            {edge for item in lane.items for edge in (item.start, item.stop)}
            | {edge for join in lane.joins for edge in (join.start, join.stop)}
        )
        self._digests: dict[int, bytes] = {}  # by number of the item
        self._joins: dict[int, Hashable] = {}  # by start
        self._own = repr((lane.effects, lane.items[-1].stop)) if lane.effects else ""  # they count from its start to its end

    def is_even(self, position: FrameRange) -> bool:
        """Does nothing begin or end here within ``position``?"""
        following = bisect_right(self._edges, position.start)
        return following == len(self._edges) or self._edges[following] >= position.stop

    def at(self, frame: int) -> Iterator[Part]:
        number = bisect_right(self._starts, frame) - 1
        is_there = number >= 0 and frame < self._lane.items[number].stop
        joins = joins_at(self._lane, frame) if self._lane.joins else ()
        if not (is_there or joins):
            return
        if self._own:
            yield self._own, frame
        for join in joins:
            yield self._join(join), frame - join.start
            for side in (join.outgoing, join.incoming):
                if side is not None:
                    yield self._item(side, frame)
        if not joins:
            yield self._item(number, frame)

    def _join(self, join: Join) -> Hashable:
        if join.start not in self._joins:  # no two begin at once
            sides = join.outgoing is None, join.incoming is None
            self._joins[join.start] = join.name, join.kind, repr(join.effect), join.stop - join.start, sides
        return self._joins[join.start]

    def _item(self, number: int, frame: int) -> Part:
        if number not in self._digests:
            self._digests[number] = _digest(self._lane.items[number], self._timeline)
        return self._digests[number], frame - self._lane.items[number].start


def _digest(item: Placed, timeline: Composed) -> bytes:
    """Of all that shapes its pictures, but not of where it lies."""
    media = [_medium(shot, timeline) for shot in _shots(item)]
    length = item.stop - item.start
    words = repr((item.name, length, item.inner_start, item.speed, item.content, item.effects, media))
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _medium(shot: Shot, timeline: Composed) -> str | None:
    found = timeline.media.get(shot.target.medium)
    return None if found is None else found.fingerprint


def _shots(item: Placed) -> Iterator[Shot]:
    waiting = [item]
    while waiting:
        placed = waiting.pop()
        if isinstance(placed.content, Shot):
            yield placed.content
        else:
            waiting += [inner for lane in placed.content.lanes for inner in lane.items]
