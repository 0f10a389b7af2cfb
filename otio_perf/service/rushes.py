"""Watched folders: what settles in them is opened, planned, and handed to the queue; what changes or goes is taken back.

Each folder has a thread that waits for what its watch and the queue tell. Media are opened by tasks of the queue, like all
work: it yields, and a file that crashes FFmpeg costs a worker. Of ten thousand files at once only a few hundred are in the
queue at a time; the others wait as paths.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue

from otio_perf.cache import pruning
from otio_perf.errors import CacheError, DiskFullError, OtioPerfError, TaskCancelledError, printable
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
from otio_perf.service.core import Core
from otio_perf.service.identity import identity
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
#: What could not be done (a full disk, a workspace that is gone) is tried again so often.
_AGAIN_SECONDS = 20.0
_CANCELLED = TaskCancelledError.__name__
_DISK_FULL = DiskFullError.__name__
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

    def __init__(self, core: Core, settings: Settings, stop: threading.Event) -> None:
        self._core, self._settings, self._stop = core, settings, stop
        self._session: Session | None = None

    def __call__(self) -> Session:
        if self._session is None:
            self._session = self._core.session(stop=self._stop)
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
        self._ended: deque[Outcome] = deque()  # not taken up yet
        self._probing: dict[str, tuple[Unknown, Seen]] = {}  # by key of the task
        self._found: dict[str, tuple[Target, MediaFinding]] = {}  # opened, to be planned; by path
        self._making: dict[str, set[str]] = {}  # paths, by key of the task: copies of a file are one task
        self._again_at: float | None = None  # by the monotonic clock: when what is held up is tried again
        self._is_hold_up_told = False
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
                item = self._inbox.get(timeout=self._patience())
            except Empty:
                item = None
                if not self._is_told():
                    self._tell()
            try:
                with _Lazily(self.core, self.settings, self._closing) as session:
                    self._take(item)
                    while not self._closing.is_set() and (not self._inbox.empty() or self._has_work()):
                        while not self._inbox.empty():
                            self._take(self._inbox.get())
                        if time.monotonic() - self._told_at >= _TELL_SECONDS:
                            self._tell()
                        if self._has_work():
                            self._advance(session)
            except TaskCancelledError:
                continue  # the folder is let go, or what had to be known first was cancelled
            except CacheError as e:
                self._hold_up(str(e))
            except Exception as e:  # noqa: BLE001 (the folder is watched on, whatever one file led to)
                self.core.note(f"{self.path}: {_said(e)}")

    def _patience(self) -> float | None:
        """Seconds until there is something to do even if nobody says anything."""
        waits = [] if self._is_told() else [_TELL_SECONDS]
        if self._again_at is not None:
            waits.append(max(0.0, self._again_at - time.monotonic()))
        return min(waits, default=None)

    def _is_told(self) -> bool:
        return self._told is not None and replace(self._told, scanned_at=None) == replace(self.view(), scanned_at=None)

    def _tell(self) -> None:
        self._told, self._told_at = self.view(), time.monotonic()
        self.core.tell("folder", self._told)

    def _take(self, item: FolderEvent | Outcome | _Cleared | None) -> None:
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
                self._ended.append(item)

    def _drop(self, path: str) -> None:
        """It changes, or is gone: what was to be made of it is not any more."""
        with self._lock:
            one = self._media.pop(path, None)
            self._plan = None
        self._found.pop(path, None)
        for key in self._let_go(path, one) if one else ():
            self.core.queue.cancel(job=self.job, task=key)

    def _let_go(self, path: str, one: _Medium) -> list[str]:
        """:returns: keys of its tasks that no other medium waits for"""
        free = []
        for key in one.keys:
            self._probing.pop(key, None)
            others = self._making.pop(key, set()) - {path}
            if others:
                self._making[key] = others
            else:
                free.append(key)
        one.keys = ()
        return free

    def _drop_all(self) -> None:
        with self._lock:
            self._media.clear()
            self._plan = None
        for waiting in (self._backlog, self._ended, self._found, self._probing, self._making):
            waiting.clear()
        self.core.queue.cancel(job=self.job)

    # -- from a path to a proxy ----------------------------------------------------------------------------------------

    def _has_work(self) -> bool:
        if self._again_at is not None and time.monotonic() < self._again_at:
            return False
        self._again_at = None
        return bool(self._ended or self._found or (self._backlog and self._room()))

    def _room(self) -> int:
        return max(0, _MOST_TASKS - len(self._probing) - len(self._found) - len(self._making))

    def _advance(self, session: _Lazily) -> None:
        """What ended is taken up, a batch from the backlog is opened, one that was opened is planned.

        :raises CacheError: it is done another time: all is where it was
        """
        while self._ended:
            self._hear_one(self._ended[0], session)
            self._ended.popleft()
        paths = list(islice(self._backlog, min(_BATCH, self._room())))
        self._each(self._open, paths, session)
        for _ in paths:
            self._backlog.popleft()
        self._each(self._decide, list(islice(self._found, _BATCH)), session)

    def _each(self, work: Callable[[Session, Sequence[str]], None], paths: Sequence[str], session: _Lazily) -> None:
        """``work`` on all of ``paths``; where one of them cannot be worked on, it alone fails."""
        if not paths:
            return
        try:
            work(session(), paths)
        except (TaskCancelledError, CacheError):
            raise
        except Exception as e:  # noqa: BLE001 (what one file led to is not the others' business)
            if len(paths) > 1:
                for path in paths:
                    self._each(work, [path], session)
            else:
                self._found.pop(paths[0], None)
                self._fail(paths[0], _said(e))

    def _hear_one(self, outcome: Outcome, session: _Lazily) -> None:
        try:
            self._hear(outcome, session)
        except (TaskCancelledError, CacheError):
            raise
        except Exception as e:  # noqa: BLE001 (as in ``_each``)
            closed = self._probing.pop(outcome.key, None)
            for path in (closed[1].path,) if closed else self._making.pop(outcome.key, ()):
                self._fail(path, _said(e))

    def _hold_up(self, reason: str) -> None:
        """What may pass, is waited for."""
        self._again_at = time.monotonic() + _AGAIN_SECONDS
        if not self._is_hold_up_told:
            self._is_hold_up_told = True
            self.core.note(f"{self.path} waits: {reason}")

    def _open(self, session: Session, paths: Sequence[str]) -> None:
        targets: dict[str, Target] = {}
        for path in paths:
            one = self._media.get(path)
            if one is None or one.keys or one.decision is not None or path in self._found:
                continue  # it has changed since, and waits a second time
            target = rushes_of.target(session, path)
            if target is None:
                self._end(path, _State.READY)
            else:
                targets[path] = target
        known, unknown = session.recall(targets.values())
        self._submit([closed.task for closed in unknown])
        for path, target in targets.items():
            if target.medium in known:
                self._opened(path, target, known[target.medium])
        paths_of = {target.medium: path for path, target in targets.items()}
        for closed in unknown:
            one = self._media[paths_of[closed.target.medium]]
            one.keys = (closed.task.key,)
            self._probing[closed.task.key] = closed, one.seen

    def _opened(self, path: str, target: Target, finding: MediaFinding) -> None:
        if finding.info is not None and not rushes_of.is_sane(finding.info):
            self._refuse(path, f"its header says {float(finding.info.duration):.0f} seconds")
        else:
            self._found[path] = target, finding

    def _hear(self, outcome: Outcome, session: _Lazily) -> None:
        error = outcome.error if isinstance(outcome, Failed) else ""
        if outcome.key in self._probing:
            unknown, seen = self._probing[outcome.key]
            finding = session().learn(unknown, outcome)
            del self._probing[outcome.key]
            if error == _CANCELLED:
                self._end(seen.path, _State.FAILED)
            elif isinstance(outcome, Failed) and error in _NOT_WHOLE:
                self._refuse(seen.path, outcome.message)
            else:
                self._opened(seen.path, unknown.target, finding)
            return
        for path in tuple(self._making.get(outcome.key, ())):
            one = self._media[path]
            if error == _CANCELLED:
                self._end(path, _State.FAILED)
            elif isinstance(outcome, Failed) and error == _DISK_FULL:
                self._again(path, one, outcome.message)
            elif isinstance(outcome, Failed):
                self._fail(path, outcome.message)
            elif one.keys == (outcome.key,):
                if isinstance(outcome, Ready):
                    self._made(one, outcome)
                self._end(path, _State.READY)
            one.keys = tuple(key for key in one.keys if key != outcome.key)
        self._making.pop(outcome.key, None)

    def _again(self, path: str, one: _Medium, reason: str) -> None:
        """There was no room for its proxy."""
        self._let_go(path, one)
        with self._lock:
            one.decision, self._plan = None, None
        self._backlog.append(path)
        self._hold_up(reason)

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

    def _decide(self, session: Session, found: Sequence[str]) -> None:
        batch = {path: self._found[path] for path in found}
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
        tasks = proxies.ready(session, possible)
        self._submit(tasks)
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
        self._is_hold_up_told = False  # it goes on
        one = self._media.get(path)
        if one is not None:
            with self._lock:
                one.state = state


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, OtioPerfError) else f"unforeseen {type(error).__name__}: {printable(error)}"


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
