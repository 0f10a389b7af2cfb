"""Between straight and premultiplied colours."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Packed, Picture

_ONE, _ZERO = np.float32(1), np.float32(0)


@compiled
def unpremultiply(rows: Picture, packed: Packed, top: int) -> None:
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            a = rows[y, x, 3]
            scale = _ONE / a if a > _ZERO else _ZERO
            for c in range(3):
                rows[y, x, c] *= scale


@compiled
def premultiply(rows: Picture, packed: Packed, top: int) -> None:
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            for c in range(3):
                rows[y, x, c] *= rows[y, x, 3]


POINTS = {"unpremultiply": unpremultiply, "premultiply": premultiply}
