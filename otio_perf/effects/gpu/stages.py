"""What colour effects are made of here, on one pixel: tone curves by channel, affine maps."""

import taichi as ti


@ti.func
def tone(c, packed: ti.template(), at):
    """See ``effects.stages.tone``."""
    result = ti.Vector([0.0, 0.0, 0.0, c[3]])
    for i in ti.static(range(3)):
        v = ti.min(ti.max(c[i] * packed[at + i] + packed[at + 3 + i], packed[at + 6 + i]), packed[at + 9 + i])
        exponent = packed[at + 12 + i]
        if exponent != 1:
            v = power(v, exponent)
        result[i] = v * packed[at + 15 + i] + packed[at + 18 + i]
    return result


@ti.func
def power(base, exponent):
    """``base ^ exponent`` for ``base`` from 0; 0 where drivers disagree."""
    result = 0.0
    if base > 0:
        result = ti.pow(base, exponent)
    return result


@ti.func
def affine(c, packed: ti.template(), at, alpha):
    """See ``effects.stages.affine``; ``alpha``: what the constant is multiplied by, 1 where colours are straight."""
    result = ti.Vector([0.0, 0.0, 0.0, c[3]])
    for i in ti.static(range(3)):
        row = at + 4 * i
        result[i] = packed[row] * c[0] + packed[row + 1] * c[1] + packed[row + 2] * c[2] + packed[row + 3] * alpha
    return result
