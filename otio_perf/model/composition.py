"""What a timeline shows: a tree of plain values, as the editor built it.

Time runs in frames of the timeline (``Fraction`` where cuts lie between them), inside each group on its own axis; ``Placed``
says how the axis of what is placed lies on that of its parent. Nothing is flattened: an effect on a nested stack works on
the stack's picture, not on each clip in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.model.uses import EffectUse, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """The picture of one medium. Its axis: frames of the medium at ``rate``, in the reference's own numbering.

    ``available_start`` is the number of the first frame in the file; ``None``: the reference does not say, and numbering
    starts where the medium's own timecode does, or at 0.
    """

    target: Target
    rate: FrameRate
    available_start: Fraction | None
    available_frames: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Something on a lane, seen in ``[start, stop)`` of the lane's axis; transitions reach beyond that.

    Its own axis: ``inner = inner_start + (t − start) · speed``, ``speed`` counting frames of the content's rate for each
    frame of the timeline (a 50 fps medium on a 25 fps timeline: 2), 0 for a frozen frame, negative for backwards.
    """

    name: str
    start: Fraction
    stop: Fraction
    inner_start: Fraction
    speed: Fraction
    content: Shot | Group
    effects: tuple[EffectUse, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A transition at the cut ``cut`` of a lane, seen in ``[cut − before, cut + after)``. ``outgoing`` and ``incoming`` are
    numbers of the lane's items; ``None``: there is nothing on that side, the picture fades."""

    name: str
    kind: str  # OTIO's transition_type
    cut: Fraction
    before: Fraction
    after: Fraction
    outgoing: int | None
    incoming: int | None
    effect: EffectUse | None = None  # what the host says about it beyond OTIO's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Items one after the other, in order, gaps left out; ``joins`` between them, in order."""

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
    """The video of a timeline. ``[0, duration)`` in frames at ``frame_rate``; frame 0 has the number ``start_frame``."""

    name: str
    frame_rate: FrameRate
    duration: FrameRange
    start_frame: int
    canvas: tuple[int, int] | None
    root: Placed
