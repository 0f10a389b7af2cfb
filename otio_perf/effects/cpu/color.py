"""Colour effects by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import affine, power, tone
from otio_perf.effects.registry import Packed, Picture
from otio_perf.effects.stages import HEADROOM

_ZERO, _ONE, _HALF, _HEADROOM = np.float32(0), np.float32(1), np.float32(0.5), np.float32(HEADROOM)


@compiled
def exposure(rows: Picture, packed: Packed, top: int) -> None:
    gain = packed[0]
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            for c in range(3):
                rows[y, x, c] *= gain


@compiled
def white_balance(rows: Picture, packed: Packed, top: int) -> None:
    red, green, blue = packed[0], packed[1], packed[2]
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            rows[y, x, 0] *= red
            rows[y, x, 1] *= green
            rows[y, x, 2] *= blue


@compiled
def _mapped(rows: Picture, packed: Packed, top: int) -> None:
    affine(rows, packed, 0, True)


@compiled
def _luma_power(rows: Picture, packed: Packed) -> None:
    exponent, red, green, blue = packed[1], packed[2], packed[3], packed[4]
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            luma = rows[y, x, 0] * red + rows[y, x, 1] * green + rows[y, x, 2] * blue
            change = power(min(max(luma, _ZERO), _HEADROOM), exponent) - luma
            for c in range(3):
                rows[y, x, c] += change


@compiled
def _rgb_power(rows: Picture, exponent: np.float32) -> None:
    packed = np.ones(21, np.float32)
    packed[3:6], packed[6:9], packed[9:12], packed[12:15], packed[18:21] = _ZERO, _ZERO, _HEADROOM, exponent, _ZERO
    tone(rows, packed, 0)


@compiled
def adjust(rows: Picture, packed: Packed, top: int) -> None:
    affine(rows, packed, 5, False)
    if packed[0] == _ZERO:
        return
    if packed[0] == _ONE:
        _rgb_power(rows, packed[1])
    else:
        _luma_power(rows, packed)
    affine(rows, packed, 17, False)


@compiled
def code_gain(rows: Picture, packed: Packed, top: int) -> None:
    affine(rows, packed, 0, False)
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            rows[y, x, 0] = min(max(rows[y, x, 0], _ZERO), _ONE)
            rows[y, x, 1] = min(max(rows[y, x, 1], -_HALF), _HALF)
            rows[y, x, 2] = min(max(rows[y, x, 2], -_HALF), _HALF)
    affine(rows, packed, 12, False)


POINTS = {
    "exposure": exposure,
    "white_balance": white_balance,
    "adjust": adjust,
    "code_gain": code_gain,
    "invert": _mapped,
    "greyscale": _mapped,
    "sepia": _mapped,
}
