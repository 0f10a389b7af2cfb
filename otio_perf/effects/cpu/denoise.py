"""Noise: small medians by OpenCV, the rest by numba."""

from __future__ import annotations

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

_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)


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
    here: NDArray[np.float32], there: NDArray[np.float32], nearness: np.float32, scale: np.float32, weights: NDArray[np.float32]
) -> None:
    """``nearness · exp(−(scale · distance)²)`` of each pixel of two rows, which are four rows of channels each.

    ``exp(−x)`` is ``exp(−x / 16)`` to the power of 16; the polynomial is Taylor's, within 2e-3 of its value at worst, where
    that is 1e-7 of the largest.
    """
    for x in range(weights.size):
        distance = scale * (
            abs(here[0, x] - there[0, x])
            + abs(here[1, x] - there[1, x])
            + abs(here[2, x] - there[2, x])
            + abs(here[3, x] - there[3, x])
        )
        t = min(distance * distance * np.float32(1 / 16), _ONE)
        power = _ONE - t * (
            _ONE
            - t
            * (_HALF - t * (np.float32(1 / 6) - t * (np.float32(1 / 24) - t * (np.float32(1 / 120) - t * np.float32(1 / 720)))))
        )
        power *= power
        power *= power
        power *= power
        weights[x] = nearness * power * power


@compiled
def _add_weighted(sums: NDArray[np.float32], weights: NDArray[np.float32], there: NDArray[np.float32]) -> None:
    for x in range(sums.size):
        sums[x] += weights[x] * there[x]


@compiled
def _bilateral_of(
    planes: NDArray[np.float32],
    offsets: NDArray[np.int64],
    nearness: NDArray[np.float32],
    radius: int,
    scale: np.float32,
    result: Picture,
) -> None:
    """``planes`` is ``(rows, 4, columns)``, larger by ``radius`` pixels all around."""
    height, width = result.shape[:2]
    weights, total, sums = np.empty(width, np.float32), np.empty(width, np.float32), np.empty((4, width), np.float32)
    for y in range(height):
        total[:] = _ZERO
        sums[:] = _ZERO
        here = planes[y + radius, :, radius : radius + width]
        for i in range(offsets.shape[0]):
            left = radius + offsets[i, 0]
            there = planes[y + radius + offsets[i, 1], :, left : left + width]
            _weigh(here, there, nearness[i], scale, weights)
            for x in range(width):
                total[x] += weights[x]
            for c in range(4):
                _add_weighted(sums[c], weights, there[c])
        for x in range(width):
            for c in range(4):
                result[y, x, c] = sums[c, x] / total[x]


def _bilateral(picture: Picture, values: Values, view: View) -> Picture:
    taps = bilateral_taps(values["sigma"] * view.scale)
    radius = max(x for x, _, _ in taps)
    padded = cv2.copyMakeBorder(picture, radius, radius, radius, radius, cv2.BORDER_REFLECT)
    planes = np.ascontiguousarray(padded.transpose(0, 2, 1))
    offsets = np.array([(x, y) for x, y, _ in taps], np.int64)
    nearness = np.array([weight for _, _, weight in taps], np.float32)
    result = np.empty_like(picture)
    _bilateral_of(planes, offsets, nearness, radius, np.float32(0.5**0.5 / values["difference"]), result)
    return result


WHOLES = {"median": _median, "bilateral": _bilateral}
