"""Transitions by numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Packed, Picture, View, registry
from otio_perf.effects.transitions import MOVES, wipe_ramp
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


def _between(first: Picture, second: Picture, part: np.float32, result: Picture) -> None:
    """Whole pixels are copied."""
    if part == _ZERO:
        np.copyto(result, first)
    else:
        _mix(first, second, part, result)


@compiled
def _mix(first: Picture, second: Picture, part: np.float32, result: Picture) -> None:
    rest = _ONE - part
    for y in range(first.shape[0]):
        for x in range(first.shape[1]):
            for c in range(4):
                result[y, x, c] = first[y, x, c] * rest + second[y, x, c] * part


def push(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    return _moved("push", outgoing, incoming, progress, values, view)


def slide(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    return _moved("slide", outgoing, incoming, progress, values, view)


def _moved(name: str, outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    moves, vertical, backwards, whole, part = _packed(name, progress, values, view)
    result = np.empty_like(outgoing)
    old, new, target = (_Lines(p, vertical=bool(vertical), backwards=bool(backwards)) for p in (outgoing, incoming, result))
    length = target.length
    seam = length - int(whole)  # where the incoming picture begins

    if moves == MOVES["incoming"]:
        target[0 : seam - 1][:] = old[0 : seam - 1]
        last = old[seam - 1 : seam]
    else:
        _between(old[length - seam : length - 1], old[length - seam + 1 : length], part, target[0 : seam - 1])
        last = old[length - 1 : length]
    if moves == MOVES["outgoing"]:
        _between(last, new[seam - 1 : seam], part, target[seam - 1 : seam])
        target[seam:length][:] = new[seam:length]
    else:
        _between(last, new[0:1], part, target[seam - 1 : seam])
        _between(new[0 : length - seam], new[1 : length - seam + 1], part, target[seam:length])
    return result


class _Lines:
    """A picture by its lines across a movement, counted from where it goes to."""

    def __init__(self, picture: Picture, *, vertical: bool, backwards: bool) -> None:
        self._picture, self._vertical, self._backwards = picture, vertical, backwards
        self.length = picture.shape[0 if vertical else 1]

    def __getitem__(self, lines: slice) -> Picture:
        if self._backwards:  # turned around as a whole: the lines of all pictures stay in the same order
            lines = slice(self.length - lines.stop, self.length - lines.start)
        return self._picture[lines] if self._vertical else self._picture[:, lines]


def _packed(name: str, progress: float, values: Values, view: View) -> Packed:
    pack = registry().transition(name).pack
    assert pack is not None
    return pack(progress, values, view)


MIXES = {"dissolve": dissolve, "dip_to_colour": dip_to_colour, "wipe": wipe, "push": push, "slide": slide}
