"""What there is: effects, blends, transitions, generators. A family a file; a thing a row; third parties by an entry point.

A package adds its own like this, in its ``pyproject.toml``::

    [project.entry-points."otio_perf.effects"]
    mine = "my_package:EFFECTS"          # a tuple of Effect, Blend, Transition or Generator

An effect that has no more than its numpy reference is rendered with that on every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.parameters import Parameter, Values, checked
from otio_perf.errors import EffectError
from otio_perf.model.colour import ColourSpace

Picture = NDArray[np.float32]
"""``(height, width, 4)``, R'G'B'A: as the screen gets it (not linear light), black 0, white 1, values beyond are kept.
Premultiplied by alpha, C-contiguous."""

Packed = NDArray[np.float32]
"""One row of numbers: what the values come to, computed once a frame and handed to the kernels of all engines."""


class Shape(StrEnum):
    """What a pixel of the result depends on: says how engines may fuse, cut and tile."""

    POINT = "point"  # the same pixel
    PLACE = "place"  # the same pixel and where it is: vignettes, wipes, crops
    AREA = "area"  # its neighbours
    WARP = "warp"  # pixels somewhere else


class Alpha(StrEnum):
    """Which colours an effect works on: those of the object, or those times its alpha."""

    STRAIGHT = "straight"
    PREMULTIPLIED = "premultiplied"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The frame that is rendered: ``scale`` pixels of it for each pixel of the timeline's canvas (1 at full size, ½ on a rung
    of half the size). Lengths in parameters are canvas pixels: kernels multiply them by ``scale``. ``colour``: what the values
    of its pictures mean. ``subsampling``: how often chroma is halved across and down where the frame goes; nobody will see
    finer chroma than that."""

    width: int
    height: int
    scale: float = 1.0
    colour: ColourSpace = ColourSpace.BT709
    subsampling: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One picture in, one out.

    :param reference: the definition, in plain numpy: ``reference(picture, values, view)``; a new array.
    :param pack: the numbers that fast paths need instead of ``values``; ``None``: there is no fast path.
    :param keeps_opaque: whether an opaque picture stays opaque with these values; keys, crops and moves make holes.
    :param cost: milliseconds a megapixel relative to ``exposure`` = 1 on the CPU engine, with the default values where nothing
        else is said (``benchmarks/effect_speed.py`` measures it).
    :param cost_of: the same for other values, where these count: a large blur takes longer than a small one.
    :param version: goes into frame keys: raise it whenever pixels change.
    :param is_identity: whether these values change nothing.
    """

    name: str
    title: str
    family: str
    shape: Shape
    alpha: Alpha
    parameters: tuple[Parameter, ...]
    reference: Callable[[Picture, Values, View], Picture]
    pack: Callable[[Values, View], Packed] | None = None
    keeps_opaque: Callable[[Values], bool] = lambda values: True
    cost: float = 1.0
    cost_of: Callable[[Values], float] | None = None
    version: int = 1
    is_identity: Callable[[Values], bool] = lambda values: False

    def cost_with(self, values: Values) -> float:
        """``cost_of`` these values, where they count."""
        return self.cost if self.cost_of is None else self.cost_of(values)

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """:raises EffectError: a name or a value that it cannot take."""
        return checked(self.parameters, given, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """How a layer is put on what is below: ``reference(below, above)``, both premultiplied; the result too.

    The layer's opacity has been multiplied in.
    """

    name: str
    title: str
    reference: Callable[[Picture, Picture], Picture]
    cost: float = 1.0
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """From one picture to another: ``reference(outgoing, incoming, progress, values, view)``, premultiplied.

    ``progress`` runs from 0 (all outgoing) to 1 (all incoming).
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    reference: Callable[[Picture, Picture, float, Values, View], Picture]
    pack: Callable[[float, Values, View], Packed] | None = None
    cost: float = 1.0
    version: int = 1

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """:raises EffectError: a name or a value that it cannot take."""
        return checked(self.parameters, given, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """A picture out of nothing: ``draw(values, view)``, premultiplied, the same on every engine."""

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    draw: Callable[[Values, View], Picture]
    version: int = 1

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """:raises EffectError: a name or a value that it cannot take."""
        return checked(self.parameters, given, self.name)


_Row = TypeVar("_Row", Effect, Blend, Transition, Generator)

#: Modules of ours, each with a tuple ``EFFECTS``.
FAMILIES = (
    "color",
    "grade",
    "curves",
    "lut",
    "vignette",
    "blend",
    "transitions",
    "blur",
    "sharpen",
    "denoise",
    "key",
    "transform",
    "generators",
)
ENTRY_POINTS = "otio_perf.effects"


@dataclass(frozen=True, slots=True)
class Registry:
    effects: dict[str, Effect] = field(default_factory=dict)
    blends: dict[str, Blend] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    generators: dict[str, Generator] = field(default_factory=dict)

    def add(self, row: Effect | Blend | Transition | Generator) -> None:
        """:raises EffectError: the name is taken, or it is none of the four."""
        shelves: dict[type, dict[str, Any]] = {
            Effect: self.effects,
            Blend: self.blends,
            Transition: self.transitions,
            Generator: self.generators,
        }
        if type(row) not in shelves:
            raise EffectError(f"{row!r} is no effect, blend mode, transition or generator")
        shelf = shelves[type(row)]
        if row.name in shelf:
            raise EffectError(f"there are two called {row.name!r}", hint="Remove one of the packages that bring them")
        shelf[row.name] = row

    def effect(self, name: str) -> Effect:
        return _named(self.effects, name, "effect")

    def blend(self, name: str) -> Blend:
        return _named(self.blends, name, "blend mode")

    def transition(self, name: str) -> Transition:
        return _named(self.transitions, name, "transition")

    def generator(self, name: str) -> Generator:
        return _named(self.generators, name, "generator")


def _named(shelf: dict[str, _Row], name: str, kind: str) -> _Row:
    try:
        return shelf[name]
    except KeyError:
        raise EffectError(f"there is no {kind} called {name!r}") from None


@cache
def registry() -> Registry:
    """Ours, and those of installed packages. :raises EffectError: a package brings something unusable; it is named"""
    found = Registry()
    for family in FAMILIES:
        for row in import_module(f"otio_perf.effects.{family}").EFFECTS:
            found.add(row)
    for point in entry_points(group=ENTRY_POINTS):
        try:
            for row in point.load():
                found.add(row)
        except Exception as error:
            raise EffectError(f"the effects of {point.value!r} cannot be loaded: {error}") from error
    return found
