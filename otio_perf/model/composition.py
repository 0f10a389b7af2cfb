"""What a timeline shows: a tree of plain values, as the editor built it.

Time runs in frames of the timeline, inside each group on its own axis; ``Placed`` says how the axis of what is placed lies
on that of its lane. Cuts lie on whole frames of their axis, as in the survey (halves go up), so that no frame of a span is
another picture than the span says. Nothing is flattened: an effect on a nested stack works on the stack's picture, not on
each clip in it. What is disabled, and gaps, are left out: they show nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from otio_perf.model.timing import FrameRange, FrameRate, format_timecode, is_drop_frame_rate
from otio_perf.model.uses import EffectUse, Problem, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A channel of a medium, 0 = first: of its audio stream ``stream``, or, without that, counted through all of them."""

    stream: int | None = None
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """The picture, or the sound, of one medium. Its axis: frames of the medium at ``rate``, in the reference's own numbering.

    ``available_start`` is the number of the first frame in the file; ``None``: the reference does not say, and numbering
    starts as ``model.media.first_number`` says.
    """

    target: Target
    rate: FrameRate
    available_start: Fraction | None = None
    parameters: tuple[tuple[str, Any], ...] = ()  # of a generator, as the host writes them
    has_own_size: bool = False  # the host counts its size in its own pixels; else it is made to fit the canvas
    alpha: str = ""  # how the host takes its alpha, in Final Cut's words: ``none``, ``straight``, ``black``, ``white``
    picks: tuple[Pick, ...] = ()  # of sound: the channels that the host names, the output's first channel first


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Something on a lane, seen in ``[start, stop)`` of the lane's axis; transitions reach beyond that.

    Its own axis: ``inner = inner_start + (t − start) · speed``, ``speed`` counting frames of the content's rate for each
    frame of the timeline (a 50 fps medium on a 25 fps timeline: 2), 0 for a frozen frame, negative for backwards.
    """

    name: str
    start: int
    stop: int
    inner_start: Fraction
    speed: Fraction
    content: Shot | Group
    effects: tuple[EffectUse, ...] = ()

    def inner(self, time: Fraction | int) -> Fraction:
        """The own axis at ``time`` of the lane's."""
        return self.inner_start + (time - self.start) * self.speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A transition, seen in ``[start, stop)`` of its lane's axis. ``outgoing`` and ``incoming`` are numbers of the lane's
    items; ``None``: there is nothing on that side, the picture fades."""

    name: str
    kind: str  # OTIO's transition_type
    start: int
    stop: int
    outgoing: int | None
    incoming: int | None
    effect: EffectUse  # the host's word for it: ``otio`` and OTIO's type, where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Items one after the other, in order; ``joins`` between them, in order."""

    name: str
    items: tuple[Placed, ...]
    joins: tuple[Join, ...] = ()
    effects: tuple[EffectUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lanes on top of each other, the lowest first. A track inside a track is a group of one lane."""

    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The video of a timeline. ``[0, duration)`` in frames at ``frame_rate``; frame 0 has the number ``start_frame``.

    ``problems``: clips that cannot be shown as the editor meant them. Those whose length is known are there, without a
    medium.
    """

    name: str
    frame_rate: FrameRate
    duration: FrameRange
    start_frame: int
    canvas: tuple[int, int] | None
    root: Placed
    problems: tuple[Problem, ...] = ()

    def timecode(self, frame: int) -> str:
        """Label of a timeline frame (0 = first), in drop-frame where the rate has it."""
        return format_timecode(self.start_frame + frame, self.frame_rate, drop_frame=is_drop_frame_rate(self.frame_rate))

    def shots(self) -> Iterator[Shot]:
        """Every shot, lowest lane first."""
        waiting = [self.root]
        while waiting:
            placed = waiting.pop()
            if isinstance(placed.content, Shot):
                yield placed.content
            else:
                waiting += [item for lane in reversed(placed.content.lanes) for item in reversed(lane.items)]
