"""The CPU engine that leaves pictures as they are stored for as long as it can (``planar``), and makes R'G'B' of them where
something needs it. Its ``pixels`` are either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from otio_perf.effects.conversion import Conversion
from otio_perf.effects.cpu.engine import CpuEngine, Rows
from otio_perf.effects.cpu.planar import layers, sampling, stored
from otio_perf.effects.cpu.planar.effects import applied, transitioned
from otio_perf.effects.cpu.planar.value import Planar, planar
from otio_perf.effects.engine import Image, Step, runs
from otio_perf.effects.fit import Placing
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Blend, Picture, Transition, View


def _image(found: Planar) -> Image:
    return Image(found, found.covers)


def _whole(image: Image) -> Image:
    """In R'G'B'."""
    return Image(stored.picture_of(image.pixels), image.is_opaque) if isinstance(image.pixels, Planar) else image


class NativeEngine(CpuEngine):
    """As ``CpuEngine``; what it stores of planes that nothing was done to are these planes."""

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Image:
        found = planar(planes, coding)
        return super().read(planes, coding) if found is None else _image(found)

    def convert(self, image: Image, conversion: Conversion) -> Image:
        return super().convert(_whole(image), conversion)

    def download(self, image: Image) -> Picture:
        return super().download(_whole(image))

    def store(self, image: Image, coding: Coding, width: int, height: int) -> list[NDArray[Any]]:
        if isinstance(image.pixels, Planar) and image.pixels.shape[:2] == (height, width):
            found = stored.stored(image.pixels, coding)
            if found is not None:
                return found
        return super().store(_whole(image), coding, width, height)

    def _laid(self, image: Image, placing: Placing, width: int, height: int) -> Any:
        found = sampling.fitted(image.pixels, placing, width, height) if isinstance(image.pixels, Planar) else None
        return super()._laid(_whole(image), placing, width, height) if found is None else found

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        left = [step for step in steps if not step.effect.is_identity(step.values)]
        while left and isinstance(image.pixels, Planar):
            found = applied(image.pixels, left[0].effect, left[0].values, view)
            if found is None:
                break
            image, left = _image(found), left[1:]
        if not left:
            return image
        is_fused = runs(left, self.fuses)[0][0] and isinstance(image.pixels, Planar) and image.pixels.covers
        return super().apply(image if is_fused else _whole(image), left, view)

    def _filled(self, image: Image) -> Callable[[int, Rows], None] | None:
        return stored.rows_of(image.pixels) if isinstance(image.pixels, Planar) else None

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float) -> Image:
        if blend.name == "over" and isinstance(below.pixels, Planar) and isinstance(above.pixels, Planar):
            found = layers.laid_over(below.pixels, above.pixels, opacity)
            if found is not None:
                return _image(found)
        return super().blend(_whole(below), _whole(above), blend, opacity)

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        if progress in (0, 1):
            return incoming if progress else outgoing
        if isinstance(outgoing.pixels, Planar) and isinstance(incoming.pixels, Planar):
            found = transitioned(outgoing.pixels, incoming.pixels, transition, progress, values, view)
            if found is not None:
                return _image(found)
        return super().mix(_whole(outgoing), _whole(incoming), transition, progress, values, view)
