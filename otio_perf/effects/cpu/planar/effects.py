"""Effects and transitions on planes, where it can be done to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import pixels
from otio_perf.effects.blur import Weights, gaussian_weights, sigmas
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.cpu.planar.layers import mix, mixed
from otio_perf.effects.cpu.planar.sampling import chroma_weights, fitted, moved_and_scaled, sharp_chroma_weights
from otio_perf.effects.cpu.planar.value import Planar, Plane
from otio_perf.effects.cpu.stages import power
from otio_perf.effects.cpu.vignette import vignette_gains
from otio_perf.effects.fit import Placing
from otio_perf.effects.luma import to_ycc, weights
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Effect, Packed, Transition, View
from otio_perf.effects.sampling import Edges, taps
from otio_perf.effects.sharpen import neighbour_weights
from otio_perf.effects.stages import HEADROOM
from otio_perf.effects.transform import still_covers, transform_warp

_ZERO, _HEADROOM = np.float32(0), np.float32(HEADROOM)

#: Terms of a matrix that count as none.
_NEGLIGIBLE = 1e-6
#: A cubic through four samples, in the middle between them.
_HALFWAY = np.array([-1, 9, 9, -1], np.float32) / 16
#: Weights in a row up to which OpenCV's separable filter serves.
_MOST_WEIGHTS = 129
_BORDERS = {"mirror": cv2.BORDER_REFLECT, "clamp": cv2.BORDER_REPLICATE}


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
        mix(cb, cr, np.float32(of_cb), np.float32(of_cr), np.float32(all_added), result)
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


def _gaussian_blur(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    found = _averaged(image, gaussian_weights, sigmas(values, view), values["edges"], is_averaged=image.is_averaged)
    return found and replace(found, is_averaged=True)


def _averaged(
    image: Planar, weights_of: Callable[[float], Weights], widths: tuple[float, float], edges: str, *, is_averaged: bool
) -> Planar | None:
    """Weighted means of neighbours. Weights sum to 1: what the numbers are worth stays as it is.

    :param weights_of: from a width in pixels, or in samples. :param widths: across and down, in pixels.
    """
    border = _BORDERS.get(edges)
    across, down = (weights_of(width) for width in widths)
    if not image.covers or border is None or max(across.size, down.size) > _MOST_WEIGHTS:
        return None
    luma = cv2.sepFilter2D(image.planes[0], cv2.CV_32F, across, down, borderType=border)
    if is_averaged:
        of_columns, of_rows = weights_of(widths[0] / (1 << image.across)), weights_of(widths[1] / (1 << image.down))
    else:
        of_columns = chroma_weights(across.tobytes(), image.across, pixels.chroma_offset(image.siting, 1))
        of_rows = chroma_weights(down.tobytes(), image.down, pixels.chroma_offset(image.siting, 0))
    cb, cr = (cv2.sepFilter2D(plane, cv2.CV_32F, of_columns, of_rows, borderType=border) for plane in image.planes[1:])
    return replace(image, planes=(luma, cb, cr))


def _sharpen(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    return _sharpened(image, neighbour_weights, view.scale, "clamp", values["amount"])


def _unsharp(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    if values["threshold"]:
        return None
    return _sharpened(image, gaussian_weights, values["sigma"] * view.scale, "mirror", values["amount"])


def _sharpened(image: Planar, weights_of: Callable[[float], Weights], width: float, edges: str, amount: float) -> Planar | None:
    """``p + amount · (p − mean)``, the mean being one of samples that stay as sharp as they are: one of what was averaged from
    full size would be softer by that too, and the difference larger."""
    border = _BORDERS.get(edges)
    weights = weights_of(width)
    if not image.covers or border is None or weights.size > _MOST_WEIGHTS:
        return None
    of_columns, of_rows = (
        sharp_chroma_weights(weights.tobytes(), shift, pixels.chroma_offset(image.siting, axis))
        for axis, shift in ((1, image.across), (0, image.down))
    )
    means = [cv2.sepFilter2D(image.planes[0], cv2.CV_32F, weights, weights, borderType=border)]
    means += [cv2.sepFilter2D(plane, cv2.CV_32F, of_columns, of_rows, borderType=border) for plane in image.planes[1:]]
    found = [
        cv2.addWeighted(plane, 1 + amount, of, -amount, 0, dtype=cv2.CV_32F)
        for plane, of in zip(image.planes, means, strict=True)
    ]
    return replace(image, planes=(found[0], found[1], found[2]))


def _vignette(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """A gain of R'G'B' is the same gain of Y', Cb and Cr."""
    assert effect.pack is not None
    if not image.covers or image.shape[:2] != (view.height, view.width):
        return None
    packed, found = effect.pack(values, view), []
    for number, (plane, gain, offset) in enumerate(zip(image.planes, image.gains, image.offsets, strict=True)):
        across, down = (image.across, image.down) if number else (0, 0)
        x, y = (
            pixels.chroma_offset(image.siting, axis) * ((1 << shift) - 1) if shift else 0.0
            for axis, shift in ((1, across), (0, down))
        )
        where = np.array([x, 1 << across, y, 1 << down, gain, offset], np.float32)
        result = np.empty(plane.shape, np.float32)
        _shade(plane, packed, where, result)
        found.append(result)
    return image.with_planes(found)


@compiled
def _shade(plane: Plane, packed: Packed, where: NDArray[np.float32], result: Plane) -> None:
    gains = np.empty(plane.shape[1], np.float32)
    gain, offset = where[4], where[5]
    for y in range(plane.shape[0]):
        vignette_gains(packed, where[0], where[2] + where[3] * np.float32(y), where[1], gains)
        for x in range(plane.shape[1]):
            result[y, x] = (np.float32(plane[y, x]) * gain + offset) * gains[x]


def _transform(image: Planar, effect: Effect, values: Values, view: View) -> Planar | None:
    """Punched in, or shrunk by a whole number of times and put onto chroma samples."""
    warp = transform_warp(values, view)
    if warp is None or not image.covers or image.shape[:2] != (view.height, view.width):
        return None
    matrix = warp.matrix / warp.matrix[2, 2]
    if (warp.width, warp.height) == (view.width, view.height) and still_covers(values, view):
        return moved_and_scaled(image, matrix, view.width, view.height, warp.interpolation, warp.edges)
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
    luma, *chroma = image.planes
    for axis, shift, wanted in ((1, image.across, values["horizontal"]), (0, image.down, values["vertical"])):
        if wanted:
            off = _off_after_flip(luma.shape[axis], chroma[0].shape[axis], shift, image.siting, axis)
            if off and (shift > 1 or abs(off) > 1):
                return None
            luma, chroma = cv2.flip(luma, axis), [cv2.flip(plane, axis) for plane in chroma]
            if off:
                chroma = [_between(plane, axis, off) for plane in chroma]
    return replace(image, planes=(luma, chroma[0], chroma[1]))


def _off_after_flip(size: int, count: int, shift: int, siting: str, axis: int) -> float:
    """How many pixels right of (below) its place chroma sits when ``size`` pixels with ``count`` samples are turned round."""
    if not shift:
        return 0
    factor = 1 << shift
    return size - 1 - factor * (count - 1) - 2 * pixels.chroma_offset(siting, axis) * (factor - 1)


def _between(plane: Plane, axis: int, off: float) -> Plane:
    """Samples ``off`` = ±1 pixel beside their place, which is half of the way to the next one, brought back to it."""
    anchor = _HALFWAY.size // 2 - int(off < 0)
    kernel, at = (_HALFWAY[None], (anchor, 0)) if axis else (_HALFWAY[:, None], (0, anchor))
    found: Plane = cv2.filter2D(plane, cv2.CV_32F, kernel, anchor=at, borderType=cv2.BORDER_REPLICATE)
    return found


#: Effects by name: a picture in planes once more, or ``None`` where these values need R'G'B'.
_EFFECTS: dict[str, Callable[[Planar, Effect, Values, View], Planar | None]] = {
    "exposure": _exposure,
    "adjust": _adjust,
    "code_gain": _code_gain,
    "invert": _affine_packed,
    "greyscale": _affine_packed,
    "sepia": _affine_packed,
    "gaussian_blur": _gaussian_blur,
    "sharpen": _sharpen,
    "unsharp": _unsharp,
    "vignette": _vignette,
    "transform": _transform,
    "flip": _flip,
}


def is_known(effect: Effect) -> bool:
    """Whether it can be done to planes, with most values."""
    return effect.name in _EFFECTS


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
