"""Vignette by numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import multiply_colours
from otio_perf.effects.registry import Packed, Picture

Line = NDArray[np.float32]

_ZERO, _ONE = np.float32(0), np.float32(1)
# sin(t · π / 2) from 0 to 1, odd powers, fitted (off by 1.4e-6): the C library's goes one number at a time.
_S1, _S3, _S5, _S7 = np.float32(1.5707958), np.float32(-0.64593226), np.float32(0.07951469), np.float32(-0.004379516)


@compiled
def vignette_gains(packed: Packed, x: np.float32, y: np.float32, step: np.float32, gains: Line) -> None:
    """Of a row of samples: the first lies at ``x``, each next one ``step`` pixels further on."""
    centre_x, centre_y, outer, width, amount, is_smooth = packed[0], packed[1], packed[2], packed[3], packed[4], packed[5]
    steepness, dy = _ONE / width, y - centre_y
    for i in range(gains.shape[0]):
        dx = x + step * np.float32(i) - centre_x
        inside = min(max((outer - np.sqrt(dx * dx + dy * dy)) * steepness, _ZERO), _ONE)
        square = inside * inside
        sine = inside * (_S1 + square * (_S3 + square * (_S5 + square * _S7)))
        inside = sine * sine * sine if is_smooth != _ZERO else inside
        gains[i] = _ONE - amount * (_ONE - inside)


@compiled
def vignette(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    gains = np.empty(rows.shape[1], np.float32)  # of a whole row first: many at once
    for y in range(rows.shape[0]):
        vignette_gains(packed, _ZERO, np.float32(top + y), _ONE, gains)
        multiply_colours(source[y].reshape(-1), gains, rows[y].reshape(-1))


POINTS = {"vignette": vignette}
