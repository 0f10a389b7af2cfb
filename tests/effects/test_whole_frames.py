"""Whole frames as they are rendered without a GPU, in planes of 4:2:2, beside melt's, in codes of 8 bits (cases that are
bit-exact in MLT: what nothing is done to, the dissolve, the brightness of codes)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.cpu.planar.value import Planar
from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.pixels import Coding
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import View, registry
from otio_perf.effects.translate.dialects import translated
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.pixels import Layout
from otio_perf.model.uses import EffectUse

WIDTH, HEIGHT, FRAMES = 128, 720, 6  # 720 rows: BT.709 for both
VIEW = View(width=WIDTH, height=HEIGHT)
CODING = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8, across=1))
Planes = list[NDArray[np.uint8]]


def noise(seed: int) -> Planes:
    """All codes that there are, black, white and beyond, in hard edges: nothing that an average would leave as it is."""
    random = np.random.default_rng(seed)
    shapes = [(FRAMES, HEIGHT, WIDTH), *[(FRAMES, HEIGHT, WIDTH // 2)] * 2]
    return [random.integers(1, 255, shape).astype(np.uint8) for shape in shapes]


def apart(ours: Callable[[int], Planes], theirs: Planes) -> list[int]:
    """The largest difference of Y', Cb and Cr, over all frames."""
    found = [0, 0, 0]
    for frame in range(FRAMES):
        for number, (a, b) in enumerate(zip(ours(frame), theirs, strict=True)):
            found[number] = max(found[number], int(np.abs(a.astype(int) - b[frame]).max()))
    return found


def test_what_nothing_is_done_to_is_melts(melt: Callable[..., Planes]) -> None:
    engine, source = NativeEngine(), noise(1)

    def ours(frame: int) -> Planes:
        image = engine.apply(engine.read([plane[frame] for plane in source], CODING), [], VIEW)
        return engine.store(image, CODING, WIDTH, HEIGHT)

    assert apart(ours, melt(source, [])) == [0, 0, 0]


LEVELS: tuple[dict[str, str], ...] = ({"level": "0.6"}, {"level": "1.7"}, {"level": "0=0.2;5=3.2"})


@pytest.mark.parametrize("words", LEVELS, ids=[words["level"] for words in LEVELS])
def test_brightness_is_melts(melt: Callable[..., Planes], words: dict[str, str]) -> None:
    """Also where chroma has no codes any more: samples are limited as they are, in R'G'B' their neighbours would be too."""
    source = noise(2)
    theirs = melt(source, [{"mlt_service": "brightness", **words}])

    def rendered(engine: Engine) -> Callable[[int], Planes]:
        def ours(frame: int) -> Planes:
            use = EffectUse(dialect="mlt", name="brightness", label="", parameters=tuple(words.items()))
            moment = Moment(frame=Fraction(frame), length=Fraction(FRAMES), inner=Fraction(frame))
            said = translated(use, moment, (WIDTH, HEIGHT), Fraction(25))
            assert said.fidelity is Fidelity.EXACT
            steps = [Step(registry().effect(one.name), dict(one.values)) for one in said.applied]
            image = engine.apply(engine.read([plane[frame] for plane in source], CODING), steps, VIEW)
            return engine.store(image, CODING, WIDTH, HEIGHT)

        return ours

    assert max(apart(rendered(NativeEngine()), theirs)) <= 1  # melt cuts fractions off
    assert max(apart(rendered(ReferenceEngine()), theirs)) > 20


def test_a_dissolve_is_melts(melt_each: Callable[..., Any]) -> None:
    """MLT's ``luma`` is at ``n / length`` in its frame ``n``: at first nothing is seen of what comes, and at last not all."""
    engine, first, second = NativeEngine(), noise(3), noise(4)
    (theirs,) = melt_each(second, [[]], below=first, by=[{"mlt_service": "luma"}])
    transition = registry().transition("dissolve")

    def ours(frame: int) -> Planes:
        images = [engine.read([plane[frame] for plane in source], CODING) for source in (first, second)]
        image = engine.mix(images[0], images[1], transition, frame / FRAMES, transition.checked({}), VIEW)
        assert isinstance(image.pixels, Planar)
        return engine.store(image, CODING, WIDTH, HEIGHT)

    assert max(apart(ours, theirs)) <= 1
