"""Colour spaces: known values of the standards, zscale and OpenColorIO beside us, and the fast ways beside the definition."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from otio_perf.effects.conversion import (
    Conversion,
    Meaning,
    conversion_to,
    converted,
    light_of,
    luminance,
    meaning_of,
    tone_gain,
    values_of,
)
from otio_perf.effects.engine import Engine
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.registry import Picture
from otio_perf.model.colour import ColourSpace
from otio_perf.model.media import ColourTags
from otio_perf.model.pixels import Layout

Pictures = Callable[..., Picture]
WIDTH, HEIGHT = 48, 32

HD = Meaning(primaries="bt709", curve="bt1886")
PQ = Meaning(primaries="bt2020", curve="pq")
HLG = Meaning(primaries="bt2020", curve="hlg")


def grey(value: float) -> Picture:
    picture = np.full((1, 1, 4), value, np.float32)
    picture[..., 3] = 1
    return picture


@pytest.fixture(scope="module")
def colours() -> Picture:
    """Noise of all colours, and a grey ramp."""
    picture = np.ones((HEIGHT, WIDTH, 4), np.float32)
    picture[..., :3] = np.random.default_rng(1).random((HEIGHT, WIDTH, 3))
    picture[0, :, :3] = np.linspace(0, 1, WIDTH)[:, None]
    return picture


# ---- what the standards say in numbers


@pytest.mark.parametrize(
    ("source", "target", "before", "after"),
    [
        (HD, PQ, 1.0, 0.5807),  # BT.2408, table 1: white at 203 cd/m² is 58 % PQ …
        (HD, HLG, 1.0, 0.75),  # … and 75 % HLG
        (HLG, PQ, 0.75, 0.5807),
        (HLG, PQ, 1.0, 0.7518),  # 1,000 cd/m²
        (PQ, HLG, 0.7518, 1.0),
        (HLG, PQ, 0.38, 0.38),  # 18 % grey: 26 cd/m² either way (BT.2408, table 1)
        (Meaning(primaries="bt709", curve="linear"), HD, 0.18, 0.18 ** (1 / 2.4)),
    ],
)
def test_known_levels(source: Meaning, target: Meaning, before: float, after: float) -> None:
    found = converted(grey(before), Conversion(source=source, target=target))
    assert np.allclose(found[0, 0, :3], after, atol=2e-3)


def test_known_light() -> None:
    assert light_of("pq", np.array([0.5081])) * 203 == pytest.approx(100, rel=2e-3)  # BT.2100: 100 cd/m² is 50.8 %
    assert light_of("hlg", np.array([0.5, 1.0])) == pytest.approx([1 / 12, 1])
    assert luminance("bt709") == pytest.approx([0.2126, 0.7152, 0.0722], abs=1e-4)
    assert luminance("bt2020") == pytest.approx([0.2627, 0.6780, 0.0593], abs=1e-4)


# ---- when


@pytest.mark.parametrize("primaries", ["bt709", "smpte170m", "bt470bg", None])
@pytest.mark.parametrize("transfer", ["bt709", "smpte170m", "iec61966-2-1", "bt470bg", "bt2020-10", None])
def test_television_goes_to_one_screen(primaries: str | None, transfer: str | None) -> None:
    meaning = meaning_of(ColourTags(primaries=primaries, transfer=transfer))
    assert conversion_to(ColourSpace.BT709, meaning) is None
    assert conversion_to(ColourSpace.BT2020_PQ, meaning) is not None


@pytest.mark.parametrize(
    ("tags", "space", "peak_nits"),
    [
        (ColourTags(primaries="bt2020", transfer="smpte2084"), ColourSpace.BT2020_PQ, None),
        (ColourTags(primaries="bt2020", transfer="arib-std-b67"), ColourSpace.BT2020_HLG, None),
        (ColourTags(primaries="bt2020", transfer="bt2020-10"), ColourSpace.BT709, 0),
        (ColourTags(primaries="smpte432", transfer="iec61966-2-1"), ColourSpace.BT709, 0),
        (ColourTags(primaries="bt2020", transfer="smpte2084"), ColourSpace.BT709, 4000),
        (ColourTags(primaries="bt2020", transfer="smpte2084"), ColourSpace.BT2020_HLG, 4000),
        (ColourTags(primaries="bt2020", transfer="arib-std-b67"), ColourSpace.BT709, 1000),
        (ColourTags(primaries="bt2020", transfer="arib-std-b67"), ColourSpace.BT2020_PQ, 0),
    ],
)
def test_tones_are_mapped_where_there_is_no_room(tags: ColourTags, space: ColourSpace, peak_nits: float | None) -> None:
    found = conversion_to(space, meaning_of(tags), 4000)
    assert (found and found.peak_nits) == peak_nits


def test_floats_are_linear_light_unless_they_say_otherwise() -> None:
    assert meaning_of(ColourTags(), is_float=True).curve == "linear"
    assert meaning_of(ColourTags(transfer="iec61966-2-1"), is_float=True).curve == "srgb"
    assert meaning_of(ColourTags(transfer="linear"), is_float=True).curve == "linear"
    assert meaning_of(ColourTags(transfer="linear")).curve == "bt1886"  # a DPX of FFmpeg's, say
    assert conversion_to(ColourSpace.BT709, meaning_of(ColourTags(), is_float=True)) is not None


# ---- others beside us

ZSCALE_PRIMARIES = {
    "bt709": "709",
    "bt470bg": "bt470bg",
    "smpte170m": "170m",
    "bt2020": "2020",
    "smpte432": "smpte432",
    "ebu3213": "jedec-p22",
}
ZSCALE_CURVES = {
    "bt1886": "709",
    "srgb": "iec61966-2-1",
    "gamma22": "bt470m",
    "gamma28": "bt470bg",
    "linear": "linear",
    "pq": "smpte2084",
    "hlg": "arib-std-b67",
}
DEEP = Coding(
    layout=Layout(is_rgb=False, is_grey=False, bits=16, across=0, down=0),
    matrix="bt2020nc",
    is_full_range=True,
)


def zscaled(picture: Picture, source: Meaning, target: Meaning) -> Picture:
    """As zscale has it, which takes 16 bits."""
    graph = (
        f"zscale=matrixin=2020_ncl:rangein=full:primariesin={ZSCALE_PRIMARIES[source.primaries]}"
        f":transferin={ZSCALE_CURVES[source.curve]}:matrix=2020_ncl:range=full:dither=none:npl=203"
        f":primaries={ZSCALE_PRIMARIES[target.primaries]}:transfer={ZSCALE_CURVES[target.curve]},format=yuv444p16le"
    )
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv444p16le"]
    answer = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, "-s", f"{WIDTH}x{HEIGHT}", "-i", "-", "-vf", graph, *raw, "-"],
        input=b"".join(plane.tobytes() for plane in from_picture(picture, DEEP)),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return to_picture(list(np.frombuffer(answer.stdout, np.uint16).reshape(3, HEIGHT, WIDTH)), DEEP)


@pytest.mark.parametrize("target", [HD, PQ, HLG], ids=lambda m: m.curve)
@pytest.mark.parametrize("curve", sorted(ZSCALE_CURVES))
@pytest.mark.parametrize("primaries", sorted(ZSCALE_PRIMARIES))
def test_zscale_makes_the_same_of_it(primaries: str, curve: str, target: Meaning, colours: Picture) -> None:
    """Where the target's gamut and range hold it: zscale clips. Of HLG greys only: zscale raises each of R, G, B to the power
    that BT.2100 has for luminance; OpenColorIO, below, does as BT.2100 says."""
    source = Meaning(primaries=primaries, curve=curve)
    picture = colours.copy()
    if curve == "pq":
        picture[..., :3] *= 0.55  # less than the white of SDR
    if "hlg" in (curve, target.curve):
        picture[1:, :, :3] = 0
    ours = converted(picture, Conversion(source=source, target=target))[..., :3]
    theirs = zscaled(picture, source, target)[..., :3]
    inside = ((ours > 0.02) & (ours < 1)).all(axis=-1) | (picture[..., :3].max(axis=-1) == 0)
    assert inside.mean() > 0.1
    assert np.abs(ours - theirs)[inside].max() < 2e-3
    assert np.abs(ours - theirs)[inside].mean() < 1e-4


#: OpenColorIO's way from light (X, Y, Z; 1 = 100 cd/m²) to screens, and how bright their white is.
SCREENS = [
    ("DISPLAY - CIE-XYZ-D65_to_REC.1886-REC.709", HD, 203.0),
    ("DISPLAY - CIE-XYZ-D65_to_REC.2100-PQ", PQ, 100.0),
    ("DISPLAY - CIE-XYZ-D65_to_REC.2100-HLG-1000nit", HLG, 100.0),
    ("DISPLAY - CIE-XYZ-D65_to_DisplayP3", Meaning(primaries="smpte432", curve="srgb"), 203.0),
]


def in_ocio(values: NDArray[np.float64], name: str, *, inverse: bool = False) -> NDArray[np.float64]:
    ocio = pytest.importorskip("PyOpenColorIO", reason="PyOpenColorIO is not installed: colour spaces are not compared with it")
    transform = ocio.BuiltinTransform(name)
    transform.setDirection(ocio.TRANSFORM_DIR_INVERSE if inverse else ocio.TRANSFORM_DIR_FORWARD)
    processor = ocio.Config.CreateRaw().getProcessor(transform).getOptimizedCPUProcessor(ocio.OPTIMIZATION_NONE)
    pixels = np.ascontiguousarray(values, np.float32)
    processor.applyRGB(pixels)
    return pixels.astype(np.float64)


@pytest.mark.parametrize("source", SCREENS, ids=lambda s: s[1].curve)
@pytest.mark.parametrize("target", SCREENS[:3], ids=lambda s: s[1].curve)
def test_opencolorio_makes_the_same_of_it(
    source: tuple[str, Meaning, float], target: tuple[str, Meaning, float], colours: Picture
) -> None:
    light = in_ocio(colours[..., :3] * 0.7, source[0], inverse=True) * (source[2] / target[2])
    theirs = in_ocio(light, target[0])
    picture = colours.copy()
    picture[..., :3] *= 0.7
    ours = converted(picture, Conversion(source=source[1], target=target[1]))[..., :3]
    inside = ((ours > 0.02) & (ours < 1)).all(axis=-1)
    assert inside.mean() > 0.1
    assert np.abs(ours - theirs)[inside].max() < 2e-3


# ---- tones


def test_the_tone_map_is_that_of_bt2390() -> None:
    """4,000 cd/m² on a screen of 203: darker than the knee nothing changes, above it the spline of the recommendation."""
    top, most = (float(values_of("pq", np.array(nits / 203))) for nits in (4000, 203))
    knee = 1.5 * most / top - 0.5
    for nits in (0.01, 1, 30, 60, 100, 203, 500, 1000, 3999, 4000, 9000):
        e1 = min(float(values_of("pq", np.array(nits / 203))) / top, 1)
        if e1 < knee:
            wanted = nits
        else:
            t = (e1 - knee) / (1 - knee)
            e2 = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most / top
            wanted = float(light_of("pq", np.array(e2 * top))) * 203
        assert float(tone_gain(np.array(nits / 203), 4000, 203)) * nits == pytest.approx(wanted, rel=1e-6), nits
    ramp = np.linspace(0, 20, 2000)
    mapped = ramp * tone_gain(ramp, 4000, 203)
    assert (np.diff(mapped) >= -1e-9).all()
    assert mapped.max() == pytest.approx(1)


def test_nothing_of_hdr_is_brighter_than_white(colours: Picture) -> None:
    for source in (PQ, HLG):
        found = conversion_to(ColourSpace.BT709, source)
        assert found
        assert converted(colours, found)[..., :3].max() <= 1 + 1e-6
        greys = converted(colours, found)[0, :, :3]
        assert np.abs(greys - greys[:, :1]).max() < 1e-6  # greys stay grey
        assert greys[0].max() == 0


# ---- engines

ALL = [
    conversion
    for space in ColourSpace
    for primaries in ("bt709", "smpte170m", "bt2020", "smpte431")
    for curve in ZSCALE_CURVES
    if (conversion := conversion_to(space, Meaning(primaries=primaries, curve=curve))) is not None
]


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("conversion", ALL, ids=lambda c: f"{c.source.primaries}-{c.source.curve}-{c.target.curve}")
def test_engines_make_the_same_of_it(conversion: Conversion, alpha: bool, engine: Engine, picture: Pictures) -> None:
    source = picture(alpha=alpha, seed=4)
    source[..., :3] *= 1.2
    source[8:10, :, :3] *= -0.1  # what footroom holds
    wanted = converted(source, conversion)
    assert np.isfinite(wanted).all()
    before = source.copy()
    image = engine.convert(engine.upload(source, is_opaque=not alpha), conversion)
    assert image.is_opaque is not alpha
    assert np.abs(engine.download(image) - wanted).max() < 2e-4
    assert np.array_equal(source, before)
