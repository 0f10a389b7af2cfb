"""Several pictures in planes become one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.planar.value import Planar, Plane, black


def mixed(first: Planar, second: Planar, share: float) -> Planar | None:
    """``(1 − share) · first + share · second``, both covering the canvas."""
    if not (first.goes_with(second) and first.covers and second.covers):
        return None
    found = []
    for i in range(3):
        a, b = first.planes[i], second.planes[i]
        result = np.empty(a.shape, np.float32)
        constant = first.offsets[i] * (1 - share) + second.offsets[i] * share
        mix(a, b, np.float32(first.gains[i] * (1 - share)), np.float32(second.gains[i] * share), np.float32(constant), result)
        found.append(result)
    return replace(first.with_planes(found), is_averaged=first.is_averaged or second.is_averaged)


def laid_over(below: Planar, above: Planar, opacity: float) -> Planar | None:
    """``above``, where it is, over ``below``, which covers the canvas."""
    if below.is_black and below.shape == above.shape:
        below = black(below.width, below.height, above)
    if not (below.goes_with(above) and below.covers):
        return None
    if above.covers:
        return mixed(below, above, opacity)
    found = []
    for i in range(3):
        a, b = below.planes[i], above.planes[i]
        left, top = (above.left, above.top) if i == 0 else (above.left >> above.across, above.top >> above.down)
        result = np.empty(a.shape, np.float32)
        constant = below.offsets[i] * (1 - opacity) + above.offsets[i] * opacity
        _lay(
            a,
            b,
            np.array(
                [below.gains[i], below.offsets[i], below.gains[i] * (1 - opacity), above.gains[i] * opacity, constant],
                np.float32,
            ),
            left,
            top,
            result,
        )
        found.append(result)
    return replace(below.with_planes(found), is_averaged=below.is_averaged or above.is_averaged)


@compiled
def mix(a: Plane, b: Plane, of_a: np.float32, of_b: np.float32, constant: np.float32, result: Plane) -> None:
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            result[y, x] = np.float32(a[y, x]) * of_a + np.float32(b[y, x]) * of_b + constant


@compiled
def _lay(a: Plane, b: Plane, n: NDArray[np.float32], left: int, top: int, result: Plane) -> None:
    gain, offset, of_a, of_b, constant = n[0], n[1], n[2], n[3], n[4]
    right, bottom = left + b.shape[1], top + b.shape[0]
    for y in range(a.shape[0]):
        old, new = a[y], result[y]
        for x in range(old.shape[0]):
            new[x] = np.float32(old[x]) * gain + offset
        if top <= y < bottom:
            under, over, row = old[left:right], b[y - top], new[left:right]
            for x in range(row.shape[0]):
                row[x] = np.float32(under[x]) * of_a + np.float32(over[x]) * of_b + constant
