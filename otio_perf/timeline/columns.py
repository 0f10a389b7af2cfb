"""Uses, transitions and spans as columns of numbers: a hundred thousand of them are held and stored without an object each.

``Use`` and its like are made when they are asked for. A column is any sequence of ints: a list while a survey is being made,
a view into the sidecar's bytes after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar, overload

from otio_perf.model.spans import Span
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import EffectUse, Problem, Retime, Target, TrackKind, TransitionUse, Use
from otio_perf.timeline.locate import Reference

T = TypeVar("T")
Column = Sequence[int]
UNKNOWN = -(1 << 62)  # in a column: None

#: Names of the columns of a use, in the order in which they are appended and stored.
USE_COLUMNS = (
    "track",
    "kind",
    "reference",
    "start",
    "stop",
    "source_start",
    "source_stop",
    "source_rate",
    "available_start",
    "available_frames",
    "retime",
    "effects",
)
TRANSITION_COLUMNS = ("name", "kind", "track", "start", "stop")
SPAN_COLUMNS = ("start", "uses_stop", "transitions_stop")  # a span ends where the next one starts
KINDS = (TrackKind.VIDEO, TrackKind.AUDIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a timeline says about its media, before anybody asks where they are. The disk has no part in it."""

    name: str
    frame_rate: Fraction
    frames: int
    start_frame: int
    canvas: tuple[int, int] | None
    layers: tuple[str, ...]
    problems: tuple[Problem, ...]
    references: Sequence[Reference]
    rates: Sequence[Fraction]
    retimes: Sequence[Fraction]
    effects: Sequence[tuple[EffectUse, ...]]
    words: Sequence[str]  # names and kinds of transitions
    clips: Sequence[str]  # the name of each use's clip
    uses: dict[str, Column] = field(repr=False)
    transitions: dict[str, Column] = field(repr=False)


class Lazy(Sequence[T]):
    """A sequence whose items are made on access, each time anew."""

    __slots__ = ("_length", "_make")

    def __init__(self, length: int, make: Callable[[int], T]) -> None:
        self._length = length
        self._make = make

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self._make(i) for i in range(*index.indices(self._length)))
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._make(index % self._length)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(self._length))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{self._length} items>"

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (tuple(self),)


class Uses(Lazy[Use]):
    """The uses of a survey. ``columns`` and ``targets`` are for those who would look at all of them without making any."""

    __slots__ = ("columns", "targets")

    def __init__(self, gathered: Gathered, targets: Sequence[Target]) -> None:
        self.columns = gathered.uses
        self.targets = targets
        super().__init__(len(gathered.clips), _use_maker(gathered, targets))


class Transitions(Lazy[TransitionUse]):
    __slots__ = ("columns",)

    def __init__(self, gathered: Gathered) -> None:
        columns = self.columns = gathered.transitions
        words, rate = gathered.words, gathered.frame_rate

        def make(i: int) -> TransitionUse:
            return TransitionUse(
                name=words[columns["name"][i]],
                kind=words[columns["kind"][i]],
                track=columns["track"][i],
                position=FrameRange(columns["start"][i], columns["stop"][i], rate),
            )

        super().__init__(len(columns["track"]), make)


class Spans(Lazy[Span]):
    """The spans of a timeline: they follow each other without a hole, from 0 to ``frames``."""

    __slots__ = ("columns", "frames", "members", "rate", "transition_members")

    def __init__(
        self, columns: dict[str, Column], members: Column, transition_members: Column, frames: int, rate: Fraction
    ) -> None:
        self.columns, self.members, self.transition_members = columns, members, transition_members
        self.frames, self.rate = frames, rate
        starts, uses_stops, transitions_stops = (columns[name] for name in SPAN_COLUMNS)
        count = len(starts)

        def make(i: int) -> Span:
            return Span(
                position=FrameRange(starts[i], starts[i + 1] if i + 1 < count else frames, rate),
                uses=tuple(members[uses_stops[i - 1] if i else 0 : uses_stops[i]]),
                transitions=tuple(transition_members[transitions_stops[i - 1] if i else 0 : transitions_stops[i]]),
            )

        super().__init__(count, make)


def _use_maker(gathered: Gathered, targets: Sequence[Target]) -> Callable[[int], Use]:
    (
        track,
        kind,
        reference,
        start,
        stop,
        source_start,
        source_stop,
        source_rate,
        available_start,
        available_frames,
        retime,
        effects,
    ) = (gathered.uses[name] for name in USE_COLUMNS)
    rate, rates, clips = gathered.frame_rate, gathered.rates, gathered.clips
    retimes = [Retime(speed=speed) for speed in gathered.retimes]

    def make(i: int) -> Use:
        return Use(
            index=i,
            clip=clips[i],
            track=track[i],
            track_kind=KINDS[kind[i]],
            target=targets[reference[i]],
            position=FrameRange(start[i], stop[i], rate),
            source=FrameRange(source_start[i], source_stop[i], rates[source_rate[i]]),
            available_start=None if available_start[i] == UNKNOWN else available_start[i],
            available_frames=None if available_frames[i] == UNKNOWN else available_frames[i],
            retime=retimes[retime[i]] if retime[i] >= 0 else None,
            effects=gathered.effects[effects[i]] if effects[i] >= 0 else (),
        )

    return make
