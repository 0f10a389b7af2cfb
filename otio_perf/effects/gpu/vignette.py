"""Vignette as a Taichi function."""

import math

import taichi as ti


@ti.func
def vignette(c, packed: ti.template(), at, x, y):
    dx, dy = ti.cast(x, ti.f32) - packed[at], ti.cast(y, ti.f32) - packed[at + 1]
    inside = ti.min(ti.max((packed[at + 2] - ti.sqrt(dx * dx + dy * dy)) / packed[at + 3], 0.0), 1.0)
    if packed[at + 5] != 0:
        sine = ti.sin(inside * (math.pi / 2))
        inside = sine * sine * sine
    gain = 1 - packed[at + 4] * (1 - inside)
    return ti.Vector([c[0] * gain, c[1] * gain, c[2] * gain, c[3]])


POINTS = {"vignette": vignette}
