"""A timeline that is opened to be rendered: what it shows, with the media that are there and the canvas that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from otio_perf.effects.translate.dialects import translated
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.colour import ColourSpace, Light
from otio_perf.model.composition import Composition
from otio_perf.model.frames import FramePlan, Translate
from otio_perf.model.media import MediaInfo
from otio_perf.model.stand_ins import StandIns, as_original
from otio_perf.optimizer.named_files import Finding
from otio_perf.render.located import located
from otio_perf.render.plan import canvas_size, frame_plan, timeline_colour, timeline_light


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """``media`` are those that are online, by ``Target.medium``, and what stands in for some of them; ``canvas`` is width and
    height; ``find`` says where files are that effects name."""

    composition: Composition
    media: Mapping[str, MediaInfo]
    canvas: tuple[int, int]
    colour: ColourSpace
    light: Light
    translate: Translate
    find: Finding
    stand_ins: StandIns

    def plan(self, frame: int) -> FramePlan:
        """What frame ``frame`` is made of: some 0.85 ms of work. :raises ValueError: the timeline has no such frame"""
        return frame_plan(
            self.composition,
            frame,
            self.media,
            self.translate,
            size=self.canvas,
            colour=self.colour,
            stand_ins=self.stand_ins,
        )


def composed(
    composition: Composition,
    findings: Mapping[str, MediaFinding],
    find: Callable[[str], str],
    *,
    colour: str,
    stand_ins: StandIns | None = None,
) -> Composed:
    """:param find: where a file is that an effect names (a LUT): ``named_files``. :param colour: as the setting has it.
    :param stand_ins: proxies to render from (``standing_in``)."""
    instead = stand_ins or {}
    media = {name: finding.info for name, finding in findings.items() if finding.info is not None}
    known = {**{name: as_original(ones) for name, ones in instead.items()}, **media}
    canvas = canvas_size(composition, known)
    translate = partial(translated, canvas=canvas, frame_rate=composition.frame_rate)
    finding = Finding(find)
    space = timeline_colour(composition, known, colour)
    return Composed(
        composition=composition,
        media={**media, **{one.medium: one.info for ones in instead.values() for one in ones}},
        canvas=canvas,
        colour=space,
        light=timeline_light(composition, known, space),
        translate=located(translate, finding),
        find=finding,
        stand_ins=instead,
    )
