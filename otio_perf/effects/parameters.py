"""What an effect can be told: a schema of parameters, checked before anything is rendered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from otio_perf.errors import EffectError

Values = Mapping[str, Any]
"""Checked values by parameter name, every parameter present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in ``[least, most]``; ``usual`` is the part of it that a slider would show (and tests draw from).

    Lengths are in pixels of the timeline's canvas, angles in degrees clockwise, times in timeline frames.
    """

    name: str
    default: float
    least: float
    most: float
    usual: tuple[float, float]
    unit: str = ""
    help: str = ""

    def checked(self, value: object, effect: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise EffectError(f"{effect}: {self.name} is {value!r}, not a number")
        if not self.least <= value <= self.most:
            raise EffectError(
                f"{effect}: {self.name} is {value:g}, outside {self.least:g} to {self.most:g} {self.unit}".rstrip()
            )
        return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """So many numbers that belong together: a colour (R'G'B', 0 to 1), a point, gains of three channels.

    ``is_colour``: a colour as an SDR screen shows it. Effects and transitions get it in the colours of the timeline.
    """

    name: str
    default: tuple[float, ...]
    least: float
    most: float
    usual: tuple[float, float]
    unit: str = ""
    help: str = ""
    is_colour: bool = False

    def checked(self, value: object, effect: str) -> tuple[float, ...]:
        if not isinstance(value, (tuple, list)) or len(value) != len(self.default):
            raise EffectError(f"{effect}: {self.name} is {value!r}, not {len(self.default)} numbers")
        one = Number(
            name=self.name, default=0, least=self.least, most=self.most, usual=self.usual, unit=self.unit, help=self.help
        )
        return tuple(one.checked(v, effect) for v in value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of some words."""

    name: str
    default: str
    options: tuple[str, ...]
    help: str = ""

    def checked(self, value: object, effect: str) -> str:
        if value not in self.options:
            raise EffectError(f"{effect}: {self.name} is {value!r}, not one of {', '.join(self.options)}")
        return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """On or off."""

    name: str
    default: bool
    help: str = ""

    def checked(self, value: object, effect: str) -> bool:
        if not isinstance(value, bool):
            raise EffectError(f"{effect}: {self.name} is {value!r}, not true or false")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words, up to 1000 characters."""

    name: str
    default: str
    help: str = ""

    def checked(self, value: object, effect: str) -> str:
        if not isinstance(value, str) or len(value) > 1000:
            raise EffectError(f"{effect}: {self.name} is {repr(value)[:40]}, not a text of up to 1000 characters")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A curve through points ``(x, y)``, both 0 to 1, x rising."""

    name: str
    default: tuple[tuple[float, float], ...]
    help: str = ""

    def checked(self, value: object, effect: str) -> tuple[tuple[float, float], ...]:
        try:
            points = tuple((float(x), float(y)) for x, y in value)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            raise EffectError(f"{effect}: {self.name} is {value!r}, not a list of points") from None
        xs = [x for x, _ in points]
        if len(points) < 2 or not all(map(math.isfinite, (v for p in points for v in p))):
            raise EffectError(f"{effect}: {self.name} needs two points or more, all of them numbers")
        if not all(0 <= v <= 1 for p in points for v in p):
            raise EffectError(f"{effect}: a point of {self.name} is not between 0 and 1")
        if any(b <= a for a, b in pairwise(xs)):
            raise EffectError(f"{effect}: the points of {self.name} do not rise from left to right")
        return points


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Path of a file that the effect reads, a LUT say; ``digest`` of its bytes goes into the frame key."""

    name: str
    default: str = ""
    help: str = ""

    def checked(self, value: object, effect: str) -> str:
        if not isinstance(value, str) or not value:
            raise EffectError(f"{effect}: {self.name} names no file")
        return value


Parameter = Number | Numbers | Choice | Switch | Text | Points | File


def checked(parameters: tuple[Parameter, ...], given: Mapping[str, Any], effect: str) -> dict[str, Any]:
    """``given`` checked against the schema, defaults filled in.

    :raises EffectError: a name that the effect does not have, or a value that it cannot take; both are named.
    """
    names = {p.name for p in parameters}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise EffectError(f"{effect} has no parameter {unknown[0]!r}", hint=f"It has {', '.join(sorted(names)) or 'none'}")
    return {p.name: p.checked(given[p.name], effect) if p.name in given else p.default for p in parameters}
