"""Filters of MLT as we translate them, against melt's own pictures, in codes of 8 bits. Passes with melt 7.12 and with 7.42."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from otio_perf.effects.engine import Step
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import View, registry
from otio_perf.effects.translate import mlt
from otio_perf.effects.translate.answers import nothing
from otio_perf.effects.translate.dialects import translated
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.pixels import Layout
from otio_perf.model.uses import EffectUse

WIDTH, HEIGHT, FRAMES = 640, 720, 2  # 720 rows: BT.709 for both
SD_HEIGHT = 576  # BT.601
LAYOUT = Layout(is_rgb=False, is_grey=False, bits=8, across=1)
Planes = list[NDArray[np.uint8]]
Melt = Callable[..., list[Planes]]
Seen = dict[str, Planes]  # by filter and properties
Filter = tuple[str, dict[str, str]]


def coding(height: int) -> Coding:
    return Coding(layout=LAYOUT, matrix="smpte170m" if height < HEIGHT else "bt709")


def drawn(height: int) -> Planes:
    """Smooth colours within R'G'B', so that 4:2:2 loses nothing; fields, on the right grey, black, white, dust."""
    y, x = np.mgrid[0:height, 0:WIDTH].astype(np.float32)
    red, green, blue = np.sin(x / 97) * np.cos(y / 53), np.cos(x / 150 + y / 90), np.sin(y / 110 - x / 170)
    coloured = np.clip((440 - x) / 160, 0, 1) * 0.35
    fields = np.where((x // 40 + y // 40) % 2 == 0, 0.4, 0.6)
    fields[200:400, 480:600] = 0
    fields[210:230, 500:580] = 1
    fields[420:560:4, 470:630:4] = 0.8  # dust
    picture = np.ones((height, WIDTH, 4), np.float32)
    picture[..., :3] = fields[..., None] + coloured[..., None] * np.stack([red, green, blue], axis=2)
    return [np.stack([plane] * FRAMES) for plane in from_picture(picture, coding(height))]


@pytest.fixture(scope="module")
def source() -> Planes:
    return drawn(HEIGHT)


@pytest.fixture(scope="module")
def luts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``line.cube`` and ``cube.cube`` lie: a curve, and colours that are turned."""
    folder = tmp_path_factory.mktemp("luts")
    curve = "".join(f"{(n / 16) ** 0.7:.6f} {n / 16:.6f} {(n / 16) ** 1.4:.6f}\n" for n in range(17))
    (folder / "line.cube").write_text(f"LUT_1D_SIZE 17\n{curve}")
    nodes = [(r / 4, g / 4, b / 4) for b in range(5) for g in range(5) for r in range(5)]
    cube = "".join(f"{0.8 * r + 0.2 * g:.6f} {g**1.2:.6f} {0.9 * b + 0.1 * r * r:.6f}\n" for r, g, b in nodes)
    (folder / "cube.cube").write_text(f"LUT_3D_SIZE 5\n{cube}")
    return folder


def found_by(luts: Path, parameters: dict[str, str]) -> dict[str, str]:
    return {name: str(luts / value) if name == "av.file" else value for name, value in parameters.items()}


def melted(melt_each: Melt, planes: Planes, luts: Path, asked: list[Filter], below: Planes | None = None) -> Seen:
    """What melt makes of each of them: in one run, of which starting it takes the most."""
    clips = [[{"mlt_service": name, **found_by(luts, parameters)}] for name, parameters in asked]
    return {repr(one): clip for one, clip in zip(asked, melt_each(planes, clips, below=below), strict=True)}


@pytest.fixture(scope="module")
def seen(melt_each: Melt, source: Planes, luts: Path) -> Seen:
    return melted(melt_each, source, luts, [(row[0], row[1]) for row in (*EXACT, *NEAR, LIFT_GAMMA_GAIN)])


def differences(
    shown: Planes, source: Planes, luts: Path, name: str, parameters: dict[str, str], *, is_clipped: bool
) -> tuple[Fidelity, list[NDArray[np.int64]]]:
    """Of luma, Cb and Cr in the second frame. ``is_clipped``: as on a screen, where nothing is blacker than black."""
    height = source[0].shape[1]
    use = EffectUse(dialect="mlt", name=name, label=name, parameters=tuple(found_by(luts, parameters).items()))
    moment = Moment(frame=Fraction(1), length=Fraction(FRAMES), inner=Fraction(1))
    said = translated(use, moment, (WIDTH, height), Fraction(25))
    engine, found = ReferenceEngine(), registry()
    steps = [Step(found.effect(one.name), dict(one.values)) for one in said.applied]
    image = engine.upload(to_picture([plane[1] for plane in source], coding(height)), is_opaque=True)
    picture = engine.download(engine.apply(image, steps, View(width=WIDTH, height=height))).copy()
    picture *= np.float32(1 if said.opacity is None else said.opacity)
    picture[..., 3] = 1  # what is transparent is black in both
    theirs = [plane[1].astype(int) for plane in shown]
    if is_clipped:
        picture = np.clip(picture, 0, 1)
        theirs[0] = np.clip(theirs[0], 16, 235)
    ours = from_picture(picture, coding(height))
    return said.fidelity, [np.abs(a - b.astype(int)) for a, b in zip(theirs, ours, strict=True)]


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
    ("avfilter.negate", {}, 1, 2),
    ("grayscale", {}, 0, 0),
    ("frei0r.flippo", {"X axis": "1"}, 0, 8),
    ("frei0r.invert0r", {}, 1, 2),
]


@pytest.mark.parametrize(("name", "parameters", "luma", "chroma"), EXACT)
def test_what_is_called_exact_is(
    seen: Seen, source: Planes, luts: Path, name: str, parameters: dict[str, str], luma: int, chroma: float
) -> None:
    shown = seen[repr((name, parameters))]
    fidelity, (of_luma, *of_chroma) = differences(shown, source, luts, name, parameters, is_clipped=False)
    assert fidelity is Fidelity.EXACT
    assert of_luma.max() <= luma
    assert max(np.percentile(plane, 99.9) for plane in of_chroma) <= chroma


#: FFmpeg's filters of R'G'B' by way of 8 bits, there and back: exact where MLT 7.12 uses one matrix for both, that of BT.601;
#: in high definition as of 7.42.
#: Filter, properties, difference of 99.9 % of luma and of chroma on the screen in standard definition; mean of luma in high.
BY_RGB: list[tuple[str, dict[str, str], int, int, float]] = [
    ("avfilter.exposure", {"av.exposure": "-0.5"}, 2, 2, 3),
    ("avfilter.exposure", {"av.exposure": "0.7"}, 2, 8, 5),
    ("avfilter.exposure", {"av.exposure": "0.4", "av.black": "0.1"}, 2, 8, 6),
    ("avfilter.curves", {"av.master": "0/0.1 0.2/0.2 0.4/0.7 0.8/0.75 1/1"}, 2, 10, 4),
    ("avfilter.curves", {"av.red": "0/0 0.4/0.6 1/1", "av.b": "0.2/0 0.8/1"}, 2, 6, 6),
    ("avfilter.colorlevels", {"av.rimin": "0.1", "av.gimin": "0.2", "av.bimax": "0.8"}, 2, 6, 7),
    ("avfilter.lut1d", {"av.file": "line.cube"}, 2, 4, 5),
    ("avfilter.lut3d", {"av.file": "cube.cube"}, 2, 4, 4),
    ("avfilter.lut3d", {"av.file": "cube.cube", "av.interp": "trilinear"}, 2, 4, 4),
]


@pytest.fixture(scope="module")
def by_rgb(melt_each: Melt, source: Planes, luts: Path) -> dict[int, tuple[Planes, Seen]]:
    """By the height of the picture: what it is, what melt makes of it."""
    asked = [(name, parameters) for name, parameters, *_ in BY_RGB]
    pictures = {SD_HEIGHT: drawn(SD_HEIGHT), HEIGHT: source}
    return {height: (planes, melted(melt_each, planes, luts, asked)) for height, planes in pictures.items()}


@pytest.mark.parametrize(("name", "parameters", "luma", "chroma", "mean"), BY_RGB)
def test_filters_of_rgb_are_exact_in_the_matrix_that_mlt_comes_back_by(
    by_rgb: dict[int, tuple[Planes, Seen]],
    luts: Path,
    name: str,
    parameters: dict[str, str],
    luma: int,
    chroma: int,
    mean: float,
) -> None:
    version = re.search(
        r"\d+\.\d+\.\d+", subprocess.run(["melt", "--version"], capture_output=True, text=True, check=True).stdout
    )
    assert version is not None
    noted = {**parameters, "_mlt_version": version[0]}
    low, high = (
        differences(shown[repr((name, parameters))], planes, luts, name, noted, is_clipped=True)
        for planes, shown in (by_rgb[SD_HEIGHT], by_rgb[HEIGHT])
    )
    is_right = tuple(map(int, version[0].split("."))) >= (7, 42)
    assert (low[0], high[0]) == (Fidelity.EXACT, Fidelity.EXACT if is_right else Fidelity.APPROXIMATE)
    for of_luma, *of_chroma in (found for fidelity, found in (low, high) if fidelity is Fidelity.EXACT):
        assert np.percentile(of_luma, 99.9) <= luma
        assert max(np.percentile(plane, 99.9) for plane in of_chroma) <= chroma
    assert is_right or 1 < high[1][0].mean() <= mean  # it is not exact there


_LIFT = {"lift_r": "0.1", "lift_g": "-0.05", "lift_b": "0", "gamma_r": "1.3", "gamma_g": "1", "gamma_b": "0.8"}
LIFT_GAMMA_GAIN: Filter = ("lift_gamma_gain", {**_LIFT, "gain_r": "1", "gain_g": "1.2", "gain_b": "0.9"})


def test_lift_gamma_gain_is_exact_on_the_screen(seen: Seen, source: Planes, luts: Path) -> None:
    """MLT works in 8 bits of R'G'B', which hold nothing brighter than white; ours keeps that until it is shown."""
    fidelity, found = differences(seen[repr(LIFT_GAMMA_GAIN)], source, luts, *LIFT_GAMMA_GAIN, is_clipped=True)
    assert fidelity is Fidelity.EXACT
    assert np.percentile(found[0], 99.9) <= 2
    assert max(plane.mean() for plane in found) <= 0.5


#: Filter, properties, mean difference of luma: the geometry is melt's, edges and interpolation are not.
NEAR: list[tuple[str, dict[str, str], float]] = [
    ("qtblend", {"rect": "100 40 320 360 1"}, 0.7),
    ("qtblend", {"rect": "100 40 320 360 1", "rotation": "30", "rotate_center": "1"}, 0.6),
    ("qtblend", {"rect": "100 40 320 360 1", "rotation": "30"}, 0.6),
    ("qtblend", {"rect": "-100 -40 960 1080 1", "rotation": "-10", "rotate_center": "1"}, 0.6),
    ("qtblend", {"rect": "100 40 320 500 1"}, 0.7),
    ("qtblend", {"rect": "100 40 320 500 1", "distort": "1"}, 0.5),
    ("affine", {"transition.rect": "100 40 320 360 1"}, 0.6),
    ("affine", {"transition.rect": "100 40 320 360 1", "transition.fix_rotate_x": "30"}, 0.8),
    ("affine", {"transition.rect": "100 40 320 500 1"}, 0.8),
    ("affine", {"transition.rect": "100 40 320 500 1", "transition.distort": "1"}, 0.6),
    ("crop", {"left": "100", "right": "50", "top": "20", "bottom": "0"}, 1.5),
    ("box_blur", {"hradius": "20", "vradius": "8"}, 0.5),
    ("avfilter.avgblur", {"av.sizeX": "6", "av.sizeY": "3"}, 0.8),
    ("avfilter.gblur", {"av.sigma": "10", "av.sigmaV": "10", "av.steps": "1"}, 2),
    ("vignette", {"radius": "0.35", "smooth": "0.8", "x": "0.4", "y": "0.6"}, 1),
    ("vignette", {"radius": "0.35", "smooth": "0.8", "mode": "1"}, 1),
    ("vignette", {"radius": "0.35", "smooth": "0.8", "opacity": "0.4", "mode": "1"}, 6),
    ("avfilter.colorlevels", {"av.romin": "0.1", "av.gomax": "0.8", "av.bimin": "0.2"}, 5),
    ("avfilter.boxblur", {"av.lr": "6", "av.lp": "1"}, 0.1),
    ("avfilter.boxblur", {"av.lr": "4", "av.lp": "3"}, 0.3),
    ("avfilter.unsharp", {"av.lx": "3", "av.ly": "3", "av.la": "1.5", "av.ca": "1.5"}, 0.3),
    ("avfilter.unsharp", {"av.lx": "9", "av.ly": "9", "av.la": "1"}, 0.3),
    ("avfilter.median", {"av.radius": "2"}, 0.1),
    ("frei0r.brightness", {"Brightness": "0.6"}, 0.5),
    ("frei0r.brightness", {"0": "0.4"}, 0.5),
    ("frei0r.contrast0r", {"Contrast": "0.6"}, 1.5),
    ("frei0r.contrast0r", {"Contrast": "0.4"}, 0.5),
    ("frei0r.saturat0r", {"Saturation": "0.2"}, 4),
    ("frei0r.saturat0r", {"Saturation": "0.05"}, 4),
    ("frei0r.hueshift0r", {"Hue": "0.1"}, 0.6),
    ("frei0r.levels", {"Input black level": "0.1", "Input white level": "0.9", "Gamma": "0.3", "6": "0"}, 0.3),
    ("frei0r.levels", {"Channel": "0.1", "Black output": "0.1", "White output": "0.9", "Show histogram": "0"}, 0.3),
    ("frei0r.sharpness", {"Amount": "0.5", "Size": "0"}, 0.3),
    ("frei0r.sharpness", {"Amount": "0.5", "Size": "0.5"}, 0.4),
    ("frei0r.squareblur", {"Kernel size": "0.03"}, 0.5),
    ("frei0r.flippo", {"Y axis": "1"}, 2),
]


@pytest.mark.parametrize(("name", "parameters", "mean"), NEAR)
def test_what_is_called_approximate_is_near(
    seen: Seen, source: Planes, luts: Path, name: str, parameters: dict[str, str], mean: float
) -> None:
    shown = seen[repr((name, parameters))]
    fidelity, (of_luma, *of_chroma) = differences(shown, source, luts, name, parameters, is_clipped=True)
    assert fidelity is Fidelity.APPROXIMATE
    assert of_luma.mean() <= mean
    plain = sum(np.abs(a[1].astype(int) - b[1]).mean() for a, b in zip(shown, source, strict=True))
    assert sum(plane.mean() for plane in (of_luma, *of_chroma)) < plain / 2  # much nearer than if nothing were done


_PARALLELOGRAM = {"0": "0.36", "1": "0.35", "2": "0.66", "3": "0.34", "4": "0.65", "5": "0.64", "6": "0.35", "7": "0.65"}

#: As ``NEAR``, of what makes transparent: over black. What is exact is so within a code.
OVER_BLACK: list[tuple[str, dict[str, str], Fidelity, float]] = [
    ("frei0r.transparency", {"0": "0.3"}, Fidelity.EXACT, 0.5),
    ("chroma", {"key": "#6030a0", "variance": "0.15"}, Fidelity.APPROXIMATE, 3),
    ("lumakey", {"threshold": "120", "slope": "20"}, Fidelity.APPROXIMATE, 5),
    ("frei0r.c0rners", {**_PARALLELOGRAM, "12": "1"}, Fidelity.APPROXIMATE, 2),
]


@pytest.fixture(scope="module")
def over_black(melt_each: Melt, source: Planes, luts: Path) -> Seen:
    black = [np.full_like(plane, code) for plane, code in zip(source, (16, 128, 128), strict=True)]
    return melted(melt_each, source, luts, [(name, parameters) for name, parameters, *_ in OVER_BLACK], black)


@pytest.mark.parametrize(("name", "parameters", "wanted", "mean"), OVER_BLACK)
def test_what_makes_transparent_is_near(
    over_black: Seen,
    source: Planes,
    luts: Path,
    name: str,
    parameters: dict[str, str],
    wanted: Fidelity,
    mean: float,
) -> None:
    shown = over_black[repr((name, parameters))]
    fidelity, found = differences(shown, source, luts, name, parameters, is_clipped=True)
    assert fidelity is wanted
    assert found[0].mean() <= mean
    assert fidelity is Fidelity.APPROXIMATE or max(plane.max() for plane in found) <= 1
    assert np.abs(shown[0][1].astype(int) - source[0][1]).mean() > 4 * mean


#: Modes of both, by number and by name.
BLENDS = [("qtblend_mode", str(mode)) for mode in range(12, 23)] + [
    ("cairoblend_mode", mode)
    for mode in "add multiply screen overlay darken lighten difference colordodge colorburn hardlight softlight".split()
]


@pytest.fixture(scope="module")
def blended(melt_each: Melt, source: Planes) -> tuple[Planes, dict[tuple[str, str], Planes]]:
    """A picture that lies below, and what melt shows. ``qtblend_mode`` is newer than 7.12: the transition itself is told."""
    below = [np.ascontiguousarray(plane[:, ::-1, ::-1]) for plane in source]
    clips = [[{"mlt_service": name, "mode": mode}] for name, mode in BLENDS]
    qt = {"mlt_service": "qtblend"}
    by = [{**qt, "compositing": m} if n == "qtblend_mode" else {"mlt_service": "frei0r.cairoblend"} for n, m in BLENDS]
    return below, dict(zip(BLENDS, melt_each(source, clips, below=below, by=by), strict=True))


@pytest.mark.parametrize(("name", "mode"), BLENDS)
def test_blend_modes_are_mlts(
    blended: tuple[Planes, dict[tuple[str, str], Planes]], source: Planes, name: str, mode: str
) -> None:
    said = translated(
        EffectUse(dialect="mlt", name=name, label=name, parameters=(("mode", mode),)),
        Moment(frame=Fraction(1), length=Fraction(FRAMES), inner=Fraction(1)),
        (WIDTH, HEIGHT),
        Fraction(25),
    )
    assert (said.fidelity, said.applied) == (Fidelity.EXACT, ())
    below, shown = blended
    pictures = [np.clip(to_picture([plane[1] for plane in one], coding(HEIGHT)), 0, 1) for one in (below, source)]
    ours = from_picture(np.clip(registry().blend(str(said.blend)).reference(*pictures), 0, 1), coding(HEIGHT))
    luma, *chroma = (np.abs(a[1].astype(int) - b) for a, b in zip(shown[name, mode], ours, strict=True))
    assert luma.max() <= 3
    assert max(plane.mean() for plane in chroma) <= 0.6  # at edges 4:2:2 is made of other colours


def test_every_filter_that_is_translated_was_compared() -> None:
    compared = {row[0] for row in (*EXACT, *BY_RGB, *NEAR, *OVER_BLACK, LIFT_GAMMA_GAIN, *BLENDS)}
    assert compared == {name for name, row in mlt.EFFECTS.items() if row is not nothing}
