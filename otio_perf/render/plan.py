"""What one frame of a timeline is made of. Pure: no file is looked at.

The rules, which are those of the hosts:

- A frame is on screen from its start. Timeline frame ``t`` shows the source frame that is on screen at the start of ``t``: its
  position is reckoned exactly and rounded down, as Avid Media Composer and toucan do. (MLT's timewarp takes the nearest frame,
  which at broken speeds is one later, half of the time.) A position a thousandth of a frame before the next counts as the
  next: times come as floats. Media at other rates than the timeline, or than their own reference, are met by time.
- Beyond the ends of a medium, in handles and in retimes, its first or last frame is held. A clip that lies outside of its
  medium altogether shows no picture of it but a slate: its reference counts otherwise than the file.
- Media of variable rate are counted at the timeline's rate, as their proxies are (``media.decode``).
- In a transition of ``n`` frames, frame ``i`` is mixed ``i/n``: 0 in the first, never 1 (measured on melt's luma transition;
  toucan, the OpenTimelineIO project's renderer, does the same).
- A timeline is progressive, whatever its media are: interlaced frames are taken apart, one for one (``media.fields``).
- HDR in an SDR timeline is tone mapped, and brighter PQ in an HLG one (``effects.conversion``): only near to what a host makes
  of it, and said so. All other conversions of colour are exact.
- A medium of another size than the canvas is shown whole, with bars; in Final Cut Pro 7's XML pixel for pixel. No such host
  has ever been run against this, and it is said so.
- A missing medium, and a generator that we do not have, is a slate with its name.
- An effect on nothing but gaps works, in hosts that know such, on what lies below: it is not rendered, and named.
- Two layers of different blend modes in a transition are mixed as if they had none, and the transition is named.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import Any

from otio_perf.effects.conversion import is_tone_mapped
from otio_perf.effects.registry import registry
from otio_perf.effects.translate.dialects import in_order
from otio_perf.model.colour import AUTO, UNSAID, ColourSpace, Light
from otio_perf.model.composition import Composition, Group, Join, Lane, Placed, Shot
from otio_perf.model.frames import (
    Applied,
    Fidelity,
    Fit,
    FramePlan,
    Generated,
    Layer,
    Mix,
    Moment,
    SourceFrame,
    Stacked,
    Translate,
    Translated,
    clause_of,
)
from otio_perf.model.media import MediaInfo, MediaKind, first_number
from otio_perf.model.stand_ins import StandIns, as_original
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import EffectUse, Target, TargetKind
from otio_perf.planning.proxies import frame_count
from otio_perf.render.generated import difference, generated, refusal, slate

#: Where nothing says how large the picture is.
_USUAL_SIZE = (1920, 1080)
#: A position so little before a frame counts as on it, as in ``timeline.clock``.
_ALMOST = Fraction(1, 1000)
_WHOLE = (1.0, 1.0)
#: OTIO's name of the transition that every host has; hosts' adapters give it to all that they know no better word for.
_DISSOLVE = "SMPTE_Dissolve"
#: Timelines of such sources alone are HDR.
_HDR = {"smpte2084": ColourSpace.BT2020_PQ, "arib-std-b67": ColourSpace.BT2020_HLG}


def frame_plan(
    composition: Composition,
    frame: int,
    media: Mapping[str, MediaInfo],
    translate: Translate,
    *,
    size: tuple[int, int] | None = None,
    colour: ColourSpace = ColourSpace.BT709,
    stand_ins: StandIns | None = None,
) -> FramePlan:
    """Frame ``frame`` of ``composition``, 0 = first.

    :param media: what is online, by ``Target.medium``; what is not there is missing.
    :param translate: the host's effects in our words.
    :param size: width and height of the canvas; ``None``: ``canvas_size``.
    :param colour: what the values of the picture mean: ``timeline_colour``.
    :param stand_ins: proxies to show in the place of what they stand for. Media that are missing are there by them.
    :raises ValueError: the timeline has no such frame.
    """
    if not 0 <= frame < len(composition.duration):
        raise ValueError(f"frame {frame} of a timeline of {len(composition.duration)} frames")
    width, height = size or canvas_size(composition, media)
    planner = _Planner(
        media=media,
        translate=translate,
        frame_rate=composition.frame_rate,
        canvas=(width, height),
        colour=colour,
        stand_ins=stand_ins or {},
    )
    root = composition.root
    layers = planner.placed(root, Fraction(frame)) if root.start <= frame < root.stop else ()
    return FramePlan(
        width=width,
        height=height,
        root=Stacked(layers=layers),
        colour=colour,
        approximate=tuple(sorted(planner.approximate)),
        unknown=tuple(sorted(planner.unknown)),
        missing=tuple(sorted(planner.missing)),
        unusable=tuple(sorted(planner.unusable)),
        why=tuple(sorted(planner.why.items())),
    )


def canvas_size(composition: Composition, media: Mapping[str, MediaInfo]) -> tuple[int, int]:
    """Width and height of the timeline's picture: what the timeline says, else those of its first picture, as hosts do that
    import a timeline without."""
    if composition.canvas:
        return composition.canvas
    for shot in composition.shots():
        info = media.get(shot.target.medium)
        if info is not None and info.picture is not None:
            return info.picture.display_size
    return _USUAL_SIZE


def timeline_colour(composition: Composition, media: Mapping[str, MediaInfo], wanted: str = AUTO) -> ColourSpace:
    """The colour space that a timeline is rendered in: ``wanted``, or where that is ``auto``, HDR where all moving pictures
    are HDR of one kind; BT.709 otherwise.

    Stills do not count: a title over HDR footage does not make it SDR, nor an HDR photograph a timeline HDR. What is not
    tagged is BT.709, as editors take it.
    """
    if wanted != AUTO:
        return ColourSpace(wanted)
    found = set()
    for shot in composition.shots():
        info = media.get(shot.target.medium)
        if info is not None and info.picture is not None and info.kind is MediaKind.VIDEO:
            found.add(_HDR.get(info.picture.colour.transfer or "", ColourSpace.BT709))
    return found.pop() if len(found) == 1 else ColourSpace.BT709


def timeline_light(composition: Composition, media: Mapping[str, MediaInfo], colour: ColourSpace) -> Light:
    """What a timeline in ``colour`` says of its light: what its moving pictures say, where all agree and none is converted."""
    if colour is not ColourSpace.BT2020_PQ:
        return UNSAID
    found = set()
    for shot in composition.shots():
        info = media.get(shot.target.medium)
        if info is not None and info.picture is not None and info.kind is MediaKind.VIDEO:
            video = info.picture
            is_pq = _HDR.get(video.colour.transfer or "") is colour
            said = Light(mastering_display=video.mastering_display, content_light=video.content_light)
            found.add(said if is_pq else UNSAID)
    return found.pop() if len(found) == 1 else UNSAID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planner:
    """One frame on its way down the tree. ``time`` is always in frames of the axis that is at hand."""

    media: Mapping[str, MediaInfo]
    translate: Translate
    frame_rate: FrameRate
    canvas: tuple[int, int]
    colour: ColourSpace
    stand_ins: StandIns
    approximate: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    unusable: set[str] = field(default_factory=set)
    why: dict[str, str] = field(default_factory=dict)

    def placed(self, item: Placed, time: Fraction) -> tuple[Layer, ...]:
        """The layers of an item, whether it is seen at ``time`` or not: transitions reach beyond the cuts."""
        inner = item.inner(time)
        shot, position = item.content, inner
        if isinstance(shot, Shot):
            position -= self._origin(shot)
            layers: tuple[Layer, ...] = (Layer(content=self._shot(item, shot, position)),)
        else:
            layers = self._group(shot, inner)
        moment = Moment(frame=time - item.start, length=Fraction(item.stop - item.start), inner=position)
        if layers or isinstance(shot, Shot) or not _is_empty(shot):
            layers = self._with_effects(layers, item.effects, moment)
        else:
            self._note_adjustments(item.effects, moment)
        if isinstance(shot, Shot) and shot.has_own_size:
            return tuple(self._of_own_size(layer, shot) for layer in layers)
        return layers

    def _of_own_size(self, layer: Layer, shot: Shot) -> Layer:
        """``layer`` of a host that counts a medium's size in its own pixels.

        Where it stands in the middle it is placed so; where it is moved, turned or cropped, whole on the canvas first, for
        nothing of it may be lost, and then made larger.
        """
        frame, info = layer.content, self._info(shot.target)
        if not isinstance(frame, SourceFrame) or info is None or info.picture is None:
            return layer
        width, height = info.picture.display_size
        fitting = min(self.canvas[0] / width, self.canvas[1] / height)
        if (width, height) == self.canvas:
            return layer
        self.approximate.add(f"size of {_file_name(shot.target.path or shot.target.url)}")
        moves = [n for n, effect in enumerate(layer.effects) if effect.name == "transform"]
        if not moves:
            return self._pixel_for_pixel(layer, frame, height, 1.0)
        first = layer.effects[moves[0]]
        values = dict(first.values)
        scale = values["scale"]
        if len(layer.effects) == 1 and scale[0] == scale[1] and {**values, "scale": _WHOLE} == _as_it_is():
            return self._pixel_for_pixel(replace(layer, effects=()), frame, height, scale[0])
        values["scale"] = (scale[0] / fitting, scale[1] / fitting)
        grown = replace(first, values=tuple(sorted(values.items())))
        return replace(layer, effects=tuple(grown if n == moves[0] else one for n, one in enumerate(layer.effects)))

    def _pixel_for_pixel(self, layer: Layer, frame: SourceFrame, height: int, scale: float) -> Layer:
        """:param height: of the original, upright; a proxy that is shown in its place has fewer rows"""
        shown = self.media[frame.medium].picture
        rows = height if shown is None else shown.display_size[1]
        return replace(layer, fit=Fit.NONE, magnified=scale * height / rows)

    def _group(self, group: Group, time: Fraction) -> tuple[Layer, ...]:
        layers = [layer for lane in group.lanes for layer in self._lane(lane, time)]
        if any(layer.blend != "over" for layer in layers):  # it works on what is below in the group, not below the group
            return (Layer(content=Stacked(layers=tuple(layers))),)
        return tuple(layers)  # over is associative: they need no picture of their own

    def _lane(self, lane: Lane, time: Fraction) -> tuple[Layer, ...]:
        joins = joins_at(lane, time)
        number = bisect_right(lane.items, math.floor(time), key=lambda item: item.start) - 1
        if joins:
            layers: tuple[Layer, ...] = (self._joined(lane, joins, time),)
        elif number >= 0 and time < lane.items[number].stop:
            layers = self.placed(lane.items[number], time)
        else:
            return ()
        moment = Moment(frame=time, length=Fraction(lane.items[-1].stop), inner=time)
        return self._with_effects(layers, lane.effects, moment)

    # ---- transitions

    def _joined(self, lane: Lane, joins: list[Join], time: Fraction) -> Layer:
        """Transitions that overlap mix what the one before leaves."""
        layer = self._mix(joins[0], self._side(lane, joins[0].outgoing, time), self._side(lane, joins[0].incoming, time), time)
        for join in joins[1:]:
            layer = self._mix(join, layer, self._side(lane, join.incoming, time), time)
        return layer

    def _side(self, lane: Lane, number: int | None, time: Fraction) -> Layer | None:
        return None if number is None else _one(self.placed(lane.items[number], time))

    def _mix(self, join: Join, outgoing: Layer | None, incoming: Layer | None, time: Fraction) -> Layer:
        progress = (time - join.start) / (join.stop - join.start)
        moment = Moment(frame=time - join.start, length=Fraction(join.stop - join.start), inner=time - join.start)
        blends = {layer.blend for layer in (outgoing, incoming) if layer is not None}
        if len(blends) > 1:
            self._note(join.effect, Fidelity.UNKNOWN, f"it goes between the blend modes {' and '.join(sorted(blends))}")
        mix = Mix(
            transition=self._transition(join, moment),
            progress=float(progress),
            outgoing=None if outgoing is None else replace(outgoing, blend="over"),
            incoming=None if incoming is None else replace(incoming, blend="over"),
        )
        return Layer(content=mix, blend=blends.pop() if len(blends) == 1 else "over")

    def _transition(self, join: Join, moment: Moment) -> Applied:
        """Ours for a host's; where there is none, a dissolve stands in, and is said to."""
        effect = join.effect
        said = self.translate(effect, moment)
        if said.fidelity in (Fidelity.EXACT, Fidelity.APPROXIMATE) and said.applied:
            self._note(effect, said.fidelity, said.why)
            return said.applied[0]
        if effect.name != _DISSOLVE:
            self._note(effect, Fidelity.UNKNOWN, said.why)
        return _dissolve()

    # ---- pictures

    def _origin(self, shot: Shot) -> Fraction:
        """What the first frame of the file is called."""
        if shot.available_start is not None:
            return shot.available_start
        info = self._info(shot.target)
        return Fraction(0 if info is None else first_number(info, shot.rate))

    def _info(self, target: Target) -> MediaInfo | None:
        info = self.media.get(target.medium)
        if info is None and target.medium in self.stand_ins:
            return as_original(self.stand_ins[target.medium])
        return info

    def _shot(self, item: Placed, shot: Shot, position: Fraction) -> SourceFrame | Generated:
        """The picture at ``position``, counted from the first frame of the file at the reference's rate."""
        target = shot.target
        if target.kind is TargetKind.GENERATOR:
            kind = target.generator or ""
            found = generated(kind, shot.parameters)
            if found is None:
                self.unknown.add(kind)
                self._explain(kind, refusal(kind))
                return slate("NOT RENDERED", kind if kind.startswith(item.name) else f"{item.name} ({kind})")
            if differs := difference(kind):
                self.approximate.add(kind)
                self._explain(kind, differs)
            return found
        name = _file_name(target.path or target.url) or item.name
        if target.kind is TargetKind.UNUSABLE:
            name, reason = item.name or "a clip without a name", target.reason or ""
            self.unusable.add(name)
            self._explain(name, reason)
            return slate("NOT USABLE", f"{name}: {reason}")
        info = self._info(target)
        if info is None or info.picture is None:
            self.missing.add(name)
            if info is not None:
                self._explain(name, "has no picture")
                return slate("NO PICTURE", name)
            reason = target.reason or ""
            self._explain(name, reason)
            return slate("MEDIA OFFLINE", f"{name}: {reason}" if reason else name)
        picture = info.picture
        if picture.has_alpha and shot.alpha not in ("", "straight"):
            self.unknown.add(f"alpha of {name}")
            self._explain(f"alpha of {name}", f"the host takes it as {shot.alpha!r}")
        if is_tone_mapped(picture, self.colour):
            self.approximate.add(f"HDR of {name} as SDR" if not self.colour.is_hdr else f"peaks of {name}")
        if info.kind is MediaKind.STILL:
            return SourceFrame(medium=target.medium, fingerprint=info.fingerprint, number=0)
        rate = self.frame_rate if picture.is_vfr else picture.frame_rate
        count = frame_count(picture, rate)
        factor = rate / shot.rate
        origin = self._origin(shot)
        first, last = sorted(_covering((item.inner(t) - origin) * factor) for t in (item.start, item.stop - 1))
        if last < 0 or first >= count:
            self.missing.add(name)
            self._explain(name, f"has frames 0 to {count - 1}, not {first} to {last}")
            return slate("NOT IN THE MEDIUM", f"{name} has frames 0 to {count - 1}, not {first} to {last}")
        number = min(max(_covering(position * factor), 0), count - 1)
        for one in self.stand_ins.get(target.medium, ()):
            part = one.source_range
            if part.start <= number < part.stop and part.rate == rate:
                return SourceFrame(medium=one.medium, fingerprint=one.info.fingerprint, number=number - part.start)
        if target.medium not in self.media:
            self.missing.add(name)
            return slate("MEDIA OFFLINE", f"{name}: its proxy has no frame {number}")
        return SourceFrame(
            medium=target.medium, fingerprint=info.fingerprint, number=number, rate=rate if picture.is_vfr else None
        )

    # ---- effects

    def _with_effects(self, layers: tuple[Layer, ...], effects: tuple[EffectUse, ...], moment: Moment) -> tuple[Layer, ...]:
        """``layers`` as one picture with ``effects`` on it; as they are where there are none."""
        applied: list[Applied] = []
        blend, opacity = None, 1.0
        for effect in in_order(effects):
            said = self.translate(effect, moment)
            if not layers and said.fidelity is not Fidelity.UNKNOWN:
                continue
            if any(one.name in registry().transitions for one in said.applied):
                said = Translated(fidelity=Fidelity.UNKNOWN, why="it is a transition, and stands on no cut")
            self._note(effect, said.fidelity, said.why)
            if said.fidelity in (Fidelity.EXACT, Fidelity.APPROXIMATE):
                applied += said.applied
                blend = said.blend or blend
                opacity *= 1.0 if said.opacity is None else said.opacity
        if not applied and blend is None and opacity == 1:
            return layers
        layer = _one(layers)
        assert layer is not None
        if layer.opacity != 1:  # what follows works on the faded picture
            layer = Layer(content=Stacked(layers=(replace(layer, blend="over"),)), blend=layer.blend)
        return (replace(layer, effects=(*layer.effects, *applied), blend=blend or layer.blend, opacity=opacity),)

    def _note_adjustments(self, effects: tuple[EffectUse, ...], moment: Moment) -> None:
        """Effects on an item that shows nothing, from its beginning to its end."""
        for effect in effects:
            said = self.translate(effect, moment)
            if said.fidelity is not Fidelity.NOTHING:
                self._note(effect, Fidelity.UNKNOWN, "it works on what is below, which is not rendered here")

    def _note(self, effect: EffectUse, fidelity: Fidelity, why: str = "") -> None:
        if fidelity not in (Fidelity.APPROXIMATE, Fidelity.UNKNOWN):
            return
        (self.approximate if fidelity is Fidelity.APPROXIMATE else self.unknown).add(effect.label)
        self._explain(effect.label, clause_of(why, effect.label, effect.name))

    def _explain(self, name: str, why: str) -> None:
        if why:
            self.why.setdefault(name, why)


def joins_at(lane: Lane, time: Fraction | int) -> list[Join]:
    """The transitions seen at ``time``, in order: those that overlap stand one after the other."""
    stop = bisect_right(lane.joins, math.floor(time), key=lambda join: join.start)
    start = stop
    while start and time < lane.joins[start - 1].stop:
        start -= 1
    return list(lane.joins[start:stop])


def _is_empty(group: Group) -> bool:
    return all(isinstance(i.content, Group) and _is_empty(i.content) for lane in group.lanes for i in lane.items)


def _one(layers: tuple[Layer, ...]) -> Layer | None:
    """Several layers as one."""
    if len(layers) > 1:
        return Layer(content=Stacked(layers=layers))
    return layers[0] if layers else None


def _covering(position: Fraction) -> int:
    """The frame on screen at ``position``."""
    return math.floor(position + _ALMOST)


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


@cache
def _as_it_is() -> dict[str, Any]:
    """Values of a transform that does nothing."""
    return dict(registry().effect("transform").checked({}))


@cache
def _dissolve() -> Applied:
    return Applied(name="dissolve", version=registry().transition("dissolve").version)
