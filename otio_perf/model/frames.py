"""What one frame of a timeline is made of. Nothing in it is positional: equal plans are equal pictures, wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fit(StrEnum):
    """How a picture of another size comes onto the canvas."""

    CONTAIN = "contain"  # whole picture, bars where the shapes differ: what editors do by default
    COVER = "cover"  # no bars, edges are lost
    STRETCH = "stretch"
    NONE = "none"  # pixel for pixel, centred


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFrame:
    """Frame ``number`` (0 = first in the file) of a medium, named by ``Target.medium`` and known by its fingerprint."""

    medium: str
    fingerprint: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A picture that is made, not read: ``kind`` is the name of a generator (``solid``, ``gradient``, ``bars``, ``slate``)."""

    kind: str
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """An effect (or transition) by its name in the registry, with the values of this frame, sorted by name; all of them, also
    the default ones. ``version`` is that of its row."""

    name: str
    version: int
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A picture, put on the canvas, its effects in order, then laid over what is below."""

    content: SourceFrame | Generated | Mix | Stacked
    fit: Fit = Fit.CONTAIN
    effects: tuple[Applied, ...] = ()
    blend: str = "over"
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Two layers in a transition; ``None``: nothing, transparent."""

    transition: Applied
    progress: float
    outgoing: Layer | None
    incoming: Layer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """Layers on top of each other, the lowest first, on a transparent canvas."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePlan:
    """One frame. The canvas is black behind all layers.

    ``approximate`` and ``unknown`` name the host's effects that are not rendered exactly, or not at all.
    """

    width: int
    height: int
    root: Stacked
    approximate: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
