"""Where tasks are done: behind one seam. A backend starts what it is told, reports, and knows nothing of order or retries."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from pebble import ProcessPool

from otio_perf.errors import TaskError
from otio_perf.model import wire
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.tasks import Task
from otio_perf.render_queue.state import Finished, Progressed, WorkerLost
from otio_perf.tasks import registry, worker

Report = Progressed | Finished | WorkerLost
Clock = Callable[[], float]


class Backend(Protocol):
    """``attempt`` comes back in every report, so that late ones can be told apart."""

    @property
    def capacity(self) -> int:
        """How many tasks run at once."""

    def start(self, task: Task, attempt: int) -> None:
        """Begin; never blocks on the work itself, never raises for the task's sake."""

    def cancel(self, key: str, *, hard: bool) -> None:
        """Ask to stop, or kill; the report follows. Unknown keys are ignored: the task has just ended."""

    def next_report(self, timeout_seconds: float) -> Report | None:
        """What happened next; ``None`` if nothing did for so long."""

    def close(self) -> None:
        """Kill what runs, free everything."""


class InlineBackend:
    """Tasks as threads of this process: for tests, debugging, and where no process can be started.

    A hard cancel cannot kill a thread: it is reported lost and left behind.
    """

    def __init__(self, workers: int = 1, *, run: worker.Run = registry.run_json, clock: Clock = time.monotonic) -> None:
        self._workers, self._run, self._clock = workers, run, clock
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._stops: dict[str, tuple[int, threading.Event]] = {}

    @property
    def capacity(self) -> int:
        return self._workers

    def start(self, task: Task, attempt: int) -> None:
        stop = threading.Event()
        self._stops[task.key] = attempt, stop
        threading.Thread(target=self._work, args=(task, attempt, stop), name=f"task {task.label}", daemon=True).start()

    def cancel(self, key: str, *, hard: bool) -> None:
        if key not in self._stops:
            return
        attempt, stop = self._stops[key]
        stop.set()
        if hard:
            del self._stops[key]
            self._reports.put(WorkerLost(key=key, attempt=attempt, reason="its thread was left behind", at=self._clock()))

    def next_report(self, timeout_seconds: float) -> Report | None:
        return _next(self._reports, timeout_seconds)

    def close(self) -> None:
        for _, stop in self._stops.values():
            stop.set()

    def __enter__(self) -> InlineBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self, task: Task, attempt: int, stop: threading.Event) -> None:
        def report(done: int) -> None:
            self._reports.put(Progressed(key=task.key, attempt=attempt, done=done, at=self._clock()))

        try:
            outcome = _outcome(self._run(wire.dumps(task), worker.throttled(report), stop.is_set))
        except BaseException as e:  # noqa: BLE001 (the thread must not end without a report)
            outcome = _unforeseen(task, e)
        self._reports.put(Finished(key=task.key, attempt=attempt, outcome=outcome, at=self._clock()))


class ProcessBackend:
    """Worker processes on this machine (Pebble's pool). A crash costs one task; a kill is followed by a new worker.

    Only JSON goes in and out. ``run`` must be importable by its name: workers do not run the caller's main module, so a
    script needs no ``if __name__ == "__main__"`` guard.
    """

    def __init__(self, workers: int, *, run: worker.Run = registry.run_json, clock: Clock = time.monotonic) -> None:
        self._workers, self._run, self._clock = workers, run, clock
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._context = _LightContext()
        self._from_workers, self._to_us = self._context.Pipe(duplex=False)
        self._cancelled: Any = self._context.RawArray("B", workers)
        self._free = list(range(workers))
        self._tokens = itertools.count(1)
        self._tasks: dict[int, _Running] = {}
        self._mutex = threading.Lock()
        self._pool: Any = None  # Pebble's types are partial
        self._wanted: SimpleQueue[threading.Event | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._own_pools, name="worker-parent", daemon=True),
            threading.Thread(target=self._listen, name="worker-reports", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._renew_pool()

    @property
    def capacity(self) -> int:
        return self._workers

    def start(self, task: Task, attempt: int) -> None:
        with self._mutex:
            if not self._free:  # a worker that cannot be killed holds its slot
                self._lost(task.key, attempt, "no free worker")
                return
            running = _Running(task, attempt, self._free.pop())
            token = next(self._tokens)
            self._tasks[token] = running
            self._cancelled[running.slot] = 0
        try:
            future = self._schedule(token, running)
        except RuntimeError:  # every worker died: the pool is broken
            self._renew_pool()
            future = self._schedule(token, running)
        running.future = future
        future.add_done_callback(lambda f: self._done(token, f))

    def cancel(self, key: str, *, hard: bool) -> None:
        with self._mutex:
            running = next((r for r in self._tasks.values() if r.task.key == key), None)
        if running is None:
            return
        self._cancelled[running.slot] = 1
        if hard and running.future is not None:
            running.future.cancel()

    def next_report(self, timeout_seconds: float) -> Report | None:
        return _next(self._reports, timeout_seconds)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None
        self._wanted.put(None)
        self._to_us.send_bytes(b"")
        for thread in self._threads:
            thread.join()
        self._from_workers.close()
        self._to_us.close()

    def __enter__(self) -> ProcessBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _schedule(self, token: int, running: _Running) -> Future[str]:
        text = wire.dumps(running.task)
        scheduled: Future[str] = self._pool.schedule(worker.work, args=(self._run, token, running.slot, text))
        return scheduled

    def _done(self, token: int, future: Future[str]) -> None:
        """Called by the pool when a task ended in any way."""
        with self._mutex:
            running = self._tasks.pop(token)
            self._free.append(running.slot)
        key, attempt = running.task.key, running.attempt
        if future.cancelled():
            self._lost(key, attempt, "killed")
            return
        error = future.exception()
        if error is None:
            outcome = _outcome(future.result())
        elif getattr(error, "__module__", "").startswith(("pebble", "concurrent")):
            self._lost(key, attempt, _exit_text(error))
            return
        else:
            outcome = _unforeseen(running.task, error)
        self._reports.put(Finished(key=key, attempt=attempt, outcome=outcome, at=self._clock()))

    def _lost(self, key: str, attempt: int, reason: str) -> None:
        self._reports.put(WorkerLost(key=key, attempt=attempt, reason=reason, at=self._clock()))

    def _renew_pool(self) -> None:
        made = threading.Event()
        self._wanted.put(made)
        try:
            made.wait()
        except KeyboardInterrupt:  # workers that are just being born would complain of a parent that is gone
            made.wait()
            self.close()
            raise

    def _own_pools(self) -> None:
        """Starts pools, in a thread that lives as long as this backend.

        Linux ends workers when the *thread* that made them ends (``worker.begin``). Ctrl-C is blocked in this thread; workers
        inherit that, so none is hit by it before it can ignore it.
        """
        if sys.platform != "win32":
            resource_tracker.ensure_running()  # its start would unblock the signal
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while (made := self._wanted.get()) is not None:
            if self._pool is not None:
                self._pool.stop()
            pool = ProcessPool(
                self._workers, initializer=worker.begin, initargs=(self._to_us, self._cancelled), context=self._context
            )
            assert pool.active  # starts it
            self._pool = pool
            made.set()

    def _listen(self) -> None:
        while message := self._from_workers.recv_bytes():
            token, done = map(int, message.split())
            running = self._tasks.get(token)
            if running is not None:
                at = self._clock()
                self._reports.put(Progressed(key=running.task.key, attempt=running.attempt, done=done, at=at))


class _Running:
    """A task that was handed to the pool."""

    __slots__ = ("attempt", "future", "slot", "task")

    def __init__(self, task: Task, attempt: int, slot: int) -> None:
        self.task, self.attempt, self.slot = task, attempt, slot
        self.future: Future[str] | None = None


class _LightProcess(SpawnProcess):
    """A process that does not import the caller's main module again: it may be large, or without a guard."""

    def start(self) -> None:
        with _main_hidden():
            super().start()


class _LightContext(SpawnContext):
    Process = _LightProcess


_MAIN = threading.Lock()


@contextmanager
def _main_hidden() -> Iterator[None]:
    """``multiprocessing`` looks at ``sys.modules`` to find out what a child has to import first."""
    with _MAIN:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _next(reports: SimpleQueue[Report], timeout_seconds: float) -> Report | None:
    try:
        return reports.get(timeout=max(timeout_seconds, 0.0))
    except Empty:
        return None


def _outcome(text: str) -> Outcome:
    outcome: Outcome = wire.loads(Outcome, text)  # type: ignore[arg-type]  # a union is a type to wire
    return outcome


def _unforeseen(task: Task, error: BaseException) -> Failed:
    message = f"unforeseen {type(error).__name__}: {error}"
    return Failed(key=task.key, error=TaskError.__name__, message=message, path=task.label)


def _exit_text(error: BaseException) -> str:
    code = getattr(error, "exitcode", None)
    if isinstance(code, int) and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}" if code is not None else str(error)
