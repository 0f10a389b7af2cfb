"""Transitions on the device.

``MIXES``: Taichi functions ``f(outgoing, incoming, packed, x, y, width, height)`` of one pixel of both pictures. Those that
move pictures read them elsewhere: ``outgoing`` and ``incoming`` are whole pictures. ``WHOLE_MIXES``: functions of whole
pictures, ``f(outgoing, incoming, progress, values, view) -> pixels``.
"""

from functools import lru_cache
from typing import Any

import taichi as ti

from otio_perf.effects.gpu.kernels import PIXELS
from otio_perf.effects.gpu.memory import empty, sent
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View
from otio_perf.effects.transitions import wipe_ramp
from otio_perf.effects.wipes import field


@ti.func
def dissolve(outgoing: ti.template(), incoming: ti.template(), packed: ti.template(), x, y, width, height):
    return outgoing[y, x] * (1 - packed[0]) + incoming[y, x] * packed[0]


@ti.func
def dip_to_colour(outgoing: ti.template(), incoming: ti.template(), packed: ti.template(), x, y, width, height):
    colour = ti.Vector([packed[2], packed[3], packed[4], packed[5]])
    return outgoing[y, x] * packed[0] + incoming[y, x] * packed[1] + colour


@ti.func
def moving(outgoing: ti.template(), incoming: ti.template(), packed: ti.template(), x, y, width, height):
    moves, vertical, backwards = ti.cast(packed[0], ti.i32), packed[1] > 0, packed[2] > 0
    length = ti.select(vertical, height, width)
    here = ti.select(vertical, y, x)
    if backwards:
        here = length - 1 - here
    total = ti.Vector([0.0, 0.0, 0.0, 0.0])
    for step in ti.static(range(2)):
        column = here + ti.cast(packed[3], ti.i32) + step
        if moves == 1:
            column -= length
        is_new = column >= ti.select(moves == 1, 0, length)
        at = ti.min(column, length - 1)
        if moves == 0 and is_new:
            at = ti.min(column - length, length - 1)
        elif (moves == 1) != is_new:
            at = here
        if backwards:
            at = length - 1 - at
        row, at_x = ti.select(vertical, at, y), ti.select(vertical, x, at)
        weight = packed[4]
        if ti.static(step == 0):
            weight = 1 - packed[4]
        if is_new:
            total += incoming[row, at_x] * weight
        else:
            total += outgoing[row, at_x] * weight
    return total


FIELD = ti.types.ndarray(dtype=ti.f32, ndim=2)


@lru_cache(maxsize=8)
def _field(name: str, width: int, height: int) -> Any:
    return sent(field(name, width, height))


@ti.kernel
def _wipe(outgoing: PIXELS, incoming: PIXELS, turns: FIELD, gain: ti.f32, offset: ti.f32, target: PIXELS):
    for y, x in target:
        share = ti.min(ti.max(turns[y, x] * gain + offset, 0.0), 1.0)
        target[y, x] = outgoing[y, x] * (1 - share) + incoming[y, x] * share


def wipe(outgoing: Any, incoming: Any, progress: float, values: Values, view: View) -> Any:
    height, width = outgoing.shape
    gain, offset = wipe_ramp(progress, values, view)
    target = empty(width, height)
    _wipe(outgoing, incoming, _field(values["pattern"], width, height), gain, offset, target)
    return target


MIXES = {"dissolve": dissolve, "dip_to_colour": dip_to_colour, "push": moving, "slide": moving}
WHOLE_MIXES = {"wipe": wipe}
