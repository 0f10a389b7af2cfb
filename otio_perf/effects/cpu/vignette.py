"""Vignette by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import multiply_colours
from otio_perf.effects.registry import Packed, Picture

_ZERO, _ONE = np.float32(0), np.float32(1)
# sin(t · π / 2) from 0 to 1, odd powers, fitted (off by 1.4e-6): the C library's goes one number at a time.
_S1, _S3, _S5, _S7 = np.float32(1.5707958), np.float32(-0.64593226), np.float32(0.07951469), np.float32(-0.004379516)


@compiled
def vignette(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    centre_x, centre_y, outer, width, amount, is_smooth = packed[0], packed[1], packed[2], packed[3], packed[4], packed[5]
    steepness = _ONE / width
    gains = np.empty(rows.shape[1], np.float32)  # of a whole row first: many at once
    for y in range(rows.shape[0]):
        dy = np.float32(top + y) - centre_y
        for x in range(rows.shape[1]):
            dx = np.float32(x) - centre_x
            inside = min(max((outer - np.sqrt(dx * dx + dy * dy)) * steepness, _ZERO), _ONE)
            square = inside * inside
            sine = inside * (_S1 + square * (_S3 + square * (_S5 + square * _S7)))
            inside = sine * sine * sine if is_smooth != _ZERO else inside
            gains[x] = _ONE - amount * (_ONE - inside)
        multiply_colours(source[y].reshape(-1), gains, rows[y].reshape(-1))


POINTS = {"vignette": vignette}
