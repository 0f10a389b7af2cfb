"""From what a user wrote to a value: parsers that raise ``ValueError`` with a clause that says what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_perf.model.recipes import PrerenderRecipe, ProxyRecipe
from otio_perf.model.timing import snap_rate


def text(value: Any) -> str:
    if not isinstance(value, (str, int, float, os.PathLike)):
        raise ValueError(f"{value!r} is not a word")
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def path_of(value: Any) -> Path:
    return Path(text(value)).expanduser().absolute()


def rate(value: Any) -> Fraction:
    try:
        parsed = Fraction(text(value))
    except (ValueError, ZeroDivisionError) as e:
        raise ValueError(f"{value!r} is not a frame rate; say 25, 23.976 or 24000/1001") from e
    return snap_rate(parsed)


def whole(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        try:
            number = int(text(value))
        except ValueError as e:
            raise ValueError(f"{value!r} is not a whole number") from e
        if not low <= number <= high:
            raise ValueError(f"{number} is not between {low} and {high}")
        return number

    return parse


@dataclass(frozen=True, slots=True)
class OneOf:
    """A parser of words."""

    choices: tuple[str, ...]

    def __call__(self, value: Any) -> str:
        word = text(value).lower().replace("-", "_")
        if word not in self.choices:
            raise ValueError(f"{value!r} is not one of {', '.join(self.choices)}")
        return word


def one_of(choices: Sequence[str]) -> OneOf:
    return OneOf(tuple(str(choice) for choice in choices))


def rung(value: Any) -> str:
    return ProxyRecipe(rung=text(value)).rung


def prerender_size(value: Any) -> str:
    return PrerenderRecipe(size=text(value)).size


def pair(value: Any) -> tuple[str, str]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return text(value[0]), text(value[1])
    before, equals, after = text(value).partition("=")
    if not (before and equals):
        raise ValueError(f"{value!r} is not FROM=TO")
    return before, after


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?)B?|B)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_bytes(value: Any) -> int | None:
    """``500 GB``, ``1.5TiB``, ``2000000000``; ``none``: no limit."""
    written = text(value).strip()
    if written.lower() == "none":
        return None
    match = _SIZE.fullmatch(written)
    if match is None:
        raise ValueError(f"{value!r} is not a size; say 500 GB, 1.5 TiB or none")
    return int(Fraction(match[1]) * (1024 if match[3] else 1000) ** _POWERS[(match[2] or "").lower()])


def days(value: Any) -> int | None:
    return None if text(value).lower() == "none" else whole(1, 100_000)(value)


def true_or_false(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")
    return value


def several(parse: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def parse_all(value: Any) -> tuple[Any, ...]:
        return tuple(parse(one) for one in (value if isinstance(value, (list, tuple)) else [value]))

    return parse_all
