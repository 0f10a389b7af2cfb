"""Colour effects as Taichi functions: ``f(c, packed, at, x, y)``, ``packed[at]`` being the first of the effect's numbers."""

import taichi as ti


@ti.func
def exposure(c, packed: ti.template(), at, x, y):
    return ti.Vector([c[0] * packed[at], c[1] * packed[at], c[2] * packed[at], c[3]])


POINTS = {"exposure": exposure}
