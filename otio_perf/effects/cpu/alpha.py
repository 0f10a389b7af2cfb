"""Between straight and premultiplied colours."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Packed, Picture

_ONE, _ZERO = np.float32(1), np.float32(0)


@compiled
def unpremultiply(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    share, rest = np.array([1, 1, 1, 0], np.float32), np.array([0, 0, 0, 1], np.float32)
    for y in range(rows.shape[0]):
        old, new = source[y].reshape(-1), rows[y].reshape(-1)
        for x in range(rows.shape[1]):
            alpha = old[4 * x + 3]
            gain = _ONE / alpha if alpha > _ZERO else _ZERO
            for c in range(4):
                new[4 * x + c] = old[4 * x + c] * (gain * share[c] + rest[c])


@compiled
def premultiply(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    share, rest = np.array([1, 1, 1, 0], np.float32), np.array([0, 0, 0, 1], np.float32)
    for y in range(rows.shape[0]):
        old, new = source[y].reshape(-1), rows[y].reshape(-1)
        for x in range(rows.shape[1]):
            alpha = old[4 * x + 3]
            for c in range(4):
                new[4 * x + c] = old[4 * x + c] * (alpha * share[c] + rest[c])


POINTS = {"unpremultiply": unpremultiply, "premultiply": premultiply}
