"""Where a timeline shows nothing but the frames of one medium, as they are: they need not be rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from otio_perf.model.frames import FramePlan, SourceFrame
from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.timing import FrameRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Untouched:
    """Frames ``[start, stop)`` of the timeline are frames ``first``, ``first + 1`` … of ``medium``."""

    start: int
    stop: int
    medium: str
    first: int

    def __len__(self) -> int:
        return self.stop - self.start


def untouched(
    plans: Sequence[FramePlan],
    *,
    start: int,
    media: Mapping[str, MediaInfo],
    frame_rate: FrameRate,
    recipe: PrerenderRecipe,
) -> tuple[Untouched, ...]:
    """The runs of such frames, in order. The pictures are what ``recipe`` would have: of its size, in the timeline's colours.

    :param plans: of frames ``start``, ``start + 1`` … of the timeline.
    """
    found: list[Untouched] = []
    for at, plan in enumerate(plans, start):
        shown = _shown(plan, media, frame_rate, recipe)
        if shown is None:
            continue
        last = found[-1] if found else None
        if last and (last.stop, last.medium, last.first + len(last)) == (at, shown.medium, shown.number):
            found[-1] = Untouched(start=last.start, stop=at + 1, medium=last.medium, first=last.first)
        else:
            found.append(Untouched(start=at, stop=at + 1, medium=shown.medium, first=shown.number))
    return tuple(found)


def _shown(
    plan: FramePlan, media: Mapping[str, MediaInfo], frame_rate: FrameRate, recipe: PrerenderRecipe
) -> SourceFrame | None:
    """The topmost layer, where it is the picture of a medium, untouched, and hides all below."""
    layer = plan.root.layers[-1] if plan.root.layers else None
    if layer is None or layer.effects or layer.opacity != 1 or layer.blend != "over":
        return None
    frame = layer.content
    if not isinstance(frame, SourceFrame) or frame.rate is not None:
        return None
    info = media[frame.medium]
    video = info.picture
    if video is None or info.kind is not MediaKind.VIDEO or video.has_alpha or video.is_interlaced or video.is_mirrored:
        return None
    canvas, tags = (plan.width, plan.height), plan.colour.tags
    is_same = (
        (video.width, video.height) == canvas == recipe.size_for(*canvas)
        and video.rotation == 0
        and video.sample_aspect == 1
        and video.frame_rate == frame_rate
        and (video.colour.primaries, video.colour.transfer, video.colour.matrix, video.colour.range)
        == (tags.primaries, tags.transfer, tags.matrix, tags.range)
    )
    return frame if is_same else None
