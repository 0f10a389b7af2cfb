"""Frames as arrays: every pixel format that FFmpeg decodes comes apart into planes that hold the same samples."""

from __future__ import annotations

import numpy as np
import pytest
from av.codec.codec import codecs_available
from av.video.format import VideoFormat, names
from av.video.frame import VideoFrame

from otio_perf.media.planes import format_of, frame_of, layout_of, planar_format, planes_of

FORMATS = sorted(name for name in names if not VideoFormat(name).is_bit_stream and "vaapi" not in name)


def test_libraries_are_there() -> None:
    assert "h264" in codecs_available
    assert len(FORMATS) > 150


@pytest.mark.parametrize(
    ("packed", "planar"),
    [
        ("yuv420p", "yuv420p"), ("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("yuyv422", "yuv422p"), ("uyvy422", "yuv422p"),
        ("rgb24", "gbrp"), ("bgra", "gbrap"), ("rgb48be", "gbrp16le"), ("rgba64be", "gbrap16le"), ("pal8", "gbrap"),
        ("gray", "gray"), ("gray16be", "gray16le"), ("ya8", "yuva444p"), ("nv16", "yuv422p"), ("y210le", "yuv422p10le"),
        ("gbrpf32be", "gbrpf32le"), ("monob", "gbrp"), ("yuv422p10be", "yuv422p10le"), ("yuva444p12le", "yuva444p12le"),
    ],
)  # fmt: skip
def test_the_planar_format_of_a_format(packed: str, planar: str) -> None:
    assert planar_format(VideoFormat(packed)) == planar


def test_every_format_has_a_planar_one_that_is_a_layout() -> None:
    for name in FORMATS:
        if any(
            word in name for word in ("bayer", "vdpau", "cuda", "d3d", "dxva", "drm", "opencl", "qsv", "videotoolbox", "amf")
        ):
            continue
        if any(word in name for word in ("mediacodec", "vulkan", "mmal", "xvmc", "ohcodec")):
            continue
        planar = planar_format(VideoFormat(name))
        assert layout_of(planar) is not None, (name, planar)
        assert VideoFormat(planar).name == planar, name


@pytest.mark.parametrize(
    "name", ["yuv420p", "yuv422p10le", "yuva444p12le", "gbrp", "gbrap16le", "gbrapf32le", "gray", "yuv411p"]
)
@pytest.mark.parametrize("size", [(64, 32), (35, 17)])
def test_there_and_back(name: str, size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    width, height = size
    layout = layout_of(name)
    assert layout is not None
    assert format_of(layout) == name
    planes = []
    for number in range(3 + layout.has_alpha if not layout.is_grey else 1):
        chroma = number in (1, 2)
        down, across = (layout.down, layout.across) if chroma else (0, 0)
        shape = (-(-height // (1 << down)), -(-width // (1 << across)))
        if layout.is_float:
            planes.append(random.random(shape, np.float32))
        else:
            planes.append(random.integers(0, 1 << layout.bits, shape).astype(np.uint8 if layout.bits == 8 else np.uint16))
    again, back = planes_of(frame_of(layout, planes))
    assert again == layout
    assert all(np.array_equal(a, b) for a, b in zip(planes, back, strict=True))


def test_packed_samples_come_out_as_they_are() -> None:
    random = np.random.default_rng(2)
    rgb = random.integers(0, 256, (18, 22, 3)).astype(np.uint8)
    layout, (green, blue, red) = planes_of(VideoFrame.from_ndarray(rgb, "rgb24"))
    assert layout.is_rgb
    assert np.array_equal(np.stack([red, green, blue], 2), rgb)
    luma_and_chroma = random.integers(0, 256, (27, 32)).astype(np.uint8)
    _, planes = planes_of(VideoFrame.from_ndarray(luma_and_chroma, "nv12"))
    assert np.array_equal(planes[0], luma_and_chroma[:18])
    assert np.array_equal(planes[1], luma_and_chroma[18:, 0::2])
    assert np.array_equal(planes[2], luma_and_chroma[18:, 1::2])
