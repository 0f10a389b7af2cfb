"""Sharpening by numba."""

from __future__ import annotations

import cv2
import numpy as np

from otio_perf.effects.cpu.blur import gaussian, separable
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.stages import Row
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Picture, View
from otio_perf.effects.sharpen import neighbour_weights

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
    result = gaussian(picture, (sigma, sigma), "mirror", values["quality"])
    _by_mean(picture, result, np.float32(values["amount"]), np.float32(values["threshold"]))
    return result


WHOLES = {"sharpen": _sharpen, "unsharp": _unsharp}
