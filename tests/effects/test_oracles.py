"""Who else says what a row of the registry does: an outside oracle for each, and those that have no other test of theirs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.effects.wipes import field

WIDTH, HEIGHT = 96, 54
VIEW = View(width=WIDTH, height=HEIGHT)

#: By row: the test that holds it against someone else, and who that is.
ORACLES = {
    "exposure": ("test_oracles.py", "test_exposure_is_ffmpegs", "FFmpeg"),
    "adjust": ("test_color.py", "test_adjust_is_ffmpegs_eq_and_hue", "FFmpeg"),
    "white_balance": ("test_oracles.py", "test_white_balance_is_that_of_a_black_body", "Planck, CIE 1931"),
    "invert": ("test_color.py", "test_invert_is_ffmpegs_negate", "FFmpeg"),
    "greyscale": ("test_color.py", "test_what_mlt_does", "MLT"),
    "sepia": ("test_color.py", "test_what_mlt_does", "MLT"),
    "code_gain": ("test_color.py", "test_what_mlt_does", "MLT"),
    "lift_gamma_gain": ("test_color.py", "test_what_mlt_does", "MLT"),
    "asc_cdl": ("test_color.py", "test_asc_cdl_is_opencolorios", "OpenColorIO"),
    "levels": ("test_color.py", "test_levels_are_ffmpegs_colorlevels", "FFmpeg"),
    "curves": ("test_color.py", "test_curves_are_ffmpegs", "FFmpeg"),
    "lut": ("test_lut.py", "test_luts_are_what_opencolorio_makes_of_them", "OpenColorIO"),
    "vignette": ("test_color.py", "test_vignette_darkens_where_mlts_does", "MLT"),
    "gaussian_blur": ("test_blur.py", "test_a_gaussian_is_that_of_opencv", "OpenCV"),
    "box_blur": ("test_blur.py", "test_a_box_is_that_of_opencv", "OpenCV"),
    "directional_blur": ("test_oracles.py", "test_a_directional_blur_is_opencvs_filter_along_a_line", "OpenCV"),
    "sharpen": ("test_sharpen.py", "test_sharpen_is_that_of_ffmpeg", "FFmpeg"),
    "unsharp": ("test_sharpen.py", "test_unsharp_is_that_of_opencv", "OpenCV"),
    "median": ("test_denoise.py", "test_a_median_is_that_of_opencv", "OpenCV"),
    "bilateral": ("test_denoise.py", "test_a_bilateral_filter_is_that_of_opencv", "OpenCV"),
    "chroma_key": ("test_key.py", "test_the_matte_is_that_of_ffmpeg", "FFmpeg"),
    "luma_key": ("test_key.py", "test_the_luma_matte_is_that_of_ffmpeg", "FFmpeg"),
    "transform": ("test_transform.py", "test_transform_is_opencv_s_warp", "OpenCV"),
    "corner_pin": ("test_transform.py", "test_corner_pin_is_opencv_s_perspective", "OpenCV"),
    "flip": ("test_oracles.py", "test_flips_and_crops_are_ffmpegs", "FFmpeg"),
    "crop": ("test_oracles.py", "test_flips_and_crops_are_ffmpegs", "FFmpeg"),
    "dissolve": ("../render/test_plan.py", "test_cuts_and_a_dissolve_are_those_of_melt", "MLT"),
    "dip_to_colour": ("test_transitions.py", "test_a_dip_is_a_fade_out_and_a_fade_in", "FFmpeg"),
    "wipe": ("test_oracles.py", "test_wipes_have_the_shapes_of_ffmpegs", "FFmpeg"),
    "push": ("test_transitions.py", "test_moves_are_those_of_ffmpeg", "FFmpeg"),
    "slide": ("test_transitions.py", "test_moves_are_those_of_ffmpeg", "FFmpeg"),
    "bars": ("test_generators.py", "test_rp_219_is_that_of_ffmpeg", "FFmpeg"),
    **dict.fromkeys(registry().blends, ("test_translate_melt.py", "test_blend_modes_are_mlts", "Cairo and Qt, by MLT")),
}
#: No picture of anybody's to compare with: one colour, a ramp between two, our own letters.
BY_HAND = {"solid", "gradient", "slate"}


def test_every_row_has_an_oracle() -> None:
    found = registry()
    assert set(ORACLES) | BY_HAND == {*found.effects, *found.blends, *found.transitions, *found.generators}
    folder = Path(__file__).parent
    for row, (file, test, _) in ORACLES.items():
        assert f"def {test}(" in (folder / file).read_text(encoding="utf-8"), row


def ffmpeg(picture: Picture, graph: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Picture:
    """R'G'B'A of 32 bits, through a filter graph."""
    planes = np.ascontiguousarray(picture[..., [1, 2, 0, 3]].transpose(2, 0, 1), "<f4")
    raw = ["-f", "rawvideo", "-pix_fmt", "gbrapf32le"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, "-s", f"{WIDTH}x{HEIGHT}", "-i", "-", "-vf", graph]
    done = subprocess.run([*command, *raw, "-"], input=planes.tobytes(), capture_output=True, check=True)
    samples = np.frombuffer(done.stdout, "<f4").reshape(4, *size[::-1])
    return np.ascontiguousarray(samples[[2, 0, 1, 3]].transpose(1, 2, 0))


def rendered(engine: Engine, name: str, picture: Picture, **values: Any) -> Picture:
    effect = registry().effect(name)
    image = engine.upload(picture, is_opaque=True)
    return engine.download(engine.apply(image, [Step(effect, effect.checked(values))], VIEW))


@pytest.fixture
def source() -> Picture:
    random = np.random.default_rng(8).uniform(0, 1, (HEIGHT, WIDTH, 4)).astype(np.float32)
    random[..., 3] = 1
    return random


@pytest.mark.parametrize("stops", [-1.3, 0.7, 2.0])
def test_exposure_is_ffmpegs(engine: Engine, source: Picture, stops: float) -> None:
    wanted = ffmpeg(source, f"exposure=exposure={stops}")
    assert np.abs(rendered(engine, "exposure", source, stops=stops) - wanted)[..., :3].max() <= 1e-5


def test_flips_and_crops_are_ffmpegs(engine: Engine, source: Picture) -> None:
    for graph, values in (
        ("hflip", {"horizontal": True}),
        ("vflip", {"vertical": True}),
        ("hflip,vflip", {"horizontal": True, "vertical": True}),
    ):
        assert np.array_equal(rendered(engine, "flip", source, **values), ffmpeg(source, graph))
    left, top, right, bottom = 13, 5, 20, 8
    size = (WIDTH - left - right, HEIGHT - top - bottom)
    wanted = np.zeros_like(source)
    wanted[top:-bottom, left:-right] = ffmpeg(source, f"crop={size[0]}:{size[1]}:{left}:{top}", size)
    assert np.array_equal(rendered(engine, "crop", source, left=left, top=top, right=right, bottom=bottom), wanted)


def _black_body(kelvin: float) -> NDArray[np.float64]:
    """Linear BT.709 R, G, B of Planck's law, seen by the CIE 1931 observer as fitted by Wyman, Sloan and Shirley, "Simple
    Analytic Approximations to the CIE XYZ Color Matching Functions", 2013."""
    nm = np.arange(380.0, 781.0)

    def lobe(height: float, mean: float, below: float, above: float) -> NDArray[np.float64]:
        return height * np.exp(-(((nm - mean) * np.where(nm < mean, below, above)) ** 2) / 2)

    x = lobe(0.362, 442.0, 0.0624, 0.0374) + lobe(1.056, 599.8, 0.0264, 0.0323) - lobe(0.065, 501.1, 0.0490, 0.0382)
    y = lobe(0.821, 568.8, 0.0213, 0.0247) + lobe(0.286, 530.9, 0.0613, 0.0322)
    z = lobe(1.217, 437.0, 0.0845, 0.0278) + lobe(0.681, 459.0, 0.0385, 0.0725)
    light = nm**-5.0 / np.expm1(1.438776877e7 / (nm * kelvin))
    xyz = np.array([x @ light, y @ light, z @ light])
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    return np.asarray(to_rgb @ (xyz / xyz[1]))


@pytest.mark.parametrize("kelvin", [2500, 3200, 4000, 5000, 8000, 12000])
def test_white_balance_is_that_of_a_black_body(engine: Engine, source: Picture, kelvin: int) -> None:
    """A grey card in that light, seen on a screen of gamma 2.4, comes out as in light of 6500 K, of the same luminance."""
    grey = source.copy()
    grey[..., :3] = 0.5
    gains = (rendered(engine, "white_balance", grey, temperature=kelvin)[0, 0, :3].astype(float) / 0.5) ** 2.4
    wanted = _black_body(6500) / _black_body(kelvin)
    assert gains / gains[1] == pytest.approx(wanted / wanted[1], rel=0.03)
    assert gains @ [0.2126, 0.7152, 0.0722] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("angle", [0, 90, 45, -30])
def test_a_directional_blur_is_opencvs_filter_along_a_line(engine: Engine, source: Picture, angle: int) -> None:
    """The line as OpenCV draws it, smoothed, 4 times as large: within what drawing it costs."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: directional blurs are not compared with it")
    smooth = cv2.GaussianBlur(source, (0, 0), 2)
    length, side, fine = 12.0, 31, 16
    large = np.zeros((side * fine, side * fine), np.float32)
    reach = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * length / 2 * fine
    middle = (side * fine - 1) / 2
    ends = [tuple(round(float(middle + sign * r) * 256) for r in reach) for sign in (-1, 1)]
    cv2.line(large, *ends, 1.0, 3, cv2.LINE_8, 8)
    kernel = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)
    wanted = cv2.filter2D(smooth, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    got = rendered(engine, "directional_blur", smooth, length=length, angle=angle)
    assert np.abs(got - wanted).max() <= 0.02
    assert np.abs(smooth - wanted).max() >= 0.08


#: FFmpeg's ``xfade``, which draws soft edges at a pace of its own: shape and direction count.
SHAPES = {
    "circleopen": ("ellipse_circle", False),
    "circleclose": ("ellipse_circle", True),
    "vertopen": ("barn_door_vertical", False),
    "vertclose": ("barn_door_vertical", True),
    "horzopen": ("barn_door_horizontal", False),
    "horzclose": ("barn_door_horizontal", True),
    "smoothright": ("bar_left_to_right", False),
    "smoothdown": ("bar_top_to_bottom", False),
    "radial": ("clock_twelve", False),
}


@pytest.mark.parametrize("theirs", SHAPES)
def test_wipes_have_the_shapes_of_ffmpegs(theirs: str) -> None:
    """In which order pixels turn: by the sum of what is seen of the incoming picture."""
    frames = 40
    graph = f"color=black:s={WIDTH}x{HEIGHT}:r=25:d=4,format=gray[a];color=white:s={WIDTH}x{HEIGHT}:r=25:d=4,format=gray[b];"
    graph += f"[a][b]xfade=transition={theirs}:duration={frames / 25}:offset=0"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-filter_complex", graph, "-frames:v", str(frames)]
    done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True)
    late = -np.frombuffer(done.stdout, np.uint8).reshape(frames, HEIGHT, WIDTH).astype(float).sum(axis=0)
    pattern, is_reversed = SHAPES[theirs]
    ours = field(pattern, WIDTH, HEIGHT) * (-1 if is_reversed else 1)
    ranks = [np.argsort(np.argsort(order.ravel())).astype(float) for order in (late, ours)]
    assert np.corrcoef(*ranks)[0, 1] >= 0.995
