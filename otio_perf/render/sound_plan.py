"""Which sounds of which media are heard when, and how loud. Pure: no file is looked at.

- A cut lies on the nearest sample; positions in media are exact. Media are met by time: their first frame is time 0, or, where
  there are no pictures, their first sample.
- A transition is a fade of each of its two sides, beyond the cut into the handles; without a handle there is silence.
- Backwards plays the range from its end. A frozen frame is silent.
- Where the host does not say which channels a clip plays, it is all of the first stream. But where several audio tracks hold
  the same piece of the same medium at the same time, each is one of its channels, as cameras record and hosts link them: the
  n-th plays stream n, or, of one stream, channel n at its place in the layout. If there are more of them than channels, they
  are copies.
- Channels come to the output's loudspeakers as ``model.channels`` says; those that a host picks singly are centred, pairs are
  left and right.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from otio_perf.model.channels import LAYOUTS, Matrix, matrix, named
from otio_perf.model.composition import Group, Join, Lane, Placed, Shot
from otio_perf.model.frames import Fidelity, clause_of
from otio_perf.model.media import AudioInfo, MediaInfo, first_number, sound_origin
from otio_perf.model.sound import Carried, Curve, Fade, Hear, Pitch, Silence, SoundPlan, Soundtrack, Voice
from otio_perf.model.uses import EffectUse, TargetKind

#: Speeds at which nothing is heard in what is left of a sound.
_SLOWEST, _FASTEST = Fraction(1, 100), Fraction(100)

CurveOf = Callable[[EffectUse], tuple[Curve, Fidelity]]


def sound_plan(
    soundtrack: Soundtrack,
    media: Mapping[str, MediaInfo],
    hear: Hear,
    curve_of: CurveOf,
    *,
    layout: str = "stereo",
    pitch: Pitch = Pitch.FOLLOW,
    within: tuple[int, int] | None = None,
) -> SoundPlan:
    """All voices of a timeline.

    :param media: what is online, by ``Target.medium``.
    :param hear: the host's effects as levels; ``curve_of``: its transitions as curves.
    :param layout: of the output, a name of ``model.channels.LAYOUTS``.
    :param within: samples ``[start, stop)`` of the timeline, where no others are asked for.
    :raises KeyError: there is no such layout.
    """
    planner = _Planner(soundtrack=soundtrack, media=media, hear=hear, curve_of=curve_of, outputs=LAYOUTS[layout], pitch=pitch)
    tree = soundtrack.tree
    start, stop = within or (0, len(tree.duration))
    planner.placed(
        tree.root,
        _Seen(offset=Fraction(0), scale=Fraction(1), start=max(start, tree.root.start), stop=min(stop, tree.root.stop)),
    )
    return SoundPlan(
        sample_rate=int(tree.frame_rate),
        samples=len(tree.duration),
        layout=layout,
        channels=len(planner.outputs),
        voices=tuple(sorted(planner.voices, key=lambda voice: voice.start)),
        approximate=tuple(sorted(planner.approximate)),
        unknown=tuple(sorted(planner.unknown)),
        silent=tuple(planner.silent),
        why=tuple(sorted(planner.why.items())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How an axis lies on the timeline's samples: it is at ``offset + t · scale`` at sample ``t``; ``[start, stop)`` of the
    timeline is heard of it, with these effects and fades."""

    offset: Fraction
    scale: Fraction
    start: int
    stop: int
    effects: tuple[Carried, ...] = ()
    fades: tuple[Fade, ...] = ()

    def inside(self, item: Placed) -> _Seen:
        """The axis of what is inside ``item``."""
        offset = item.inner_start + (self.offset - item.start) * item.speed
        return replace(self, offset=offset, scale=self.scale * item.speed)

    def samples(self, first: int, stop: int) -> tuple[int, int]:
        """Samples of the timeline at which the axis is in ``[first, stop)``."""
        a, b = (first - self.offset) / self.scale, (stop - self.offset) / self.scale
        if self.scale < 0:  # a sample reaches from its place on the axis upwards: backwards, the last begins one later
            a, b = b + 1, a + 1
        return _nearest(a), _nearest(b)


@dataclass(slots=True, kw_only=True)
class _Planner:
    soundtrack: Soundtrack
    media: Mapping[str, MediaInfo]
    hear: Hear
    curve_of: CurveOf
    outputs: tuple[str, ...]
    pitch: Pitch
    voices: list[Voice] = field(default_factory=list)
    approximate: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    silent: dict[Silence, None] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def placed(self, item: Placed, seen: _Seen, share: tuple[int, int] = (0, 1)) -> None:
        """An item within what is ``seen`` of its lane. ``share``: it is the n-th of so many that play the same."""
        if seen.start >= seen.stop or item.speed == 0:
            return
        if isinstance(item.content, Group):
            inside = item.inner_start * self.soundtrack.frame_rate / self.soundtrack.tree.frame_rate
            effects = self._carried(item.effects, item.start, item.stop - item.start, seen, inside, item.speed)
            self._group(item.content, replace(seen.inside(item), effects=(*effects, *seen.effects)))
        else:
            self._shot(item, item.content, seen, share)

    def _group(self, group: Group, seen: _Seen) -> None:
        shares = _shares(group)
        for lane in group.lanes:
            if lane.items:
                self._lane(lane, seen, shares)

    def _lane(self, lane: Lane, seen: _Seen, shares: Mapping[int, tuple[int, int]]) -> None:
        effects = self._carried(lane.effects, 0, lane.items[-1].stop, seen, Fraction(0), Fraction(1))
        seen = replace(seen, effects=(*effects, *seen.effects))
        arriving = {join.incoming: join for join in lane.joins if join.incoming is not None}
        leaving = {join.outgoing: join for join in lane.joins if join.outgoing is not None}
        for number, item in enumerate(lane.items):
            before, after = arriving.get(number), leaving.get(number)
            start, stop = seen.samples(before.start if before else item.start, after.stop if after else item.stop)
            fades = [self._fade(join, seen, rises=join is before) for join in (before, after) if join]
            inner = replace(seen, start=max(start, seen.start), stop=min(stop, seen.stop), fades=(*seen.fades, *fades))
            self.placed(item, inner, shares.get(id(item), (0, 1)))

    def _fade(self, join: Join, seen: _Seen, *, rises: bool) -> Fade:
        curve, fidelity = self.curve_of(join.effect)
        if fidelity is Fidelity.APPROXIMATE:
            self.approximate.add(join.effect.label or join.name)
        start, stop = seen.samples(join.start, join.stop)
        return Fade(start=start, stop=stop, rises=rises if seen.scale > 0 else not rises, curve=curve)

    # ---- media

    def _shot(self, item: Placed, shot: Shot, seen: _Seen, share: tuple[int, int]) -> None:
        target = shot.target
        info = self.media.get(target.medium)
        name = (target.path or target.url).replace("\\", "/").rstrip("/").rpartition("/")[2] or item.name
        if target.kind is TargetKind.GENERATOR:
            self._silence(target.generator or item.name, "generators of sound are not known here", seen)
        elif target.kind is TargetKind.UNUSABLE:
            self._silence(item.name or "a clip without a name", target.reason or "", seen, is_unusable=True)
        elif info is None:
            self._silence(name, target.reason or "is offline", seen)
        elif not info.audio:
            self._silence(name, "has no sound", seen)
        elif not _SLOWEST <= abs(item.speed * seen.scale * self.soundtrack.tree.frame_rate / shot.rate) <= _FASTEST:
            self._silence(name, f"is not played slower than {float(_SLOWEST):g} or faster than {_FASTEST} times", seen)
        else:
            self._voices(item, shot, info, name, seen, share)

    def _voices(self, item: Placed, shot: Shot, info: MediaInfo, name: str, seen: _Seen, share: tuple[int, int]) -> None:
        tree = self.soundtrack.tree
        origin = Fraction(first_number(info, shot.rate)) if shot.available_start is None else shot.available_start
        axis = seen.inside(item)
        position = (axis.offset + seen.start * axis.scale - origin) / shot.rate
        speed = axis.scale * tree.frame_rate / shot.rate
        per_frame = tree.frame_rate / self.soundtrack.frame_rate
        effects = self._carried(
            item.effects, item.start, item.stop - item.start, seen, item.inner_start - origin, item.speed * per_frame
        )
        ends = sorted((position, position + (seen.stop - seen.start) * speed / tree.frame_rate))
        chosen = self._chosen(shot, info.audio, share)
        if not chosen:
            self._silence(name, "does not have the channels that the timeline asks for", seen)
        beginning = sound_origin(info)
        heard = [
            (stream, factors)
            for stream, factors in chosen
            if ends[1] > (first := stream.start_time - beginning) and ends[0] < first + stream.duration
        ]
        if chosen and not heard:
            self._silence(name, "has no sound in the part that is used", seen)
        self.voices += [
            Voice(
                name=name,
                medium=shot.target.medium,
                stream_index=stream.stream_index,
                start=seen.start,
                stop=seen.stop,
                position=position,
                speed=speed,
                matrix=factors,
                pitch=self.pitch,
                effects=(*effects, *seen.effects),
                fades=seen.fades,
            )
            for stream, factors in heard
        ]

    def _chosen(self, shot: Shot, streams: Sequence[AudioInfo], share: tuple[int, int]) -> list[tuple[AudioInfo, Matrix]]:
        """The streams that are heard, and how their channels come to the output's."""
        if shot.picks:
            return self._picked(shot, streams)
        number, count = share
        if 1 < count <= sum(stream.channels for stream in streams):
            if len(streams) >= count:
                return [(streams[number], self._whole(streams[number]))]
            stream, channel = _channel(streams, number)
            return [(stream, _only(self._whole(stream), channel))]
        return [(streams[0], self._whole(streams[0]))]

    def _whole(self, stream: AudioInfo) -> Matrix:
        return matrix(named(stream.layout, stream.channels), self.outputs)

    def _picked(self, shot: Shot, streams: Sequence[AudioInfo]) -> list[tuple[AudioInfo, Matrix]]:
        places = matrix(named("", len(shot.picks)), self.outputs)
        found: dict[int, list[list[float]]] = {}
        for number, pick in enumerate(shot.picks):
            try:
                stream, channel = (
                    _channel(streams, pick.channel) if pick.stream is None else (streams[pick.stream], pick.channel)
                )
            except IndexError:
                continue
            if channel >= stream.channels:
                continue
            rows = found.setdefault(streams.index(stream), [[0.0] * stream.channels for _ in self.outputs])
            for row, place in zip(rows, places, strict=True):
                row[channel] += place[number]
        return [(streams[number], tuple(map(tuple, rows))) for number, rows in found.items()]

    # ---- effects

    def _carried(
        self, effects: tuple[EffectUse, ...], start: int, length: int, seen: _Seen, inner: Fraction, step: Fraction
    ) -> tuple[Carried, ...]:
        """``effects`` of an item at ``start`` of an axis; ``inner``, ``step``: its position inside, and that of a frame."""
        tree = self.soundtrack.tree
        per_frame = tree.frame_rate / self.soundtrack.frame_rate
        carried = []
        for effect in effects:
            one = Carried(
                effect=effect,
                start=(start - seen.offset) / seen.scale,
                frames_per_sample=seen.scale / per_frame,
                length=length / per_frame,
                inner_start=inner,
                inner_step=step,
            )
            if self._is_heard(one):
                carried.append(one)
        return tuple(carried)

    def _is_heard(self, carried: Carried) -> bool:
        """An effect that is unknown is named, and left out; one that does nothing may do something later."""
        last = max(0, math.ceil(carried.length) - 1)
        frames = [range(frame, frame + 1) for frame in (0, last // 2, last)]
        effect = carried.effect
        said = [one for few in frames for one in self.hear(effect, few, carried.moment)]
        for fidelity, names in ((Fidelity.UNKNOWN, self.unknown), (Fidelity.APPROXIMATE, self.approximate)):
            reasons = [one.why for one in said if one.fidelity is fidelity]
            if reasons:
                names.add(effect.label)
                if reasons[0]:
                    self.why.setdefault(effect.label, clause_of(reasons[0], effect.label, effect.name))
                return fidelity is Fidelity.APPROXIMATE
        return True

    def _silence(self, name: str, reason: str, seen: _Seen, *, is_unusable: bool = False) -> None:
        self.silent[Silence(clip=name, reason=reason, start=seen.start, stop=seen.stop, is_unusable=is_unusable)] = None


def _shares(group: Group) -> dict[int, tuple[int, int]]:
    """For items, by ``id``, of which other lanes have the same: which of them it is, and of how many."""
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for lane in group.lanes:
        for item in lane.items:
            if isinstance(item.content, Shot) and not item.content.picks:
                key = (item.content.target.medium, item.start, item.stop, item.inner_start, item.speed)
                alike[key].append(id(item))
    return {one: (number, len(same)) for same in alike.values() if len(same) > 1 for number, one in enumerate(same)}


def _channel(streams: Sequence[AudioInfo], number: int) -> tuple[AudioInfo, int]:
    """Channel ``number`` of all streams. :raises IndexError: there are not so many."""
    for stream in streams:
        if number < stream.channels:
            return stream, number
        number -= stream.channels
    raise IndexError


def _only(factors: Matrix, channel: int) -> Matrix:
    return tuple(tuple(f if column == channel else 0.0 for column, f in enumerate(row)) for row in factors)


def _nearest(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
