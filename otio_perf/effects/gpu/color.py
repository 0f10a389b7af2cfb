"""Colour effects as Taichi functions: ``f(c, packed, at, x, y)``, ``packed[at]`` being the first of the effect's numbers."""

import taichi as ti

from otio_perf.effects.gpu.stages import affine, power
from otio_perf.effects.stages import HEADROOM


@ti.func
def exposure(c, packed: ti.template(), at, x, y):
    return ti.Vector([c[0] * packed[at], c[1] * packed[at], c[2] * packed[at], c[3]])


@ti.func
def white_balance(c, packed: ti.template(), at, x, y):
    return ti.Vector([c[0] * packed[at], c[1] * packed[at + 1], c[2] * packed[at + 2], c[3]])


@ti.func
def mapped(c, packed: ti.template(), at, x, y):
    return affine(c, packed, at, c[3])


@ti.func
def limited(v):
    return ti.min(ti.max(v, 0.0), HEADROOM)


@ti.func
def adjust(c, packed: ti.template(), at, x, y):
    result = affine(c, packed, at + 5, 1.0)
    if packed[at] != 0:
        exponent = packed[at + 1]
        if packed[at] == 1:
            for i in ti.static(range(3)):
                result[i] = power(limited(result[i]), exponent)
        else:
            luma = result[0] * packed[at + 2] + result[1] * packed[at + 3] + result[2] * packed[at + 4]
            change = power(limited(luma), exponent) - luma
            for i in ti.static(range(3)):
                result[i] += change
        result = affine(result, packed, at + 17, 1.0)
    return result


@ti.func
def code_gain(c, packed: ti.template(), at, x, y):
    ycc = affine(c, packed, at, 1.0)
    ycc[0] = ti.min(ti.max(ycc[0], 0.0), 1.0)
    ycc[1] = ti.min(ti.max(ycc[1], -0.5), 0.5)
    ycc[2] = ti.min(ti.max(ycc[2], -0.5), 0.5)
    return affine(ycc, packed, at + 12, 1.0)


POINTS = {
    "exposure": exposure,
    "white_balance": white_balance,
    "adjust": adjust,
    "code_gain": code_gain,
    "invert": mapped,
    "greyscale": mapped,
    "sepia": mapped,
}
