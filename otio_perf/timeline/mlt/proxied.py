"""Proxies in a project's own terms, so that its program's proxy switch works: three properties of every producer.

Kdenlive shows ``resource``; ``kdenlive:proxy`` names the proxy (``-``: the user wants none), ``kdenlive:originalurl`` the
original. What it keeps besides (``kdenlive:original.…``) is not needed (measured with 22.12 and 26.08). Slow and fast motion
has the speed before the path, in ``resource`` and in no other.

What a property said before is noted beside it, so that ``with_originals`` gives the project back byte for byte; so is our media
reference, so that the project reads as the timeline that was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from otio_perf.timeline.mlt.spans import Edits, Span, parse
from otio_perf.timeline.references import Json, is_ours, schema_of

_PRODUCERS = frozenset({"producer", "chain"})
_PROXY, _ORIGINAL, _RESOURCE, _WARPED = "kdenlive:proxy", "kdenlive:originalurl", "resource", "warp_resource"
_ENABLED = "kdenlive:docproperties.enableproxy"
_SPEED = re.compile(r"-?\d+(?:[.,]\d+)?:")
_BINS = frozenset({"main_bin", "main bin"})
#: Before the name of a property: what it said before us. Programs keep properties that they do not know.
_BEFORE = "otio_perf:before:"
#: Marks what we changed: the proxy, and the media reference that it is in a timeline.
_OURS, _REFERENCE = "otio_perf:proxy", "otio_perf:reference"


@dataclass(frozen=True, slots=True)
class Shown:
    """A proxy of ours: where it is, and its media reference with the key in a clip. ``is_shown``: the user wants to see it."""

    path: str
    key: str
    reference: Json
    is_shown: bool = True


ProxyOf = Callable[[str], Shown | None]
"""The proxy of what a producer plays (its path as the project has it), or ``None``."""


def reference_of(values: Mapping[str, str]) -> Shown | None:
    """What ``with_proxies`` noted in the properties of a producer."""
    try:
        noted = json.loads(values.get(_REFERENCE, ""))
        key, reference = noted["key"], noted["reference"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    if not (isinstance(key, str) and is_ours(key) and schema_of(reference) == "ExternalReference"):
        return None
    path = values.get(_OURS, "")
    return Shown(path, key, reference, is_shown=bool(path) and values.get(_PROXY) == path)


def with_proxies(data: bytes, path: object, proxy_of: ProxyOf) -> bytes:
    """``data`` with proxies shown instead of originals; where the user has switched one off, it stays off."""
    root = parse(data, path)
    edits = Edits(data)
    for producer in _producers(root):
        original = original_of(producer)
        proxy = proxy_of(original)
        if proxy is None or producer.value(_PROXY) == "-":
            continue
        wanted = {_RESOURCE: _speed(producer) + proxy.path, _PROXY: proxy.path, _ORIGINAL: original}
        if producer.property(_WARPED) is not None:
            wanted[_WARPED] = proxy.path
        noted = json.dumps({"key": proxy.key, "reference": proxy.reference}, ensure_ascii=False)
        _change(edits, producer, wanted, {_OURS: proxy.path, _REFERENCE: noted})
    if edits and (bin_ := _bin(root)) is not None:
        _change(edits, bin_, {_ENABLED: "1"}, {_OURS: "1"})  # the clips' proxy switch does nothing without
    return edits.result()


def with_originals(data: bytes, path: object) -> bytes:
    """``data`` with originals, or what was shown before, where a proxy of ours is; what others made stays.

    A project that was saved in its program in between keeps its edits.
    """
    root = parse(data, path)
    edits = Edits(data)
    for producer in _producers(root):
        mark = producer.property(_OURS)
        if mark is not None and mark.text == producer.value(_PROXY):
            original = original_of(producer)
            plain = {_RESOURCE: _speed(producer) + original, _WARPED: original, _PROXY: None, _ORIGINAL: None}
            _change_back(edits, producer, plain)
        elif mark is not None:  # the user has switched it off, or made one himself
            for name in (_OURS, _REFERENCE, *(_BEFORE + name for name in (_RESOURCE, _WARPED, _PROXY, _ORIGINAL))):
                if (note := producer.property(name)) is not None:
                    edits.remove(note)
    if edits and (bin_ := _bin(root)) is not None:
        _change_back(edits, bin_, {_ENABLED: bin_.value(_ENABLED)})
    return edits.result()


def _change(edits: Edits, of: Span, wanted: dict[str, str], notes: dict[str, str]) -> None:
    is_first = of.property(_OURS) is None  # of proxies that are replaced, what was before the first counts
    for name, value in wanted.items():
        before = of.property(name)
        edits.set_property(of, name, value)
        if before is not None and is_first:
            edits.set_property(of, _BEFORE + name, before.text)
    for name, value in notes.items():
        edits.set_property(of, name, value)


def _change_back(edits: Edits, of: Span, otherwise: dict[str, str | None]) -> None:
    """:param otherwise: values of properties of which nothing is noted; ``None``: they were not there"""
    for name, plain in otherwise.items():
        found, note = of.property(name), of.property(_BEFORE + name)
        value = plain if note is None else note.text
        if note is not None:
            edits.remove(note)
        if found is None:
            continue
        if value is None:
            edits.remove(found)
        else:
            edits.set_property(of, name, value)
    for name in (_OURS, _REFERENCE):
        if (note := of.property(name)) is not None:
            edits.remove(note)


def originals(root: Span) -> Iterator[str]:
    """What all producers of files play, without proxies."""
    return map(original_of, _producers(root))


def original_of(producer: Span) -> str:
    """What it plays, as the project has it, also where a proxy is shown; without the speed."""
    found = producer.value(_ORIGINAL) or producer.value(_WARPED) or producer.value(_RESOURCE)
    return _without_speed(producer, found)


def _speed(producer: Span) -> str:
    """What stands before the path in ``resource``."""
    resource = producer.value(_RESOURCE)
    return resource[: len(resource) - len(_without_speed(producer, resource))]


def _without_speed(producer: Span, resource: str) -> str:
    if producer.value("mlt_service") != "timewarp":
        return resource
    found = _SPEED.match(resource)
    return resource[found.end() :] if found else resource


def _producers(root: Span) -> Iterator[Span]:
    for span in root.walk():
        if span.tag in _PRODUCERS and span.value("mlt_service").startswith(("avformat", "timewarp")):
            yield span


def _bin(root: Span) -> Span | None:
    return next((span for span in root.walk() if span.tag == "playlist" and span.attributes.get("id") in _BINS), None)
