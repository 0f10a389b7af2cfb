"""Proxies in a project's own terms, so that its program's proxy switch works: three properties of every producer.

Kdenlive shows ``resource``; ``kdenlive:proxy`` names the proxy (``-``: the user wants none), ``kdenlive:originalurl`` the
original. What it keeps besides (``kdenlive:original.…``) is not needed (measured with 22.12 and 26.08). Slow and fast motion
has the speed before the path, in ``resource`` and in no other.

What a property said before, where that cannot be told from what it says now, is noted beside it, so that ``with_originals``
gives the project back byte for byte; so is our media reference, so that the project reads as the timeline that was written.
Kdenlive keeps these notes when it saves, makes paths in them relative to the project's folder, and drops them from a clip whose
proxy it switches; of the document it keeps what is called as its own properties are.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from otio_perf.errors import TimelineError
from otio_perf.timeline.mlt.project import BINS
from otio_perf.timeline.mlt.spans import Edits, Span, parse
from otio_perf.timeline.references import Json, is_ours, schema_of

_PRODUCERS = frozenset({"producer", "chain"})
_PROXY, _ORIGINAL, _RESOURCE, _WARPED = "kdenlive:proxy", "kdenlive:originalurl", "resource", "warp_resource"
#: Shotcut's own: where a project says both, it saves and exports the original (seen with 22.12).
_SHOTCUT_PROXY, _SHOTCUT_ORIGINAL = "shotcut:proxy", "shotcut:resource"
#: What most clips do not have without a proxy.
_ADDED = (_PROXY, _ORIGINAL, _SHOTCUT_PROXY, _SHOTCUT_ORIGINAL)
#: Before what MLT reads off a file; before that, what Kdenlive keeps of the original while a proxy is shown.
_READ, _KEPT = "meta.", "kdenlive:original."
_ENABLED = "kdenlive:docproperties.enableproxy"
_SPEED = re.compile(r"-?\d+(?:[.,]\d+)?:")
#: Before the name of a property: what it said before us. Programs keep properties that they do not know.
_BEFORE = "otio_perf:before:"
#: Likewise, the whole element: what is written in another way than programs do now.
_SPELLED = "otio_perf:spelled:"
#: What ``_ENABLED`` said before us; "-": it was not there.
_ENABLED_BEFORE = "kdenlive:docproperties.otio_perf.enableproxy"
_ABSENT = "-"
#: Marks what we changed: the proxy, and the media reference that it is in a timeline.
_OURS, _REFERENCE = "otio_perf:proxy", "otio_perf:reference"


@dataclass(frozen=True, slots=True)
class Shown:
    """A proxy of ours: where it is, and its media reference with the key in a clip. ``is_shown``: the user wants to see it."""

    path: str
    key: str
    reference: Json
    is_shown: bool = True


IsPlaced = Callable[[str], bool]
ProxyOf = Callable[[str], Shown | None]
"""The proxy of what a producer plays (its path as the project has it), or ``None``."""


def is_none(_path: str) -> bool:
    """No proxy is ours but those that say so."""
    return False


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
    return Shown(path, key, reference, is_shown=_is_same(path, values.get(_PROXY, "")))


def with_proxies(data: bytes, path: object, proxy_of: ProxyOf) -> bytes:
    """``data`` with proxies shown instead of originals; where the user has switched one off, it stays off."""
    root = parse(data, path)
    edits, is_of_shotcut = Edits(data), _is_of_shotcut(root)
    for producer in _producers(root):
        original = original_of(producer)
        proxy = proxy_of(original)
        if proxy is None or producer.value(_PROXY) == "-":
            continue
        wanted = {_RESOURCE: _speed(producer) + proxy.path, _PROXY: proxy.path, _ORIGINAL: original}
        if producer.property(_WARPED) is not None:
            wanted[_WARPED] = proxy.path
        if is_of_shotcut:
            wanted |= {_SHOTCUT_PROXY: "1", _SHOTCUT_ORIGINAL: original}
        if producer.property(_OURS) is None:  # of proxies that are replaced, what was before the first counts
            _note(edits, producer, wanted, _plain(producer, original))
        for name, value in wanted.items():
            edits.set_property(producer, name, value)
        noted = json.dumps({"key": proxy.key, "reference": proxy.reference}, ensure_ascii=False, separators=(",", ":"))
        edits.set_property(producer, _OURS, proxy.path)
        edits.set_property(producer, _REFERENCE, noted)
    if edits and (bin_ := _bin(root)) is not None and not is_of_shotcut and bin_.value(_ENABLED) != "1":
        before = bin_.property(_ENABLED)
        if bin_.property(_ENABLED_BEFORE) is None:
            edits.set_property(bin_, _ENABLED_BEFORE, _ABSENT if before is None else bin_.value(_ENABLED))
        edits.set_property(bin_, _ENABLED, "1")  # the clips' proxy switch does nothing without
    return edits.result()


def with_originals(data: bytes, path: object, *, is_placed: IsPlaced = is_none) -> bytes:
    """``data`` with originals, or what was shown before, where a proxy of ours is; what others made stays.

    A project that was saved in its program in between keeps its edits: clips that were added, moved, relinked, paths that are
    relative now, proxies that were switched off.

    :param is_placed: is a proxy, by its path, one of ours where nothing is noted: one that was placed, or whose notes are gone
        (of a clip whose proxy is switched off and on, Kdenlive 26.08 drops them)?
    """
    root = parse(data, path)
    edits = Edits(data)
    marked = [producer for producer in _producers(root) if producer.property(_OURS) is not None]
    shown = {producer.value(_PROXY): original_of(producer) for producer in marked if _shows_ours(producer)}
    for producer in _producers(root):
        if producer.property(_OURS) is None:
            played, original = _without_speed(producer, producer.value(_RESOURCE)), producer.value(_ORIGINAL)
            if played in shown:  # a copy that a program made without our notes
                _change_back(edits, producer, _plain(producer, original or shown[played]))
            elif original and (proxy := producer.value(_PROXY)) not in ("", "-") and is_placed(proxy):
                _change_back(edits, producer, _plain(producer, original))
        elif _shows_ours(producer):
            _change_back(edits, producer, _plain(producer, original_of(producer)))
        else:  # the user has switched it off, or made one himself
            _remove_notes(edits, producer)
    if (bin_ := _bin(root)) is not None and (before := bin_.property(_ENABLED_BEFORE)) is not None:
        edits.remove(before)
        if (found := bin_.property(_ENABLED)) is not None:
            if before.text == _ABSENT:
                edits.remove(found)
            else:
                edits.set_property(bin_, _ENABLED, before.text)
    return edits.result()


def _plain(producer: Span, original: str) -> dict[str, str | None]:
    """What properties most likely said before a proxy was shown; ``None``: they were not there."""
    plain: dict[str, str | None] = {_RESOURCE: _speed(producer) + original, **dict.fromkeys(_ADDED)}
    return plain if producer.property(_WARPED) is None else {**plain, _WARPED: original}


def _note(edits: Edits, of: Span, wanted: Mapping[str, str], plain: Mapping[str, str | None]) -> None:
    """Of properties that will say what is ``wanted``, what they say now where it is not what ``plain`` says."""
    for name in wanted:
        found = of.property(name)
        if found is None:
            continue
        if found.has_one_tag or "value" in found.attributes:
            edits.set_property(of, _SPELLED + name, edits.text_of(found))
        elif found.text != plain[name]:
            edits.set_property(of, _BEFORE + name, found.text)


def _change_back(edits: Edits, of: Span, plain: Mapping[str, str | None]) -> None:
    for name, value in plain.items():
        found = of.property(name)
        if found is None:
            continue
        before, element = _noted(of, name)
        if before is not None and name == _ORIGINAL and before not in ("", of.value(name)):
            continue  # it was there, and names another file now
        if before is None or not _is_right(of, name, before, plain):
            before, element = value, ""
        if before is None:
            edits.remove(found)
        elif element:
            edits.replace(found, element.encode())
        else:
            edits.set_property(of, name, before)
    if _noted(of, _PROXY)[0] is None:
        _forget_proxy(edits, of)
    _remove_notes(edits, of)


def _forget_proxy(edits: Edits, of: Span) -> None:
    """What MLT read off the proxy gives way to what it read off the original, where Kdenlive has kept that."""
    properties = {child.attributes.get("name", ""): child for child in of.children if child.tag == "property"}
    kept = {name.removeprefix(_KEPT): child.text for name, child in properties.items() if name.startswith(f"{_KEPT}{_READ}")}
    for name, child in properties.items() if kept else ():
        if name in kept:
            edits.set_property(of, name, kept[name])
        elif name.startswith(_READ):
            edits.remove(child)


def _noted(of: Span, name: str) -> tuple[str | None, str]:
    """What a property said before, ``None`` where nothing is noted, and how, where that was not as programs write it now."""
    if (note := of.property(_BEFORE + name)) is not None:
        return note.text, ""
    if (spelled := of.property(_SPELLED + name)) is None:
        return None, ""
    try:
        element = parse(spelled.text.encode(), "")
    except TimelineError:  # it comes from anywhere
        return None, ""
    return element.attributes.get("value") or element.text, spelled.text


def _is_right(of: Span, name: str, before: str, plain: Mapping[str, str | None]) -> bool:
    """Is what was noted what belongs there still? Not, where the user has relinked the clip since."""
    if name in _ADDED:
        return True
    played, original = _without_speed(of, before), _without_speed(of, plain[name] or "")
    return os.path.basename(played) == os.path.basename(original) or played == _noted(of, _PROXY)[0]  # noqa: PTH119


def _shows_ours(producer: Span) -> bool:
    return _is_same(producer.value(_OURS), producer.value(_PROXY))


def _is_same(ours: str, shown: str) -> bool:
    """One file? Programs make paths relative to the project's folder, and that folder may be another since: what tells are
    the names, which are given to one proxy only."""
    return bool(ours) and os.path.basename(ours) == os.path.basename(shown)  # noqa: PTH119


def _remove_notes(edits: Edits, of: Span) -> None:
    names = (_RESOURCE, _WARPED, *_ADDED)
    notes = (_OURS, _REFERENCE, *(_BEFORE + n for n in names), *(_SPELLED + n for n in names))
    for name in (*notes, *(_KEPT + note for note in notes)):
        if (note := of.property(name)) is not None:
            edits.remove(note)


def switched_off(root: Span) -> frozenset[str]:
    """What plays without a proxy everywhere because the user wants none, as the project has it."""
    says = {(original_of(producer), producer.value(_PROXY) == "-") for producer in _producers(root)}
    return frozenset(original for original, is_off in says if is_off and (original, False) not in says)


def originals(root: Span) -> Iterator[str]:
    """What all producers of files play, without proxies."""
    return map(original_of, _producers(root))


def proxied_originals(root: Span) -> Iterator[str]:
    """Those of them that are shown by a proxy, anybody's."""
    return (original_of(producer) for producer in _producers(root) if producer.value(_PROXY) not in ("", "-"))


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


def _is_of_shotcut(root: Span) -> bool:
    return any(e.attributes.get("title", "").startswith("Shotcut") for e in (root, *root.children))


def _bin(root: Span) -> Span | None:
    return next((span for span in root.walk() if span.tag == "playlist" and span.attributes.get("id") in BINS), None)
