"""The queue that stays: one thread owns its state; submissions, cancels and priorities come from any thread, at any time.

What is wanted is in the journal before it is begun; what was made is on record before the journal says that it is over. So a
queue that is killed goes on where it was, and what it does twice by that comes to the same.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from otio_perf.errors import OtioPerfError, TaskCancelledError
from otio_perf.model.events import Notice, Outcome
from otio_perf.model.tasks import Task
from otio_perf.model.views import QueueView, TaskView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue import messages, priority, replay
from otio_perf.render_queue.backend import Backend
from otio_perf.render_queue.journal import Journal, Kept
from otio_perf.render_queue.loop import Loop
from otio_perf.render_queue.priority import Focus, Place
from otio_perf.render_queue.progress import Progress
from otio_perf.render_queue.recording import RETRY_SECONDS, Recorder, Teller

T = TypeVar("T")

#: Tasks of a submission that are written, and begun, before the others are: doubled from part to part.
_FIRST_WRITTEN, _MOST_WRITTEN = 8, 64

#: Moves of the playhead count so often: who scrubs through a long timeline would have it sorted anew for every frame.
LOOK_SECONDS = 0.2

#: Events that change one task at most, which is told for itself.
_QUIET = (messages.Tick, messages.Progressed, messages.Finished, messages.WorkerLost, messages.Recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanged:
    """Order, jobs or background have changed: ask anew."""


QueueEvent = TaskView | QueueChanged | Notice
QueueListener = Callable[[QueueEvent], None]
Record = Callable[[tuple[str, ...], Task, Outcome], None]
"""Called with the jobs that wanted the task, and its outcome, before anybody hears of it: what was made is put on record. After
a crash it may be called again with the same: what it does must come to the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a job's new wishes come to: keys of tasks."""

    new: tuple[str, ...]
    kept: tuple[str, ...]
    cancelled: tuple[str, ...]


class LiveQueue:
    """Use as a context manager, or ``start`` and ``close``.

    :param record: see ``Record``
    :param journal: where an earlier queue left what was not over; ``None``: nothing outlives this one. Closed with the queue.
    :param backend: closed with the queue. It has more capacity than postures have slots, so that long tasks can sleep while
        urgent ones run.
    """

    def __init__(self, backend: Backend, *, record: Record, journal: Journal | None = None) -> None:
        self._backend, self._record = backend, record
        self._loop = Loop(backend, self._told)
        self._progress = Progress()
        self._posture, self._is_posture_new = Posture(slots=backend.capacity), False
        self._number = self._published = 0  # of the last submission, and outcome
        self._lock = threading.Lock()  # of state and progress: the queue's thread changes them under it, others look
        self._inbox: deque[Callable[[], None]] = deque()
        self._journal = journal
        self._unwritten: list[Kept] = []  # the journal could not take them yet
        self._holds: dict[str, str] = {}  # why nothing may run, by what cannot be done
        self._recorder, self._teller = Recorder(self._record_fails), Teller()
        self._unrecorded: dict[int, messages.Publish] = {}  # by a number of their own
        self._recorded: deque[int] = deque()  # and since put on record
        self._looks: dict[str, Focus | None] = {}  # where the user is, as far as the state does not know yet
        self._looked_at = -math.inf
        self._listeners: list[QueueListener] = []
        self._gate = threading.Lock()  # nothing comes into the inbox once the queue is closing
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="render-queue", daemon=True)

    def start(self) -> None:
        """:raises CacheError: the journal cannot be read"""
        self._teller.start()
        self._recorder.start()
        try:
            self._restore()
        except BaseException:
            self.close()
            raise
        self._take_posture()
        self._thread.start()

    def close(self) -> None:
        """Ask running tasks to stop, wait ``entry.GRACE_SECONDS``, kill the rest. What has no outcome stays in the journal."""
        with self._gate:
            if self._is_closing:
                return
            self._is_closing = True
        self._backend.interrupt()
        if self._thread.ident is not None:
            self._thread.join()
        self._loop.wind_down()
        self._recorder.close()
        self._take_posts()  # what was recorded since
        self._teller.close()
        if self._journal is not None:
            self._journal.close()
        self._backend.close()

    def __enter__(self) -> LiveQueue:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- wishes --------------------------------------------------------------------------------------------------------

    def submit(
        self,
        job: str,
        tasks: Sequence[Task],
        *,
        places: Mapping[str, Sequence[Place]] | None = None,
        label: str = "",
        kind: str = "request",
        priority: int = 0,
    ) -> None:
        """``job`` wants ``tasks`` besides what it wants already.

        :param places: frames of timelines that they serve, by task key
        :param label: of the job, for people; :param kind: timeline, folder, request
        :param priority: above 0: before what waits, and in the place of a long task that runs
        :raises TaskCancelledError: the queue is closed (so all methods that change something)
        """
        self._ask(lambda: self._submit(job, tasks, places or {}, label or job, kind, priority))

    def replace(
        self,
        job: str,
        tasks: Sequence[Task],
        *,
        places: Mapping[str, Sequence[Place]] | None = None,
        label: str = "",
        kind: str = "request",
    ) -> Difference:
        """``job`` wants just ``tasks`` from now on: what it no longer wants is cancelled, what it still wants goes on."""

        def swap() -> Difference:
            wanted = {task.key for task in tasks}
            held = {e.task.key for e in self._loop.state.entries() if job in e.jobs}
            obsolete = tuple(e.task.key for e in self._loop.state.entries() if job in e.jobs and e.task.key not in wanted)
            now = time.monotonic()
            self._wish(*(messages.CancelRequested(job=job, key=key, at=now) for key in obsolete))
            self._submit(job, tasks, places or {}, label or job, kind)
            return Difference(
                new=tuple(dict.fromkeys(t.key for t in tasks if t.key not in held)),
                kept=tuple(dict.fromkeys(t.key for t in tasks if t.key in held)),
                cancelled=obsolete,
            )

        return self._ask(swap)

    def cancel(self, *, job: str | None = None, task: str | None = None) -> None:
        """All that ``job`` wants; ``task`` (a key) for everybody; both: ``task`` for ``job``. What is unknown has ended."""
        if job is None and task is None:
            raise ValueError("cancel takes a job, a task, or both; clear() cancels everything")
        self._ask(lambda: self._wish(messages.CancelRequested(job=job, key=task, at=time.monotonic())))

    def clear(self) -> None:
        """Cancel all tasks of all jobs."""
        self._ask(lambda: self._wish(messages.CancelRequested(job=None, at=time.monotonic())))

    def pause(self) -> None:
        """Start nothing, put to sleep what runs, until ``resume``."""
        self._ask(lambda: self._wish(messages.PauseRequested(at=time.monotonic())))

    def resume(self) -> None:
        self._ask(lambda: self._wish(messages.ResumeRequested(at=time.monotonic())))

    def prioritize(
        self, *, task: str | None = None, timeline: str | None = None, start: int | None = None, stop: int | None = None
    ) -> None:
        """``task`` next, or what serves frames ``[start, stop)`` of ``timeline``, before all that was asked for earlier."""

        def raise_them() -> None:
            entries = self._loop.state.entries()
            keys: tuple[str, ...]
            if task is not None:
                keys = (task,)
            else:
                first, last = start or 0, (1 << 62) if stop is None else stop
                keys = tuple(
                    e.task.key
                    for e in entries
                    if any(priority.touches(p, timeline or "", first, last) for places in e.places.values() for p in places)
                )
            highest = max((e.priority for e in entries), default=0)
            self._wish(messages.Prioritized(keys=keys, priority=max(0, highest) + 1, at=time.monotonic()))

        self._ask(raise_them)

    def focus(self, timeline: str, playhead: int | None = None, pins: Sequence[tuple[int, int]] = ()) -> None:
        """Where the user is in ``timeline``, and what is pinned there. Returns at once; the next free slot goes by it."""
        self._looks[timeline] = Focus(playhead=playhead, pins=tuple(pins))
        self._backend.interrupt()

    def unfocus(self, timeline: str) -> None:
        """Nobody looks at it any more."""
        self._looks[timeline] = None
        self._backend.interrupt()

    def set_posture(self, posture: Posture) -> None:
        """How much may run from now on. Returns at once; within a second it is so."""
        if posture != self._posture:
            self._posture, self._is_posture_new = posture, True
            self._backend.interrupt()

    # -- what is -------------------------------------------------------------------------------------------------------

    @property
    def posture(self) -> Posture:
        return self._posture

    def progress(self, offset: int = 0, limit: int = 200) -> QueueView:
        """Tasks that run, that wait in their order, that ended, newest first: a page of them; and all jobs."""
        with self._lock:
            hold = "; ".join(self._holds.values())
            return self._progress.view(self._loop.state, self._posture, hold, time.monotonic(), offset=offset, limit=limit)

    @property
    def is_idle(self) -> bool:
        """Nothing runs, and nothing waits."""
        return self._loop.state.is_idle

    def __contains__(self, key: object) -> bool:
        """Does anybody want the task ``key``, and has no outcome yet?"""
        return key in self._loop.state

    def wanted(self, job: str) -> tuple[str, ...]:
        """Keys of tasks that ``job`` has no outcome of yet."""
        with self._lock:
            return tuple(e.task.key for e in self._loop.state.entries() if job in e.jobs)

    def subscribe(self, listener: QueueListener) -> Callable[[], None]:
        """Call ``listener`` with all that happens from now on, from one thread, in order. :returns: what ends it"""
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    # -- the queue's thread --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            self._take_posts()
            if self._is_closing:
                break
            if self._is_posture_new or self._inbox or self._recorded:
                continue  # it came while a submission was written, which took the interrupt for a report
            waits = [RETRY_SECONDS] if self._unwritten else []
            if self._looks:
                waits.append(max(0.0, self._looked_at + LOOK_SECONDS - time.monotonic()))
            report = self._loop.next_report(min(waits, default=None))
            event = messages.Tick(at=time.monotonic()) if report is None else report
            self._safely(partial(self._handle, event))
            if self._unwritten:
                self._safely(self._flush)

    def _take_posts(self) -> None:
        self._take_urgent()
        while self._inbox:
            self._safely(self._inbox.popleft())
        if self._recorded:
            self._safely(self._settle)

    def _take_urgent(self) -> None:
        """What cannot wait until a long submission is written."""
        if self._is_posture_new:
            self._is_posture_new = False
            self._safely(self._take_posture)
        if self._looks and time.monotonic() >= self._looked_at + LOOK_SECONDS:
            self._safely(self._look)

    def _look(self) -> None:
        """What is pinned outlives the queue; playheads move often, and are not kept."""
        self._looked_at = time.monotonic()
        for timeline in tuple(self._looks):
            focus = self._looks.pop(timeline)
            event = messages.Focused(timeline=timeline, focus=focus, at=time.monotonic())
            known = self._loop.state.focus(timeline) or Focus()
            if known.pins == (() if focus is None else focus.pins):
                self._handle(event)
            else:
                self._wish(event)

    def _settle(self) -> None:
        """In one go: whoever cancels ten thousand tasks does not wait for as many writes."""
        events = []
        while self._recorded:
            publish = self._unrecorded.pop(self._recorded.popleft())
            jobs: dict[str, int] = {}
            for job, number in publish.wants:
                jobs[job] = max(number, jobs.get(job, number))
            events.append(messages.Recorded(key=publish.task.key, jobs=jobs, at=time.monotonic()))
        self._wish(*events, is_lasting=False)

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as e:  # noqa: BLE001 (the others want their outcomes all the same)
            self._tell(Notice(text=f"render queue: unforeseen {type(e).__name__}: {e}", is_urgent=True))

    def _restore(self) -> None:
        """What the journal says is not over, is wanted again; what was over and perhaps not recorded, is recorded."""
        if self._journal is None:
            return
        events = self._journal.read(self._snapshot)
        self._number, cancelled = replay.replay(events, self._loop.state, self._progress)
        for publish in cancelled:
            self._publish(publish, time.monotonic())
        self._say_journal_notices()

    def _snapshot(self) -> tuple[messages.Event, ...]:
        return replay.snapshot(self._loop.state, self._unrecorded.values(), self._progress, time.monotonic())

    def _wish(self, *events: Kept, is_lasting: bool = True) -> None:
        """On disk first."""
        if self._journal is not None and events:
            self._unwritten += events
            self._flush(is_lasting=is_lasting)
        for event in events:
            self._handle(event)
        if self._journal is not None and not self._unwritten:
            with suppress(OtioPerfError):  # no room for a copy: it stays long
                self._journal.compact(len(self._loop.state))

    def _flush(self, *, is_lasting: bool = True) -> None:
        """Nothing runs while the journal cannot be written."""
        assert self._journal is not None
        known = () if "journal" in self._holds else self._loop.state
        try:
            self._journal.append(self._unwritten, known=known, is_lasting=is_lasting)
            self._unwritten.clear()
        except OtioPerfError as e:
            self._hold("journal", str(e))
        else:
            self._release("journal")
        self._say_journal_notices()

    def _say_journal_notices(self) -> None:
        for text in self._journal.notices() if self._journal is not None else ():
            self._tell(Notice(text=text, is_urgent=True))

    def _hold(self, what: str, reason: str) -> None:
        if what not in self._holds:
            self._holds[what] = reason
            self._tell(Notice(text=f"{reason}; the queue waits until that is over", is_urgent=True))
            self._take_posture()

    def _release(self, what: str) -> None:
        if self._holds.pop(what, None) is not None:
            self._tell(Notice(text="the queue goes on"))
            self._take_posture()

    def _record_fails(self, reason: str) -> None:
        self._inbox.append(lambda: self._hold("record", reason) if reason else self._release("record"))
        self._backend.interrupt()

    def _handle(self, event: messages.Event) -> None:
        with self._lock:
            self._loop.handle(event)
            if isinstance(event, messages.Progressed):
                self._progress.progressed(event.key, event.done)
                if entry := self._loop.state.entry(event.key):
                    self._tell(self._progress.task(entry, time.monotonic()))
        if not isinstance(event, _QUIET):
            self._tell(QueueChanged())

    def _submit(
        self,
        job: str,
        tasks: Sequence[Task],
        places: Mapping[str, Sequence[Place]],
        label: str,
        kind: str,
        importance: int = 0,
    ) -> None:
        """A thousand prerenders take a second to write: the most urgent begin while the others are written."""
        self._number += 1
        with self._lock:
            self._progress.submitted(job, label, kind, tasks)
        ordered = sorted(tasks, key=lambda task: self._loop.state.urgency(task.kind, places.get(task.key, ())))
        start, size = 0, _FIRST_WRITTEN
        while True:
            part, start, size = ordered[start : start + size], start + size, min(2 * size, _MOST_WRITTEN)
            event = messages.Submitted(
                job=job,
                tasks=tuple(part),
                priority=importance,
                places={task.key: tuple(places[task.key]) for task in part if task.key in places},
                label=label,
                kind=kind,
                number=self._number,
                at=time.monotonic(),
            )
            is_last = start >= len(ordered)
            self._wish(event, is_lasting=is_last)  # what was written before lasts with it
            if is_last:
                return
            if self._is_closing:
                raise TaskCancelledError("the queue is closed")
            self._take_urgent()
            while (report := self._backend.next_report(0.0)) is not None:
                self._handle(report)

    def _told(self, command: messages.Command) -> None:
        now = time.monotonic()
        self._progress.told(command, now)
        match command:
            case messages.Start(task=task, is_retry=is_retry):
                if is_retry:
                    self._tell(Notice(text=f"{task.label}: the process that worked on it died, starting again"))
                if entry := self._loop.state.entry(task.key):
                    self._tell(self._progress.task(entry, now))
            case messages.Suspend() | messages.Continue():
                if entry := self._loop.state.entry(command.key):
                    self._tell(self._progress.task(entry, now))
            case messages.Publish():
                self._publish(command, now)

    def _publish(self, command: messages.Publish, now: float) -> None:
        left = self._loop.state.entry(command.task.key)
        view = self._progress.published(command, left, now)
        if left is not None:
            self._tell(view)
        self._published += 1
        number = self._published
        self._unrecorded[number] = command

        def then() -> None:
            if left is None:
                self._tell(view)
            self._recorded.append(number)
            self._backend.interrupt()

        self._recorder.record(lambda: self._record(command.jobs, command.task, command.outcome), then)

    def _take_posture(self) -> None:
        posture = self._posture
        self._backend.set_niceness(posture.niceness)
        slots = 0 if posture.suspended or self._holds else min(posture.slots, self._backend.capacity)
        self._handle(messages.CapacityChanged(slots=slots, workers=self._backend.capacity, at=time.monotonic()))

    # -- between threads -----------------------------------------------------------------------------------------------

    def _post(self, work: Callable[[], None]) -> bool:
        """Have the queue's thread do it. False: it is closing, and will not."""
        with self._gate:
            if self._is_closing:
                return False
            self._inbox.append(work)
        self._backend.interrupt()
        return True

    def _ask(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done by the queue's thread."""
        future: Future[T] = Future()

        def answer() -> None:
            try:
                future.set_result(work())
            except BaseException as e:  # noqa: BLE001 (it is raised where it was asked for)
                future.set_exception(e)

        if not self._post(answer):
            raise TaskCancelledError("the queue is closed")
        return future.result()

    def _tell(self, event: QueueEvent) -> None:
        def spread() -> None:
            for listener in tuple(self._listeners):
                with suppress(Exception):  # its own business
                    listener(event)

        self._teller.put(spread)
