"""A timeline that is opened to be rendered: what it shows, with the media that are there and the canvas that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from otio_perf.effects.translate.dialects import translated
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.colour import ColourSpace
from otio_perf.model.composition import Composition
from otio_perf.model.frames import FramePlan, Translate
from otio_perf.model.media import MediaInfo
from otio_perf.render.located import located
from otio_perf.render.plan import canvas_size, frame_plan, timeline_colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """``media`` are those that are online, by ``Target.medium``; ``canvas`` is width and height."""

    composition: Composition
    media: Mapping[str, MediaInfo]
    canvas: tuple[int, int]
    colour: ColourSpace
    translate: Translate

    def plan(self, frame: int) -> FramePlan:
        """What frame ``frame`` is made of: some 0.85 ms of work. :raises ValueError: the timeline has no such frame"""
        return frame_plan(self.composition, frame, self.media, self.translate, size=self.canvas, colour=self.colour)


def composed(
    composition: Composition, findings: Mapping[str, MediaFinding], find: Callable[[str], str], *, colour: str
) -> Composed:
    """:param find: where a file is that an effect names (a LUT): ``named_files``. :param colour: as the setting has it"""
    media = {name: finding.info for name, finding in findings.items() if finding.info is not None}
    canvas = canvas_size(composition, media)
    translate = partial(translated, canvas=canvas, frame_rate=composition.frame_rate)
    return Composed(
        composition=composition,
        media=media,
        canvas=canvas,
        colour=timeline_colour(composition, media, colour),
        translate=located(translate, find),
    )
