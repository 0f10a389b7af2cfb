"""What the properties of an MLT filter are in one frame: numbers, rectangles, colours, and whether it works there at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from fractions import Fraction

from otio_perf.effects.keyframes import Number, mlt_frame, mlt_keys, mlt_number, mlt_numbers, sampled
from otio_perf.effects.translate.answers import Asked, Row, UntranslatableError
from otio_perf.model.frames import Translated


def active(asked: Asked) -> bool:
    """Whether the filter works in this frame: it is switched on, and the frame lies between its ``in`` and ``out``."""
    if text(asked, "disable") == "1":
        return False
    first, last, frame = span(asked)
    return (first == 0 and last is None) or (first <= frame and (last is None or frame <= last))


def span(asked: Asked) -> tuple[int, int | None, int]:
    """``in``, ``out`` (``None``: to the end) and the frame, all counted in the medium, as MLT does."""
    first, last = (_frame(asked, name) for name in ("in", "out"))
    return first, last or None, math.floor(asked.moment.inner)


def progress(asked: Asked) -> float:
    """How much of the filter's time is gone: 0 in its first frame, 1 in its last."""
    first, last, frame = span(asked)
    if last is None:
        raise UntranslatableError("it runs to an end that is not known")
    return (frame - first) / (last - first) if last > first else 1.0


#: What MLT and the programs themselves note at a filter: nothing of its pictures.
_NOTES = frozenset(
    ("mlt_service", "mlt_type", "in", "out", "disable", "internal_added", "tag", "type", "id", "track", "unique_id", "version")
)
_OF_PROGRAMS = ("kdenlive", "shotcut", "meta.", "_")


def knowing(row: Row, names: Collection[str]) -> Row:
    """``row``, for filters that say nothing but ``names``: what it does not know may change the picture."""
    known = _NOTES | frozenset(names)

    def asked_within(asked: Asked) -> Translated:
        others = [n for n in asked.parameters if n not in known and not n.startswith(_OF_PROGRAMS) and text(asked, n)]
        if others:
            raise UntranslatableError(f"its {others[0]} is {text(asked, others[0])[:40]!r}, which is not known here")
        return row(asked)

    return asked_within


def _frame(asked: Asked, name: str) -> int:
    written = text(asked, name)
    if not written:
        return 0
    try:
        return mlt_frame(written, asked.frame_rate)
    except ValueError as error:
        raise UntranslatableError(f"{name} is {written!r}, not a time") from error


def text(asked: Asked, name: str) -> str:
    value = asked.parameters.get(name)
    return "" if value is None else str(value)


def number(asked: Asked, name: str, default: float) -> float:
    value = animated(asked, name, mlt_number)
    return default if value is None else float(value)  # type: ignore[arg-type]


def rectangle(asked: Asked, name: str, default: str) -> tuple[float, ...]:
    """``x, y, width, height`` in pixels of the canvas, and opacity."""
    found = animated(asked, name, _five, default)
    assert isinstance(found, tuple)
    if "%" not in (text(asked, name) or default):
        return found
    width, height = asked.canvas
    return tuple(a * b for a, b in zip(found, (width, height, width, height, 1), strict=True))


def _five(written: str) -> tuple[float, ...]:
    found = mlt_numbers(written)
    if len(found) == 4:
        return (*found, 1.0)
    if len(found) != 5:
        raise ValueError(f"{written!r} is no rectangle")
    return found


def animated(asked: Asked, name: str, value_of: Callable[[str], Number], default: str = "") -> Number | None:
    written = text(asked, name) or default
    if not written:
        return None
    first, last, frame = span(asked)
    try:
        keys = mlt_keys(written, value_of, asked.frame_rate, None if last is None else last - first + 1)
    except ValueError as error:
        raise UntranslatableError(f"{name}: {error}") from error
    return sampled(keys, Fraction(frame - first))


def colour(asked: Asked, name: str, default: str) -> tuple[float, float, float, float]:
    """R', G', B' and alpha, 0 to 1: ``#RRGGBB``, ``#AARRGGBB`` or ``0xRRGGBBAA``."""
    written = (text(asked, name) or default).split(";")[0].rpartition("=")[2]
    digits = written.removeprefix("#").removeprefix("0x")
    if len(digits) == 6:
        digits += "ff"
    elif written.startswith("#"):
        digits = digits[2:] + digits[:2]
    try:
        red, green, blue, alpha = bytes.fromhex(digits)
    except ValueError:
        raise UntranslatableError(f"{name} is {written!r}, not a colour") from None
    if ";" in text(asked, name).rstrip(";"):
        raise UntranslatableError(f"{name} changes over time")
    return red / 255, green / 255, blue / 255, alpha / 255


def refuse_changed(asked: Asked, **defaults: float) -> None:
    """:raises UntranslatableError: something that we do not have is not at its default; ``_`` stands for a dot"""
    for name, default in defaults.items():
        name = name.replace("_", ".", 1)
        if number(asked, name, default) != default:
            raise UntranslatableError(f"{name} is {text(asked, name)}")
