"""What the ``cache`` commands do: look at what was made, check it, delete it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from otio_perf.cache import housekeeping, pruning
from otio_perf.cache.housekeeping import Fault, Freed, Status
from otio_perf.cache.index import Index
from otio_perf.cache.orphans import orphans
from otio_perf.cache.players import played_in
from otio_perf.cache.pruning import Limits, Pruned
from otio_perf.cache.renders import Render, RenderKind
from otio_perf.errors import MediaError, SettingsError
from otio_perf.media import fingerprint, finished, probe, publish
from otio_perf.metrics import system
from otio_perf.model.events import Stage
from otio_perf.optimizer import abandoned, sources
from otio_perf.optimizer.places import other_workspaces
from otio_perf.optimizer.session import Session
from otio_perf.timeline.mlt import storage

KINDS = ("proxies", "renders", "analysis")


def status(session: Session) -> Status:
    with session.stage(Stage.PROBE):
        found = housekeeping.status(session.index, partial(sources.content_at, session))
        others = tuple(map(str, other_workspaces(session.workspace.root)))
        return replace(found, orphans=sum(1 for _ in orphans(session.index.renders, is_part=publish.is_part)), others=others)


def verify(session: Session, *, repair: bool) -> tuple[Fault, ...]:
    def digest(path: Path) -> str:
        return fingerprint.digest(str(path), session.check_stop)

    def identify(path: Path, kind: RenderKind) -> Render | None:
        key = finished.key_in(path)
        if key is None:
            return None
        try:
            video = probe.probe(str(path), tick=session.check_stop).picture
            size = path.stat().st_size
            content = digest(path)
        except (MediaError, OSError):
            return None
        if video is None:
            return None
        return Render(key=key, kind=kind, path=str(path), frames=video.frame_count, size_bytes=size, digest=content)

    with session.stage(Stage.VERIFY):
        known = housekeeping.verify(session.index, digest, repair=repair)
        left = orphans(session.index.renders, is_part=publish.is_part, identify=identify, repair=repair)
        return (*known, *left)


def clear(session: Session, what: str, *, force: bool, dry_run: bool) -> Freed:
    """:raises SettingsError: there is nothing called ``what``"""
    if what not in (*KINDS, "all"):
        raise SettingsError(f"{what!r} is not one of {', '.join(KINDS)}, all")
    kinds = KINDS if what == "all" else (what,)
    played = {} if force else played_files(session.index)
    freed = sum((housekeeping.clear(session.index, kind, played=played, dry_run=dry_run) for kind in kinds), Freed())
    return freed + _clear_previews(session, dry_run=dry_run) if "renders" in kinds else freed


def _clear_previews(session: Session, *, dry_run: bool) -> Freed:
    """What is left of projects that are gone. Those that are there have theirs taken off by ``restore``."""
    count = size = 0
    caches = storage.cache_folders(Path.home(), os.environ, sys.platform)
    for chunk in abandoned.chunks(caches, [session.workspace.root]):
        session.check_stop()
        with suppress(OSError):
            its = chunk.stat().st_size
            if not dry_run:
                chunk.unlink()
            count, size = count + 1, size + its
    return Freed(previews=count, size_bytes=size)


def prune(session: Session, *, dry_run: bool, players: Mapping[str, tuple[str, ...]] | None = None) -> Pruned:
    """Bring the workspace within the limits of the settings.

    :param players: timelines that will play a file, by its path, besides those that were written
    """
    settings, index = session.settings, session.index
    played = played_files(index)
    for path, timelines in (players or {}).items():
        played[path] = (*played.get(path, ()), *timelines)
    with session.stage(Stage.VERIFY):
        return pruning.prune(
            index,
            Limits(max_bytes=settings.cache_max_bytes, min_free_bytes=settings.min_free_disk, idle_days=settings.idle_days),
            content_of=partial(sources.content_at, session),
            now=time.time(),
            free_bytes=system.free_disk_bytes(session.workspace.root),
            is_part=publish.is_part,
            played=played,
            dry_run=dry_run,
        )


def played_files(index: Index) -> dict[str, tuple[str, ...]]:
    """Timelines that play a product of the workspace, by the path of its file; also those that belong to other workspaces."""
    root = index.workspace.root
    return played_in([root, *other_workspaces(root)])
