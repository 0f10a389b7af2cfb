"""The brain of the queue: events in, commands out. No clock, no I/O, no threads.

Time comes in with the events (``at``, seconds of any clock that only goes forward). Every event is a frozen value of JSON-able
fields, so that a journal can keep and replay them. What holds, whatever the order of events:

- every submission of a task by a job gets exactly one outcome (``Publish``);
- a task runs at most once at a time, however many jobs want it;
- a report of a start that is over (``attempt``) is ignored.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from otio_perf.model.events import Calibrated, Failed, Outcome, Prerendered, Probed, Ready, Skipped
from otio_perf.model.tasks import Task

#: A task whose worker died is started again so many times.
RETRIES = 2
#: From a soft cancel to the hard one.
GRACE_SECONDS = 0.4
#: A worker that even a kill did not end is given up after so long; its task ends, its slot is believed free.
UNKILLABLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """``job`` wants ``tasks``. Higher ``priority`` first, then in the order of submission."""

    job: str
    tasks: tuple[Task, ...]
    priority: int = 0
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChanged:
    slots: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A sign of life; ``done`` in units of the task."""

    key: str
    attempt: int
    done: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    key: str
    attempt: int
    outcome: Outcome
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """The process that did the work is gone: crashed, or killed by us or others."""

    key: str
    attempt: int
    reason: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """``job`` no longer wants ``key``, or any of its tasks. What other jobs want goes on."""

    job: str
    key: str | None = None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested:
    """Nothing new is started; what runs goes on."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested:
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prioritized:
    """Takes effect on the next free slot."""

    keys: tuple[str, ...]
    priority: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed."""

    at: float


Event = (
    Submitted
    | CapacityChanged
    | Progressed
    | Finished
    | WorkerLost
    | CancelRequested
    | PauseRequested
    | ResumeRequested
    | Prioritized
    | Tick
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """``attempt`` is a number that no other start has."""

    task: Task
    attempt: int
    is_retry: bool = False  # its worker was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSoft:
    """Ask the task to stop; it cleans up after itself."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelHard:
    """Kill the worker."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The outcome of ``key`` for these jobs: the only one they get."""

    key: str
    outcome: Outcome
    jobs: tuple[str, ...]


Command = Start | CancelSoft | CancelHard | Publish


@dataclass(slots=True)
class _Entry:
    task: Task
    sequence: int
    priority: int
    jobs: list[str]  # that want it
    leaving: list[str] = field(default_factory=list)  # cancelled while it runs: they learn how it ended
    attempt: int = 0
    is_running: bool = False
    losses: int = 0
    alive_at: float = 0.0  # last sign of life
    soft_at: float | None = None
    hard_at: float | None = None
    hung: bool = False  # killed for lack of progress


class QueueState:
    """All tasks that have no outcome yet."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._order: list[tuple[int, int, str]] = []  # heap; rows that no longer hold are skipped when met
        self._slots = 0
        self._running = 0
        self._paused = False
        self._sequence = 0
        self._attempts = 0

    def handle(self, event: Event) -> list[Command]:
        """What has to be done because of ``event``, in this order."""
        return [*self._react(event), *self._fill_slots(event.at)]

    @property
    def is_idle(self) -> bool:
        return not self._entries

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(k for k, e in self._entries.items() if e.is_running)

    @property
    def waiting(self) -> tuple[str, ...]:
        """In the order in which they will start."""
        waiting = [(-e.priority, e.sequence, k) for k, e in self._entries.items() if not e.is_running]
        return tuple(k for _, _, k in sorted(waiting))

    def next_deadline(self) -> float | None:
        """When a ``Tick`` is due at the latest; ``None`` while nothing runs."""
        return min((_deadline(e) for e in self._entries.values() if e.is_running), default=None)

    def _react(self, event: Event) -> Iterator[Command]:
        match event:
            case Submitted():
                self._submit(event)
            case CapacityChanged():
                self._slots = event.slots
            case Progressed():
                if entry := self._started(event.key, event.attempt):
                    entry.alive_at = max(entry.alive_at, event.at)
            case Finished():
                if entry := self._started(event.key, event.attempt):
                    yield from self._finish(entry, event.outcome)
            case WorkerLost():
                if entry := self._started(event.key, event.attempt):
                    yield from self._lose(entry, event.reason)
            case CancelRequested():
                keys = list(self._entries) if event.key is None else [event.key]
                for key in keys:
                    yield from self._cancel(key, event.job, event.at)
            case PauseRequested():
                self._paused = True
            case ResumeRequested():
                self._paused = False
            case Prioritized():
                for key in event.keys:
                    if entry := self._entries.get(key):
                        entry.priority = event.priority
                        self._enqueue(entry)
            case Tick():
                for entry in [e for e in self._entries.values() if e.is_running and _deadline(e) <= event.at]:
                    yield from self._overdue(entry, event.at)

    def _submit(self, event: Submitted) -> None:
        for task in event.tasks:
            entry = self._entries.get(task.key)
            if entry is None:
                self._sequence += 1
                entry = _Entry(task, self._sequence, event.priority, [event.job])
                self._entries[task.key] = entry
                self._enqueue(entry)
                continue
            if event.job not in entry.jobs:  # it may be leaving at the same time: then it gets two outcomes
                entry.jobs.append(event.job)
            if event.priority > entry.priority:
                entry.priority = event.priority
                self._enqueue(entry)

    def _fill_slots(self, at: float) -> Iterator[Start]:
        while not self._paused and self._running < self._slots and self._order:
            priority, sequence, key = heapq.heappop(self._order)
            entry = self._entries.get(key)
            if entry is None or entry.is_running or (-entry.priority, entry.sequence) != (priority, sequence):
                continue
            entry.is_running = True
            self._attempts += 1
            entry.attempt = self._attempts
            entry.alive_at = at
            self._running += 1
            yield Start(task=entry.task, attempt=entry.attempt, is_retry=entry.losses > 0)

    def _finish(self, entry: _Entry, outcome: Outcome) -> Iterator[Command]:
        """A cancelled task may have been quicker; then its result counts."""
        self._stopped(entry)
        if entry.soft_at is not None and not isinstance(outcome, (Ready, Probed, Calibrated, Prerendered, Skipped)):
            yield from self._end_cancelled(entry)
            return
        del self._entries[entry.task.key]
        yield Publish(key=entry.task.key, outcome=outcome, jobs=(*entry.jobs, *entry.leaving))

    def _lose(self, entry: _Entry, reason: str) -> Iterator[Command]:
        self._stopped(entry)
        if entry.soft_at is not None:
            yield from self._end_cancelled(entry)
            return
        entry.losses += 1
        if not entry.hung and entry.losses <= RETRIES:
            entry.hard_at = None
            self._enqueue(entry)
            return
        if entry.hung:
            message = f"no progress for {entry.task.stall_seconds:g} seconds: given up"
        else:
            message = f"the process that worked on it died {entry.losses} times ({reason})"
        del self._entries[entry.task.key]
        failed = Failed(
            key=entry.task.key,
            error="WorkerLostError",
            message=message,
            path=entry.task.label,
            hint="the file may be damaged, or memory or open files run out: play it through; try --jobs 1",
        )
        yield Publish(key=entry.task.key, outcome=failed, jobs=tuple(entry.jobs))

    def _cancel(self, key: str, job: str, at: float) -> Iterator[Command]:
        entry = self._entries.get(key)
        if entry is None or job not in entry.jobs:
            return
        entry.jobs.remove(job)
        if entry.jobs or not entry.is_running:
            yield Publish(key=key, outcome=_cancelled(entry.task), jobs=(job,))
            if not entry.jobs:
                del self._entries[key]
            return
        entry.leaving.append(job)
        if entry.soft_at is None:
            entry.soft_at = at
            yield CancelSoft(key=key, attempt=entry.attempt)

    def _overdue(self, entry: _Entry, at: float) -> Iterator[Command]:
        if entry.hard_at is not None:
            yield from self._lose(entry, "it could not be killed")
            return
        entry.hard_at = at
        entry.hung = entry.soft_at is None
        yield CancelHard(key=entry.task.key, attempt=entry.attempt)

    def _end_cancelled(self, entry: _Entry) -> Iterator[Command]:
        """It has stopped. Those who left are told; whoever came in the meantime gets it started anew."""
        yield Publish(key=entry.task.key, outcome=_cancelled(entry.task), jobs=tuple(entry.leaving))
        entry.leaving = []
        entry.soft_at = entry.hard_at = None
        entry.hung = False
        if entry.jobs:
            self._enqueue(entry)
        else:
            del self._entries[entry.task.key]

    def _started(self, key: str, attempt: int) -> _Entry | None:
        entry = self._entries.get(key)
        return entry if entry is not None and entry.is_running and entry.attempt == attempt else None

    def _stopped(self, entry: _Entry) -> None:
        entry.is_running = False
        self._running -= 1

    def _enqueue(self, entry: _Entry) -> None:
        heapq.heappush(self._order, (-entry.priority, entry.sequence, entry.task.key))


def _deadline(entry: _Entry) -> float:
    if entry.hard_at is not None:
        return entry.hard_at + UNKILLABLE_SECONDS
    if entry.soft_at is not None:
        return entry.soft_at + GRACE_SECONDS
    return entry.alive_at + entry.task.stall_seconds


def _cancelled(task: Task) -> Failed:
    return Failed(key=task.key, error="TaskCancelledError", message="stopped", path=task.label)
