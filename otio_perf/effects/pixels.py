"""Between stored samples (Y'CbCr or R'G'B', 8 bits to float) and the pictures that effects work on.

Everything that shapes the colours is an argument: matrix, range, where chroma sits. Transfer and primaries are left as they
are: effects work on the values that the screen gets, as editors do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.registry import Picture
from otio_perf.errors import UnsupportedMediaError
from otio_perf.model.media import ColourTags
from otio_perf.model.pixels import Layout

#: Weights of R' and B' in Y' (ITU-T H.273, table 4), by FFmpeg's names.
MATRICES = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),  # constant luminance is decoded as if it were not: nobody records it
}

#: Tags that say nothing of Y'CbCr: none, and that of R'G'B', which screen recorders write beside Y'CbCr by mistake.
_SILENT = (None, "gbr")

#: Pictures of fewer rows than this are standard definition, and BT.601 where nothing says otherwise, as in all editors.
_SD_ROWS = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What the numbers of a picture mean. ``siting``: of chroma samples against luma, FFmpeg's words. ``is_premultiplied``:
    R'G'B' that is stored multiplied by alpha."""

    layout: Layout
    matrix: str = "bt709"
    is_full_range: bool = False
    siting: str = "left"
    is_premultiplied: bool = False


def coding_of(
    layout: Layout, colour: ColourTags, height: int, *, is_premultiplied: bool = False, path: str | None = None
) -> Coding:
    """As the tags say; where they are silent, as editors take it: BT.601 below 720 rows, limited range, chroma on the left.

    :param path: of whose pictures: what errors are to name.
    :raises UnsupportedMediaError: Y'CbCr by a matrix that is not known here, or something else than Y'CbCr in its place.
    """
    matrix = "smpte170m" if height < _SD_ROWS else "bt709"
    if colour.matrix in MATRICES:
        matrix = colour.matrix
    elif colour.matrix not in _SILENT and not layout.is_rgb and not layout.is_grey:
        raise UnsupportedMediaError(
            f"has its colours coded as {colour.matrix}, which is not read here",
            path=path,
            hint="Convert it to BT.709, or leave it to the editing program",
        )
    return Coding(
        layout=layout,
        matrix=matrix,
        is_full_range=colour.range == "pc" or layout.is_rgb,
        siting=colour.chroma_location or "left",
        is_premultiplied=is_premultiplied,
    )


def to_picture(planes: Sequence[NDArray[Any]], coding: Coding) -> Picture:
    """Planes as ``media.planes`` gives them → a picture, premultiplied. Values outside black and white are kept.

    Chroma is interpolated linearly from where it sits. Alpha is full range, whatever the range of the colours.
    """
    layout = coding.layout
    height, width = planes[0].shape
    picture = np.ones((height, width, 4), np.float32)
    if layout.is_rgb:
        for channel, plane in zip((1, 2, 0), planes, strict=False):
            picture[..., channel] = plane if layout.is_float else _levels(plane, layout.bits, is_full=coding.is_full_range)
    elif layout.is_grey:
        picture[..., :3] = _levels(planes[0], layout.bits, is_full=coding.is_full_range)[..., None]
    else:
        luma = _levels(planes[0], layout.bits, is_full=coding.is_full_range)
        cb, cr = (
            _upsampled(_chroma(plane, layout.bits, is_full=coding.is_full_range), coding, width, height)
            for plane in planes[1:3]
        )
        red, blue = map(np.float32, MATRICES[coding.matrix])
        green = 1 - red - blue
        picture[..., 0] = luma + 2 * (1 - red) * cr
        picture[..., 2] = luma + 2 * (1 - blue) * cb
        picture[..., 1] = luma - (2 * red * (1 - red) / green) * cr - (2 * blue * (1 - blue) / green) * cb
    if layout.has_alpha:
        alpha = planes[-1] if layout.is_float else planes[-1].astype(np.float32) / np.float32((1 << layout.bits) - 1)
        picture[..., 3] = alpha
        if not coding.is_premultiplied:
            picture[..., :3] *= picture[..., 3:]
    return picture


def from_picture(picture: Picture, coding: Coding) -> list[NDArray[Any]]:
    """A picture → planes, clipped to what they can hold and rounded to the nearest. Straight alpha, or on black.

    Chroma is averaged over the pixels that it stands for, around where it sits.
    """
    layout = coding.layout
    if layout.has_alpha:
        alpha = np.clip(picture[..., 3], 0, 1)
        colour = np.divide(picture[..., :3], alpha[..., None], out=np.zeros_like(picture[..., :3]), where=alpha[..., None] > 0)
    else:
        alpha, colour = None, picture[..., :3]
    if layout.is_rgb:
        planes = [
            colour[..., channel].copy() if layout.is_float else _stored(colour[..., channel], layout.bits, coding.is_full_range)
            for channel in (1, 2, 0)
        ]
    else:
        red, blue = map(np.float32, MATRICES[coding.matrix])
        luma: NDArray[np.float32] = colour @ np.array([red, 1 - red - blue, blue], np.float32)
        planes = [_stored(luma, layout.bits, coding.is_full_range)]
        if not layout.is_grey:
            for channel, weight in ((2, blue), (0, red)):
                difference: NDArray[np.float32] = (colour[..., channel] - luma) / (2 * (1 - weight))
                planes.append(_stored_chroma(_downsampled(difference, coding), layout.bits, coding.is_full_range))
    if alpha is not None:
        planes.append(alpha if layout.is_float else _stored(alpha, layout.bits, is_full=True))
    return planes


def _levels(plane: NDArray[Any], bits: int, *, is_full: bool) -> NDArray[np.float32]:
    """Y' or R'G'B' samples → black 0, white 1 (ITU-R BT.709 section 4, BT.2020 table 5)."""
    scale = 1 << (bits - 8)
    black, span = (0, (1 << bits) - 1) if is_full else (16 * scale, 219 * scale)
    return (plane.astype(np.float32) - np.float32(black)) * np.float32(1 / span)


def _chroma(plane: NDArray[Any], bits: int, *, is_full: bool) -> NDArray[np.float32]:
    """Cb or Cr samples → −0.5 … 0.5."""
    span = (1 << bits) - 1 if is_full else 224 << (bits - 8)
    return (plane.astype(np.float32) - np.float32(1 << (bits - 1))) * np.float32(1 / span)


def _stored(values: NDArray[np.float32], bits: int, is_full: bool) -> NDArray[Any]:
    scale = 1 << (bits - 8)
    black, span = (0, (1 << bits) - 1) if is_full else (16 * scale, 219 * scale)
    return _whole(values * np.float32(span) + np.float32(black), bits)


def _stored_chroma(values: NDArray[np.float32], bits: int, is_full: bool) -> NDArray[Any]:
    span = (1 << bits) - 1 if is_full else 224 << (bits - 8)
    return _whole(values * np.float32(span) + np.float32(1 << (bits - 1)), bits)


def _whole(values: NDArray[np.float32], bits: int) -> NDArray[Any]:
    kind = np.uint8 if bits == 8 else np.uint16
    stored: NDArray[Any] = np.clip(np.rint(values), 0, (1 << bits) - 1).astype(kind)
    return stored


def chroma_offset(siting: str, axis: int) -> float:
    """Where the first chroma sample lies, in the luma samples that it stands for: 0 on the first, ½ between the first two."""
    if axis == 1:
        return 0.0 if siting in ("left", "topleft", "bottomleft") else 0.5
    return 0.0 if siting in ("topleft", "top") else 1.0 if siting in ("bottomleft", "bottom") else 0.5


def _upsampled(chroma: NDArray[np.float32], coding: Coding, width: int, height: int) -> NDArray[np.float32]:
    for axis, shift, size in ((0, coding.layout.down, height), (1, coding.layout.across, width)):
        if shift:
            factor = 1 << shift
            position = (np.arange(size) - chroma_offset(coding.siting, axis) * (factor - 1)) / factor
            position = np.clip(position, 0, chroma.shape[axis] - 1)
            first = np.minimum(position.astype(np.intp), chroma.shape[axis] - 1)
            second = np.minimum(first + 1, chroma.shape[axis] - 1)
            share = (position - first).astype(np.float32)
            share = share[:, None] if axis == 0 else share[None, :]
            chroma = np.take(chroma, first, axis) * (1 - share) + np.take(chroma, second, axis) * share
    return chroma


def _downsampled(chroma: NDArray[np.float32], coding: Coding) -> NDArray[np.float32]:
    for axis, shift in ((0, coding.layout.down), (1, coding.layout.across)):
        if shift:
            factor = 1 << shift
            size = chroma.shape[axis]
            count = -(-size // factor)
            centre = np.arange(count) * factor + chroma_offset(coding.siting, axis) * (factor - 1)
            # a tent as wide as two chroma samples: the reverse of linear interpolation
            total = np.zeros_like(np.take(chroma, np.zeros(count, np.intp), axis))
            weights = 0.0
            for step in range(-factor, factor + 1):
                at = np.floor(centre).astype(np.intp) + step
                share = np.maximum(0, 1 - np.abs(at - centre) / factor)
                if share.max() == 0:
                    continue
                share32 = share.astype(np.float32)
                total += np.take(chroma, np.clip(at, 0, size - 1), axis) * (share32[:, None] if axis == 0 else share32[None, :])
                weights += float(share[0])
            chroma = total / np.float32(weights)
    return chroma
