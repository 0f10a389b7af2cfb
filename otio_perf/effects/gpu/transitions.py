"""Transitions as Taichi functions: ``f(outgoing, incoming, packed, x, y, width, height)`` of one pixel of both pictures.

Those that move pictures read them elsewhere: ``outgoing`` and ``incoming`` are whole pictures.
"""

import taichi as ti


@ti.func
def dissolve(outgoing: ti.template(), incoming: ti.template(), packed: ti.template(), x, y, width, height):
    return outgoing[y, x] * (1 - packed[0]) + incoming[y, x] * packed[0]


MIXES = {"dissolve": dissolve}
