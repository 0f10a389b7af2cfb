"""Curves: tones by points that the user sets, of all channels and of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import lut
from otio_perf.effects.lut_files import Curve
from otio_perf.effects.parameters import Choice, Points, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View

_STRAIGHT = ((0.0, 0.0), (1.0, 1.0))
_CHANNELS = ("red", "green", "blue")

#: Points nearer to each other than this are one.
_NEAREST = 1e-6

#: Entries of the table by which engines draw a curve: between them it is straight, which is off by 1e-6 at a curvature of 100.
_TABLE = 4096


@dataclass(frozen=True, slots=True)
class Spline:
    """A cubic between each two points: where, how high, how steep."""

    xs: NDArray[np.float64]
    ys: NDArray[np.float64]
    slopes: NDArray[np.float64]

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Level before the first point and after the last; limited to 0 to 1."""
        last = len(self.xs) - 2
        at = np.clip(np.searchsorted(self.xs, x, side="right") - 1, 0, last)
        width = self.xs[at + 1] - self.xs[at]
        t = np.clip((x - self.xs[at]) / width, 0, 1)
        result = (
            (1 + 2 * t) * (1 - t) ** 2 * self.ys[at]
            + t * (1 - t) ** 2 * width * self.slopes[at]
            + t * t * (3 - 2 * t) * self.ys[at + 1]
            + t * t * (t - 1) * width * self.slopes[at + 1]
        )
        return np.clip(result, 0, 1).astype(np.float32)


def spline(points: Sequence[tuple[float, float]], kind: str) -> Spline:
    """``monotone``: Fritsch and Butland 1984 (PCHIP), never beyond its points; ``natural``: the natural cubic spline."""
    kept = [points[0]]
    kept += [after for before, after in pairwise(points) if after[0] - kept[-1][0] >= _NEAREST]
    if len(kept) == 1:
        kept.append((kept[0][0] + 1, kept[0][1]))
    xs, ys = np.array(kept, np.float64).T
    widths, rises = np.diff(xs), np.diff(ys) / np.diff(xs)
    if len(xs) == 2:
        return Spline(xs, ys, np.array([rises[0], rises[0]]))
    return Spline(xs, ys, {"monotone": _monotone, "natural": _natural}[kind](widths, rises))


def _monotone(widths: NDArray[np.float64], rises: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted harmonic means inside; at the ends a parabola through three points, held to what keeps the curve monotone."""
    slopes = np.zeros(len(widths) + 1)
    before, after = 2 * widths[1:] + widths[:-1], widths[1:] + 2 * widths[:-1]
    same = rises[:-1] * rises[1:] > 0
    slopes[1:-1][same] = (before + after)[same] / (before[same] / rises[:-1][same] + after[same] / rises[1:][same])
    for end, (h, g), (d, e) in ((0, widths[:2], rises[:2]), (-1, widths[:-3:-1], rises[:-3:-1])):
        slope = ((2 * h + g) * d - h * e) / (h + g)
        if slope * d <= 0:
            slope = 0.0
        elif d * e < 0 and abs(slope) > 3 * abs(d):
            slope = 3 * d
        slopes[end] = slope
    return slopes


def _natural(widths: NDArray[np.float64], rises: NDArray[np.float64]) -> NDArray[np.float64]:
    """No curvature at the ends, curvature without steps inside: a tridiagonal system, solved by elimination (Thomas)."""
    inverse = 1 / widths
    below, above = [*inverse, 0.0], [*inverse, 0.0]
    middle = [2 * inverse[0], *(2 * (inverse[:-1] + inverse[1:])), 2 * inverse[-1]]
    right = [
        3 * rises[0] * inverse[0],
        *(3 * (rises[:-1] * inverse[:-1] + rises[1:] * inverse[1:])),
        3 * rises[-1] * inverse[-1],
    ]
    for i in range(1, len(middle)):
        factor = below[i - 1] / middle[i - 1]
        middle[i] -= factor * above[i - 1]
        right[i] -= factor * right[i - 1]
    slopes = np.zeros(len(middle))
    slopes[-1] = right[-1] / middle[-1]
    for i in range(len(middle) - 2, -1, -1):
        slopes[i] = (right[i] - above[i] * slopes[i + 1]) / middle[i]
    return slopes


def _curves(picture: Picture, values: Values, view: View) -> Picture:
    """Each channel through its own curve, then through the master curve, as in FFmpeg's ``curves``."""
    master = spline(values["master"], values["spline"])
    result = picture.copy()
    for channel, name in enumerate(_CHANNELS):
        result[..., channel] = master(spline(values[name], values["spline"])(picture[..., channel]))
    return result


def _pack_curves(values: Values, view: View) -> Packed:
    x = np.linspace(0, 1, _TABLE, dtype=np.float32)
    ramp = np.stack([x, x, x, np.ones_like(x)], axis=-1)[None]
    return lut.numbers(Curve(_curves(ramp, values, view)[0, :, :3], (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), None, "trilinear")


EFFECTS = (
    Effect(
        name="curves",
        title="Curves",
        family="curves",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=(
            Points(name="master", default=_STRAIGHT, help="Of all channels, after their own curves"),
            *(Points(name=name, default=_STRAIGHT) for name in _CHANNELS),
            Choice(
                name="spline",
                default="monotone",
                options=("monotone", "natural"),
                help="monotone never swings beyond its points; natural is FFmpeg's and MLT's default",
            ),
        ),
        reference=_curves,
        pack=_pack_curves,
        cost=4.0,
        is_identity=lambda values: all(values[name] == _STRAIGHT for name in ("master", *_CHANNELS)),
    ),
)
