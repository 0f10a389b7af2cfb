"""The CPU engine that leaves pictures as they are stored for as long as it can (``planar``), and makes R'G'B' of them where
something needs it. Its ``pixels`` are either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.conversion import Conversion
from otio_perf.effects.cpu.engine import CpuEngine, Rows
from otio_perf.effects.cpu.planar import layers, sampling, stored
from otio_perf.effects.cpu.planar.effects import applied, is_known, transitioned
from otio_perf.effects.cpu.planar.splitting import Splitting
from otio_perf.effects.cpu.planar.value import Planar, black, planar
from otio_perf.effects.engine import Image, Step, is_opaque_after, runs
from otio_perf.effects.fit import Placing
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Blend, Picture, Transition, View


def _image(found: Planar) -> Image:
    return Image(found, found.covers)


def _whole(image: Image) -> Image:
    """In R'G'B'."""
    given = image.pixels
    if not isinstance(given, Planar):
        return image
    return Image(_canvas(given.height, given.width) if given.is_black else stored.picture_of(given), image.is_opaque)


@lru_cache(maxsize=1)
def _canvas(height: int, width: int) -> Picture:
    """Black: what is no plane is laid on it frame after frame."""
    picture = np.zeros((height, width, 4), np.float32)
    picture[..., 3] = 1
    return picture


def is_enough(given: Planar, view: View) -> bool:
    """Whether there is as much chroma as anybody will see."""
    return given.across <= view.subsampling[0] and given.down <= view.subsampling[1]


class NativeEngine(CpuEngine):
    """As ``CpuEngine``; what it stores of planes that nothing was done to are these planes. ``tolerance`` is that of R'G'B';
    how near pictures in planes are is said in ``planar.tolerance``."""

    def upload(self, picture: Picture, *, is_opaque: bool) -> Image:
        """Black is a canvas, on which planes may be laid."""
        if is_opaque and not picture[..., :3].any():
            return _image(black(picture.shape[1], picture.shape[0]))
        return super().upload(picture, is_opaque=is_opaque)

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Image:
        found = planar(planes, coding)
        return super().read(planes, coding) if found is None else _image(found)

    def convert(self, image: Image, conversion: Conversion) -> Image:
        return super().convert(_whole(image), conversion)

    def download(self, image: Image) -> Picture:
        return super().download(_whole(image))

    def store(self, image: Image, coding: Coding, width: int, height: int) -> list[NDArray[Any]]:
        given = image.pixels
        if isinstance(given, Planar) and given.shape[:2] == (height, width):
            if not (given.covers or coding.layout.has_alpha):
                given = layers.laid_over(black(width, height), given, 1) or given
            found = stored.stored(given, coding)
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
            if found is not None:
                image, left = _image(found), left[1:]
                continue
            (fused, run), *_ = runs(left, self.fuses)
            if not (fused and image.pixels.covers):
                break
            rest = left[len(run) :]
            if self._stays_planar(image, run, rest, view):
                image = self._in_planes(image, run, view)
            else:
                image = super().apply(image, run, view)
            left = rest
        return super().apply(_whole(image), left, view) if left else image

    @staticmethod
    def _stays_planar(image: Image, run: Sequence[Step], rest: Sequence[Step], view: View) -> bool:
        """Whether what ``run`` makes may have as little chroma as ``image``, and what comes next can be done to planes."""
        return is_enough(image.pixels, view) and is_opaque_after(image, run) and (not rest or is_known(rest[0].effect))

    def _in_planes(self, image: Image, run: Sequence[Step], view: View) -> Image:
        """Point-wise effects from planes to planes: R'G'B' is there for as long as a band is in the cache."""
        given: Planar = image.pixels
        split = Splitting(given.height, given.width, given.coding)
        for top, rows in self._bands(image, run, view):
            split.take(top, rows)
        return _image(replace(given.with_planes(split.planes()), is_averaged=True))

    def _filled(self, image: Image) -> Callable[[int, Rows], None] | None:
        return stored.rows_of(image.pixels) if isinstance(image.pixels, Planar) else None

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float, view: View) -> Image:
        if blend.name == "over" and isinstance(below.pixels, Planar) and isinstance(above.pixels, Planar):
            # an edge of chroma is as wide as its samples
            is_fine = above.pixels.covers or is_enough(above.pixels, view)
            found = layers.laid_over(below.pixels, above.pixels, opacity) if is_fine else None
            if found is not None:
                return _image(found)
        return super().blend(_whole(below), _whole(above), blend, opacity, view)

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
