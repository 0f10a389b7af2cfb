"""Between straight and premultiplied colours."""

import taichi as ti


@ti.func
def unpremultiply(c, packed: ti.template(), at, x, y):
    scale = 0.0
    if c[3] > 0:
        scale = 1 / c[3]
    return ti.Vector([c[0] * scale, c[1] * scale, c[2] * scale, c[3]])


@ti.func
def premultiply(c, packed: ti.template(), at, x, y):
    return ti.Vector([c[0] * c[3], c[1] * c[3], c[2] * c[3], c[3]])


POINTS = {"unpremultiply": unpremultiply, "premultiply": premultiply}
