"""Blurs. All work on premultiplied colours, so that what is transparent lends no colour to what is not.

Integer coordinates are pixel centres, the picture ends half a pixel beyond the outer ones. Weights sum to 1: a constant picture
stays constant up to its edges, unless what lies beyond them is transparent.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.parameters import Choice, Number, Values
from otio_perf.effects.registry import Alpha, Effect, Picture, Shape, View

Weights = NDArray[np.float32]
"""Of an odd number of neighbours in a row, the pixel itself in the middle."""

#: What lies beyond the picture, as ``numpy.pad`` calls it.
PADDING = {"mirror": "symmetric", "clamp": "edge", "transparent": "constant"}

#: A cell of the fast gaussian is so many times smaller than sigma at least; see ``cell_size``.
CELLS_TO_A_SIGMA = 2

#: By how much less cells are blurred than pixels were: of 0.75, 1, 1.25 and 1.5 what came out best for sigmas from 4 to 60.
_SPLINES_REACH = 1.25

_TINY_SIGMA = 1e-3
"""Below this the neighbours' weights are 0 in any precision."""


@lru_cache(maxsize=64)
def gaussian_weights(sigma: float) -> Weights:
    """``exp(−x² / 2σ²)`` for ``|x| ≤ ⌈3σ⌉``, normalised: the radius beyond which 0.3 % of the gaussian lies."""
    if sigma < _TINY_SIGMA:
        return np.ones(1, np.float32)
    radius = math.ceil(3 * sigma)
    return _gaussian(sigma, radius).astype(np.float32)


def _gaussian(sigma: float, radius: int) -> NDArray[np.float64]:
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-((x / sigma) ** 2) / 2)
    normal: NDArray[np.float64] = weights / weights.sum()
    return normal


@lru_cache(maxsize=64)
def box_weights(radius: float) -> Weights:
    """Equal weights of all that lies within ``radius + ½`` of a pixel's centre; the outermost neighbours count in part."""
    whole = math.floor(radius)
    part = radius - whole
    weights = np.full(2 * whole + 3, 1.0)
    weights[[0, -1]] = part
    weights /= weights.sum()
    return weights.astype(np.float32) if part else weights[1:-1].astype(np.float32)


def cell_size(sigma: float, quality: str) -> int:
    """Pixels of a cell of the fast gaussian; 1: blurred pixel by pixel, which is the exact one."""
    return max(1, int(sigma / CELLS_TO_A_SIGMA)) if quality == "fast" else 1


@lru_cache(maxsize=64)
def spline_weights(cell: int) -> Weights:
    """The quadratic B-spline of cells of ``cell`` pixels: three boxes of that length, one after the other, normalised.

    It takes pixels to cells, and cells back to pixels. Waves that cells are too coarse for are as good as gone before, and
    their mirror images after (the spline's spectrum has threefold zeros at all of them).
    """
    box = np.full(cell, 1 / cell)
    return np.convolve(np.convolve(box, box), box).astype(np.float32)


@lru_cache(maxsize=64)
def phase_weights(cell: int) -> Weights:
    """``(cell, 3)``: of each pixel of a cell, what it takes of the cell before, its own, and the one after. Sums are 1."""
    padded = np.zeros(3 * cell, np.float32)
    padded[1:-1] = spline_weights(cell) * cell
    return np.ascontiguousarray(padded.reshape(3, cell)[::-1].T)


@lru_cache(maxsize=64)
def cell_weights(sigma: float, cell: int) -> Weights:
    """Weights of cells such that spline, blur and spline together spread as much as ``gaussian_weights(sigma)`` does.

    Variances add up; that of three boxes of ``k`` pixels is ``(k² − 1) / 4``. Splines reach further than they weigh: with
    ``_SPLINES_REACH`` cells less, the whole is nearest to the gaussian, which ends at three sigmas.
    """
    wanted = (_variance(gaussian_weights(sigma).astype(np.float64)) - (cell**2 - 1) / 2) / cell**2
    radius = math.ceil(math.ceil(3 * sigma) / cell - _SPLINES_REACH)
    low, high = 0.1, 2 * sigma / cell
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if _variance(_gaussian(middle, radius)) < wanted else (low, middle)
    return _gaussian(low, radius).astype(np.float32)


def _variance(weights: NDArray[np.float64]) -> float:
    x = np.arange(weights.size) - weights.size // 2
    return float((weights * x**2).sum())


def sigmas(values: Values, view: View) -> tuple[float, float]:
    """Horizontal and vertical, in pixels of the frame."""
    return values["sigma"] * values["horizontal"] * view.scale, values["sigma"] * values["vertical"] * view.scale


def box_radii(values: Values, view: View) -> tuple[float, float]:
    """Horizontal and vertical, in pixels of the frame: there the box of ``2r + 1`` canvas pixels is ``scale`` times as wide."""

    def scaled(radius: float) -> float:
        return max(0.0, ((2 * radius + 1) * view.scale - 1) / 2) if radius else 0.0

    return scaled(values["radius"] * values["horizontal"]), scaled(values["radius"] * values["vertical"])


@lru_cache(maxsize=64)
def line_taps(length: float, angle: float) -> tuple[tuple[int, int, float], ...]:
    """Neighbours ``(x, y, weight)`` whose mean is that along a line through the pixel, ``length`` pixels of the frame long.

    The line is ``2⌈(length − 1) / 2⌉ + 1`` equal pieces; the picture in the middle of a piece is interpolated from four pixels.
    """
    pieces = 2 * math.ceil((length - 1) / 2) + 1 if length > 1 else 1
    step_x, step_y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    taps: dict[tuple[int, int], float] = {}
    for i in range(pieces):
        t = ((i + 0.5) / pieces - 0.5) * length
        # so near to a pixel that the neighbour's part is rounding only: 90 degrees is straight down
        x, y = round(t * step_x, 6), round(t * step_y, 6)
        left, top = math.floor(x), math.floor(y)
        for at_x, part_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            for at_y, part_y in ((top, 1 - (y - top)), (top + 1, y - top)):
                if part_x * part_y > 0:
                    taps[at_y, at_x] = taps.get((at_y, at_x), 0.0) + part_x * part_y / pieces
    return tuple((x, y, weight) for (y, x), weight in sorted(taps.items()))


def convolved(picture: Picture, weights: Weights, axis: int, edges: str) -> Picture:
    """Each pixel the weighted sum of its neighbours along ``axis``."""
    radius = weights.size // 2
    padded = _padded(picture, axis, radius, radius, edges)
    return _weighted(padded, weights, axis, picture.shape[axis])


def _padded(picture: Picture, axis: int, before: int, after: int, edges: str) -> Picture:
    widths = [(0, 0), (0, 0), (0, 0)]
    widths[axis] = (before, after)
    padded: Picture = np.pad(picture, widths, PADDING[edges])  # type: ignore[call-overload]
    return padded


def _weighted(padded: Picture, weights: Weights, axis: int, count: int) -> Picture:
    lines = np.moveaxis(padded, axis, 0)
    total = np.zeros((count, *lines.shape[1:]), np.float32)
    for i, weight in enumerate(weights):
        total += weight * lines[i : i + count]
    return np.ascontiguousarray(np.moveaxis(total, 0, axis))


def gaussian(picture: Picture, sigmas: tuple[float, float], edges: str, quality: str) -> Picture:
    """Horizontally, then vertically; a new array."""
    result = picture.copy()
    for axis, sigma in zip((1, 0), sigmas, strict=True):
        cell = cell_size(sigma, quality)
        if cell > 1:
            result = _gaussian_of_cells(result, sigma, cell, axis, edges)
        else:
            result = convolved(result, gaussian_weights(sigma), axis, edges)
    return result


def _gaussian_of_cells(picture: Picture, sigma: float, cell: int, axis: int, edges: str) -> Picture:
    """Splines of pixels, a cell apart, blurred, and spread to pixels by the same spline."""
    weights, spline = cell_weights(sigma, cell), spline_weights(cell)
    count = picture.shape[axis]
    cells = math.ceil(count / cell)
    margin = weights.size // 2 + 1  # cells: one more than the blur needs, for those that the outermost pixels take from
    before = margin * cell + cell - 1
    lines = np.moveaxis(_padded(picture, axis, before, before + cells * cell - count, edges), axis, 0)
    of_cells = np.zeros((cells + 2 * margin, *lines.shape[1:]), np.float32)
    for i, weight in enumerate(spline):
        of_cells += weight * lines[i : i + len(of_cells) * cell : cell][: len(of_cells)]
    blurred = _weighted(of_cells, weights, 0, cells + 2)
    result = np.empty((cells, cell, *lines.shape[1:]), np.float32)
    for place, (previous, own, following) in enumerate(phase_weights(cell)):
        result[:, place] = previous * blurred[:-2] + own * blurred[1:-1] + following * blurred[2:]
    return np.ascontiguousarray(np.moveaxis(result.reshape(cells * cell, *lines.shape[1:])[:count], 0, axis))


def _gaussian_blur(picture: Picture, values: Values, view: View) -> Picture:
    return gaussian(picture, sigmas(values, view), values["edges"], values["quality"])


def _box_blur(picture: Picture, values: Values, view: View) -> Picture:
    across, down = box_radii(values, view)
    return convolved(convolved(picture, box_weights(across), 1, values["edges"]), box_weights(down), 0, values["edges"])


def _directional_blur(picture: Picture, values: Values, view: View) -> Picture:
    height, width = picture.shape[:2]
    reach = math.ceil(values["length"] * view.scale / 2) + 1
    padded = _padded(_padded(picture, 0, reach, reach, values["edges"]), 1, reach, reach, values["edges"])
    result = np.zeros_like(picture)
    for x, y, weight in line_taps(values["length"] * view.scale, values["angle"]):
        result += np.float32(weight) * padded[reach + y : reach + y + height, reach + x : reach + x + width]
    return result


#: Costs, in exposures, of what blurs are made of: a neighbour's share in a sum, and what is done once. Measured at 1080p.
_TAP, _MANY_TAPS, _ONCE = 0.15, 0.086, 1.0


def gaussian_cost(sigma: float, horizontal: float, vertical: float, quality: str) -> float:
    """What grows with sigma is how many neighbours there are; of cells there are few."""
    cell = cell_size(sigma * max(horizontal, vertical), quality)
    taps = sum(2 * math.ceil(3 * sigma * share / cell) + 1 for share in (horizontal, vertical))
    return 2.4 + 5 / cell + _TAP * taps / cell**2 if cell > 1 else _ONCE + _TAP * taps


def _gaussian_cost(values: Values) -> float:
    return gaussian_cost(values["sigma"], values["horizontal"], values["vertical"], values["quality"])


def _box_cost(values: Values) -> float:
    """Whole pixels by running sums, few parts of pixels by a kernel, many by sums with parts at their ends."""
    radii = values["radius"] * values["horizontal"], values["radius"] * values["vertical"]
    if all(radius == int(radius) for radius in radii):
        return 3.0
    return _ONCE + _TAP * sum(2 * math.ceil(r) + 1 for r in radii) if max(radii) <= 8 else 7.9


def _directional_cost(values: Values) -> float:
    return 3.6 + _MANY_TAPS * len(line_taps(values["length"], values["angle"]))


def _has_edges(values: Values) -> bool:
    """Something is beyond the picture, so that nothing of what is outside comes in."""
    return bool(values["edges"] != "transparent")


_EDGES = Choice(
    name="edges",
    default="mirror",
    options=tuple(PADDING),
    help="What lies beyond the picture: the picture mirrored at its edge, its outermost pixels, or nothing",
)
QUALITY = Choice(
    name="quality",
    default="fast",
    options=("exact", "fast"),
    help="fast: from a smaller picture where sigma is 4 pixels or more; within 0.003 of exact for colours from 0 to 1",
)
_HORIZONTAL = Number(name="horizontal", default=1, least=0, most=1, usual=(0, 1), help="Strength from left to right")
_VERTICAL = Number(name="vertical", default=1, least=0, most=1, usual=(0, 1), help="Strength from top to bottom")

EFFECTS = (
    Effect(
        name="gaussian_blur",
        title="Gaussian blur",
        family="blur",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(name="sigma", default=4, least=0, most=500, usual=(0.5, 20), unit="pixels", help="Standard deviation"),
            _HORIZONTAL,
            _VERTICAL,
            _EDGES,
            QUALITY,
        ),
        reference=_gaussian_blur,
        cost=5.9,
        version=2,
        cost_of=_gaussian_cost,
        keeps_opaque=_has_edges,
        is_identity=lambda values: values["sigma"] * max(values["horizontal"], values["vertical"]) == 0,
    ),
    Effect(
        name="box_blur",
        title="Box blur",
        family="blur",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(
                name="radius",
                default=4,
                least=0,
                most=500,
                usual=(0.5, 20),
                unit="pixels",
                help="The mean of twice as many pixels and one",
            ),
            _HORIZONTAL,
            _VERTICAL,
            _EDGES,
        ),
        reference=_box_blur,
        cost=3.0,
        cost_of=_box_cost,
        keeps_opaque=_has_edges,
        is_identity=lambda values: values["radius"] * max(values["horizontal"], values["vertical"]) == 0,
    ),
    Effect(
        name="directional_blur",
        title="Directional blur",
        family="blur",
        shape=Shape.AREA,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(name="length", default=20, least=0, most=1000, usual=(0.5, 30), unit="pixels", help="Of the motion"),
            Number(
                name="angle",
                default=0,
                least=-36000,
                most=36000,
                usual=(-180, 180),
                unit="degrees",
                help="Clockwise; 0 is from left to right",
            ),
            _EDGES,
        ),
        reference=_directional_blur,
        cost=5.4,
        cost_of=_directional_cost,
        keeps_opaque=_has_edges,
        is_identity=lambda values: values["length"] == 0,
    ),
)
