"""Colour effects by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import (
    Row,
    add_to_colours,
    affine,
    affine_lanes,
    affine_row,
    gain,
    limited_affine_row,
    power,
    tone_lanes,
    tone_row,
)
from otio_perf.effects.registry import Packed, Picture
from otio_perf.effects.stages import HEADROOM

_ZERO, _ONE, _HEADROOM = np.float32(0), np.float32(1), np.float32(HEADROOM)


@compiled
def exposure(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    gain(source, rows, packed[0], packed[0], packed[0])


@compiled
def white_balance(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    gain(source, rows, packed[0], packed[1], packed[2])


@compiled
def _mapped(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    affine(source, rows, packed, 0, True)


@compiled
def _luma_powers(row: Row, packed: Packed, changes: Row) -> None:
    """What Y' becomes more."""
    exponent, red, green, blue = packed[1], packed[2], packed[3], packed[4]
    for x in range(changes.size):
        luma = row[4 * x] * red + row[4 * x + 1] * green + row[4 * x + 2] * blue
        changes[x] = power(min(max(luma, _ZERO), _HEADROOM), exponent) - luma


@compiled
def _of_exponent(exponent: np.float32) -> Packed:
    """As ``effects.stages.tone`` packs it."""
    packed = np.ones(21, np.float32)
    packed[3:6], packed[6:9], packed[9:12], packed[12:15], packed[18:21] = _ZERO, _ZERO, _HEADROOM, exponent, _ZERO
    return packed


@compiled
def adjust(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    if packed[0] == _ZERO:
        affine(source, rows, packed, 5, False)
        return
    before, after = affine_lanes(packed, 5, False), affine_lanes(packed, 17, False)
    curve = tone_lanes(_of_exponent(packed[1]), 0)
    width = rows.shape[1]
    graded, bent, changes = np.empty(4 * width, np.float32), np.empty(4 * width, np.float32), np.empty(width, np.float32)
    for y in range(rows.shape[0]):
        affine_row(source[y].reshape(-1), graded, before)
        if packed[0] == _ONE:
            tone_row(graded, bent, curve)
        else:
            _luma_powers(graded, packed, changes)
            add_to_colours(graded, changes, bent)
        affine_row(bent, rows[y].reshape(-1), after)


@compiled
def code_gain(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    """By way of Y'CbCr, held within what there are codes for."""
    to, back = affine_lanes(packed, 0, False), affine_lanes(packed, 12, False)
    least, most = np.array([0, -0.5, -0.5, 0], np.float32), np.array([1, 0.5, 0.5, 1], np.float32)
    ycc = np.empty(4 * rows.shape[1], np.float32)
    for y in range(rows.shape[0]):
        limited_affine_row(source[y].reshape(-1), ycc, to, least, most)
        affine_row(ycc, rows[y].reshape(-1), back)


POINTS = {
    "exposure": exposure,
    "white_balance": white_balance,
    "adjust": adjust,
    "code_gain": code_gain,
    "invert": _mapped,
    "greyscale": _mapped,
    "sepia": _mapped,
}
