"""What becomes of planes in the end: R'G'B', or the planes of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.pixels import of_worth
from otio_perf.effects.cpu.planar.layers import mix
from otio_perf.effects.cpu.planar.sampling import resited
from otio_perf.effects.cpu.planar.value import Planar, Plane, worth
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Picture

_ZERO, _HALF = np.float32(0), np.float32(0.5)

#: In codes.
_NEGLIGIBLE = 1e-6


def picture_of(image: Planar) -> Picture:
    """R'G'B'A on the canvas."""
    height, width = image.planes[0].shape
    canvas: Picture = (np.empty if image.covers else np.zeros)(image.shape, np.float32)
    made = canvas if image.covers else np.empty((height, width, 4), np.float32)
    rows_of(image)(0, made)
    if not image.covers:
        canvas[image.top : image.top + height, image.left : image.left + width] = made
    return canvas


def rows_of(image: Planar) -> Callable[[int, Picture], None]:
    """Some rows of where the planes are: see ``cpu.pixels.of_worth``."""
    (_, of_cb, of_cr), (_, cb, cr) = image.gains, image.offsets
    if of_cb != of_cr or cb != cr or not of_cb:  # they are brought to full size with one worth for both
        image = replace(
            image,
            planes=(image.planes[0], _values(image, 1), _values(image, 2)),
            gains=(image.gains[0], 1.0, 1.0),
            offsets=(image.offsets[0], 0.0, 0.0),
        )
    return of_worth(image.planes, image.coding, image.gains[:2], image.offsets[:2])


def _values(image: Planar, number: int) -> Plane:
    plane = image.planes[number]
    result = np.empty(plane.shape, np.float32)
    mix(plane, plane, np.float32(image.gains[number]), _ZERO, np.float32(image.offsets[number]), result)
    return result


def stored(image: Planar, coding: Coding) -> list[Plane] | None:
    """Planes as ``coding`` says, clipped and rounded; ``None``: they are to be made of R'G'B'."""
    layout = coding.layout
    is_integers = not (layout.is_rgb or layout.is_grey or layout.is_float or layout.has_alpha)
    if not is_integers or not image.covers or image.matrix != coding.matrix:
        return None
    image = resited(image, layout, coding.siting)
    gains, offsets = worth(coding)
    kind = np.dtype(np.uint8 if layout.bits == 8 else np.uint16)
    found = []
    for plane, gain, offset, of_one, of_none in zip(image.planes, image.gains, image.offsets, gains, offsets, strict=True):
        found.append(_rounded(plane, gain / of_one, (offset - of_none) / of_one, kind, (1 << layout.bits) - 1))
    return found


def _rounded(plane: Plane, gain: float, offset: float, kind: np.dtype[Any], most: int) -> Plane:
    if plane.dtype == kind and gain == 1 and abs(offset) < _NEGLIGIBLE:
        return plane
    result = np.empty(plane.shape, kind)
    _round(plane, np.float32(gain), np.float32(offset + 0.5), np.float32(most) + _HALF, result)
    return result


@compiled
def _round(plane: Plane, gain: np.float32, offset: np.float32, most: np.float32, result: Plane) -> None:
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            result[y, x] = np.int32(min(max(np.float32(plane[y, x]) * gain + offset, _ZERO), most))
