"""Bring the originals back, whatever has happened to the timeline since.

Found in this order: the original reference still beside ours; our note on a proxy reference that a host kept alone; the
proxy's path in the index of what was made (``product_of``).
"""

# ruff: noqa: PTH100, PTH118, PTH119, PTH120
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from otio_perf.model.plans import Product
from otio_perf.model.recipes import Scope
from otio_perf.model.uses import Problem, TargetKind
from otio_perf.timeline import files
from otio_perf.timeline.bundles import UNPACKED
from otio_perf.timeline.clock import Clock, rate_of
from otio_perf.timeline.describe import described, name_of
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import PACKED, Locator, as_file_url
from otio_perf.timeline.overlay import is_render, without_overlay
from otio_perf.timeline.references import (
    DAMAGE,
    DEFAULT_KEY,
    NOTES,
    Json,
    expand,
    is_ours,
    is_replaced,
    notes_of,
    original_key,
    original_of,
    schema_of,
)
from otio_perf.timeline.tree import map_clips, with_metadata

_NUMBERED = re.compile(
    r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.(?:exr|dpx|png|tiff?|jpe?g|tga|bmp|webp|cin|sgi))$", re.IGNORECASE
)
#: In a workspace by a timeline, all are ours but the media of bundles that were unpacked.
_OURS = re.compile(rf"[/\\]\.otio_perf[/\\](?!{UNPACKED}[/\\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    document: Document
    restored: int  # clips that have their original back
    nameless: int  # of those, clips that refer to no medium, as before
    not_found: tuple[Problem, ...]  # clips whose original nobody knows, is not where it was last, or may begin elsewhere


def without_ours(clip: Json) -> Json:
    """``clip`` without our references and notes, its own reference active; itself where there is nothing of ours.

    Where a host kept nothing but our reference, the original is rebuilt from our note on it. A medium that somebody has
    put in the place of our proxy is the clip's own now.
    """
    references = clip.get("media_references")
    if not isinstance(references, dict):
        return with_metadata(clip, NOTES, None)
    kept = {}
    for key, reference in references.items():
        if is_ours(key):
            continue
        kept[key] = _own(reference) if isinstance(reference, dict) else reference
    active = clip.get("active_media_reference_key")
    key = original_key(clip)
    if is_ours(active):
        if is_replaced(clip, active):
            replacement = references[active]
            key = notes_of(clip).get("original_key") or notes_of(replacement).get("original_key") or DEFAULT_KEY
            kept[key] = with_metadata(replacement, NOTES, None)
        elif key is None:
            note = notes_of(references.get(active) or {})
            if "original" not in note:
                return clip
            key = note.get("original_key") or DEFAULT_KEY
            kept[key] = expand(note["original"])
        active = key
    untouched = kept.keys() == references.keys() and all(kept[k] is references[k] for k in kept)
    if untouched and active == clip.get("active_media_reference_key"):
        return with_metadata(clip, NOTES, None)
    return with_metadata({**clip, "media_references": kept, "active_media_reference_key": active}, NOTES, None)


def _own(reference: Json) -> Json:
    """A reference of the clip itself without our notes: its URL as it was spelled, or the original a proxy stood for."""
    note = notes_of(reference)
    if not note:
        return reference
    if "original" in note:
        return expand(note["original"])
    field = "target_url" if "target_url" in reference else "target_url_base"
    plain = with_metadata(reference, NOTES, None)
    return {**plain, field: note["url"]} if isinstance(note.get("url"), str) else plain


def restore(
    document: Document,
    *,
    original_of: Callable[[str], str | None],
    product_of: Callable[[str], Product | None] | None = None,
    locator: Locator | None = None,
) -> Restored:
    """A new document with the originals, and nothing of ours left in it. Edits stay.

    :param original_of: path of the medium that the proxy at an absolute path was made of, as the index knows it.
    :param product_of: the same proxy's record: needed for numbering where a host dropped our notes, and the proxy is of one
        range or its original a sequence of pictures.
    """
    document = files.exact(document)
    locator = (locator or Locator(document.path)).based(document.base)
    with files.unreadable_if_damaged(document):
        return _Restorer(document, original_of, product_of or (lambda _: None), locator).restored()


class _Restorer:
    def __init__(
        self,
        document: Document,
        original_of: Callable[[str], str | None],
        product_of: Callable[[str], Product | None],
        locator: Locator,
    ) -> None:
        self.document, self.original_of, self.product_of, self.locator = document, original_of, product_of, locator
        base = notes_of(document.root).get("base")
        packed = document.base.startswith(PACKED)
        # relative URLs read as in the timeline that was optimized
        self.folder = (
            document.base
            if packed or not isinstance(base, str)
            else os.path.abspath(os.path.join(os.path.realpath(document.base), base))  # a way up starts in the real folder
        )
        self.count = 0
        self.nameless = 0
        self.not_found: list[Problem] = []

    def restored(self) -> Restored:
        root = map_clips(without_overlay(self.document.root), self._changed)
        root = with_metadata(root, NOTES, None)
        done = replace(self.document, root=root, base=self.folder)
        return Restored(document=done, restored=self.count, nameless=self.nameless, not_found=tuple(self.not_found))

    def _changed(self, clip: Json) -> Json:
        if is_render(clip):
            reason = "is prerendered, and off its track: the edit that it shows is not known"
            self.not_found.append(Problem(clip=name_of(clip), reason=reason))
            return clip
        plain = without_ours(clip)
        if plain is not clip:
            self.count += 1
            self.nameless += schema_of(original_of(plain)) == "MissingReference"
        references = plain.get("media_references")
        if not isinstance(references, dict):
            return plain
        for key, reference in references.items():
            if isinstance(reference, dict) and (found := self._from_index(plain, key, reference)) is not None:
                self.count += plain is clip
                plain = found
        return plain

    def _from_index(self, clip: Json, key: str, reference: Json) -> Json | None:
        """The clip with the original in place of a reference that is one of our proxies by its path."""
        try:
            target = self.locator.target(described(reference))
        except DAMAGE:
            return None
        if target.kind is not TargetKind.FILE or target.path is None:
            return None
        path = self.original_of(target.path)
        if path is None:
            if is_ours(key) or _OURS.search(target.path):
                self.not_found.append(Problem(clip=name_of(clip), reason=f"the index does not know the proxy {target.path}"))
            return None
        product = self.product_of(target.path)
        try:
            shift, doubt = _shift(product, reference, clip) if product else (Fraction(0), "")
        except DAMAGE as e:
            self.not_found.append(Problem(clip=name_of(clip), reason=f"its times are damaged ({e})"))
            return None
        if not os.path.lexists(path):  # it may be on a disk that is not here today: the reference is right all the same
            self.not_found.append(Problem(clip=name_of(clip), reason=f"its original is not there: {path}"))
        if doubt:
            self.not_found.append(Problem(clip=name_of(clip), reason=doubt))
        original = self._original(reference, path, product, shift)
        moved = {**clip, "media_references": {**clip["media_references"], key: original}}
        source_range = clip.get("source_range")
        if shift and source_range and key == clip.get("active_media_reference_key"):
            start = source_range["start_time"]
            value = start["value"] + float(shift * rate_of(start["rate"]))
            moved["source_range"] = {**source_range, "start_time": {**start, "value": value}}
        return moved

    def _original(self, reference: Json, path: str, product: Product | None, shift: Fraction) -> Json:
        """A reference to the original at ``path``, in the manner in which the proxy is referred to.

        A proxy of the whole medium has the same frames, so the host's own numbering stays; of one range, all that is
        known is where that began.
        """
        plain = with_metadata(reference, NOTES, None)
        is_whole = product is None or product.recipe.scope is Scope.FULL
        available = plain.get("available_range") if is_whole and not shift else None
        numbered = _NUMBERED.match(os.path.basename(path))
        if product and numbered and len(product.source_range) > 1:
            number = numbered["number"]
            return {
                "OTIO_SCHEMA": "ImageSequenceReference.1",
                "metadata": plain.get("metadata", {}),
                "name": name_of(plain),
                "available_range": available or _whole(product, reference),
                "available_image_bounds": plain.get("available_image_bounds"),
                "target_url_base": _url(plain["target_url"], os.path.dirname(path)) + "/",
                "name_prefix": numbered["prefix"],
                "name_suffix": numbered["suffix"],
                "start_frame": int(number),
                "frame_step": 1,
                "rate": float(product.source_range.rate),
                "frame_zero_padding": len(number) if number.startswith("0") else 0,
                "missing_frame_policy": "error",
            }
        return {**plain, "available_range": available, "target_url": _url(plain["target_url"], path)}


def _url(proxy_url: str, path: str) -> str:
    """Absolute: the folder in which the timeline will lie is not known here. As a URL where the proxy's is one."""
    return as_file_url(path) if proxy_url.lower().startswith("file:") else path


def _shift(product: Product, reference: Json, clip: Json) -> tuple[Fraction, str]:
    """Seconds from the original's numbering to the host's, and a doubt about it.

    A host that counts a proxy of one range from 0 has lost where it began; one that goes by timecode has not, for proxies
    keep that. Where no available range tells (an EDL), the clip's own frames do: they lie in the proxy by one of the two
    countings. As we write them, timelines keep the original's; so that is taken where both fit, or none.
    """
    if product.recipe.scope is Scope.FULL:
        return Fraction(0), ""
    began, ended = (n / product.source_range.rate for n in (product.source_range.start, product.source_range.stop))
    if began == 0:
        return Fraction(0), ""
    available = reference.get("available_range")
    if available:
        rate = rate_of(available["start_time"]["rate"])
        return (Fraction(0) if Clock(rate).frames(available["start_time"]) != 0 else began), ""
    asked = clip.get("source_range")
    if not asked:
        return Fraction(0), ""
    clock = Clock(rate_of(asked["start_time"]["rate"]))
    first = clock.frames(asked["start_time"]) / Fraction(clock.rate)
    last = first + clock.length(asked["duration"]) / Fraction(clock.rate)
    slack = 1 / Fraction(product.source_range.rate)
    kept = began - slack <= first and last <= ended + slack
    lost = first >= 0 and last <= ended - began + slack
    if kept != lost:
        return (began if lost else Fraction(0)), ""
    return Fraction(
        0
    ), f"check its in-point: its proxy was of a part of {product.source_path}, and was counted from 0, or as that"


def _whole(product: Product, reference: Json) -> Json:
    """An available range from 0 that reaches as far as is known."""
    available = reference.get("available_range")
    rate = available["start_time"]["rate"] if available else float(product.source_range.rate)
    frames = product.source_range.stop / product.source_range.rate * rate_of(rate)
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)},
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": 0.0},
    }
