"""The brain of the queue: events in, commands out. No clock, no I/O, no threads.

Time comes in with the events (``at``, seconds of any clock that only goes forward). Every event is a frozen value of JSON-able
fields, so that a journal can keep and replay them. What holds, whatever the order of events:

- every submission of a task by a job gets exactly one outcome (``Publish``);
- a task runs at most once at a time, however many jobs want it;
- a report of a start that is over (``attempt``) is ignored;
- no more tasks are awake than there are slots: what is more sleeps, keeps what it has done, and its stall clock stands still;
- what a task holds until it has ended (``holds``), nobody is started for who would wait for it: it may be asleep.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from otio_perf.model.events import Calibrated, Failed, Outcome, Prerendered, Probed, Ready, Skipped
from otio_perf.model.tasks import PrerenderTask, ProxyTask, Task
from otio_perf.render_queue import priority
from otio_perf.render_queue.entry import Entry, order_of
from otio_perf.render_queue.messages import (
    CancelHard,
    CancelRequested,
    CancelSoft,
    CapacityChanged,
    Command,
    Continue,
    Event,
    Finished,
    Focused,
    PauseRequested,
    Prioritized,
    Progressed,
    Publish,
    Recorded,
    ResumeRequested,
    Start,
    Submitted,
    Suspend,
    Tick,
    WorkerLost,
)
from otio_perf.render_queue.order import Order
from otio_perf.render_queue.priority import Focus, Place, Rank

#: A task whose worker died is started again so many times.
RETRIES = 2
#: A ``Tick`` that comes so much too late says that the machine, or we, have slept: then nobody has stalled.
OVERSLEPT_SECONDS = 5.0


class QueueState:
    """All tasks that have no outcome yet."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._running: dict[str, Entry] = {}
        self._order = Order(self._entries)
        self._slots = self._workers = 0
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
    def is_paused(self) -> bool:
        return self._paused

    @property
    def running(self) -> tuple[str, ...]:
        """Started and not ended, those that sleep included."""
        return tuple(self._running)

    @property
    def waiting(self) -> tuple[str, ...]:
        """In the order in which they will start."""
        return tuple([entry.task.key for entry in self._order.waiting()])

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def entry(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def entries(self) -> tuple[Entry, ...]:
        """In the order of their first submission."""
        return tuple(self._entries.values())

    def focus(self, timeline: str) -> Focus | None:
        return self._order.focuses.get(timeline)

    def urgency(self, kind: str, places: Sequence[Place]) -> Rank:
        """That a task would have here."""
        return self._order.urgency(kind, places)

    def snapshot(self, at: float) -> tuple[Event, ...]:
        """Events that bring an empty state to this one, but for what only running processes know."""
        events: list[Event] = []
        submissions: dict[tuple[str, int, int], list[Entry]] = {}
        for entry in self._entries.values():
            for job, number in (*entry.leaving, *entry.jobs.items()):
                submissions.setdefault((job, number, entry.priority), []).append(entry)
        for (job, number, importance), entries in sorted(submissions.items(), key=lambda item: item[0][1]):
            tasks = tuple(entry.task for entry in entries)
            places = {e.task.key: e.places[job] for e in entries if e.places.get(job)}
            events.append(Submitted(job=job, tasks=tasks, priority=importance, places=places, number=number, at=at))
            events += [
                CancelRequested(job=job, key=entry.task.key, at=at) for entry in entries if (job, number) in entry.leaving
            ]
        events += [Focused(timeline=timeline, focus=focus, at=at) for timeline, focus in self._order.focuses.items()]
        return (*events, *([PauseRequested(at=at)] if self._paused else []))

    def next_deadline(self) -> float | None:
        """When a ``Tick`` is due at the latest; ``None``: no time matters."""
        due = min((e.deadline for e in self._running.values()), default=math.inf)
        return None if due == math.inf else due

    def _react(self, event: Event) -> Iterator[Command]:
        match event:
            case Submitted():
                self._submit(event)
            case CapacityChanged():
                self._slots = event.slots
                self._workers = event.slots if event.workers is None else event.workers
            case Progressed():
                if entry := self._started(event.key, event.attempt):
                    entry.alive_at = max(entry.alive_at, event.at)
            case Finished():
                if entry := self._started(event.key, event.attempt):
                    yield from self._finish(entry, event.outcome)
            case WorkerLost():
                if entry := self._started(event.key, event.attempt):
                    entry.hung = entry.hung and not event.is_innocent
                    yield from self._lose(entry, event.reason)
            case CancelRequested():
                for key in list(self._entries) if event.key is None else [event.key]:
                    yield from self._cancel(key, event.job, event.at)
            case PauseRequested():
                self._paused = True
            case ResumeRequested():
                self._paused = False
            case Prioritized():
                for key in event.keys:
                    if entry := self._entries.get(key):
                        entry.priority = event.priority
                        self._order.put_as_ranked(entry)
            case Focused():
                self._order.look(event.timeline, event.focus)
            case Recorded():
                self._settle(event)
            case Tick():
                for entry in [e for e in self._running.values() if e.deadline <= event.at]:
                    yield from self._overdue(entry, event.at)

    def _submit(self, event: Submitted) -> None:
        for task in event.tasks:
            entry = self._entries.get(task.key)
            if entry is None:
                self._sequence += 1
                entry = self._entries[task.key] = Entry(task, self._sequence, event.priority)
            entry.jobs[event.job] = event.number  # it may be leaving at the same time: then it gets two outcomes
            entry.places[event.job] = places = event.places.get(task.key, ())
            self._order.serve(task.key, places)
            entry.priority = max(entry.priority, event.priority)
            self._order.put(entry)

    def _fill_slots(self, at: float) -> Iterator[Command]:
        slots = 0 if self._paused else self._slots
        awake = [e for e in self._running.values() if not e.is_asleep]
        if len(awake) > slots:
            for entry in sorted((e for e in awake if not e.is_ending), key=order_of)[max(0, slots - _count_ending(awake)) :]:
                yield self._sleep(entry)
                awake.remove(entry)
        while len(awake) < slots:
            sleeping = min((e for e in self._running.values() if e.is_asleep), key=order_of, default=None)
            waiting = self._next_waiting()
            if sleeping is not None and (waiting is None or not waiting.goes_before(sleeping)):
                sleeping.is_asleep = False
                sleeping.alive_at = at
                awake.append(sleeping)
                yield Continue(key=sleeping.task.key, attempt=sleeping.attempt)
            elif waiting is not None:
                awake.append(waiting)
                yield self._start(waiting, at)
            else:
                return
        while able := [e for e in awake if e.task.kind in priority.PREEMPTED_KINDS and not e.is_ending]:
            waiting, least = self._next_waiting(), max(able, key=order_of)
            if waiting is None or not waiting.goes_before(least):
                return
            yield self._sleep(least)
            awake.remove(least)
            awake.append(waiting)
            yield self._start(waiting, at)

    def _next_waiting(self) -> Entry | None:
        """The task that would be started next; ``None`` where none may be."""
        return None if len(self._running) >= self._workers else self._order.next(self._running.values())

    def _start(self, entry: Entry, at: float) -> Start:
        self._order.changed()
        self._attempts += 1
        entry.attempt = self._attempts
        entry.is_running = True
        entry.alive_at = at
        self._running[entry.task.key] = entry
        task = _with_share(entry.task, min(self._slots, len(self._entries)))
        return Start(task=task, attempt=entry.attempt, is_retry=entry.losses > 0)

    def _sleep(self, entry: Entry) -> Suspend:
        entry.is_asleep = True
        return Suspend(key=entry.task.key, attempt=entry.attempt)

    def _finish(self, entry: Entry, outcome: Outcome) -> Iterator[Command]:
        """A cancelled task may have been quicker; then its result counts."""
        self._stopped(entry)
        if entry.soft_at is not None and not isinstance(outcome, (Ready, Probed, Calibrated, Prerendered, Skipped)):
            yield from self._end_cancelled(entry)
            return
        self._forget(entry)
        yield Publish(task=entry.task, outcome=outcome, wants=(*entry.jobs.items(), *entry.leaving))

    def _lose(self, entry: Entry, reason: str) -> Iterator[Command]:
        self._stopped(entry)
        if entry.soft_at is not None:
            yield from self._end_cancelled(entry)
            return
        entry.losses += 1
        if not entry.hung and entry.losses <= RETRIES:
            entry.hard_at = None
            self._order.put_as_ranked(entry)
            return
        if entry.hung:
            message = f"no progress for {entry.task.stall_seconds:g} seconds: given up"
        else:
            message = f"the process that worked on it died {entry.losses} times ({reason})"
        self._forget(entry)
        failed = Failed(
            key=entry.task.key,
            error="WorkerLostError",
            message=message,
            path=entry.task.label,
            hint="the file may be damaged, or memory or open files run out: play it through; try --jobs 1",
        )
        yield Publish(task=entry.task, outcome=failed, wants=tuple(entry.jobs.items()))

    def _cancel(self, key: str, job: str | None, at: float) -> Iterator[Command]:
        entry = self._entries.get(key)
        leaving = [] if entry is None else [(name, number) for name, number in entry.jobs.items() if job in (None, name)]
        if entry is None or not leaving:
            return
        for name, _ in leaving:
            del entry.jobs[name]
            entry.places.pop(name, None)
        if entry.jobs or not entry.is_running:
            yield Publish(task=entry.task, outcome=_cancelled(entry.task), wants=tuple(leaving))
            if not entry.jobs:
                self._forget(entry)
            else:
                self._order.put(entry)
            return
        entry.leaving += leaving
        if entry.soft_at is None:
            entry.soft_at = at
            yield CancelSoft(key=key, attempt=entry.attempt)

    def _settle(self, event: Recorded) -> None:
        entry = self._entries.get(event.key)
        if entry is None or entry.is_running:
            return
        for job, number in event.jobs.items():
            if entry.jobs.get(job, math.inf) <= number:
                del entry.jobs[job]
                entry.places.pop(job, None)
        if not entry.jobs:
            self._forget(entry)

    def _overdue(self, entry: Entry, at: float) -> Iterator[Command]:
        if not entry.is_ending and at > entry.deadline + OVERSLEPT_SECONDS:
            entry.alive_at = at
            return
        if entry.hard_at is not None:
            yield from self._lose(entry, "it could not be killed")
            return
        entry.hard_at = at
        entry.hung = entry.soft_at is None
        yield CancelHard(key=entry.task.key, attempt=entry.attempt)

    def _end_cancelled(self, entry: Entry) -> Iterator[Command]:
        """It has stopped. Those who left are told; whoever came in the meantime gets it started anew."""
        yield Publish(task=entry.task, outcome=_cancelled(entry.task), wants=tuple(entry.leaving))
        entry.leaving = []
        entry.soft_at = entry.hard_at = None
        entry.hung = False
        if entry.jobs:
            self._order.put_as_ranked(entry)
        else:
            self._forget(entry)

    def _started(self, key: str, attempt: int) -> Entry | None:
        entry = self._running.get(key)
        return entry if entry is not None and entry.attempt == attempt else None

    def _stopped(self, entry: Entry) -> None:
        self._order.changed()
        entry.is_running = entry.is_asleep = False
        del self._running[entry.task.key]

    def _forget(self, entry: Entry) -> None:
        del self._entries[entry.task.key]
        self._order.forget(entry.task.key)


def _with_share(task: Task, among: int) -> Task:
    """``task`` with its part of the cores where so many run at once."""
    match task:
        case ProxyTask() | PrerenderTask():
            return replace(task, cores=max(1, task.cores // among))
    return task


def _count_ending(entries: list[Entry]) -> int:
    return sum(e.is_ending for e in entries)


def _cancelled(task: Task) -> Failed:
    return Failed(key=task.key, error="TaskCancelledError", message="stopped", path=task.label)
