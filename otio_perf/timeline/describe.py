"""What is read off a timeline's parts without arithmetic: names, rates of clips, canvas, references in short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from otio_perf.model.uses import Target, TargetKind
from otio_perf.timeline.clock import UnusableTimeError, nearest, rate_of
from otio_perf.timeline.locate import Locator, Reference
from otio_perf.timeline.references import Json, is_replaced, notes_of, schema_of

T = TypeVar("T")
#: Under which Final Cut Pro 7's adapter keeps what it has no field for.
FINAL_CUT = "fcp_xml"
#: An image sequence of more is a mistake or an attack: four days and more at 24 pictures a second.
_MOST_PICTURES = 10_000_000
#: Where in its metadata a timeline's picture size stands.
_SIZES = ((FINAL_CUT, "media", "video", "format", "samplecharacteristics"), ("mlt", "profile"))
#: Reels of an EDL that are none: auxiliary source, black.
_NO_REELS = frozenset({"", "AX", "BL"})
#: What editors themselves call nothing but black.
_BLACK = frozenset({"", "slug", "black video"})


class Numbering(Generic[T]):
    """Gives equal items one number, in the order in which they come."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._numbers: dict[T, int] = {}

    def of(self, item: T) -> int:
        number = self._numbers.get(item)
        if number is None:
            number = self._numbers[item] = len(self.items)
            self.items.append(item)
        return number


def columns_of(names: tuple[str, ...], rows: list[tuple[int, ...]]) -> dict[str, Sequence[int]]:
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


def name_of(item: Json) -> str:
    name = item.get("name")
    return name if isinstance(name, str) else ""


def host_data(item: Json, host: str) -> Json:
    """What the adapter of a host keeps in the metadata of ``item``; empty where there is nothing."""
    metadata = item.get("metadata")
    found = metadata.get(host) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def is_off(said: Json) -> bool:
    """Final Cut's switch, in what its adapter keeps of a clip, a track or a filter."""
    return str(said.get("enabled")).strip().upper() in ("FALSE", "0")


def is_enabled(item: Json) -> bool:
    """Is a clip, track or stack in use? OTIO's switch, and that of Final Cut, which its adapter does not translate."""
    return item.get("enabled") is not False and not is_off(host_data(item, FINAL_CUT))


def timelines_of(root: Json) -> Iterator[Json]:
    """Stacks to survey one after another: a timeline's, those of a collection, or one around a bare track or clip."""
    schema = schema_of(root)
    if schema == "Timeline":
        tracks = root.get("tracks")
        if isinstance(tracks, dict):
            yield tracks
    elif schema == "SerializableCollection":
        for child in root.get("children") or ():
            yield from timelines_of(child)
    elif schema == "Stack":
        yield root
    elif schema == "Track":
        yield {"OTIO_SCHEMA": "Stack.1", "children": [root]}
    elif schema == "Clip":
        yield {"OTIO_SCHEMA": "Stack.1", "children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [root]}]}


def picture_rates(item: Json) -> Iterator[Any]:
    """Rates of the picture clips below ``item``, in order."""
    for child in item.get("children") or ():
        schema = schema_of(child)
        if schema in ("Stack", "Track") and (child.get("kind") or "Video") == "Video":
            yield from picture_rates(child)
        elif schema == "Clip":
            reference = next((r for r in (child.get("media_references") or {}).values() if isinstance(r, dict)), {})
            found = child.get("source_range") or reference.get("available_range")
            if isinstance(found, dict) and isinstance(found.get("duration"), dict):
                yield found["duration"].get("rate")


def canvas_of(root: Json) -> tuple[int, int] | None:
    """Picture size of the timeline, where a Final Cut Pro XML or a project of MLT said so."""
    for item, keys in ((i, k) for i in (root, root.get("tracks")) for k in _SIZES):
        found: Any = item.get("metadata") if isinstance(item, dict) else None
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            try:
                size = int(found["width"]), int(found["height"])
            except (KeyError, TypeError, ValueError):
                continue
            if min(size) > 0:
                return size
    return None


def reel_of(clip: Json) -> str:
    """What an EDL calls the reel of ``clip``; "" for none, and for what its source is called where it has none (AX, BL)."""
    reel = host_data(clip, "cmx_3600").get("reel")
    return reel if isinstance(reel, str) and reel.upper() not in _NO_REELS else ""


def described(reference: Json, clip: Json | None = None, *, audio: bool = False) -> Reference:
    """A media reference in short. :raises UnusableTimeError: an image sequence without usable numbers.

    :param clip: its clip: the name and the reel of that are all there is to look for where the reference leads nowhere.
    :param audio: whether that clip is in an audio track.
    """
    schema = schema_of(reference)
    name, reel = ("", "") if clip is None else (name_of(clip), reel_of(clip))
    if schema == "ExternalReference":
        url = _text(reference.get("target_url"))
        return Reference("external", url) if url else Reference("external", clip=name, audio=audio, reel=reel)
    if schema == "ImageSequenceReference":
        return _sequence(reference)
    if schema == "GeneratorReference":
        return Reference("generator", generator=_generator(reference, clip))
    if schema in ("MissingReference", ""):
        return Reference("missing", reason="the clip has no media", clip=name, audio=audio, reel=reel)
    return Reference("missing", reason=f"a {schema} is not a known media reference")


def _generator(reference: Json, clip: Json | None) -> str:
    """What a generator is called. Premiere writes its titles and adjustment layers into Final Cut's XML as slugs with a name of
    their own: these are no black, and go by that name. Final Cut's own slug is a generator by its ``effectid``."""
    kind = _text(reference.get("generator_kind")) or name_of(reference) or "generator"
    own = host_data(reference, FINAL_CUT)
    if kind.lower() != "slug" or own.get("effecttype"):
        return kind
    names = [name_of(reference)]
    is_straight = False
    if clip is not None and own:
        names.append(name_of(clip))
        is_straight = host_data(clip, FINAL_CUT).get("alphatype") == "straight"
    named = [name for name in names if name.strip().lower() not in _BLACK]
    return f"{named[0]} (Slug)" if named else "Slug with alpha" if is_straight else kind


def original_target(clip: Json, original: Json, locator: Locator, *, audio: bool) -> Target:
    """What the ``original`` reference of ``clip`` points to; where it leads nowhere, the file that proxies of it were made of.

    :raises UnusableTimeError: an image sequence without usable numbers.
    """
    target = locator.target(described(original, clip, audio=audio))
    if target.kind is TargetKind.MISSING:
        for key, reference in (clip.get("media_references") or {}).items():
            path = notes_of(reference).get("original_path") if isinstance(reference, dict) else None
            if isinstance(path, str) and path and not is_replaced(clip, key):
                return locator.target(Reference("external", path))
    return target


def _sequence(reference: Json) -> Reference:
    """As OTIO's ``ImageSequenceReference`` counts: numbers ``start_frame + i · frame_step``, at ``rate ÷ frame_step``."""
    first, step, padding = (reference.get(k, 0) for k in ("start_frame", "frame_step", "frame_zero_padding"))
    if not all(type(n) is int for n in (first, step, padding)) or step < 1 or not 0 <= padding <= 64:
        raise UnusableTimeError("an image sequence whose numbering makes no sense")
    available = reference.get("available_range")
    if not available:
        raise UnusableTimeError("an image sequence without an available range: its last frame is unknown")
    rate, duration = rate_of(reference.get("rate")) / step, available["duration"]
    pictures = nearest(rate_of(duration["rate"]) ** -1 * int(duration["value"]) * rate)
    if not 0 < pictures <= _MOST_PICTURES:
        raise UnusableTimeError(f"an image sequence of {pictures:,} pictures")
    return Reference(
        "sequence",
        url=_text(reference.get("target_url_base")),
        prefix=_text(reference.get("name_prefix")),
        suffix=_text(reference.get("name_suffix")),
        padding=padding,
        first=first,
        last=first + (pictures - 1) * step,
        step=step,
        rate=str(rate),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
