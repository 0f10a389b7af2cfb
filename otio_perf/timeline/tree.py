"""Clips of a document: find them, and make a new document in which some are others. Unchanged parts are shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from otio_perf.timeline.references import Json

#: Keys under which OTIO objects hold what may be or contain clips.
_INSIDE = ("tracks", "children")


def clips_of(item: Any) -> Iterator[Json]:
    """All clips below ``item``, disabled ones and those in nested stacks included."""
    if not isinstance(item, dict):
        return
    schema = item.get("OTIO_SCHEMA")
    if isinstance(schema, str) and schema.startswith("Clip."):
        yield item
        return
    for key in _INSIDE:
        inner = item.get(key)
        for child in inner if isinstance(inner, list) else (inner,):
            if isinstance(child, dict):
                yield from clips_of(child)


def audio_clips(item: Any, *, audio: bool = False) -> set[int]:
    """``id`` of each clip below ``item`` that is in an audio track, or in something nested there."""
    found: set[int] = set()
    if isinstance(item, dict):
        schema = item.get("OTIO_SCHEMA")
        if isinstance(schema, str) and schema.startswith("Clip."):
            return {id(item)} if audio else found
        audio = audio or item.get("kind") == "Audio"
        for key in _INSIDE:
            inner = item.get(key)
            for child in inner if isinstance(inner, list) else (inner,):
                found |= audio_clips(child, audio=audio)
    return found


def urls_of(item: Any) -> Iterator[str]:
    """Every URL that the clips below ``item`` refer to."""
    for clip in clips_of(item):
        references = clip.get("media_references")
        for reference in references.values() if isinstance(references, dict) else ():
            for field in ("target_url", "target_url_base"):
                url = reference.get(field) if isinstance(reference, dict) else None
                if isinstance(url, str) and url:
                    yield url


def map_clips(item: Json, change: Callable[[Json], Json]) -> Json:
    """``item`` with each clip replaced by ``change(clip)``; ``item`` itself where nothing changed."""
    schema = item.get("OTIO_SCHEMA")
    if isinstance(schema, str) and schema.startswith("Clip."):
        return change(item)
    changed: Json = {}
    for key in _INSIDE:
        inner = item.get(key)
        if isinstance(inner, dict):
            new: Any = map_clips(inner, change)
            if new is not inner:
                changed[key] = new
        elif isinstance(inner, list):
            new = [map_clips(child, change) if isinstance(child, dict) else child for child in inner]
            if any(a is not b for a, b in zip(new, inner, strict=True)):
                changed[key] = new
    return {**item, **changed} if changed else item


def with_metadata(item: Json, key: str, notes: Json | None) -> Json:
    """``item`` with ``metadata[key]`` set, or taken away where ``notes`` is ``None``. Keys stay sorted, as OTIO has them."""
    metadata = item.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    if notes is None:
        if key not in metadata:
            return item
        del metadata[key]
    else:
        metadata[key] = notes
        metadata = dict(sorted(metadata.items(), key=lambda pair: pair[0].encode("utf-8", "surrogatepass")))
    return {**item, "metadata": metadata}
