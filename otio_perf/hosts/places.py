"""Where programs that are made of MLT look for the proxy of a medium: under the hash of its bytes, in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from otio_perf.timeline.mlt import spans
from otio_perf.timeline.mlt.project import Project
from otio_perf.timeline.mlt.proxied import originals, proxied_originals
from otio_perf.timeline.mlt.spans import Span
from otio_perf.timeline.mlt.tree import parse

#: A project is read whole; the largest that is looked at.
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class ProxyFolder:
    """A folder in which a program looks for ``<hash><suffix>``."""

    folder: Path
    suffix: str

    def file_of(self, file_hash: str) -> Path:
        return self.folder / f"{file_hash}{self.suffix}"


def properties_of(project: Path) -> dict[str, str]:
    """What a project says of itself: the properties of its bin.

    :raises TimelineError: it cannot be read
    """
    return Project(parse(_text(project), project), str(project)).bin_properties


def media_of(project: Path) -> tuple[Path, ...]:
    """Files that a project plays anywhere, and that are there. :raises TimelineError: it cannot be read"""
    return _media(project, originals)


def proxied_media_of(project: Path) -> tuple[Path, ...]:
    """Those of them that it shows by a proxy, anybody's. :raises TimelineError: it cannot be read"""
    return _media(project, proxied_originals)


def _media(project: Path, named_in: Callable[[Span], Iterable[str]]) -> tuple[Path, ...]:
    data = _text(project)
    parse(data, project)  # which refuses what is hostile
    root = spans.parse(data, project)
    here, said = project.absolute().parent, Path(root.attributes.get("root", ""))
    folder = said if said.is_absolute() and said.is_dir() else here
    paths = dict.fromkeys(folder / path for path in named_in(root) if path)
    return tuple(path for path in paths if path.is_file())


def _text(project: Path) -> bytes:
    with project.open("rb") as file:
        return file.read(_MOST_BYTES)
