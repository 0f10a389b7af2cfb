"""Lay what was prerendered over a timeline, as its overlay (see ``timeline.overlay``)."""

# ruff: noqa: PTH100, PTH120
# Paths are text here, as in ``relink``.

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from otio_perf.errors import UnwritableTimelineError
from otio_perf.timeline import files
from otio_perf.timeline.clock import rate_of
from otio_perf.timeline.describe import picture_rates
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import PACKED, as_file_url, is_relative, relative_url
from otio_perf.timeline.measure import Measure
from otio_perf.timeline.overlay import TRACK_NAME, without_overlay
from otio_perf.timeline.references import DEFAULT_KEY, NOTES, Json, file_name, schema_of
from otio_perf.timeline.tree import urls_of

NOTES_VERSION = 1
_ITEM: Json = {"effects": [], "markers": [], "enabled": True, "color": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A prerendered region: frames ``[start, stop)`` of the timeline, 0 = first, which ``path`` holds and nothing else.

    ``first`` is the number of the file's first frame: its timecode, counted from 00:00:00:00.
    """

    start: int
    stop: int
    path: str
    first: int
    key: str


def require_possible(document: Document) -> None:
    """Can prerenders lie on ``document``, as far as its shape tells?

    :raises UnwritableTimelineError: it is no timeline or stack, or what works on the whole of it would work on them too.
    """
    stack = _stack_of(document)
    if stack.get("effects"):
        raise UnwritableTimelineError(
            "cannot carry prerenders: effects on its whole stack would work on them once more",
            path=document.path,
            hint="Nest the stack in a track",
        )


def with_overlay(document: Document, regions: Sequence[Laid], *, output_path: str | os.PathLike[str]) -> Document:
    """``document`` with ``regions`` on top, in place of the overlay that it has; without any, with no overlay.

    :param output_path: where it will be written: relative URLs start in its folder.
    :raises UnwritableTimelineError: see ``require_possible``.
    :raises ValueError: regions that overlap.
    """
    regions = sorted(regions, key=lambda r: r.start)
    for before, after in pairwise(regions):
        if after.start < before.stop:
            raise ValueError(f"the region at frame {after.start} begins where another one still runs")
    document = files.canonical(document)
    document = replace(document, root=without_overlay(document.root))
    if not regions:
        return document
    require_possible(document)
    with files.unreadable_if_damaged(document):
        measure = Measure(document)
        stack = _stack_of(document)
        rate = _spelled(measure, stack)
        first, _ = measure.trimmed(stack)
        urls = _Urls(document, os.path.dirname(os.path.abspath(output_path)))
        children: list[Json] = []
        at = -first  # a trimmed stack begins within its tracks
        for region in regions:
            if region.start > at:
                children.append(_gap(float(region.start - at), rate))
            children.append(_clip(region, rate, urls.of(region.path)))
            at = region.stop
    track = {
        "OTIO_SCHEMA": "Track.1",
        "metadata": {NOTES: {"overlay": True, "version": NOTES_VERSION}},
        "name": TRACK_NAME,
        "source_range": None,
        **_ITEM,
        "children": children,
        "kind": "Video",
    }
    laid = {**stack, "children": [*(stack.get("children") or ()), track]}
    return replace(document, root={**document.root, "tracks": laid} if stack is not document.root else laid)


def _stack_of(document: Document) -> Json:
    root = document.root
    stack = root.get("tracks") if schema_of(root) == "Timeline" else root
    if not isinstance(stack, dict) or schema_of(stack) != "Stack":
        raise UnwritableTimelineError(
            f"a {schema_of(root)} cannot carry prerenders", path=document.path, hint="Put it into a timeline"
        )
    return stack


def _spelled(measure: Measure, stack: Json) -> float:
    """The timeline's rate as its clips write it, so that frames of the overlay stay frames of theirs."""
    time = measure.root.get("global_start_time")
    for rate in (*([time.get("rate")] if isinstance(time, dict) else ()), *picture_rates(stack)):
        if isinstance(rate, (int, float)) and rate > 0 and rate_of(rate) == measure.rate:
            return float(rate)
    return float(measure.rate)


def _range(start: float, frames: float, rate: float) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)},
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(start)},
    }


def _gap(frames: float, rate: float) -> Json:
    return {"OTIO_SCHEMA": "Gap.1", "metadata": {}, "name": "", "source_range": _range(0, frames, rate), **_ITEM}


def _clip(region: Laid, rate: float, url: str) -> Json:
    frames = _range(region.first, region.stop - region.start, rate)
    reference: Json = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": "",
        "available_range": frames,
        "available_image_bounds": None,
        "target_url": url,
    }
    name = file_name(region.path)
    return {
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {NOTES: {"key": region.key, "render": name, "version": NOTES_VERSION}},
        "name": name.rpartition(".")[0] or name,
        "source_range": frames,
        **_ITEM,
        "media_references": {DEFAULT_KEY: reference},
        "active_media_reference_key": DEFAULT_KEY,
    }


class _Urls:
    """URLs in the manner of the timeline's own: relative where both can move together, ``file:``, or a path."""

    def __init__(self, document: Document, folder: str) -> None:
        self._folder = folder
        own = self._own = next(urls_of(document.root), "")
        self._as_url = own.lower().startswith("file:")
        self._relative = not self._as_url and (not own or is_relative(own)) and not document.base.startswith(PACKED)

    def of(self, path: str) -> str:
        if self._as_url:
            return as_file_url(path)
        if self._relative:
            try:
                shared = os.path.commonpath([self._folder, path])
                if os.path.dirname(shared) != shared:
                    return relative_url(path, self._folder, like=self._own)
            except ValueError:  # another drive
                pass
        return path
