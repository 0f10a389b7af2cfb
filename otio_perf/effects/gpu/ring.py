"""The way of frames onto the device and back. What is really done at the same time depends on the arch; seen in the sources of
Taichi 1.7.4 (``runtime/cuda/kernel_launcher.cpp``, ``runtime/gfx/runtime.cpp``):

- CPU: nothing. A launch comes back when the kernel is done, and reads the host's memory itself.
- Vulkan, Metal: launches on arrays of the device are queued. One that has an array of the host waits for all work before it and
  for its own. So ``Plain`` copies while the device stands still; decoders and encoders work beside both.
- CUDA: as Vulkan, and each array of the host is copied back as well. An array whose address lies on the device is taken as it
  is. That is how ``streams.Streams`` copies beside the kernels, in queues of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import taichi as ti
from numpy.typing import NDArray

from otio_perf.effects.engine import Heard, unheard
from otio_perf.effects.gpu import pixels
from otio_perf.effects.gpu.memory import empty_plane
from otio_perf.effects.gpu.runtime import works_on_host
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Picture

Planes = list[NDArray[Any]]


class Ring(Protocol):
    def listen(self, heard: Heard) -> None:
        """``heard`` is told of the ``upload``, ``compute`` and ``download`` of each frame from now on."""

    def upload(self, picture: Picture) -> Any:
        """The picture on the device."""

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Any:
        """A picture on the device. ``planes`` may be changed when this comes back."""

    def store(self, picture: Any, coding: Coding, width: int, height: int) -> Callable[[], Planes]:
        """Begins to store a picture, see ``Engine.store``; what comes back waits for the planes. Call it, or forget it."""


class Plain:
    """By Taichi alone."""

    def __init__(self) -> None:
        self._heard: Heard = unheard

    def listen(self, heard: Heard) -> None:
        self._heard = heard

    def upload(self, picture: Picture) -> Any:
        with self._timed("upload"):
            return pixels.taken(np.ascontiguousarray(picture, np.float32))

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Any:
        with self._timed("upload"):
            return pixels.read([np.ascontiguousarray(plane) for plane in planes], coding)

    def store(self, picture: Any, coding: Coding, width: int, height: int) -> Callable[[], Planes]:
        new: Callable[[tuple[int, int], Any], Any] = np.empty if works_on_host() else empty_plane
        planes = [new(shape, pixels.samples(coding.layout)) for shape in pixels.plane_shapes(coding.layout, width, height)]
        pixels.store(picture, planes, coding)

        def fetched() -> Planes:
            with self._timed("compute"):
                ti.sync()
            with self._timed("download"):
                return [plane if isinstance(plane, np.ndarray) else plane.to_numpy() for plane in planes]

        return fetched

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._heard(stage, began, time.perf_counter())
