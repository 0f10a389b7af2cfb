"""What every engine can do: take pictures in, work on them, give them back. The compositor knows no more than this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.conversion import Conversion
from otio_perf.effects.parameters import Values
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Alpha, Blend, Effect, Packed, Picture, Shape, Transition, View
from otio_perf.effects.sampling import Interpolation
from otio_perf.model.frames import Fit

#: Modules of an engine's folder with its fast paths, by the name of effect, blend mode or transition: the tables ``POINTS``,
#: ``WHOLES``, ``BLENDS``, ``MIXES``, ``WHOLE_MIXES``.
FAMILIES = (
    "alpha",
    "color",
    "grade",
    "lut",
    "vignette",
    "blend",
    "transitions",
    "blur",
    "sharpen",
    "denoise",
    "key",
    "transform",
)

_NOTHING: Packed = np.zeros(1, np.float32)

Heard = Callable[[str, float, float], None]
"""Told what a device did for a frame (``upload``, ``compute`` or ``download``), when it began and when it ended: seconds by its
own clock."""


def unheard(stage: str, began: float, ended: float) -> None:
    """A ``Heard`` for those who do not want to know."""


@dataclass(frozen=True, slots=True)
class Step:
    """An effect with the values that it has in this frame."""

    effect: Effect
    values: Values


@dataclass(frozen=True, slots=True)
class Image:
    """A picture where the engine keeps it: ``pixels`` is the engine's own affair. Never changed once made."""

    pixels: Any
    is_opaque: bool


class Engine(Protocol):
    """All engines give the reference's pixels, within ``tolerance`` (the largest difference of a value 0 to 1)."""

    name: str
    tolerance: float
    #: Whether several threads may work with it at the same time.
    is_shared: bool

    def upload(self, picture: Picture, *, is_opaque: bool) -> Image: ...

    def read(self, planes: Sequence[NDArray[Any]], coding: Coding) -> Image:
        """A decoded frame: ``pixels.to_picture`` on the way to where the engine keeps its pictures."""
        ...

    def turned(self, image: Image, turn: int, *, is_mirrored: bool) -> Image:
        """By ``turn`` degrees clockwise, 0, 90, 180 or 270; then mirrored, left for right."""
        ...

    def convert(self, image: Image, conversion: Conversion) -> Image:
        """Into another colour space: ``conversion.converted``."""
        ...

    def download(self, image: Image) -> Picture: ...

    def store(self, image: Image, coding: Coding, width: int, height: int) -> list[NDArray[Any]]:
        """``pixels.from_picture``, as planes of ``width`` × ``height``. These may differ by a pixel from the picture's, for
        codecs want them even: what is too much is cut off, what is missing repeats the edge."""
        ...

    def storing(self, image: Image, coding: Coding, width: int, height: int) -> Callable[[], list[NDArray[Any]]]:
        """``store`` in two halves: what comes back waits for the planes. An engine that is not shared is given the next frames
        in the meantime, and works on them beside it."""
        ...

    def listen(self, heard: Heard) -> None:
        """``heard`` is told what the device does from now on; engines without a device have nothing to tell."""
        ...

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
        """A source of any size on a transparent canvas of ``width`` × ``height``; see ``fit.placed`` for the rest."""
        ...

    def fuses(self, effect: Effect) -> bool:
        """Whether it is done together with others in one pass over the picture, where it looks at one pixel only: see
        ``runs``."""
        ...

    def apply(self, image: Image, steps: Sequence[Step], view: View) -> Image:
        """``steps``, one after the other; the size may change to that of ``view`` only in a WARP."""

    def blend(self, below: Image, above: Image, blend: Blend, opacity: float, view: View) -> Image:
        """:param view: where it goes; some engines keep no more chroma than that has"""
        ...

    def mix(
        self, outgoing: Image, incoming: Image, transition: Transition, progress: float, values: Values, view: View
    ) -> Image:
        """At progress 0 and 1 the outgoing and the incoming image themselves: exactly these."""
        ...


def runs(steps: Sequence[Step], is_fusible: Callable[[Effect], bool]) -> list[tuple[bool, list[Step]]]:
    """``steps`` without those that change nothing, cut into runs that one pass can do and single ones."""
    work = [step for step in steps if not step.effect.is_identity(step.values)]
    found: list[tuple[bool, list[Step]]] = []
    for fusible, group in groupby(work, key=lambda s: s.effect.shape in (Shape.POINT, Shape.PLACE) and is_fusible(s.effect)):
        together = list(group)
        found += [(True, together)] if fusible else [(False, [step]) for step in together]
    return found


def passes(image: Image, run: Sequence[Step], view: View) -> list[tuple[str, Packed]]:
    """A run as the names of point functions and their numbers; ``unpremultiply`` and ``premultiply`` where they are needed."""
    work: list[tuple[str, Packed]] = []
    is_opaque, is_straight = image.is_opaque, False
    for step in run:
        effect = step.effect
        stays_opaque = is_opaque and effect.keeps_opaque(step.values)
        wants_straight = effect.alpha is Alpha.STRAIGHT and not stays_opaque
        if wants_straight != is_straight and not (is_opaque and not is_straight):
            work.append(("unpremultiply" if wants_straight else "premultiply", _NOTHING))
        is_straight = wants_straight
        assert effect.pack is not None
        work.append((effect.name, np.ascontiguousarray(effect.pack(step.values, view), np.float32)))
        is_opaque = stays_opaque
    if is_straight:
        work.append(("premultiply", _NOTHING))
    return work


def is_opaque_after(image: Image, steps: Sequence[Step]) -> bool:
    return image.is_opaque and all(step.effect.keeps_opaque(step.values) for step in steps)


def straightened(picture: Picture) -> Picture:
    """Premultiplied → straight; where alpha is 0 the colour is 0."""
    alpha = picture[..., 3:]
    straight = picture.copy()
    np.divide(picture[..., :3], alpha, out=straight[..., :3], where=alpha > 0)
    straight[..., :3] *= alpha > 0
    return straight


def premultiplied(picture: Picture) -> Picture:
    """Straight → premultiplied."""
    result = picture.copy()
    result[..., :3] *= picture[..., 3:]
    return result


def rendered(step: Step, picture: Picture, view: View, *, is_opaque: bool) -> Picture:
    """One step by its definition, alpha as the effect wants it."""
    effect = step.effect
    if effect.alpha is Alpha.PREMULTIPLIED or (is_opaque and effect.keeps_opaque(step.values)):
        return effect.reference(picture, step.values, view)
    return premultiplied(effect.reference(straightened(picture), step.values, view))


def faded(picture: Picture, opacity: float) -> Picture:
    return picture if opacity == 1 else picture * np.float32(opacity)
