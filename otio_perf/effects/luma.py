"""Y'CbCr within effects: what "brightness", "saturation" and "hue" are measured in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.parameters import Choice
from otio_perf.effects.pixels import MATRICES
from otio_perf.effects.registry import Picture

MATRIX = Choice(
    name="matrix",
    default="bt709",
    options=("bt709", "smpte170m", "bt2020nc"),
    help="Whose Y'CbCr: high definition, standard definition (BT.601), BT.2020",
)


def weights(matrix: str) -> NDArray[np.float32]:
    """Those of R', G', B' in Y'."""
    red, blue = MATRICES[matrix]
    return np.array([red, 1 - red - blue, blue], np.float32)


def luma(picture: Picture, matrix: str) -> NDArray[np.float32]:
    """Y', ``(height, width, 1)``."""
    result: NDArray[np.float32] = (picture[..., :3] @ weights(matrix))[..., None]
    return result


def to_ycc(matrix: str) -> NDArray[np.float64]:
    """R'G'B' → Y' (0 to 1), Cb, Cr (−½ to ½): ITU-T H.273, equations 38 to 40."""
    red, blue = MATRICES[matrix]
    y = np.array([red, 1 - red - blue, blue])
    return np.stack([y, (np.array([0, 0, 1]) - y) / (2 * (1 - blue)), (np.array([1, 0, 0]) - y) / (2 * (1 - red))])
