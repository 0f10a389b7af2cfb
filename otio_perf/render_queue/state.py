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

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from otio_perf.model.events import Calibrated, Failed, Outcome, Prerendered, Probed, Ready, Skipped
from otio_perf.model.tasks import PrerenderTask, ProxyTask, Task
from otio_perf.render_queue import priority
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
from otio_perf.render_queue.priority import Focus, Place, Rank

#: A task whose worker died is started again so many times.
RETRIES = 2
#: From a soft cancel to the hard one.
GRACE_SECONDS = 0.4
#: A worker that even a kill did not end is given up after so long; its task ends, its slot is believed free.
UNKILLABLE_SECONDS = 5.0
#: A ``Tick`` that comes so much too late says that the machine, or we, have slept: then nobody has stalled.
OVERSLEPT_SECONDS = 5.0


Row = tuple[tuple[int, Rank, int], str]
"""``Entry.order``, and the key of its task."""


@dataclass(slots=True)
class Entry:
    """A task that has no outcome yet. Others read it only."""

    task: Task
    sequence: int
    priority: int
    jobs: dict[str, int] = field(default_factory=dict)  # that want it, with the number of their submission
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)  # by job
    rank: Rank = field(default_factory=Rank)
    leaving: list[tuple[str, int]] = field(default_factory=list)  # cancelled while it runs: they learn how it ended
    attempt: int = 0
    is_running: bool = False
    is_asleep: bool = False
    losses: int = 0
    alive_at: float = 0.0  # last sign of life
    soft_at: float | None = None
    hard_at: float | None = None
    hung: bool = False  # killed for lack of progress

    @property
    def order(self) -> tuple[int, Rank, int]:
        """The smallest comes first."""
        return -self.priority, self.rank, self.sequence

    @property
    def is_urgent(self) -> bool:
        return self.priority > 0 or self.rank.is_urgent

    @property
    def is_ending(self) -> bool:
        return self.soft_at is not None or self.hard_at is not None


class QueueState:
    """All tasks that have no outcome yet."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._running: dict[str, Entry] = {}
        #: Heaps of what waits: "" for a slot, the others for what is held, by its name. Rows that no longer hold are skipped.
        self._rows: dict[str, list[Row]] = {"": []}
        self._sorted: list[Entry] | None = None  # those that wait, where nothing has changed since they were sorted
        self._focuses: dict[str, Focus] = {}  # by timeline
        self._serving: dict[str, set[str]] = {}  # keys of tasks that serve a timeline, or did when they were asked for
        self._moved: set[str] = set()  # timelines in which the user looks elsewhere since their tasks were ranked
        self._looks = 0
        self._slots = self._workers = 0
        self._next: Entry | None = None  # that may start, as long as that is known
        self._is_next_known = False
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
        self._refresh_order()
        if self._sorted is None:
            self._sorted = sorted((e for e in self._entries.values() if not e.is_running), key=_order)
        return tuple([e.task.key for e in self._sorted])

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
        return self._focuses.get(timeline)

    def urgency(self, kind: str, places: Sequence[Place]) -> Rank:
        """That a task would have here."""
        return priority.rank(kind, places, self._focuses)

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
        events += [Focused(timeline=timeline, focus=focus, at=at) for timeline, focus in self._focuses.items()]
        return (*events, *([PauseRequested(at=at)] if self._paused else []))

    def next_deadline(self) -> float | None:
        """When a ``Tick`` is due at the latest; ``None``: no time matters."""
        due = min(map(_deadline, self._running.values()), default=math.inf)
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
                        self._enqueue(entry)
            case Focused():
                self._focuses.pop(event.timeline, None)
                if event.focus is not None:
                    self._looks += 1
                    self._focuses[event.timeline] = replace(event.focus, number=self._looks)
                self._moved.add(event.timeline)
            case Recorded():
                self._settle(event)
            case Tick():
                for entry in [e for e in self._running.values() if _deadline(e) <= event.at]:
                    yield from self._overdue(entry, event.at)

    def _submit(self, event: Submitted) -> None:
        for task in event.tasks:
            entry = self._entries.get(task.key)
            if entry is None:
                self._sequence += 1
                entry = self._entries[task.key] = Entry(task, self._sequence, event.priority)
            entry.jobs[event.job] = event.number  # it may be leaving at the same time: then it gets two outcomes
            entry.places[event.job] = places = event.places.get(task.key, ())
            for place in places:
                self._serving.setdefault(place.timeline, set()).add(task.key)
            entry.priority = max(entry.priority, event.priority)
            entry.rank = self._rank(entry)
            self._enqueue(entry)

    def _fill_slots(self, at: float) -> Iterator[Command]:
        slots = 0 if self._paused else self._slots
        awake = [e for e in self._running.values() if not e.is_asleep]
        if len(awake) > slots:
            for entry in sorted((e for e in awake if not e.is_ending), key=_order)[max(0, slots - _count_ending(awake)) :]:
                yield self._sleep(entry)
                awake.remove(entry)
        while len(awake) < slots:
            sleeping = min((e for e in self._running.values() if e.is_asleep), key=_order, default=None)
            waiting = self._next_waiting()
            if sleeping is not None and (waiting is None or not _goes_before(waiting, sleeping)):
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
            waiting, least = self._next_waiting(), max(able, key=_order)
            if waiting is None or not _goes_before(waiting, least):
                return
            yield self._sleep(least)
            awake.remove(least)
            awake.append(waiting)
            yield self._start(waiting, at)

    def _next_waiting(self) -> Entry | None:
        """The task that would be started next; ``None`` where none may be."""
        if len(self._running) >= self._workers:
            return None
        self._refresh_order()
        if not self._is_next_known:
            self._next, self._is_next_known = self._first_free(), True
        return self._next

    def _first_free(self) -> Entry | None:
        """The first that waits for nothing which a started task holds. Who does is put aside until that is free."""
        held = Counter(name for entry in self._running.values() for name in entry.task.holds)
        self._rows = {name: rows for name, rows in self._rows.items() if rows or not name}
        while True:
            heads = [(head, name) for name, rows in self._rows.items() if (head := self._head(rows)) is not None]
            free = [(head, name) for head, name in heads if held[name] < head.task.holds.get(name, 1)]
            if not free:
                return None
            entry, name = min(free, key=lambda found: found[0].order)
            full = next((other for other, most in entry.task.holds.items() if held[other] >= most), None)
            if full is None:
                return entry
            heapq.heappush(self._rows.setdefault(full, []), heapq.heappop(self._rows[name]))

    def _head(self, rows: list[Row]) -> Entry | None:
        while rows:
            order, key = rows[0]
            entry = self._entries.get(key)
            if entry is not None and not entry.is_running and entry.order == order:
                return entry
            heapq.heappop(rows)
        return None

    def _start(self, entry: Entry, at: float) -> Start:
        self._changed()
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

    def _refresh_order(self) -> None:
        """Once for however many moves of the playhead came since an order was last needed."""
        for timeline in self._moved:
            for key in self._serving.get(timeline, ()):
                entry = self._entries[key]
                entry.rank = self._rank(entry)
                self._enqueue(entry)
        self._moved.clear()
        if sum(map(len, self._rows.values())) > 100 + 3 * len(self._entries):
            self._rows = {"": sorted((e.order, e.task.key) for e in self._entries.values() if not e.is_running)}

    def _rank(self, entry: Entry) -> Rank:
        return priority.rank(entry.task.kind, [p for places in entry.places.values() for p in places], self._focuses)

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
            self._enqueue(entry)
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
                entry.rank = self._rank(entry)
                self._enqueue(entry)
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
        if not entry.is_ending and at > _deadline(entry) + OVERSLEPT_SECONDS:
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
            self._enqueue(entry)
        else:
            self._forget(entry)

    def _started(self, key: str, attempt: int) -> Entry | None:
        entry = self._running.get(key)
        return entry if entry is not None and entry.attempt == attempt else None

    def _stopped(self, entry: Entry) -> None:
        self._changed()
        entry.is_running = entry.is_asleep = False
        del self._running[entry.task.key]

    def _forget(self, entry: Entry) -> None:
        self._changed()
        del self._entries[entry.task.key]
        for keys in self._serving.values():
            keys.discard(entry.task.key)

    def _changed(self) -> None:
        """What waits, what runs, or their order."""
        self._sorted, self._is_next_known = None, False

    def _enqueue(self, entry: Entry) -> None:
        self._changed()
        if not entry.is_running:
            heapq.heappush(self._rows[""], (entry.order, entry.task.key))


def _order(entry: Entry) -> tuple[int, Rank, int]:
    return entry.order


def _with_share(task: Task, among: int) -> Task:
    """``task`` with its part of the cores where so many run at once."""
    match task:
        case ProxyTask() | PrerenderTask():
            return replace(task, cores=max(1, task.cores // among))
    return task


def _goes_before(waiting: Entry, started: Entry) -> bool:
    """Whether ``started`` sleeps for it: what has begun is finished first, unless somebody waits for just this."""
    return waiting.is_urgent and waiting.order[:2] < started.order[:2] and not started.is_urgent


def _count_ending(entries: list[Entry]) -> int:
    return sum(e.is_ending for e in entries)


def _deadline(entry: Entry) -> float:
    if entry.hard_at is not None:
        return entry.hard_at + UNKILLABLE_SECONDS
    if entry.soft_at is not None:
        return entry.soft_at + GRACE_SECONDS
    return math.inf if entry.is_asleep else entry.alive_at + entry.task.stall_seconds


def _cancelled(task: Task) -> Failed:
    return Failed(key=task.key, error="TaskCancelledError", message="stopped", path=task.label)
