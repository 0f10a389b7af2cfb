"""A picture in planes, and what its numbers are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.pixels import Coding
from otio_perf.model.pixels import Layout

Plane = NDArray[Any]
Triple = tuple[float, float, float]

_AS_IT_IS: tuple[Triple, Triple] = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planar:
    """``gains[i] · planes[i] + offsets[i]`` is Y' from 0 to 1, Cb and Cr from −½ to ½. The planes fill the canvas from ``left``
    and ``top`` on, as far as they go; beyond them it is transparent. Both lie on chroma samples.

    ``is_averaged``: Cb and Cr are means of samples at full size. R'G'B' would come to them once, in the end: what is done to
    planes after that is done to chroma samples as they are, or each effect would soften them once more.
    """

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
    is_averaged: bool = False

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

    @property
    def is_black(self) -> bool:
        """Whatever its samples are."""
        return self.covers and not any((*self.gains, *self.offsets))

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
    gains, offsets = worth(coding)
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


def black(width: int, height: int, like: Planar | None = None) -> Planar:
    """A canvas, with chroma as that of ``like`` is; without it, at full size."""
    across, down = (like.across, like.down) if like else (0, 0)
    chroma = np.zeros((-(-height >> down), -(-width >> across)), np.uint8)
    return Planar(
        planes=(np.zeros((height, width), np.uint8), chroma, chroma),
        gains=_AS_IT_IS[1],
        offsets=_AS_IT_IS[1],
        matrix=like.matrix if like else "bt709",
        across=across,
        down=down,
        siting=like.siting if like else "left",
        left=0,
        top=0,
        width=width,
        height=height,
    )


def worth(coding: Coding) -> tuple[Triple, Triple]:
    """What stored numbers are worth (ITU-R BT.709 section 4): see ``effects.pixels``."""
    bits = coding.layout.bits
    scale, most = 1 << (bits - 8), (1 << bits) - 1
    black, span, chroma = (0, most, most) if coding.is_full_range else (16 * scale, 219 * scale, 224 * scale)
    middle = -(1 << (bits - 1)) / chroma
    return (1 / span, 1 / chroma, 1 / chroma), (-black / span, middle, middle)
