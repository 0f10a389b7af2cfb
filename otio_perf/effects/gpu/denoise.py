"""Noise, by Taichi."""

from typing import Any

import numpy as np
import taichi as ti

from otio_perf.effects.denoise import bilateral_taps, median_radius
from otio_perf.effects.gpu.blur import reach_of
from otio_perf.effects.gpu.stencils import CLAMP, MIRROR, applied
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View


def median_of(read: Any) -> Any:
    """A ``Stencil``: of a square, ``value`` being its radius. By halving: between ``low`` and ``high``, both of them values of
    neighbours, lies the median, until they are one.

    It needs no room for the neighbours, which most devices do not have, and is exact.
    """

    @ti.func
    def median(place: ti.template(), x, y, numbers: ti.template(), value):
        radius = ti.cast(value, ti.i32)
        side = 2 * radius + 1
        half = side * side // 2
        low = read(place, x, y)
        high = low
        for j, i in ti.ndrange((-radius, radius + 1), (-radius, radius + 1)):
            there = read(place, x + i, y + j)
            low, high = ti.min(low, there), ti.max(high, there)
        while (low < high).any():
            middle = low * 0.5 + high * 0.5
            for c in ti.static(range(4)):
                if middle[c] >= high[c] or middle[c] < low[c]:  # neighbours among floats: there is nothing in the middle
                    middle[c] = low[c]
            count = ti.Vector([0, 0, 0, 0])
            below, above = low, high
            for j, i in ti.ndrange((-radius, radius + 1), (-radius, radius + 1)):
                there = read(place, x + i, y + j)
                for c in ti.static(range(4)):
                    if there[c] <= middle[c]:
                        count[c] += 1
                        below[c] = ti.max(below[c], there[c])
                    else:
                        above[c] = ti.min(above[c], there[c])
            for c in ti.static(range(4)):
                if count[c] > half:
                    high[c] = below[c]
                else:
                    low[c] = above[c]
        return low

    return median


def _median(pixels: Any, values: Values, view: View) -> Any:
    radius = median_radius(values, view)
    return applied(median_of, pixels, np.zeros(1, np.float32), radius, CLAMP, (radius, radius))


def bilateral_of(read: Any) -> Any:
    """A ``Stencil``; ``numbers``: x, y, weight; x, y, weight …; ``value``: the difference at which pixels count less."""

    @ti.func
    def bilateral(place: ti.template(), x, y, numbers: ti.template(), value):
        here = read(place, x, y)
        total = ti.Vector([0.0, 0.0, 0.0, 0.0])
        weights = 0.0
        for i in range(numbers.shape[0] // 3):
            there = read(place, x + ti.cast(numbers[3 * i], ti.i32), y + ti.cast(numbers[3 * i + 1], ti.i32))
            distance = ti.abs(there - here).sum() / value
            weight = numbers[3 * i + 2] * ti.exp(-0.5 * distance * distance)
            total += weight * there
            weights += weight
        return total / weights

    return bilateral


def _bilateral(pixels: Any, values: Values, view: View) -> Any:
    taps = np.array(bilateral_taps(values["sigma"] * view.scale), np.float32)
    return applied(bilateral_of, pixels, taps.ravel(), values["difference"], MIRROR, reach_of(taps))


WHOLES = {"median": _median, "bilateral": _bilateral}
