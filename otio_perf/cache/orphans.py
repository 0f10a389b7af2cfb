"""What killed runs leave: parts of files, finished files without a record, damaged records. Nothing refers to them.

Each run takes away or takes back what it comes across; this finds all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from otio_perf.cache.housekeeping import Fault
from otio_perf.cache.renders import Render, RenderKind, Renders

Identify = Callable[[Path, RenderKind], "Render | None"]
"""What a finished file is by what it says of itself; ``None``: it is damaged, or nothing of ours."""


def orphans(
    renders: Renders, *, is_part: Callable[[str], bool], identify: Identify | None = None, repair: bool = False
) -> Iterator[Fault]:
    """Faults, as ``housekeeping.verify`` has them. ``repair`` puts back on record what is whole, and deletes the rest; a file
    among the regions that says nothing of itself is left alone, for it may be the user's.

    :param is_part: whether a file name is that of an unfinished file (``media.publish.is_part``).
    :param identify: needed for ``repair``.
    """
    for path in renders.workspace.dead_parts(is_part):
        yield Fault(path=str(path), reason="was left by a run that was killed", repair=_deleted(path) if repair else None)
    for path in renders.damaged_records():
        yield Fault(path=str(path), reason="is a damaged record", repair=_deleted(path) if repair else None)
    with renders.workspace.lock("regions"):  # a run that joins has files that are on no record yet
        for kind, path in renders.unrecorded():
            done = _taken_back(renders, path, kind, identify) if repair and identify else None
            yield Fault(path=str(path), reason="is on no record", repair=done)


def _taken_back(renders: Renders, path: Path, kind: RenderKind, identify: Identify) -> str:
    render = identify(path, kind)
    if render is not None and (kind is RenderKind.REGION or renders.chunk_path(render.key) == path):
        renders.put(render)
        return "taken back"
    return _deleted(path) if kind is RenderKind.CHUNK else "left alone: it is nothing that otio-perf made"


def _deleted(path: Path) -> str:
    path.unlink(missing_ok=True)
    return "deleted"
