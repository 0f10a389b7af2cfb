"""Chunks of ours that are left in Kdenlive's preview when the project that played them is gone: nobody else looks for them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from otio_perf.errors import OtioPerfError
from otio_perf.media.finished import key_in
from otio_perf.optimizer import previewing
from otio_perf.timeline import projects
from otio_perf.timeline.mlt import storage

#: Chunks are written before the project that plays them.
_NEW_SECONDS = 600.0


def chunks(caches: Iterable[Path], workspaces: Sequence[Path]) -> tuple[Path, ...]:
    """Chunks of ours in Kdenlive's ``caches`` that no project plays which is there: none that we wrote, by the notes of any
    workspace, and none that Kdenlive has opened. Where one of these cannot be read, nobody can tell."""
    found: list[Path] = []
    before = time.time() - _NEW_SECONDS
    for document in (folder for cache in caches for folder in storage.documents_in(cache)):
        there = [path for pattern in ("*", "*/*") for path in (document / "preview").glob(pattern) if path.stem.isdecimal()]
        if not there:
            continue
        opened = [path for path in storage.marked_in(document) if path.is_file()]
        with suppress(OtioPerfError, OSError):
            for path in opened:
                projects.preview_paths(path)
            playing = previewing.listed({path.parent for path in there}, workspaces, also=opened)
            played = {os.path.realpath(path) for path in playing}
            old = [path for path in there if os.path.realpath(path) not in played and path.stat().st_mtime < before]
            found += [path for path in old if key_in(path) is not None]
    return tuple(found)
