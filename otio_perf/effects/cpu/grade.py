"""Grading by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import affine, limit, tone
from otio_perf.effects.registry import Packed, Picture

_ZERO = np.float32(0)


@compiled
def lift_gamma_gain(rows: Picture, packed: Packed, top: int) -> None:
    for number in range(int(packed[0])):
        tone(rows, packed, 1 + 21 * number)


@compiled
def asc_cdl(rows: Picture, packed: Packed, top: int) -> None:
    tone(rows, packed, 1)
    if packed[0] != _ZERO:
        affine(rows, packed, 22, False)
        limit(rows)


@compiled
def levels(rows: Picture, packed: Packed, top: int) -> None:
    tone(rows, packed, 0)


POINTS = {"lift_gamma_gain": lift_gamma_gain, "asc_cdl": asc_cdl, "levels": levels}
