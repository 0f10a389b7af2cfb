"""The two things that most colour effects come to, as rows of numbers for the engines' kernels: an affine map of R'G'B', and
a tone curve by channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Powers are taken of 0 to this: six stops above white is more than any picture holds, and 64¹⁰ is still a float32.
HEADROOM = 64.0

_ANY = 1e30


def affine(matrix: ArrayLike, constant: ArrayLike = 0.0) -> NDArray[np.float32]:
    """``matrix · c + constant`` as 12 numbers, row by row, the constant last in each."""
    column = np.broadcast_to(np.asarray(constant, np.float64), (3,))[:, None]
    return np.concatenate([np.asarray(matrix, np.float64), column], axis=1).astype(np.float32).ravel()


def tone(
    *,
    scale: ArrayLike = 1.0,
    offset: ArrayLike = 0.0,
    least: float = -_ANY,
    most: float = _ANY,
    exponent: ArrayLike = 1.0,
    gain: ArrayLike = 1.0,
    lift: ArrayLike = 0.0,
) -> NDArray[np.float32]:
    """``clip(scale · c + offset, least, most) ^ exponent · gain + lift`` as 21 numbers: seven triples, in this order.

    Where an exponent is not 1, ``least`` must be 0 or more.
    """
    numbers = (scale, offset, least, most, exponent, gain, lift)
    return np.concatenate([np.broadcast_to(np.asarray(n, np.float32), (3,)) for n in numbers])
