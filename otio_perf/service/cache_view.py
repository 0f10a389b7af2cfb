"""What fills the workspace: by kind, by timeline and folder, and how much of it nothing refers to any more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from otio_perf.cache import names
from otio_perf.cache.players import Players
from otio_perf.cache.products import Products
from otio_perf.metrics import system
from otio_perf.model.plans import Plan
from otio_perf.model.views import CacheKind, CacheProject, CacheView
from otio_perf.service.core import Core

#: What was counted is taken as it was for so long, where nothing tells of a change.
_FRESH_SECONDS = 30.0
#: After a change: a queue that finishes ten files a second must not have all of them counted each time.
_CHANGED_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A timeline or a folder: ``written`` is the timeline that plays prerenders."""

    name: str
    plan: Plan | None
    written: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size_bytes: int


class Contents:
    """:param projects: timelines that are followed, folders that are watched"""

    def __init__(self, core: Core, projects: Callable[[], Iterable[Project]]) -> None:
        self._core, self._projects = core, projects
        self._lock = threading.Lock()
        self._view: CacheView | None = None
        self._counted_at = 0.0
        self._has_changed = True
        self._faults = 0

    def changed(self) -> None:
        """Something was made, or deleted."""
        self._has_changed = True

    def checked(self, faults: int) -> None:
        """What the last check found."""
        self._faults = faults
        self._has_changed = True

    def view(self) -> CacheView:
        with self._lock:
            age = time.monotonic() - self._counted_at
            if self._view is None or age > (_CHANGED_SECONDS if self._has_changed else _FRESH_SECONDS):
                self._has_changed = False
                self._view = self._count()
                self._counted_at = time.monotonic()
            return self._view

    def size_bytes(self) -> int:
        """As fresh as ``view``: counted anew every half a minute, and soon after a change."""
        return self.view().size_bytes

    def _count(self) -> CacheView:
        core, root = self._core, self._core.workspace.root
        products = core.index.products
        played = {Path(file).name: timelines for file, timelines in Players(root).played().items()}
        proxies = list(_files(core.workspace.proxies))
        regions = list(_files(core.workspace.renders))
        kinds = (
            _kind("proxies", proxies, _unused_proxies(products, proxies)),
            _kind("renders", regions, [f for f in regions if f.path.name not in played]),
            _kind("chunks", list(_files(core.workspace.chunks)), ()),
            _kind("analysis", list(_files(core.workspace.analysis)), ()),
            CacheKind(kind="index", files=1, size_bytes=core.index.size_bytes, unused=0, unused_bytes=0),
        )
        sizes = {f.path.name: f.size_bytes for f in regions}
        recorded = {record.product.key: record.product.size_bytes for record in products.present()}
        projects = []
        for project in self._projects():
            decisions = project.plan.decisions if project.plan else ()
            keys = {p.key for d in decisions for p in d.products if not p.is_adopted}
            rendered = sum(sizes.get(name, 0) for name, players in played.items() if project.written in players)
            projects.append(CacheProject(name=project.name, size_bytes=sum(recorded.get(k, 0) for k in keys) + rendered))
        settings = core.settings
        return CacheView(
            workspace=str(root),
            kinds=kinds,
            projects=tuple(sorted(projects, key=lambda p: -p.size_bytes)),
            size_bytes=sum(kind.size_bytes for kind in kinds),
            limit_bytes=settings.cache_max_bytes,
            disk_free_bytes=system.free_disk_bytes(root),
            disk_reserve_bytes=settings.min_free_disk or 0,
            faults=self._faults,
        )


def _files(folder: Path) -> Iterator[_File]:
    """Finished files in it, not those below; of a folder that is gone, none."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    yield _File(Path(entry.path), entry.stat(follow_symlinks=False).st_size)
    except OSError:
        return


def _unused_proxies(products: Products, files: Iterable[_File]) -> list[_File]:
    """Those on no record, and those whose source has changed, or is nowhere that it was seen."""
    unused = {names.same_name(f.path): f for f in files}
    for path in products.source_paths():
        if not Path(path).exists():
            continue
        for product, is_stale in products.on_record(path):
            if not is_stale:
                unused.pop(names.same_name(product.path), None)
    return list(unused.values())


def _kind(kind: str, files: list[_File], unused: Iterable[_File]) -> CacheKind:
    idle = list(unused)
    return CacheKind(
        kind=kind,
        files=len(files),
        size_bytes=sum(f.size_bytes for f in files),
        unused=len(idle),
        unused_bytes=sum(f.size_bytes for f in idle),
    )
