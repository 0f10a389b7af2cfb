"""The reference engine: every effect by its definition in numpy. Slow, plain, and what the others are held against."""

from __future__ import annotations

from collections.abc import Sequence

from otio_perf.effects.engine import Image, Step, faded, rendered
from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Blend, Picture, Transition, View


class ReferenceEngine:
    name = "reference"
    tolerance = 0.0

    def upload(self, picture: Picture, *, is_opaque: bool) -> Image:
        return Image(picture, is_opaque)

    def download(self, image: Image) -> Picture:
        picture: Picture = image.pixels
        return picture

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        for step in steps:
            if not step.effect.is_identity(step.values):
                pixels = rendered(step, image.pixels, view, is_opaque=image.is_opaque)
                image = Image(pixels, image.is_opaque and step.effect.keeps_opaque)
        return image

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float) -> Image:
        return Image(blend.reference(below.pixels, faded(above.pixels, opacity)), below.is_opaque)

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        pixels = transition.reference(outgoing.pixels, incoming.pixels, progress, values, view)
        return Image(pixels, outgoing.is_opaque and incoming.is_opaque)
