"""Colour effects against those who defined them: OpenColorIO for the CDL, FFmpeg's and MLT's filters, and numbers by hand."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects.curves import spline
from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.luma import to_ycc
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.errors import EffectError

Pictures = Callable[..., Picture]
Codes = tuple[np.ndarray, np.ndarray, np.ndarray]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
WIDTH, HEIGHT, BLOCK = 128, 72, 8
TO_YCC = to_ycc("bt709")


def applied(name: str, source: Picture, **values: Any) -> Picture:
    effect = registry().effect(name)
    return effect.reference(source, effect.checked(values), View(width=source.shape[1], height=source.shape[0]))


def one(name: str, *colour: float, **values: Any) -> list[float]:
    return [float(v) for v in applied(name, np.array([[[*colour, 1]]], np.float32), **values)[0, 0, :3]]


def codes(low: int = 60, high: int = 190, chroma: int = 18) -> Codes:
    """Y', Cb, Cr of a picture in blocks of one colour each, 8 bits, limited range."""
    random = np.random.default_rng(5)

    def blocks(least: int, most: int) -> np.ndarray:
        small = random.integers(least, most + 1, (HEIGHT // BLOCK, WIDTH // BLOCK))
        return np.kron(small, np.ones((BLOCK, BLOCK), int)).astype(np.uint8)

    return blocks(low, high), blocks(128 - chroma, 128 + chroma), blocks(128 - chroma, 128 + chroma)


def from_codes(planes: Codes) -> Picture:
    y, cb, cr = (plane.astype(float) for plane in planes)
    ycc = np.stack([(y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224], axis=2)
    result = np.ones((HEIGHT, WIDTH, 4), np.float32)
    result[..., :3] = ycc @ np.linalg.inv(TO_YCC).T
    return result


def to_codes(picture: Picture) -> np.ndarray:
    ycc = picture[..., :3].astype(float) @ TO_YCC.T
    return np.clip(np.stack([ycc[..., 0] * 219 + 16, ycc[..., 1] * 224 + 128, ycc[..., 2] * 224 + 128]), 0, 255)


def ffmpeg(data: bytes, pixel_format: str, graph: str) -> np.ndarray:
    """One frame through a filter graph."""
    raw = ["-f", "rawvideo", "-pix_fmt", pixel_format]
    command = [FFMPEG, "-v", "error", *raw, "-s", f"{WIDTH}x{HEIGHT}", "-i", "-", "-vf", graph, *raw, "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8)


def ramp() -> np.ndarray:
    """R'G'B' of 8 bits: every value of each channel, and many colours."""
    picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture.reshape(-1, 3)[:256] = np.arange(256)[:, None]
    return picture


def from_bytes(picture: np.ndarray) -> Picture:
    result = np.ones((*picture.shape[:2], 4), np.float32)
    result[..., :3] = picture / np.float32(255)
    return result


CDLS = {
    "grade": {"slope": (1.2, 0.9, 1.1), "offset": (-0.05, 0.1, 0.02), "power": (0.8, 1.3, 1.0), "saturation": 1.4},
    "washed out": {"slope": (0.6, 0.6, 0.7), "offset": (0.2, 0.1, 0.1), "power": (1.0, 1.0, 1.0), "saturation": 0.3},
    "grey": {"slope": (1.0, 1.0, 1.0), "offset": (0.0, 0.0, 0.0), "power": (1.0, 1.0, 1.0), "saturation": 0.0},
    "beyond": {"slope": (4.0, 0.0, 2.0), "offset": (-1.0, 0.5, 0.5), "power": (3.0, 0.3, 1.0), "saturation": 3.0},
}


@pytest.mark.parametrize("name", sorted(CDLS))
def test_asc_cdl_is_opencolorios(name: str, picture: Pictures) -> None:
    ocio = pytest.importorskip("PyOpenColorIO", reason="PyOpenColorIO is not installed: CDLs are not compared with it")
    values = CDLS[name]
    source = picture()
    source[..., :3] = source[..., :3] * 1.5 - 0.25
    transform = ocio.CDLTransform(
        slope=values["slope"], offset=values["offset"], power=values["power"], sat=values["saturation"]
    )
    transform.setStyle(ocio.CDL_ASC)
    wanted = source.copy()
    processor = ocio.Config.CreateRaw().getProcessor(transform)
    processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_NONE).applyRGBA(wanted)
    # OpenColorIO's powers are a fast approximation.
    assert np.abs(applied("asc_cdl", source, **values) - wanted).max() <= 2e-4


@pytest.mark.parametrize(
    ("graph", "values", "tolerance"),
    [
        # FFmpeg's eq works in whole numbers: brightness comes in steps of 2.55 codes, cut off like all else on the way.
        ("eq=contrast=1.3", {"contrast": 1.3}, 2),
        ("eq=brightness=0.1", {"brightness": 0.1 * 255 / 219}, 2),
        ("eq=contrast=0.7:brightness=0.2", {"contrast": 0.7, "brightness": 0.2 * 255 / 219}, 2),
        ("eq=saturation=1.5", {"saturation": 1.5}, 2),
        ("hue=h=40:s=1", {"hue": 40}, 1),
        ("hue=h=-110:s=0.6", {"hue": -110, "saturation": 0.6}, 1),
        ("hue=s=0", {"saturation": 0}, 0.01),
    ],
)
def test_adjust_is_ffmpegs_eq_and_hue(graph: str, values: dict[str, float], tolerance: float) -> None:
    planes = codes()
    wanted = ffmpeg(b"".join(p.tobytes() for p in planes), "yuv444p", graph).reshape(3, HEIGHT, WIDTH)
    got = applied("adjust", from_codes(planes), space="luma", pivot=(127.5 - 16) / 219, **values)
    assert np.abs(to_codes(got) - wanted).max() <= tolerance


#: Where x is a whole code: FFmpeg begins its cubics there.
CURVE = ((0.0, 0.1), (0.2, 0.2), (0.4, 0.7), (0.8, 0.75), (1.0, 1.0))


RED, BLUE = ((0.0, 0.0), (0.4, 0.6), (1.0, 1.0)), ((0.2, 0.0), (0.8, 1.0))


@pytest.mark.parametrize(("kind", "interpolation"), [("natural", "natural"), ("monotone", "pchip")])
@pytest.mark.parametrize(
    ("curves", "tolerance"),
    [
        # FFmpeg cuts fractions off: after the channel's curve, and after the master, which here is as steep as 3.
        ({"red": RED, "blue": BLUE}, 1.01),
        ({"master": CURVE}, 1.01),
        ({"master": CURVE, "red": RED, "blue": BLUE}, 4),
    ],
    ids=["channels", "master", "both"],
)
def test_curves_are_ffmpegs(kind: str, interpolation: str, curves: dict[str, Any], tolerance: float) -> None:
    source = ramp()
    given = ":".join(f"{name}='{' '.join(f'{x}/{y}' for x, y in points)}'" for name, points in curves.items())
    wanted = ffmpeg(source.tobytes(), "rgb24", f"curves={given}:interp={interpolation}").reshape(source.shape)
    got = applied("curves", from_bytes(source), spline=kind, **curves)
    assert np.abs(got[..., :3] * 255 - wanted).max() <= tolerance


def test_levels_are_ffmpegs_colorlevels() -> None:
    source = ramp()
    graph = "colorlevels=rimin=0.1:gimin=0.2:bimax=0.8:romin=0.05:gomax=0.9:preserve=none"
    wanted = ffmpeg(source.tobytes(), "rgb24", graph).reshape(source.shape)
    got = applied(
        "levels",
        from_bytes(source),
        black_in=(0.1, 0.2, 0.0),
        white_in=(1.0, 1.0, 0.8),
        black_out=(0.05, 0.0, 0.0),
        white_out=(1.0, 0.9, 1.0),
    )
    # colorlevels rounds its bounds to codes (½ a code, spread by up to 1.25) and cuts off what is left; below the black that
    # comes in it goes on to 0, where ours stops at the black that goes out.
    inside = source / 255 >= [0.1, 0.2, 0]
    assert np.abs(got[..., :3] * 255 - wanted)[inside].max() <= 2
    assert np.all(got[..., 0][~inside[..., 0]] == np.float32(0.05))


def test_invert_is_ffmpegs_negate() -> None:
    source = ramp()
    wanted = ffmpeg(source.tobytes(), "rgb24", "negate").reshape(source.shape)
    assert np.abs(applied("invert", from_bytes(source))[..., :3] * 255 - wanted).max() <= 1e-4


def melt(melted_by: Callable[..., None], planes: Codes, folder: Path, *given: str) -> np.ndarray:
    """The picture through a filter of MLT; blocks of one colour lose nothing in 4:2:2."""
    if shutil.which("melt") is None:
        pytest.skip("melt is not installed: MLT's filters are not compared")
    size = f"{WIDTH}x{HEIGHT}"
    y, cb, cr = planes
    frame = y.tobytes() + cb[:, ::2].tobytes() + cr[:, ::2].tobytes()
    source, result, profile = folder / "in.mkv", folder / "out.mkv", folder / "p.profile"
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv422p"]
    tags = ["-vf", "setparams=colorspace=bt709:range=tv"]  # said of the frames: said to the encoder only, FFmpeg 9 converts
    command = [
        FFMPEG,
        "-v",
        "error",
        "-y",
        *raw,
        "-s",
        size,
        "-r",
        "25",
        "-i",
        "-",
        "-c:v",
        "ffv1",
        *tags,
        str(source),
    ]
    subprocess.run(command, input=frame * 3, check=True)
    sides = {"width": WIDTH, "height": HEIGHT, "display_aspect_num": WIDTH, "display_aspect_den": HEIGHT}
    rest = {"frame_rate_num": 25, "progressive": 1, "colorspace": 709}
    ones = dict.fromkeys(("frame_rate_den", "sample_aspect_num", "sample_aspect_den"), 1)
    profile.write_text("".join(f"{k}={v}\n" for k, v in ({"description": "x"} | sides | rest | ones).items()))
    consumer = [f"avformat:{result}", "vcodec=ffv1", "pix_fmt=yuv422p", "an=1", "real_time=0"]
    command = ["melt", "-silent", "-profile", str(profile), str(source), "-filter", *given, "-consumer", *consumer]
    melted_by(command, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"})
    done = subprocess.run([FFMPEG, "-v", "error", "-i", str(result), *raw, "-"], capture_output=True, check=True)
    data = np.frombuffer(done.stdout, np.uint8)[: 2 * WIDTH * HEIGHT]
    halves = data[WIDTH * HEIGHT :].reshape(2, HEIGHT, WIDTH // 2).repeat(2, axis=2)
    return np.concatenate([data[: WIDTH * HEIGHT].reshape(1, HEIGHT, WIDTH), halves])


WILD = {"low": 16, "high": 235, "chroma": 70}


@pytest.mark.parametrize(
    ("given", "name", "values", "colours", "tolerance"),
    [
        # MLT cuts fractions off: up to one code.
        (["brightness", "level=0.5"], "code_gain", {"level": 0.5}, WILD, 1.01),
        (["brightness", "level=1.4"], "code_gain", {"level": 1.4}, WILD, 1.01),
        (["sepia"], "sepia", {}, WILD, 0.01),
        (["greyscale"], "greyscale", {}, WILD, 0.01),
        (["invert"], "invert", {}, WILD, 0.01),
        # By way of R'G'B' of 8 bits, there and back.
        (
            "lift_gamma_gain lift_r=0.1 lift_b=-0.1 gamma_r=1.2 gamma_b=0.8 gain_r=1.1 gain_b=0.9".split(),
            "lift_gamma_gain",
            {"lift": (0.1, 0.0, -0.1), "gamma": (1.2, 1.0, 0.8), "gain": (1.1, 1.0, 0.9), "encoding": 2.2},
            {},
            1.5,
        ),
    ],
    ids=lambda given: given[0] + given[-1] if isinstance(given, list) else None,
)
def test_what_mlt_does(
    given: list[str],
    name: str,
    values: dict[str, Any],
    colours: dict[str, int],
    tolerance: float,
    tmp_path: Path,
    melted_by: Callable[..., None],
) -> None:
    planes = codes(**colours)
    seen = melt(melted_by, planes, tmp_path, *given)
    assert np.abs(to_codes(applied(name, from_codes(planes), **values)) - seen).max() <= tolerance


@pytest.mark.parametrize(("mode", "falloff"), [(0, "linear"), (1, "smooth")])
def test_vignette_darkens_where_mlts_does(mode: int, falloff: str, tmp_path: Path, melted_by: Callable[..., None]) -> None:
    planes = codes(150, 230)
    given = ["vignette", "radius=0.35", "smooth=0.3", "x=0.4", "y=0.6", "opacity=0", f"mode={mode}"]
    seen = melt(melted_by, planes, tmp_path, *given)
    wanted = seen[0] / planes[0]
    grey = np.ones((HEIGHT, WIDTH, 4), np.float32)
    got = applied("vignette", grey, radius=0.35, softness=30 / WIDTH, x=0.4, y=0.6, falloff=falloff)[..., 0]
    # MLT takes distances in whole pixels from corners of pixels: up to 1.8 pixels of an edge of 60 (steepest 2.2 in 60).
    assert np.abs(got - wanted).max() <= 0.07
    assert np.abs(got - wanted).mean() <= 0.02
    assert wanted.min() < 0.3
    assert wanted.max() == 1


def test_numbers_by_hand() -> None:
    near = functools.partial(pytest.approx, abs=1e-6)
    assert one("exposure", 0.1, 0.2, 0.4, stops=1) == near([0.2, 0.4, 0.8])
    assert one("adjust", 0.2, 0.5, 0.9, contrast=2, brightness=0.1) == near([0, 0.6, 1.4])
    assert one("adjust", 0.25, 0.04, 0.81, gamma=2) == near([0.5, 0.2, 0.9])
    assert one("adjust", -0.25, 0.04, 0.81, gamma=2) == near([0, 0.2, 0.9])
    assert one("adjust", 0.3, 0.3, 0.3, saturation=3, hue=77) == near([0.3, 0.3, 0.3])
    assert one("adjust", 0.25, 0.25, 0.25, gamma=2, space="luma") == near([0.5, 0.5, 0.5])
    assert one("adjust", 1, 0, 0, saturation=0) == near([0.2126] * 3)
    assert one("adjust", 1, 0, 0, saturation=0, matrix="smpte170m") == near([0.299] * 3)
    assert one("invert", 0, 0.25, 1.5) == near([1, 0.75, -0.5])
    assert one("greyscale", 0, 1, 0, matrix="bt2020nc") == near([0.678] * 3)
    assert one("lift_gamma_gain", 0, 0.5, 1, lift=(0.2,) * 3) == near([0.2, 0.6, 1])
    assert one("lift_gamma_gain", 0, 0.5, 1, gain=(0.5,) * 3) == near([0, 0.25, 0.5])
    assert one("lift_gamma_gain", 0, 0.25, 1, gamma=(2.0,) * 3) == near([0, 0.5, 1])
    assert one("levels", 0.1, 0.5, 0.9, black_in=(0.1,) * 3, white_in=(0.9,) * 3) == near([0, 0.5, 1])
    assert one("levels", 0, 0.25, 1, white_in=(0.0,) * 3, black_in=(1.0,) * 3) == near([1, 0.75, 0])
    assert one("code_gain", 0, 0.5, 1, level=0.0) == near([0, 0, 0])
    assert one("code_gain", 0.5, 0.5, 0.5, level=0.5) == near([0.25 - 8 / 219] * 3)


def test_white_balance_makes_the_light_white() -> None:
    # A grey card in light of 3200 K is orange: made grey, blue comes up and red goes down, and its luminance stays.
    gains = one("white_balance", 1, 1, 1, temperature=3200)
    assert gains[0] < 1 < gains[2]
    linear = np.array(gains) ** 2.4
    assert linear @ [0.2126, 0.7152, 0.0722] == pytest.approx(1, abs=1e-4)
    # sRGB of a black body of 3200 K against one of 6500 K (Charity, "What color is a blackbody?", 2 degrees: 1, .735, .445 of
    # light encoded with sRGB's curve; 6500 K: 1, .983, .987).
    wanted = np.array([1, (0.983 / 0.735) ** 2.2, (0.987 / 0.445) ** 2.2])
    assert linear / linear[0] == pytest.approx(wanted, rel=0.15)
    greener = one("white_balance", 1, 1, 1, tint=50)
    assert greener[1] < greener[0]
    assert greener[1] < greener[2]
    warm = one("white_balance", 1, 1, 1, temperature=9000)
    assert warm[0] > warm[2]


def test_curves_go_through_their_points() -> None:
    xs, ys = np.array(CURVE).T
    fine = np.linspace(0, 1, 1001, dtype=np.float32)
    for kind in ("monotone", "natural"):
        assert spline(CURVE, kind)(xs.astype(np.float32)) == pytest.approx(ys, abs=1e-6)
    assert np.all(np.diff(spline(CURVE, "monotone")(fine)) >= -1e-7)
    steep = ((0.0, 0.0), (0.5, 0.0), (0.5 + 1e-9, 1.0), (0.6, 1.0), (1.0, 1.0))
    for points in (steep, ((0.5, 0.2), (0.5 + 1e-12, 0.9)), ((0.0, 1.0), (1.0, 0.0))):
        for kind in ("monotone", "natural"):
            found = spline(points, kind)(fine)
            assert np.isfinite(found).all()
            assert found.min() >= 0
            assert found.max() <= 1
    with pytest.raises(EffectError, match="a point of red is not between 0 and 1"):
        registry().effect("curves").checked({"red": ((0, 0), (1, 1.5))})


def test_vignette_by_hand() -> None:
    white = np.ones((3, 101, 4), np.float32)
    got = applied("vignette", white, radius=0.3, softness=0.1, amount=0.5, falloff="linear")[1, :, 0]
    assert got[50] == 1  # the centre of the middle pixel
    assert got[50 + 20] == 1
    assert got[50 + 41] == 0.5
    # 30 pixels from the centre: 0.297 widths, 51.5 % on the way through an edge of 0.2 widths
    assert got[80] == pytest.approx(1 - 0.5 * (1 - (0.4 - 30 / 101) / 0.2), abs=1e-5)


FINITE = [n for n in sorted(registry().effects) if registry().effect(n).family in ("color", "grade", "curves", "vignette")]


@pytest.mark.parametrize("name", FINITE)
def test_no_value_makes_what_is_no_number(name: str, engine: Engine, reference: Engine) -> None:
    effect = registry().effect(name)
    extremes = np.array([-1e4, -1, -1e-30, 0, 1e-30, 0.5, 1, 1e4], np.float32)
    source = np.ones((8, 8, 4), np.float32)
    source[..., 0], source[..., 1] = np.meshgrid(extremes, extremes)
    source[..., 2] = source[..., 0][::-1]
    view = View(width=8, height=8)
    for end in ("least", "most"):
        for p in effect.parameters:
            if not hasattr(p, end):
                continue
            edge = getattr(p, end)
            values = effect.checked({p.name: edge if isinstance(p.default, float | int) else (edge,) * len(p.default)})
            for e in (reference, engine):
                found = e.download(e.apply(e.upload(source, is_opaque=True), [Step(effect, values)], view))
                assert np.isfinite(found).all(), (p.name, edge, e.name)
