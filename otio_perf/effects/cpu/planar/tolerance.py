"""How far pictures in planes may be from what the reference makes of R'G'B', Y' and chroma apart.

The reference brings chroma to full size and averages it in the end. So what is compared is chroma averaged once: of pictures
that hold averages (``Planar.is_averaged``) their own samples. It is compared before it is cut off where codes end, for what is
sharper gets there first; what limits itself to codes (``code_gain``) does it sample by sample, as MLT does.
"""

from __future__ import annotations

from typing import NamedTuple


class Apart(NamedTuple):
    """In codes of 8 bits, whatever the bits: the largest difference of Y', of Cb and Cr, and the mean one of Cb and Cr."""

    luma: float
    chroma: float
    chroma_mean: float


#: Samples stay where they are, each for itself: the precision of floats, of colours up to ten times as bright as white.
_IN_PLACE = Apart(0.1, 0.1, 0.03)
_BY_EFFECT = {
    # inside within half a code; at the outermost samples, of odd sizes above all, R'G'B' has others beyond the edge, and "fast"
    # is not exact there
    "gaussian_blur": Apart(0.7, 14.0, 0.7),
    "sharpen": Apart(0.1, 8.0, 0.3),
    "unsharp": Apart(0.1, 8.0, 0.3),
    # around a picture that is smaller than the canvas R'G'B' mixes colours of both sides; inside as _IN_PLACE
    "transform": Apart(0.1, 32.0, 1.0),
    "vignette": Apart(0.1, 2.0, 0.3),  # darkened as its place is, not as that of each pixel that it is shown in
    "flip": Apart(0.1, 4.0, 1.0),  # chroma that sits on pixels is brought back between them
    "code_gain": Apart(0.1, 24.0, 6.0),  # only where colours have no codes any more, which MLT finds in samples too
}


def allowed(effect: str) -> Apart:
    """After ``effect``, a blend or a transition, done to planes."""
    return _BY_EFFECT.get(effect, _IN_PLACE)
