"""Watched folders: what settles in them is opened, planned, and handed to the queue; what changes or goes is taken back.

Each folder has a thread that waits for what its watch and the queue tell. Media are opened by tasks of the queue, like all
work: it yields, and a file that crashes FFmpeg costs a worker. Of ten thousand files at once only a few hundred are in the
queue at a time; the others wait as paths.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from queue import Empty, SimpleQueue

from otio_perf.cache import pruning
from otio_perf.errors import OtioPerfError, TaskCancelledError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Failed, Outcome, Ready
from otio_perf.model.plans import Action, Decision, Plan
from otio_perf.model.rushes import Rushes
from otio_perf.model.tasks import Task
from otio_perf.model.uses import Target
from otio_perf.model.views import WatchedFolder
from otio_perf.optimizer import proxies
from otio_perf.optimizer import rushes as rushes_of
from otio_perf.optimizer.session import Session, Unknown
from otio_perf.service.core import Core, identity
from otio_perf.settings import Settings
from otio_perf.watch.events import Changed, FolderEvent, Gone, Noted, Settled, Turned
from otio_perf.watch.folder import FolderWatch
from otio_perf.watch.settle import Seen

#: Tasks of one folder in the queue at a time.
_MOST_TASKS = 256
#: Media that are planned together.
_BATCH = 32
#: A folder's view is told so often at most.
_TELL_SECONDS = 0.5
_CANCELLED = TaskCancelledError.__name__
_KIND = "folder"
JOB = f"{_KIND}:"


class _State(Enum):
    QUEUED = auto()  # to be opened, or to be made
    READY = auto()  # has what it should have; or needs nothing
    FAILED = auto()


@dataclass(slots=True)
class _Medium:
    """One that has settled. ``keys``: of its tasks that are not done."""

    seen: Seen
    state: _State = _State.QUEUED
    keys: tuple[str, ...] = ()
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class _Cleared:
    """The user wants none of what is waiting."""


class _Lazily:
    """A session for all that is to be done now; opened when it is first asked for."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self._core, self._settings = core, settings
        self._session: Session | None = None

    def __call__(self) -> Session:
        if self._session is None:
            self._session = self._core.session()
            self._session.settings = self._settings
        return self._session

    def __enter__(self) -> _Lazily:
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.__exit__()


class Folder:
    """One folder that is watched.

    :param elsewhere: folders that are never entered: those of the workspace, and those that are watched by themselves.
    """

    def __init__(self, core: Core, rushes: Rushes, elsewhere: Sequence[Path]) -> None:
        self.core, self.rushes = core, rushes
        self.path = str(rushes.path)
        self.id = identity(rushes.path)
        self.job = JOB + self.id
        self.settings: Settings = core.settings.of_rushes(rushes)
        self._inbox: SimpleQueue[FolderEvent | Outcome | _Cleared | None] = SimpleQueue()
        self._lock = threading.Lock()  # of ``_media`` and ``_plan``, which others look at
        self._media: dict[str, _Medium] = {}  # by path
        self._plan: Plan | None = None
        self._backlog: deque[str] = deque()
        self._probing: dict[str, tuple[Unknown, Seen]] = {}  # by key of the task
        self._found: dict[str, tuple[Target, MediaFinding]] = {}  # opened, to be planned; by path
        self._making: dict[str, set[str]] = {}  # paths, by key of the task: copies of a file are one task
        self._told: WatchedFolder | None = None
        self._told_at = 0.0
        self._watch = FolderWatch(
            rushes.path,
            self._inbox.put,
            rules=rushes_of.rules(rushes, elsewhere),
            settle_seconds=float(self.settings.settle_seconds),
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"rushes {self.path}", daemon=True)

    def start(self) -> None:
        self._watch.start()
        self._thread.start()

    def close(self) -> None:
        """Let go. Tasks stay with the queue."""
        self._closing.set()
        self._watch.close()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def ended(self, outcome: Outcome) -> None:
        """A task of its job has come to its end. From any thread; does not wait."""
        self._inbox.put(outcome)

    def clear(self) -> None:
        """What is not in the queue yet is not handed to it. From any thread; does not wait."""
        self._inbox.put(_Cleared())

    @property
    def plan(self) -> Plan:
        """What becomes of each medium that was opened."""
        with self._lock:
            if self._plan is None:
                decisions = tuple(one.decision for one in self._media.values() if one.decision is not None)
                self._plan = Plan(decisions=decisions)
            return self._plan

    def settling(self) -> tuple[str, ...]:
        """Paths of media that are still being written."""
        return self._watch.settling()

    def view(self) -> WatchedFolder:
        seen = self._watch.state()
        with self._lock:
            states = [one.state for one in self._media.values()]
        return WatchedFolder(
            id=self.id,
            path=self.path,
            state=seen.mode,
            reason=seen.reason,
            files=seen.files,
            settling=seen.settling,
            queued=states.count(_State.QUEUED),
            ready=states.count(_State.READY),
            failed=states.count(_State.FAILED),
            scanned_at=seen.scanned_at,
        )

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                item = self._inbox.get(timeout=None if self._is_told() else _TELL_SECONDS)
            except Empty:
                self._tell()
                continue
            try:
                with _Lazily(self.core, self.settings) as session:
                    self._take(item, session)
                    while not self._closing.is_set() and (not self._inbox.empty() or self._has_work()):
                        while not self._inbox.empty():
                            self._take(self._inbox.get(), session)
                        if time.monotonic() - self._told_at >= _TELL_SECONDS:
                            self._tell()
                        self._advance(session)
            except TaskCancelledError:
                return  # the service ends
            except OtioPerfError as e:
                self.core.note(f"{self.path}: {e}")
            except Exception as e:  # noqa: BLE001 (the folder is watched on, whatever one file led to)
                self.core.note(f"{self.path}: unforeseen {type(e).__name__}: {e}")

    def _is_told(self) -> bool:
        return self._told is not None and replace(self._told, scanned_at=None) == replace(self.view(), scanned_at=None)

    def _tell(self) -> None:
        self._told, self._told_at = self.view(), time.monotonic()
        self.core.tell("folder", self._told)

    def _take(self, item: FolderEvent | Outcome | _Cleared | None, session: _Lazily) -> None:
        match item:
            case None:
                return
            case _Cleared():
                for path in (*self._backlog, *self._found):
                    self._end(path, _State.FAILED)
                self._backlog.clear()
                self._found.clear()
            case Settled(seen=seen):
                with self._lock:
                    self._media[seen.path] = _Medium(seen)
                    self._plan = None
                self._backlog.append(seen.path)
            case Changed(path=path) | Gone(path=path):
                self._drop(path)
            case Turned(mode=mode, reason=reason):
                if mode == "suspended":
                    self._drop_all()
                if reason:
                    self.core.note(f"{self.path}: {mode}: {reason}")
            case Noted(text=text):
                self.core.note(text)
            case _:
                self._hear(item, session)

    def _drop(self, path: str) -> None:
        """It changes, or is gone: what was to be made of it is not any more."""
        with self._lock:
            one = self._media.pop(path, None)
            self._plan = None
        self._found.pop(path, None)
        for key in one.keys if one else ():
            self._probing.pop(key, None)
            others = self._making.get(key, set()) - {path}
            if others:
                self._making[key] = others
            else:
                self._making.pop(key, None)
                self.core.queue.cancel(job=self.job, task=key)

    def _drop_all(self) -> None:
        with self._lock:
            self._media.clear()
            self._plan = None
        for waiting in (self._backlog, self._found, self._probing, self._making):
            waiting.clear()
        self.core.queue.cancel(job=self.job)

    # -- from a path to a proxy ----------------------------------------------------------------------------------------

    def _has_work(self) -> bool:
        return bool(self._found) or bool(self._backlog and self._room())

    def _room(self) -> int:
        return max(0, _MOST_TASKS - len(self._probing) - len(self._found) - len(self._making))

    def _advance(self, session: _Lazily) -> None:
        """A batch from the backlog is opened, or one that was opened is planned."""
        try:
            if self._backlog and self._room():
                self._open(session())
            if self._found:
                self._decide(session())
        except OtioPerfError as e:
            if isinstance(e, TaskCancelledError):
                raise
            for path in self._found:
                self._fail(path, str(e))
            self._found.clear()

    def _open(self, session: Session) -> None:
        targets: dict[str, Target] = {}
        while self._backlog and len(targets) < min(_BATCH, self._room()):
            path = self._backlog.popleft()
            one = self._media.get(path)
            if one is None or one.keys or one.decision is not None or path in self._found:
                continue  # it has changed since, and waits a second time
            target = rushes_of.target(session, path)
            if target is None:
                self._end(path, _State.READY)
            else:
                targets[path] = target
        known, unknown = session.recall(targets.values())
        for path, target in targets.items():
            if target.medium in known:
                self._opened(path, target, known[target.medium])
        paths = {target.medium: path for path, target in targets.items()}
        for closed in unknown:
            path = paths[closed.target.medium]
            self._media[path].keys = (closed.task.key,)
            self._probing[closed.task.key] = closed, self._media[path].seen
        self._submit([closed.task for closed in unknown])

    def _opened(self, path: str, target: Target, finding: MediaFinding) -> None:
        if finding.info is not None and not rushes_of.is_sane(finding.info):
            self._refuse(path, f"its header says {float(finding.info.duration):.0f} seconds")
        else:
            self._found[path] = target, finding

    def _hear(self, outcome: Outcome, session: _Lazily) -> None:
        if outcome.key in self._probing:
            unknown, seen = self._probing.pop(outcome.key)
            finding = session().learn(unknown, outcome)
            if isinstance(outcome, Failed) and outcome.error == _CANCELLED:
                self._end(seen.path, _State.FAILED)
            elif isinstance(outcome, Failed) and outcome.error in _NOT_WHOLE:
                self._refuse(seen.path, outcome.message)
            else:
                self._opened(seen.path, unknown.target, finding)
            return
        for path in self._making.pop(outcome.key, ()):
            one = self._media[path]
            one.keys = tuple(key for key in one.keys if key != outcome.key)
            if isinstance(outcome, Failed) and outcome.error == _CANCELLED:
                self._end(path, _State.FAILED)
            elif isinstance(outcome, Failed):
                self._fail(path, outcome.message)
            elif not one.keys:
                self._end(path, _State.READY)
                if isinstance(outcome, Ready):
                    self._made(one, outcome)

    def _made(self, one: _Medium, outcome: Ready) -> None:
        decision = one.decision
        if decision is not None:
            made = {product.key: product for product in outcome.products}
            for product in outcome.products:
                if product.source_path != decision.target.path and decision.target.path:  # a copy of what it was made of
                    self.core.index.products.add_source(product.key, decision.target.path)
            products = tuple(made.get(product.key, product) for product in decision.products)
            with self._lock:
                one.decision = replace(decision, action=Action.HAVE, reason="its proxy is there", products=products)
                self._plan = None
        self.core.tell("sources")

    def _decide(self, session: Session) -> None:
        batch = dict(list(self._found.items())[:_BATCH])
        lut = session.settings.viewing_lut()
        plan = proxies.planned(
            session,
            findings={target.medium: finding for target, finding in batch.values()},
            recipes=proxies.recipes_for(session, (), lut),
            targets=[target for target, _ in batch.values()],
            force=rushes_of.is_forced(session.settings),
            beside=self.rushes.beside,
            dry_run=False,
        )
        plan = _without(plan, pruning.pruned_keys(session.workspace.root))
        possible, impossible = proxies.divided(session, plan)
        tasks = proxies.ready(session, possible, jobs=max(1, session.jobs))
        for path in batch:
            del self._found[path]
        keys: dict[str, list[str]] = {}
        for task in tasks:
            keys.setdefault(task.media.path, []).append(task.key)
        paths = {target.medium: path for path, (target, _) in batch.items()}
        failed = {one.path: one.message for one in impossible.values()}
        for decision in plan.decisions:
            path = paths[decision.target.medium]
            one = self._media[path]
            with self._lock:
                one.decision, self._plan = _lean(decision), None
            one.keys = tuple(keys.get(decision.media.path, ())) if decision.media is not None else ()
            for key in one.keys:
                self._making.setdefault(key, set()).add(path)
            if decision.action in (Action.REFUSE, Action.OFFLINE):
                self._fail(path, decision.reason)
            elif path in failed:
                self._fail(path, failed[path] or "")
            elif not one.keys:
                self._end(path, _State.READY)
        self._submit(tasks)
        self.core.tell("sources")

    def _submit(self, tasks: Sequence[Task]) -> None:
        if tasks:
            self.core.queue.submit(self.job, tasks, label=self.path, kind=_KIND)

    def _refuse(self, path: str, reason: str) -> None:
        """It is not whole: it waits until it changes."""
        with self._lock:
            one = self._media.pop(path, None)
            self._plan = None
        if one is not None:
            self._watch.refuse(one.seen)
            self.core.note(f"{path} is not whole: {reason}")

    def _fail(self, path: str, reason: str) -> None:
        self._end(path, _State.FAILED)
        self.core.note(f"{path}: no proxy: {reason}")

    def _end(self, path: str, state: _State) -> None:
        one = self._media.get(path)
        if one is not None:
            with self._lock:
                one.state = state


def _lean(decision: Decision) -> Decision:
    """Without what the index has as well: of ten thousand media that is most of the memory."""
    return decision if decision.target.sequence is not None else replace(decision, media=None)


def _without(plan: Plan, pruned: frozenset[str]) -> Plan:
    """What went to keep the workspace within its limits is made again when a timeline needs it, not ahead of that."""

    def decided(decision: Decision) -> Decision:
        if decision.action is not Action.MAKE or not any(product.key in pruned for product in decision.products):
            return decision
        return replace(decision, action=Action.SKIP, reason="its proxy went, to keep the workspace small", products=())

    return Plan(decisions=tuple(map(decided, plan.decisions)))


#: What opening a file that is not whole comes to.
_NOT_WHOLE = frozenset({"CorruptMediaError", "OfflineMediaError"})
