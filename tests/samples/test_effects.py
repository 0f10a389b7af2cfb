"""``effects.otio`` shows all that there is, and renders as its hosts do."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import partial
from pathlib import Path

import opentimelineio as otio
import pytest

from otio_perf.effects.registry import registry
from otio_perf.effects.translate.dialects import translated
from otio_perf.media.discover import MEDIA_SUFFIXES
from otio_perf.model.composition import Composition
from otio_perf.model.frames import FramePlan, Generated, Layer, Mix, Moment, Stacked
from otio_perf.render.located import located
from otio_perf.render.plan import canvas_size, frame_plan
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import read
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator

PATH = Path(__file__).resolve().parent.parent.parent / "sample_timelines" / "effects.otio"
#: Effects that are there in our own words alone: those of hosts are near, or exact in some of their versions only.
OURS_ALONE = {
    "exposure", "white_balance", "levels", "curves", "lut", "vignette", "gaussian_blur", "box_blur", "directional_blur",
    "sharpen", "unsharp", "median", "bilateral", "chroma_key", "luma_key", "corner_pin",
}  # fmt: skip


@pytest.fixture(scope="module")
def composition() -> Composition:
    document = read(PATH, rate=None, limits=Limits(max_bytes=1 << 24, max_depth=100))
    return compose(document, Locator(PATH, media_roots=(), maps=(), suffixes=MEDIA_SUFFIXES))


@pytest.fixture(scope="module")
def plans(composition: Composition) -> list[FramePlan]:
    """Every third frame; the media do not have to be there."""
    canvas = canvas_size(composition, {})
    translate = located(
        partial(translated, canvas=canvas, frame_rate=composition.frame_rate), lambda name: str(PATH.parent / name)
    )
    return [frame_plan(composition, n, {}, translate) for n in range(0, composition.duration.stop, 3)]


def layers_of(stack: Stacked) -> list[Layer]:
    found = []
    waiting = list(stack.layers)
    while waiting:
        layer = waiting.pop()
        found.append(layer)
        if isinstance(layer.content, Stacked):
            waiting += layer.content.layers
        elif isinstance(layer.content, Mix):
            waiting += [side for side in (layer.content.outgoing, layer.content.incoming) if side]
    return found


def test_it_shows_everything_that_there_is(composition: Composition, plans: list[FramePlan]) -> None:
    layers = [layer for plan in plans for layer in layers_of(plan.root)]
    found = registry()
    assert {a.name for layer in layers for a in layer.effects} == set(found.effects)
    assert {layer.blend for layer in layers} == set(found.blends)
    assert {layer.content.transition.name for layer in layers if isinstance(layer.content, Mix)} == set(found.transitions)
    asked = {shot.target.generator for shot in composition.shots() if shot.target.generator}
    assert set(found.generators) <= asked
    drawn = {layer.content.kind for layer in layers if isinstance(layer.content, Generated)}
    assert drawn == set(found.generators)


def test_everything_in_it_is_exact(plans: list[FramePlan]) -> None:
    assert {name for plan in plans for name in (*plan.approximate, *plan.unknown)} == set()


def test_what_a_host_has_exactly_is_there_in_its_words_too(composition: Composition) -> None:
    spelled: dict[str, Counter[str]] = {}
    canvas = canvas_size(composition, {})
    moment = Moment(frame=Fraction(6), length=Fraction(12), inner=Fraction(30))
    waiting = [composition.root]
    while waiting:
        item = waiting.pop()
        for use in item.effects:
            for applied in translated(use, moment, canvas, composition.frame_rate).applied:
                spelled.setdefault(applied.name, Counter())[use.dialect] += 1
        waiting += [i for lane in getattr(item.content, "lanes", ()) for i in lane.items]
    assert all(dialects["otio"] for dialects in spelled.values())
    assert {name for name, dialects in spelled.items() if set(dialects) == {"otio"}} == OURS_ALONE


def test_every_clip_is_named_for_what_it_shows() -> None:
    timeline = otio.adapters.read_from_file(str(PATH))
    assert all(clip.name for clip in timeline.find_clips())
    assert PATH.stat().st_size < 400_000
