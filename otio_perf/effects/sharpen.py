"""Sharpening: the difference from a blurred picture, made larger.

The blurred picture is that of the object, not of the object and what is transparent around it: premultiplied colours are
divided by the blurred alpha. So a cut-out gets no dark rim. Alpha stays as it is.
"""

from __future__ import annotations

import math

import numpy as np

from otio_perf.effects.blur import QUALITY, Weights, convolved, gaussian, gaussian_cost, gaussian_weights
from otio_perf.effects.parameters import Number, Values
from otio_perf.effects.registry import Alpha, Effect, Picture, Shape, View


def neighbour_weights(scale: float) -> Weights:
    """Along each axis a quarter, a half, a quarter: the kernel of FFmpeg's ``unsharp=3:3``; its variance is half a pixel of the
    canvas squared. Where the frame has fewer or more pixels, weights of that variance there."""
    if scale > 1:
        return gaussian_weights(scale * math.sqrt(0.5))
    side = scale**2 / 4
    return np.array([side, 1 - 2 * side, side], np.float32)


def _sharpened(picture: Picture, mean: Picture, amount: float, threshold: float) -> Picture:
    """``p + amount · d``, ``d`` being the difference from the mean, less ``threshold``: none jumps where it comes near it."""
    alpha, mean_alpha = picture[..., 3:], mean[..., 3:]
    share = np.divide(alpha, mean_alpha, out=np.zeros_like(alpha), where=(alpha > 0) & (mean_alpha > 0))
    detail = picture[..., :3] - share * mean[..., :3]
    detail = np.sign(detail) * np.maximum(np.abs(detail) - np.float32(threshold) * alpha, 0)
    result = picture.copy()
    result[..., :3] += np.float32(amount) * detail
    return result


def _sharpen(picture: Picture, values: Values, view: View) -> Picture:
    weights = neighbour_weights(view.scale)
    mean = convolved(convolved(picture, weights, 1, "clamp"), weights, 0, "clamp")
    return _sharpened(picture, mean, values["amount"], 0)


def _unsharp(picture: Picture, values: Values, view: View) -> Picture:
    sigma = values["sigma"] * view.scale
    mean = gaussian(picture, (sigma, sigma), "mirror", values["quality"])
    return _sharpened(picture, mean, values["amount"], values["threshold"])


EFFECTS = (
    Effect(
        name="sharpen",
        title="Sharpen",
        family="sharpen",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(
                name="amount",
                default=1,
                least=0,
                most=10,
                usual=(0, 2),
                help="How often the difference from the mean of 3 by 3 pixels is added",
            ),
        ),
        reference=_sharpen,
        cost=2.6,
        version=2,
        is_identity=lambda values: values["amount"] == 0,
    ),
    Effect(
        name="unsharp",
        title="Unsharp mask",
        family="sharpen",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(name="sigma", default=2, least=0, most=500, usual=(0.5, 12), unit="pixels", help="Of the gaussian blur"),
            Number(name="amount", default=0.5, least=0, most=10, usual=(0, 2), help="How often the difference is added"),
            Number(name="threshold", default=0, least=0, most=1, usual=(0, 0.1), help="Smaller differences are left alone"),
            QUALITY,
        ),
        reference=_unsharp,
        cost=7.4,
        version=2,
        cost_of=lambda values: 2.5 + gaussian_cost(values["sigma"], 1, 1, values["quality"]),
        is_identity=lambda values: values["amount"] == 0 or values["sigma"] == 0,
    ),
)
