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

#: Values sorted side by side: all that is needed for so many medians stays in a core's first cache. Rows are a multiple of 32
#: values long, for vector instructions without a rest; what is beyond the picture is sorted, too, and not used.
_STRETCH = 224

Row = NDArray[np.float32]
Pairs = NDArray[np.int64]
Order = NDArray[np.int64]

_ZERO, _ONE, _SIXTEENTH = np.float32(0), np.float32(1), np.float32(1 / 16)

#: Of ``exp(−t)`` from the first power on.
_TAYLOR = tuple(np.float32((-1) ** n / math.factorial(n)) for n in range(1, 6))


@cache
def _merging(first: int, second: int) -> tuple[Pairs, Order]:
    """Pairs of places to be put in order, one after the other, so that ``first`` sorted values followed by ``second`` sorted
    ones are sorted; and the places in the order of what is in them then."""
    pairs: list[tuple[int, int]] = []
    order = _merged(list(range(first)), list(range(first, first + second)), pairs)
    return np.array(pairs, np.int64), np.array(order, np.int64)


@cache
def _sorting(count: int) -> tuple[Pairs, Order]:
    """The same for values in no order."""
    pairs: list[tuple[int, int]] = []
    order = _sorted(list(range(count)), pairs)
    return np.array(pairs, np.int64), np.array(order, np.int64)


def _sorted(places: list[int], pairs: list[tuple[int, int]]) -> list[int]:
    if len(places) < 2:
        return places
    half = len(places) // 2
    return _merged(_sorted(places[:half], pairs), _sorted(places[half:], pairs), pairs)


def _merged(a: list[int], b: list[int], pairs: list[tuple[int, int]]) -> list[int]:
    """Batcher's odd-even merge (Knuth, The Art of Computer Programming, volume 3, 5.3.4)."""
    if not a or not b:
        return a + b
    if len(a) == len(b) == 1:
        pairs.append((a[0], b[0]))
        return a + b
    even, odd = _merged(a[::2], b[::2], pairs), _merged(a[1::2], b[1::2], pairs)
    order = even[:1]
    for low, high in zip(odd, even[1:], strict=False):
        pairs.append((low, high))
        order += [low, high]
    return order + odd[len(even) - 1 :] + even[len(odd) + 1 :]


@compiled
def _in_order(values: NDArray[np.float32], pairs: Pairs) -> None:
    for n in range(pairs.shape[0]):
        low, high = values[pairs[n, 0]], values[pairs[n, 1]]
        for x in range(low.size):
            a, b = low[x], high[x]
            low[x] = a if a < b else b
            high[x] = b if a < b else a


@compiled
def _copy(source: Row, target: Row) -> None:
    """As far as both go."""
    for x in range(min(source.size, target.size)):
        target[x] = source[x]


@compiled
def _larger_less(a: Row, b: Row, result: Row) -> None:
    """``result`` where it is less than the larger one of ``a`` and ``b``."""
    for x in range(result.size):
        larger = a[x] if a[x] > b[x] else b[x]
        result[x] = larger if larger < result[x] else result[x]


@compiled
def _median_of_7(
    padded: NDArray[np.float32],
    column: tuple[Pairs, Order],
    pair: tuple[Pairs, Order],
    triple: tuple[Pairs, Order],
    quad: tuple[Pairs, Order],
    result: NDArray[np.float32],
) -> None:
    """Rows of four channels one after the other; ``padded`` is larger by 3 pixels all around.

    A column of 7 is sorted once for the 7 medians that it is part of, and so are pairs of columns. The 49 values of a median
    are a sorted four columns and a sorted three: the 25th of them is the least of ``max(four[24 − i], three[i − 1])``.
    """
    height, length = result.shape
    columns, pairs = np.zeros((7, _STRETCH + 32), np.float32), np.zeros((14, _STRETCH + 32), np.float32)
    threes, fours = np.zeros((21, _STRETCH), np.float32), np.zeros((28, _STRETCH), np.float32)
    for y in range(height):
        for start in range(0, length, _STRETCH):
            count = min(_STRETCH, length - start)
            for i in range(7):
                _copy(padded[y + i][start : start + count + 24], columns[i])
            _in_order(columns, column[0])
            for i in range(7):
                sorted_ = columns[column[1][i]]
                _copy(sorted_, pairs[i])
                _copy(sorted_[4:], pairs[7 + i])
                _copy(sorted_[24:], threes[14 + i])
            _in_order(pairs, pair[0])
            for i in range(14):
                sorted_ = pairs[pair[1][i]]
                _copy(sorted_, fours[i])
                _copy(sorted_[8:], fours[14 + i])
                _copy(sorted_[16:], threes[i])
            _in_order(threes, triple[0])
            _in_order(fours, quad[0])
            least = fours[quad[1][24]]
            for i in range(1, 22):
                _larger_less(fours[quad[1][24 - i]], threes[triple[1][i - 1]], least)
            _copy(least[:count], result[y][start:])


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
    rows = padded.reshape(-1, padded.shape[1] * 4)
    _median_of_7(rows, _sorting(7), _merging(7, 7), _merging(14, 7), _merging(14, 14), result.reshape(height, width * 4))
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
