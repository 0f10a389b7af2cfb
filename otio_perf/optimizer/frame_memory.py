"""What frames of a timeline are made of, remembered from one save to the next: most of them did not change.

A frame is known by what lies there, and where in it: not by its own number, so that what was moved is known again. Planning
a frame and making its key takes some 250 µs; looking it up, 5.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from otio_perf.model.composition import Group, Lane, Placed, Shot
from otio_perf.model.frames import FramePlan
from otio_perf.optimizer.composed import Composed
from otio_perf.render.keys import files_of
from otio_perf.render.plan import joins_at

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Generations(Generic[K, V]):
    """A mapping that forgets what was neither put nor asked for since the turn before last."""

    def __init__(self) -> None:
        self._now: dict[K, V] = {}
        self._before: dict[K, V] = {}

    def turn(self) -> None:
        self._now, self._before = {}, self._now

    def clear(self) -> None:
        self._now, self._before = {}, {}

    def get(self, key: K) -> V | None:
        found = self._now.get(key)
        if found is None and (found := self._before.get(key)) is not None:
            self._now[key] = found
        return found

    def put(self, key: K, value: V) -> None:
        self._now[key] = value


class FrameMemory:
    """Of one timeline that is followed, used by one thread. ``keys``: as ``render.chunks`` takes them."""

    def __init__(self) -> None:
        self._world: Hashable = None
        self._plans: Generations[Hashable, FramePlan] = Generations()
        self.keys: Generations[tuple[int, ...], tuple[tuple[FramePlan, ...], dict[str, str]]] = Generations()

    def begin(self, timeline: Composed, *world: Hashable) -> Callable[[int], FramePlan]:
        """The next round begins. :returns: ``timeline.plan``, by memory where that is possible

        :param world: all that shapes keys besides what a frame shows: where it is another, nothing is remembered
        """
        composition = timeline.composition
        now = (timeline.canvas, timeline.colour, timeline.light, composition.frame_rate, *world)
        if now != self._world:
            self._world = now
            self._plans.clear()
            self.keys.clear()
        self._plans.turn()
        self.keys.turn()
        root = composition.root
        is_plain = not root.effects and root.speed == 1 and root.inner_start == 0 and root.start == 0
        if timeline.stand_ins or not is_plain or not isinstance(root.content, Group):
            return timeline.plan
        lanes = [_Lane(lane, timeline) for lane in root.content.lanes]

        def plan(frame: int) -> FramePlan:
            identity = tuple(part for lane in lanes for part in lane.at(frame))
            found = self._plans.get(identity)
            if found is None:
                found = timeline.plan(frame)
                if not files_of(found):  # what is in a file, and which file is meant, may change without a save
                    self._plans.put(identity, found)
            return found

        return plan


class _Lane:
    """What lies on a lane, by digest."""

    def __init__(self, lane: Lane, timeline: Composed) -> None:
        self._lane, self._timeline = lane, timeline
        self._starts = [item.start for item in lane.items]
        self._digests: dict[int, bytes] = {}  # by number of the item
        self._own = repr(lane.effects) if lane.effects else ""

    def at(self, frame: int) -> Iterator[Hashable]:
        number = bisect_right(self._starts, frame) - 1
        is_there = number >= 0 and frame < self._lane.items[number].stop
        joins = joins_at(self._lane, frame) if self._lane.joins else ()
        if not (is_there or joins):
            return
        if self._own:  # they count from the lane's beginning to its end
            yield self._own, frame, self._lane.items[-1].stop
        for join in joins:
            yield join.name, join.kind, join.effect.dialect, repr(join.effect), frame - join.start, join.stop - join.start
            for side in (join.outgoing, join.incoming):
                yield None if side is None else self._item(side, frame)
        if not joins:
            yield self._item(number, frame)

    def _item(self, number: int, frame: int) -> Hashable:
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
