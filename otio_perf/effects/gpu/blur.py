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
    sigmas,
)
from otio_perf.effects.gpu import kernels
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
def _means(
    source: kernels.PIXELS, target: kernels.PIXELS, cell_x: ti.i32, cell_y: ti.i32, left: ti.i32, top: ti.i32, edges: ti.i32
):
    """Cells of ``cell_x · cell_y`` pixels; ``left`` and ``top`` of them lie before the picture."""
    for y, x in target:
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for j in range(cell_y):
            for i in range(cell_x):
                total += pixel(source, (x - left) * cell_x + i, (y - top) * cell_y + j, edges)
        target[y, x] = total / (cell_x * cell_y)


@ti.kernel
def _between(cells: kernels.PIXELS, target: kernels.PIXELS, cell_x: ti.i32, cell_y: ti.i32, left: ti.i32, top: ti.i32):
    """Back to pixels, by linear interpolation between the cells' centres."""
    for y, x in target:
        at_x, at_y = (x + 0.5) / cell_x - 0.5 + left, (y + 0.5) / cell_y - 0.5 + top
        column, row = ti.cast(ti.floor(at_x), ti.i32), ti.cast(ti.floor(at_y), ti.i32)
        part_x, part_y = at_x - column, at_y - row
        above = cells[row, column] * (1 - part_x) + cells[row, column + 1] * part_x
        below = cells[row + 1, column] * (1 - part_x) + cells[row + 1, column + 1] * part_x
        target[y, x] = above * (1 - part_y) + below * part_y


def separable(pixels: Any, across: Weights, down: Weights, edges: str) -> Any:
    """Horizontally, then vertically. Weights of one pixel are a pass that is not needed, but the result is always new."""
    height, width = pixels.shape
    for weights, step_x, step_y in ((across, 1, 0), (down, 0, 1)):
        target = kernels.empty(width, height)
        _along(pixels, target, weights, step_x, step_y, EDGES[edges])
        pixels = target
    return pixels


def gaussian(pixels: Any, wanted: tuple[float, float], edges: str, quality: str) -> Any:
    """See ``effects.blur.gaussian``."""
    cells = [cell_size(sigma, quality) for sigma in wanted]
    across, down = (
        cell_weights(sigma, cell) if cell > 1 else gaussian_weights(sigma) for sigma, cell in zip(wanted, cells, strict=True)
    )
    if cells == [1, 1]:
        return separable(pixels, across, down, edges)
    height, width = pixels.shape
    left, top = across.size // 2 + 1, down.size // 2 + 1  # one cell more than the blur needs, for the interpolation
    means = kernels.empty(math.ceil(width / cells[0]) + 2 * left, math.ceil(height / cells[1]) + 2 * top)
    _means(pixels, means, *cells, left, top, EDGES[edges])
    target = kernels.empty(width, height)
    _between(separable(means, across, down, "clamp"), target, *cells, left, top)
    return target


def _gaussian_blur(pixels: Any, values: Values, view: View) -> Any:
    return gaussian(pixels, sigmas(values, view), values["edges"], values["quality"])


def _box_blur(pixels: Any, values: Values, view: View) -> Any:
    across, down = box_radii(values, view)
    return separable(pixels, box_weights(across), box_weights(down), values["edges"])


def _directional_blur(pixels: Any, values: Values, view: View) -> Any:
    height, width = pixels.shape
    target = kernels.empty(width, height)
    taps = np.array(line_taps(values["length"] * view.scale, values["angle"]), np.float32).ravel()
    _scattered(pixels, target, taps, EDGES[values["edges"]])
    return target


WHOLES = {"gaussian_blur": _gaussian_blur, "box_blur": _box_blur, "directional_blur": _directional_blur}
