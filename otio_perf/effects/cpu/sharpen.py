"""Sharpening: the mean by OpenCV, the rest by numba."""

from __future__ import annotations

import cv2
import numpy as np

from otio_perf.effects.cpu.blur import gaussian, separable
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Picture, View
from otio_perf.effects.sharpen import BINOMIAL

_ZERO = np.float32(0)


@compiled
def _sharpened(picture: Picture, mean: Picture, amount: np.float32, threshold: np.float32) -> None:
    """In place of ``mean``."""
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            alpha, mean_alpha = picture[y, x, 3], mean[y, x, 3]
            share = alpha / mean_alpha if alpha > _ZERO and mean_alpha > _ZERO else _ZERO
            least = threshold * alpha
            for c in range(3):
                colour = picture[y, x, c]
                detail = colour - share * mean[y, x, c]
                mean[y, x, c] = colour + amount * (detail - min(max(detail, -least), least))
            mean[y, x, 3] = alpha


def _sharpen(picture: Picture, values: Values, view: View) -> Picture:
    result = separable(picture, BINOMIAL, BINOMIAL, cv2.BORDER_REPLICATE)
    _sharpened(picture, result, np.float32(values["amount"]), _ZERO)
    return result


def _unsharp(picture: Picture, values: Values, view: View) -> Picture:
    sigma = values["sigma"] * view.scale
    result = gaussian(picture, (sigma, sigma), "mirror", values["quality"])
    _sharpened(picture, result, np.float32(values["amount"]), np.float32(values["threshold"]))
    return result


WHOLES = {"sharpen": _sharpen, "unsharp": _unsharp}
