"""Where tasks are done: behind one seam. A backend starts what it is told, reports, and knows nothing of order or retries."""

from __future__ import annotations

import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

from otio_perf.model import wire
from otio_perf.model.tasks import Task
from otio_perf.render_queue.messages import Finished, Progressed, WorkerLost
from otio_perf.render_queue.reports import Report, outcome_in, unforeseen
from otio_perf.render_queue.slot import Freezer, Slot
from otio_perf.tasks import registry, worker


class Backend(Protocol):
    """``attempt`` comes back in every report, so that late ones can be told apart."""

    @property
    def capacity(self) -> int:
        """How many tasks run at once."""

    def start(self, task: Task, attempt: int) -> None:
        """Begin; never blocks on the work itself, never raises for the task's sake."""

    def cancel(self, key: str, *, hard: bool) -> None:
        """Ask to stop, or kill; the report follows. Unknown keys are ignored: the task has just ended."""

    def suspend(self, key: str) -> None:
        """Put the task to sleep, within a second, where that can be done; it loses nothing. Unknown keys are ignored."""

    def resume(self, key: str) -> None:
        """Wake it. Unknown keys, and tasks that are awake, are ignored."""

    def set_niceness(self, niceness: int) -> None:
        """How much its tasks give way to other programs: 0 not at all, 19 always."""

    def next_report(self, timeout_seconds: float | None) -> Report | None:
        """What happened next; ``None`` if nothing did for so long (``None``: it waits), or at an ``interrupt``."""

    def interrupt(self) -> None:
        """Let ``next_report`` return at once, or the next time that it is called."""

    def close(self) -> None:
        """Kill what runs, free everything."""


class InlineBackend:
    """Tasks as threads of this process: for tests, debugging, and where no process can be started.

    A hard cancel cannot kill a thread: it is reported lost and left behind.
    """

    def __init__(self, workers: int = 1, *, run: worker.Run = registry.run_json) -> None:
        self._workers, self._run = workers, run
        self._reports: SimpleQueue[Report | None] = SimpleQueue()
        self._reins: dict[str, _Reins] = {}

    @property
    def capacity(self) -> int:
        return self._workers

    def start(self, task: Task, attempt: int) -> None:
        reins = self._reins[task.key] = _Reins(attempt)
        threading.Thread(target=self._work, args=(task, reins), name=f"task {task.label}", daemon=True).start()

    def cancel(self, key: str, *, hard: bool) -> None:
        reins = self._reins.get(key)
        if reins is None:
            return
        reins.stop.set()
        reins.awake.set()
        if hard:
            del self._reins[key]
            lost = WorkerLost(key=key, attempt=reins.attempt, reason="its thread was left behind", at=time.monotonic())
            self._reports.put(lost)

    def suspend(self, key: str) -> None:
        if (reins := self._reins.get(key)) and not reins.stop.is_set():
            reins.awake.clear()

    def resume(self, key: str) -> None:
        if reins := self._reins.get(key):
            reins.awake.set()

    def set_niceness(self, niceness: int) -> None:
        """Threads are as nice as their process."""

    def next_report(self, timeout_seconds: float | None) -> Report | None:
        return _next(self._reports, timeout_seconds)

    def interrupt(self) -> None:
        self._reports.put(None)

    def close(self) -> None:
        for reins in self._reins.values():
            reins.stop.set()
            reins.awake.set()

    def __enter__(self) -> InlineBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self, task: Task, reins: _Reins) -> None:
        def report(done: int) -> None:
            self._reports.put(Progressed(key=task.key, attempt=reins.attempt, done=done, at=time.monotonic()))

        try:
            outcome = outcome_in(self._run(wire.dumps(task), worker.throttled(report), reins.is_stopped))
        except BaseException as e:  # noqa: BLE001 (the thread must not end without a report)
            outcome = unforeseen(task, e)
        self._reports.put(Finished(key=task.key, attempt=reins.attempt, outcome=outcome, at=time.monotonic()))


class _Reins:
    """Of a task in a thread."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.stop = threading.Event()
        self.awake = threading.Event()
        self.awake.set()

    def is_stopped(self) -> bool:
        self.awake.wait()
        return self.stop.is_set()


#: Workers that cannot be killed, such as those that wait for a network disk that does not answer, hold their slots. So many
#: are replaced, until they come back.
_MOST_UNKILLABLE = 8
#: For the ends of all workers together, when the backend is closed.
_CLOSE_SECONDS = 2.0


class ProcessBackend:
    """Worker processes on this machine. A crash costs one task; a kill, whenever it comes, is followed by a new worker.

    Each worker has a pipe of its own and shares no lock with anybody: in a pool with one queue for all, a worker that is killed
    while it takes a task leaves the others waiting for the lock that it held.
    Only JSON goes in and out. ``run`` must be importable by its name: workers do not run the caller's main module, so a
    script needs no ``if __name__ == "__main__"`` guard.
    """

    def __init__(self, workers: int, *, run: worker.Run = registry.run_json) -> None:
        self._reports: SimpleQueue[Report | None] = SimpleQueue()
        self._freezer = Freezer()
        self._make_slot = partial(Slot, run, self._reports, self._freezer)
        self._capacity = workers
        self._slots: list[Slot] = []  # made when they are first needed
        self._niceness = 0

    @property
    def capacity(self) -> int:
        return self._capacity

    def start(self, task: Task, attempt: int) -> None:
        slot = next((slot for slot in self._slots if slot.key is None), None)
        if slot is None and len(self._slots) < self._capacity + _MOST_UNKILLABLE:
            slot = self._make_slot()
            slot.set_niceness(self._niceness)
            self._slots.append(slot)
        if slot is None:
            self._reports.put(WorkerLost(key=task.key, attempt=attempt, reason="no free worker", at=time.monotonic()))
        else:
            slot.begin(task, attempt)

    def cancel(self, key: str, *, hard: bool) -> None:
        for slot in self._slots:
            if slot.key == key:
                slot.stop(hard=hard)

    def suspend(self, key: str) -> None:
        for slot in self._slots:
            if slot.key == key:
                slot.sleep()

    def resume(self, key: str) -> None:
        for slot in self._slots:
            if slot.key == key:
                slot.wake()

    def set_capacity(self, workers: int) -> None:
        """What is beyond it ends by itself. From any thread."""
        self._capacity = workers

    def set_niceness(self, niceness: int) -> None:
        if niceness == self._niceness:
            return
        self._niceness = niceness
        for slot in self._slots:
            slot.set_niceness(niceness)

    def pids(self) -> list[int]:
        """Of the workers that live now."""
        return [pid for slot in self._slots if (pid := slot.pid) is not None]

    def next_report(self, timeout_seconds: float | None) -> Report | None:
        return _next(self._reports, timeout_seconds)

    def interrupt(self) -> None:
        self._reports.put(None)

    def close(self) -> None:
        self._freezer.close()
        for slot in self._slots:
            slot.close()
        end = time.monotonic() + _CLOSE_SECONDS
        for slot in self._slots:
            slot.thread.join(max(0.0, end - time.monotonic()))

    def __enter__(self) -> ProcessBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _next(reports: SimpleQueue[Report | None], timeout_seconds: float | None) -> Report | None:
    try:
        return reports.get(timeout=None if timeout_seconds is None else max(timeout_seconds, 0.0))
    except Empty:
        return None
