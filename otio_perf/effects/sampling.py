"""Reading a picture between its pixels. The two ways by which pixels get another place, as all engines do them:

- ``resampled``: whole rows and columns, each new one being a weighted sum of old ones (``Taps``);
- ``warped``: each new pixel read at a place of its own.

Integer coordinates are pixel centres. Colours are premultiplied, so that nothing bleeds out of transparent areas. Kernels with
negative lobes may overshoot: colours are kept as they come, alpha is held within 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.registry import Picture

Floats = NDArray[np.float64]


class Interpolation(StrEnum):
    """OpenCV's kernels of the same names."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"  # Keys 1981, with a = −0.75
    LANCZOS = "lanczos"  # 4 lobes, weights normalised


class Edges(StrEnum):
    """What is read outside a picture."""

    TRANSPARENT = "transparent"
    CLAMP = "clamp"  # the nearest pixel
    MIRROR = "mirror"  # reflected at the edge: … b a | a b c …


#: Pixels that a kernel reads to either side.
REACH = {Interpolation.BILINEAR: 1, Interpolation.BICUBIC: 2, Interpolation.LANCZOS: 4}


def weights(part: Floats, interpolation: Interpolation) -> Floats:
    """Of the ``2 · reach`` pixels around a place, from ``1 − reach`` to ``reach`` away from the pixel before it.

    :param part: how far the place lies behind that pixel, 0 to 1, of any shape; the weights come as one more axis.
    """
    reach = REACH[interpolation]
    distance = np.abs(part[..., None] - np.arange(1 - reach, reach + 1))
    if interpolation is Interpolation.BILINEAR:
        return 1 - distance
    if interpolation is Interpolation.BICUBIC:
        a = -0.75
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        far = a * (((distance - 5) * distance + 8) * distance - 4)
        found: Floats = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
        return found
    raw = np.sinc(distance) * np.sinc(distance / reach)
    lanczos: Floats = raw / raw.sum(axis=-1, keepdims=True)
    return lanczos


@dataclass(frozen=True, slots=True)
class Taps:
    """New rows (or columns) from ``old`` ones: of ``new`` ones those from ``start`` on.

    Number ``start + i`` is the sum over ``k`` of ``weights[i, k]`` × old number ``first[i] + k``, the nearest there is where
    that lies outside.
    """

    first: NDArray[np.int32]
    weights: NDArray[np.float32]
    interpolation: Interpolation
    old: int
    new: int
    start: int


def taps(old: int, new: int, interpolation: Interpolation, start: int = 0, stop: int | None = None) -> Taps:
    """``old`` pixels brought to ``new`` ones, of which numbers ``start`` to ``stop`` are wanted.

    Fewer: each is the mean of what it covers, parts of pixels counted as parts (OpenCV's ``INTER_AREA``). More: interpolated at
    the centres of the new pixels.
    """
    numbers = np.arange(start, new if stop is None else stop)
    ratio = old / new
    if new < old:
        low = (numbers * ratio)[:, None]
        first = np.floor(low[:, 0] + 1e-9).astype(np.int32)
        cells = first[:, None] + np.arange(int(np.ceil(ratio)) + (old % new != 0))
        covered = np.minimum(cells + 1, low + ratio) - np.maximum(cells, low)
        return Taps(first, (np.maximum(covered, 0) / ratio).astype(np.float32), interpolation, old, new, start)
    if new == old:
        return Taps(numbers.astype(np.int32), np.ones((len(numbers), 1), np.float32), interpolation, old, new, start)
    place = (numbers + 0.5) * ratio - 0.5
    before = np.floor(place)
    first = (before - REACH[interpolation] + 1).astype(np.int32)
    return Taps(first, weights(place - before, interpolation).astype(np.float32), interpolation, old, new, start)


def resampled(picture: Picture, columns: Taps, rows: Taps) -> Picture:
    """``picture`` with new columns and rows."""
    for axis, line in ((0, rows), (1, columns)):
        last = picture.shape[axis] - 1
        shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
        picture = sum(
            (
                np.take(picture, np.clip(line.first + k, 0, last), axis=axis) * line.weights[:, k].reshape(shape)
                for k in range(line.weights.shape[1])
            ),
            start=np.zeros((), np.float32),
        )
    return _with_alpha_in_range(picture)


def warped(picture: Picture, matrix: Floats, width: int, height: int, interpolation: Interpolation, edges: Edges) -> Picture:
    """A picture of ``width`` × ``height`` whose pixel ``(x, y)`` is read at ``matrix · (x, y, 1)``, a 3 × 3 homography.

    Where the third coordinate is not positive (behind the viewer) there is nothing.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    across, down, depth = (row[0] * x + row[1] * y + row[2] for row in matrix)
    seen = depth > 0
    depth = np.where(seen, depth, 1)
    across, down = across / depth, down / depth
    left, top = np.floor(across), np.floor(down)
    of_column, of_row = weights(across - left, interpolation), weights(down - top, interpolation)
    reach = REACH[interpolation]
    result = np.zeros((height, width, 4), np.float32)
    for j in range(2 * reach):
        for i in range(2 * reach):
            weight = (of_row[..., j] * of_column[..., i] * seen).astype(np.float32)
            result += _read(picture, left + i - reach + 1, top + j - reach + 1, edges) * weight[..., None]
    return _with_alpha_in_range(result)


def _read(picture: Picture, x: Floats, y: Floats, edges: Edges) -> Picture:
    height, width = picture.shape[:2]
    if edges is Edges.MIRROR:
        x, y = _mirrored(x, width), _mirrored(y, height)
    column, row = np.clip(x, 0, width - 1).astype(np.intp), np.clip(y, 0, height - 1).astype(np.intp)
    found: Picture = picture[row, column]
    if edges is Edges.TRANSPARENT:
        found = found * ((x >= 0) & (x < width) & (y >= 0) & (y < height))[..., None]
    return found


def _mirrored(index: Floats, length: int) -> Floats:
    within = np.mod(index, 2 * length)
    mirrored: Floats = np.minimum(within, 2 * length - 1 - within)
    return mirrored


def _with_alpha_in_range(picture: Picture) -> Picture:
    np.clip(picture[..., 3], 0, 1, out=picture[..., 3])
    return picture
