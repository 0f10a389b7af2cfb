"""The media of all timelines and folders, and of what was made before: each with its proxies, and how they stand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from otio_perf.errors import MediaError, UnknownIdError
from otio_perf.media import fingerprint
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.uses import NAMELESS, Target, TargetKind
from otio_perf.model.views import ProxyFile, ProxyState, SourcesView, SourceView, TaskState, TaskView
from otio_perf.service.core import Core
from otio_perf.service.identity import medium_id

_KIND = "proxy"
#: Of the states of its proxies, the first that one is in is said of the medium.
_TELLING = (
    ProxyState.MAKING,
    ProxyState.QUEUED,
    ProxyState.FAILED,
    ProxyState.READY,
    ProxyState.STALE,
    ProxyState.WANTED,
)
#: What the plan says of a medium that gets no proxy.
_PLANNED = {Action.SKIP: ProxyState.NOT_NEEDED, Action.REFUSE: ProxyState.REFUSED, Action.OFFLINE: ProxyState.OFFLINE}
_OF_TASK = {
    TaskState.WAITING: ProxyState.QUEUED,
    TaskState.RUNNING: ProxyState.MAKING,
    TaskState.FAILED: ProxyState.FAILED,
}


class Planned(Protocol):
    """Who has media: a timeline that is followed, a folder that is watched, a request."""

    @property
    def id(self) -> str: ...
    @property
    def plan(self) -> Plan | None: ...


@dataclass(slots=True)
class Source:
    """A medium, and who has it."""

    id: str
    path: str  # of its first picture, where it is several
    decision: Decision | None = None  # None: only on record
    timelines: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        target = self.decision.target if self.decision else None
        return target.sequence.label if target and target.sequence else Path(self.path).name


class Sources:
    """:param folders: those that are watched, and requests; :param settling: paths of media that are still being written"""

    def __init__(
        self,
        core: Core,
        folders: Callable[[], Iterable[Planned]] = tuple,
        settling: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._core, self._folders, self._settling = core, folders, settling
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskView] = {}  # the last of each medium, by path
        self._gathered: tuple[tuple[object, ...], dict[str, Source]] = ((), {})

    def hear(self, task: TaskView) -> None:
        """What the queue says of a task."""
        if task.kind == _KIND:
            with self._lock:
                self._tasks[task.label] = task

    def view(self, offset: int = 0, limit: int = 200, search: str = "") -> SourcesView:
        """A page of the media whose name has ``search`` in it, by name."""
        wanted = search.casefold()
        found = [s for s in self._all().values() if wanted in s.name.casefold()]
        settling = frozenset(self._settling())
        page = found[offset : offset + limit]
        return SourcesView(sources=tuple(self._row(s, is_settling=s.path in settling) for s in page), total=len(found))

    def get(self, id: str) -> Source:
        """:raises UnknownIdError"""
        source = self._all().get(id)
        if source is None:
            raise UnknownIdError(f"no medium is called {id}", hint="GET sources lists them")
        return source

    def media(self, source: Source) -> MediaInfo | None:
        """What is known of it, as long as it has not changed."""
        if source.decision is not None and source.decision.media is not None:
            return source.decision.media
        try:
            seen = fingerprint.identity(source.path)
        except MediaError:
            return None
        return self._core.index.probes.get((source.path, seen.size_bytes, seen.mtime_ns))

    # -- which there are -----------------------------------------------------------------------------------------------

    def _all(self) -> dict[str, Source]:
        """By id, in the order of their names. Gathered anew only when a plan is another, or something came on record."""
        timelines = [(t.id, t.plan) for t in self._core.timelines()]
        folders = [(f.id, f.plan) for f in self._folders()]
        state = (tuple(timelines), tuple(folders), self._core.index.products.recorded())
        with self._lock:
            before, sources = self._gathered
        if len(before) == len(state) and all(_same(a, b) for a, b in zip(before, state, strict=True)):
            return sources
        gathered = self._gather(timelines, folders)
        with self._lock:
            self._gathered = state, gathered
        return gathered

    def _gather(
        self, timelines: Sequence[tuple[str, Plan | None]], folders: Sequence[tuple[str, Plan | None]]
    ) -> dict[str, Source]:
        found: dict[str, Source] = {}
        for owner, plan in (*timelines, *((None, plan) for _, plan in folders)):
            for decision in plan.decisions if plan else ():
                if not _is_medium(decision.target):
                    continue
                name = medium_id(decision.target.medium)
                source = found.get(name)
                if source is None:
                    path = decision.target.path or decision.target.url
                    source = found[name] = Source(id=name, path=path, decision=decision)
                elif source.decision is not None and not source.decision.products and decision.products:
                    source.decision = decision  # one plan needs no proxy of it, the other does
                if owner is not None:
                    source.timelines.append(owner)
        known = {source.path for source in found.values()}
        for path in self._core.index.products.source_paths():
            if path not in known:
                name = medium_id(path)
                found[name] = Source(id=name, path=path)
        return {s.id: s for s in sorted(found.values(), key=lambda s: (s.name.casefold(), s.path))}

    # -- how they stand ------------------------------------------------------------------------------------------------

    def _row(self, source: Source, *, is_settling: bool) -> SourceView:
        decision, media = source.decision, self.media(source)
        picture = media.picture if media else None
        proxies = self._proxies(source)
        states = [p.state for p in proxies]
        planned = _PLANNED.get(decision.action) if decision else None
        is_there = media is not None or Path(source.path).exists()
        if is_settling:
            state, reason = ProxyState.SETTLING, "it is still being written"
        elif planned in (ProxyState.OFFLINE, ProxyState.REFUSED) and decision:
            state, reason = planned, decision.reason
        elif not is_there:
            state, reason = ProxyState.OFFLINE, "it is not there any more"
        else:
            state = next((s for s in _TELLING if s in states), planned or ProxyState.WANTED)
            reason = self._reason(source, state)
        return SourceView(
            id=source.id,
            name=source.name,
            path=source.path,
            size_bytes=media.size_bytes if media else 0,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            codec=picture.codec if picture else media.audio[0].codec if media and media.audio else "",
            frame_rate=str(picture.frame_rate) if picture else "",
            frames=picture.frame_count if picture else 0,
            state=state,
            reason=reason,
            proxies=proxies,
            timelines=tuple(dict.fromkeys(source.timelines)),
        )

    def _reason(self, source: Source, state: ProxyState) -> str:
        task = self._task(source)
        if state is ProxyState.FAILED and task is not None:
            return ". ".join(filter(None, (task.message, task.hint)))
        if state is ProxyState.STALE:
            return "the source has changed since it was made"
        return source.decision.reason if source.decision else ""

    def _proxies(self, source: Source) -> tuple[ProxyFile, ...]:
        recorded = self._core.index.products.on_record(source.path)
        task = self._task(source)
        rows = [_file(p, ProxyState.STALE if stale else ProxyState.READY) for p, stale in recorded]
        known = {product.key for product, _ in recorded}
        decision = source.decision
        for product in decision.products if decision else ():
            if product.key in known:
                continue
            if decision is not None and decision.action is not Action.MAKE:
                is_there = Path(product.path).is_file()  # of another workspace; else it was deleted since
                rows.append(_file(product, ProxyState.READY if is_there else ProxyState.WANTED))
            elif task is None:  # what is planned to be made waits from then on
                rows.append(_file(product, ProxyState.QUEUED))
            else:
                state = _OF_TASK.get(task.state, ProxyState.WANTED)
                is_running = state is ProxyState.MAKING
                rows.append(_file(product, state, task.done if is_running else 0, task.total if is_running else 0))
        return tuple(rows)

    def _task(self, source: Source) -> TaskView | None:
        with self._lock:
            return self._tasks.get(source.path)


def _same(a: object, b: object) -> bool:
    """Plans are large and are compared by what they are, not by what is in them."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(one, other) for one, other in zip(a, b, strict=True))
    return a is b or (not isinstance(a, Plan) and a == b)


def _is_medium(target: Target) -> bool:
    return target.kind is not TargetKind.GENERATOR and target.medium != NAMELESS


def _file(product: Product, state: ProxyState, done: int = 0, total: int = 0) -> ProxyFile:
    return ProxyFile(
        key=product.key,
        rung=product.recipe.rung,
        codec=product.recipe.codec.value,
        width=product.width,
        height=product.height,
        path=product.path,
        size_bytes=product.size_bytes,
        state=state,
        done=done,
        total=total,
    )
