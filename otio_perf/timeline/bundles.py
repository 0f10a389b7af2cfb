"""``.otioz`` and ``.otiod``: a timeline with its media beside it.

Layout (OpenTimelineIO's file bundles): ``content.otio``, ``version.txt`` and the folder ``media``. A zip can be small and
unpack to any size, and can name files outside of its folder: sizes are counted while unpacking, names are checked before.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import xxhash

from otio_perf.errors import DiskFullError, HostileTimelineError, OtioPerfError, UnreadableTimelineError
from otio_perf.timeline import guard
from otio_perf.timeline.guard import Limits

_CONTENT = "content.otio"
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
