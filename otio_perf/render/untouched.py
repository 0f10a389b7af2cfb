"""Where a timeline shows nothing but the frames of one medium, as they are: they need not be rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from otio_perf.model.frames import FramePlan, SourceFrame
from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.timing import FrameRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Untouched:
    """Frames ``[start, stop)`` of the timeline show frames ``first``, ``first + 1`` … of ``medium``, and nothing else.

    ``reason``: why they have to be rendered nevertheless; "": they are what is wanted as they are.
    """

    start: int
    stop: int
    medium: str
    first: int
    reason: str = ""

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
    """The runs of such frames, in order. Those without a reason are what ``recipe`` would have: of its size, in the timeline's
    colours.

    :param plans: of frames ``start``, ``start + 1`` … of the timeline.
    """
    found: list[Untouched] = []
    for at, plan in enumerate(plans, start):
        shown = _shown(plan, media)
        if shown is None:
            continue
        last = found[-1] if found else None
        if last and (last.stop, last.medium, last.first + len(last)) == (at, shown.medium, shown.number):
            found[-1] = replace(last, stop=at + 1)
        else:
            reason = _difference(shown, media[shown.medium], plan, frame_rate, recipe)
            found.append(Untouched(start=at, stop=at + 1, medium=shown.medium, first=shown.number, reason=reason))
    return tuple(found)


def _shown(plan: FramePlan, media: Mapping[str, MediaInfo]) -> SourceFrame | None:
    """The topmost layer, where it is the picture of a film, nothing is done to it, and nothing below can be seen."""
    layer = plan.root.layers[-1] if plan.root.layers else None
    if layer is None or layer.effects or layer.magnified != 1 or layer.opacity != 1 or layer.blend != "over":
        return None
    frame = layer.content
    if not isinstance(frame, SourceFrame) or media[frame.medium].kind is not MediaKind.VIDEO:
        return None
    video = media[frame.medium].picture
    return None if video is None or video.has_alpha else frame


def _difference(frame: SourceFrame, medium: MediaInfo, plan: FramePlan, frame_rate: FrameRate, recipe: PrerenderRecipe) -> str:
    """Between the picture of ``medium`` and the one that is wanted, in words; "": none."""
    video = medium.picture
    assert video is not None
    wanted = recipe.size_for(plan.width, plan.height)
    tags = plan.colour.tags
    if wanted != (plan.width, plan.height):
        return f"the timeline is {plan.width}x{plan.height}, the movie {wanted[0]}x{wanted[1]}"
    if (video.width, video.height) != wanted:
        return f"it is {video.width}x{video.height}, the movie {wanted[0]}x{wanted[1]}"
    if video.rotation or video.is_mirrored:
        return "it is shown turned or mirrored"
    if video.sample_aspect != 1:
        return "its pixels are not square"
    if video.is_interlaced:
        return "it is interlaced"
    if frame.rate is not None:
        return "its frame rate varies"
    if video.frame_rate != frame_rate:
        return f"it has {float(video.frame_rate):g} frames a second, the timeline {float(frame_rate):g}"
    for word in ("primaries", "transfer", "matrix", "range"):
        has, needs = getattr(video.colour, word), getattr(tags, word)
        if has != needs:
            return f"its {word} is {has or 'not said'}, the movie's {needs}"
    return ""
