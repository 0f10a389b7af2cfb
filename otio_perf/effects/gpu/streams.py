"""Copies beside the kernels, on CUDA: by two queues of the driver's own (NVIDIA's "CUDA Driver API", sections Stream, Event
and Memory Management), while Taichi's kernels run in the default one.

A picture goes up through memory that the host and the copying engine share: planes → pinned memory → (queue "up") → device
→ kernel that reads them. Down the same way back (queue "down"). Events say what has to wait for what; the host waits only for
what it fetches, and for memory where too much is under way. Nothing here was run on hardware where it was written: ``tried``
has it prove itself before it is used.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Callable, Sequence
from ctypes import POINTER, c_float, c_int, c_size_t, c_uint, c_void_p
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.engine import Heard, unheard
from otio_perf.effects.gpu import memory, pixels
from otio_perf.effects.gpu.ring import Plain, Planes
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Picture
from otio_perf.model.pixels import Layout

#: Of pinned memory, which the system cannot use otherwise.
_MOST_PINNED_BYTES = 1 << 30
#: Sizes of what is pinned: planes of one source after the other fit into what was taken for the first.
_STEP_BYTES = 1 << 20

#: The default queue, which is Taichi's.
_TAICHI = None
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: it does not wait for the default queue by itself
_ASLEEP = 1  # CU_EVENT_BLOCKING_SYNC: who waits for it leaves the processor to others
_NOT_READY = 600  # CUDA_ERROR_NOT_READY

_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "cuCtxGetCurrent": (POINTER(c_void_p),),
    "cuCtxSetCurrent": (c_void_p,),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamWaitEvent": (c_void_p, c_void_p, c_uint),
    "cuEventCreate": (POINTER(c_void_p), c_uint),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventQuery": (c_void_p,),
    "cuEventSynchronize": (c_void_p,),
    "cuEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
    "cuMemAllocHost_v2": (POINTER(c_void_p), c_size_t),
    "cuMemAlloc_v2": (POINTER(c_void_p), c_size_t),
    "cuMemcpyHtoDAsync_v2": (c_void_p, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_void_p, c_size_t, c_void_p),
}


class Driver:
    """The functions above. :raises OSError: there is no driver. :raises RuntimeError: it refuses, or the device is lost"""

    def __init__(self, library: Any = None) -> None:
        if library is None:
            library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        for name, types in _FUNCTIONS.items():
            function = getattr(library, name)
            function.argtypes, function.restype = types, c_int
            setattr(self, "_" + name, function)

    def __call__(self, name: str, *arguments: Any) -> None:
        code = getattr(self, "_" + name)(*arguments)
        if code:
            raise RuntimeError(f"CUDA error {code} in {name}")

    def made(self, name: str, *arguments: Any) -> int:
        """What a function that makes something made."""
        found = c_void_p()
        self(name, ctypes.byref(found), *arguments)
        return found.value or 0

    def has_happened(self, event: int) -> bool:
        """:raises RuntimeError: the work before it failed"""
        code = self._cuEventQuery(event)  # type: ignore[attr-defined]
        if code not in (0, _NOT_READY):
            raise RuntimeError(f"CUDA error {code} in cuEventQuery")
        return bool(code == 0)

    def seconds(self, before: int, after: int) -> float:
        milliseconds = c_float()
        self("cuEventElapsedTime", ctypes.byref(milliseconds), before, after)
        return milliseconds.value / 1e3


@dataclass(slots=True)
class _Staging:
    """Pinned memory, as much on the device, and the times of one copy: when it began, when it was over, and when kernels had
    read what came."""

    size: int
    host: int
    device: int
    began: int
    copied: int
    used: int
    is_under_way: bool = False  # down: until it is fetched; up: until it is told of

    def arrays(self, base: int, shapes: Sequence[tuple[int, ...]], samples: Any) -> Planes:
        """One after the other, at ``base``."""
        found, at = [], base
        for shape in shapes:
            found.append(_array(at, shape, samples))
            at += found[-1].nbytes
        return found


@dataclass(slots=True)
class _Frame:
    """When the kernels of a frame began and ended."""

    begun: int
    done: int


@dataclass(slots=True)
class Streams:
    """A ``Ring``. To be made after Taichi has started, and used by one thread at a time."""

    driver: Driver
    _heard: Heard = field(default=unheard)
    _context: int = 0
    _up: int = 0
    _down: int = 0
    _origin: int = 0
    _begun: int = 0  # event of the frame that is being made; 0: none has begun
    _rising: list[_Staging] = field(default_factory=list)  # oldest first
    _falling: list[_Staging] = field(default_factory=list)
    _blocks: dict[int, list[int]] = field(default_factory=dict)  # free ones by size
    _events: list[int] = field(default_factory=list)  # free ones

    def __post_init__(self) -> None:
        driver = self.driver
        memory.empty(1, 1).fill(0)  # a launch, after which Taichi's context is this thread's
        self._context = driver.made("cuCtxGetCurrent")
        if not self._context:
            raise RuntimeError("Taichi has no CUDA context")
        self._up, self._down = (driver.made("cuStreamCreate", _NON_BLOCKING) for _ in range(2))
        self._origin = self._event()
        driver("cuEventRecord", self._origin, _TAICHI)

    def listen(self, heard: Heard) -> None:
        self._heard = heard

    def upload(self, picture: Picture) -> Any:
        return self._raised([np.asarray(picture, np.float32)], lambda there: pixels.taken(there[0]))

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Any:
        return self._raised(planes, lambda there: pixels.read(there, coding))

    def _raised(self, arrays: Sequence[NDArray[Any]], kernel: Callable[[Planes], Any]) -> Any:
        """What ``kernel`` makes of ``arrays`` on the device."""
        driver = self.driver
        driver("cuCtxSetCurrent", self._context)
        shapes, samples = [array.shape for array in arrays], arrays[0].dtype
        size = sum(array.size for array in arrays) * samples.itemsize
        staging = self._free_to_rise(size)
        for pinned, array in zip(staging.arrays(staging.host, shapes, samples), arrays, strict=True):
            np.copyto(pinned, array)
        driver("cuEventRecord", staging.began, self._up)
        driver("cuMemcpyHtoDAsync_v2", staging.device, staging.host, size, self._up)
        driver("cuEventRecord", staging.copied, self._up)
        driver("cuStreamWaitEvent", _TAICHI, staging.copied, 0)
        if not self._begun:
            self._begun = self._event()
            driver("cuEventRecord", self._begun, _TAICHI)
        made = kernel(staging.arrays(staging.device, shapes, samples))
        driver("cuEventRecord", staging.used, _TAICHI)
        staging.is_under_way = True
        self._rising.append(staging)
        return made

    def store(self, picture: Any, coding: Coding, width: int, height: int) -> Callable[[], Planes]:
        driver = self.driver
        driver("cuCtxSetCurrent", self._context)
        shapes, samples = pixels.plane_shapes(coding.layout, width, height), pixels.samples(coding.layout)
        size = sum(rows * columns for rows, columns in shapes) * np.dtype(samples).itemsize
        staging = self._free_to_fall(size)
        frame = _Frame(self._begun or self._event(), self._event())
        if not self._begun:
            driver("cuEventRecord", frame.begun, _TAICHI)
        self._begun = 0
        pixels.store(picture, staging.arrays(staging.device, shapes, samples), coding)
        driver("cuEventRecord", frame.done, _TAICHI)
        driver("cuStreamWaitEvent", self._down, frame.done, 0)
        driver("cuEventRecord", staging.began, self._down)
        driver("cuMemcpyDtoHAsync_v2", staging.host, staging.device, size, self._down)
        driver("cuEventRecord", staging.copied, self._down)

        def fetched() -> Planes:
            driver("cuCtxSetCurrent", self._context)
            driver("cuEventSynchronize", staging.copied)
            planes = [plane.copy() for plane in staging.arrays(staging.host, shapes, samples)]
            self._tell_uploads()
            self._tell("compute", frame.begun, frame.done)
            self._tell("download", staging.began, staging.copied)
            self._events += [frame.begun, frame.done]
            forgotten()
            return planes

        forgotten = weakref.finalize(fetched, self._landed, staging)  # at once, or when nobody can fetch it any more
        return fetched

    @staticmethod
    def _landed(staging: _Staging) -> None:
        staging.is_under_way = False

    def sent(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """A copy on the device, as kernels take it. The driver has read ``numbers`` when this comes back (memory that is not
        pinned is copied aside first), and kernels that are launched now find them."""
        size = max(256, 1 << (numbers.nbytes - 1).bit_length())
        free = self._blocks.setdefault(size, [])
        block = free.pop() if free else self.driver.made("cuMemAlloc_v2", size)
        whole = np.ascontiguousarray(numbers)
        self.driver("cuMemcpyHtoDAsync_v2", block, whole.ctypes.data, whole.nbytes, _TAICHI)
        found = _array(block, whole.shape, whole.dtype)
        weakref.finalize(found, free.append, block)  # who writes there next does so after the kernels that read it
        return found

    def _free_to_rise(self, size: int) -> _Staging:
        """What kernels have read of earlier frames."""
        self._tell_uploads()
        for staging in self._rising:
            if staging.size >= size and self.driver.has_happened(staging.used):
                break
        else:
            if self._pinned() + size <= _MOST_PINNED_BYTES or not self._rising:
                return self._staging(size)
            staging = max(self._rising, key=lambda one: one.size)
            if staging.size < size:
                return self._staging(size)
            self.driver("cuEventSynchronize", staging.used)
            self._tell_uploads()
        self._rising.remove(staging)
        return staging

    def _tell_uploads(self) -> None:
        for staging in self._rising:
            if staging.is_under_way and self.driver.has_happened(staging.copied):
                staging.is_under_way = False
                self._tell("upload", staging.began, staging.copied)

    def _free_to_fall(self, size: int) -> _Staging:
        """What was fetched, or forgotten."""
        for staging in self._falling:
            if staging.size >= size and not staging.is_under_way:
                break
        else:
            staging = self._staging(size)
            self._falling.append(staging)
        staging.is_under_way = True
        return staging

    def _staging(self, size: int) -> _Staging:
        size = -(-size // _STEP_BYTES) * _STEP_BYTES
        made = self.driver.made
        host, device = made("cuMemAllocHost_v2", size), made("cuMemAlloc_v2", size)
        return _Staging(size, host, device, self._event(), self._event(), self._event())

    def _pinned(self) -> int:
        return sum(staging.size for staging in (*self._rising, *self._falling))

    def _event(self) -> int:
        return self._events.pop() if self._events else self.driver.made("cuEventCreate", _ASLEEP)

    def _tell(self, stage: str, before: int, after: int) -> None:
        self._heard(stage, self.driver.seconds(self._origin, before), self.driver.seconds(self._origin, after))


def _array(address: int, shape: tuple[int, ...], samples: Any) -> NDArray[Any]:
    """What lies at ``address``: on the device it may be handed on, but not looked at."""
    kind = np.dtype(samples)
    whole = (ctypes.c_char * (int(np.prod(shape)) * kind.itemsize)).from_address(address)
    return np.frombuffer(whole, kind).reshape(shape)


def tried(driver: Driver) -> Streams:
    """Streams that work: pictures come back through them as without them, several on their way at once.

    :raises RuntimeError, OSError: they do not.
    """
    streams, plain = Streams(driver), Plain()
    coding = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=10, across=1))
    random = np.random.default_rng(1)
    width, height = 641, 363
    frames = [
        [random.integers(64, 940, shape).astype(np.uint16) for shape in pixels.plane_shapes(coding.layout, width, height)]
        for _ in range(6)
    ]
    under_way = [streams.store(streams.read(planes, coding), coding, width, height) for planes in frames]
    for planes, fetched in zip(frames, under_way, strict=True):
        wanted = plain.store(plain.read(planes, coding), coding, width, height)()
        if not all(np.array_equal(one, other) for one, other in zip(fetched(), wanted, strict=True)):
            raise RuntimeError("copies beside the kernels give other pictures")
    numbers = random.random(1000, np.float32)
    if not np.array_equal(_echoed(streams.sent(numbers)), numbers):
        raise RuntimeError("numbers that are sent beside the kernels are others")
    return streams


def _echoed(numbers: NDArray[Any]) -> NDArray[Any]:
    """What kernels find there."""
    target = memory.empty_plane(numbers.shape, numbers.dtype)
    target.from_numpy(numbers)
    found: NDArray[Any] = target.to_numpy()
    return found
