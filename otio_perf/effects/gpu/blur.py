"""Blurs by Taichi. What is linear is one kernel: weighted neighbours, whose places and weights come in as numbers."""

import math
from typing import Any

import numpy as np
import taichi as ti

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
from otio_perf.effects.gpu import kernels
from otio_perf.effects.gpu.memory import empty, kept
from otio_perf.effects.gpu.stencils import CLAMP, EDGES, applied, pixel
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View


def row_of(read: Any) -> Any:
    """A ``Stencil``: the weighted sum of pixels beside each other, ``numbers`` being their weights."""

    @ti.func
    def summed(place: ti.template(), x, y, numbers: ti.template(), value):
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for i in range(numbers.shape[0]):
            total += numbers[i] * read(place, x + i - numbers.shape[0] // 2, y)
        return total

    return summed


def column_of(read: Any) -> Any:
    """As ``row_of``, of pixels above each other."""

    @ti.func
    def summed(place: ti.template(), x, y, numbers: ti.template(), value):
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for i in range(numbers.shape[0]):
            total += numbers[i] * read(place, x, y + i - numbers.shape[0] // 2)
        return total

    return summed


def scattered_of(read: Any) -> Any:
    """A ``Stencil``: the weighted sum of pixels anywhere; ``numbers``: x, y, weight; x, y, weight …"""

    @ti.func
    def summed(place: ti.template(), x, y, numbers: ti.template(), value):
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        for i in range(numbers.shape[0] // 3):
            total += numbers[3 * i + 2] * read(
                place, x + ti.cast(numbers[3 * i], ti.i32), y + ti.cast(numbers[3 * i + 1], ti.i32)
            )
        return total

    return summed


def along(pixels: Any, weights: Weights, is_down: bool, edges: int) -> Any:
    """The weighted sum of pixels along an axis; a new picture."""
    reach = weights.size // 2
    if is_down:
        return applied(column_of, pixels, weights, 0, edges, (0, reach))
    return applied(row_of, pixels, weights, 0, edges, (reach, 0))


def reach_of(taps: Any) -> tuple[int, int]:
    """Of ``scattered_of``."""
    return int(np.abs(taps[:, 0]).max()), int(np.abs(taps[:, 1]).max())


@ti.kernel
def _to_cells(
    source: kernels.PIXELS,
    target: kernels.PIXELS,
    weights: kernels.NUMBERS,
    cell: ti.i32,
    margin: ti.i32,
    step_x: ti.i32,
    step_y: ti.i32,
    edges: ti.template(),
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
    return along(along(pixels, across, False, EDGES[edges]), down, True, EDGES[edges])


def gaussian(pixels: Any, wanted: tuple[float, float], edges: str, quality: str) -> Any:
    """See ``effects.blur.gaussian``."""
    for sigma, is_down in zip(wanted, (False, True), strict=True):
        cell = cell_size(sigma, quality)
        if cell == 1:
            pixels = along(pixels, gaussian_weights(sigma), is_down, EDGES[edges])
        else:
            pixels = _by_cells(pixels, sigma, cell, is_down, EDGES[edges])
    return pixels


def _by_cells(pixels: Any, sigma: float, cell: int, is_down: bool, edges: int) -> Any:
    step_x, step_y = not is_down, is_down
    height, width = pixels.shape
    weights = cell_weights(sigma, cell)
    margin = weights.size // 2 + 1  # one cell more than the blur needs, for those that the outermost pixels take from
    columns = math.ceil(width / cell) + 2 * margin if step_x else width
    rows = math.ceil(height / cell) + 2 * margin if step_y else height
    cells, target = empty(columns, rows), empty(width, height)
    _to_cells(pixels, cells, kept(spline_weights(cell)), cell, margin, step_x, step_y, edges)
    _from_cells(along(cells, weights, is_down, CLAMP), target, kept(phase_weights(cell).ravel()), cell, margin, step_x, step_y)
    return target


def _gaussian_blur(pixels: Any, values: Values, view: View) -> Any:
    return gaussian(pixels, sigmas(values, view), values["edges"], values["quality"])


def _box_blur(pixels: Any, values: Values, view: View) -> Any:
    across, down = box_radii(values, view)
    return separable(pixels, box_weights(across), box_weights(down), values["edges"])


def _directional_blur(pixels: Any, values: Values, view: View) -> Any:
    taps = np.array(line_taps(values["length"] * view.scale, values["angle"]), np.float32)
    return applied(scattered_of, pixels, taps.ravel(), 0, EDGES[values["edges"]], reach_of(taps))


WHOLES = {"gaussian_blur": _gaussian_blur, "box_blur": _box_blur, "directional_blur": _directional_blur}
