"""Which regions of a timeline are worth rendering ahead, what stays with the host, and what the work costs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from otio_perf.model.analysis import SpanCost
from otio_perf.model.frames import FramePlan, Generated, Layer, SourceFrame, with_reasons
from otio_perf.model.machine import MachineProfile
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.model.uses import Survey

MODES = ("auto", "all", "none")

#: Bits per pixel at quality 60, and the quality points that double them, as ``model.recipes`` has them for proxies; ProRes 422
#: and DNxHR by their makers' rates at 1080p25 (Apple: 122 Mbit/s; Avid: 36, 116, 175).
_BITS: dict[ChunkCodec, tuple[float, float]] = {
    ChunkCodec.PRORES_PROXY: (0.9, 23),
    ChunkCodec.PRORES_LT: (1.6, 23),
    ChunkCodec.PRORES_422: (2.3, 23),
    ChunkCodec.PRORES_HQ: (3.5, 23),
    ChunkCodec.PRORES_4444: (4.0, 27),
    ChunkCodec.DNXHR_LB: (0.75, float("inf")),
    ChunkCodec.DNXHR_SQ: (2.3, float("inf")),
    ChunkCodec.DNXHR_HQ: (3.5, float("inf")),
    ChunkCodec.DNXHR_HQX: (3.5, float("inf")),
    ChunkCodec.H264: (0.65, 17),
    ChunkCodec.H264_LONG_GOP: (0.1, 22),
    ChunkCodec.HEVC_LONG_GOP: (0.06, 22),
}
#: The proxy codec whose measured encoding time stands in.
_ENCODES_LIKE: dict[ChunkCodec, tuple[str, float]] = {
    ChunkCodec.PRORES_PROXY: ("prores_proxy", 1.0),
    ChunkCodec.PRORES_LT: ("prores_lt", 1.0),
    ChunkCodec.PRORES_422: ("prores_lt", 1.0),
    ChunkCodec.PRORES_HQ: ("prores_lt", 1.2),
    ChunkCodec.PRORES_4444: ("prores_lt", 1.8),
    ChunkCodec.DNXHR_LB: ("dnxhr_lb", 1.0),
    ChunkCodec.DNXHR_SQ: ("dnxhr_lb", 1.2),
    ChunkCodec.DNXHR_HQ: ("dnxhr_lb", 1.4),
    ChunkCodec.DNXHR_HQX: ("dnxhr_lb", 1.6),
    ChunkCodec.H264: ("h264", 1.0),
    ChunkCodec.H264_LONG_GOP: ("h264", 6.0),
    ChunkCodec.HEVC_LONG_GOP: ("hevc", 6.0),
}
_ENCODE_MS_PER_MEGAPIXEL = 20.0  # where the profile lacks the encoder: a guess on the high side
#: A span longer than a day is a mistake or an attack.
_MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Frames of the timeline that are to be rendered, and what they are made of. ``costs``: of the spans there, in order."""

    position: FrameRange
    costs: tuple[SpanCost, ...]
    plans: tuple[FramePlan, ...]

    def reasons(self, start: int, stop: int) -> tuple[str, ...]:
        """Why frames ``[start, stop)`` of the timeline are rendered: what is said of the spans there, each once."""
        there = (c for c in self.costs if c.span.position.start < stop and c.span.position.stop > start)
        return tuple(dict.fromkeys(reason for cost in there for reason in cost.reasons))


class Barred(NamedTuple):
    """What stands in the way. ``effects``: by name; ``why``: by the names that ``reason`` holds, what differs or is wrong."""

    reason: str
    effects: tuple[str, ...] = ()
    why: tuple[tuple[str, str], ...] = ()


_TOO_LONG = Barred("longer than a day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Frames that should be rendered and are left to the host."""

    position: FrameRange
    barred: Barred


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    regions: tuple[Region, ...]
    left: tuple[Left, ...]


PlanOf = Callable[[int], FramePlan]
SeenOf = Callable[[FrameRange], "Seen"]


def looked_at(plan_of: PlanOf, position: FrameRange, *, fidelity: str, tick: Callable[[], None]) -> Seen:
    """What the frames at ``position`` are made of, up to the first that is left to the host.

    :param plan_of: the plan of a frame of the timeline.
    :param fidelity: ``exact`` leaves to the host what only comes near to its own picture, ``approximate`` renders it.
    :param tick: called for each frame; stops by raising.
    """
    seen = Seen()
    for number in range(position.start, position.stop):
        tick()
        seen.add(plan_of(number))
        if seen.barred(fidelity) is not None:
            break
    return seen


def choose(
    survey: Survey,
    costs: Sequence[SpanCost],
    seen_of: SeenOf,
    *,
    mode: str,
    fidelity: str,
    within: FrameRange | None = None,
    pins: Sequence[tuple[int, int]] = (),
) -> Chosen:
    """What to render: by ``auto`` the spans that do not play; by ``all`` those with effects, transitions, several layers.

    :param costs: of all spans, as the timeline plays now: with its proxies.
    :param seen_of: ``looked_at`` a part of the timeline in which the layers do not change.
    :param fidelity: as for ``looked_at``.
    :param within: only these frames of the timeline; ``None``: all.
    :param pins: spans that these frames ``[start, stop)`` lie in are chosen as by ``all``.
    """
    regions: list[Growing] = []
    left: list[Left] = []
    for cost in costs:
        position = _part(cost.span.position, within)
        if position is None or not cost.span.uses:
            continue
        is_pinned = any(position.start < stop and start < position.stop for start, stop in pins)
        if not (_is_candidate(survey, cost, mode) or (is_pinned and _is_candidate(survey, cost, "all"))):
            continue
        if position.seconds > _MOST_SECONDS:
            seen, barred = Seen(), _TOO_LONG
        else:
            seen = seen_of(position)
            if (found := seen.barred(fidelity)) is None:
                if (mode == "all" or (is_pinned and cost.is_smooth)) and not seen.is_complex:
                    continue
                if not (regions and regions[-1].stop == position.start):
                    regions.append(Growing(position.start))
                regions[-1].grow(position.stop, (cost,), seen.plans)
                continue
            barred = found
        if left and left[-1].position.stop == position.start and left[-1].barred == barred:
            position = replace(position, start=left.pop().position.start)
        left.append(Left(position=position, barred=barred))
    return Chosen(regions=tuple(one.region(survey.frame_rate) for one in regions), left=tuple(left))


class Growing:
    """A region on its way: what follows it without a gap is added at its end."""

    def __init__(self, start: int) -> None:
        self.start = self.stop = start
        self.costs: list[SpanCost] = []
        self._plans: list[FramePlan] = []

    def grow(self, stop: int, costs: Iterable[SpanCost], plans: Iterable[FramePlan]) -> None:
        self.stop = stop
        self.costs += costs
        self._plans += plans

    def region(self, rate: FrameRate) -> Region:
        return Region(position=FrameRange(self.start, self.stop, rate), costs=tuple(self.costs), plans=tuple(self._plans))


def _part(position: FrameRange, within: FrameRange | None) -> FrameRange | None:
    """What of ``position`` is wanted."""
    if within is None:
        return position
    start, stop = max(position.start, within.start), min(position.stop, within.stop)
    return FrameRange(start, stop, position.rate) if start < stop else None


def _is_candidate(survey: Survey, cost: SpanCost, mode: str) -> bool:
    if mode == "auto":
        return not cost.is_smooth
    shown = cost.span.uses
    return len(shown) > 1 or bool(cost.span.transitions) or any(survey.uses[index].effects for index in shown)


class Seen:
    """What the plans of several frames say together."""

    def __init__(self) -> None:
        self.plans: list[FramePlan] = []
        self.is_complex = False
        self.unknown: set[str] = set()
        self.approximate: set[str] = set()
        self.missing: set[str] = set()
        self.unusable: set[str] = set()
        self.why: dict[str, str] = {}

    def add(self, plan: FramePlan) -> None:
        self.plans.append(plan)
        self.unknown.update(plan.unknown)
        self.approximate.update(plan.approximate)
        self.missing.update(plan.missing)
        self.unusable.update(plan.unusable)
        for name, why in plan.why:
            self.why.setdefault(name, why)
        layers = plan.root.layers
        self.is_complex = self.is_complex or len(layers) > 1 or not all(map(_is_plain, layers)) or bool(plan.unknown)

    def barred(self, fidelity: str) -> Barred | None:
        """Why they are left to the host; ``None``: they are rendered."""
        for what, found, are_effects in (
            ("cannot be shown", self.unusable, False),
            ("media are missing", self.missing, False),
            ("not rendered here", self.unknown, True),
            ("only near to the host's", self.approximate if fidelity == "exact" else (), True),
        ):
            if found:
                names = tuple(sorted(found))
                way_out = "; --fidelity approximate renders it" if found is self.approximate else ""
                why = tuple((name, self.why[name]) for name in names if name in self.why)
                return Barred(f"{what}: {with_reasons(names, self.why)}{way_out}", names if are_effects else (), why)
        return None


def _is_plain(layer: Layer) -> bool:
    shows = isinstance(layer.content, (SourceFrame, Generated))
    return shows and not layer.effects and layer.opacity == 1 and layer.blend == "over"


def work_seconds(
    costs: Sequence[SpanCost],
    frames: Sequence[FrameRange],
    recipe: PrerenderRecipe,
    size: tuple[int, int],
    machine: MachineProfile,
) -> float:
    """Seconds to render ``frames`` from the originals.

    :param costs: of all spans with the originals, in order; what a span costs to play is what it costs to render, and the
        encoder works on the same processors.
    :param size: of the finished pictures.
    """
    like, times = _ENCODES_LIKE[recipe.codec]
    encode_ms = machine.encode_ms_per_megapixel.get(like, _ENCODE_MS_PER_MEGAPIXEL) * times * size[0] * size[1] / 1e6
    total_ms = 0.0
    at = 0
    for part in frames:
        while at and costs[at].span.position.start > part.start:
            at -= 1
        while at < len(costs) and costs[at].span.position.stop <= part.start:
            at += 1
        index = at
        while index < len(costs) and costs[index].span.position.start < part.stop:
            span = costs[index].span.position
            seen = min(span.stop, part.stop) - max(span.start, part.start)
            total_ms += seen * (costs[index].frame_ms + encode_ms)
            index += 1
    return total_ms / 1e3


def size_bytes(frames: int, recipe: PrerenderRecipe, size: tuple[int, int]) -> int:
    """Likely size of the finished files: good to a factor of two or so."""
    bits, doubling = _BITS[recipe.codec]
    return round(frames * size[0] * size[1] * bits * 2 ** ((recipe.quality - 60) / doubling) / 8)
