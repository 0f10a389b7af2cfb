"""What goes into a bundle: the media of a timeline under names of their own, and the timeline that refers to these.

Not done by OpenTimelineIO's adapters: those pack what the active references lead to, and leave the others with relative paths
that lead nowhere from inside a bundle; they also refuse two media of one name, and know no sequences of pictures.
"""

# ruff: noqa: PTH110, PTH113, PTH119, PTH120, PTH122, PTH208
# Paths of media are text here: pathlib would swallow "./", doubled and final slashes.

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from otio_perf.model.media import Sequence
from otio_perf.model.uses import Problem, Target, TargetKind
from otio_perf.timeline import stamp
from otio_perf.timeline.bundle_folders import MEDIA, identity
from otio_perf.timeline.describe import described, name_of, original_target
from otio_perf.timeline.locate import PACKED, Locator, is_relative, moved_url
from otio_perf.timeline.references import (
    DAMAGE,
    DEFAULT_KEY,
    NOTES,
    Json,
    digest_note,
    expand,
    file_name,
    is_ours,
    is_replaced,
    notes_of,
    original_key,
)
from otio_perf.timeline.tree import audio_clips, clips_of, map_clips, with_metadata

_UNPORTABLE = re.compile(r'[/\\:*?"<>|\x00-\x1f\ud800-\udfff]')
_NAME_BYTES = 255  # that file systems allow
_SHARED_FIELDS = ("metadata", "name", "available_range", "available_image_bounds")  # of every media reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """``content`` is the timeline's text, ``members`` the path of each medium by its name in the bundle."""

    content: bytes
    members: Mapping[str, str]
    left: tuple[Problem, ...]  # clips whose medium is not in it, and should be


def packed(root: Json, locator: Locator, target: Path, *, every: bool) -> Packed:
    """The bundle ``target`` of a timeline whose media ``locator`` finds.

    Media that are not there keep their reference, which leads to where they are missing; proxies that are not there (cleared,
    or left behind) are left out, and clips that played them play their originals. What lies in ``target`` already keeps its
    name: timelines elsewhere may refer to it.

    :param every: pack the media of all references; otherwise those of the active ones, and the others lead to where they
        are now.
    """
    packer = _Packer(root, locator, target, every=every)
    root = map_clips(root, packer.packed)
    notes = {k: v for k, v in notes_of(root).items() if k != "base"}
    return Packed(
        content=stamp.stamped(with_metadata(root, NOTES, notes or None)),
        members=packer.members,
        left=tuple(dict.fromkeys(packer.left)),
    )


class _Packer:
    """Gives media their names in a bundle. ``members``: name in the bundle → path."""

    def __init__(self, root: Json, locator: Locator, target: Path, *, every: bool) -> None:
        self._locator, self._every = locator, every
        self._sounds = audio_clips(root)
        self._names: dict[object, str] = {}  # by what is packed
        self._taken: set[str] = set()
        self._media = os.path.realpath(target / MEDIA)
        self.members: dict[str, str] = {}
        self.left: list[Problem] = []
        for clip in clips_of(root):
            self._keep_names(clip)

    def _keep_names(self, clip: Json) -> None:
        for key, reference in _references(clip):
            if not self._is_packed(clip, key):
                continue
            try:
                found = self._target(clip, key, reference)
            except DAMAGE:
                continue  # told of when it is packed
            path = found.sequence.directory if found.sequence else found.path
            if path and os.path.realpath(os.path.dirname(path)) == self._media and os.path.lexists(path):
                name = f"{MEDIA}/{os.path.basename(path)}"
                self._names[_what(found)] = name
                self._taken.add(_folded(name))

    def packed(self, clip: Json) -> Json:
        left = self._without_gone(clip)
        references = left.get("media_references")
        if not isinstance(references, dict):
            return clip
        # where media are is told by the whole clip: of what has no URL, a proxy of it knows
        packed = {k: self._reference(clip, k, r, is_packed=self._is_packed(left, k)) for k, r in _references(left)}
        new = {**references, **packed}
        original = new.get(original_key(left))
        for key, reference in new.items():
            if reference is references[key]:
                continue
            # what we noted of the way it was spelled elsewhere is over; proxies know their file and original by name
            notes = {k: v for k, v in notes_of(reference).items() if k != "url"}
            if "file" in notes and isinstance(reference.get("target_url"), str):
                notes["file"] = file_name(reference["target_url"])
            if "original" in notes and isinstance(original, dict) and "OTIO_SCHEMA" in original:
                notes["original"] = digest_note(original)
            new[key] = with_metadata(reference, NOTES, notes or None)
        return {**left, "media_references": new}

    def _without_gone(self, clip: Json) -> Json:
        """``clip`` without the proxies that are gone, its original active in the place of one; itself where none is."""
        references = dict(_references(clip))
        active = clip.get("active_media_reference_key") or DEFAULT_KEY
        gone = [key for key in references if self._is_packed(clip, key) and self._is_gone(clip, key, references[key])]
        if not gone:
            return clip
        kept = {key: r for key, r in clip["media_references"].items() if key not in gone}
        original = original_key(clip)
        reason = "its proxy is gone: the bundle goes without"
        if active in gone:
            noted = notes_of(references[active])
            if original is None and "original" in noted:  # a host kept ours alone
                original = str(noted.get("original_key") or DEFAULT_KEY)
                kept[original] = expand(noted["original"])
            if original is None:
                return clip
            active = original
            reason = "its proxy is gone: it plays its original"
        self.left.append(Problem(clip=name_of(clip), reason=reason))
        new = {**clip, "media_references": kept, "active_media_reference_key": active}
        return new if any(map(is_ours, kept)) else with_metadata(new, NOTES, None)

    def _is_gone(self, clip: Json, key: str, reference: Json) -> bool:
        if not is_ours(key) or is_replaced(clip, key):
            return False
        try:
            target = self._locator.target(described(reference))
        except DAMAGE:
            return False
        return target.kind is TargetKind.FILE and target.path is not None and not os.path.lexists(target.path)

    def _is_packed(self, clip: Json, key: str) -> bool:
        return self._every or key == (clip.get("active_media_reference_key") or DEFAULT_KEY)

    def _target(self, clip: Json, key: str, reference: Json) -> Target:
        if key == original_key(clip):
            return original_target(clip, reference, self._locator, audio=id(clip) in self._sounds)
        return self._locator.target(described(reference))

    def _reference(self, clip: Json, key: str, reference: Json, *, is_packed: bool) -> Json:
        try:
            target = self._target(clip, key, reference)
        except DAMAGE as e:
            return self._left(clip, reference, str(e) or "is damaged", told=is_packed)
        if target.path is None:
            told = is_packed and target.kind is TargetKind.REFUSED
            return self._left(clip, reference, f"{target.url}: {target.reason}", told=told)
        found = None
        if is_packed:
            found = self._sequence(clip, target.sequence) if target.sequence else self._file(clip, target.path)
        if found is None:
            return self._outside(reference, target)
        if target.sequence:
            return {**reference, "target_url_base": f"{quote(found)}/", **_spelling(_portable(target.sequence))}
        if "target_url" in reference:
            return {**reference, "target_url": quote(found)}
        fields = {k: reference[k] for k in _SHARED_FIELDS if k in reference}  # found by the clip's name
        return {"OTIO_SCHEMA": "ExternalReference.1", **fields, "target_url": quote(found)}

    def _left(self, clip: Json, reference: Json, reason: str, *, told: bool) -> Json:
        """A reference to what nobody here can say the place of; relative paths would lead nowhere from inside a bundle."""
        if told:
            self.left.append(Problem(clip=name_of(clip), reason=f"is not in the bundle: {reason}"))
        for field in ("target_url", "target_url_base"):
            url = reference.get(field)
            if isinstance(url, str) and url and is_relative(url) and not self._locator.folder.startswith(PACKED):
                return {**reference, field: moved_url(url, self._locator.folder, None)}
        return reference

    def _outside(self, reference: Json, target: Target) -> Json:
        if not is_relative(target.url):
            return reference
        if target.sequence:
            return {**reference, "target_url_base": f"{_url(target.sequence.directory)}/", **_spelling(target.sequence)}
        return {**reference, "target_url": _url(str(target.path))}

    def _file(self, clip: Json, path: str) -> str | None:
        if not os.path.isfile(path):
            why = "is no file" if os.path.exists(path) else "is not there"
            self.left.append(Problem(clip=name_of(clip), reason=f"is not in the bundle: {path} {why}"))
            return None
        name = self._name(identity(path), os.path.basename(path))
        self.members[name] = path
        return name

    def _sequence(self, clip: Json, sequence: Sequence) -> str | None:
        """The folder in the bundle of those of its pictures that are there; ``None``: none is."""
        numbers = sorted(_there(sequence))
        if len(numbers) < len(sequence.numbers):
            missing = "none" if not numbers else f"{len(numbers):,}"
            reason = f"{missing} of the {len(sequence.numbers):,} pictures from {sequence.path_of(sequence.first)} on is there"
            self.left.append(Problem(clip=name_of(clip), reason=f"is not in the bundle as a whole: {reason}"))
        if not numbers:
            return None
        portable = _portable(sequence)
        folder = self._name(_key(sequence), portable.prefix.rstrip("._- ") or "pictures")
        # pictures keep their numbers, which the reference counts in
        for number in numbers:
            self.members[f"{folder}/{os.path.basename(portable.path_of(number))}"] = sequence.path_of(number)
        return folder

    def _name(self, what: object, wanted: str) -> str:
        """``media/wanted``, with a number where another medium has that name."""
        known = self._names.get(what)
        if known is not None:
            return known
        stem, suffix = os.path.splitext(_UNPORTABLE.sub("_", wanted))
        name, number = f"{MEDIA}/{stem}{suffix}", 1
        while _folded(name) in self._taken:
            number += 1
            name = f"{MEDIA}/{_shortened(stem, f'-{number}{suffix}')}"
        self._taken.add(_folded(name))
        self._names[what] = name
        return name


def _references(clip: Json) -> Iterator[tuple[str, Json]]:
    references = clip.get("media_references")
    for key, reference in references.items() if isinstance(references, dict) else ():
        if isinstance(reference, dict):
            yield key, reference


def _what(target: Target) -> object:
    """The same for all references to one medium."""
    return _key(target.sequence) if target.sequence else identity(str(target.path))


def _key(sequence: Sequence) -> object:
    return sequence.directory, sequence.prefix, sequence.suffix, sequence.padding


def _there(sequence: Sequence) -> Iterator[int]:
    """Numbers of the pictures that are there. Goes by what is in the folder: there may be far less than was asked for."""
    try:
        names = os.listdir(sequence.directory)
    except OSError:
        return
    for name in names:
        if not (name.startswith(sequence.prefix) and name.endswith(sequence.suffix)):
            continue
        digits = name[len(sequence.prefix) : len(name) - len(sequence.suffix)]
        if not re.fullmatch(r"-?[0-9]{1,20}", digits) or int(digits) not in sequence.numbers:
            continue
        path = sequence.path_of(int(digits))
        if os.path.basename(path) == name and os.path.isfile(path):
            yield int(digits)


def _portable(sequence: Sequence) -> Sequence:
    """With a name that every system takes."""
    return replace(sequence, prefix=_UNPORTABLE.sub("_", sequence.prefix), suffix=_UNPORTABLE.sub("_", sequence.suffix))


def _spelling(sequence: Sequence) -> Json:
    return {"name_prefix": _url(sequence.prefix), "name_suffix": _url(sequence.suffix)}


def _url(path: str) -> str:
    """``path`` as it is; percent-encoded where it has bytes that a timeline's text cannot have."""
    return quote(os.fsencode(path)) if any("\ud800" <= c <= "\udfff" for c in path) else path


def _folded(name: str) -> str:
    """Names that are one on some system: by case, or by the way in which accents are spelled."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _shortened(stem: str, ending: str) -> str:
    """A name of at most as many bytes as file systems allow."""
    room = _NAME_BYTES - len(ending.encode())
    return (stem if len(stem.encode()) <= room else stem.encode()[:room].decode("utf-8", "ignore")) + ending
