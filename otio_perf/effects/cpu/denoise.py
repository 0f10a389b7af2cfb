"""Noise: small medians by OpenCV, the rest by numba."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.denoise import bilateral_taps, median_radius
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Picture, View

#: OpenCV's median of float pictures goes as far as 5 × 5.
_LARGEST_OF_OPENCV = 2

#: Values sorted side by side: so many rows of that length as a median has neighbours stay in a core's first cache.
_STRETCH = 128

Row = NDArray[np.float32]

_ZERO, _ONE, _SIXTEENTH = np.float32(0), np.float32(1), np.float32(1 / 16)

#: Of ``exp(−t)`` from the first power on.
_TAYLOR = tuple(np.float32((-1) ** n / math.factorial(n)) for n in range(1, 6))


@cache
def median_network(count: int) -> NDArray[np.int64]:
    """Pairs to be put in order, one after the other, so that the median of ``count`` values ends up in the middle place.

    Batcher's merge exchange (Knuth, The Art of Computer Programming, volume 3, 5.2.2, algorithm M), without the pairs that
    the middle place does not depend on.
    """
    pairs = []
    bits = (count - 1).bit_length()
    p = 1 << (bits - 1)
    while p:
        q, r, d = 1 << (bits - 1), 0, p
        while True:
            pairs += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    needed, kept = {count // 2}, []
    for pair in reversed(pairs):
        if needed.intersection(pair):
            needed.update(pair)
            kept.append(pair)
    return np.array(kept[::-1], np.int64)


@compiled
def _median_of(padded: NDArray[np.float32], side: int, network: NDArray[np.int64], result: NDArray[np.float32]) -> None:
    """Rows of four channels one after the other; ``padded`` is larger by ``side // 2`` pixels all around."""
    height, length = result.shape
    values = np.empty((side * side, _STRETCH), np.float32)
    for y in range(height):
        for start in range(0, length, _STRETCH):
            count = min(_STRETCH, length - start)
            for i in range(side * side):
                left = start + i % side * 4
                values[i, :count] = padded[y + i // side, left : left + count]
            for n in range(network.shape[0]):
                low, high = values[network[n, 0]], values[network[n, 1]]
                for x in range(_STRETCH):
                    a, b = low[x], high[x]
                    low[x] = a if a < b else b
                    high[x] = b if a < b else a
            result[y, start : start + count] = values[side * side // 2, :count]


def _median(picture: Picture, values: Values, view: View) -> Picture:
    radius = median_radius(values, view)
    side = 2 * radius + 1
    if radius == 0:
        return picture.copy()
    if radius <= _LARGEST_OF_OPENCV:
        small: Picture = cv2.medianBlur(picture, side)
        return small
    height, width = picture.shape[:2]
    padded = cv2.copyMakeBorder(picture, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    result = np.empty_like(picture)
    _median_of(padded.reshape(-1, padded.shape[1] * 4), side, median_network(side * side), result.reshape(height, width * 4))
    return result


@compiled
def _weigh(
    here: tuple[Row, Row, Row, Row],
    there: tuple[Row, Row, Row, Row],
    nearness: np.float32,
    scale: np.float32,
    weights: Row,
) -> None:
    """``nearness · exp(−(scale · distance)²)`` of each pixel of two rows.

    ``exp(−x)`` is ``exp(−x / 16)`` to the power of 16; the polynomial is Taylor's, within 4 % at worst, where that is 1e-7 of
    the largest, and within 1e-5 where it is more than a hundredth.
    """
    red, green, blue, alpha = here
    red_there, green_there, blue_there, alpha_there = there
    for x in range(weights.size):
        distance = scale * (
            abs(red[x] - red_there[x])
            + abs(green[x] - green_there[x])
            + abs(blue[x] - blue_there[x])
            + abs(alpha[x] - alpha_there[x])
        )
        t = min(distance * distance * _SIXTEENTH, _ONE)
        power = _ONE + t * (_TAYLOR[0] + t * (_TAYLOR[1] + t * (_TAYLOR[2] + t * (_TAYLOR[3] + t * _TAYLOR[4]))))
        power *= power
        power *= power
        power *= power
        weights[x] = nearness * power * power


@compiled
def _add_weighted(total: Row, weights: Row, there: Row) -> None:
    for x in range(total.size):
        total[x] += weights[x] * there[x]


@compiled
def _add(total: Row, weights: Row) -> None:
    for x in range(total.size):
        total[x] += weights[x]


@compiled
def _bilateral_of(
    planes: NDArray[np.float32],
    offsets: NDArray[np.int64],
    nearness: NDArray[np.float32],
    radius: int,
    scale: np.float32,
    result: Picture,
) -> None:
    """``planes``: for each row of the picture one of each channel, larger by ``radius`` pixels all around.

    What is inside of the loops runs over single rows: only that gets vector instructions.
    """
    height, width = result.shape[:2]
    weights, total = np.empty(width, np.float32), np.empty(width, np.float32)
    red, green, blue, alpha = (
        np.empty(width, np.float32),
        np.empty(width, np.float32),
        np.empty(width, np.float32),
        np.empty(width, np.float32),
    )
    for y in range(height):
        for row in (red, green, blue, alpha, total):
            row[:] = _ZERO
        at, left, right = 4 * (y + radius), radius, radius + width
        here = (
            planes[at][left:right],
            planes[at + 1][left:right],
            planes[at + 2][left:right],
            planes[at + 3][left:right],
        )
        for i in range(offsets.shape[0]):
            at = 4 * (y + radius + offsets[i, 1])
            left = radius + offsets[i, 0]
            right = left + width
            there = (
                planes[at][left:right],
                planes[at + 1][left:right],
                planes[at + 2][left:right],
                planes[at + 3][left:right],
            )
            _weigh(here, there, nearness[i], scale, weights)
            _add(total, weights)
            _add_weighted(red, weights, there[0])
            _add_weighted(green, weights, there[1])
            _add_weighted(blue, weights, there[2])
            _add_weighted(alpha, weights, there[3])
        for x in range(width):
            part = _ONE / total[x]
            result[y, x, 0] = red[x] * part
            result[y, x, 1] = green[x] * part
            result[y, x, 2] = blue[x] * part
            result[y, x, 3] = alpha[x] * part


def _bilateral(picture: Picture, values: Values, view: View) -> Picture:
    taps = bilateral_taps(values["sigma"] * view.scale)
    radius = max(x for x, _, _ in taps)
    padded = cv2.copyMakeBorder(picture, radius, radius, radius, radius, cv2.BORDER_REFLECT)
    planes = np.ascontiguousarray(padded.transpose(0, 2, 1)).reshape(-1, padded.shape[1])
    offsets = np.array([(x, y) for x, y, _ in taps], np.int64)
    nearness = np.array([weight for _, _, weight in taps], np.float32)
    result = np.empty_like(picture)
    _bilateral_of(planes, offsets, nearness, radius, np.float32(0.5**0.5 / values["difference"]), result)
    return result


WHOLES = {"median": _median, "bilateral": _bilateral}
