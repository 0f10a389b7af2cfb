"""What comes first. Pure: where tasks serve a timeline and where the user looks go in, an order comes out.

1. what the user pinned; 2. what lies under the playhead; 3. outward from it, ahead before behind: prerenders, for nothing else
makes their frames play; 4. the proxies that timelines need, in the same order; 5. the rest. Of several timelines the one that
was looked at last comes first. Before all of it comes what a person asked for by name (``priority`` of ``state``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

#: A frame behind the playhead counts as far as this many ahead: people play forward, and jump back a little.
BEHIND_WEIGHT = 3

#: Kinds whose running tasks give their slot to what is urgent: put to sleep, they lose nothing, and go on afterwards. A
#: proxy runs for minutes, and could not be broken off without losing all of it. The others end soon (a chunk of a prerender
#: is a few seconds of the timeline) and are waited for, rather than hold their frames, and a GPU's, in memory twice; a
#: calibration that sleeps measures nonsense.
PREEMPTED_KINDS = frozenset({"proxy"})


class Band(IntEnum):
    PINNED = 0
    PLAYHEAD = 1
    OUTWARD = 2
    PROXIES = 3
    REST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Frames ``[start, stop)`` of a timeline that a task serves."""

    timeline: str  # id
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """Where the user looks in one timeline."""

    playhead: int | None = None
    pins: tuple[tuple[int, int], ...] = ()  # [start, stop)
    number: int = 0  # grows from look to look: of several timelines, the one that was looked at last comes first


class Rank(NamedTuple):
    """The smallest comes first."""

    band: Band = Band.REST
    age: int = 0  # of the timeline: the smaller, the later it was looked at
    distance: int = 0  # frames from the playhead, weighed
    kind: int = 0

    @property
    def is_urgent(self) -> bool:
        """Somebody waits for just this."""
        return self.band <= Band.PLAYHEAD


_REST, _UNSEEN = Rank(), Focus()


def rank(kind: str, places: Iterable[Place], focuses: Mapping[str, Focus]) -> Rank:
    """How urgent a task of ``kind`` is that serves ``places``: as much as the most urgent of them.

    :param focuses: by timeline; who is not in it has no playhead: its frames come in their order
    """
    return min((_rank_of(kind, place, focuses.get(place.timeline, _UNSEEN)) for place in places), default=_REST)


def touches(place: Place, timeline: str, start: int, stop: int) -> bool:
    return place.timeline == timeline and place.start < stop and start < place.stop


def _rank_of(kind: str, place: Place, focus: Focus) -> Rank:
    is_proxy = int(kind == "proxy")  # where a prerender is wanted as well, it is that which makes the frames play
    if focus.pins and any(place.start < stop and start < place.stop for start, stop in focus.pins):
        return Rank(Band.PINNED, -focus.number, _distance(place, focus.playhead), is_proxy)
    if focus.playhead is not None and place.start <= focus.playhead < place.stop:
        return Rank(Band.PLAYHEAD, -focus.number, 0, is_proxy)
    return Rank(Band.PROXIES if is_proxy else Band.OUTWARD, -focus.number, _distance(place, focus.playhead), 0)


def _distance(place: Place, playhead: int | None) -> int:
    if playhead is None:
        return max(place.start, 0)
    if place.start > playhead:
        return place.start - playhead
    return max(0, playhead - place.stop + 1) * BEHIND_WEIGHT
