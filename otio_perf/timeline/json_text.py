"""OTIO JSON text ⇄ plain dicts, exactly.

OpenTimelineIO's own number parser is off by a unit in the last place for about one number of sixteen digits in ten (its
JSON library rounds fast, not right), so that a file that is read and written twice drifts. Text that came from
OpenTimelineIO is therefore never sent through it again: ``dumps`` writes the same bytes that it wrote, numbers by their
letters.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_encode = json.encoder.encode_basestring
_CONTROL = re.compile(r"\\u00[0-9a-f]{2}")


class Written(float):
    """A number that is spelled otherwise than Python would: ``1e22``, or more digits than are needed."""

    __slots__ = ("letters",)
    letters: str

    def __new__(cls, letters: str) -> Written:
        self = super().__new__(cls, letters)
        self.letters = letters
        return self


def _number(letters: str) -> float:
    value = float(letters)
    return value if repr(value) == letters else Written(letters)


@contextmanager
def no_collection() -> Iterator[None]:
    """While millions of objects are made or walked, and none is garbage, the cycle collector only counts them again and
    again: half of the time goes there."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def loads(text: str | bytes, *, exact: bool = False) -> Any:
    """Parsed JSON; ``exact`` keeps the letters of unusual numbers for ``dumps``.

    :raises ValueError: not JSON (``Inf``, which OpenTimelineIO accepts, is not), or not UTF-8.
    :raises RecursionError: too deep; scan with ``guard`` first.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    with no_collection():
        return json.loads(text, parse_float=_number) if exact else json.loads(text)


def dumps(value: Any) -> str:
    """The text that OpenTimelineIO writes for ``value``: four spaces a level, letters outside ASCII as they are."""
    out: list[str] = []
    with no_collection():
        _write(value, "\n", out.append)
    return "".join(out)


def _write(value: Any, line: str, put: Any) -> None:
    kind = type(value)
    if kind is str:
        put(_string(value))
    elif kind is dict:
        if not value:
            put("{}")
            return
        inner = line + "    "
        opening = "{" + inner
        for key, item in value.items():
            put(f"{opening}{_string(key)}: ")
            _write(item, inner, put)
            opening = "," + inner
        put(line + "}")
    elif kind is list:
        if not value:
            put("[]")
            return
        inner = line + "    "
        opening = "[" + inner
        for item in value:
            put(opening)
            _write(item, inner, put)
            opening = "," + inner
        put(line + "]")
    elif kind is Written:
        put(value.letters)
    else:
        put(json.dumps(value))  # a number, true, false, null; NaN and Infinity as OTIO spells them


def _string(text: str) -> str:
    encoded = _encode(text)
    if "\\u00" in encoded:
        encoded = _CONTROL.sub(lambda m: m[0][:2] + m[0][2:].upper(), encoded)
    return encoded
