"""Is a parsed timeline so plain that OpenTimelineIO is sure to read it, and to read the same in it?

OpenTimelineIO refuses a file for one field that is missing or of another kind, wherever it is, and of two fields of one name
it takes the first; a survey looks at what it needs. So that looking at a timeline and working on it agree, whatever is not
spelled as OpenTimelineIO spells it is left to its own reader (see ``files``): this check may doubt too much, never too little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from otio_perf.timeline.json_text import no_collection

#: What is raised here where something is odd: by hand, or by plain values in which a field is missing or of another kind.
_ODD = (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
_BLANK = b" \t\r\n"
_QUIET = (str, bool, type(None))


@dataclass(slots=True)
class _Seen:
    """What was looked at."""

    objects: int = 0
    fields: int = 0


Check = Callable[[Any, _Seen], None]


def is_plain(root: Any, data: bytes) -> bool:
    """Is ``root``, parsed from ``data``, what OpenTimelineIO would read from it? ``False``: ask it."""
    # half a letter, perhaps; and keys end at a null. Most timelines have no backslash, which is soon seen
    if b"\\" in data and any(odd in data for odd in (b"\\ud", b"\\uD", b"\\u0000")):
        return False
    seen = _Seen()
    try:
        with no_collection():
            _object(root, seen)
    except _ODD:
        return False
    # what the text has more of is said twice, or in a place where nothing is looked for
    return seen.objects == data.count(b'"OTIO_SCHEMA"') and seen.fields == data.translate(None, _BLANK).count(b'":')


def _object(item: Any, seen: _Seen) -> None:
    seen.objects += 1
    seen.fields += len(item)
    for name, check in _FIELDS[item["OTIO_SCHEMA"]].items():
        if name in item or name not in _NEWER:
            check(item[name], seen)


def _time(item: Any, seen: _Seen) -> None:
    if item["OTIO_SCHEMA"] != "RationalTime.1":
        raise ValueError
    seen.objects += 1
    seen.fields += len(item)
    _number(item["value"], seen)
    _number(item["rate"], seen)


def _span(item: Any, seen: _Seen) -> None:
    if item["OTIO_SCHEMA"] != "TimeRange.1":
        raise ValueError
    start, length = item["start_time"], item["duration"]
    a, b, c, d = start["value"], start["rate"], length["value"], length["rate"]
    # most of a timeline is these: all at once where nothing is odd
    if (
        start["OTIO_SCHEMA"] == length["OTIO_SCHEMA"] == "RationalTime.1"
        and type(a) is type(b) is type(c) is type(d) is float
        and isfinite(a + b + c + d)
    ):
        seen.objects += 3
        seen.fields += len(item) + len(start) + len(length)
        return
    seen.objects += 1
    seen.fields += len(item)
    _time(start, seen)
    _time(length, seen)


def _number(value: Any, _: _Seen) -> None:
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError


def _whole(value: Any, _: _Seen) -> None:
    if type(value) is not int or abs(value) >= 2**31:
        raise ValueError


def _text(value: Any, _: _Seen) -> None:
    if type(value) is not str:
        raise TypeError


def _flag(value: Any, _: _Seen) -> None:
    if type(value) is not bool:
        raise TypeError


def _anything(values: Any, seen: _Seen) -> None:
    """A dict of whatever JSON there is, objects included."""
    if type(values) is not dict:
        raise TypeError
    if not values:
        return
    waiting: list[Any] = [values]
    while waiting:
        here = waiting.pop()
        if type(here) is dict:
            if "OTIO_SCHEMA" in here:
                _object(here, seen)
                continue
            seen.fields += len(here)
            here = here.values()
        for value in here:
            kind = type(value)
            if kind is dict or kind is list:
                waiting.append(value)
            elif kind not in _QUIET:
                _number(value, seen)


def _references(values: Any, seen: _Seen) -> None:
    seen.fields += len(values)
    if "" in values:
        raise ValueError
    for value in values.values():
        _reference(value, seen)


def _policy(value: Any, _: _Seen) -> None:
    if value not in ("error", "hold", "black"):
        raise ValueError


def _one_of(*schemas: str) -> Check:
    known = frozenset(schemas)

    def check(item: Any, seen: _Seen) -> None:
        if item["OTIO_SCHEMA"] not in known:
            raise ValueError
        _object(item, seen)

    return check


def _several(*schemas: str) -> Check:
    one = _one_of(*schemas)

    def check(items: Any, seen: _Seen) -> None:
        if type(items) is not list:
            raise TypeError
        for item in items:
            one(item, seen)

    return check


def _or_none(inner: Check) -> Check:
    def check(value: Any, seen: _Seen) -> None:
        if value is not None:
            inner(value, seen)

    return check


_reference = _one_of("ExternalReference.1", "MissingReference.1", "ImageSequenceReference.1", "GeneratorReference.1")
_composables = _several("Clip.2", "Gap.1", "Stack.1", "Track.1", "Transition.1")
_effects = _several("Effect.1", "TimeEffect.1", "LinearTimeWarp.1", "FreezeFrame.1")

_NAMED: dict[str, Check] = {"metadata": _anything, "name": _text}
_ITEM: dict[str, Check] = {
    **_NAMED,
    "source_range": _or_none(_span),
    "effects": _effects,
    "markers": _several("Marker.2"),
    "enabled": _flag,
    "color": _or_none(_one_of("Color.1")),
}
_EFFECT: dict[str, Check] = {**_NAMED, "effect_name": _text, "enabled": _flag}
_WARP: dict[str, Check] = {**_EFFECT, "time_scalar": _number}
_MEDIUM: dict[str, Check] = {
    **_NAMED,
    "available_range": _or_none(_span),
    "available_image_bounds": _or_none(_one_of("Box2d.1")),
}
#: Fields that older versions did not write.
_NEWER = frozenset({"enabled", "color"})
#: The fields that OpenTimelineIO 0.18 writes for each schema (``guard.CURRENT``, less references to objects elsewhere).
_FIELDS: dict[str, dict[str, Check]] = {
    "RationalTime.1": {"value": _number, "rate": _number},
    "TimeRange.1": {"start_time": _time, "duration": _time},
    "TimeTransform.1": {"offset": _time, "rate": _number, "scale": _number},
    "V2d.1": {"x": _number, "y": _number},
    "Box2d.1": {"min": _one_of("V2d.1"), "max": _one_of("V2d.1")},
    "Color.1": {"name": _text, "r": _number, "g": _number, "b": _number, "a": _number},
    "Clip.2": {**_ITEM, "media_references": _references, "active_media_reference_key": _text},
    "Gap.1": _ITEM,
    "Stack.1": {**_ITEM, "children": _composables},
    "Track.1": {**_ITEM, "children": _composables, "kind": _text},
    "Transition.1": {**_NAMED, "in_offset": _time, "out_offset": _time, "transition_type": _text},
    "Timeline.1": {**_NAMED, "global_start_time": _or_none(_time), "tracks": _one_of("Stack.1")},
    "SerializableCollection.1": {
        **_NAMED,
        "children": _several("Timeline.1", "SerializableCollection.1", "Clip.2", "Gap.1", "Stack.1", "Track.1"),
    },
    "Effect.1": _EFFECT,
    "TimeEffect.1": _EFFECT,
    "LinearTimeWarp.1": _WARP,
    "FreezeFrame.1": _WARP,
    "Marker.2": {**_NAMED, "color": _text, "marked_range": _span, "comment": _text},
    "ExternalReference.1": {**_MEDIUM, "target_url": _text},
    "MissingReference.1": _MEDIUM,
    "GeneratorReference.1": {**_MEDIUM, "generator_kind": _text, "parameters": _anything},
    "ImageSequenceReference.1": {
        **_MEDIUM,
        "target_url_base": _text,
        "name_prefix": _text,
        "name_suffix": _text,
        "start_frame": _whole,
        "frame_step": _whole,
        "rate": _number,
        "frame_zero_padding": _whole,
        "missing_frame_policy": _policy,
    },
}
