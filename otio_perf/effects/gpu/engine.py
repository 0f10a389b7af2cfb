"""The GPU engine. Pictures stay on the device; each run of effects that look at one pixel only is one kernel.

A kernel is made for each sequence of effects, not for each set of values: those come in as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.conversion import Conversion
from otio_perf.effects.engine import Heard, Image, Step, faded, is_opaque_after, passes, rendered, runs
from otio_perf.effects.fit import Placing
from otio_perf.effects.gpu import kernels, memory, tiles
from otio_perf.effects.gpu.conversion import converted
from otio_perf.effects.gpu.memory import empty, kept
from otio_perf.effects.gpu.ring import Plain, Ring
from otio_perf.effects.gpu.runtime import start
from otio_perf.effects.gpu.sampling import resampled
from otio_perf.effects.gpu.transform import turned
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Blend, Effect, Packed, Picture, Transition, View


class GpuEngine(ReferenceEngine):
    """What has no kernel here is done by its definition, on the CPU: the picture travels there and back."""

    name = "gpu"
    tolerance = 2e-3
    is_shared = False

    def __init__(self, arch: str, cache_folder: str | None = None, device: str = "") -> None:
        """:param device: its name, by which it is known what was measured on it.
        :raises EffectError: the arch does not work here
        """
        start(arch, cache_folder)
        tiles.remember_in(cache_folder, f"{arch} {device}")
        self.arch = arch
        self._ring, self.fallback = _ring(arch)

    def upload(self, picture: Picture, *, is_opaque: bool) -> Image:
        return Image(self._ring.upload(picture), is_opaque)

    def download(self, image: Image) -> Picture:
        picture: Picture = image.pixels.to_numpy()
        return picture

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Image:
        return Image(self._ring.read(planes, coding), not coding.layout.has_alpha)

    def store(self, image: Image, coding: Coding, width: int, height: int) -> list[NDArray[Any]]:
        return self.storing(image, coding, width, height)()

    def storing(self, image: Image, coding: Coding, width: int, height: int) -> Callable[[], list[NDArray[Any]]]:
        return self._ring.store(image.pixels, coding, width, height)

    def listen(self, heard: Heard) -> None:
        self._ring.listen(heard)

    def turned(self, image: Image, turn: int, *, is_mirrored: bool) -> Image:
        return Image(turned(image.pixels, turn, is_mirrored), image.is_opaque)

    def convert(self, image: Image, conversion: Conversion) -> Image:
        return Image(converted(image.pixels, conversion), image.is_opaque)

    def _laid(self, image: Image, placing: Placing, width: int, height: int) -> Any:
        return resampled(image.pixels, placing.columns, placing.rows, left=placing.left, top=placing.top, size=(width, height))

    def fuses(self, effect: Effect) -> bool:
        return effect.name in kernels.table("POINTS") and effect.pack is not None

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        wholes = kernels.table("WHOLES")
        for fused, run in runs(steps, self.fuses):
            opaque = is_opaque_after(image, run)
            if fused:
                image = Image(self._fused(image, run, view), opaque)
            elif run[0].effect.name in wholes:
                image = Image(wholes[run[0].effect.name](image.pixels, run[0].values, view), opaque)
            else:
                pixels = rendered(run[0], self.download(image), view, is_opaque=image.is_opaque)
                image = self.upload(pixels, is_opaque=opaque)
        return image

    def _fused(self, image: Image, run: Sequence[Step], view: View) -> Any:
        names, numbers = [], []
        for name, packed in passes(image, run, view):
            names.append(name)
            numbers.append(packed)
        places = np.cumsum([0, *map(len, numbers)])[:-1]
        height, width = image.pixels.shape
        target = empty(width, height)
        kernels.chain(tuple(names), tuple(map(int, places)))(image.pixels, target, kept(np.concatenate(numbers)))
        return target

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float, view: View) -> Image:  # noqa: ARG002
        if blend.name not in kernels.table("BLENDS"):
            pixels = blend.reference(self.download(below), faded(self.download(above), opacity))
            return self.upload(pixels, is_opaque=below.is_opaque)
        height, width = below.pixels.shape
        target = empty(width, height)
        kernels.blend(blend.name)(below.pixels, above.pixels, opacity, target)
        return Image(target, below.is_opaque)

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        if progress in (0, 1):
            return incoming if progress else outgoing
        opaque = outgoing.is_opaque and incoming.is_opaque
        whole = kernels.table("WHOLE_MIXES").get(transition.name)
        if whole is not None:
            return Image(whole(outgoing.pixels, incoming.pixels, progress, values, view), opaque)
        if transition.name not in kernels.table("MIXES") or transition.pack is None:
            pixels = transition.reference(self.download(outgoing), self.download(incoming), progress, values, view)
            return self.upload(pixels, is_opaque=opaque)
        height, width = outgoing.pixels.shape
        target = empty(width, height)
        packed: Packed = np.ascontiguousarray(transition.pack(progress, values, view), np.float32)
        kernels.mix(transition.name)(outgoing.pixels, incoming.pixels, kept(packed), target)
        return Image(target, opaque)


@cache
def _ring(arch: str) -> tuple[Ring, str]:
    """The way onto the device and back; and why it is not the better one, where that does not work."""
    if arch == "cuda":
        try:
            from otio_perf.effects.gpu.streams import Driver, tried

            streams = tried(Driver())
        except (OSError, AttributeError, RuntimeError) as error:
            return Plain(), f"copies wait for kernels: {error}"
        memory.send_by(streams.sent)
        return streams, ""
    return Plain(), ""
