"""Where programs that are made of MLT look for the proxy of a medium: under the hash of its bytes, in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from otio_perf.timeline.mlt.project import Project
from otio_perf.timeline.mlt.tree import parse

#: A project is read whole; the largest that is looked at.
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in which a program looks for ``<hash><suffix>``."""

    folder: Path
    suffix: str

    def file_of(self, file_hash: str) -> Path:
        return self.folder / f"{file_hash}{self.suffix}"


def properties_of(project: Path) -> dict[str, str]:
    """What a project says of itself: the properties of its bin.

    :raises TimelineError: it cannot be read
    """
    with project.open("rb") as file:
        data = file.read(_MOST_BYTES)
    return Project(parse(data, project), str(project)).bin_properties
