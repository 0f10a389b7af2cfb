"""Stored samples to pictures and back: known code values, every layout, and FFmpeg's zscale beside us."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects import pixels
from otio_perf.effects.cpu import pixels as cpu_pixels
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.registry import Picture
from otio_perf.model.pixels import Layout

Pictures = Callable[..., Picture]


def yuv(bits: int = 8, sampling: tuple[int, int] = (0, 0), *, alpha: bool = False) -> Layout:
    return Layout(is_rgb=False, is_grey=False, bits=bits, across=sampling[0], down=sampling[1], has_alpha=alpha)


#: R'G'B' and its 8-bit limited-range code values: 75 % colour bars (SMPTE RP 219, EBU Tech 3325), white, black.
KNOWN = [
    ("bt709", (1, 1, 1), (235, 128, 128)),
    ("bt709", (0, 0, 0), (16, 128, 128)),
    ("bt709", (0.75, 0.75, 0), (168, 44, 136)),
    ("bt709", (0, 0.75, 0.75), (145, 147, 44)),
    ("bt709", (0.75, 0, 0), (51, 109, 212)),
    ("bt709", (0, 0, 0.75), (28, 212, 120)),
    ("smpte170m", (0.75, 0.75, 0), (162, 44, 142)),
    ("smpte170m", (0, 0, 0.75), (35, 212, 114)),
    ("bt2020nc", (1, 0, 0), (74, 97, 240)),
]


@pytest.mark.parametrize(("matrix", "colour", "codes"), KNOWN)
def test_known_colours(matrix: str, colour: tuple[float, ...], codes: tuple[int, ...]) -> None:
    picture = np.ones((4, 4, 4), np.float32)
    picture[..., :3] = colour
    coding = Coding(layout=yuv(sampling=(1, 1)), matrix=matrix)
    planes = from_picture(picture, coding)
    assert [int(plane[0, 0]) for plane in planes] == list(codes)
    assert np.allclose(to_picture(planes, coding)[..., :3], np.array(colour), atol=0.006)


LAYOUTS = [
    *(yuv(bits, sampling) for bits in (8, 10, 12) for sampling in ((1, 1), (1, 0), (0, 0), (2, 0))),
    yuv(10, (0, 0), alpha=True),
    *(Layout(is_rgb=True, is_grey=False, bits=bits, has_alpha=alpha) for bits in (8, 10, 16) for alpha in (False, True)),
    Layout(is_rgb=True, is_grey=False, bits=32, is_float=True, has_alpha=True),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("is_full_range", [False, True])
def test_there_and_back(layout: Layout, is_full_range: bool, picture: Pictures) -> None:
    source = picture(64, 32, alpha=layout.has_alpha)
    colour = source[..., :3]
    if layout.across or layout.down:  # colour that changes slowly survives subsampling
        colour[...] = np.clip(np.linspace(0.3, 0.6, 64)[None, :, None] + np.array([0, 0.1, 0.2]), 0, 1)
    coding = Coding(layout=layout, is_full_range=is_full_range or layout.is_rgb)
    planes = from_picture(source, coding)
    assert planes[0].dtype == (np.float32 if layout.is_float else np.uint8 if layout.bits == 8 else np.uint16)
    back = to_picture(planes, coding)
    step = 2.2 / (1 << min(layout.bits, 16)) + (0.004 if layout.across else 0)
    assert np.abs(back[..., 3] - source[..., 3]).max() <= step
    seen = source[..., 3:] > 0.05
    assert np.abs(back - source).max(where=seen, initial=0) <= step


def test_values_beyond_white_are_kept_where_the_samples_hold_them() -> None:
    layout = yuv(10)
    planes = [np.full((2, 2), value, np.uint16) for value in (1019, 512, 512)]
    picture = to_picture(planes, Coding(layout=layout))
    assert picture[0, 0, 0] == pytest.approx((1019 - 64) / 876, abs=1e-6)
    assert [int(p[0, 0]) for p in from_picture(picture, Coding(layout=layout))] == [1019, 512, 512]


ZSCALE = "zscale=matrixin={m}:rangein=limited:chromalin={c}:matrix=gbr:range=full:filter=bilinear:dither=none,format=gbrpf32le"


@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_chroma_sits_where_zscale_puts_it(matrix: str, siting: str) -> None:
    random = np.random.default_rng(3)
    width, height = 32, 16
    planes = [
        random.integers(16, 236, (height, width)).astype(np.uint8),
        *(random.integers(16, 241, (height // 2, width // 2)).astype(np.uint8) for _ in range(2)),
    ]
    name = {"bt709": "709", "smpte170m": "170m"}[matrix]
    graph = ZSCALE.format(m=name, c=siting)
    head = ["-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-i", "-"]
    answer = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), *head, "-vf", graph, "-f", "rawvideo", "-"],
        input=b"".join(plane.tobytes() for plane in planes),
        capture_output=True,
        check=True,
        timeout=60,
    )
    theirs = np.frombuffer(answer.stdout, np.float32).reshape(3, height, width)[[2, 0, 1]].transpose(1, 2, 0)
    ours = to_picture(planes, Coding(layout=yuv(sampling=(1, 1)), matrix=matrix, siting=siting))[..., :3]
    assert np.abs(ours - theirs).max() < 2e-4


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("siting", ["left", "center", "topleft", "top", "bottomleft", "bottom"])
def test_chroma_is_written_where_it_is_said_to_sit(siting: str, fast: bool) -> None:
    """Colours that run evenly come back as they were, and not where it is read as if it sat elsewhere."""
    across, down = np.linspace(0.2, 0.8, 64, dtype=np.float32)[None], np.linspace(-0.1, 0.1, 32, dtype=np.float32)[:, None]
    picture = np.ones((32, 64, 4), np.float32)
    picture[..., 0], picture[..., 1], picture[..., 2] = across + down, 0.5, 1 - across + down
    coding = Coding(layout=yuv(16, (1, 1)), siting=siting)
    planes = (cpu_pixels if fast else pixels).from_picture(picture, coding)
    elsewhere = replace(coding, siting="topleft" if siting == "center" else "center")
    for read_as, is_right in ((coding, True), (elsewhere, False)):
        apart = np.abs(to_picture(planes, read_as) - picture)[3:-3, 3:-3].max()
        assert bool(apart < 1e-4) is is_right, apart


@pytest.mark.parametrize("siting", ["left", "center", "topleft", "bottom"])
@pytest.mark.parametrize("size", [(64, 32), (35, 17), (1, 1)])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_fast_way_gives_the_same(layout: Layout, size: tuple[int, int], siting: str) -> None:
    random = np.random.default_rng(5)
    width, height = size
    planes = []
    for number in range(3 + layout.has_alpha):
        down, across = (layout.down, layout.across) if number in (1, 2) else (0, 0)
        shape = (-(-height // (1 << down)), -(-width // (1 << across)))
        top = 1 << min(layout.bits, 16)
        samples = random.random(shape) * (1 if layout.is_float else top - 1)
        planes.append(samples.astype(np.float32 if layout.is_float else np.uint8 if layout.bits == 8 else np.uint16))
    for is_full_range in (False, True):
        coding = Coding(layout=layout, matrix="bt2020nc", is_full_range=is_full_range, siting=siting)
        assert np.abs(cpu_pixels.to_picture(planes, coding) - to_picture(planes, coding)).max() < 2e-5


@pytest.mark.parametrize("siting", ["left", "center", "topleft", "bottom"])
@pytest.mark.parametrize("size", [(67, 45), (64, 32), (1, 1)])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_fast_way_back_gives_the_same(layout: Layout, size: tuple[int, int], siting: str) -> None:
    """To the sample; where the exact value lies between two, one of a hundred may fall to the other side."""
    random = np.random.default_rng(6)
    picture = (random.random((size[1], size[0], 4)) * 1.2 - 0.1).astype(np.float32)
    picture[..., 3] = np.clip(picture[..., 3], 0, 1) if layout.has_alpha else 1
    picture[..., :3] *= picture[..., 3:]
    for is_full_range in (False, True):
        coding = Coding(layout=layout, matrix="bt2020nc", is_full_range=is_full_range, siting=siting)
        for ours, wanted in zip(cpu_pixels.from_picture(picture, coding), from_picture(picture, coding), strict=True):
            assert (ours.shape, ours.dtype) == (wanted.shape, wanted.dtype)
            apart = np.abs(ours.astype(float) - wanted)
            assert apart.max() <= 1
            assert np.mean(apart > 0) < 0.01
