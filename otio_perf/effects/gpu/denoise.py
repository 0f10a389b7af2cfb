"""Noise, by Taichi."""

from typing import Any

import numpy as np
import taichi as ti

from otio_perf.effects.denoise import bilateral_taps, median_radius
from otio_perf.effects.gpu import kernels
from otio_perf.effects.gpu.blur import CLAMP, MIRROR, pixel
from otio_perf.effects.gpu.memory import empty, kept
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View


@ti.kernel
def _median_of(source: kernels.PIXELS, target: kernels.PIXELS, radius: ti.i32):
    """By halving: between ``low`` and ``high``, both of them values of neighbours, lies the median, until they are one.

    It needs no room for the neighbours, which most devices do not have, and is exact.
    """
    for y, x in target:
        side = 2 * radius + 1
        half = side * side // 2
        low = pixel(source, x, y, ti.static(CLAMP))
        high = low
        for j, i in ti.ndrange((-radius, radius + 1), (-radius, radius + 1)):
            value = pixel(source, x + i, y + j, ti.static(CLAMP))
            low, high = ti.min(low, value), ti.max(high, value)
        while (low < high).any():
            middle = low * 0.5 + high * 0.5
            for c in ti.static(range(4)):
                if middle[c] >= high[c] or middle[c] < low[c]:  # neighbours among floats: there is nothing in the middle
                    middle[c] = low[c]
            count = ti.Vector([0, 0, 0, 0])
            below, above = low, high
            for j, i in ti.ndrange((-radius, radius + 1), (-radius, radius + 1)):
                value = pixel(source, x + i, y + j, ti.static(CLAMP))
                for c in ti.static(range(4)):
                    if value[c] <= middle[c]:
                        count[c] += 1
                        below[c] = ti.max(below[c], value[c])
                    else:
                        above[c] = ti.min(above[c], value[c])
            for c in ti.static(range(4)):
                if count[c] > half:
                    high[c] = below[c]
                else:
                    low[c] = above[c]
        target[y, x] = low


def _median(pixels: Any, values: Values, view: View) -> Any:
    height, width = pixels.shape
    target = empty(width, height)
    _median_of(pixels, target, median_radius(values, view))
    return target


@ti.kernel
def _bilateral_of(source: kernels.PIXELS, target: kernels.PIXELS, taps: kernels.NUMBERS, difference: ti.f32):
    """``taps``: x, y, weight; x, y, weight …"""
    for y, x in target:
        here = source[y, x]
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        weights = 0.0
        for i in range(taps.shape[0] // 3):
            there = pixel(source, x + ti.cast(taps[3 * i], ti.i32), y + ti.cast(taps[3 * i + 1], ti.i32), ti.static(MIRROR))
            distance = ti.abs(there - here).sum() / difference
            weight = taps[3 * i + 2] * ti.exp(-0.5 * distance * distance)
            total += weight * there
            weights += weight
        target[y, x] = total / weights


def _bilateral(pixels: Any, values: Values, view: View) -> Any:
    height, width = pixels.shape
    target = empty(width, height)
    taps = np.array(bilateral_taps(values["sigma"] * view.scale), np.float32).ravel()
    _bilateral_of(pixels, target, kept(taps), values["difference"])
    return target


WHOLES = {"median": _median, "bilateral": _bilateral}
