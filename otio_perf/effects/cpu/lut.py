"""Lookup tables by numba. ``packed`` as ``effects.lut.numbers`` makes it.

Of a cube, places and weights are reckoned for a whole row first: that the compiler does on many pixels at once, and only
the fetching goes one by one (11 ms a 1080p picture instead of 41). Indices are unsigned: numba then does not look whether
they count from the end.
"""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Packed, Picture

_ZERO, _ONE = np.float32(0), np.float32(1)
_HEAD, _4, _CELL = np.uintp(16), np.uintp(4), np.int32(4)


@compiled
def _along(source: Picture, rows: Picture, packed: Packed, size: int) -> None:
    """The curve has a fourth column, so alpha goes along, and is put back."""
    most, last = np.float32(size - 1), np.float32(size - 2)
    lows, scales, channels = np.zeros(4, np.float32), np.zeros(4, np.float32), np.arange(4).astype(np.int32)
    lows[:3], scales[:3] = packed[3:6], packed[6:9]
    count = 4 * rows.shape[1]
    places, parts = np.empty(count, np.int32), np.empty(count, np.float32)
    for y in range(rows.shape[0]):
        old, row = source[y].reshape(-1), rows[y].reshape(-1)
        for x in range(rows.shape[1]):
            for c in range(4):
                place = min(max((old[4 * x + c] - lows[c]) * scales[c], _ZERO), most)
                floor = min(np.floor(place), last)
                places[4 * x + c], parts[4 * x + c] = np.int32(floor) * _CELL + channels[c], place - floor
        for x in range(rows.shape[1]):
            for c in range(3):
                at = _HEAD + np.uintp(places[4 * x + c])
                before = packed[at]
                row[4 * x + c] = before + (packed[at + _4] - before) * parts[4 * x + c]
            row[4 * x + 3] = old[4 * x + 3]


@compiled
def _tetrahedral(source: Picture, rows: Picture, packed: Packed, start: int, size: int) -> None:
    most, last = np.float32(size - 1), np.float32(size - 2)
    low_r, low_g, low_b = packed[9], packed[10], packed[11]
    scale_r, scale_g, scale_b = packed[12], packed[13], packed[14]
    # Entries are counted in float32: there are fewer than 2^24, so they are exact.
    red, green, blue = _ONE, np.float32(size), np.float32(size * size)
    across = red + green + blue
    first, step = np.uintp(start), np.uintp(across) * _4
    width = rows.shape[1]
    places, weights = np.empty((3, width), np.int32), np.empty((4, width), np.float32)
    p0, p1, p2 = places[0], places[1], places[2]
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    colours = np.empty((3, width), np.float32)
    colour_r, colour_g, colour_b = colours[0], colours[1], colours[2]
    for y in range(rows.shape[0]):
        row = rows[y].reshape(-1)
        for x in range(width):
            colour_r[x], colour_g[x], colour_b[x] = source[y, x, 0], source[y, x, 1], source[y, x, 2]
        for x in range(width):
            r = min(max((colour_r[x] - low_r) * scale_r, _ZERO), most)
            g = min(max((colour_g[x] - low_g) * scale_g, _ZERO), most)
            b = min(max((colour_b[x] - low_b) * scale_b, _ZERO), most)
            i, j, k = min(np.floor(r), last), min(np.floor(g), last), min(np.floor(b), last)
            r, g, b = r - i, g - j, b - k
            entry = i + j * green + k * blue
            furthest, nearest = max(r, g, b), min(r, g, b)
            middle = max(min(r, g), min(max(r, g), b))
            go = red if r == furthest else (green if g == furthest else blue)
            come = blue if b == nearest else (green if g == nearest else red)
            p0[x], p1[x], p2[x] = np.int32(entry), np.int32(entry + go), np.int32(entry + across - come)
            w0[x], w1[x], w2[x], w3[x] = _ONE - furthest, furthest - middle, middle - nearest, nearest
        for x in range(width):
            a, b4, c4 = first + np.uintp(p0[x]) * _4, first + np.uintp(p1[x]) * _4, first + np.uintp(p2[x]) * _4
            d = a + step
            wa, wb, wc, wd = w0[x], w1[x], w2[x], w3[x]
            for c in range(3):
                o = np.uintp(c)
                row[4 * x + c] = wa * packed[a + o] + wb * packed[b4 + o] + wc * packed[c4 + o] + wd * packed[d + o]
            row[4 * x + 3] = source[y, x, 3]


@compiled
def _trilinear(source: Picture, rows: Picture, packed: Packed, start: int, size: int) -> None:
    most, last = np.float32(size - 1), np.float32(size - 2)
    low_r, low_g, low_b = packed[9], packed[10], packed[11]
    scale_r, scale_g, scale_b = packed[12], packed[13], packed[14]
    green, blue = np.float32(size), np.float32(size * size)
    first, to_g, to_b = np.uintp(start), np.uintp(size) * _4, np.uintp(size * size) * _4
    width = rows.shape[1]
    places, parts = np.empty(width, np.int32), np.empty((3, width), np.float32)
    part_r, part_g, part_b = parts[0], parts[1], parts[2]
    colours = np.empty((3, width), np.float32)
    colour_r, colour_g, colour_b = colours[0], colours[1], colours[2]
    for y in range(rows.shape[0]):
        row = rows[y].reshape(-1)
        for x in range(width):
            colour_r[x], colour_g[x], colour_b[x] = source[y, x, 0], source[y, x, 1], source[y, x, 2]
        for x in range(width):
            r = min(max((colour_r[x] - low_r) * scale_r, _ZERO), most)
            g = min(max((colour_g[x] - low_g) * scale_g, _ZERO), most)
            b = min(max((colour_b[x] - low_b) * scale_b, _ZERO), most)
            i, j, k = min(np.floor(r), last), min(np.floor(g), last), min(np.floor(b), last)
            part_r[x], part_g[x], part_b[x] = r - i, g - j, b - k
            places[x] = np.int32(i + j * green + k * blue)
        for x in range(width):
            at = first + np.uintp(places[x]) * _4
            tr, tg, tb = part_r[x], part_g[x], part_b[x]
            for c in range(3):
                o = at + np.uintp(c)
                v00, v10, v01, v11 = packed[o], packed[o + to_g], packed[o + to_b], packed[o + to_g + to_b]
                v00 += tr * (packed[o + _4] - v00)
                v10 += tr * (packed[o + to_g + _4] - v10)
                v01 += tr * (packed[o + to_b + _4] - v01)
                v11 += tr * (packed[o + to_g + to_b + _4] - v11)
                v00 += tg * (v10 - v00)
                v01 += tg * (v11 - v01)
                row[4 * x + c] = v00 + tb * (v01 - v00)
            row[4 * x + 3] = source[y, x, 3]


@compiled
def lut(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    """A curve, a cube, or a curve and then a cube, which may work in place: it keeps the colours of a row."""
    curve, cube = int(packed[1]), int(packed[2])
    if curve > 0:
        _along(source, rows, packed, curve)
        source = rows
    if cube > 0:
        if packed[0] != _ZERO:
            _tetrahedral(source, rows, packed, 16 + 4 * curve, cube)
        else:
            _trilinear(source, rows, packed, 16 + 4 * curve, cube)


POINTS = {"lut": lut, "curves": lut}
