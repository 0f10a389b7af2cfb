"""Memory of the device, used again: pictures, stored planes, and numbers that kernels read.

Taichi 1.7.4 never frees a picture by itself (``VectorNdarray`` has no ``__del__``), fills each new one with zeros, and waits
for all earlier work to do so on Vulkan. So what nobody holds any more is lent out anew. That is safe while kernels that read it
are still queued: one queue does all work in order.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import taichi as ti
from numpy.typing import NDArray
from taichi.lang import impl
from taichi.lang._ndarray import Ndarray, ScalarNdarray
from taichi.lang.matrix import VectorNdarray

from otio_perf.effects.gpu.runtime import works_on_host

#: What may lie unused: the pictures of a 4K frame with a few layers.
_MOST_FREE_BYTES = 1 << 30
#: Taichi's type of each kind of array, and its bytes.
_TYPES = {
    "picture": (ti.math.vec4, 16),
    "uint8": (ti.u8, 1),
    "uint16": (ti.u16, 2),
    "int32": (ti.i32, 4),
    "float32": (ti.f32, 4),
}

_Kind = tuple[tuple[int, ...], str]  # shape, and what of _TYPES
_free: dict[_Kind, list[Ndarray]] = {}  # those of one kind together, the kind that was asked for last at the end
_returned: list[tuple[_Kind, Ndarray]] = []  # free too: garbage is collected at any time, also in the midst of what is below
_all: set[Ndarray] = set()  # also those that are lent: one in a cycle of garbage would be destroyed beside its ``_Lent``


class _Lent:
    """An array as kernels take it, which is free again when nobody holds it."""

    def __init__(self, kind: _Kind, whole: Ndarray) -> None:
        self.__dict__.update(whole.__dict__)
        self.lent = kind, whole

    def __del__(self) -> None:
        if _returned is not None:  # else the interpreter is ending
            _returned.append(self.lent)


class _Picture(_Lent, VectorNdarray):  # type: ignore[misc]  # Taichi has no types
    pass


class _Plane(_Lent, ScalarNdarray):  # type: ignore[misc]
    pass


def empty(width: int, height: int) -> Any:
    """A picture on the device, not filled. :raises RuntimeError: the device has no room"""
    kind = (height, width), "picture"
    return _Picture(kind, _whole(kind))


def empty_plane(shape: tuple[int, ...], samples: Any) -> Any:
    """Samples of this numpy type on the device, not filled. :raises RuntimeError: the device has no room"""
    kind = shape, np.dtype(samples).name
    return _Plane(kind, _whole(kind))


def kept(numbers: NDArray[Any]) -> Any:
    """Numbers as kernels take them: on the device, where those that come again lie already. An argument of numpy makes a launch
    wait for all earlier work, twice."""
    if works_on_host():
        return numbers
    return _kept(numbers.dtype.name, numbers.shape, numbers.tobytes())


@lru_cache(maxsize=128)
def _kept(samples: str, shape: tuple[int, ...], data: bytes) -> Any:
    return _send(np.frombuffer(data, samples).reshape(shape))


def sent(numbers: NDArray[Any]) -> Any:
    """As ``kept``, for those who keep it themselves."""
    return numbers if works_on_host() else _send(numbers)


def _sent(numbers: NDArray[Any]) -> Any:
    found = ti.ndarray(_TYPES[numbers.dtype.name][0], numbers.shape)
    found.from_numpy(numbers)
    return found


_send: Callable[[NDArray[Any]], Any] = _sent


def send_by(send: Callable[[NDArray[Any]], Any]) -> None:
    """``send`` copies numbers to the device, and waits for nothing."""
    global _send  # noqa: PLW0603 (a process has one device)
    _send = send


def free() -> None:
    """Give back what lies unused: the device has no room, or is lost."""
    _kept.cache_clear()
    _drop_to(0)


def _whole(kind: _Kind) -> Ndarray:
    _take_back()
    if there := _free.pop(kind, []):
        whole = there.pop()
        _free[kind] = there
        return whole
    _drop_to(_MOST_FREE_BYTES)
    try:
        return _made(kind)
    except RuntimeError:
        free()
        return _made(kind)


def _made(kind: _Kind) -> Ndarray:
    made = ti.ndarray(_TYPES[kind[1]][0], kind[0])
    _all.add(made)
    return made


def _take_back() -> None:
    while _returned:
        kind, whole = _returned.pop()
        _free.setdefault(kind, []).append(whole)


def _drop_to(most_bytes: int) -> None:
    """Kinds that were not used for longest go first."""
    _take_back()
    held = sum(_bytes(kind) * len(there) for kind, there in _free.items())
    for kind, there in list(_free.items()):
        while there and held > most_bytes:
            held -= _bytes(kind)
            _delete(there.pop())
        if not there:
            del _free[kind]


def _bytes(kind: _Kind) -> int:
    return math.prod(kind[0]) * _TYPES[kind[1]][1]


def _delete(whole: Ndarray) -> None:
    _all.discard(whole)
    program = impl.get_runtime().prog
    if isinstance(whole, ScalarNdarray) or program is None:
        return  # the first does it by itself
    ti.sync()  # Vulkan keeps what queued kernels still name
    program.delete_ndarray(whole.arr)
