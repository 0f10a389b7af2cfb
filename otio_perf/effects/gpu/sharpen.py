"""Sharpening by Taichi."""

from typing import Any

import taichi as ti

from otio_perf.effects.gpu import kernels
from otio_perf.effects.gpu.blur import gaussian, separable
from otio_perf.effects.gpu.memory import empty
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import View
from otio_perf.effects.sharpen import neighbour_weights


@ti.kernel
def _sharpened(source: kernels.PIXELS, mean: kernels.PIXELS, target: kernels.PIXELS, amount: ti.f32, threshold: ti.f32):
    for y, x in target:
        p, m = source[y, x], mean[y, x]
        share = 0.0
        if p[3] > 0 and m[3] > 0:
            share = p[3] / m[3]
        least = threshold * p[3]
        for c in ti.static(range(3)):
            detail = p[c] - share * m[c]
            target[y, x][c] = p[c] + amount * (detail - ti.min(ti.max(detail, -least), least))
        target[y, x][3] = p[3]


def _from(pixels: Any, mean: Any, amount: float, threshold: float) -> Any:
    height, width = pixels.shape
    target = empty(width, height)
    _sharpened(pixels, mean, target, amount, threshold)
    return target


def _sharpen(pixels: Any, values: Values, view: View) -> Any:
    weights = neighbour_weights(view.scale)
    return _from(pixels, separable(pixels, weights, weights, "clamp"), values["amount"], 0)


def _unsharp(pixels: Any, values: Values, view: View) -> Any:
    sigma = values["sigma"] * view.scale
    mean = gaussian(pixels, (sigma, sigma), "mirror", values["quality"])
    return _from(pixels, mean, values["amount"], values["threshold"])


WHOLES = {"sharpen": _sharpen, "unsharp": _unsharp}
