"""MLT's XML as elements, with nothing in it that a parser could be hurt by; and what stands in them: times, properties."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from otio_perf.errors import HostileTimelineError, UnreadableTimelineError

#: Kdenlive's deepest are seven.
_DEEPEST = 60
_CLOCK = re.compile(r"(-)?(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)")
#: No number in a project has more letters; Python reads none of thousands.
_LONGEST = 40
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+)")


class RefusedError(Exception):
    """What a handler of ``refusing`` raises."""


@contextmanager
def refusing(parser: expat.XMLParserType, path: object) -> Iterator[None]:
    """Around ``parser.Parse``; its handlers count the depth themselves.

    :raises HostileTimelineError: entities are declared, or a handler has refused
    :raises UnreadableTimelineError: it is no XML
    """

    def declared(*_: object) -> None:
        raise RefusedError("it declares XML entities, which no editing program writes")

    parser.EntityDeclHandler = declared
    try:
        yield
    except RefusedError as e:
        raise HostileTimelineError(str(e), path=path) from e
    except (expat.ExpatError, UnicodeDecodeError, LookupError, ValueError) as e:
        raise UnreadableTimelineError(f"is no XML: {e}", path=path, hint="Open it in its program and save it again") from e


def refuse_deeper(depth: int) -> None:
    """:raises RefusedError"""
    if depth > _DEEPEST:
        raise RefusedError(f"nested more than {_DEEPEST} levels deep")


def parse(data: bytes, path: object) -> Element:
    """The root element. :raises HostileTimelineError, UnreadableTimelineError: see ``refusing``"""
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(), 0
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        refuse_deeper(depth)
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    with refusing(parser, path):
        parser.Parse(data, True)
        return builder.close()


def properties(element: Element) -> dict[str, str]:
    """``<property name="…">`` of an element; old files have the value in an attribute."""
    return {child.get("name", ""): child.get("value") or child.text or "" for child in element if child.tag == "property"}


def service(element: Element, values: dict[str, str] | None = None) -> str:
    """Its ``mlt_service``; of old files, from the attribute."""
    values = properties(element) if values is None else values
    return values.get("mlt_service") or element.get("mlt_service") or ""


class Times:
    """MLT's times, in frames of the profile."""

    def __init__(self, rate: Fraction) -> None:
        self.rate = rate

    def frames(self, text: str | None, default: int = 0) -> int:
        """``49``, ``00:00:01.960``, ``0:01,96``, ``00:00:01:24``; MLT takes what it cannot read for 0.

        Seconds become frames as in MLT's ``time_clock_to_frames``: rounded to the nearest.
        """
        text = (text or "").strip()
        if not text or len(text) > _LONGEST:
            return default
        if label := _TIMECODE.fullmatch(text):
            in_hours, in_minutes, in_seconds, left = map(int, label.groups())
            return ((in_hours * 60 + in_minutes) * 60 + in_seconds) * math.ceil(self.rate) + left
        if clock := _CLOCK.fullmatch(text):
            sign, hours, minutes, seconds = clock.groups()
            whole = int(hours or 0) * 3600 + int(minutes) * 60 + Fraction(seconds.replace(",", "."))
            return math.floor(whole * self.rate + Fraction(1, 2)) * (-1 if sign else 1)
        counted = re.match(r"-?\d+", text)
        return int(counted[0]) if counted else default


def is_number(text: str) -> bool:
    """A whole one that is counted by: frames."""
    return text.isdecimal() and len(text) < _LONGEST // 2


def number(text: str | None, default: float = 0.0) -> float:
    """``2.05``, or ``2,05`` of a program that runs in another language."""
    try:
        found = float((text or "").strip().replace(",", "."))
    except ValueError:
        return default
    return found if math.isfinite(found) else default
