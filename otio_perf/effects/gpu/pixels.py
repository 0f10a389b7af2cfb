"""Stored samples to pictures and back on the device: what travels are the samples, an eighth of a picture and less.

Defined by ``effects.pixels``.
"""

# No "from __future__ import annotations" in modules of kernels: Taichi reads the annotations as they stand.
from collections.abc import Sequence
from typing import Any

import numpy as np
import taichi as ti

from otio_perf.effects.cpu.pixels import tent
from otio_perf.effects.gpu.kernels import NUMBERS, PIXELS
from otio_perf.effects.gpu.memory import empty, kept
from otio_perf.effects.pixels import MATRICES, Coding, chroma_offset
from otio_perf.model.pixels import Layout

#: Samples of any type.
PLANE = ti.types.ndarray(ndim=2)
_SCALE = ti.types.vector(4, ti.f32)

_GREY, _RGB, _YUV = 0, 1, 2


def taken(picture: Any) -> Any:
    """A picture of float32, height × width × 4, as kernels take it, on the device."""
    height, width, _ = picture.shape
    target = empty(width, height)
    _take(picture, target)
    return target


@ti.kernel
def _take(source: ti.types.ndarray(dtype=ti.f32, ndim=3), target: PIXELS):
    for y, x in target:
        for c in ti.static(range(4)):
            target[y, x][c] = source[y, x, c]


def plane_shapes(layout: Layout, width: int, height: int) -> list[tuple[int, int]]:
    """Rows and columns of each plane, in order."""
    colours = [(height, width)]
    if layout.is_rgb:
        colours *= 3
    elif not layout.is_grey:
        colours += [(-(-height >> layout.down), -(-width >> layout.across))] * 2
    return colours + [(height, width)] * layout.has_alpha


def samples(layout: Layout) -> Any:
    """The numpy type of its samples."""
    return np.float32 if layout.is_float else np.uint8 if layout.bits == 8 else np.uint16


def read(planes: Sequence[Any], coding: Coding) -> Any:
    """As ``effects.pixels.to_picture``. ``planes``: as kernels take them, without gaps between the rows."""
    layout = coding.layout
    height, width = planes[0].shape
    target = empty(width, height)
    first, second, third = planes[:3] if len(planes) > 2 else planes[:1] * 3
    red, blue = MATRICES[coding.matrix]
    _read(
        *(first, second, third, planes[-1], target),
        _kind(layout),
        layout.has_alpha,
        layout.has_alpha and not coding.is_premultiplied,
        _SCALE(*_levels(coding), *_chroma_levels(coding)),
        1 / _top(layout),
        red,
        blue,
        1 << layout.across,
        1 << layout.down,
        chroma_offset(coding.siting, 1),
        chroma_offset(coding.siting, 0),
    )
    return target


def store(pixels: Any, planes: Sequence[Any], coding: Coding) -> None:
    """As ``effects.pixels.from_picture``, into ``planes`` of another size perhaps: see ``Engine.store``."""
    layout = coding.layout
    first, second, third = planes[:3] if len(planes) > 2 else planes[:1] * 3
    red, blue = MATRICES[coding.matrix]
    _store(
        *(pixels, first, second, third, planes[-1]),
        _kind(layout),
        layout.has_alpha,
        layout.is_float,
        _SCALE(*_levels(coding), 0, 0),
        _top(layout),
        red,
        blue,
    )
    if _kind(layout) == _YUV:
        from_column, of_columns = tent(layout.across, chroma_offset(coding.siting, 1))
        from_row, of_rows = tent(layout.down, chroma_offset(coding.siting, 0))
        height, width = planes[0].shape
        _store_chroma(
            *(pixels, second, third),
            layout.has_alpha,
            _SCALE(*_chroma_levels(coding), 0, 0),
            _top(layout),
            red,
            blue,
            *(width, height),
            *(1 << layout.across, from_column, kept(of_columns)),
            *(1 << layout.down, from_row, kept(of_rows)),
        )


def _kind(layout: Layout) -> int:
    return _RGB if layout.is_rgb else _GREY if layout.is_grey else _YUV


def _top(layout: Layout) -> int:
    """The largest number that a sample holds."""
    return 1 if layout.is_float else (1 << layout.bits) - 1


def _levels(coding: Coding) -> tuple[float, float]:
    """Black, and how far white is from it."""
    if coding.layout.is_float:
        return 0, 1
    scale = 1 << (coding.layout.bits - 8)
    return (0, _top(coding.layout)) if coding.is_full_range else (16 * scale, 219 * scale)


def _chroma_levels(coding: Coding) -> tuple[float, float]:
    """No colour, and how far the strongest ones are from each other."""
    if coding.layout.is_float:
        return 0, 1
    return 1 << (coding.layout.bits - 1), _top(coding.layout) if coding.is_full_range else 224 << (coding.layout.bits - 8)


@ti.func
def _between(plane: ti.template(), row, row_share, column, column_share):
    """Chroma between four samples, those that there are."""
    below, right = ti.min(row + 1, plane.shape[0] - 1), ti.min(column + 1, plane.shape[1] - 1)
    upper = ti.cast(plane[row, column], ti.f32) * (1 - column_share) + ti.cast(plane[row, right], ti.f32) * column_share
    lower = ti.cast(plane[below, column], ti.f32) * (1 - column_share) + ti.cast(plane[below, right], ti.f32) * column_share
    return upper * (1 - row_share) + lower * row_share


@ti.kernel
def _read(
    first: PLANE,
    second: PLANE,
    third: PLANE,
    alpha: PLANE,
    target: PIXELS,
    kind: ti.template(),
    has_alpha: ti.template(),
    multiplies: ti.template(),
    levels: _SCALE,
    part: ti.f32,
    red: ti.f32,
    blue: ti.f32,
    across: ti.i32,
    down: ti.i32,
    offset_x: ti.f32,
    offset_y: ti.f32,
):
    """``levels``: black, span, no colour, span of colours; ``part``: of the largest number."""
    for y, x in target:
        c = ti.Vector([0.0, 0.0, 0.0, 1.0])
        level = (ti.cast(first[y, x], ti.f32) - levels[0]) / levels[1]
        if ti.static(kind == _GREY):
            c = ti.Vector([level, level, level, 1.0])
        elif ti.static(kind == _RGB):
            c[1] = level
            c[2] = (ti.cast(second[y, x], ti.f32) - levels[0]) / levels[1]
            c[0] = (ti.cast(third[y, x], ti.f32) - levels[0]) / levels[1]
        else:
            last_row, last_column = ti.cast(second.shape[0] - 1, ti.f32), ti.cast(second.shape[1] - 1, ti.f32)
            at_y = ti.min(ti.max((y - offset_y * (down - 1)) / down, 0.0), last_row)
            at_x = ti.min(ti.max((x - offset_x * (across - 1)) / across, 0.0), last_column)
            row, column = ti.cast(at_y, ti.i32), ti.cast(at_x, ti.i32)
            b = (_between(second, row, at_y - row, column, at_x - column) - levels[2]) / levels[3]
            r = (_between(third, row, at_y - row, column, at_x - column) - levels[2]) / levels[3]
            green = 1 - red - blue
            c[0] = level + 2 * (1 - red) * r
            c[1] = level - 2 * red * (1 - red) / green * r - 2 * blue * (1 - blue) / green * b
            c[2] = level + 2 * (1 - blue) * b
        if ti.static(has_alpha):
            c[3] = ti.cast(alpha[y, x], ti.f32) * part
        if ti.static(multiplies):
            c = ti.Vector([c[0] * c[3], c[1] * c[3], c[2] * c[3], c[3]])
        target[y, x] = c


@ti.func
def _straight(pixels: ti.template(), y, x, has_alpha: ti.template()):
    """A pixel as it is stored: colours straight where there is alpha, else as on black. What is beyond the edge repeats it."""
    c = pixels[ti.min(y, pixels.shape[0] - 1), ti.min(x, pixels.shape[1] - 1)]
    if ti.static(has_alpha):
        a = ti.min(ti.max(c[3], 0.0), 1.0)
        part = 0.0
        if a > 0:
            part = 1 / a
        c = ti.Vector([c[0] * part, c[1] * part, c[2] * part, a])
    return c


@ti.func
def _whole(value, top):
    return ti.cast(ti.floor(ti.min(ti.max(value, 0.0), top) + 0.5), ti.i32)


@ti.kernel
def _store(
    pixels: PIXELS,
    first: PLANE,
    second: PLANE,
    third: PLANE,
    alpha: PLANE,
    kind: ti.template(),
    has_alpha: ti.template(),
    is_float: ti.template(),
    levels: _SCALE,
    top: ti.f32,
    red: ti.f32,
    blue: ti.f32,
):
    """All planes but chroma."""
    for y, x in ti.ndrange(first.shape[0], first.shape[1]):
        c = _straight(pixels, y, x, has_alpha)
        if ti.static(is_float):
            first[y, x], second[y, x], third[y, x] = c[1], c[2], c[0]
        elif ti.static(kind == _RGB):
            first[y, x] = _whole(c[1] * levels[1] + levels[0], top)
            second[y, x] = _whole(c[2] * levels[1] + levels[0], top)
            third[y, x] = _whole(c[0] * levels[1] + levels[0], top)
        else:
            luma = red * c[0] + (1 - red - blue) * c[1] + blue * c[2]
            first[y, x] = _whole(luma * levels[1] + levels[0], top)
        if ti.static(has_alpha and is_float):
            alpha[y, x] = c[3]
        elif ti.static(has_alpha):
            alpha[y, x] = _whole(c[3] * top, top)


@ti.kernel
def _store_chroma(
    pixels: PIXELS,
    second: PLANE,
    third: PLANE,
    has_alpha: ti.template(),
    levels: _SCALE,
    top: ti.f32,
    red: ti.f32,
    blue: ti.f32,
    width: ti.i32,
    height: ti.i32,
    across: ti.i32,
    from_column: ti.i32,
    of_columns: NUMBERS,
    down: ti.i32,
    from_row: ti.i32,
    of_rows: NUMBERS,
):
    """Each of the mean of the pixels that it stands for; ``of_columns``, ``of_rows``: the share of each."""
    for y, x in ti.ndrange(second.shape[0], second.shape[1]):
        mean = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for j in range(of_rows.shape[0]):
            row = ti.min(ti.max(y * down + from_row + j, 0), height - 1)
            for i in range(of_columns.shape[0]):
                column = ti.min(ti.max(x * across + from_column + i, 0), width - 1)
                mean += of_rows[j] * of_columns[i] * _straight(pixels, row, column, has_alpha)
        luma = red * mean[0] + (1 - red - blue) * mean[1] + blue * mean[2]
        second[y, x] = _whole((mean[2] - luma) / (2 * (1 - blue)) * levels[1] + levels[0], top)
        third[y, x] = _whole((mean[0] - luma) / (2 * (1 - red)) * levels[1] + levels[0], top)
