"""Grading by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import affine_lanes, limited_affine_row, tone, tone_lanes, tone_row
from otio_perf.effects.registry import Packed, Picture

_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def lift_gamma_gain(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    """One tone curve or three."""
    if packed[0] == _ONE:
        tone(source, rows, packed, 1)
        return
    to, lifted, back = tone_lanes(packed, 1), tone_lanes(packed, 22), tone_lanes(packed, 43)
    first, second = np.empty(4 * rows.shape[1], np.float32), np.empty(4 * rows.shape[1], np.float32)
    for y in range(rows.shape[0]):
        tone_row(source[y].reshape(-1), first, to)
        tone_row(first, second, lifted)
        tone_row(second, rows[y].reshape(-1), back)


@compiled
def asc_cdl(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    if packed[0] == _ZERO:
        tone(source, rows, packed, 1)
        return
    curve, saturation = tone_lanes(packed, 1), affine_lanes(packed, 22, False)
    black, white = np.zeros(4, np.float32), np.ones(4, np.float32)
    bent = np.empty(4 * rows.shape[1], np.float32)
    for y in range(rows.shape[0]):
        tone_row(source[y].reshape(-1), bent, curve)
        limited_affine_row(bent, rows[y].reshape(-1), saturation, black, white)


@compiled
def levels(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    tone(source, rows, packed, 0)


POINTS = {"lift_gamma_gain": lift_gamma_gain, "asc_cdl": asc_cdl, "levels": levels}
