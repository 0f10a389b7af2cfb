"""The queue that stays: one thread owns its state; submissions, cancels and priorities come from any thread, at any time.

Another thread hands on what comes of it, in order: first an outcome is put on record, then those who listen hear of it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from otio_perf.errors import OtioPerfError, TaskCancelledError
from otio_perf.model.events import Notice, Outcome
from otio_perf.model.tasks import Task
from otio_perf.model.views import QueueView, TaskView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue import priority, state
from otio_perf.render_queue.backend import Backend, Clock
from otio_perf.render_queue.loop import Loop
from otio_perf.render_queue.priority import Focus, Place
from otio_perf.render_queue.progress import Progress

T = TypeVar("T")


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

    :param backend: closed with the queue. It has more capacity than postures have slots, so that long tasks can sleep while
        urgent ones run.
    """

    def __init__(self, backend: Backend, *, record: Record, clock: Clock = time.monotonic) -> None:
        self._backend, self._record, self._clock = backend, record, clock
        self._loop = Loop(backend, self._told, clock=clock)
        self._progress = Progress()
        self._posture = Posture(slots=backend.capacity)
        self._number = 0  # of the last submission
        self._lock = threading.Lock()  # of state and progress: held by the queue's thread while it handles, by others to look
        self._inbox: deque[Callable[[], None]] = deque()
        self._outbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._listeners: list[QueueListener] = []
        self._gate = threading.Lock()  # nothing comes into the inbox once the queue is closing
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="render-queue", daemon=True)
        self._herald = threading.Thread(target=self._hand_on, name="render-queue-herald", daemon=True)

    def start(self) -> None:
        self._post(self._take_posture)
        self._herald.start()
        self._thread.start()

    def close(self) -> None:
        """Ask running tasks to stop, wait ``state.GRACE_SECONDS``, kill the rest. What has no outcome gets none."""
        with self._gate:
            if self._is_closing:
                return
            self._is_closing = True
        self._backend.interrupt()
        if self._thread.ident is not None:
            self._thread.join()
            self._outbox.put(None)
            self._herald.join()
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
    ) -> None:
        """``job`` wants ``tasks`` besides what it wants already.

        :param places: frames of timelines that they serve, by task key
        :param label: of the job, for people; :param kind: timeline, folder, request
        :raises TaskCancelledError: the queue is closed (so all methods that change something)
        """
        self._ask(lambda: self._submit(job, tasks, places or {}, label or job, kind))

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
            for key in obsolete:
                self._handle(state.CancelRequested(job=job, key=key, at=self._clock()))
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
        self._ask(lambda: self._handle(state.CancelRequested(job=job, key=task, at=self._clock())))

    def clear(self) -> None:
        """Cancel all tasks of all jobs."""
        self._ask(lambda: self._handle(state.CancelRequested(job=None, at=self._clock())))

    def pause(self) -> None:
        """Start nothing, put to sleep what runs, until ``resume``."""
        self._ask(lambda: self._handle(state.PauseRequested(at=self._clock())))

    def resume(self) -> None:
        self._ask(lambda: self._handle(state.ResumeRequested(at=self._clock())))

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
            self._handle(state.Prioritized(keys=keys, priority=max(0, highest) + 1, at=self._clock()))

        self._ask(raise_them)

    def focus(self, timeline: str, playhead: int | None = None, pins: Sequence[tuple[int, int]] = ()) -> None:
        """Where the user is in ``timeline``, and what is pinned there. Returns at once; the next free slot goes by it."""
        focus = Focus(playhead=playhead, pins=tuple(pins))
        self._post(lambda: self._handle(state.Focused(timeline=timeline, focus=focus, at=self._clock())))

    def unfocus(self, timeline: str) -> None:
        """Nobody looks at it any more."""
        self._post(lambda: self._handle(state.Focused(timeline=timeline, focus=None, at=self._clock())))

    def set_posture(self, posture: Posture) -> None:
        """How much may run from now on. Returns at once; within a second it is so."""

        def take() -> None:
            if posture != self._posture:
                self._posture = posture
                self._take_posture()

        self._post(take)

    # -- what is -------------------------------------------------------------------------------------------------------

    @property
    def posture(self) -> Posture:
        return self._posture

    def progress(self, offset: int = 0, limit: int = 200) -> QueueView:
        """Tasks that run, that wait in their order, that ended, newest first: a page of them; and all jobs."""
        with self._lock:
            return self._progress.view(self._loop.state, self._posture, "", self._clock(), offset=offset, limit=limit)

    @property
    def is_idle(self) -> bool:
        """Nothing runs, and nothing waits."""
        return self._loop.state.is_idle

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
            while self._inbox:
                self._safely(self._inbox.popleft())
            if self._is_closing:
                break
            report = self._loop.next_report()
            event = state.Tick(at=self._clock()) if report is None else report
            self._safely(partial(self._handle, event))
        self._loop.wind_down()

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            with self._lock:
                work()
        except Exception as e:  # noqa: BLE001 (the others want their outcomes all the same)
            self._tell(Notice(text=f"render queue: unforeseen {type(e).__name__}: {e}", is_urgent=True))

    def _handle(self, event: state.Event) -> None:
        self._loop.handle(event)
        if isinstance(event, state.Progressed):
            self._progress.progressed(event.key, event.done)
            if entry := self._loop.state.entry(event.key):
                self._tell(self._progress.task(entry, self._clock()))
        elif not isinstance(event, (state.Tick, state.Finished, state.WorkerLost)):
            self._tell(QueueChanged())

    def _submit(self, job: str, tasks: Sequence[Task], places: Mapping[str, Sequence[Place]], label: str, kind: str) -> None:
        self._number += 1
        self._progress.submitted(job, label, kind, tasks)
        wanted = {task.key for task in tasks}
        self._handle(
            state.Submitted(
                job=job,
                tasks=tuple(tasks),
                places={key: tuple(where) for key, where in places.items() if key in wanted},
                number=self._number,
                at=self._clock(),
            )
        )

    def _told(self, command: state.Command) -> None:
        now = self._clock()
        self._progress.told(command, now)
        match command:
            case state.Start(task=task, is_retry=is_retry):
                if is_retry:
                    self._tell(Notice(text=f"{task.label}: the process that worked on it died, starting again"))
                if entry := self._loop.state.entry(task.key):
                    self._tell(self._progress.task(entry, now))
            case state.Suspend() | state.Continue():
                if entry := self._loop.state.entry(command.key):
                    self._tell(self._progress.task(entry, now))
            case state.Publish():
                self._publish(command, now)

    def _publish(self, command: state.Publish, now: float) -> None:
        view = self._progress.published(command, now)

        self._outbox.put(lambda: self._record(command.jobs, command.task, command.outcome))
        self._tell(view)

    def _take_posture(self) -> None:
        posture = self._posture
        self._backend.set_niceness(posture.niceness)
        slots = 0 if posture.suspended else min(posture.slots, self._backend.capacity)
        self._handle(state.CapacityChanged(slots=slots, workers=self._backend.capacity, at=self._clock()))

    # -- between threads -----------------------------------------------------------------------------------------------

    def _post(self, work: Callable[[], None]) -> None:
        with self._gate:
            if self._is_closing:
                raise TaskCancelledError("the queue is closed")
            self._inbox.append(work)
        self._backend.interrupt()

    def _ask(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done by the queue's thread."""
        future: Future[T] = Future()

        def answer() -> None:
            try:
                future.set_result(work())
            except BaseException as e:  # noqa: BLE001 (it is raised where it was asked for)
                future.set_exception(e)

        self._post(answer)
        return future.result()

    def _tell(self, event: QueueEvent) -> None:
        self._outbox.put(lambda: self._spread(event))

    def _spread(self, event: QueueEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def _hand_on(self) -> None:
        while (work := self._outbox.get()) is not None:
            try:
                work()
            except OtioPerfError as e:
                self._spread(Notice(text=str(e), is_urgent=True))
            except Exception as e:  # noqa: BLE001 (the others want to hear)
                self._spread(Notice(text=f"unforeseen {type(e).__name__}: {e}", is_urgent=True))
