"""Stored samples to pictures and back by numba: one pass, whatever the subsampling. Defined by ``effects.pixels``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import pixels
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Picture

Line = NDArray[np.float32]
#: Samples at each edge that may be read otherwise than those inside.
_AT_EDGES = 4
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)


def to_picture(planes: Sequence[NDArray[Any]], coding: Coding) -> Picture:
    """As ``effects.pixels.to_picture``; Y'CbCr of integers, with or without alpha, is what is fast."""
    layout = coding.layout
    if layout.is_rgb or layout.is_grey or layout.is_float:
        return pixels.to_picture(planes, coding)
    height, width = planes[0].shape
    picture = np.empty((height, width, 4), np.float32)
    columns = _taps(width, planes[1].shape[1], layout.across, pixels.chroma_offset(coding.siting, 1))
    rows = _taps(height, planes[1].shape[0], layout.down, pixels.chroma_offset(coding.siting, 0))
    alpha = planes[3] if layout.has_alpha else planes[0][:0]
    luma, cb, cr = planes[:3]
    _fill(picture, luma, cb, cr, alpha, *rows, *columns, _numbers(coding))
    return picture


def of_worth(
    planes: Sequence[NDArray[Any]], coding: Coding, gains: tuple[float, float], offsets: tuple[float, float]
) -> Callable[[int, Picture], None]:
    """Opaque Y'CbCr whose numbers come with what they are worth: gain · number + offset, of luma and of chroma.

    :returns: ``f(top, rows)``: fills ``rows``, the first of which is number ``top`` of the picture.
    """
    height, width = planes[0].shape
    columns = _taps(width, planes[1].shape[1], coding.layout.across, pixels.chroma_offset(coding.siting, 1))
    lines = _taps(height, planes[1].shape[0], coding.layout.down, pixels.chroma_offset(coding.siting, 0))
    numbers = _worth(coding, gains, offsets)
    luma, cb, cr = planes

    def fill(top: int, rows: Picture) -> None:
        part = slice(top, top + len(rows))
        first, second, shares = lines
        _fill(rows, luma[part], cb, cr, luma[:0], first[part], second[part], shares[part], *columns, numbers)

    return fill


def _worth(coding: Coding, gains: tuple[float, float], offsets: tuple[float, float]) -> Line:
    """As ``_numbers``."""
    red, blue = pixels.MATRICES[coding.matrix]
    green = 1 - red - blue
    of_chroma = (2 * (1 - red), -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green, 2 * (1 - blue))
    return np.array([gains[0], offsets[0], *(gains[1] * n for n in of_chroma), -offsets[1] / gains[1], 1], np.float32)


def _taps(size: int, chroma_size: int, shift: int, offset: float) -> tuple[NDArray[np.int32], NDArray[np.int32], Line]:
    """For each luma sample along an axis: the two chroma samples around it, and the second one's share."""
    factor = 1 << shift
    position = np.clip((np.arange(size) - offset * (factor - 1)) / factor, 0, chroma_size - 1)
    first = position.astype(np.int32)
    return first, np.minimum(first + 1, chroma_size - 1).astype(np.int32), (position - first).astype(np.float32)


def _numbers(coding: Coding) -> Line:
    """Y' = a·y + b; then R' = Y' + c·cr, G' = Y' + d·cb + e·cr, B' = Y' + f·cb, with g taken off chroma; alpha times h."""
    bits = coding.layout.bits
    scale = 1 << (bits - 8)
    black, span, chroma = (
        (0, (1 << bits) - 1, (1 << bits) - 1) if coding.is_full_range else (16 * scale, 219 * scale, 224 * scale)
    )
    red, blue = pixels.MATRICES[coding.matrix]
    green = 1 - red - blue
    return np.array(
        [
            1 / span,
            -black / span,
            2 * (1 - red) / chroma,
            -2 * blue * (1 - blue) / green / chroma,
            -2 * red * (1 - red) / green / chroma,
            2 * (1 - blue) / chroma,
            1 << (bits - 1),
            1 / ((1 << bits) - 1),
        ],
        np.float32,
    )


@compiled
def _fill(
    picture: Picture,
    luma: NDArray[Any],
    cb: NDArray[Any],
    cr: NDArray[Any],
    alpha: NDArray[Any],
    row_first: NDArray[np.int32],
    row_second: NDArray[np.int32],
    row_share: Line,
    column_first: NDArray[np.int32],
    column_second: NDArray[np.int32],
    column_share: Line,
    n: Line,
) -> None:
    height, width = luma.shape
    chroma_width = cb.shape[1]
    blue_line = np.empty(chroma_width, np.float32)
    red_line = np.empty(chroma_width, np.float32)
    blue_row, red_row = np.empty(width, np.float32), np.empty(width, np.float32)
    has_alpha = alpha.shape[0] > 0
    for y in range(height):
        upper, lower, share = row_first[y], row_second[y], row_share[y]
        for x in range(chroma_width):  # both chroma rows become one first
            blue_line[x] = (_ONE - share) * np.float32(cb[upper, x]) + share * np.float32(cb[lower, x]) - n[6]
            red_line[x] = (_ONE - share) * np.float32(cr[upper, x]) + share * np.float32(cr[lower, x]) - n[6]
        _widened(blue_line, column_first, column_second, column_share, blue_row)
        _widened(red_line, column_first, column_second, column_share, red_row)
        for x in range(width):
            b, r = blue_row[x], red_row[x]
            level = n[0] * np.float32(luma[y, x]) + n[1]
            a = n[7] * np.float32(alpha[y, x]) if has_alpha else _ONE
            picture[y, x, 0] = (level + n[2] * r) * a
            picture[y, x, 1] = (level + n[3] * b + n[4] * r) * a
            picture[y, x, 2] = (level + n[5] * b) * a
            picture[y, x, 3] = a


@compiled
def _widened(line: Line, first: NDArray[np.int32], second: NDArray[np.int32], shares: Line, row: Line) -> None:
    """Of chroma samples one for each of luma. Where there are half as many, all but those at the edges lie in one of two ways
    beside them: these are read in vectors."""
    width = row.size
    begin, end = 0, 0
    if 2 * line.size - width in (0, 1) and width >= 2 * _AT_EDGES + 4:
        begin, end = _AT_EDGES // 2, (width - _AT_EDGES) // 2
        at = 2 * begin
        share, other_share = shares[at], shares[at + 1]
        a, b = line[first[at] :], line[second[at] :]
        c, d = line[first[at + 1] :], line[second[at + 1] :]
        inner = row[at:]
        for x in range(end - begin):
            inner[2 * x] = (_ONE - share) * a[x] + share * b[x]
            inner[2 * x + 1] = (_ONE - other_share) * c[x] + other_share * d[x]
    for x in range(2 * begin):
        row[x] = (_ONE - shares[x]) * line[first[x]] + shares[x] * line[second[x]]
    for x in range(2 * end, width):
        row[x] = (_ONE - shares[x]) * line[first[x]] + shares[x] * line[second[x]]


def from_picture(picture: Picture, coding: Coding) -> list[NDArray[Any]]:
    """As ``effects.pixels.from_picture``; Y'CbCr of integers, with or without alpha, is what is fast."""
    layout = coding.layout
    if layout.is_rgb or layout.is_grey or layout.is_float:
        return pixels.from_picture(picture, coding)
    height, width = picture.shape[:2]
    kind = np.uint8 if layout.bits == 8 else np.uint16
    luma = np.empty((height, width), kind)
    alpha = np.empty((height, width) if layout.has_alpha else (0, width), kind)
    chroma_width, chroma_height = -(-width >> layout.across), -(-height >> layout.down)
    cb, cr = (np.empty((chroma_height, chroma_width), kind) for _ in range(2))
    across = tent(layout.across, pixels.chroma_offset(coding.siting, 1))
    down = tent(layout.down, pixels.chroma_offset(coding.siting, 0))
    _store(picture, luma, cb, cr, alpha, *across, 1 << layout.across, *down, 1 << layout.down, _stored_numbers(coding))
    return [luma, cb, cr, alpha] if layout.has_alpha else [luma, cb, cr]


def tent(shift: int, offset: float) -> tuple[int, Line]:
    """Of which samples chroma sample ``n`` is made: where the first is against ``factor · n``, and the share of each."""
    factor = 1 << shift
    steps = np.arange(-2 * factor, 2 * factor + 1)
    shares = np.maximum(0, 1 - np.abs(steps - offset * (factor - 1)) / factor) if shift else (steps == 0).astype(float)
    used = np.flatnonzero(shares)
    return int(steps[used[0]]), (shares[used] / shares.sum()).astype(np.float32)


def _stored_numbers(coding: Coding) -> Line:
    """Y' = a·R' + b·G' + c·B', stored d·Y' + e; Cb = f·(B' − Y') + h, Cr = g·(R' − Y') + h; i: the largest number."""
    bits = coding.layout.bits
    scale, top = 1 << (bits - 8), (1 << bits) - 1
    black, span, chroma = (0, top, top) if coding.is_full_range else (16 * scale, 219 * scale, 224 * scale)
    red, blue = pixels.MATRICES[coding.matrix]
    return np.array(
        [
            red,
            1 - red - blue,
            blue,
            span,
            black,
            chroma / (2 * (1 - blue)),
            chroma / (2 * (1 - red)),
            1 << (bits - 1),
            top,
        ],
        np.float32,
    )


@compiled
def _store(
    picture: Picture,
    luma: NDArray[Any],
    cb: NDArray[Any],
    cr: NDArray[Any],
    alpha: NDArray[Any],
    column_first: int,
    column_shares: Line,
    column_factor: int,
    row_first: int,
    row_shares: Line,
    row_factor: int,
    n: Line,
) -> None:
    height, width = luma.shape
    chroma_height, chroma_width = cb.shape
    reach = max(-column_first, column_first + len(column_shares)) + column_factor
    levels = np.empty(width, np.float32)
    blue_line = np.empty(width + 2 * reach, np.float32)
    red_line = np.empty(width + 2 * reach, np.float32)
    blue_rows = np.empty((height, chroma_width), np.float32)
    red_rows = np.empty((height, chroma_width), np.float32)
    has_alpha = alpha.shape[0] > 0
    for y in range(height):
        if has_alpha:
            for x in range(width):
                a = min(max(picture[y, x, 3], _ZERO), _ONE)
                alpha[y, x] = np.int32(a * n[8] + _HALF)
                part = _ONE / a if a > _ZERO else _ZERO
                r, g, b = picture[y, x, 0] * part, picture[y, x, 1] * part, picture[y, x, 2] * part
                level = n[0] * r + n[1] * g + n[2] * b
                levels[x], blue_line[reach + x], red_line[reach + x] = level, n[5] * (b - level), n[6] * (r - level)
        else:
            for x in range(width):
                r, g, b = picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]
                level = n[0] * r + n[1] * g + n[2] * b
                levels[x], blue_line[reach + x], red_line[reach + x] = level, n[5] * (b - level), n[6] * (r - level)
        for x in range(width):
            luma[y, x] = np.int32(min(max(n[3] * levels[x] + n[4], _ZERO), n[8]) + _HALF)
        narrowed(blue_line, reach, column_first, column_shares, column_factor, blue_rows[y])
        narrowed(red_line, reach, column_first, column_shares, column_factor, red_rows[y])
    for y in range(chroma_height):
        for x in range(chroma_width):
            blue_line[x], red_line[x] = n[7], n[7]
        lowered(blue_rows, row_factor * y + row_first, row_shares, blue_line[:chroma_width])
        lowered(red_rows, row_factor * y + row_first, row_shares, red_line[:chroma_width])
        for x in range(chroma_width):
            cb[y, x] = np.int32(min(max(blue_line[x], _ZERO), n[8]) + _HALF)
            cr[y, x] = np.int32(min(max(red_line[x], _ZERO), n[8]) + _HALF)


@compiled
def narrowed(line: Line, reach: int, first: int, shares: Line, factor: int, row: Line) -> None:
    """Chroma samples of a line that has one for each pixel; there is room for ``reach`` more at either end."""
    width = line.size - 2 * reach
    for x in range(reach):
        line[x], line[reach + width + x] = line[reach], line[reach + width - 1]
    at = reach + first
    if factor == 2:  # a stride that is known is read in vectors
        for x in range(row.size):
            row[x] = shares[0] * line[at + 2 * x]
        for k in range(1, shares.size):
            for x in range(row.size):
                row[x] += shares[k] * line[at + k + 2 * x]
    else:
        for x in range(row.size):
            total = _ZERO
            for k in range(shares.size):
                total += shares[k] * line[at + factor * x + k]
            row[x] = total


@compiled
def lowered(rows: NDArray[np.float32], first: int, shares: Line, line: Line) -> None:
    """Adds up rows from ``first`` on, the outermost for those beyond."""
    for k in range(shares.size):
        row = rows[min(max(first + k, 0), rows.shape[0] - 1)]
        for x in range(line.size):
            line[x] += shares[k] * row[x]
