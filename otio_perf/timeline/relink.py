"""Give clips their proxies: extra media references beside the original, one of them active.

Nothing of the original is changed but the spelling of relative URLs when the new timeline lies in another folder; what was
there is noted under ``metadata["otio_perf"]``, so that ``restore`` gives back the same bytes.
"""

# ruff: noqa: PTH100, PTH120
# Paths are text here: pathlib would swallow "./", doubled and final slashes, and Path.resolve() follows links.

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Scope
from otio_perf.model.timing import FrameRate, parse_timecode
from otio_perf.model.uses import Problem, Target
from otio_perf.timeline import files
from otio_perf.timeline.clock import Clock, Frames, first_covered, last_covered, nearest, rate_of
from otio_perf.timeline.describe import name_of, original_target
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import (
    PACKED,
    Locator,
    as_file_url,
    is_relative,
    moved_url,
    output_folder,
    relative_or_absolute,
    relative_url,
)
from otio_perf.timeline.overlay import is_render
from otio_perf.timeline.references import (
    DAMAGE,
    DEFAULT_KEY,
    NOTES,
    PREFIX,
    Json,
    digest_note,
    file_name,
    is_ours,
    notes_of,
    original_key,
    original_of,
)
from otio_perf.timeline.restore import without_ours
from otio_perf.timeline.survey import needs
from otio_perf.timeline.tree import audio_clips, map_clips, with_metadata

NOTES_VERSION = 1
#: In place of a key to activate: each clip keeps what is active, as far as it is still there.
AS_BEFORE = PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Relinked:
    document: Document
    relinked: int  # clips that have proxies now
    sources: int  # media behind them
    left_alone: tuple[Problem, ...]  # clips whose source has proxies, and which did not get all of them


def relink(
    document: Document,
    products: Mapping[str, Sequence[Product]],
    media: Mapping[str, MediaInfo],
    *,
    active: str | None,
    output_path: str | os.PathLike[str],
    locator: Locator,
    earlier: Mapping[str, Sequence[Product]] | None = None,
) -> Relinked:
    """A new document in which clips have ``products`` as further media references.

    :param products: proxies by medium of the original (``Target.medium``); of several ranges of one rung, a clip gets
        the one that covers what it uses.
    :param media: what is known of the originals, by medium: needed where a reference does not say which frames there are.
    :param active: key of the reference to activate, ``otio_perf:1080p``; ``None``: the originals stay active;
        ``AS_BEFORE``: what is active stays so.
    :param output_path: where it will be written: relative URLs start in its folder.
    :param earlier: proxies by medium, still good, that the document has already: they stay where ``products`` has none of
        their rung that serves. All other references of ours go.
    :raises UnreadableTimelineError: OpenTimelineIO cannot read the document.
    """
    document = files.canonical(document)
    with files.unreadable_if_damaged(document):
        return _Relinker(
            document, products, earlier or {}, media, active, os.path.abspath(output_path), locator.based(document.base)
        ).relinked()


def of_target(products: Sequence[Product], target: Target) -> tuple[Product, ...]:
    """Those of ``products``, known by the path of their original alone, that show the pictures of ``target``.

    Nobody asked for a LUT or for something burnt in here. The first picture of a sequence is that of every sequence that begins
    there, at any rate.
    """
    products = [p for p in products if p.recipe.is_plain]
    if target.sequence is None:
        return tuple(products)
    pictures = len(target.sequence.numbers)
    return tuple(
        p
        for p in products
        if p.source_range.rate == target.sequence_rate
        and (p.source_range.stop <= pictures if p.recipe.scope is Scope.USED else len(p.source_range) == pictures)
    )


def noted(document: Document) -> Document:
    """``document`` with a note on the whole of it, so that it is known as ours where it needs nothing else of us."""
    if notes_of(document.root):
        return document
    return replace(document, root=with_metadata(document.root, NOTES, {"version": NOTES_VERSION}))


class _Relinker:
    def __init__(
        self,
        document: Document,
        products: Mapping[str, Sequence[Product]],
        earlier: Mapping[str, Sequence[Product]],
        media: Mapping[str, MediaInfo],
        active: str | None,
        output_path: str,
        locator: Locator,
    ) -> None:
        self.document, self.products, self.media, self.active, self.locator = document, products, media, active, locator
        self.earlier = earlier
        self.output_path = output_path
        self.folder = os.path.dirname(output_path)
        self.start = output_folder(output_path)  # of relative URLs
        self.moves = not document.base.startswith(PACKED) and os.path.abspath(document.base) != self.start
        self.sounds = audio_clips(document.root)
        self.needs = needs(document)
        self.count = 0
        self.sources: set[str] = set()
        self.left_alone: list[Problem] = []

    def relinked(self) -> Relinked:
        root = map_clips(self.document.root, self._changed)
        if root is not self.document.root:
            notes: Json = {"version": NOTES_VERSION, **notes_of(root)}
            notes.pop("stamp", None)  # of the text as it was
            if self.moves:
                notes["base"] = relative_or_absolute(self.document.base, self.start)
            root = with_metadata(root, NOTES, dict(sorted(notes.items())))
        path = self.output_path
        base = self.folder if self.moves or not self.document.base.startswith(PACKED) else self.document.base
        done = replace(self.document, root=root, path=path, base=base, format="otio_json")
        return Relinked(document=done, relinked=self.count, sources=len(self.sources), left_alone=tuple(self.left_alone))

    def _changed(self, clip: Json) -> Json:
        if is_render(clip):
            return self._moved(clip)
        need = self.needs.get(id(clip))
        plain = without_ours(clip)
        reference = original_of(plain)
        target = None
        shared = self.document.shared
        if reference is not None:
            reference = (
                shared.get(reference.get("id", ""), {})
                if "SerializableObjectRef" in reference.get("OTIO_SCHEMA", "")
                else reference
            )
            try:
                target = original_target(clip, reference, self.locator, audio=id(clip) in self.sounds)
            except DAMAGE as e:
                self.left_alone.append(Problem(clip=name_of(clip), reason=str(e)))
        new = self._moved(plain)
        if reference is None or target is None or target.path is None:
            return new
        is_seen = need is not None
        if not is_seen:
            need = _own_need(clip, reference)
        added = self._proxies(plain, reference, target, need, is_seen=is_seen)
        if not added:
            return new
        self.count += 1
        self.sources.add(target.medium)
        key = original_key(plain) or DEFAULT_KEY
        references = dict(sorted({**new["media_references"], **added}.items(), key=lambda pair: pair[0].encode()))
        before = clip.get("active_media_reference_key")  # better an earlier proxy than none
        chosen = next((k for k in (self.active, before) if self.active and k in added), key)
        new = {**new, "media_references": references, "active_media_reference_key": chosen}
        return with_metadata(new, NOTES, {"original_key": key, "version": NOTES_VERSION})

    def _proxies(
        self,
        clip: Json,
        reference: Json,
        target: Target,
        need: tuple[int, int, FrameRate] | None,
        *,
        is_seen: bool,
    ) -> dict[str, Json]:
        """Our references for one clip, by key. Where nothing of it is seen, nobody planned to cover it, and none is missed."""
        new, earlier = _by_key(self.products.get(target.medium, ())), _by_key(self.earlier.get(target.medium, ()))
        added: dict[str, Json] = {}
        for key in {**new, **earlier}:
            product = None
            try:
                for choices in filter(None, (new.get(key), earlier.get(key))):
                    rate, spelled, start = self._numbering(clip, reference, target.medium, choices[0].source_range.rate, need)
                    within = self._within_medium(need, target.medium, choices[0].source_range.rate, rate, start)
                    product = _covering(choices, within, rate, start)
                    if product is not None:
                        break
            except DAMAGE as e:
                self.left_alone.append(Problem(clip=name_of(clip), reason=str(e) or "its times are damaged"))
                continue
            if product is None:
                if is_seen and key in new:
                    reason = f"no proxy of {new[key][0].recipe.rung} covers its frames"
                    self.left_alone.append(Problem(clip=name_of(clip), reason=reason))
                continue
            added[key] = self._reference(
                reference, str(target.path), product, rate, spelled, start, original_key(clip) or DEFAULT_KEY
            )
        return added

    def _numbering(
        self, clip: Json, reference: Json, medium: str, file_rate: FrameRate, need: tuple[int, int, FrameRate] | None
    ) -> tuple[FrameRate, float, Frames]:
        """Rate, the rate as written, and number of the file's first frame, as the original reference counts.

        Without an available range the numbering is not told: it starts at the file's timecode if what the clip uses lies
        there and not at the file's beginning, otherwise at 0.
        """
        available = reference.get("available_range")
        if available:
            spelled = available["start_time"]["rate"]
            rate = rate_of(spelled)
            return rate, spelled, Clock(rate).frames(available["start_time"])
        source_range = clip.get("source_range")
        spelled = source_range["start_time"]["rate"] if source_range else float(file_rate)
        rate = rate_of(spelled)
        info = self.media.get(medium)
        if info is None or not info.start_timecode or need is None:
            return rate, spelled, 0
        try:
            begin = nearest(parse_timecode(info.start_timecode, file_rate) * rate / file_rate)
        except ValueError:
            return rate, spelled, 0
        frames = nearest(info.duration * rate)
        return rate, spelled, begin if begin <= need[0] < begin + frames and need[1] > frames else 0

    def _within_medium(
        self, need: tuple[int, int, FrameRate] | None, medium: str, file_rate: FrameRate, rate: FrameRate, start: Frames
    ) -> tuple[int, int, FrameRate] | None:
        """The part of a need that the medium has: that is what a proxy was planned for; hosts hold the frame at the end."""
        info = self.media.get(medium)
        picture = info.picture if info else None
        if need is None or picture is None:
            return need
        frames = nearest(picture.duration * file_rate) if picture.is_vfr else picture.frame_count
        factor = need[2] / rate
        first, stop = nearest(start * factor), last_covered((start + frames * rate / file_rate) * factor)
        low, high = max(need[0], first), min(need[1], stop)
        return (low, high, need[2]) if low < high else need

    def _reference(
        self, original: Json, path: str, product: Product, rate: FrameRate, spelled: float, start: Frames, key: str
    ) -> Json:
        frames = product.source_range
        factor = rate / frames.rate
        first, length = start + frames.start * factor, len(frames) * factor
        moved, _ = self._moved_reference(original)
        notes = {
            "file": file_name(product.path),
            "fingerprint": product.source_fingerprint,
            "original": digest_note(moved),
            "original_key": key,
            "original_path": path,
            "product": product.key,
            "rung": product.recipe.rung,
            "version": NOTES_VERSION,
        }
        return {
            "OTIO_SCHEMA": "ExternalReference.1",
            "metadata": {NOTES: notes},
            "name": name_of(original),
            "available_range": {
                "OTIO_SCHEMA": "TimeRange.1",
                "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": spelled, "value": float(length)},
                "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": spelled, "value": float(first)},
            },
            "available_image_bounds": original.get("available_image_bounds"),
            "target_url": self._url(original.get("target_url", original.get("target_url_base")) or "", path, product.path),
        }

    def _url(self, original_url: str, original_path: str, path: str) -> str:
        """The proxy's URL in the manner of the original's: relative where both can move together, ``file:``, or a path."""
        if original_url.lower().startswith("file:"):
            return as_file_url(path)
        if is_relative(original_url) and self.start is not None:
            try:
                shared = os.path.commonpath([self.folder, original_path])
                if os.path.dirname(shared) != shared and os.path.commonpath([shared, path]) == shared:
                    return relative_url(path, self.folder, like=original_url)
            except ValueError:  # another drive
                pass
        return path

    # ---- relative URLs of the originals, when the timeline goes to another folder

    def _moved(self, clip: Json) -> Json:
        references = clip.get("media_references")
        if not self.moves or not isinstance(references, dict):
            return clip
        changed = {}
        for key, reference in references.items():
            if isinstance(reference, dict) and not is_ours(key):
                moved, written = self._moved_reference(reference)
                if moved is not reference:
                    changed[key] = with_metadata(moved, NOTES, {"url": written, "version": NOTES_VERSION})
        return {**clip, "media_references": {**references, **changed}} if changed else clip

    def _moved_reference(self, reference: Json) -> tuple[Json, str]:
        """The reference with its URL as seen from the new folder, and the URL as it was."""
        for field in ("target_url", "target_url_base"):
            url = reference.get(field)
            if self.moves and isinstance(url, str) and url and is_relative(url):
                return {**reference, field: moved_url(url, self.document.base, self.start)}, url
        return reference, ""


def _own_need(clip: Json, reference: Json) -> tuple[int, int, FrameRate] | None:
    """What a clip of which nothing is seen (disabled, outside of a nested window) would need; ``None``: it is damaged."""
    available = reference.get("available_range")
    try:
        asked = clip.get("source_range") or available or {}
        clock = Clock(rate_of((available or asked)["start_time"]["rate"]))
        first = clock.frames(asked["start_time"])
        return first_covered(first), last_covered(first + clock.length(asked["duration"])), clock.rate
    except DAMAGE:
        return None


def _by_key(products: Sequence[Product]) -> dict[str, list[Product]]:
    found: dict[str, list[Product]] = {}
    for product in products:
        found.setdefault(product.recipe.reference_key, []).append(product)
    return found


def _covering(
    products: Sequence[Product], need: tuple[int, int, FrameRate] | None, rate: FrameRate, start: Frames
) -> Product | None:
    """The product that has the frames a clip needs; one of the whole medium always does."""
    whole = next((p for p in products if p.recipe.scope is Scope.FULL), None)
    if whole is not None or need is None:
        return whole

    def inside(product: Product, slack: Fraction) -> bool:
        frames = product.source_range
        factor = rate / frames.rate
        return (
            start + frames.start * factor <= need[0] * rate / need[2] + slack
            and need[1] * rate / need[2] <= start + frames.stop * factor + slack
        )

    # exact first; then as where the two rates differ and both ends were rounded outwards
    for slack in (Fraction(0), max(Fraction(1), rate / products[0].source_range.rate)):
        for product in products:
            if inside(product, slack):
                return product
    return None
