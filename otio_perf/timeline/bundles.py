"""``.otioz`` and ``.otiod``: a timeline with its media beside it, read and written. What goes into one: see ``packing``.

Layout (OpenTimelineIO's file bundles): ``content.otio``, ``version.txt`` and the folder ``media``. A zip can be small and
unpack to any size, and can name files outside of its folder: sizes are counted while unpacking, names are checked before.
"""

# ruff: noqa: PTH202
# Paths of media are text here: pathlib would swallow "./", doubled and final slashes.

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import xxhash

from otio_perf.errors import (
    DiskFullError,
    HostileTimelineError,
    OtioPerfError,
    UnreadableTimelineError,
    UnwritableTimelineError,
)
from otio_perf.timeline import child, guard
from otio_perf.timeline.appearing import clear_parts, part_of
from otio_perf.timeline.bundle_folders import CONTENT, MEDIA, VERSION
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.packing import Packed

SUFFIXES = frozenset({".otioz", ".otiod"})
#: The folder of a workspace in which the media of ``.otioz`` lie: originals among them.
UNPACKED = "unpacked"
_VERSION_TEXT = "1.0.0"
_CHUNK = 1 << 20


def content_of_zip(path: Path, limits: Limits) -> bytes:
    """The timeline's text inside an ``.otioz``. :raises UnreadableTimelineError, HostileTimelineError"""
    try:
        with guard.opened(path) as raw, zipfile.ZipFile(raw) as bundle, bundle.open(CONTENT) as file:
            data = file.read(limits.max_bytes + 1)
    except OtioPerfError:
        raise
    except KeyError as e:
        raise UnreadableTimelineError(f"has no {CONTENT} inside", path=path) from e
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
            members, total = _members(bundle, path, limits)
            own = folder / f"{path.stem[:40]}-{_digest(members)[:12]}"
            members.pop(CONTENT, None)
            targets = {name: own.joinpath(*_parts(name, path)) for name in members}
            own.mkdir(parents=True, exist_ok=True)
            clear_parts(own)
            if total > shutil.disk_usage(own).free:
                raise DiskFullError(f"unpacking needs {size_text(total)}", path=own)
            for name, member in members.items():
                _unpack_one(bundle, member, targets[name], path)
    except OtioPerfError:
        raise
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as e:
        raise UnreadableTimelineError(f"cannot be unpacked ({e})", path=path) from e
    return str(own)


def refuse_hostile(path: Path, limits: Limits) -> None:
    """Can an ``.otioz`` be unpacked, as far as its directory tells? :raises HostileTimelineError, UnreadableTimelineError"""
    try:
        with guard.opened(path) as raw, zipfile.ZipFile(raw) as bundle:
            _members(bundle, path, limits)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as e:
        if isinstance(e, OtioPerfError):
            raise
        raise UnreadableTimelineError(f"cannot be unpacked ({e})", path=path) from e


def _members(bundle: zipfile.ZipFile, path: Path, limits: Limits) -> tuple[dict[str, zipfile.ZipInfo], int]:
    """Files by name, and the bytes of those that are unpacked. :raises HostileTimelineError"""
    # of two members of one name the last counts, as for zipfile
    members = {m.filename: m for m in bundle.infolist() if not m.is_dir()}
    for name in members:
        _parts(name, path)
    total = sum(m.file_size for name, m in members.items() if name != CONTENT)
    if total > limits.max_unpacked_bytes:
        raise HostileTimelineError(f"unpacks to {size_text(total)}", path=path)
    return members, total


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
    partial = part_of(target, "")
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


def write(target: Path, packed: Packed) -> None:
    """Write the zip or folder ``target``, by its suffix.

    :raises DiskFullError: not enough room. :raises UnwritableTimelineError: a medium cannot be read.
    :raises TaskCancelledError: see ``child.stopped_by``. :raises OSError: from writing.
    """
    needed = sum(os.path.getsize(source) for source in packed.members.values())
    if needed > shutil.disk_usage(target.parent).free:
        raise DiskFullError(f"the bundle needs {size_text(needed)}", path=target.parent, hint="Make room there")
    (_write_zip if target.suffix.lower() == ".otioz" else _write_folder)(target, packed.content, packed.members)


def size_text(size_bytes: int) -> str:
    """In gigabytes from half of one on, otherwise in megabytes."""
    return f"{size_bytes / 1e9:,.1f} GB" if size_bytes >= 5e8 else f"{size_bytes / 1e6:,.1f} MB"


def _write_zip(target: Path, content: bytes, members: Mapping[str, str]) -> None:
    with zipfile.ZipFile(target, "x") as bundle:
        bundle.writestr(VERSION, _VERSION_TEXT, compress_type=zipfile.ZIP_DEFLATED)
        bundle.writestr(CONTENT, content, compress_type=zipfile.ZIP_DEFLATED)
        for name, source in members.items():  # not compressed: OpenTimelineIO's rule, and pictures are already
            info = zipfile.ZipInfo.from_file(source, name, strict_timestamps=False)
            with bundle.open(info, "w", force_zip64=True) as file:
                _copy(source, file.write)


def _write_folder(target: Path, content: bytes, members: Mapping[str, str]) -> None:
    target.mkdir()
    (target / MEDIA).mkdir()
    for name, text in ((CONTENT, content), (VERSION, _VERSION_TEXT.encode())):
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
