"""``.otioz`` and ``.otiod``: a timeline with its media beside it.

Layout (OpenTimelineIO's file bundles): ``content.otio``, ``version.txt`` and the folder ``media``. A zip can be small and
unpack to any size, and can name files outside of its folder: sizes are counted while unpacking, names are checked before.

Bundles are written here, not by OpenTimelineIO's adapters: those pack what the active references lead to, and leave the
others with relative paths that lead nowhere from inside a bundle; they also refuse two media of one name, and know no
sequences of pictures.
"""

# ruff: noqa: PTH113, PTH118, PTH119, PTH122, PTH202, PTH208
# Paths of media are text here: pathlib would swallow "./", doubled and final slashes.

from __future__ import annotations

import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import xxhash

from otio_perf.errors import (
    DiskFullError,
    HostileTimelineError,
    OtioPerfError,
    UnreadableTimelineError,
    UnwritableTimelineError,
)
from otio_perf.model.media import Sequence
from otio_perf.timeline import child, guard, stamp
from otio_perf.timeline.describe import described
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator, is_relative
from otio_perf.timeline.references import DAMAGE, DEFAULT_KEY, NOTES, Json, digest_note, file_name, notes_of, original_key
from otio_perf.timeline.tree import map_clips, with_metadata

SUFFIXES = frozenset({".otioz", ".otiod"})
_CONTENT = "content.otio"
_VERSION = ("version.txt", "1.0.0")
_UNPORTABLE = re.compile(r'[\\:*?"<>|\x00-\x1f\ud800-\udfff]')
_CHUNK = 1 << 20


def content_of_zip(path: Path, limits: Limits) -> bytes:
    """The timeline's text inside an ``.otioz``. :raises UnreadableTimelineError, HostileTimelineError"""
    try:
        with guard.opened(path) as raw, zipfile.ZipFile(raw) as bundle, bundle.open(_CONTENT) as file:
            data = file.read(limits.max_bytes + 1)
    except OtioPerfError:
        raise
    except KeyError as e:
        raise UnreadableTimelineError(f"has no {_CONTENT} inside", path=path) from e
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as e:
        raise UnreadableTimelineError(f"is no readable bundle ({e})", path=path) from e
    if len(data) > limits.max_bytes:
        raise HostileTimelineError(f"its timeline unpacks to more than {limits.max_bytes / 1e6:,.0f} MB", path=path)
    return data


def unpack(path: Path, folder: Path, limits: Limits) -> str:
    """Unpack the media of an ``.otioz`` below ``folder``; the folder in which its relative URLs start.

    That is one of this bundle's own, named by what is in it: a second call finds what the first unpacked and leaves it,
    and never takes another bundle's medium for one of this.

    :raises HostileTimelineError: names outside of the bundle, or more than ``max_unpacked_bytes``.
    :raises DiskFullError: not enough room.
    """
    try:
        with guard.opened(path) as raw, zipfile.ZipFile(raw) as bundle:
            # of two members of one name the last counts, as for zipfile
            members = {m.filename: m for m in bundle.infolist() if not m.is_dir()}
            own = folder / f"{path.stem[:40]}-{_digest(members)[:12]}"
            members.pop(_CONTENT, None)
            targets = {name: own.joinpath(*_parts(name, path)) for name in members}
            total = sum(m.file_size for m in members.values())
            if total > limits.max_unpacked_bytes:
                raise HostileTimelineError(f"unpacks to {total / 1e9:,.0f} GB", path=path)
            own.mkdir(parents=True, exist_ok=True)
            if total > shutil.disk_usage(own).free:
                raise DiskFullError(f"unpacking needs {total / 1e9:,.1f} GB", path=own)
            for name, member in members.items():
                _unpack_one(bundle, member, targets[name], path)
    except OtioPerfError:
        raise
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as e:
        raise UnreadableTimelineError(f"cannot be unpacked ({e})", path=path) from e
    return str(own)


def _digest(members: dict[str, zipfile.ZipInfo]) -> str:
    """Of the bundle's content, by the check sums that its directory has: hundreds of gigabytes need not be read."""
    listed = sorted((name, member.file_size, member.CRC) for name, member in members.items())
    return xxhash.xxh3_128_hexdigest(repr(listed).encode("utf-8", "surrogatepass"))


def _parts(name: str, path: Path) -> tuple[str, ...]:
    """Folders and file of a member. :raises HostileTimelineError: it would lie outside of the bundle's folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        raise HostileTimelineError(f"names a file outside of itself ({name})", path=path)
    return parts


def _unpack_one(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, path: Path) -> None:
    if target.is_file() and target.stat().st_size == member.file_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:40]}.{os.getpid()}.part")
    try:
        with bundle.open(member) as source, partial.open("wb") as file:
            left = member.file_size
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:  # the directory of the zip lied
                    raise HostileTimelineError(f"{member.filename} is larger than the bundle says", path=path)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def pack(root: Json, base: str, target: Path, *, as_zip: bool, every: bool) -> None:
    """Write a timeline whose relative URLs start in ``base``, with its media, as the zip or folder ``target``.

    Media that are not there keep their reference.

    :param every: pack the media of all references; otherwise those of the active ones, and the others lead to where they
        are now.
    :raises DiskFullError: not enough room. :raises UnwritableTimelineError: a medium cannot be read.
    :raises TaskCancelledError: see ``child.stopped_by``. :raises OSError: from writing.
    """
    packer = _Packer(base)
    root = map_clips(root, lambda clip: packer.packed(clip, every=every))
    notes = {k: v for k, v in notes_of(root).items() if k != "base"}
    content = stamp.stamped(with_metadata(root, NOTES, notes or None))
    needed = sum(os.path.getsize(source) for source in packer.members.values())
    if needed > shutil.disk_usage(target.parent).free:
        raise DiskFullError(f"the bundle needs {needed / 1e9:,.1f} GB", path=target.parent, hint="Make room there")
    (_write_zip if as_zip else _write_folder)(target, content, packer.members)


class _Packer:
    """Gives media their names in a bundle. ``members``: name in the bundle → path."""

    def __init__(self, base: str) -> None:
        self._locator = Locator(os.path.join(base, "timeline.otio"), base=base)
        self._names: dict[object, str] = {}  # by path or sequence
        self._taken: set[str] = set()
        self.members: dict[str, str] = {}

    def packed(self, clip: Json, *, every: bool) -> Json:
        references = clip.get("media_references")
        if not isinstance(references, dict):
            return clip
        active = clip.get("active_media_reference_key") or DEFAULT_KEY
        new = {key: self._reference(r, is_packed=every or key == active) for key, r in references.items()}
        original = new.get(original_key(clip))
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
        return {**clip, "media_references": new}

    def _reference(self, reference: Json, *, is_packed: bool) -> Json:
        try:
            target = self._locator.target(described(reference))
        except DAMAGE:
            return reference
        if target.path is None:
            return reference
        if target.sequence is not None:
            sequence = target.sequence
            folder = self._sequence(sequence) if is_packed else None
            if folder is not None:
                return {**reference, "target_url_base": f"{quote(folder)}/", "name_prefix": sequence.prefix}
            if not is_relative(target.url):
                return reference
            return {**reference, "target_url_base": f"{sequence.directory}/", "name_prefix": sequence.prefix}
        if is_packed and os.path.isfile(target.path):
            name = self._name(target.path, os.path.basename(target.path))
            self.members[name] = target.path
            return {**reference, "target_url": quote(name)}
        return {**reference, "target_url": target.path} if is_relative(target.url) else reference

    def _sequence(self, sequence: Sequence) -> str | None:
        """The folder in the bundle of those of its pictures that are there; ``None``: none is."""
        try:
            there = set(os.listdir(sequence.directory))
        except OSError:
            return None
        paths = [path for n in sequence.numbers if os.path.basename(path := sequence.path_of(n)) in there]
        if not paths:
            return None
        what = (sequence.directory, sequence.prefix, sequence.suffix, sequence.padding)
        folder = self._name(what, sequence.prefix.rstrip("._- ") or "pictures")
        # pictures keep their names, which the reference counts in
        self.members.update((f"{folder}/{os.path.basename(path)}", path) for path in paths if os.path.isfile(path))
        return folder

    def _name(self, what: object, wanted: str) -> str:
        """``media/wanted``, with a number where another medium has that name."""
        known = self._names.get(what)
        if known is not None:
            return known
        stem, suffix = os.path.splitext(_UNPORTABLE.sub("_", wanted))
        name, number = f"media/{stem}{suffix}", 1
        while name.casefold() in self._taken:
            number += 1
            name = f"media/{stem}-{number}{suffix}"
        self._taken.add(name.casefold())
        self._names[what] = name
        return name


def _write_zip(target: Path, content: bytes, members: dict[str, str]) -> None:
    with zipfile.ZipFile(target, "x") as bundle:
        bundle.writestr(*_VERSION, compress_type=zipfile.ZIP_DEFLATED)
        bundle.writestr(_CONTENT, content, compress_type=zipfile.ZIP_DEFLATED)
        for name, source in members.items():  # not compressed: OpenTimelineIO's rule, and pictures are already
            info = zipfile.ZipInfo.from_file(source, name, strict_timestamps=False)
            with bundle.open(info, "w", force_zip64=True) as file:
                _copy(source, file.write)


def _write_folder(target: Path, content: bytes, members: dict[str, str]) -> None:
    target.mkdir()
    (target / "media").mkdir()
    for name, text in ((_CONTENT, content), (_VERSION[0], _VERSION[1].encode())):
        (target / name).write_bytes(text)
    for name, source in members.items():
        path = target / name
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as file:
            _copy(source, file.write)
            file.flush()
            os.fsync(file.fileno())


def _copy(source: str, put: Callable[[bytes], object]) -> None:
    try:
        medium = guard.opened(Path(source))
    except UnreadableTimelineError as e:
        raise UnwritableTimelineError(
            f"cannot be packed: {e.message}", path=source, hint="Write .otio, which leaves media where they are"
        ) from e
    with medium:
        while chunk := medium.read(_CHUNK):
            child.raise_if_unwanted(source)
            put(chunk)
