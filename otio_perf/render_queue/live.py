"""The queue that stays: what is wanted comes from any thread, at any time, and one thread does it (``working``)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from otio_perf.model.tasks import Task
from otio_perf.model.views import QueueView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue import messages, priority
from otio_perf.render_queue.backend import Backend
from otio_perf.render_queue.inbox import Inbox
from otio_perf.render_queue.journal import Journal
from otio_perf.render_queue.priority import Focus, Place
from otio_perf.render_queue.telling import Teller
from otio_perf.render_queue.working import QueueEvent, Record, Working

QueueListener = Callable[[QueueEvent], None]


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
        self._backend = backend
        self._inbox, self._teller = Inbox(backend.interrupt), Teller[QueueEvent]()
        self._working = Working(backend, self._inbox, self._teller.tell, record=record, journal=journal)
        self._thread = threading.Thread(target=self._working.run, name="render-queue", daemon=True)

    def start(self) -> None:
        """:raises CacheError: the journal cannot be read"""
        self._teller.start()
        try:
            self._working.restore()
        except BaseException:
            self.close()
            raise
        self._thread.start()

    def close(self) -> None:
        """Ask running tasks to stop, wait ``entry.GRACE_SECONDS``, kill the rest. What has no outcome stays in the journal."""
        if not self._inbox.close():
            return
        self._backend.interrupt()
        if self._thread.ident is not None:
            self._thread.join()
        self._working.wind_down()
        self._teller.close()
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
        self._inbox.ask(lambda: self._working.submit(job, tasks, places or {}, label or job, kind, priority))

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
            held = {e.task.key for e in self._working.state.entries() if job in e.jobs}
            obsolete = tuple(e.task.key for e in self._working.state.entries() if job in e.jobs and e.task.key not in wanted)
            now = time.monotonic()
            self._working.wish(*(messages.CancelRequested(job=job, key=key, at=now) for key in obsolete))
            self._working.submit(job, tasks, places or {}, label or job, kind)
            return Difference(
                new=tuple(dict.fromkeys(t.key for t in tasks if t.key not in held)),
                kept=tuple(dict.fromkeys(t.key for t in tasks if t.key in held)),
                cancelled=obsolete,
            )

        return self._inbox.ask(swap)

    def cancel(self, *, job: str | None = None, task: str | None = None) -> None:
        """All that ``job`` wants; ``task`` (a key) for everybody; both: ``task`` for ``job``. What is unknown has ended."""
        if job is None and task is None:
            raise ValueError("cancel takes a job, a task, or both; clear() cancels everything")
        self._inbox.ask(lambda: self._working.wish(messages.CancelRequested(job=job, key=task, at=time.monotonic())))

    def clear(self) -> None:
        """Cancel all tasks of all jobs."""
        self._inbox.ask(lambda: self._working.wish(messages.CancelRequested(job=None, at=time.monotonic())))

    def pause(self) -> None:
        """Start nothing, put to sleep what runs, until ``resume``."""
        self._inbox.ask(lambda: self._working.wish(messages.PauseRequested(at=time.monotonic())))

    def resume(self) -> None:
        self._inbox.ask(lambda: self._working.wish(messages.ResumeRequested(at=time.monotonic())))

    def prioritize(
        self, *, task: str | None = None, timeline: str | None = None, start: int | None = None, stop: int | None = None
    ) -> None:
        """``task`` next, or what serves frames ``[start, stop)`` of ``timeline``, before all that was asked for earlier."""

        def raise_them() -> None:
            entries = self._working.state.entries()
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
            self._working.wish(messages.Prioritized(keys=keys, priority=max(0, highest) + 1, at=time.monotonic()))

        self._inbox.ask(raise_them)

    def focus(self, timeline: str, playhead: int | None = None, pins: Sequence[tuple[int, int]] = ()) -> None:
        """Where the user is in ``timeline``, and what is pinned there. Returns at once; the next free slot goes by it."""
        self._working.look(timeline, Focus(playhead=playhead, pins=tuple(pins)))

    def unfocus(self, timeline: str) -> None:
        """Nobody looks at it any more."""
        self._working.look(timeline, None)

    def set_posture(self, posture: Posture) -> None:
        """How much may run from now on. Returns at once; within a second it is so."""
        self._working.set_posture(posture)

    # -- what is -------------------------------------------------------------------------------------------------------

    @property
    def posture(self) -> Posture:
        return self._working.posture

    def progress(self, offset: int = 0, limit: int = 200) -> QueueView:
        """Tasks that run, that wait in their order, that ended, newest first: a page of them; and all jobs."""
        working = self._working
        with working.lock:
            hold = "; ".join(working.holds.values())
            return working.progress.view(working.state, working.posture, hold, time.monotonic(), offset=offset, limit=limit)

    @property
    def is_idle(self) -> bool:
        """Nothing runs, and nothing waits."""
        return self._working.state.is_idle

    def __contains__(self, key: object) -> bool:
        """Does anybody want the task ``key``, and has no outcome yet?"""
        return key in self._working.state

    def wanted(self, job: str) -> tuple[str, ...]:
        """Keys of tasks that ``job`` has no outcome of yet."""
        with self._working.lock:
            return tuple(e.task.key for e in self._working.state.entries() if job in e.jobs)

    def subscribe(self, listener: QueueListener) -> Callable[[], None]:
        """Call ``listener`` with all that happens from now on, from one thread, in order. :returns: what ends it"""
        return self._teller.subscribe(listener)
