"""From a path that has settled to a proxy: opened by the queue, planned in batches, made by the queue.

Of ten thousand files at once only a few hundred are in the queue at a time; the others wait as paths.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from otio_perf.cache import pruning
from otio_perf.errors import CacheError, DiskFullError, OtioPerfError, TaskCancelledError, printable
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Failed, Outcome, Ready
from otio_perf.model.plans import Action, Decision, Plan
from otio_perf.model.rushes import Rushes
from otio_perf.model.tasks import Task
from otio_perf.model.uses import Target
from otio_perf.optimizer import proxies
from otio_perf.optimizer import rushes as rushes_of
from otio_perf.optimizer.session import Session, Unknown
from otio_perf.service.core import Core
from otio_perf.service.folder_media import FolderMedia, Medium, State
from otio_perf.service.lazy_session import LazySession
from otio_perf.watch.settle import Seen

#: Tasks of one folder in the queue at a time.
_MOST_TASKS = 256
#: Media that are planned together.
_BATCH = 32
#: What could not be done (a full disk, a workspace that is gone) is tried again so often.
_AGAIN_SECONDS = 20.0
_CANCELLED = TaskCancelledError.__name__
_DISK_FULL = DiskFullError.__name__
KIND = "folder"
#: What opening a file that is not whole comes to.
_NOT_WHOLE = frozenset({"CorruptMediaError", "OfflineMediaError"})


class Ingest:
    """What is done with the media of one folder, by its thread. ``media``: all of them.

    :param job: that its tasks belong to
    :param refused: called with a medium that is not whole: it comes again when it has changed
    """

    def __init__(self, core: Core, rushes: Rushes, job: str, refused: Callable[[Seen], None]) -> None:
        self._core, self._rushes, self._job, self._refused = core, rushes, job, refused
        self.media = FolderMedia()
        self._backlog: deque[str] = deque()
        self._ended: deque[Outcome] = deque()  # not taken up yet
        self._probing: dict[str, tuple[Unknown, Seen]] = {}  # by key of the task
        self._found: dict[str, tuple[Target, MediaFinding]] = {}  # opened, to be planned; by path
        self._making: dict[str, set[str]] = {}  # paths, by key of the task: copies of a file are one task
        self.again_at: float | None = None  # by the monotonic clock: when what is held up is tried again
        self._is_hold_up_told = False

    def settled(self, seen: Seen) -> None:
        self.media.put(seen)
        self._backlog.append(seen.path)

    def ended(self, outcome: Outcome) -> None:
        """A task has come to its end."""
        self._ended.append(outcome)

    def clear(self) -> None:
        """What is not in the queue yet is not handed to it."""
        for path in (*self._backlog, *self._found):
            self._end(path, State.FAILED)
        self._backlog.clear()
        self._found.clear()

    def drop(self, path: str) -> None:
        """It changes, or is gone: what was to be made of it is not any more."""
        one = self.media.pop(path)
        self._found.pop(path, None)
        for key in self._let_go(path, one) if one else ():
            self._core.queue.cancel(job=self._job, task=key)

    def _let_go(self, path: str, one: Medium) -> list[str]:
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

    def drop_all(self) -> None:
        self.media.clear()
        for waiting in (self._backlog, self._ended, self._found, self._probing, self._making):
            waiting.clear()
        self._core.queue.cancel(job=self._job)

    def has_work(self) -> bool:
        if self.again_at is not None and time.monotonic() < self.again_at:
            return False
        self.again_at = None
        return bool(self._ended or self._found or (self._backlog and self._room()))

    def _room(self) -> int:
        return max(0, _MOST_TASKS - len(self._probing) - len(self._found) - len(self._making))

    def advance(self, session: LazySession) -> None:
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

    def _each(self, work: Callable[[Session, Sequence[str]], None], paths: Sequence[str], session: LazySession) -> None:
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
                self._fail(paths[0], said(e))

    def _hear_one(self, outcome: Outcome, session: LazySession) -> None:
        try:
            self._hear(outcome, session)
        except (TaskCancelledError, CacheError):
            raise
        except Exception as e:  # noqa: BLE001 (as in ``_each``)
            closed = self._probing.pop(outcome.key, None)
            for path in (closed[1].path,) if closed else self._making.pop(outcome.key, ()):
                self._fail(path, said(e))

    def hold_up(self, reason: str) -> None:
        """What may pass, is waited for."""
        self.again_at = time.monotonic() + _AGAIN_SECONDS
        if not self._is_hold_up_told:
            self._is_hold_up_told = True
            self._core.note(f"{self._rushes.path} waits: {reason}")

    def _open(self, session: Session, paths: Sequence[str]) -> None:
        targets: dict[str, Target] = {}
        for path in paths:
            one = self.media.get(path)
            if one is None or one.keys or one.decision is not None or path in self._found:
                continue  # it has changed since, and waits a second time
            target = rushes_of.target(session, path)
            if target is None:
                self._end(path, State.READY)
            else:
                targets[path] = target
        known, unknown = session.recall(targets.values())
        self._submit([closed.task for closed in unknown])
        for path, target in targets.items():
            if target.medium in known:
                self._opened(path, target, known[target.medium])
        paths_of = {target.medium: path for path, target in targets.items()}
        for closed in unknown:
            one = self.media[paths_of[closed.target.medium]]
            one.keys = (closed.task.key,)
            self._probing[closed.task.key] = closed, one.seen

    def _opened(self, path: str, target: Target, finding: MediaFinding) -> None:
        if finding.info is not None and not rushes_of.is_sane(finding.info):
            self._refuse(path, f"its header says {float(finding.info.duration):.0f} seconds")
        else:
            self._found[path] = target, finding

    def _hear(self, outcome: Outcome, session: LazySession) -> None:
        error = outcome.error if isinstance(outcome, Failed) else ""
        if outcome.key in self._probing:
            unknown, seen = self._probing[outcome.key]
            finding = session().learn(unknown, outcome)
            del self._probing[outcome.key]
            if error == _CANCELLED:
                self._end(seen.path, State.FAILED)
            elif isinstance(outcome, Failed) and error in _NOT_WHOLE:
                self._refuse(seen.path, outcome.message)
            else:
                self._opened(seen.path, unknown.target, finding)
            return
        for path in tuple(self._making.get(outcome.key, ())):
            one = self.media[path]
            if error == _CANCELLED:
                self._end(path, State.FAILED)
            elif isinstance(outcome, Failed) and error == _DISK_FULL:
                self._again(path, one, outcome.message)
            elif isinstance(outcome, Failed):
                self._fail(path, outcome.message)
            elif one.keys == (outcome.key,):
                if isinstance(outcome, Ready):
                    self._made(one, outcome)
                self._end(path, State.READY)
            one.keys = tuple(key for key in one.keys if key != outcome.key)
        self._making.pop(outcome.key, None)

    def _again(self, path: str, one: Medium, reason: str) -> None:
        """There was no room for its proxy."""
        self._let_go(path, one)
        self.media.decide(one, None)
        self._backlog.append(path)
        self.hold_up(reason)

    def _made(self, one: Medium, outcome: Ready) -> None:
        decision = one.decision
        if decision is not None:
            made = {product.key: product for product in outcome.products}
            for product in outcome.products:
                if product.source_path != decision.target.path and decision.target.path:  # a copy of what it was made of
                    self._core.index.products.add_source(product.key, decision.target.path)
            products = tuple(made.get(product.key, product) for product in decision.products)
            self.media.decide(one, replace(decision, action=Action.HAVE, reason="its proxy is there", products=products))
        self._core.tell("sources")

    def _decide(self, session: Session, found: Sequence[str]) -> None:
        batch = {path: self._found[path] for path in found}
        lut = session.settings.viewing_lut()
        plan = proxies.planned(
            session,
            findings={target.medium: finding for target, finding in batch.values()},
            recipes=proxies.recipes_for(session, (), lut),
            targets=[target for target, _ in batch.values()],
            force=rushes_of.is_forced(session.settings),
            beside=self._rushes.beside,
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
            one = self.media[path]
            self.media.decide(one, _lean(decision))
            one.keys = tuple(keys.get(decision.media.path, ())) if decision.media is not None else ()
            for key in one.keys:
                self._making.setdefault(key, set()).add(path)
            if decision.action in (Action.REFUSE, Action.OFFLINE):
                self._fail(path, decision.reason)
            elif path in failed:
                self._fail(path, failed[path] or "")
            elif not one.keys:
                self._end(path, State.READY)
        self._core.tell("sources")

    def _submit(self, tasks: Sequence[Task]) -> None:
        if tasks:
            self._core.queue.submit(self._job, tasks, label=str(self._rushes.path), kind=KIND)

    def _refuse(self, path: str, reason: str) -> None:
        """It is not whole: it waits until it changes."""
        one = self.media.pop(path)
        if one is not None:
            self._refused(one.seen)
            self._core.note(f"{path} is not whole: {reason}")

    def _fail(self, path: str, reason: str) -> None:
        self._end(path, State.FAILED)
        self._core.note(f"{path}: no proxy: {reason}")

    def _end(self, path: str, state: State) -> None:
        self._is_hold_up_told = False  # it goes on
        self.media.end(path, state)


def said(error: Exception) -> str:
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
