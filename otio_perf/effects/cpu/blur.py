"""Blurs by OpenCV, and by numba where it has none that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.blur import (
    Weights,
    box_radii,
    box_weights,
    cell_size,
    cell_weights,
    gaussian_weights,
    line_taps,
    phase_weights,
    sigmas,
    spline_weights,
)
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Picture, View

#: What lies beyond the picture, as OpenCV calls it.
BORDERS = {"mirror": cv2.BORDER_REFLECT, "clamp": cv2.BORDER_REPLICATE, "transparent": cv2.BORDER_CONSTANT}

_ZERO = np.float32(0)

#: Taps done in one pass over a row: so often is the sum read and written less.
_TOGETHER = 4

#: Weights in a row up to which OpenCV's separable filter was the faster one (1080p, one thread: 31 weights 34 ms against 39,
#: 61 weights 85 against 64).
_OPENCV_IS_FASTER = 41


def gaussian(picture: Picture, wanted: tuple[float, float], edges: str, quality: str) -> Picture:
    """See ``effects.blur.gaussian``."""
    cells = (cell_size(wanted[0], quality), cell_size(wanted[1], quality))
    across, down = (
        cell_weights(sigma, cell) if cell > 1 else gaussian_weights(sigma) for sigma, cell in zip(wanted, cells, strict=True)
    )
    if cells == (1, 1):
        return separable(picture, across, down, BORDERS[edges])
    height, width = picture.shape[:2]
    (columns, margin_x), (rows, margin_y) = (
        _places(length, cell, weights.size // 2 + 1, edges)
        for length, cell, weights in ((width, cells[0], across), (height, cells[1], down))
    )
    of_cells = np.empty((rows.size // cells[1] - 2, columns.size // cells[0] - 2, 4), np.float32)
    lines = np.ascontiguousarray(picture).reshape(height, width * 4)
    _to_cells(lines, rows, columns, (margin_x + 1) * cells[0], spline_weights(cells[1]), spline_weights(cells[0]), of_cells)
    blurred = separable(of_cells, across, down, cv2.BORDER_REPLICATE)
    result = np.empty_like(picture)
    _from_cells(blurred, margin_y, margin_x, phase_weights(cells[1]), phase_weights(cells[0]), result)
    return result


def _places(length: int, cell: int, margin: int, edges: str) -> tuple[NDArray[np.int64], int]:
    """The pixels of which cells are made, ``margin`` cells on both sides of the picture, and one cell more of them before and
    after; −1: there is none. And ``margin``."""
    count = (math.ceil(length / cell) + 2 * margin + 2) * cell
    place = np.arange(count) - (margin + 1) * cell
    if edges == "transparent":
        place[(place < 0) | (place >= length)] = -1
    elif edges == "clamp":
        place = np.clip(place, 0, length - 1)
    else:
        place %= 2 * length
        place = np.minimum(place, 2 * length - 1 - place)
    return place.astype(np.int64), margin


@compiled
def _to_cells(
    lines: Weights,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    left: int,
    down: Weights,
    across: Weights,
    cells: Picture,
) -> None:
    """Each cell the sum of ``down`` and ``across``, its own pixels in the middle; ``rows`` and ``columns`` say what is where,
    and ``left`` of these are before the picture."""
    width = lines.shape[1] // 4
    tall, wide = (down.size + 2) // 3, (across.size + 2) // 3
    nothing, line = np.zeros(4 * width, np.float32), np.empty(4 * width, np.float32)
    longer = np.zeros(4 * columns.size, np.float32)
    for y in range(cells.shape[0]):
        line[:] = _ZERO
        first = y * tall + 1
        for k in range(0, down.size, _TOGETHER):
            _add_four(line, lines, rows, nothing, down, first, k)
        longer[4 * left : 4 * (left + width)] = line
        for x in range(columns.size):
            if x < left or x >= left + width:
                for c in range(4):
                    longer[4 * x + c] = line[4 * columns[x] + c] if columns[x] >= 0 else _ZERO
        row = cells[y].reshape(-1)
        for x in range(cells.shape[1]):
            red, green, blue, alpha = _ZERO, _ZERO, _ZERO, _ZERO
            for k in range(across.size):
                at, weight = 4 * (x * wide + 1 + k), across[k]
                red += weight * longer[at]
                green += weight * longer[at + 1]
                blue += weight * longer[at + 2]
                alpha += weight * longer[at + 3]
            row[4 * x], row[4 * x + 1], row[4 * x + 2], row[4 * x + 3] = red, green, blue, alpha


@compiled
def _line_of(lines: Weights, nothing: Weights, rows: NDArray[np.int64], at: int) -> Weights:
    line: Weights = lines[rows[at]] if at < rows.size and rows[at] >= 0 else nothing
    return line


@compiled
def _add_four(
    line: Weights, lines: Weights, rows: NDArray[np.int64], nothing: Weights, weights: Weights, first: int, k: int
) -> None:
    """Four weighted lines at once: so often is the sum read and written less."""
    count = weights.size
    a, b = _line_of(lines, nothing, rows, first + k), _line_of(lines, nothing, rows, first + k + 1)
    c, d = _line_of(lines, nothing, rows, first + k + 2), _line_of(lines, nothing, rows, first + k + 3)
    weight_a, weight_b = weights[k], weights[k + 1] if k + 1 < count else _ZERO
    weight_c, weight_d = weights[k + 2] if k + 2 < count else _ZERO, weights[k + 3] if k + 3 < count else _ZERO
    for x in range(line.size):
        line[x] += weight_a * a[x] + weight_b * b[x] + weight_c * c[x] + weight_d * d[x]


@compiled
def _widened(cells: Weights, first: int, weights: Weights, line: Weights) -> None:
    """A row of cells as pixels; ``first``: the cell of the first of them."""
    wide, width = weights.shape[0], line.size // 4
    for phase in range(wide):
        before, own, after = weights[phase, 0], weights[phase, 1], weights[phase, 2]
        for n in range((width - phase + wide - 1) // wide):
            at, to = 4 * (first + n), 4 * (n * wide + phase)
            for c in range(4):
                line[to + c] = before * cells[at - 4 + c] + own * cells[at + c] + after * cells[at + 4 + c]


@compiled
def _from_cells(cells: Picture, top: int, left: int, down: Weights, across: Weights, result: Picture) -> None:
    """Back to pixels. ``top`` and ``left``: the cell of the first pixel."""
    height, width = result.shape[:2]
    tall = down.shape[0]
    wide = np.empty((3, 4 * width), np.float32)
    for n in range(2):
        _widened(cells[top - 1 + n].reshape(-1), left, across, wide[n])
    for y in range(0, height, tall):
        at = y // tall
        above, here, below = wide[at % 3], wide[(at + 1) % 3], wide[(at + 2) % 3]
        _widened(cells[top + at + 1].reshape(-1), left, across, below)
        for phase in range(min(tall, height - y)):
            before, own, after = down[phase, 0], down[phase, 1], down[phase, 2]
            row = result[y + phase].reshape(-1)
            for x in range(row.size):
                row[x] = before * above[x] + own * here[x] + after * below[x]


def separable(picture: Picture, across: Weights, down: Weights, border: int) -> Picture:
    """Horizontally and vertically."""
    if max(across.size, down.size) <= _OPENCV_IS_FASTER:
        result: Picture = cv2.sepFilter2D(picture, -1, across, down, borderType=border)
        return result
    radius = across.size // 2
    between = _sums(picture, [(x - radius, 0, float(weight)) for x, weight in enumerate(across)], border)
    radius = down.size // 2
    return _sums(between, [(0, y - radius, float(weight)) for y, weight in enumerate(down)], border)


@compiled
def _weighted(padded: Weights, starts: NDArray[np.int64], weights: Weights, stride: int, result: Picture) -> None:
    """Each row of the result is the weighted sum of stretches of ``padded``, which begin at ``starts`` for the first row."""
    height, length = result.shape
    for y in range(height):
        row = result[y]
        for x in range(length):
            row[x] = _ZERO
        for i in range(0, weights.size, _TOGETHER):
            at = starts[i : i + _TOGETHER] + y * stride
            a, b, c, d = (
                padded[at[0] : at[0] + length],
                padded[at[1] : at[1] + length],
                padded[at[2] : at[2] + length],
                padded[at[3] : at[3] + length],
            )
            weight_a, weight_b, weight_c, weight_d = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
            for x in range(length):
                row[x] += weight_a * a[x] + weight_b * b[x] + weight_c * c[x] + weight_d * d[x]


def _sums(picture: Picture, taps: Sequence[tuple[int, int, float]], border: int) -> Picture:
    """Each pixel the sum of neighbours ``(x, y, weight)``."""
    left, top = max(abs(x) for x, _, _ in taps), max(abs(y) for _, y, _ in taps)
    height, width = picture.shape[:2]
    padded = cv2.copyMakeBorder(picture, top, top, left, left, border)
    stride = padded.shape[1] * 4
    missing = -len(taps) % _TOGETHER  # filled up with taps that weigh nothing
    starts = [(top + y) * stride + (left + x) * 4 for x, y, _ in taps] + [0] * missing
    weights = np.array([weight for _, _, weight in taps] + [0] * missing, np.float32)
    result = np.empty_like(picture)
    _weighted(padded.reshape(-1), np.array(starts, np.int64), weights, stride, result.reshape(height, width * 4))
    return result


def _gaussian_blur(picture: Picture, values: Values, view: View) -> Picture:
    return gaussian(picture, sigmas(values, view), values["edges"], values["quality"])


@compiled
def _running_rows(padded: Picture, whole: int, part: np.float32, result: Picture) -> None:
    """Vertical sums over ``2 · whole + 1`` rows, and ``part`` of the rows next to them; ``padded`` is ``whole + 1`` rows larger
    on both sides. Sums are kept in double precision: what is added is taken away again without a trace."""
    height, length = result.shape
    sums = np.zeros(length, np.float64)
    factor = np.float32(1) / (np.float32(2 * whole + 1) + np.float32(2) * part)
    for y in range(1, 2 * whole + 1):
        row = padded[y]
        for x in range(length):
            sums[x] += row[x]
    for y in range(height):
        first, next_, last, old = padded[y], padded[y + 2 * whole + 1], padded[y + 2 * whole + 2], padded[y + 1]
        row = result[y]
        for x in range(length):
            total = sums[x] + next_[x]
            row[x] = (np.float32(total) + part * (first[x] + last[x])) * factor
            sums[x] = total - old[x]


@compiled
def _running_columns(padded: Picture, whole: int, part: np.float32, result: Picture) -> None:
    """The same along each row, four channels at a time."""
    height, width = result.shape[:2]
    factor = np.float32(1) / (np.float32(2 * whole + 1) + np.float32(2) * part)
    for y in range(height):
        row = padded[y]
        red, green, blue, alpha = 0.0, 0.0, 0.0, 0.0
        for x in range(1, 2 * whole + 1):
            red += row[x, 0]
            green += row[x, 1]
            blue += row[x, 2]
            alpha += row[x, 3]
        for x in range(width):
            next_, last = x + 2 * whole + 1, x + 2 * whole + 2
            red += row[next_, 0]
            green += row[next_, 1]
            blue += row[next_, 2]
            alpha += row[next_, 3]
            result[y, x, 0] = (np.float32(red) + part * (row[x, 0] + row[last, 0])) * factor
            result[y, x, 1] = (np.float32(green) + part * (row[x, 1] + row[last, 1])) * factor
            result[y, x, 2] = (np.float32(blue) + part * (row[x, 2] + row[last, 2])) * factor
            result[y, x, 3] = (np.float32(alpha) + part * (row[x, 3] + row[last, 3])) * factor
            red -= row[x + 1, 0]
            green -= row[x + 1, 1]
            blue -= row[x + 1, 2]
            alpha -= row[x + 1, 3]


def _box_blur(picture: Picture, values: Values, view: View) -> Picture:
    border = BORDERS[values["edges"]]
    across, down = box_radii(values, view)
    if across == int(across) and down == int(down):
        whole: Picture = cv2.blur(picture, (2 * int(across) + 1, 2 * int(down) + 1), borderType=border)
        return whole
    if max(across, down) <= 8:
        return separable(picture, box_weights(across), box_weights(down), border)
    return _running(picture, across, down, border)


def _running(picture: Picture, across: float, down: float, border: int) -> Picture:
    height, width = picture.shape[:2]
    rows, columns = int(down) + 1, int(across) + 1
    padded = cv2.copyMakeBorder(picture, rows, rows, 0, 0, border)
    between = np.empty_like(picture)
    _running_rows(padded.reshape(-1, width * 4), int(down), np.float32(down - int(down)), between.reshape(height, -1))
    padded = cv2.copyMakeBorder(between, 0, 0, columns, columns, border)
    _running_columns(padded, int(across), np.float32(across - int(across)), between)
    return between


def _directional_blur(picture: Picture, values: Values, view: View) -> Picture:
    return _sums(picture, line_taps(values["length"] * view.scale, values["angle"]), BORDERS[values["edges"]])


WHOLES = {"gaussian_blur": _gaussian_blur, "box_blur": _box_blur, "directional_blur": _directional_blur}
