"""Geometry on the device."""

from typing import Any

import taichi as ti

from otio_perf.effects.gpu.kernels import PIXELS
from otio_perf.effects.gpu.memory import empty
from otio_perf.effects.gpu.sampling import resampled, warped
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View
from otio_perf.effects.sampling import taps
from otio_perf.effects.transform import Warp, corner_pin_warp, transform_warp


@ti.kernel
def _clear(target: PIXELS):
    for y, x in target:
        target[y, x] = ti.Vector([0.0, 0.0, 0.0, 0.0])


def _drawn(pixels: Any, warp: Warp | None, view: View) -> Any:
    if warp is None:
        nothing = empty(view.width, view.height)
        _clear(nothing)
        return nothing
    height, width = pixels.shape
    if (warp.width, warp.height) != (width, height):
        columns = taps(width, warp.width, warp.interpolation)
        pixels = resampled(pixels, columns, taps(height, warp.height, warp.interpolation))
    return warped(pixels, warp.matrix, view.width, view.height, warp.interpolation, warp.edges)


def transform(pixels: Any, values: Values, view: View) -> Any:
    return _drawn(pixels, transform_warp(values, view), view)


def corner_pin(pixels: Any, values: Values, view: View) -> Any:
    return _drawn(pixels, corner_pin_warp(values, view), view)


@ti.kernel
def _flip(source: PIXELS, horizontal: ti.i32, vertical: ti.i32, target: PIXELS):
    for y, x in target:
        row, column = y, x
        if vertical:
            row = source.shape[0] - 1 - y
        if horizontal:
            column = source.shape[1] - 1 - x
        target[y, x] = source[row, column]


def flip(pixels: Any, values: Values, view: View) -> Any:
    height, width = pixels.shape
    target = empty(width, height)
    _flip(pixels, int(values["horizontal"]), int(values["vertical"]), target)
    return target


@ti.kernel
def _turn(source: PIXELS, quarters: ti.i32, mirrored: ti.i32, target: PIXELS):
    height, width = source.shape[0], source.shape[1]
    for y, x in target:
        at = x
        if mirrored:
            at = target.shape[1] - 1 - x
        row, column = y, at
        if quarters == 1:
            row, column = height - 1 - at, y
        elif quarters == 2:
            row, column = height - 1 - y, width - 1 - at
        elif quarters == 3:
            row, column = at, width - 1 - y
        target[y, x] = source[row, column]


def turned(pixels: Any, turn: int, is_mirrored: bool) -> Any:
    """See ``Engine.turned``."""
    height, width = pixels.shape
    target = empty(width, height) if turn % 180 == 0 else empty(height, width)
    _turn(pixels, turn // 90 % 4, int(is_mirrored), target)
    return target


@ti.func
def crop(c, packed: ti.template(), at, x, y):
    across, down = x + 0.5, y + 0.5
    steepness = packed[at + 4]
    columns = ti.min((across - packed[at]) * steepness, (packed[at + 2] - across) * steepness)
    rows = ti.min((down - packed[at + 1]) * steepness, (packed[at + 3] - down) * steepness)
    return c * (ti.min(ti.max(columns, 0.0), 1.0) * ti.min(ti.max(rows, 0.0), 1.0))


POINTS = {"crop": crop}
WHOLES = {"transform": transform, "corner_pin": corner_pin, "flip": flip}
