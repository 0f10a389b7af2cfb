"""Grading as Taichi functions."""

import taichi as ti

from otio_perf.effects.gpu.stages import affine, tone


@ti.func
def lift_gamma_gain(c, packed: ti.template(), at, x, y):
    result = c
    for number in range(ti.cast(packed[at], ti.i32)):
        result = tone(result, packed, at + 1 + 21 * number)
    return result


@ti.func
def asc_cdl(c, packed: ti.template(), at, x, y):
    result = tone(c, packed, at + 1)
    if packed[at] != 0:
        result = affine(result, packed, at + 22, 1.0)
        for i in ti.static(range(3)):
            result[i] = ti.min(ti.max(result[i], 0.0), 1.0)
    return result


@ti.func
def levels(c, packed: ti.template(), at, x, y):
    return tone(c, packed, at)


POINTS = {"lift_gamma_gain": lift_gamma_gain, "asc_cdl": asc_cdl, "levels": levels}
