"""Geometry on the CPU."""

from __future__ import annotations

import cv2
import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.sampling import resampled, warped
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Packed, Picture, View
from otio_perf.effects.sampling import taps
from otio_perf.effects.transform import Warp, corner_pin_warp, transform_warp

_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)


def _drawn(picture: Picture, warp: Warp | None, view: View) -> Picture:
    if warp is None:
        return np.zeros((view.height, view.width, 4), np.float32)
    height, width = picture.shape[:2]
    if (warp.width, warp.height) != (width, height):
        columns = taps(width, warp.width, warp.interpolation)
        picture = resampled(picture, columns, taps(height, warp.height, warp.interpolation))
    return warped(picture, warp.matrix, view.width, view.height, warp.interpolation, warp.edges)


def transform(picture: Picture, values: Values, view: View) -> Picture:
    return _drawn(picture, transform_warp(values, view), view)


def corner_pin(picture: Picture, values: Values, view: View) -> Picture:
    return _drawn(picture, corner_pin_warp(values, view), view)


def flip(picture: Picture, values: Values, view: View) -> Picture:
    both = values["horizontal"] and values["vertical"]
    flipped: Picture = cv2.flip(picture, -1 if both else int(values["horizontal"]))
    return flipped


@compiled
def _share(place: np.float32, first: np.float32, last: np.float32, steepness: np.float32) -> np.float32:
    return min(max(min((place - first) * steepness, (last - place) * steepness), _ZERO), _ONE)


@compiled
def crop(source: Picture, rows: Picture, packed: Packed, top: int) -> None:
    left, above, right, below, steepness = packed[0], packed[1], packed[2], packed[3], packed[4]
    columns = np.empty(rows.shape[1], np.float32)
    for x in range(columns.size):
        columns[x] = _share(np.float32(x) + _HALF, left, right, steepness)
    for y in range(rows.shape[0]):
        kept = _share(np.float32(y + top) + _HALF, above, below, steepness)
        old, new = source[y].reshape(-1), rows[y].reshape(-1)
        for x in range(columns.size):
            share = columns[x] * kept
            for c in range(4):
                new[4 * x + c] = old[4 * x + c] * share


POINTS = {"crop": crop}
WHOLES = {"transform": transform, "corner_pin": corner_pin, "flip": flip}
