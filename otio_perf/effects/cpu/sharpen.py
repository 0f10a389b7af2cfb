"""Sharpening by numba."""

from __future__ import annotations

import cv2
import numpy as np

from otio_perf.effects.blur import Weights, cell_size, gaussian_weights
from otio_perf.effects.cpu.blur import gaussian, separable
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import Row
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Picture, View
from otio_perf.effects.sharpen import neighbour_weights

#: Taps done in one pass over a row.
_TOGETHER = 4
#: Weights up to which a mean is reckoned beside the difference.
_MOST_AT_ONCE = 17

_ZERO, _ONE, _TINY = np.float32(0), np.float32(1), np.float32(1e-37)


@compiled
def _sharpened(old: Row, mean: Row, new: Row, amount: np.float32, threshold: np.float32) -> None:
    for x in range(old.size // 4):
        alpha, mean_alpha = old[4 * x + 3], mean[4 * x + 3]
        share = _ONE
        if alpha != mean_alpha:  # a division takes as long as all the rest
            share = alpha / max(mean_alpha, _TINY)  # where the mean is 0 alpha is, too
        least = threshold * alpha
        for c in range(3):
            colour = old[4 * x + c]
            detail = colour - share * mean[4 * x + c]
            new[4 * x + c] = colour + amount * (detail - min(max(detail, -least), least))
        new[4 * x + 3] = alpha


@compiled
def _by_neighbours(picture: Picture, side: np.float32, middle: np.float32, amount: np.float32, result: Picture) -> None:
    """A mean of three by three pixels; beyond the picture are its outermost ones."""
    height, width = picture.shape[:2]
    line, mean = np.empty(4 * width + 8, np.float32), np.empty(4 * width, np.float32)
    for y in range(height):
        above, here = picture[max(y - 1, 0)].reshape(-1), picture[y].reshape(-1)
        below = picture[min(y + 1, height - 1)].reshape(-1)
        for x in range(4 * width):
            line[x + 4] = (above[x] + below[x]) * side + here[x] * middle
        for c in range(4):
            line[c], line[4 * width + 4 + c] = line[4 + c], line[4 * width + c]
        for x in range(4 * width):
            mean[x] = (line[x] + line[x + 8]) * side + line[x + 4] * middle
        _sharpened(here, mean, result[y].reshape(-1), amount, _ZERO)


@compiled
def _by_mean(picture: Picture, means: Picture, amount: np.float32, threshold: np.float32) -> None:
    """In place of ``means``."""
    mean = np.empty(4 * picture.shape[1], np.float32)
    for y in range(picture.shape[0]):
        row = means[y].reshape(-1)
        mean[:] = row
        _sharpened(picture[y].reshape(-1), mean, row, amount, threshold)


@compiled
def _by_gaussian(
    picture: Picture, across: Weights, down: Weights, amount: np.float32, threshold: np.float32, result: Picture
) -> None:
    """Mean and difference in one pass; at the edges pictures are mirrored."""
    height, width = picture.shape[:2]
    left, above = across.size // 2, down.size // 2
    length = 4 * width
    line, mean = np.empty(length + 8 * left, np.float32), np.empty(length, np.float32)
    inner = line[4 * left : 4 * left + length]
    for y in range(height):
        for k in range(0, down.size, _TOGETHER):
            a, b = _row_of(picture, y + k - above), _row_of(picture, y + k + 1 - above)
            c, d = _row_of(picture, y + k + 2 - above), _row_of(picture, y + k + 3 - above)
            _add_four(inner, a, b, c, d, down, k)
        for i in range(left):
            for n in range(4):
                line[4 * (left - 1 - i) + n] = inner[4 * i + n]
                line[4 * (left + width + i) + n] = inner[4 * (width - 1 - i) + n]
        for k in range(0, across.size, _TOGETHER):
            a, b = line[4 * k : 4 * k + length], line[4 * min(k + 1, 2 * left) :][:length]
            c, d = line[4 * min(k + 2, 2 * left) :][:length], line[4 * min(k + 3, 2 * left) :][:length]
            _add_four(mean, a, b, c, d, across, k)
        _sharpened(picture[y].reshape(-1), mean, result[y].reshape(-1), amount, threshold)


@compiled
def _row_of(picture: Picture, y: int) -> Row:
    height = picture.shape[0]
    y = -1 - y if y < 0 else y
    row: Row = picture[max(2 * height - 1 - y, 0) if y >= height else y].reshape(-1)
    return row


@compiled
def _add_four(total: Row, a: Row, b: Row, c: Row, d: Row, weights: Weights, k: int) -> None:
    """The first four begin the sum."""
    count = weights.size
    of_a, of_b = weights[k], weights[k + 1] if k + 1 < count else _ZERO
    of_c, of_d = weights[k + 2] if k + 2 < count else _ZERO, weights[k + 3] if k + 3 < count else _ZERO
    if k == 0:
        for x in range(total.size):
            total[x] = of_a * a[x] + of_b * b[x] + of_c * c[x] + of_d * d[x]
    else:
        for x in range(total.size):
            total[x] += of_a * a[x] + of_b * b[x] + of_c * c[x] + of_d * d[x]


def _sharpen(picture: Picture, values: Values, view: View) -> Picture:
    weights = neighbour_weights(view.scale)
    if weights.size == 3:
        result = np.empty_like(picture)
        _by_neighbours(picture, weights[0], weights[1], np.float32(values["amount"]), result)
    else:
        result = separable(picture, weights, weights, cv2.BORDER_REPLICATE)
        _by_mean(picture, result, np.float32(values["amount"]), _ZERO)
    return result


def _unsharp(picture: Picture, values: Values, view: View) -> Picture:
    sigma = values["sigma"] * view.scale
    weights = gaussian_weights(sigma)
    if cell_size(sigma, values["quality"]) == 1 and weights.size <= min(_MOST_AT_ONCE, *picture.shape[:2]):
        result = np.empty_like(picture)
        _by_gaussian(picture, weights, weights, np.float32(values["amount"]), np.float32(values["threshold"]), result)
        return result
    result = gaussian(picture, (sigma, sigma), "mirror", values["quality"])
    _by_mean(picture, result, np.float32(values["amount"]), np.float32(values["threshold"]))
    return result


WHOLES = {"sharpen": _sharpen, "unsharp": _unsharp}
