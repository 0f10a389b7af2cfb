"""What one frame of a timeline is made of. Nothing in it is positional: equal plans are equal pictures, wherever they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from otio_perf.model.colour import ColourSpace
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import EffectUse


class Fit(StrEnum):
    """How a picture of another size comes onto the canvas."""

    CONTAIN = "contain"  # whole picture, bars where the shapes differ: MLT, so Kdenlive; Resolve unless it is told otherwise
    NONE = "none"  # pixel for pixel, centred: Final Cut Pro 7, and Premiere in its files


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFrame:
    """Frame ``number`` (0 = first in the file) of a medium, named by ``Target.medium`` and known by its fingerprint.

    ``rate``: the constant rate at which frames of a variable-rate medium are counted (``media.decode.constant_rate``);
    ``None`` for all others, whose frames are counted as they come.
    """

    medium: str
    fingerprint: str
    number: int
    rate: FrameRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A picture that is made, not read: ``kind`` is the name of a generator in the registry (``solid``, ``slate`` …), with all
    its values, sorted by name. ``version`` is that of its row."""

    kind: str
    version: int
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
    """A picture, put on the canvas, its effects in order, then laid over what is below.

    ``fit`` is for pictures of media: what is generated, mixed or stacked has the size of the canvas. ``magnified``: under
    ``Fit.NONE``, pixels of the canvas for each row that is read.
    """

    content: SourceFrame | Generated | Mix | Stacked
    fit: Fit = Fit.CONTAIN
    magnified: float = 1.0
    effects: tuple[Applied, ...] = ()
    blend: str = "over"
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Two layers in a transition; ``None``: nothing, transparent. ``progress``: 0 in its first frame, never 1."""

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
    """One frame. The canvas is black behind all layers; ``colour``: what the values of the finished picture mean.

    ``approximate`` and ``unknown`` name the host's effects that are not rendered exactly, or not at all, and HDR that is shown
    with less light; ``missing`` the media in whose place a slate stands, ``unusable`` the clips of which the timeline says what
    makes no sense; ``why``, by any of these names, what differs or is wrong. They say nothing about the pixels.
    """

    width: int
    height: int
    root: Stacked
    colour: ColourSpace = ColourSpace.BT709
    approximate: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    why: tuple[tuple[str, str], ...] = ()


class Fidelity(StrEnum):
    """How near our rendering of a host's effect comes to the host's own."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    UNKNOWN = "unknown"
    NOTHING = "nothing"  # it changes nothing: default values, a fade that has not begun


#: What users may ask for, each allowing more: what is exact; what comes near, too; with what is unknown left out.
FIDELITIES = ("exact", "approximate", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """What a host's effect is in our words, at one moment."""

    applied: tuple[Applied, ...] = ()
    fidelity: Fidelity = Fidelity.EXACT
    blend: str | None = None  # how the layer is laid over what is below, where the effect says so
    opacity: float | None = None
    why: str = ""  # it is not exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a frame lies in the item that carries an effect: hosts count key frames in one of two ways.

    ``frame``: timeline frames since the item's start. It is negative, or ``length`` and more, where a transition reaches
    beyond the cuts. ``inner``: frames of what is inside (of the medium, 0 = first in the file, at the rate that its
    reference counts in; of the nested timeline), before the source frame is rounded down.
    """

    frame: Fraction
    length: Fraction
    inner: Fraction


Translate = Callable[[EffectUse, Moment], Translated]

#: Letters of a reason: a value that is a book is told by its beginning.
_MOST_LETTERS = 300


def clause_of(why: str, *names: str) -> str:
    """``why`` without the ``names`` of what it is about, where it begins with them; cut off where it is very long."""
    for name in names:
        why = why.removeprefix(f"{name}: ")
    return why if len(why) <= _MOST_LETTERS else f"{why[:_MOST_LETTERS]} …"


def with_reasons(names: Iterable[str], why: Mapping[str, str]) -> str:
    """``exposure (stops is nan, not a number), Glow``."""
    return ", ".join(f"{name} ({why[name]})" if why.get(name) else name for name in names)
