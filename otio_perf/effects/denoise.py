"""Against noise, edges kept. Both work on premultiplied colours."""

from __future__ import annotations

import math

import numpy as np

from otio_perf.effects.parameters import Number, Values
from otio_perf.effects.registry import Alpha, Effect, Picture, Shape, View

_LARGEST_MEDIAN = 3


def median_radius(values: Values, view: View) -> int:
    """In whole pixels of the frame; 0: too small to see at this size. Frames larger than the canvas get no larger median than
    there is: what it takes grows with the square."""
    return min(int(values["radius"] * view.scale + 0.5), _LARGEST_MEDIAN)


def _median(picture: Picture, values: Values, view: View) -> Picture:
    """Of each channel for itself. A median keeps order, so that no colour gets larger than its alpha."""
    radius = median_radius(values, view)
    padded = np.pad(picture, ((radius, radius), (radius, radius), (0, 0)), "edge")
    side = 2 * radius + 1
    result = np.empty_like(picture)
    for y in range(picture.shape[0]):  # a picture of all neighbours would be 49 times as large
        neighbours = np.lib.stride_tricks.sliding_window_view(padded[y : y + side], side, axis=1)
        result[y] = np.median(neighbours, axis=(0, 3))
    return result


def bilateral_taps(sigma: float) -> tuple[tuple[int, int, float], ...]:
    """Neighbours ``(x, y, weight)`` in a circle of one and a half sigma, as OpenCV has it; the pixel itself is one of them."""
    radius = max(round(1.5 * sigma), 1)
    side = range(-radius, radius + 1)
    return tuple(
        (x, y, math.exp(-(x * x + y * y) / (2 * max(sigma, 1e-3) ** 2)))
        for y in side
        for x in side
        if x * x + y * y <= radius * radius
    )


def _bilateral(picture: Picture, values: Values, view: View) -> Picture:
    """C. Tomasi and R. Manduchi, Bilateral Filtering for Gray and Color Images, 1998. Colours are as far from each other as the
    sum of their channels' differences, as in OpenCV; alpha is a channel."""
    taps = bilateral_taps(values["sigma"] * view.scale)
    radius = max(x for x, _, _ in taps)
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((radius, radius), (radius, radius), (0, 0)), "symmetric")
    total = np.zeros_like(picture)
    weights = np.zeros((height, width, 1), np.float32)
    for x, y, nearness in taps:
        there = padded[radius + y : radius + y + height, radius + x : radius + x + width]
        distance = np.abs(there - picture).sum(axis=2, keepdims=True) / np.float32(values["difference"])
        weight = np.float32(nearness) * np.exp(-(distance**2) / 2)
        total += weight * there
        weights += weight
    result: Picture = total / weights
    return result


#: Of 3 × 3, 5 × 5, 7 × 7 pixels, in exposures; measured at 1080p.
_MEDIAN_COSTS = (0.0, 1.8, 9.6, 56.0)


EFFECTS = (
    Effect(
        name="median",
        title="Median",
        family="denoise",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(
                name="radius",
                default=1,
                least=0,
                most=_LARGEST_MEDIAN,
                usual=(1, _LARGEST_MEDIAN),
                unit="pixels",
                help="Whole pixels: 1 is the median of 3 by 3",
            ),
        ),
        reference=_median,
        cost=1.8,
        cost_of=lambda values: _MEDIAN_COSTS[int(values["radius"] + 0.5)],
        is_identity=lambda values: values["radius"] < 0.5,
    ),
    Effect(
        name="bilateral",
        title="Bilateral denoise",
        family="denoise",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(name="sigma", default=2, least=0, most=20, usual=(0.5, 4), unit="pixels", help="How far neighbours count"),
            Number(
                name="difference",
                default=0.1,
                least=0.001,
                most=10,
                usual=(0.03, 0.5),
                help="Sum of the channels' differences at which a neighbour counts for 61 %",
            ),
        ),
        reference=_bilateral,
        cost=23.1,
        cost_of=lambda values: 8.0 + 0.52 * len(bilateral_taps(values["sigma"])),
        is_identity=lambda values: values["sigma"] == 0,
    ),
)
