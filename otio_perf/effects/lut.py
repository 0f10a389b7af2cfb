"""Lookup tables: a curve by channel, a cube of colours, or the one and then the other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.lut_files import Cube, Curve, Lut, read_lut
from otio_perf.effects.parameters import Choice, File, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View

_HEAD = 16


def _lut(picture: Picture, values: Values, view: View) -> Picture:
    """Colours outside the table's domain are taken to its edge. Without a file nothing happens, as in FFmpeg's ``lut3d``."""
    table = read_lut(values["path"])
    colour = picture[..., :3]
    if table.curve is not None:
        colour = _along(table.curve, colour)
    if table.cube is not None:
        colour = _within(table.cube, colour, values["interpolation"])
    result = picture.copy()
    result[..., :3] = colour
    return result


def _place(colour: NDArray[np.float32], table: Curve | Cube) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which entries a colour lies behind, and how far on the way to the next, by channel."""
    low, high = np.array(table.low, np.float32), np.array(table.high, np.float32)
    place = np.clip((colour - low) / (high - low), np.float32(0), np.float32(1)) * np.float32(table.size - 1)
    at = np.minimum(place.astype(np.intp), table.size - 2)
    return at, (place - at).astype(np.float32)


def _along(curve: Curve, colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Straight lines between entries."""
    at, part = _place(colour, curve)
    channel = np.arange(3)
    before, after = curve.entries[at, channel], curve.entries[at + 1, channel]
    result: NDArray[np.float32] = before + (after - before) * part
    return result


def _within(cube: Cube, colour: NDArray[np.float32], interpolation: str) -> NDArray[np.float32]:
    """``trilinear``: between the eight entries around. ``tetrahedral``: from the lower corner to the upper one along the edges,
    the channel that is furthest first (Sakamoto's tetrahedra): four entries, and greys stay as grey as the table's diagonal."""
    entry, part = _place(colour, cube)
    result = np.zeros_like(colour)
    if interpolation == "trilinear":
        for corner in np.ndindex(2, 2, 2):
            shares = np.where(np.array(corner) == 1, part, 1 - part)
            result += shares.prod(axis=-1, keepdims=True) * _entries(cube, entry + np.array(corner))
        return result
    order = np.argsort(-part, axis=-1, kind="stable")
    ways = np.take_along_axis(part, order, axis=-1)
    for number in range(4):
        before = ways[..., number - 1, None] if number else 1
        after = ways[..., number, None] if number < 3 else 0
        result += (before - after) * _entries(cube, entry)
        if number < 3:
            entry = entry + np.eye(3, dtype=np.intp)[order[..., number]]
    return result


def _entries(cube: Cube, at: NDArray[np.intp]) -> NDArray[np.float32]:
    return cube.entries[at[..., 2], at[..., 1], at[..., 0]]


def numbers(curve: Curve | None, cube: Cube | None, interpolation: str) -> Packed:
    """Both tables for kernels: 16 numbers (is it tetrahedral; size of the curve, of the cube; of each the domain's low end and
    what a colour's distance from it is multiplied by; one spare), the curve by entry and channel, the cube by blue, green,
    red and channel, with a fourth number after each three so that entries are aligned."""
    head = np.zeros(_HEAD, np.float32)
    head[0] = interpolation == "tetrahedral"
    parts = [head]
    for place, table in enumerate((curve, cube)):
        if table is not None:
            low, high = np.array(table.low, np.float32), np.array(table.high, np.float32)
            head[1 + place] = table.size
            head[3 + 6 * place : 6 + 6 * place] = low
            head[6 + 6 * place : 9 + 6 * place] = np.float32(table.size - 1) / (high - low)
            parts.append(np.pad(table.entries, [(0, 0)] * (table.entries.ndim - 1) + [(0, 1)]).ravel())
    return np.concatenate(parts)


@lru_cache(maxsize=4)
def _numbers(table: Lut, interpolation: str) -> Packed:
    packed = numbers(table.curve, table.cube, interpolation)
    packed.flags.writeable = False
    return packed


def _pack_lut(values: Values, view: View) -> Packed:
    return _numbers(read_lut(values["path"]), values["interpolation"])


EFFECTS = (
    Effect(
        name="lut",
        title="LUT",
        family="lut",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=(
            File(name="path", help=".cube, .3dl, .spi1d or .spi3d"),
            Choice(
                name="interpolation",
                default="tetrahedral",
                options=("tetrahedral", "trilinear"),
                help="Between entries of a cube",
            ),
        ),
        reference=_lut,
        pack=_pack_lut,
        cost=3.7,
        cost_of=lambda values: 5.1 if values["interpolation"] == "trilinear" else 3.7,
        is_identity=lambda values: not values["path"],
    ),
)
