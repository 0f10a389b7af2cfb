"""Transitions by numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Packed, Picture, View, registry
from otio_perf.effects.transitions import wipe_ramp
from otio_perf.effects.wipes import field

_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def _dissolve(outgoing: Picture, incoming: Picture, mix: np.float32, result: Picture) -> None:
    rest = _ONE - mix
    for y in range(outgoing.shape[0]):
        for x in range(outgoing.shape[1]):
            for c in range(4):
                result[y, x, c] = outgoing[y, x, c] * rest + incoming[y, x, c] * mix


def dissolve(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    result = np.empty_like(outgoing)
    _dissolve(outgoing, incoming, np.float32(progress), result)
    return result


@compiled
def _dip(picture: Picture, share: np.float32, colour: Packed, result: Picture) -> None:
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            for c in range(4):
                result[y, x, c] = picture[y, x, c] * share + colour[c]


def dip_to_colour(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    packed = _packed("dip_to_colour", progress, values, view)
    result = np.empty_like(outgoing)
    picture, share = (outgoing, packed[0]) if progress < 0.5 else (incoming, packed[1])
    _dip(picture, share, packed[2:], result)
    return result


@compiled
def _wipe(
    outgoing: Picture,
    incoming: Picture,
    turns: NDArray[np.float32],
    gain: np.float32,
    offset: np.float32,
    result: Picture,
) -> None:
    for y in range(outgoing.shape[0]):
        for x in range(outgoing.shape[1]):
            share = min(max(turns[y, x] * gain + offset, _ZERO), _ONE)
            for c in range(4):
                result[y, x, c] = outgoing[y, x, c] * (_ONE - share) + incoming[y, x, c] * share


def wipe(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    height, width = outgoing.shape[:2]
    gain, offset = wipe_ramp(progress, values, view)
    result = np.empty_like(outgoing)
    _wipe(outgoing, incoming, field(values["pattern"], width, height), np.float32(gain), np.float32(offset), result)
    return result


@compiled
def _moving(outgoing: Picture, incoming: Picture, packed: Packed, result: Picture) -> None:
    moves, vertical, backwards, whole, part = int(packed[0]), packed[1] > 0, packed[2] > 0, int(packed[3]), packed[4]
    height, width = outgoing.shape[:2]
    length = height if vertical else width
    for y in range(height):
        for x in range(width):
            here = y if vertical else x
            if backwards:
                here = length - 1 - here
            for step in range(2):
                column = here + whole + step
                if moves == 1:
                    column -= length
                    is_new, at = column >= 0, (min(column, length - 1) if column >= 0 else here)
                else:
                    is_new, at = column >= length, column
                    if is_new:
                        at = min(column - length, length - 1) if moves == 0 else here
                weight = part if step else _ONE - part
                if backwards:
                    at = length - 1 - at
                row, at_x = (at, x) if vertical else (y, at)
                for c in range(4):
                    value = (incoming[row, at_x, c] if is_new else outgoing[row, at_x, c]) * weight
                    result[y, x, c] = result[y, x, c] + value if step else value


def push(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    return _moved("push", outgoing, incoming, progress, values, view)


def slide(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    return _moved("slide", outgoing, incoming, progress, values, view)


def _moved(name: str, outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    result = np.empty_like(outgoing)
    _moving(outgoing, incoming, _packed(name, progress, values, view), result)
    return result


def _packed(name: str, progress: float, values: Values, view: View) -> Packed:
    pack = registry().transition(name).pack
    assert pack is not None
    return pack(progress, values, view)


MIXES = {"dissolve": dissolve, "dip_to_colour": dip_to_colour, "wipe": wipe, "push": push, "slide": slide}
