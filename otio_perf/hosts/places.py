"""Where programs that are made of MLT look for the proxy of a medium: under the hash of its bytes, in a folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import OfflineMediaError
from otio_perf.timeline.mlt.project import Project
from otio_perf.timeline.mlt.tree import parse

#: Of files that are larger than both, these many bytes at the beginning and at the end count.
_PART_BYTES = 1_000_000
#: A project is read whole; the largest that is looked at.
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in which a program looks for ``<hash><suffix>``."""

    folder: Path
    suffix: str

    def file_of(self, file_hash: str) -> Path:
        return self.folder / f"{file_hash}{self.suffix}"


def file_hash(path: str | Path) -> str:
    """How Kdenlive and Shotcut know a file, wherever it lies: MD5 of its bytes, of large files of their beginning and end.

    Kdenlive writes it into projects as ``kdenlive:file_hash``, Shotcut as ``shotcut:hash`` (compared with what 22.12 of both
    wrote, for files on either side of the limit).

    :raises OfflineMediaError: it cannot be read
    """
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if size <= 2 * _PART_BYTES:
                digest.update(file.read())
            else:
                digest.update(file.read(_PART_BYTES))
                file.seek(size - _PART_BYTES)
                digest.update(file.read())
    except OSError as e:
        raise OfflineMediaError(f"cannot be read: {e.strerror}", path=path) from e
    return digest.hexdigest()


def properties_of(project: Path) -> dict[str, str]:
    """What a project says of itself: the properties of its bin.

    :raises TimelineError: it cannot be read
    """
    with project.open("rb") as file:
        data = file.read(_MOST_BYTES)
    return Project(parse(data, project), str(project)).bin_properties
