"""Pictures read between their pixels, by Taichi. Kernels as in ``effects/sampling.py``; their weights come in as tables."""

# No "from __future__ import annotations" in modules of kernels: Taichi reads the annotations as they stand.
from functools import cache
from typing import Any

import numpy as np
import taichi as ti

from otio_perf.effects.gpu.kernels import PIXELS
from otio_perf.effects.gpu.memory import empty, kept
from otio_perf.effects.sampling import Edges, Interpolation, Taps, weights

INTEGERS = ti.types.ndarray(dtype=ti.i32, ndim=1)
TABLE = ti.types.ndarray(dtype=ti.f32, ndim=2)
MATRIX = ti.types.matrix(3, 3, ti.f32)

#: Rows of the table of weights; between them weights are interpolated (error below 1e-5).
_STEPS = 512
_EDGES = {Edges.TRANSPARENT: 0, Edges.CLAMP: 1, Edges.MIRROR: 2}


@cache
def _table(interpolation: Interpolation) -> Any:
    return weights(np.append(np.arange(_STEPS + 1), _STEPS) / _STEPS, interpolation).astype(np.float32)


@ti.func
def _held(c):
    return ti.Vector([c[0], c[1], c[2], ti.min(ti.max(c[3], 0.0), 1.0)])


@ti.kernel
def _resample(
    source: PIXELS,
    first_x: INTEGERS,
    weights_x: TABLE,
    first_y: INTEGERS,
    weights_y: TABLE,
    left: ti.i32,
    top: ti.i32,
    target: PIXELS,
):
    for y, x in target:
        row, column = y - top, x - left
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        if 0 <= row < first_y.shape[0] and 0 <= column < first_x.shape[0]:
            for j in range(weights_y.shape[1]):
                at_y = ti.min(ti.max(first_y[row] + j, 0), source.shape[0] - 1)
                for i in range(weights_x.shape[1]):
                    at_x = ti.min(ti.max(first_x[column] + i, 0), source.shape[1] - 1)
                    total += source[at_y, at_x] * (weights_y[row, j] * weights_x[column, i])
        target[y, x] = _held(total)


def resampled(
    source: Any, columns: Taps, rows: Taps, *, left: int = 0, top: int = 0, size: tuple[int, int] | None = None
) -> Any:
    """``source`` with new columns and rows; on a transparent canvas of ``size`` (width, height) where one is given."""
    width, height = size or (len(columns.first), len(rows.first))
    target = empty(width, height)
    _resample(source, kept(columns.first), kept(columns.weights), kept(rows.first), kept(rows.weights), left, top, target)
    return target


@ti.func
def _inside(index, length, edges):
    """The pixel that is read for ``index``; −1: none."""
    found = index
    if index < 0 or index >= length:
        if edges == 0:
            found = -1
        elif edges == 1:
            found = ti.min(ti.max(index, 0), length - 1)
        else:
            within = index % (2 * length)
            found = ti.min(within, 2 * length - 1 - within)
    return found


@ti.func
def _near(place, length, reach, edges):
    """``place`` brought to where indices are small: nothing is read further out than ``reach``, or it repeats."""
    found = ti.min(ti.max(place, -1.0 - reach), ti.cast(length + reach, ti.f32))
    if edges == 2:
        period = ti.cast(2 * length, ti.f32)
        found = place - period * ti.floor(place / period)
    return found


@ti.kernel
def _warp(source: PIXELS, matrix: MATRIX, table: TABLE, edges: ti.i32, target: PIXELS):
    count = table.shape[1]
    reach = count // 2
    steps = table.shape[0] - 2
    height, width = source.shape[0], source.shape[1]
    for y, x in target:
        place = matrix @ ti.Vector([ti.cast(x, ti.f32), ti.cast(y, ti.f32), 1.0])
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        if place[2] > 0:
            across = _near(place[0] / place[2], width, reach, edges)
            down = _near(place[1] / place[2], height, reach, edges)
            left, top = ti.cast(ti.floor(across), ti.i32), ti.cast(ti.floor(down), ti.i32)
            u, v = (across - left) * steps, (down - top) * steps
            column, row = ti.min(ti.cast(u, ti.i32), steps), ti.min(ti.cast(v, ti.i32), steps)
            u, v = u - column, v - row
            for j in range(count):
                at_y = _inside(top + j - reach + 1, height, edges)
                if at_y >= 0:
                    line = ti.Vector([0.0, 0.0, 0.0, 0.0])
                    for i in range(count):
                        at_x = _inside(left + i - reach + 1, width, edges)
                        if at_x >= 0:
                            line += source[at_y, at_x] * (table[column, i] * (1 - u) + table[column + 1, i] * u)
                    total += line * (table[row, j] * (1 - v) + table[row + 1, j] * v)
        target[y, x] = _held(total)


def warped(source: Any, matrix: Any, width: int, height: int, interpolation: Interpolation, edges: Edges) -> Any:
    target = empty(width, height)
    _warp(source, MATRIX(matrix.astype(np.float32).tolist()), kept(_table(interpolation)), _EDGES[edges], target)
    return target
