"""``.otioz`` and ``.otiod``: a timeline with its media beside it.

Layout (OpenTimelineIO's file bundles): ``content.otio``, ``version.txt`` and the folder ``media``. A zip can be small and
unpack to any size, and can name files outside of its folder: sizes are counted while unpacking, names are checked before.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from otio_perf.errors import DiskFullError, HostileTimelineError, UnreadableTimelineError
from otio_perf.timeline.guard import Limits

_CONTENT = "content.otio"
_CHUNK = 1 << 20


def content_of_zip(path: Path, limits: Limits) -> bytes:
    """The timeline's text inside an ``.otioz``. :raises UnreadableTimelineError, HostileTimelineError"""
    try:
        with zipfile.ZipFile(path) as bundle, bundle.open(_CONTENT) as file:
            data = file.read(limits.max_bytes + 1)
    except FileNotFoundError as e:
        raise UnreadableTimelineError("no such file", path=path) from e
    except KeyError as e:
        raise UnreadableTimelineError(f"has no {_CONTENT} inside", path=path) from e
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as e:
        raise UnreadableTimelineError(f"is no readable bundle ({e})", path=path) from e
    if len(data) > limits.max_bytes:
        raise HostileTimelineError(f"its timeline unpacks to more than {limits.max_bytes / 1e6:,.0f} MB", path=path)
    return data


def unpack(path: Path, folder: Path, limits: Limits) -> str:
    """Unpack the media of an ``.otioz`` below ``folder``; the folder in which its relative URLs start.

    A second call finds what the first unpacked (same size) and leaves it.

    :raises HostileTimelineError: names outside of the bundle, or more than ``max_unpacked_bytes``.
    :raises DiskFullError: not enough room.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            members = [m for m in bundle.infolist() if not m.is_dir() and m.filename != _CONTENT]
            total = sum(m.file_size for m in members)
            if total > limits.max_unpacked_bytes:
                raise HostileTimelineError(f"unpacks to {total / 1e9:,.0f} GB", path=path)
            folder.mkdir(parents=True, exist_ok=True)
            if total > shutil.disk_usage(folder).free:
                raise DiskFullError(f"unpacking needs {total / 1e9:,.1f} GB", path=folder)
            for member in members:
                name = PurePosixPath(member.filename)
                if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in name.parts[0]:
                    raise HostileTimelineError(f"names a file outside of itself ({member.filename})", path=path)
                _unpack_one(bundle, member, folder.joinpath(*name.parts), path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as e:
        if isinstance(e, DiskFullError):
            raise
        raise UnreadableTimelineError(f"cannot be unpacked ({e})", path=path) from e
    return str(folder)


def _unpack_one(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, path: Path) -> None:
    if target.is_file() and target.stat().st_size == member.file_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
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
