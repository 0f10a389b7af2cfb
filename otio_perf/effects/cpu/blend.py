"""Blend modes by numba: one pass, the layer's opacity multiplied in on the way."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Picture

_ONE = np.float32(1)


@compiled
def _over(below: Picture, above: Picture, opacity: np.float32, result: Picture) -> None:
    for y in range(below.shape[0]):
        for x in range(below.shape[1]):
            rest = _ONE - above[y, x, 3] * opacity
            for c in range(4):
                result[y, x, c] = above[y, x, c] * opacity + below[y, x, c] * rest


def over(below: Picture, above: Picture, opacity: float) -> Picture:
    result = np.empty_like(below)
    _over(below, above, np.float32(opacity), result)
    return result


BLENDS = {"over": over}
