"""Colour effects by numba."""

from __future__ import annotations

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Packed, Picture


@compiled
def exposure(rows: Picture, packed: Packed, top: int) -> None:
    gain = packed[0]
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            for c in range(3):
                rows[y, x, c] *= gain


POINTS = {"exposure": exposure}
