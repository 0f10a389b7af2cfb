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
def crop(rows: Picture, packed: Packed, top: int) -> None:
    left, above, right, below, steepness = packed[0], packed[1], packed[2], packed[3], packed[4]
    for y in range(rows.shape[0]):
        down = np.float32(y + top) + _HALF
        kept_row = min((down - above) * steepness, (below - down) * steepness)
        kept_row = min(max(kept_row, _ZERO), _ONE)
        for x in range(rows.shape[1]):
            across = np.float32(x) + _HALF
            kept = min((across - left) * steepness, (right - across) * steepness)
            kept = min(max(kept, _ZERO), _ONE) * kept_row
            for c in range(4):
                rows[y, x, c] *= kept


POINTS = {"crop": crop}
WHOLES = {"transform": transform, "corner_pin": corner_pin, "flip": flip}
