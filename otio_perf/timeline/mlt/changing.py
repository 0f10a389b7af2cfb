"""A project with the proxies that a timeline made of it shows: its own text, changed where it has to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from otio_perf.timeline.mlt.media import is_relative, url_of
from otio_perf.timeline.mlt.preview import document_properties
from otio_perf.timeline.mlt.proxied import IsPlaced, Shown, is_none, originals, switched_off, with_originals, with_proxies
from otio_perf.timeline.mlt.spans import parse
from otio_perf.timeline.mlt.versions import refuse_newer
from otio_perf.timeline.references import Json, is_ours, original_of
from otio_perf.timeline.tree import clips_of


def changed(
    data: bytes,
    path: object,
    *,
    edits: Iterable[tuple[Json, Json]],
    path_of: Callable[[Json], str | None],
    is_placed: IsPlaced = is_none,
) -> bytes:
    """``data`` as timelines show it that were made of it.

    :param edits: timelines as ``data`` reads, each with the one that is to be shown: the same clips in the same order
    :param path_of: where the proxy of a media reference is; ``is_placed``: see ``with_originals``
    :raises UnwritableTimelineError: see ``spans.parse`` and, where it gets proxies, ``versions.refuse_newer``
    """
    shown: dict[str, Shown] = {}
    pairs = (pair for before, after in edits for pair in zip(clips_of(before), clips_of(after), strict=True))
    for plain, clip in pairs:
        key: Any = clip["active_media_reference_key"]
        original, reference = original_of(plain), clip["media_references"][key]
        proxy = path_of(reference) if is_ours(key) else None
        if proxy is not None and original is not None:
            shown[str(original.get("target_url"))] = Shown(proxy, key, reference)
    if shown:
        refuse_newer(document_properties(data, path), str(path))
    plain_text = with_originals(data, path, is_placed=is_placed)
    root = parse(plain_text, path).attributes.get("root", "")
    return with_proxies(plain_text, path, lambda resource: shown.get(url_of(resource, root)))


def without_proxies(data: bytes, path: object) -> frozenset[str]:
    """URLs of media whose proxies the user has switched off in the project: they are not shown."""
    top = parse(data, path)
    root = top.attributes.get("root", "")
    return frozenset(url_of(resource, root) for resource in switched_off(top))


def names_relatively(data: bytes, path: object) -> bool:
    """Does the project name media by paths that are relative to its own folder?"""
    top = parse(data, path)
    root = top.attributes.get("root", "")
    return any(is_relative(url_of(resource, root)) for resource in originals(top))
