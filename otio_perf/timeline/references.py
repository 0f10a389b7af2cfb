"""Media references as plain dicts: which of a clip's is the original, which are ours, and what refers to what.

Our references have keys that begin with ``otio_perf:``; what we note down is under ``metadata["otio_perf"]`` and nowhere
else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from otio_perf.errors import HostileTimelineError

PREFIX = "otio_perf:"  # of the keys of our references
NOTES = "otio_perf"  # the one metadata key that we write
DEFAULT_KEY = "DEFAULT_MEDIA"
#: What a note keeps of the original reference, should a host drop the reference itself. Its metadata is not kept: it can
#: be large, and what it says is about the host's own reference.
_KEPT = (
    "name",
    "available_range",
    "available_image_bounds",
    "target_url",
    "target_url_base",
    "name_prefix",
    "name_suffix",
    "start_frame",
    "frame_step",
    "rate",
    "frame_zero_padding",
    "missing_frame_policy",
)
Json = dict[str, Any]
#: What plain dicts raise when a part of a timeline is missing or of another kind than it should be. A clip that raises one
#: of these is a problem; what is around the clips makes the file unreadable.
DAMAGE = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)


def is_ours(key: object) -> bool:
    return isinstance(key, str) and key.startswith(PREFIX)


def schema_of(item: object) -> str:
    """Schema name without version: ``Clip``; ``""`` for what is no OTIO object."""
    name = item.get("OTIO_SCHEMA") if isinstance(item, dict) else None
    return name.partition(".")[0] if isinstance(name, str) else ""


def notes_of(item: Json) -> Json:
    """Our notes on a clip, reference or timeline; empty where there are none."""
    metadata = item.get("metadata")
    found = metadata.get(NOTES) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def file_name(path: str) -> str:
    """The last part of a path or URL, in one spelling of its accents. What is before it, hosts respell."""
    return unicodedata.normalize("NFC", path.replace("\\", "/").rpartition("/")[2])


def is_replaced(clip: Json, key: object) -> bool:
    """Is what stands under a key of ours somebody's own? Setting a clip's medium, in OTIO, sets that of the active key.

    A reference without our note where the clip still has one, or that leads to a file of another name than we noted.
    """
    reference = (clip.get("media_references") or {}).get(key)
    if not is_ours(key) or not isinstance(reference, dict):
        return False
    url = reference.get("target_url")
    if not isinstance(url, str) or not url:
        return "target_url_base" in reference
    noted = notes_of(reference)
    if not noted:
        return bool(notes_of(clip))
    return isinstance(noted.get("file"), str) and noted["file"] not in (file_name(url), file_name(unquote(url)))


def original_key(clip: Json) -> str | None:
    """Key of the reference that is the clip's own; ``None`` where only ours are left."""
    active = clip.get("active_media_reference_key") or DEFAULT_KEY
    if not is_ours(active) or is_replaced(clip, active):
        return str(active)
    references = clip.get("media_references") or {}
    noted = notes_of(clip).get("original_key")
    if noted in references:
        return str(noted)
    if DEFAULT_KEY in references:
        return DEFAULT_KEY
    return next((key for key in references if not is_ours(key)), None)


def original_of(clip: Json) -> Json | None:
    """The clip's own media reference, whatever is active; rebuilt from our notes where a host kept ours alone."""
    references = clip.get("media_references") or {}
    key = original_key(clip)
    reference = references.get(key) if key is not None else references.get(clip.get("active_media_reference_key"))
    if isinstance(reference, dict):
        noted = notes_of(reference)
        if "original" in noted and not is_replaced(clip, key):
            return expand(noted["original"])
        return reference
    return None


def digest_note(reference: Json) -> Json:
    """What we note of an original reference. Inverse: ``expand``."""
    return {"schema": reference["OTIO_SCHEMA"], **{key: reference[key] for key in _KEPT if key in reference}}


def expand(note: Json) -> Json:
    """The reference that ``digest_note`` described, without its metadata."""
    fields = {key: note[key] for key in _KEPT if key in note}
    return {"OTIO_SCHEMA": note.get("schema", "ExternalReference.1"), "metadata": {}, **fields}


def by_id(root: Json) -> dict[str, Json]:
    """Objects that others refer to (``OTIO_REF_ID``), after a check that none contains itself.

    :raises HostileTimelineError: a circle of references, or one that leads nowhere.
    """
    objects: dict[str, Json] = {}
    leads_to: dict[str, set[str]] = {}
    for item, owners in _walk(root):
        name = item.get("OTIO_REF_ID")
        if isinstance(name, str):
            objects[name] = item
            leads_to.setdefault(name, set())
        if schema_of(item) == "SerializableObjectRef":
            for owner in owners:
                leads_to.setdefault(owner, set()).add(str(item.get("id")))
    _refuse_circles(leads_to)
    return objects


def _walk(root: Any) -> Iterator[tuple[Json, tuple[str, ...]]]:
    """Every dict, with the ids of the objects that contain it."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(root, ())]
    while waiting:
        item, owners = waiting.pop()
        if isinstance(item, dict):
            yield item, owners
            name = item.get("OTIO_REF_ID")
            inner = (*owners, name) if isinstance(name, str) else owners
            waiting += [(value, inner) for value in item.values() if isinstance(value, (dict, list))]
        elif isinstance(item, list):
            waiting += [(value, owners) for value in item if isinstance(value, (dict, list))]


def _refuse_circles(leads_to: dict[str, set[str]]) -> None:
    """Take away what leads nowhere further, again and again; what is left goes in a circle."""
    waits = {name: {n for n in targets if n in leads_to} for name, targets in leads_to.items()}
    needed_by: dict[str, list[str]] = {}
    for name, targets in waits.items():
        for target in targets:
            needed_by.setdefault(target, []).append(name)
    free = [name for name, targets in waits.items() if not targets]
    while free:
        done = free.pop()
        del waits[done]
        for name in needed_by.get(done, ()):
            waits[name].discard(done)
            if not waits[name]:
                free.append(name)
    if waits:
        raise HostileTimelineError(f"an object refers to itself ({min(waits)})")
