"""Pictures for people: eight bits, and several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import lettering
from otio_perf.effects.conversion import conversion_to, meaning_of
from otio_perf.effects.cpu.conversion import converted
from otio_perf.effects.registry import Picture
from otio_perf.model.colour import ColourSpace

Pixels = NDArray[np.uint8]
"""``(height, width, 3)``: R'G'B', full range."""

#: Width of a picture in a contact sheet, and the distance between two, in pixels.
_CELL, _MARGIN = 480, 12
_GROUND, _INK = 24, 220


def eight_bits(picture: Picture, colour: ColourSpace = ColourSpace.BT709) -> Pixels:
    """An opaque picture whose values are those of ``colour``, as an SDR screen shows it: clipped to black and white, rounded to
    the nearest. HDR is tone mapped."""
    conversion = conversion_to(ColourSpace.BT709, meaning_of(colour.tags))
    if conversion is not None:
        picture = converted(picture, conversion, is_opaque=True)
    pixels: Pixels = np.rint(np.clip(picture[..., :3], 0, 1) * np.float32(255)).astype(np.uint8)
    return pixels


def contact_sheet(pictures: Sequence[Pixels], labels: Sequence[str]) -> Pixels:
    """``pictures`` side by side, each with its label below, in as many columns as rows or one more."""
    columns = math.ceil(math.sqrt(len(pictures)))
    cells = [_reduced(picture) for picture in pictures]
    width, height = max(c.shape[1] for c in cells), max(c.shape[0] for c in cells)
    line = 3 * lettering.HEIGHT + _MARGIN
    rows = -(-len(cells) // columns)
    shape = (rows * (height + line + _MARGIN) + _MARGIN, columns * (width + _MARGIN) + _MARGIN, 3)
    sheet = np.full(shape, _GROUND, np.uint8)
    for index, (cell, label) in enumerate(zip(cells, labels, strict=True)):
        row, column = divmod(index, columns)
        top, left = _MARGIN + row * (height + line + _MARGIN), _MARGIN + column * (width + _MARGIN)
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
        dots: NDArray[Any] = np.kron(lettering.line(label), np.ones((2, 2), np.uint8))
        below = top + height + _MARGIN // 2
        area = sheet[below : below + dots.shape[0], left : left + min(dots.shape[1], width)]
        area[dots[: area.shape[0], : area.shape[1]] > 0] = _INK
    return sheet


def _reduced(picture: Pixels) -> Pixels:
    """By whole steps, averaged: a contact sheet is for looking."""
    step = max(1, round(picture.shape[1] / _CELL))
    height, width = (size // step * step for size in picture.shape[:2])
    blocks = picture[:height, :width].reshape(height // step, step, width // step, step, 3)
    small: Pixels = np.rint(blocks.mean((1, 3), dtype=np.float32)).astype(np.uint8)
    return small
