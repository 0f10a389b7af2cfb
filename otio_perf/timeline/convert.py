"""Filters on documents, in the manner of otiotool: each takes a document and returns another.

Phases of ``otio-perf convert``: input ▸ filter (``video_only``, ``only_tracks`` …) ▸ combine (``concatenate``, ``stack``) ▸
relink (``use_reference``, ``remap_urls``) ▸ output (``moved_to``).
"""

# ruff: noqa: PTH100, PTH120
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from otio_perf.errors import SettingsError
from otio_perf.model.media import MediaInfo, first_number
from otio_perf.model.uses import Problem, TargetKind
from otio_perf.timeline import files
from otio_perf.timeline.clock import Clock, nearest, rate_of
from otio_perf.timeline.describe import described, name_of, timelines_of
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import PACKED, Locator, is_relative, moved_url, output_folder
from otio_perf.timeline.references import PREFIX, Json, is_ours, original_key, schema_of
from otio_perf.timeline.tree import audio_clips, map_clips

_SHARED_FIELDS = ("metadata", "name", "available_range", "available_image_bounds")  # of every media reference
_EMPTY_ITEM: Json = {"source_range": None, "effects": [], "markers": [], "enabled": True, "color": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    document: Document
    changed: int  # clips whose active reference is another one now
    left_alone: tuple[Problem, ...]


def video_only(document: Document) -> Document:
    """Without tracks of another kind."""
    return _with_tracks(document, lambda track, _: track.get("kind") == "Video")


def audio_only(document: Document) -> Document:
    return _with_tracks(document, lambda track, _: track.get("kind") == "Audio")


def only_tracks(document: Document, *, names: Collection[str] = (), indexes: Collection[int] = ()) -> Document:
    """The tracks that have one of ``names`` and one of ``indexes`` (1 is the first), where each is given.

    :raises SettingsError: none is left.
    """
    kept = _with_tracks(
        document,
        lambda track, number: (not names or name_of(track) in names) and (not indexes or number in indexes),
    )
    if not any(stack.get("children") for stack in timelines_of(kept.root)):
        wanted = ", ".join([*map(repr, names), *map(str, indexes)])
        raise SettingsError(f"no track is left: there is none called or numbered {wanted}", path=document.path)
    return kept


def concatenate(documents: Sequence[Document], output_path: str | os.PathLike[str]) -> Document:
    """One timeline that plays ``documents`` one after the other: a track of their stacks, as otiotool makes it."""
    moved = [moved_to(d, output_path) for d in documents]
    stacks = [stack for document in moved for stack in timelines_of(document.root)]
    track = {"OTIO_SCHEMA": "Track.1", "metadata": {}, "name": "", **_EMPTY_ITEM, "children": stacks, "kind": "Video"}
    return _timeline(f"Concatenated {len(documents)} Timelines", [track], moved[0])


def stack(documents: Sequence[Document], output_path: str | os.PathLike[str]) -> Document:
    """One timeline with the tracks of all, the last on top."""
    moved = [moved_to(d, output_path) for d in documents]
    tracks = [track for d in moved for inner in timelines_of(d.root) for track in inner.get("children") or ()]
    return _timeline(f"Stacked {len(documents)} Timelines", tracks, moved[0])


def use_reference(document: Document, rung: str | None) -> Switched:
    """Activate the proxies of ``rung`` ("1080p") that are there; ``None``: the originals. No reference is added or removed."""
    changed = 0
    left: list[Problem] = []

    def switch(clip: Json) -> Json:
        nonlocal changed
        references = clip.get("media_references") or {}
        key = original_key(clip) if rung is None else PREFIX + rung
        if key is None or key not in references:
            if any(is_ours(k) for k in references):
                left.append(Problem(clip=name_of(clip), reason=f"has no {'original' if rung is None else f'{rung} proxy'}"))
            return clip
        if clip.get("active_media_reference_key") == key:
            return clip
        changed += 1
        return {**clip, "active_media_reference_key": key}

    document = files.canonical(document)
    root = map_clips(document.root, switch)
    return Switched(document=replace(document, root=root), changed=changed, left_alone=tuple(left))


def remap_urls(document: Document, locator: Locator) -> Switched:
    """URLs that ``locator`` finds elsewhere (``--map``, ``--media-root``) as absolute paths of where they are.

    A clip without a medium whose file is found by the clip's name gets a reference to it.
    """
    document = files.canonical(document)
    locator = locator.based(document.base)
    plain = Locator(locator.timeline, base=locator.base)
    left: list[Problem] = []

    sounds = audio_clips(document.root)

    def found(reference: Json, clip: Json) -> Json:
        wanted = described(reference, clip, audio=id(clip) in sounds)
        target = locator.target(wanted)
        if target.kind is TargetKind.REFUSED or (target.reason and target.url and (target.path or wanted.clip)):
            left.append(Problem(clip=target.url, reason=target.reason or ""))
        if target.path is None or target == plain.target(wanted):
            return reference
        if target.found_by:
            fields = {k: reference[k] for k in _SHARED_FIELDS if k in reference}
            return {"OTIO_SCHEMA": "ExternalReference.1", **fields, "target_url": target.path}
        if target.sequence is None:
            return {**reference, "target_url": target.path}
        sequence = target.sequence
        return {**reference, "target_url_base": sequence.directory + "/", "name_prefix": sequence.prefix}

    changed = 0

    def change(clip: Json) -> Json:
        nonlocal changed
        new = map_references(clip, lambda reference: found(reference, clip))
        changed += new is not clip
        return new

    root = map_clips(document.root, change)
    return Switched(document=replace(document, root=root), changed=changed, left_alone=tuple(left))


def with_ranges(document: Document, locator: Locator, media: Mapping[str, MediaInfo]) -> Document:
    """References that do not say which frames their media have say so: other formats cannot be written without.

    :param media: by ``Target.medium``; what is not in it stays as it is.
    """
    document = files.canonical(document)
    locator = locator.based(document.base)
    sounds = audio_clips(document.root)

    def ranged(reference: Json, clip: Json) -> Json:
        if reference.get("available_range") or schema_of(reference) == "MissingReference":
            return reference
        info = media.get(locator.target(described(reference, clip, audio=id(clip) in sounds)).medium)
        if info is None or not info.duration:
            return reference
        used = (clip.get("source_range") or {}).get("start_time")
        spelled = used["rate"] if used else float(info.picture.frame_rate if info.picture else 25)
        rate = rate_of(spelled)
        first, frames = first_number(info, rate), nearest(info.duration * rate)
        if used and not first <= Clock(rate).frames(used) < first + frames:
            first = 0  # counted from the first picture, not by timecode
        start, duration = ({"OTIO_SCHEMA": "RationalTime.1", "rate": spelled, "value": float(n)} for n in (first, frames))
        return {**reference, "available_range": {"OTIO_SCHEMA": "TimeRange.1", "duration": duration, "start_time": start}}

    root = map_clips(document.root, lambda clip: map_references(clip, lambda reference: ranged(reference, clip)))
    return replace(document, root=root)


def moved_to(document: Document, output_path: str | os.PathLike[str]) -> Document:
    """As it is written to ``output_path``: relative URLs lead to the same files from there; see ``output_folder``."""
    document = files.canonical(document)
    folder = output_folder(output_path)
    if document.base.startswith(PACKED) or os.path.abspath(document.base) == folder:
        return document

    def moved(reference: Json) -> Json:
        for field in ("target_url", "target_url_base"):
            url = reference.get(field)
            if isinstance(url, str) and url and is_relative(url):
                return {**reference, field: moved_url(url, document.base, folder)}
        return reference

    root = map_clips(document.root, lambda clip: map_references(clip, moved))
    return replace(document, root=root, base=os.path.dirname(os.path.abspath(output_path)))


def map_references(clip: Json, change: Callable[[Json], Json]) -> Json:
    """``clip`` with each of its media references changed; itself where none was."""
    references = clip.get("media_references")
    if not isinstance(references, dict):
        return clip
    new = {key: change(r) if isinstance(r, dict) else r for key, r in references.items()}
    return {**clip, "media_references": new} if any(new[key] is not references[key] for key in new) else clip


def _with_tracks(document: Document, keep: Callable[[Json, int], bool]) -> Document:
    """A document with the tracks for which ``keep(track, number)`` holds; numbers start at 1 in each timeline."""
    document = files.canonical(document)
    return replace(document, root=_filtered(document.root, keep))


def _filtered(item: Json, keep: Callable[[Json, int], bool]) -> Json:
    schema = schema_of(item)
    if schema == "Timeline" and isinstance(item.get("tracks"), dict):
        return {**item, "tracks": _filtered(item["tracks"], keep)}
    if schema == "SerializableCollection":
        return {**item, "children": [_filtered(c, keep) if isinstance(c, dict) else c for c in item.get("children") or ()]}
    if schema == "Stack":
        kept = []
        number = 0
        for child in item.get("children") or ():
            if schema_of(child) == "Track":
                number += 1
                if not keep(child, number):
                    continue
            kept.append(child)
        return {**item, "children": kept}
    return item


def _timeline(name: str, tracks: list[Json], first: Document) -> Document:
    inner = {"OTIO_SCHEMA": "Stack.1", "metadata": {}, "name": "tracks", **_EMPTY_ITEM, "children": tracks}
    root = {"OTIO_SCHEMA": "Timeline.1", "metadata": {}, "name": name, "global_start_time": None, "tracks": inner}
    return replace(first, root=root)
