"""The reference engine: every effect by its definition in numpy. Slow, plain, and what the others are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.conversion import Conversion, converted
from otio_perf.effects.engine import Heard, Image, Step, faded, is_opaque_after, rendered
from otio_perf.effects.fit import Placing, covers, laid, placed
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.registry import Blend, Effect, Picture, Transition, View
from otio_perf.effects.sampling import Interpolation
from otio_perf.model.frames import Fit


class ReferenceEngine:
    """The others are this one where they have nothing better."""

    name = "reference"
    tolerance = 0.0
    is_shared = True

    def upload(self, picture: Picture, *, is_opaque: bool) -> Image:
        return Image(picture, is_opaque)

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Image:
        return self.upload(to_picture(planes, coding), is_opaque=not coding.layout.has_alpha)

    def turned(self, image: Image, turn: int, *, is_mirrored: bool) -> Image:
        picture = np.rot90(self.download(image), -turn // 90)
        if is_mirrored:
            picture = picture[:, ::-1]
        return self.upload(np.ascontiguousarray(picture), is_opaque=image.is_opaque)

    def convert(self, image: Image, conversion: Conversion) -> Image:
        return Image(converted(image.pixels, conversion), image.is_opaque)

    def fuses(self, effect: Effect) -> bool:  # noqa: ARG002
        return False

    def download(self, image: Image) -> Picture:
        picture: Picture = image.pixels
        return picture

    def store(self, image: Image, coding: Coding, width: int, height: int) -> list[NDArray[Any]]:
        return self._stored(_sized(self.download(image), width, height), coding)

    def storing(self, image: Image, coding: Coding, width: int, height: int) -> Callable[[], list[NDArray[Any]]]:
        planes = self.store(image, coding, width, height)
        return lambda: planes

    def listen(self, heard: Heard) -> None:
        pass

    def _stored(self, picture: Picture, coding: Coding) -> list[NDArray[Any]]:
        return from_picture(picture, coding)

    def fit(
        self,
        image: Image,
        width: int,
        height: int,
        fit: Fit,
        *,
        sample_aspect: float = 1.0,
        interpolation: Interpolation = Interpolation.BICUBIC,
        scale: float = 1.0,
    ) -> Image:
        source_height, source_width = image.pixels.shape[:2]
        placing = placed(
            source_width,
            source_height,
            width,
            height,
            fit,
            sample_aspect=sample_aspect,
            interpolation=interpolation,
            scale=scale,
        )
        if placing is None:
            return image
        return Image(self._laid(image, placing, width, height), image.is_opaque and covers(placing, width, height))

    def _laid(self, image: Image, placing: Placing, width: int, height: int) -> Any:
        """The pixels of ``image`` on a transparent canvas."""
        return laid(image.pixels, placing, width, height)

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        for step in steps:
            if not step.effect.is_identity(step.values):
                pixels = rendered(step, image.pixels, view, is_opaque=image.is_opaque)
                image = Image(pixels, is_opaque_after(image, [step]))
        return image

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float, view: View) -> Image:  # noqa: ARG002
        return Image(blend.reference(below.pixels, faded(above.pixels, opacity)), below.is_opaque)

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        if progress in (0, 1):
            return incoming if progress else outgoing
        pixels = transition.reference(outgoing.pixels, incoming.pixels, progress, values, view)
        return Image(pixels, outgoing.is_opaque and incoming.is_opaque)


def _sized(picture: Picture, width: int, height: int) -> Picture:
    cut = picture[:height, :width]
    missing = height - cut.shape[0], width - cut.shape[1]
    return np.pad(cut, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge") if any(missing) else cut
