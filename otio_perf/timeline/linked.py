"""Which proxies a document refers to, and what each stands for: read off the document alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.model.uses import Target
from otio_perf.timeline.clock import nearest, rate_of
from otio_perf.timeline.describe import described, original_target
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.references import DAMAGE, DEFAULT_KEY, Json, is_ours, is_replaced, notes_of, original_of
from otio_perf.timeline.tree import audio_clips, clips_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A proxy and its original. ``start`` and ``length``: seconds of the original that the proxy holds, where that is told."""

    proxy: Target
    original: Target
    product_key: str  # as noted when it was linked; "" where a host dropped the note
    start: Fraction | None
    length: Fraction | None

    def source_range(self, rate: FrameRate) -> FrameRange | None:
        """Frames of the original's file, 0 = first, at ``rate``; ``None`` where it is not told."""
        if self.start is None or self.length is None:
            return None
        first = nearest(self.start * rate)
        return FrameRange(first, first + nearest(self.length * rate), rate)


def linked(document: Document, locator: Locator) -> tuple[Linked, ...]:
    """Each proxy of each original once, in the order of the clips: references with our key, and any that carry our note."""
    locator = locator.based(document.base)
    found: dict[tuple[str, str], Linked] = {}
    sounds = audio_clips(document.root)
    for clip in clips_of(document.root):
        original = original_of(clip)
        original = document.shared.get(str(original.get("id")), original) if original and "id" in original else original
        references = clip.get("media_references") or {}
        for key, reference in references.items():
            if original is None or not isinstance(reference, dict) or not (is_ours(key) or "original" in notes_of(reference)):
                continue
            if is_replaced(clip, key):  # a medium that the user put there
                continue
            try:
                whole = original_target(clip, original, locator, audio=id(clip) in sounds)
                pair = _pair(reference, original, whole, locator)
            except DAMAGE:
                continue  # a clip that is named where the timeline is surveyed
            found.setdefault((pair.proxy.medium, pair.original.medium), pair)
    return tuple(found.values())


def shown(root: Json) -> Counter[str]:
    """URL of each proxy that is active in a clip, and in how many clips."""
    found: Counter[str] = Counter()
    for clip in clips_of(root):
        key = clip.get("active_media_reference_key") or DEFAULT_KEY
        references = clip.get("media_references")
        reference = references.get(key) if isinstance(references, dict) else None
        url = reference.get("target_url") if isinstance(reference, dict) else None
        if is_ours(key) and isinstance(url, str) and url and not is_replaced(clip, key):
            found[url] += 1
    return found


def _pair(reference: Json, original: Json, target: Target, locator: Locator) -> Linked:
    proxied, whole = reference.get("available_range"), original.get("available_range")
    start = length = None
    if proxied and whole:
        start, length = _seconds(proxied["start_time"]) - _seconds(whole["start_time"]), _seconds(proxied["duration"])
    return Linked(
        proxy=locator.target(described(reference)),
        original=target,
        product_key=str(notes_of(reference).get("product") or ""),
        start=start,
        length=length,
    )


def _seconds(time: Json) -> Fraction:
    return Fraction(time["value"]) / rate_of(time["rate"])
