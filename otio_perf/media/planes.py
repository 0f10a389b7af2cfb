"""Decoded frames as arrays, one a plane, and back. No colour is converted: only packed formats are taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from otio_perf.model.pixels import Layout

Plane = NDArray[Any]
"""``(rows, columns)``; rows may be further apart in memory than they are long."""

_YUV = re.compile(r"yuv(?P<j>j?)(?P<a>a?)(?P<sampling>4[0-4]{2})p(?P<bits>\d*)(le)?$")
_RGB = re.compile(r"gbr(?P<a>a?)p(?P<bits>\d*)(le)?$")
_FLOAT = re.compile(r"gbr(?P<a>a?)pf32le$")
_GREY = re.compile(r"gray(?P<bits>\d*)(le)?$")
_SAMPLINGS = {"420": (1, 1), "422": (1, 0), "444": (0, 0), "440": (0, 1), "411": (2, 0), "410": (2, 2)}
_BITS = (8, 9, 10, 12, 14, 16)


def layout_of(pixel_format: str) -> Layout | None:
    """The layout of a planar format; ``None``: its components are packed, or numbered by a palette."""
    if match := _YUV.match(pixel_format):
        across, down = _SAMPLINGS[match["sampling"]]
        return Layout(
            is_rgb=False, is_grey=False, bits=int(match["bits"] or 8), across=across, down=down, has_alpha=bool(match["a"])
        )
    if match := _RGB.match(pixel_format):
        return Layout(is_rgb=True, is_grey=False, bits=int(match["bits"] or 8), has_alpha=bool(match["a"]))
    if match := _FLOAT.match(pixel_format):
        return Layout(is_rgb=True, is_grey=False, bits=32, is_float=True, has_alpha=bool(match["a"]))
    if match := _GREY.match(pixel_format):
        return Layout(is_rgb=False, is_grey=True, bits=int(match["bits"] or 8))
    return None


def format_of(layout: Layout) -> str:
    """FFmpeg's name of a layout."""
    bits = "" if layout.bits == 8 else f"{layout.bits}le"
    if layout.is_float:
        return f"gbr{'a' if layout.has_alpha else ''}pf32le"
    if layout.is_rgb:
        return f"gbr{'a' if layout.has_alpha else ''}p{bits}"
    if layout.is_grey:
        return f"gray{bits}"
    sampling = next(name for name, shifts in _SAMPLINGS.items() if shifts == (layout.across, layout.down))
    return f"yuv{'a' if layout.has_alpha else ''}{sampling}p{bits}"


def planar_format(pixels: VideoFormat) -> str:
    """The planar format that holds all of ``pixels`` and nothing but its samples: nv12 → yuv420p, rgb24 → gbrp."""
    if layout_of(pixels.name) is not None:
        return pixels.name
    components = pixels.components
    alpha = "a" if any(c.is_alpha for c in components) or pixels.has_palette else ""
    bits = max((c.bits for c in components), default=8)
    depth = "" if bits <= 8 else f"{next(b for b in _BITS if b >= min(bits, 16))}le"
    if pixels.name.startswith(("gbr", "rgbf", "rgbaf", "grayf")) and bits >= 16 and "f" in pixels.name:
        return f"gbr{alpha}pf32le"
    if pixels.is_rgb or pixels.has_palette or pixels.name.startswith(("xyz", "mono")):
        return f"gbr{alpha}p{depth if depth in ('', '10le', '12le', '14le', '16le') else '16le'}"
    if len(components) <= 2:  # grey, with or without alpha
        return f"yuva444p{depth}" if alpha else f"gray{depth}"
    wide, high = pixels.chroma_width(16), pixels.chroma_height(16)
    sampling = next((n for n, (a, d) in _SAMPLINGS.items() if (16 >> a, 16 >> d) == (wide, high)), "444")
    return f"yuv{alpha}{sampling}p{depth}"


def planes_of(frame: VideoFrame) -> tuple[Layout, list[Plane]]:
    """The samples of ``frame``. Planar frames are not copied: the arrays keep them alive."""
    name = planar_format(frame.format)
    if name != frame.format.name:
        frame = frame.reformat(format=name)
    layout = layout_of(name)
    assert layout is not None
    kind = np.dtype(np.float32 if layout.is_float else np.uint8 if layout.bits == 8 else np.uint16)
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // kind.itemsize)
        found.append(rows[:, : plane.width])
    return layout, found


def frame_of(layout: Layout, planes: Sequence[Plane]) -> VideoFrame:
    """A frame that holds copies of ``planes``."""
    height, width = planes[0].shape
    frame = VideoFrame(width, height, format_of(layout))
    for target, source in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), source.dtype).reshape(target.height, target.line_size // source.dtype.itemsize)
        rows[:, : target.width] = source
    return frame
