"""Words burnt into stored pictures: white letters on black boxes, upright wherever the picture is turned to for display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import lettering
from otio_perf.model.pixels import Layout
from otio_perf.model.recipes import BurnIn

#: Where each stands in the upright picture: 0 left and top, 1 right and bottom.
PLACES = {BurnIn.NAME: (0.0, 0.0), BurnIn.FRAME: (1.0, 0.0), BurnIn.TIMECODE: (0.5, 1.0)}

#: Dots in the shorter side of the picture: letters of 7 have 4 % of it (28 lines of 720).
_DOTS = 180
#: In dots: around the letters within their box, between boxes and the edge of the picture.
_PADDING, _MARGIN = 2, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Inscription:
    """How words are drawn into pictures of one kind: Y'CbCr, with or without alpha.

    :param turn: clockwise degrees, then ``is_mirrored`` left to right, that make the stored picture upright.
    :param sample_aspect: of stored pixels.
    :param least_dot: pixels; 2 where rows belong to two fields, each of which has to be readable.
    """

    layout: Layout
    width: int
    height: int
    is_full_range: bool = False
    turn: int = 0
    is_mirrored: bool = False
    sample_aspect: Fraction = Fraction(1)
    least_dot: int = 1

    def draw(self, planes: Sequence[NDArray[Any]], words: Mapping[BurnIn, str]) -> None:
        """Write ``words`` into ``planes``, in place. Of what is too long the middle is left out; where there is no room at all,
        nothing is written."""
        width, height, dot_width, dot_height = self._upright()
        taken = 0
        for kind, text in sorted(words.items(), key=lambda item: item[0] is BurnIn.NAME):  # the name takes what is left
            margin = _MARGIN * dot_width, _MARGIN * dot_height
            room = (width - 2 * margin[0] - (taken if kind is BurnIn.NAME else 0)) // dot_width - 2 * _PADDING + 1
            lines = lettering.wrapped(text, max(0, room // lettering.ADVANCE), 1) if room >= lettering.ADVANCE else []
            if not lines:
                continue
            dots = np.pad(lettering.line(lines[0])[:, :-1], _PADDING)
            mask = dots.repeat(dot_height, axis=0).repeat(dot_width, axis=1)
            free = width - 2 * margin[0] - mask.shape[1], height - 2 * margin[1] - mask.shape[0]
            if free[1] < 0:
                continue
            across, down = PLACES[kind]
            if kind is BurnIn.FRAME:
                taken = mask.shape[1] + margin[0]
            self._box(planes, mask, round(margin[0] + across * free[0]), round(margin[1] + down * free[1]))

    def _upright(self) -> tuple[int, int, int, int]:
        """Width and height of the upright picture in stored pixels, and of a dot."""
        dot = min(self.width * self.sample_aspect, Fraction(self.height)) / _DOTS
        dot_width = max(self.least_dot, round(dot / self.sample_aspect))
        dot_height = max(self.least_dot, round(dot))
        if self.turn in (90, 270):
            return self.height, self.width, dot_height, dot_width
        return self.width, self.height, dot_width, dot_height

    def _box(self, planes: Sequence[NDArray[Any]], mask: NDArray[np.bool_], left: int, top: int) -> None:
        """A box of ``mask`` at a place in the upright picture, where that is stored."""
        if self.is_mirrored:
            mask = mask[:, ::-1]
            left = (self.height if self.turn in (90, 270) else self.width) - left - mask.shape[1]
        mask = np.rot90(mask, self.turn // 90)
        rows, columns = mask.shape
        match self.turn:
            case 90:
                top, left = self.height - left - rows, top
            case 180:
                top, left = self.height - top - rows, self.width - left - columns
            case 270:
                top, left = left, self.width - top - columns
        top_bit = self.layout.bits - 8
        black, white = (0, (1 << self.layout.bits) - 1) if self.is_full_range else (16 << top_bit, 235 << top_bit)
        down, across = (1 << self.layout.down) - 1, (1 << self.layout.across) - 1
        first_row, first_column = top & ~down, left & ~across  # the box covers whole chroma samples
        end_row, end_column = (top + rows + down) & ~down, (left + columns + across) & ~across
        planes[0][first_row:end_row, first_column:end_column] = black
        planes[0][top : top + rows, left : left + columns][mask] = white
        for plane in planes[1:3]:
            plane[
                first_row >> self.layout.down : end_row >> self.layout.down,
                first_column >> self.layout.across : end_column >> self.layout.across,
            ] = 1 << (self.layout.bits - 1)
        if self.layout.has_alpha:
            planes[3][first_row:end_row, first_column:end_column] = (1 << self.layout.bits) - 1
