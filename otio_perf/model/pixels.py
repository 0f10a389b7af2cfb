"""How samples of a picture lie in memory, in words that codecs and effects share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One plane a component: Y', Cb, Cr (``is_rgb`` false) or G', B', R' (true, FFmpeg's order), or Y' alone; then alpha.

    Chroma planes have ``1 / 2**across`` of the columns and ``1 / 2**down`` of the rows, rounded up. Samples are integers,
    8 or 16 bits wide, that use the lowest ``bits``, or 32-bit floats, black 0 and white 1.
    """

    is_rgb: bool
    is_grey: bool
    bits: int
    is_float: bool = False
    across: int = 0
    down: int = 0
    has_alpha: bool = False
