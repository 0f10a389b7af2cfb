"""Transitions by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Picture, View

_ONE = np.float32(1)


@compiled
def _dissolve(outgoing: Picture, incoming: Picture, mix: np.float32, result: Picture) -> None:
    rest = _ONE - mix
    for y in range(outgoing.shape[0]):
        for x in range(outgoing.shape[1]):
            for c in range(4):
                result[y, x, c] = outgoing[y, x, c] * rest + incoming[y, x, c] * mix


def dissolve(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    result = np.empty_like(outgoing)
    _dissolve(outgoing, incoming, np.float32(progress), result)
    return result


MIXES = {"dissolve": dissolve}
