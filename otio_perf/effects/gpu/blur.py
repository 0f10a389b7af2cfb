"""Blurs by Taichi. What is linear is one kernel: weighted neighbours, whose places and weights come in as numbers."""

import math
from typing import Any

import numpy as np
import taichi as ti

from otio_perf.effects.blur import (
    PADDING,
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
from otio_perf.effects.gpu import kernels
from otio_perf.effects.gpu.memory import empty, kept
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View

EDGES = {name: number for number, name in enumerate(PADDING)}
MIRROR, CLAMP, TRANSPARENT = EDGES["mirror"], EDGES["clamp"], EDGES["transparent"]


@ti.func
def inside(at, count, edges):
    """The number of the pixel that stands for number ``at``; ``-1``: none."""
    result = at
    if at < 0 or at >= count:
        if edges == ti.static(MIRROR):
            turn = at % (2 * count)
            if turn < 0:  # the remainder has the sign of the dividend on some devices
                turn += 2 * count
            result = ti.min(turn, 2 * count - 1 - turn)
        elif edges == ti.static(CLAMP):
            result = ti.min(ti.max(at, 0), count - 1)
        else:
            result = -1
    return result


@ti.func
def pixel(source: ti.template(), x, y, edges):
    """Of a place inside the picture or beyond it."""
    found = ti.Vector([0.0, 0.0, 0.0, 0.0])
    x_inside, y_inside = inside(x, source.shape[1], edges), inside(y, source.shape[0], edges)
    if x_inside >= 0 and y_inside >= 0:
        found = source[y_inside, x_inside]
    return found


@ti.kernel
def _along(
    source: kernels.PIXELS, target: kernels.PIXELS, weights: kernels.NUMBERS, step_x: ti.i32, step_y: ti.i32, edges: ti.i32
):
    for y, x in target:
        radius = weights.shape[0] // 2
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for i in range(-radius, radius + 1):
            total += weights[i + radius] * pixel(source, x + i * step_x, y + i * step_y, edges)
        target[y, x] = total


@ti.kernel
def _scattered(source: kernels.PIXELS, target: kernels.PIXELS, taps: kernels.NUMBERS, edges: ti.i32):
    """``taps``: x, y, weight; x, y, weight …"""
    for y, x in target:
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for i in range(taps.shape[0] // 3):
            total += taps[3 * i + 2] * pixel(
                source, x + ti.cast(taps[3 * i], ti.i32), y + ti.cast(taps[3 * i + 1], ti.i32), edges
            )
        target[y, x] = total


@ti.kernel
def _to_cells(
    source: kernels.PIXELS,
    target: kernels.PIXELS,
    weights: kernels.NUMBERS,
    cell: ti.i32,
    margin: ti.i32,
    step_x: ti.i32,
    step_y: ti.i32,
    edges: ti.i32,
):
    """Along one axis: cells of ``cell`` pixels, ``margin`` of them before the picture."""
    for y, x in target:
        from_x, from_y = x, y
        if step_x == 1:
            from_x = (x - margin) * cell - (cell - 1)
        else:
            from_y = (y - margin) * cell - (cell - 1)
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for k in range(weights.shape[0]):
            total += weights[k] * pixel(source, from_x + k * step_x, from_y + k * step_y, edges)
        target[y, x] = total


@ti.kernel
def _from_cells(
    cells: kernels.PIXELS,
    target: kernels.PIXELS,
    weights: kernels.NUMBERS,
    cell: ti.i32,
    margin: ti.i32,
    step_x: ti.i32,
    step_y: ti.i32,
):
    """Back to pixels along one axis; ``weights``: of each pixel of a cell three."""
    for y, x in target:
        place = x * step_x + y * step_y
        at, first = place // cell + margin, place % cell * 3
        column, row = x, y
        if step_x == 1:
            column = at
        else:
            row = at
        target[y, x] = (
            weights[first] * cells[row - step_y, column - step_x]
            + weights[first + 1] * cells[row, column]
            + weights[first + 2] * cells[row + step_y, column + step_x]
        )


def separable(pixels: Any, across: Weights, down: Weights, edges: str) -> Any:
    """Horizontally, then vertically. Weights of one pixel are a pass that is not needed, but the result is always new."""
    height, width = pixels.shape
    for weights, step_x, step_y in ((across, 1, 0), (down, 0, 1)):
        target = empty(width, height)
        _along(pixels, target, kept(weights), step_x, step_y, EDGES[edges])
        pixels = target
    return pixels


def gaussian(pixels: Any, wanted: tuple[float, float], edges: str, quality: str) -> Any:
    """See ``effects.blur.gaussian``."""
    for sigma, step_x, step_y in zip(wanted, (1, 0), (0, 1), strict=True):
        height, width = pixels.shape
        target = empty(width, height)
        cell = cell_size(sigma, quality)
        if cell == 1:
            _along(pixels, target, kept(gaussian_weights(sigma)), step_x, step_y, EDGES[edges])
        else:
            weights = cell_weights(sigma, cell)
            margin = weights.size // 2 + 1  # one cell more than the blur needs, for those that the outermost pixels take from
            columns = math.ceil(width / cell) + 2 * margin if step_x else width
            rows = math.ceil(height / cell) + 2 * margin if step_y else height
            cells, blurred = empty(columns, rows), empty(columns, rows)
            _to_cells(pixels, cells, kept(spline_weights(cell)), cell, margin, step_x, step_y, EDGES[edges])
            _along(cells, blurred, kept(weights), step_x, step_y, CLAMP)
            _from_cells(blurred, target, kept(phase_weights(cell).ravel()), cell, margin, step_x, step_y)
        pixels = target
    return pixels


def _gaussian_blur(pixels: Any, values: Values, view: View) -> Any:
    return gaussian(pixels, sigmas(values, view), values["edges"], values["quality"])


def _box_blur(pixels: Any, values: Values, view: View) -> Any:
    across, down = box_radii(values, view)
    return separable(pixels, box_weights(across), box_weights(down), values["edges"])


def _directional_blur(pixels: Any, values: Values, view: View) -> Any:
    height, width = pixels.shape
    target = empty(width, height)
    taps = np.array(line_taps(values["length"] * view.scale, values["angle"]), np.float32).ravel()
    _scattered(pixels, target, kept(taps), EDGES[values["edges"]])
    return target


WHOLES = {"gaussian_blur": _gaussian_blur, "box_blur": _box_blur, "directional_blur": _directional_blur}
