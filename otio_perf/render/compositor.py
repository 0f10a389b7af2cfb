"""From the plan of a frame to its picture, on any engine."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Protocol

import numpy as np

from otio_perf.effects.conversion import GRAPHICS, values_in
from otio_perf.effects.engine import Engine, Image, Step
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.model.frames import Applied, FramePlan, Generated, Layer, Mix, SourceFrame, Stacked
from otio_perf.render.sources import Shown, image_of, in_colours


class Reads(Protocol):
    """Where frames of media come from: ``Sources``, or what was read ahead of them."""

    def read(self, frame: SourceFrame) -> Shown:
        """:raises OfflineMediaError, CorruptMediaError: it cannot be had; the others can."""
        ...


#: Made pictures that are kept, solids and slates say: as many as a frame usually has.
_MOST_DRAWN = 2


class Compositor:
    """Renders plans with ``engine``; ``scale`` is the size of the result against the canvas of the plan."""

    def __init__(self, engine: Engine, sources: Reads | None = None, *, scale: float = 1.0) -> None:
        self.engine, self._sources, self._scale = engine, sources, scale
        self._canvases: dict[tuple[int, int, int], Image] = {}
        self._drawn: dict[tuple[Generated, View], Image] = {}

    def picture(self, plan: FramePlan) -> Picture:
        """``plan`` on black, opaque.

        :raises MediaError: a source frame cannot be had. :raises EffectError: an effect cannot be done, a LUT is missing say
        """
        return self.engine.download(self.image(plan, on_black=True))

    def image(self, plan: FramePlan, *, on_black: bool, subsampling: tuple[int, int] = (0, 0)) -> Image:
        """``plan`` where the engine keeps its pictures, see ``picture``; or on nothing, transparent where no layer is.

        :param subsampling: how often chroma is halved across and down where it goes.
        """
        view = replace(self._view(plan), subsampling=subsampling)
        return self._layers(plan.root, view, alpha=int(on_black))

    def reading(self, sources: Reads) -> Compositor:
        """The same with other sources."""
        found = copy(self)
        found._sources = sources
        return found

    def _view(self, plan: FramePlan) -> View:
        width, height = (max(1, round(size * self._scale)) for size in (plan.width, plan.height))
        return View(width=width, height=height, scale=self._scale, colour=plan.colour)

    def _layers(self, stack: Stacked, view: View, *, alpha: int) -> Image:
        """On a canvas of ``alpha``, which is not looked for before it is seen."""
        image = None
        for layer in stack.layers:
            image = self._laid(image, layer, view, alpha=alpha)
        return image or self._empty(view, alpha=alpha)

    def _laid(self, below: Image | None, layer: Layer, view: View, *, alpha: int) -> Image | None:
        if layer.opacity == 0:
            return below
        image = self._layer(layer, view)
        if image.is_opaque and layer.opacity == 1 and layer.blend == "over":
            return image  # hides what is below
        if below is None and alpha == 0 and layer.opacity == 1 and layer.blend == "over":
            return image  # over nothing
        below = below or self._empty(view, alpha=alpha)
        return self.engine.blend(below, image, registry().blend(layer.blend), layer.opacity, view)

    def _layer(self, layer: Layer, view: View) -> Image:
        image = self._content(layer, view)
        steps = [self._step(effect, view) for effect in layer.effects]
        return self.engine.apply(image, steps, view) if steps else image

    @staticmethod
    def _step(applied: Applied, view: View) -> Step:
        effect = registry().effect(applied.name)
        return Step(effect, values_in(view.colour, effect.parameters, dict(applied.values)))

    def _content(self, layer: Layer, view: View) -> Image:
        match layer.content:
            case SourceFrame() as frame:
                assert self._sources is not None
                shown = self._sources.read(frame)
                image = image_of(shown, self.engine, view.colour)
                scale = view.scale * layer.magnified
                return self.engine.fit(
                    image, view.width, view.height, layer.fit, sample_aspect=float(shown.sample_aspect), scale=scale
                )
            case Generated() as generated:
                return self._generated(generated, view)
            case Mix() as mix:
                return self._mix(mix, view)
            case Stacked() as stack:
                return self._layers(stack, view, alpha=0)

    def _generated(self, generated: Generated, view: View) -> Image:
        """Drawn once for as long as nothing changes: that takes longer than most effects. Several threads may come at once, and
        draw the same."""
        image = self._drawn.get((generated, view))
        if image is None:
            picture = registry().generator(generated.kind).draw(dict(generated.values), view)
            image = self.engine.upload(picture, is_opaque=bool(picture[..., 3].min() >= 1))
            image = in_colours(image, self.engine, GRAPHICS, view.colour)
            for oldest in list(self._drawn)[: 1 - _MOST_DRAWN]:
                self._drawn.pop(oldest, None)
            self._drawn[generated, view] = image
        return image

    def _mix(self, mix: Mix, view: View) -> Image:
        stacks = (Stacked(layers=() if side is None else (side,)) for side in (mix.outgoing, mix.incoming))
        outgoing, incoming = (self._layers(stack, view, alpha=0) for stack in stacks)
        transition = registry().transition(mix.transition.name)
        values = values_in(view.colour, transition.parameters, dict(mix.transition.values))
        return self.engine.mix(outgoing, incoming, transition, mix.progress, values, view)

    def _empty(self, view: View, *, alpha: int) -> Image:
        """A canvas before anything is on it: made once, for images do not change."""
        key = view.width, view.height, alpha
        if key not in self._canvases:
            picture = np.zeros((view.height, view.width, 4), np.float32)
            picture[..., 3] = alpha
            self._canvases[key] = self.engine.upload(picture, is_opaque=alpha == 1)
        return self._canvases[key]
