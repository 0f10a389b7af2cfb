"""A run of rendered frames in one file."""

from __future__ import annotations

from dataclasses import dataclass

from otio_perf.model.colour import UNSAID, Light
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import ColourTags
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.timing import FrameRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames ``[start, stop)`` of the timeline. ``key`` says what they are, wherever they stand: nothing positional in it."""

    key: str  # with the engine that is to render it
    processor_key: str  # where the processor renders it, which comes in when a GPU gives up
    start: int
    stop: int
    plans: tuple[FramePlan, ...]
    media: tuple[str, ...]  # that the plans show, by ``Target.medium``, sorted
    files: tuple[str, ...]  # that their effects read, LUTs say: paths, sorted
    frame_rate: FrameRate
    recipe: PrerenderRecipe
    colour: ColourTags  # what its file says of itself
    light: Light = UNSAID

    def __len__(self) -> int:
        return self.stop - self.start
