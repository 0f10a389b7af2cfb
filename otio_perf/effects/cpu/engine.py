"""The CPU engine. What is done pixel by pixel runs band by band: a band of rows stays in the core's own cache while one
effect after the other works on it, so that a chain costs little more memory traffic than one effect.

numba's functions let go of the GIL: frames are rendered by several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.conversion import Conversion
from otio_perf.effects.cpu.conversion import converted
from otio_perf.effects.cpu.pixels import from_picture, to_picture
from otio_perf.effects.cpu.sampling import resampled
from otio_perf.effects.engine import FAMILIES, Image, Step, is_opaque_after, passes, rendered, runs
from otio_perf.effects.fit import Placing, covers
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Blend, Effect, Packed, Picture, Transition, View
from otio_perf.effects.transform import still_covers

Rows = Picture
"""Some rows of a picture."""

PointFunction = Callable[[Rows, Rows, Packed, int], None]
"""``f(source, rows, packed, top)``: ``rows`` from ``source``, all four channels. The two never share memory: where they might,
the compiler goes number by number. ``top`` is the number of the first row in the picture."""

WholeFunction = Callable[[Picture, Values, View], Picture]
"""AREA and WARP: a new picture."""

#: Bytes of a band: a quarter of a core's second cache (1 MB where this was measured). A chain needs two of them, and tables.
BAND_BYTES = 256 * 1024


@cache
def _table(name: str) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for family in FAMILIES:
        found |= getattr(import_module(f"otio_perf.effects.cpu.{family}"), name, {})
    return found


class CpuEngine(ReferenceEngine):
    """What has no fast path here is done by its definition."""

    name = "cpu"
    tolerance = 2e-3

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Image:
        return self.upload(to_picture(planes, coding), is_opaque=not coding.layout.has_alpha)

    def _stored(self, picture: Picture, coding: Coding) -> list[NDArray[Any]]:
        return from_picture(picture, coding)

    def convert(self, image: Image, conversion: Conversion) -> Image:
        return Image(converted(image.pixels, conversion, is_opaque=image.is_opaque), image.is_opaque)

    def _laid(self, image: Image, placing: Placing, width: int, height: int) -> Any:
        pixels = resampled(image.pixels, placing.columns, placing.rows)
        if covers(placing, width, height):
            return pixels
        canvas: Picture = np.zeros((height, width, 4), np.float32)
        canvas[placing.top : placing.bottom, placing.left : placing.right] = pixels
        return canvas

    def fuses(self, effect: Effect) -> bool:
        return effect.name in _table("POINTS") and effect.pack is not None

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        wholes = _table("WHOLES")
        for fused, run in runs(steps, self.fuses):
            if fused:
                pixels = self._fused(image, run, view)
            elif run[0].effect.name in wholes:
                pixels = wholes[run[0].effect.name](image.pixels, run[0].values, view)
            else:
                pixels = rendered(run[0], image.pixels, view, is_opaque=image.is_opaque)
            image = Image(pixels, is_opaque_after(image, run) or self._is_punch_in(image, run[0], view))
        return image

    @staticmethod
    def _is_punch_in(image: Image, step: Step, view: View) -> bool:
        """An opaque picture that still hides all of the canvas: nothing needs to be laid under it."""
        same_size = image.pixels.shape[:2] == (view.height, view.width)
        return image.is_opaque and same_size and step.effect.name == "transform" and still_covers(step.values, view)

    def _fused(self, image: Image, run: Sequence[Step], view: View) -> Picture:
        result = np.empty((*image.pixels.shape[:2], 4), np.float32)
        for _band in self._bands(image, run, view, result):
            pass
        return result

    def _bands(
        self, image: Image, run: Sequence[Step], view: View, result: Picture | None = None
    ) -> Iterator[tuple[int, Rows]]:
        """``run``, band by band: the number of a band's first row, and its rows, in ``result`` or, without one, in memory that
        the next band takes."""
        points = _table("POINTS")
        work = [(points[name], packed) for name, packed in passes(image, run, view)]
        height, width = image.pixels.shape[:2]
        filled = self._filled(image)
        between = len(work) + (filled is not None) - (result is not None)
        band = max(1, BAND_BYTES // (width * 16)) if between else height
        spare = np.empty((min(2, between), band, width, 4), np.float32)
        picture: Picture = np.ascontiguousarray(image.pixels) if filled is None else spare[0]
        for top in range(0, height, band):
            count = min(band, height - top)
            source = picture[top : top + count] if filled is None else spare[0, :count]
            if filled is not None:
                filled(top, source)
            for number, (point, packed) in enumerate(work, 1):
                if number == len(work) and result is not None:
                    target = result[top : top + count]
                else:
                    target = spare[number % len(spare), :count]
                point(source, target, packed, top)
                source = target
            yield top, source

    def _filled(self, image: Image) -> Callable[[int, Rows], None] | None:  # noqa: ARG002
        """What makes rows of an image that is no picture yet: they go on while they are in the cache."""
        return None

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float, view: View) -> Image:
        fast = _table("BLENDS").get(blend.name)
        if fast is None:
            return super().blend(below, above, blend, opacity, view)
        return Image(fast(below.pixels, above.pixels, opacity, below.is_opaque and above.is_opaque), below.is_opaque)

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        fast = _table("MIXES").get(transition.name)
        if fast is None or progress in (0, 1):
            return super().mix(outgoing, incoming, transition, progress, values, view)
        pixels = fast(outgoing.pixels, incoming.pixels, progress, values, view)
        return Image(pixels, outgoing.is_opaque and incoming.is_opaque)
