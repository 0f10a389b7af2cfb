"""The overlay: one video track on top of all others that holds what was prerendered, with gaps elsewhere.

Any host plays it; disabling the track shows the live edit, and ``restore`` removes it. It is no part of the edit: whoever
measures a document (survey, composition) sees it without.

It is known by our note, and by its name where a host dropped that. What a user has put on it stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otio_perf.timeline.references import NOTES, Json, notes_of, schema_of
from otio_perf.timeline.tree import clips_of, with_metadata

TRACK_NAME = "otio_perf prerender"
#: The folder of a workspace in which the files of the regions lie.
RENDERS = "renders"
_INSIDE = ("tracks", "children")
_GROUPS = ("Timeline", "SerializableCollection", "Stack", "Track")


def without_overlay(root: Json) -> Json:
    """``root`` without overlays, wherever they are; itself where there is none."""
    changed: Json = {}
    for key in _INSIDE:
        inner = root.get(key)
        if isinstance(inner, dict) and schema_of(inner) in _GROUPS:
            new: Any = without_overlay(inner)
            if new is not inner:
                changed[key] = new
        elif isinstance(inner, list):
            kept = list(_kept(inner))
            if len(kept) != len(inner) or any(a is not b for a, b in zip(kept, inner, strict=True)):
                changed[key] = kept
    return {**root, **changed} if changed else root


def is_render(clip: Json) -> bool:
    """Does ``clip`` play a prerendered region?"""
    return "render" in notes_of(clip)


def regions_of(root: Json) -> set[str]:
    """URLs of the prerendered regions that are played anywhere in ``root``."""
    return {url for clip in clips_of(root) if is_render(clip) for url in _urls(clip)}


def _kept(children: list[Any]) -> Iterator[Any]:
    for child in children:
        if schema_of(child) not in _GROUPS:
            yield child
        elif not _is_overlay(child):
            yield without_overlay(child)
        elif any(not _is_empty(item) and not _is_ours(item) for item in child.get("children") or ()):
            yield _emptied(child)


def _is_overlay(track: Json) -> bool:
    if schema_of(track) != "Track" or (track.get("kind") or "Video") != "Video":
        return False
    return "overlay" in notes_of(track) or track.get("name") == TRACK_NAME


def _is_empty(item: Any) -> bool:
    return not isinstance(item, dict) or schema_of(item) in ("Gap", "Transition")


def _is_ours(item: Json) -> bool:
    """On an overlay, where a host may have dropped our notes."""
    return schema_of(item) == "Clip" and (is_render(item) or any(map(_is_in_renders, _urls(item))))


def _urls(clip: Json) -> Iterator[str]:
    references = clip.get("media_references")
    for reference in references.values() if isinstance(references, dict) else ():
        url = reference.get("target_url") if isinstance(reference, dict) else None
        if isinstance(url, str):
            yield url


def _is_in_renders(url: str) -> bool:
    return url.replace("\\", "/").rpartition("/")[0].rpartition("/")[2] == RENDERS


def _emptied(track: Json) -> Json:
    """Somebody's own clips on it stay where they are."""
    children = [_gap_of(c) if isinstance(c, dict) and _is_ours(c) else c for c in track["children"]]
    return with_metadata({**track, "children": children}, NOTES, None)


def _gap_of(clip: Json) -> Json:
    gap: Json = {"OTIO_SCHEMA": "Gap.1", "metadata": {}, "name": "", "source_range": clip.get("source_range")}
    if gap["source_range"] is None:  # a clip shows its whole medium, a gap would show nothing
        references = (clip.get("media_references") or {}).values()
        gap["source_range"] = next((r["available_range"] for r in references if r.get("available_range")), None)
    fields: Json = {k: clip[k] for k in ("markers", "enabled", "color") if k in clip}
    return {**gap, "effects": [], **fields}
