"""Where a region is cut into chunks, and what each chunk is called.

A chunk's key is made of the keys of its frames, and its edges lie where the *sources* say: on a grid of the frames of the
lowest layer that covers the picture. So a clip that is moved, duplicated or put back is made of the same chunks, and a trim
changes those at the trimmed end only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from otio_perf.effects.fit import covers, placed
from otio_perf.effects.registry import View, registry
from otio_perf.effects.transform import still_covers
from otio_perf.model.chunks import Chunk
from otio_perf.model.colour import UNSAID, Light
from otio_perf.model.frames import Applied, Fit, FramePlan, Generated, Layer, Mix, SourceFrame, Stacked
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.timing import FrameRate
from otio_perf.planning.generations import Memory
from otio_perf.render.engines import PROCESSOR, STAND_IN
from otio_perf.render.keys import files_of, frame_key
from otio_perf.render.stream import source_frames

#: Raise it when chunks are written otherwise: other pictures, or another file around them.
_CHUNK_VERSION = 2
#: Seconds of a chunk. Where pictures lean on each other a keyframe has to pay for itself.
_INTRA_SECONDS, _LONG_GOP_SECONDS = 1, 5

Media = Mapping[str, MediaInfo]


class Fact(NamedTuple):
    """What is reckoned of a plan before it is cut. ``files``: that its effects read (``keys.files_of``)."""

    plan: FramePlan
    anchor: Anchor
    files: tuple[str, ...]


class Piece(NamedTuple):
    """What is reckoned of the frames of a chunk. ``keys``: by engine."""

    plans: tuple[FramePlan, ...]
    keys: dict[str, str]
    media: tuple[str, ...]
    files: tuple[str, ...]


class Known(NamedTuple):
    """What was reckoned before, by the identity of plans, of the same engine, recipe, rate, colour and light, and of media that
    are the same; pieces also by the digests of what their effects read. The plans are held, so that no identity is given twice.
    """

    facts: Memory[int, Fact]
    pieces: Memory[tuple[Hashable, ...], Piece]


def facts(plans: Iterable[FramePlan], media: Media, known: Known | None = None) -> list[Fact]:
    """Of each of ``plans``. :param media: as for ``chunks``"""
    found = []
    recall = None if known is None else known.facts.get
    for plan in plans:
        fact = None if recall is None else recall(id(plan))
        if fact is None:
            fact = Fact(plan, _anchor(plan, media), files_of(plan))
            if known is not None:
                known.facts.put(id(plan), fact)
        found.append(fact)
    return found


def chunks(
    plans: Sequence[FramePlan],
    *,
    start: int,
    media: Media,
    frame_rate: FrameRate,
    recipe: PrerenderRecipe,
    engine: str,
    digests: Mapping[str, str] | None = None,
    light: Light | None = None,
    known: Known | None = None,
) -> tuple[Chunk, ...]:
    """A region cut into chunks of a second or, of codecs with long GOPs, five; in order, without a gap.

    :param plans: of frames ``start``, ``start + 1`` … of the timeline.
    :param media: what the plans show, by ``Target.medium``.
    :param engine: which engine renders (``Engine.name``): pictures of two engines are alike, not equal.
    :param digests: of the files that the effects read (``keys.files_of``), by path.
    :param light: what the files say of it.
    :raises KeyError: a file without a digest.
    """
    if not plans:
        return ()
    colour, light, digests = plans[0].colour.tags, light or UNSAID, digests or {}
    reckoned = facts(plans, media, known)
    seconds = _INTRA_SECONDS if recipe.codec.is_intra else _LONG_GOP_SECONDS
    instead = PROCESSOR if engine == PROCESSOR else STAND_IN
    found = []
    for first, last in pairwise(edges([fact.anchor for fact in reckoned], max(1, round(frame_rate * seconds)))):
        frames = tuple(plans[first:last])
        files = tuple(sorted({path for fact in reckoned[first:last] for path in fact.files}))
        name = (*map(id, frames), *(digests[path] for path in files))
        piece = None if known is None else known.pieces.get(name)
        if piece is None:
            said = [str(_CHUNK_VERSION), recipe.encoded_as, str(frame_rate), str(colour), str(light)]
            keys = {
                one: _digest([*said, *(_frame_key(plan, recipe, engine=one, digests=digests) for plan in frames)])
                for one in {engine, instead}
            }
            shown = {frame.medium for plan in frames for frame in source_frames(plan.root)}
            piece = Piece(frames, keys, tuple(sorted(shown)), files)
            if known is not None:
                known.pieces.put(name, piece)
        found.append(
            Chunk(
                key=piece.keys[engine],
                processor_key=piece.keys[instead],
                start=start + first,
                stop=start + last,
                plans=piece.plans,
                media=piece.media,
                files=piece.files,
                frame_rate=frame_rate,
                recipe=recipe,
                colour=colour,
                light=light,
            )
        )
    return tuple(found)


def _frame_key(plan: FramePlan, recipe: PrerenderRecipe, *, engine: str, digests: Mapping[str, str] | None) -> str:
    canvas = plan.width, plan.height
    width, height = recipe.size_for(*canvas)  # odd canvases of two sizes may come to one
    output = f"{'rgba' if recipe.keeps_alpha else 'rgb'} {width}x{height} at {recipe.scale_for(*canvas)}"
    return frame_key(plan, engine=engine, output=output, digests=digests)


def _digest(words: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(words).encode(), digest_size=16).hexdigest()


# ---- where to cut


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a frame is counted by: a frame of one medium, or of something that is made (then always its frame 0)."""

    identity: str
    number: int


def edges(anchors: Sequence[Anchor], step: int) -> list[int]:
    """Where chunks begin, and the end of the last one: every ``step`` source frames at normal speed.

    Retimed, the step is halved or doubled until chunks have about that many frames of the timeline. Where a source frame is
    held for long there is nothing to count by: then every ``step`` frames since it came.
    """
    found: list[int] = []
    for first, last in _runs(anchors):
        numbers = [anchor.number for anchor in anchors[first:last]]
        grid = _grid(numbers, step)
        cells = [0, *(i for i in range(1, len(numbers)) if numbers[i] // grid != numbers[i - 1] // grid), len(numbers)]
        for begin, end in pairwise(cells):
            found += range(first + begin, first + end, step) if end - begin > 2 * step else [first + begin]
    return [*found, len(anchors)]


def _runs(anchors: Sequence[Anchor]) -> Iterator[tuple[int, int]]:
    """Stretches of one medium at one speed: from frame to frame its numbers change by one amount, give or take one."""
    begin = 0
    least, most = math.inf, -math.inf
    for i, (before, now) in enumerate(pairwise(anchors), 1):
        step = now.number - before.number
        least, most = min(least, step), max(most, step)
        if now.identity != before.identity or most - least > 1:
            yield begin, i
            begin, least, most = i, math.inf, -math.inf
    yield begin, len(anchors)


def _grid(numbers: Sequence[int], step: int) -> int:
    """``step`` times a power of two near the speed; frames that are held at the ends do not count."""
    first = next((i for i, number in enumerate(numbers) if number != numbers[0]), None)
    if first is None:
        return step
    last = next(i for i, number in enumerate(numbers) if number == numbers[-1])
    speed = abs(numbers[-1] - numbers[0]) / (last - first + 1)
    return max(1, round(step * 2.0 ** round(math.log2(speed))))


def _anchor(plan: FramePlan, media: Media) -> Anchor:
    return _lowest(plan.root.layers, View(width=plan.width, height=plan.height), media) or Anchor("", 0)


def _lowest(layers: Sequence[Layer], view: View, media: Media) -> Anchor | None:
    """That of the lowest layer that covers the picture, else of the lowest."""
    if not layers:
        return None
    content = next((layer for layer in layers if hides_below(layer, view, media)), layers[0]).content
    match content:
        case SourceFrame():
            return Anchor(f"{content.fingerprint}@{content.rate}", content.number)
        case Generated():
            return Anchor(content.kind, 0)
        case Mix():  # the outgoing side goes on as before, so there is no edge where the transition begins
            return _lowest([side for side in (content.outgoing, content.incoming) if side is not None][:1], view, media)
        case Stacked():
            return _lowest(content.layers, view, media)


# ---- what hides all that lies below it


def hides_below(layer: Layer, view: View, media: Media) -> bool:
    """Whether ``layer`` is opaque all over the picture. Reckoned, not looked at: what is cropped or keyed counts as not."""
    if layer.opacity != 1 or not all(_leaves_no_hole(effect, view) for effect in layer.effects):
        return False
    match layer.content:
        case SourceFrame() as frame:
            video = media[frame.medium].picture
            return video is not None and not video.has_alpha and _fills(video, view, layer)
        case Generated() as generated:
            return bool(dict(generated.values).get("alpha", 1) == 1)
        case Mix() as mix:
            return all(side is not None and hides_below(side, view, media) for side in (mix.outgoing, mix.incoming))
        case Stacked() as stack:
            return any(hides_below(inner, view, media) for inner in stack.layers)


def _leaves_no_hole(effect: Applied, view: View) -> bool:
    row, values = registry().effect(effect.name), dict(effect.values)
    if row.is_identity(values) or row.keeps_opaque(values):
        return True
    return effect.name == "transform" and still_covers(values, view)


def _fills(video: VideoInfo, view: View, layer: Layer) -> bool:
    width, height, aspect = video.width, video.height, float(video.sample_aspect)
    if video.rotation in (90, 270):
        width, height, aspect = height, width, 1 / aspect
    return _placed_over_all(width, height, aspect, (view.width, view.height), layer.fit, view.scale * layer.magnified)


@cache
def _placed_over_all(width: int, height: int, aspect: float, size: tuple[int, int], fit: Fit, scale: float) -> bool:
    return covers(placed(width, height, *size, fit, sample_aspect=aspect, scale=scale), *size)
