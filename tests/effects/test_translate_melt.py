"""Filters of MLT as we translate them, against melt's own pictures, in codes of 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from otio_perf.effects.engine import Step
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import View, registry
from otio_perf.effects.translate.dialects import translated
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.pixels import Layout
from otio_perf.model.uses import EffectUse

WIDTH, HEIGHT, FRAMES = 640, 720, 2  # 720 rows: BT.709 for both
CODING = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8, across=1))
Melt = Callable[..., list[list[NDArray[np.uint8]]]]
Seen = dict[str, list[NDArray[np.uint8]]]  # planes, by filter and properties


@pytest.fixture(scope="module")
def source() -> list[NDArray[np.uint8]]:
    """Smooth colours within R'G'B', so that 4:2:2 loses nothing; fields, and in the grey part on the right black and white."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    red, green, blue = np.sin(x / 97) * np.cos(y / 53), np.cos(x / 150 + y / 90), np.sin(y / 110 - x / 170)
    coloured = np.clip((440 - x) / 160, 0, 1) * 0.35
    fields = np.where((x // 40 + y // 40) % 2 == 0, 0.4, 0.6)
    fields[200:400, 480:600] = 0
    fields[210:230, 500:580] = 1
    picture = np.ones((HEIGHT, WIDTH, 4), np.float32)
    picture[..., :3] = fields[..., None] + coloured[..., None] * np.stack([red, green, blue], axis=2)
    return [np.stack([plane] * FRAMES) for plane in from_picture(picture, CODING)]


@pytest.fixture(scope="module")
def seen(melt_each: Melt, source: list[NDArray[np.uint8]]) -> Seen:
    """What melt makes of each of them: in one run, of which starting it takes the most."""
    asked = [(name, parameters) for name, parameters, *_ in (*EXACT, *NEAR, LIFT_GAMMA_GAIN)]
    clips = melt_each(source, [[{"mlt_service": name, **parameters}] for name, parameters in asked])
    return {repr(one): clip for one, clip in zip(asked, clips, strict=True)}


def differences(
    seen: Seen,
    source: list[NDArray[np.uint8]],
    name: str,
    parameters: dict[str, str],
    *,
    is_clipped: bool,
) -> tuple[Fidelity, list[NDArray[np.int64]]]:
    """Of luma, Cb and Cr in the second frame."""
    shown = seen[repr((name, parameters))]
    use = EffectUse(dialect="mlt", name=name, label=name, parameters=tuple(parameters.items()))
    moment = Moment(frame=Fraction(1), length=Fraction(FRAMES), inner=Fraction(1))
    said = translated(use, moment, (WIDTH, HEIGHT), Fraction(25))
    engine, found = ReferenceEngine(), registry()
    steps = [Step(found.effect(one.name), dict(one.values)) for one in said.applied]
    image = engine.upload(to_picture([plane[1] for plane in source], CODING), is_opaque=True)
    picture = engine.download(engine.apply(image, steps, View(width=WIDTH, height=HEIGHT))).copy()
    picture[..., 3] = 1  # what is transparent is black in both
    if is_clipped:
        picture = np.clip(picture, 0, 1)
    ours = from_picture(picture, CODING)
    return said.fidelity, [np.abs(a[1].astype(int) - b.astype(int)) for a, b in zip(shown, ours, strict=True)]


#: Filter, its properties, largest difference of luma, of 99.9 % of chroma. Chroma of 4:2:2 goes through R'G'B' and back, and
#: melt mirrors it without regard to where it sits.
EXACT: list[tuple[str, dict[str, Any], int, float]] = [
    ("brightness", {"level": "0.6"}, 1, 2),
    ("brightness", {"level": "0=0.2;2=3.2"}, 1, 3),
    ("brightness", {"start": "0.5", "end": "0.7", "out": "1"}, 1, 2),
    ("greyscale", {}, 0, 0),
    ("invert", {}, 0, 2),
    ("sepia", {"u": "75", "v": "150"}, 0, 0),
    ("sepia", {"u": "120", "v": "200"}, 0, 0),
    ("gamma", {"gamma": "1.7"}, 1, 2),
    ("gamma", {"gamma": "0.6"}, 1, 2),
    ("avfilter.eq", {"av.contrast": "1.3", "av.brightness": "0.05", "av.saturation": "1.4"}, 2, 4),
    ("avfilter.eq", {"av.contrast": "0.87", "av.brightness": "-0.08", "av.saturation": "1.48", "av.gamma": "1.3"}, 2, 4),
    ("avfilter.hue", {"av.h": "40", "av.s": "1.2"}, 1, 3),
    ("avfilter.hue", {"av.s": "0.5", "av.b": "1"}, 1, 3),
    ("avfilter.hflip", {}, 0, 8),
    ("avfilter.vflip", {}, 0, 2),
    ("mirror", {"mirror": "flip"}, 0, 8),
    ("mirror", {"mirror": "flop"}, 0, 2),
    ("qtblend", {"rect": "100 40 640 720 1"}, 4, 16),
    ("qtcrop", {"rect": "100 50 300 400", "color": "0x00000000"}, 4, 10),
]


@pytest.mark.parametrize(("name", "parameters", "luma", "chroma"), EXACT)
def test_what_is_called_exact_is(
    seen: Seen, source: list[NDArray[np.uint8]], name: str, parameters: dict[str, str], luma: int, chroma: float
) -> None:
    fidelity, (of_luma, *of_chroma) = differences(seen, source, name, parameters, is_clipped=False)
    assert fidelity is Fidelity.EXACT
    assert of_luma.max() <= luma
    assert max(np.percentile(plane, 99.9) for plane in of_chroma) <= chroma


_LIFT = {"lift_r": "0.1", "lift_g": "-0.05", "lift_b": "0", "gamma_r": "1.3", "gamma_g": "1", "gamma_b": "0.8"}
LIFT_GAMMA_GAIN = ("lift_gamma_gain", {**_LIFT, "gain_r": "1", "gain_g": "1.2", "gain_b": "0.9"})


def test_lift_gamma_gain_is_exact_on_the_screen(seen: Seen, source: list[NDArray[np.uint8]]) -> None:
    """MLT works in 8 bits of R'G'B', which hold nothing brighter than white; ours keeps that until it is shown."""
    fidelity, found = differences(seen, source, *LIFT_GAMMA_GAIN, is_clipped=True)
    assert fidelity is Fidelity.EXACT
    assert np.percentile(found[0], 99.9) <= 2
    assert max(plane.mean() for plane in found) <= 0.5


#: Filter, properties, mean difference of luma: the geometry is melt's, edges and interpolation are not.
NEAR: list[tuple[str, dict[str, str], float]] = [
    ("qtblend", {"rect": "100 40 320 360 1"}, 0.5),
    ("qtblend", {"rect": "100 40 320 360 1", "rotation": "30", "rotate_center": "1"}, 0.6),
    ("qtblend", {"rect": "100 40 320 360 1", "rotation": "30"}, 0.6),
    ("qtblend", {"rect": "-100 -40 960 1080 1", "rotation": "-10", "rotate_center": "1"}, 0.6),
    ("qtblend", {"rect": "100 40 320 500 1"}, 0.6),
    ("qtblend", {"rect": "100 40 320 500 1", "distort": "1"}, 0.5),
    ("affine", {"transition.rect": "100 40 320 360 1"}, 0.6),
    ("affine", {"transition.rect": "100 40 320 360 1", "transition.fix_rotate_x": "30"}, 0.8),
    ("affine", {"transition.rect": "100 40 320 500 1"}, 0.8),
    ("affine", {"transition.rect": "100 40 320 500 1", "transition.distort": "1"}, 0.6),
    ("crop", {"left": "100", "right": "50", "top": "20", "bottom": "0"}, 1.5),
    ("box_blur", {"hradius": "20", "vradius": "8"}, 0.5),
    ("avfilter.avgblur", {"av.sizeX": "6", "av.sizeY": "3"}, 0.8),
    ("avfilter.gblur", {"av.sigma": "10", "av.sigmaV": "10", "av.steps": "1"}, 2),
]


@pytest.mark.parametrize(("name", "parameters", "mean"), NEAR)
def test_what_is_called_approximate_is_near(
    seen: Seen, source: list[NDArray[np.uint8]], name: str, parameters: dict[str, str], mean: float
) -> None:
    fidelity, (of_luma, *_) = differences(seen, source, name, parameters, is_clipped=True)
    assert fidelity is Fidelity.APPROXIMATE
    assert of_luma.mean() <= mean
