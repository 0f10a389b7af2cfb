"""Opaque pictures as they are stored, Y'CbCr in planes: what is linear is done to the planes themselves.

R'G'B' and Y'CbCr are affine maps of each other, so a weighted sum of pictures, and whatever is done to all three channels
alike, is the same in both; of samples that are subsampled there is a quarter. Nothing is rounded before the end: a plane is
what was decoded, or floats, and what its numbers are worth is carried along (``gains``, ``offsets``). A picture that nothing is
done to comes out as it went in, bit by bit.

**What equals the R'G'B' path, and how far.** Y' always, within the rounding of the file. Cb and Cr as long as their samples
stay where they are (fades, mixes, layers, colours): there the R'G'B' path interpolates them to full size and averages them
again, which costs it their finest detail, and ours keeps it; brought to full size, both are the same picture. Where samples are
made anew (blur, size) the interpolation, the work and the averaging of the R'G'B' path are one sum of neighbours here, with the
same weights; at the outermost samples it may differ, where R'G'B' has other neighbours beyond the edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import pixels
from otio_perf.effects.blur import gaussian_weights, sigmas
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.pixels import of_worth, tent
from otio_perf.effects.cpu.sampling import straight
from otio_perf.effects.cpu.stages import power
from otio_perf.effects.fit import Placing
from otio_perf.effects.luma import to_ycc, weights
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Effect, Picture, Transition, View
from otio_perf.effects.sampling import Edges, Interpolation, Taps, taps
from otio_perf.effects.stages import HEADROOM
from otio_perf.effects.transform import still_covers, transform_warp
from otio_perf.model.pixels import Layout

Plane = NDArray[Any]
Triple = tuple[float, float, float]

_ZERO, _HALF, _ONE, _HEADROOM = np.float32(0), np.float32(0.5), np.float32(1), np.float32(HEADROOM)
_AS_IT_IS: tuple[Triple, Triple] = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))

#: Terms of a matrix that count as none.
_NEGLIGIBLE = 1e-6
#: Weights in a row up to which OpenCV's separable filter serves.
_MOST_WEIGHTS = 129


@dataclass(frozen=True, slots=True, kw_only=True)
class Planar:
    """``gains[i] · planes[i] + offsets[i]`` is Y' from 0 to 1, Cb and Cr from −½ to ½. The planes fill the canvas from ``left``
    and ``top`` on, as far as they go; beyond them it is transparent. Both lie on chroma samples."""

    planes: tuple[Plane, Plane, Plane]
    gains: Triple
    offsets: Triple
    matrix: str
    across: int
    down: int
    siting: str
    left: int
    top: int
    width: int
    height: int

    @property
    def covers(self) -> bool:
        return self.planes[0].shape == (self.height, self.width)

    @property
    def shape(self) -> tuple[int, int, int]:
        """As that of the picture that it is."""
        return self.height, self.width, 4

    @property
    def coding(self) -> Coding:
        """Of the values."""
        layout = Layout(is_rgb=False, is_grey=False, bits=32, is_float=True, across=self.across, down=self.down)
        return Coding(layout=layout, matrix=self.matrix, siting=self.siting)

    def goes_with(self, other: Planar) -> bool:
        """Samples stand for the same in both."""
        return (self.matrix, self.across, self.down, self.siting, self.shape) == (
            other.matrix,
            other.across,
            other.down,
            other.siting,
            other.shape,
        )

    def with_planes(self, planes: Sequence[Plane]) -> Planar:
        """Values, worth what they are."""
        luma, cb, cr = planes
        return replace(self, planes=(luma, cb, cr), gains=_AS_IT_IS[0], offsets=_AS_IT_IS[1])

    def valued(self, gains: Triple, offsets: Triple) -> Planar:
        """Each value times a gain, and an offset added: nothing is computed before it is needed."""
        joined = [(g * k, o * k + c) for g, o, k, c in zip(self.gains, self.offsets, gains, offsets, strict=True)]
        (a, b, c), (d, e, f) = zip(*joined, strict=True)
        return replace(self, gains=(a, b, c), offsets=(d, e, f))


def planar(planes: Sequence[Plane], coding: Coding) -> Planar | None:
    """A decoded frame; ``None``: it is none of opaque Y'CbCr in integers."""
    layout = coding.layout
    if layout.is_rgb or layout.is_grey or layout.is_float or layout.has_alpha:
        return None
    gains, offsets = _worth(coding)
    height, width = planes[0].shape
    luma, cb, cr = planes
    return Planar(
        planes=(luma, cb, cr),
        gains=gains,
        offsets=offsets,
        matrix=coding.matrix,
        across=layout.across,
        down=layout.down,
        siting=coding.siting,
        left=0,
        top=0,
        width=width,
        height=height,
    )


def _worth(coding: Coding) -> tuple[Triple, Triple]:
    """What stored numbers are worth (ITU-R BT.709 section 4): see ``effects.pixels``."""
    bits = coding.layout.bits
    scale, most = 1 << (bits - 8), (1 << bits) - 1
    black, span, chroma = (0, most, most) if coding.is_full_range else (16 * scale, 219 * scale, 224 * scale)
    middle = -(1 << (bits - 1)) / chroma
    return (1 / span, 1 / chroma, 1 / chroma), (-black / span, middle, middle)


def picture_of(image: Planar) -> Picture:
    """R'G'B'A on the canvas."""
    (_, of_cb, of_cr), (_, cb, cr) = image.gains, image.offsets
    if of_cb != of_cr or cb != cr or not of_cb:  # they are brought to full size with one worth for both
        image = replace(
            image,
            planes=(image.planes[0], _values(image, 1), _values(image, 2)),
            gains=(image.gains[0], 1.0, 1.0),
            offsets=(image.offsets[0], 0.0, 0.0),
        )
    made = of_worth(image.planes, image.coding, image.gains[:2], image.offsets[:2])
    if image.covers:
        return made
    canvas: Picture = np.zeros(image.shape, np.float32)
    canvas[image.top : image.top + made.shape[0], image.left : image.left + made.shape[1]] = made
    return canvas


def _values(image: Planar, number: int) -> Plane:
    plane = image.planes[number]
    result = np.empty(plane.shape, np.float32)
    _mix(plane, plane, np.float32(image.gains[number]), _ZERO, np.float32(image.offsets[number]), result)
    return result


def stored(image: Planar, coding: Coding) -> list[Plane] | None:
    """Planes as ``coding`` says, clipped and rounded; ``None``: they are to be made of R'G'B'."""
    layout = coding.layout
    is_integers = not (layout.is_rgb or layout.is_grey or layout.is_float or layout.has_alpha)
    if not is_integers or not image.covers or image.matrix != coding.matrix:
        return None
    image = _resited(image, layout, coding.siting)
    gains, offsets = _worth(coding)
    kind = np.dtype(np.uint8 if layout.bits == 8 else np.uint16)
    found = []
    for plane, gain, offset, of_one, of_none in zip(image.planes, image.gains, image.offsets, gains, offsets, strict=True):
        found.append(_rounded(plane, gain / of_one, (offset - of_none) / of_one, kind, (1 << layout.bits) - 1))
    return found


def _rounded(plane: Plane, gain: float, offset: float, kind: np.dtype[Any], most: int) -> Plane:
    if plane.dtype == kind and gain == 1 and abs(offset) < _NEGLIGIBLE:
        return plane
    result = np.empty(plane.shape, kind)
    _round(plane, np.float32(gain), np.float32(offset + 0.5), np.float32(most) + _HALF, result)
    return result


@compiled
def _round(plane: Plane, gain: np.float32, offset: np.float32, most: np.float32, result: Plane) -> None:
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            result[y, x] = np.int32(min(max(np.float32(plane[y, x]) * gain + offset, _ZERO), most))


# ---- several pictures


def mixed(first: Planar, second: Planar, share: float) -> Planar | None:
    """``(1 − share) · first + share · second``, both covering the canvas."""
    if not (first.goes_with(second) and first.covers and second.covers):
        return None
    found = []
    for i in range(3):
        a, b = first.planes[i], second.planes[i]
        result = np.empty(a.shape, np.float32)
        constant = first.offsets[i] * (1 - share) + second.offsets[i] * share
        _mix(a, b, np.float32(first.gains[i] * (1 - share)), np.float32(second.gains[i] * share), np.float32(constant), result)
        found.append(result)
    return first.with_planes(found)


def laid_over(below: Planar, above: Planar, opacity: float) -> Planar | None:
    """``above``, where it is, over ``below``, which covers the canvas."""
    if not (below.goes_with(above) and below.covers):
        return None
    if above.covers:
        return mixed(below, above, opacity)
    found = []
    for i in range(3):
        a, b = below.planes[i], above.planes[i]
        left, top = (above.left, above.top) if i == 0 else (above.left >> above.across, above.top >> above.down)
        result = np.empty(a.shape, np.float32)
        constant = below.offsets[i] * (1 - opacity) + above.offsets[i] * opacity
        _lay(
            a,
            b,
            np.array(
                [below.gains[i], below.offsets[i], below.gains[i] * (1 - opacity), above.gains[i] * opacity, constant],
                np.float32,
            ),
            left,
            top,
            result,
        )
        found.append(result)
    return below.with_planes(found)


@compiled
def _mix(a: Plane, b: Plane, of_a: np.float32, of_b: np.float32, constant: np.float32, result: Plane) -> None:
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            result[y, x] = np.float32(a[y, x]) * of_a + np.float32(b[y, x]) * of_b + constant


@compiled
def _lay(a: Plane, b: Plane, n: NDArray[np.float32], left: int, top: int, result: Plane) -> None:
    gain, offset, of_a, of_b, constant = n[0], n[1], n[2], n[3], n[4]
    right, bottom = left + b.shape[1], top + b.shape[0]
    for y in range(a.shape[0]):
        if top <= y < bottom:
            for x in range(left):
                result[y, x] = np.float32(a[y, x]) * gain + offset
            for x in range(b.shape[1]):
                result[y, left + x] = np.float32(a[y, left + x]) * of_a + np.float32(b[y - top, x]) * of_b + constant
            for x in range(right, a.shape[1]):
                result[y, x] = np.float32(a[y, x]) * gain + offset
        else:
            for x in range(a.shape[1]):
                result[y, x] = np.float32(a[y, x]) * gain + offset


# ---- colours


def _affine(image: Planar, matrix: NDArray[np.floating[Any]], constant: NDArray[np.floating[Any]]) -> Planar | None:
    """An affine map of R'G'B'; ``None``: it makes luma of chroma, or the reverse, of which there are not as many samples."""
    to = to_ycc(image.matrix)
    inside = to @ np.asarray(matrix, np.float64) @ np.linalg.inv(to)
    added = to @ np.asarray(constant, np.float64)
    if max(np.abs(inside[0, 1:]).max(), np.abs(inside[1:, 0]).max()) > _NEGLIGIBLE:
        return None
    if max(abs(inside[1, 2]), abs(inside[2, 1])) <= _NEGLIGIBLE:
        return image.valued((inside[0, 0], inside[1, 1], inside[2, 2]), tuple(added))
    luma, cb, cr = image.planes
    turned: list[Plane] = []
    for row in (1, 2):
        of_cb, of_cr = inside[row, 1] * image.gains[1], inside[row, 2] * image.gains[2]
        all_added = added[row] + inside[row, 1] * image.offsets[1] + inside[row, 2] * image.offsets[2]
        result = np.empty(cb.shape, np.float32)
        _mix(cb, cr, np.float32(of_cb), np.float32(of_cr), np.float32(all_added), result)
        turned.append(result)
    gain, offset = image.gains[0] * inside[0, 0], image.offsets[0] * inside[0, 0] + added[0]
    return replace(image, planes=(luma, turned[0], turned[1]), gains=(gain, 1.0, 1.0), offsets=(offset, 0.0, 0.0))


def _affine_packed(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """Effects whose ``pack`` is one affine map."""
    assert effect.pack is not None
    rows = effect.pack(values, view).reshape(3, 4).astype(np.float64)
    return _affine(image, rows[:, :3], rows[:, 3])


def _exposure(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    assert effect.pack is not None
    gain = float(effect.pack(values, view)[0])
    return image.valued((gain, gain, gain), (0.0, 0.0, 0.0))


def _adjust(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    assert effect.pack is not None
    packed = effect.pack(values, view).astype(np.float64)
    before, after = packed[5:17].reshape(3, 4), packed[17:29].reshape(3, 4)
    if packed[0] == 0:
        return _affine(image, before[:, :3], before[:, 3])
    if packed[0] == 1 or not np.allclose(packed[2:5], weights(image.matrix), atol=_NEGLIGIBLE):
        return None
    graded = _affine(image, before[:, :3], before[:, 3])
    if graded is None:
        return None
    luma = np.empty(graded.planes[0].shape, np.float32)
    _bend(graded.planes[0], np.float32(graded.gains[0]), np.float32(graded.offsets[0]), np.float32(packed[1]), luma)
    bent = replace(
        graded, planes=(luma, *graded.planes[1:]), gains=(1.0, *graded.gains[1:]), offsets=(0.0, *graded.offsets[1:])
    )
    return _affine(bent, after[:, :3], after[:, 3])


@compiled
def _bend(plane: Plane, gain: np.float32, offset: np.float32, exponent: np.float32, result: Plane) -> None:
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            result[y, x] = power(min(max(np.float32(plane[y, x]) * gain + offset, _ZERO), _HEADROOM), exponent)


def _code_gain(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """Limited where the file's codes end."""
    assert effect.pack is not None
    if not np.allclose(to_ycc(values["matrix"]), to_ycc(image.matrix), atol=_NEGLIGIBLE):
        return None
    foot = float(effect.pack(values, view)[3])
    scaled = image.valued((values["level"],) * 3, (foot, 0.0, 0.0))
    found = []
    for plane, gain, offset, least in zip(scaled.planes, scaled.gains, scaled.offsets, (0.0, -0.5, -0.5), strict=True):
        result = np.empty(plane.shape, np.float32)
        _limit(plane, np.float32(gain), np.float32(offset), np.float32(least), np.float32(least + 1), result)
        found.append(result)
    return scaled.with_planes(found)


@compiled
def _limit(plane: Plane, gain: np.float32, offset: np.float32, least: np.float32, most: np.float32, result: Plane) -> None:
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            result[y, x] = min(max(np.float32(plane[y, x]) * gain + offset, least), most)


# ---- neighbours


def _gaussian_blur(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """Weights sum to 1: what the numbers are worth stays as it is."""
    border = {"mirror": cv2.BORDER_REFLECT, "clamp": cv2.BORDER_REPLICATE}.get(values["edges"])
    across, down = (gaussian_weights(sigma) for sigma in sigmas(values, view))
    if not image.covers or border is None or max(across.size, down.size) > _MOST_WEIGHTS:
        return None
    luma = cv2.sepFilter2D(image.planes[0], cv2.CV_32F, across, down, borderType=border)
    of_columns = chroma_weights(across.tobytes(), image.across, pixels.chroma_offset(image.siting, 1))
    of_rows = chroma_weights(down.tobytes(), image.down, pixels.chroma_offset(image.siting, 0))
    cb, cr = (cv2.sepFilter2D(plane, cv2.CV_32F, of_columns, of_rows, borderType=border) for plane in image.planes[1:])
    return replace(image, planes=(luma, cb, cr))


@lru_cache(maxsize=64)
def chroma_weights(weights: bytes, shift: int, offset: float) -> NDArray[np.float32]:
    """What ``weights`` (float32) of luma samples come to on chroma samples: interpolated, weighted, and averaged again."""
    full = np.frombuffer(weights, np.float32).astype(np.float64)
    if not shift:
        return full.astype(np.float32)
    factor = 1 << shift
    shares = tent(shift, offset)[1].astype(np.float64)
    both = np.convolve(np.convolve(shares, shares[::-1]), full) * factor
    middle = both.size // 2
    count = middle // factor
    found = both[middle - count * factor :: factor][: 2 * count + 1]
    result: NDArray[np.float32] = (found / found.sum()).astype(np.float32)
    return result


# ---- places and sizes


def fitted(image: Planar, placing: Placing, width: int, height: int) -> Planar | None:
    """As ``fit.laid``; ``None``: its edges lie between chroma samples."""
    if not image.covers:
        return None
    edges = ((placing.left, placing.right, image.across), (placing.top, placing.bottom, image.down))
    full = ((0, width), (0, height))
    for (first, last, shift), (least, most) in zip(edges, full, strict=True):
        part = (1 << shift) - 1
        if (first & part and first != least) or (last & part and last != most):
            return None
    return replace(
        _resampled(image, placing.columns, placing.rows), left=placing.left, top=placing.top, width=width, height=height
    )


def _resampled(image: Planar, columns: Taps, rows: Taps) -> Planar:
    """New samples, worth what the old ones are."""
    luma, cb, cr = image.planes
    of_columns, of_rows = _chroma_line(columns, image, 1, cb.shape[1]), _chroma_line(rows, image, 0, cb.shape[0])
    new = _sampled(luma, columns, rows), _sampled(cb, of_columns, of_rows), _sampled(cr, of_columns, of_rows)
    return replace(image, planes=new, width=new[0].shape[1], height=new[0].shape[0])


def _sampled(plane: Plane, columns: Taps, rows: Taps) -> Plane:
    across, down = columns.old // max(1, columns.new), rows.old // max(1, rows.new)
    result = np.empty((len(rows.first), len(columns.first)), np.float32)
    if _is_twice(columns) and _is_twice(rows):
        part = plane[rows.start * down :, columns.start * across :]
        _halve(part, result)
    else:
        _sample(plane, columns.first, columns.weights, rows.first, rows.weights, result)
    return result


def _is_twice(line: Taps) -> bool:
    return line.old == 2 * line.new and line.weights.shape[1] <= 3 and line.first[0] == 2 * line.start


@compiled
def _halve(plane: Plane, result: Plane) -> None:
    quarter = np.float32(0.25)
    for y in range(result.shape[0]):
        for x in range(result.shape[1]):
            upper = np.float32(plane[2 * y, 2 * x]) + np.float32(plane[2 * y, 2 * x + 1])
            lower = np.float32(plane[2 * y + 1, 2 * x]) + np.float32(plane[2 * y + 1, 2 * x + 1])
            result[y, x] = (upper + lower) * quarter


@compiled
def _sample(
    plane: Plane,
    first_x: NDArray[np.int32],
    weights_x: NDArray[np.float32],
    first_y: NDArray[np.int32],
    weights_y: NDArray[np.float32],
    result: Plane,
) -> None:
    height, width = plane.shape
    line = np.empty(width, np.float32)
    for y in range(first_y.shape[0]):
        line[:] = _ZERO
        for k in range(weights_y.shape[1]):
            weight = weights_y[y, k]
            if weight != _ZERO:
                source = min(max(first_y[y] + k, 0), height - 1)
                for x in range(width):
                    line[x] += np.float32(plane[source, x]) * weight
        for x in range(first_x.shape[0]):
            total = _ZERO
            for k in range(weights_x.shape[1]):
                total += line[min(max(first_x[x] + k, 0), width - 1)] * weights_x[x, k]
            result[y, x] = total


def _chroma_line(line: Taps, image: Planar, axis: int, old: int) -> Taps:
    """What ``line`` does to luma samples, on chroma samples."""
    shift, offset = (image.down, image.across)[axis], pixels.chroma_offset(image.siting, axis)
    return _composed(_Line(line), (shift, offset), (shift, offset), old) if shift else line


class _Line:
    """Taps as a key: equal where they do the same."""

    def __init__(self, line: Taps) -> None:
        self.line = line
        self._key = (line.first.tobytes(), line.weights.tobytes(), line.old)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Line) and self._key == other._key


@lru_cache(maxsize=64)
def _composed(luma: _Line, before: tuple[int, float], after: tuple[int, float], old: int) -> Taps:
    """From ``old`` chroma samples along an axis to new ones: interpolated to luma samples, these made anew, and averaged.

    :param before: how often they are subsampled (a power of two), and where they sit. :param after: the same of the new ones.
    """
    line = luma.line
    (shift, offset), (new_shift, new_offset) = before, after
    count = len(line.first)
    start, shares = tent(new_shift, new_offset)
    new = -(-count >> new_shift)
    averaged = np.clip((np.arange(new)[:, None] << new_shift) + start + np.arange(len(shares)), 0, count - 1)
    sources = np.clip(line.first[averaged][..., None] + np.arange(line.weights.shape[1]), 0, line.old - 1)
    place = np.clip((sources - offset * ((1 << shift) - 1)) / (1 << shift), 0, old - 1)
    low = place.astype(np.int64)
    amount = shares[None, :, None] * line.weights[averaged]
    columns = np.stack([low, np.minimum(low + 1, old - 1)], -1).reshape(new, -1)
    values = np.stack([amount * (1 - (place - low)), amount * (place - low)], -1).reshape(new, -1)
    first = columns.min(axis=1)
    found = np.zeros((new, int((columns.max(axis=1) - first).max()) + 1))
    np.add.at(found, (np.arange(new)[:, None], columns - first[:, None]), values)
    return Taps(first.astype(np.int32), found.astype(np.float32), line.interpolation, old, new, 0)


def _resited(image: Planar, layout: Layout, siting: str) -> Planar:
    """Chroma samples of another number, or in other places."""
    luma, *chroma = image.planes
    lines: list[Taps | None] = []
    for axis, shift, new_shift in ((1, image.across, layout.across), (0, image.down, layout.down)):
        both = (shift, image.siting), (new_shift, siting)
        before, after = ((count, pixels.chroma_offset(where, axis) if count else 0.0) for count, where in both)
        old = chroma[0].shape[axis]
        whole = taps(luma.shape[axis], luma.shape[axis], Interpolation.BILINEAR)
        lines.append(None if before == after else _composed(_Line(whole), before, after, old))
    if lines == [None, None]:
        return replace(image, siting=siting)
    columns, rows = (line or taps(n, n, Interpolation.BILINEAR) for line, n in zip(lines, chroma[0].shape[::-1], strict=True))
    cb, cr = (_sampled(plane, columns, rows) for plane in chroma)
    return replace(image, planes=(luma, cb, cr), across=layout.across, down=layout.down, siting=siting)


def _transform(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """Punched in, or shrunk by a whole number of times and put onto chroma samples."""
    warp = transform_warp(values, view)
    if warp is None or not image.covers or image.shape[:2] != (view.height, view.width):
        return None
    matrix = warp.matrix / warp.matrix[2, 2]
    if (warp.width, warp.height) == (view.width, view.height) and still_covers(values, view):
        lines = straight(image.shape, matrix, view.width, view.height, warp.interpolation, warp.edges)
        return lines and _resampled(image, *lines)
    x, y = -round(matrix[0, 2]), -round(matrix[1, 2])
    moves_only = np.allclose(matrix, [[1, 0, -x], [0, 1, -y], [0, 0, 1]], atol=_NEGLIGIBLE)
    left, top, right, bottom = max(0, x), max(0, y), min(view.width, x + warp.width), min(view.height, y + warp.height)
    if not moves_only or warp.edges is not Edges.TRANSPARENT or right <= left or bottom <= top:
        return None
    placing = Placing(
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        columns=taps(view.width, warp.width, warp.interpolation, left - x, right - x),
        rows=taps(view.height, warp.height, warp.interpolation, top - y, bottom - y),
    )
    return fitted(image, placing, view.width, view.height)


def _flip(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    if not image.covers:
        return None
    planes = list(image.planes)
    for axis, shift, wanted in ((1, image.across, values["horizontal"]), (0, image.down, values["vertical"])):
        if wanted:
            planes = [cv2.flip(plane, axis) for plane in planes]
            if shift and pixels.chroma_offset(image.siting, axis) != 0.5:  # they sit on the other side now
                return None
    return replace(image, planes=(planes[0], planes[1], planes[2]))


#: Effects by name: a picture in planes once more, or ``None`` where these values need R'G'B'.
_EFFECTS: dict[str, Callable[[Planar, Effect, Values, View], Planar | None]] = {
    "exposure": _exposure,
    "adjust": _adjust,
    "code_gain": _code_gain,
    "invert": _affine_packed,
    "greyscale": _affine_packed,
    "sepia": _affine_packed,
    "gaussian_blur": _gaussian_blur,
    "transform": _transform,
    "flip": _flip,
}


def applied(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """``None``: it is to be done to R'G'B'."""
    work = _EFFECTS.get(effect.name)
    return work(image, effect, values, view) if work else None


def transitioned(
    outgoing: Planar, incoming: Planar, transition: Transition, progress: float, values: Values, view: View
) -> Planar | None:
    """``None``: it is to be done to R'G'B'."""
    if transition.name == "dissolve":
        return mixed(outgoing, incoming, progress)
    if transition.name == "dip_to_colour" and outgoing.covers and incoming.covers:
        assert transition.pack is not None
        packed = transition.pack(progress, values, view).astype(np.float64)
        shown, share = (outgoing, packed[0]) if progress < 0.5 else (incoming, packed[1])
        if abs(share + packed[5] - 1) < _NEGLIGIBLE:
            return shown.valued((share,) * 3, tuple(to_ycc(shown.matrix) @ packed[2:5]))
    return None
