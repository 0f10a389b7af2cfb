"""How numba compiles here: without the GIL, kept on the disk, and NaN stays NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])

_FAST = {"contract", "arcp", "nsz", "reassoc", "afn"}


def compiled(function: _Function) -> _Function:
    """Constants in ``function`` must be ``float32``, or all of it is reckoned in double precision at half the speed."""
    fast: _Function = njit(nogil=True, cache=True, error_model="numpy", fastmath=_FAST)(function)
    return fast
