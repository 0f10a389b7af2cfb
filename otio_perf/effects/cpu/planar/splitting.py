"""From R'G'B', a few rows at a time, to planes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import pixels
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.pixels import Line, lowered, narrowed, tent
from otio_perf.effects.cpu.planar.value import Plane
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Picture


class Splitting:
    """An opaque picture that comes a few rows at a time, as Y'CbCr in float32: Y' from 0 to 1, Cb and Cr from −½ to ½."""

    def __init__(self, height: int, width: int, coding: Coding) -> None:
        across, self._down = coding.layout.across, coding.layout.down
        red, blue = pixels.MATRICES[coding.matrix]
        self._numbers = np.array([red, 1 - red - blue, blue, 0.5 / (1 - blue), 0.5 / (1 - red)], np.float32)
        self._of_columns, self._factor = tent(across, pixels.chroma_offset(coding.siting, 1)), 1 << across
        self._of_rows = tent(self._down, pixels.chroma_offset(coding.siting, 0))
        self._luma = np.empty((height, width), np.float32)
        self._rows = np.empty((2, height, -(-width >> across)), np.float32)

    def take(self, top: int, rows: Picture) -> None:
        part = slice(top, top + len(rows))
        cb, cr = self._rows
        _split(rows, self._luma[part], cb[part], cr[part], *self._of_columns, self._factor, self._numbers)

    def planes(self) -> tuple[Plane, Plane, Plane]:
        """When all rows came."""
        cb, cr = self._rows
        if self._down:
            cb, cr = (self._lower(rows) for rows in (cb, cr))
        return self._luma, cb, cr

    def _lower(self, rows: Plane) -> Plane:
        plane = np.zeros((-(-len(rows) >> self._down), rows.shape[1]), np.float32)
        _lower(rows, *self._of_rows, 1 << self._down, plane)
        return plane


@compiled
def _split(
    picture: Picture,
    luma: NDArray[np.float32],
    cb: NDArray[np.float32],
    cr: NDArray[np.float32],
    first: int,
    shares: Line,
    factor: int,
    n: Line,
) -> None:
    height, width = luma.shape
    reach = max(-first, first + len(shares)) + factor
    blue_line, red_line = np.empty(width + 2 * reach, np.float32), np.empty(width + 2 * reach, np.float32)
    for y in range(height):
        for x in range(width):
            r, g, b = picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]
            level = n[0] * r + n[1] * g + n[2] * b
            luma[y, x], blue_line[reach + x], red_line[reach + x] = level, n[3] * (b - level), n[4] * (r - level)
        narrowed(blue_line, reach, first, shares, factor, cb[y])
        narrowed(red_line, reach, first, shares, factor, cr[y])


@compiled
def _lower(rows: NDArray[np.float32], first: int, shares: Line, factor: int, plane: NDArray[np.float32]) -> None:
    for y in range(plane.shape[0]):
        lowered(rows, factor * y + first, shares, plane[y])
