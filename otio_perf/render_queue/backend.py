"""Where tasks are done: behind one seam. A backend starts what it is told, reports, and knows nothing of order or retries."""

from __future__ import annotations

import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from otio_perf.errors import TaskError
from otio_perf.metrics import processes
from otio_perf.model import wire
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.tasks import Task
from otio_perf.render_queue.state import Finished, Progressed, WorkerLost
from otio_perf.tasks import registry, worker

_CONTEXT = SpawnContext()

#: How often a silent worker is looked at; what ends the pipe is noticed at once.
_LOOK_SECONDS = 1.0

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

    def __init__(self, workers: int = 1, *, run: worker.Run = registry.run_json, clock: Clock = time.monotonic) -> None:
        self._workers, self._run, self._clock = workers, run, clock
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
            lost = WorkerLost(key=key, attempt=reins.attempt, reason="its thread was left behind", at=self._clock())
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
            self._reports.put(Progressed(key=task.key, attempt=reins.attempt, done=done, at=self._clock()))

        try:
            outcome = _outcome(self._run(wire.dumps(task), worker.throttled(report), reins.is_stopped))
        except BaseException as e:  # noqa: BLE001 (the thread must not end without a report)
            outcome = _unforeseen(task, e)
        self._reports.put(Finished(key=task.key, attempt=reins.attempt, outcome=outcome, at=self._clock()))


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


class ProcessBackend:
    """Worker processes on this machine. A crash costs one task; a kill, whenever it comes, is followed by a new worker.

    Each worker has a pipe of its own and shares no lock with anybody: in a pool with one queue for all, a worker that is killed
    while it takes a task leaves the others waiting for the lock that it held.
    Only JSON goes in and out. ``run`` must be importable by its name: workers do not run the caller's main module, so a
    script needs no ``if __name__ == "__main__"`` guard.
    """

    def __init__(self, workers: int, *, run: worker.Run = registry.run_json, clock: Clock = time.monotonic) -> None:
        self._reports: SimpleQueue[Report | None] = SimpleQueue()
        self._clock = clock
        self._slots = [_Slot(run, self._reports, clock) for _ in range(workers)]

    @property
    def capacity(self) -> int:
        return len(self._slots)

    def start(self, task: Task, attempt: int) -> None:
        slot = next((slot for slot in self._slots if slot.key is None), None)
        if slot is None:  # a worker that cannot be killed holds its slot
            self._reports.put(WorkerLost(key=task.key, attempt=attempt, reason="no free worker", at=self._clock()))
        else:
            slot.begin(task, attempt)

    def cancel(self, key: str, *, hard: bool) -> None:
        for slot in self._slots:
            if slot.key == key:
                slot.stop(hard=hard)

    def suspend(self, key: str) -> None:
        for slot in self._slots:
            if slot.key == key:
                slot.suspend()

    def resume(self, key: str) -> None:
        for slot in self._slots:
            if slot.key == key:
                slot.resume()

    def set_niceness(self, niceness: int) -> None:
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
        for slot in self._slots:
            slot.close()
        for slot in self._slots:
            slot.thread.join()

    def __enter__(self) -> ProcessBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Slot:
    """One worker process and the thread that talks with it.

    The process is born with the first task, and again with the first task after a death.
    It is this thread that makes the process, for Linux ends workers when the *thread* that made them ends (``worker.serve``).
    """

    def __init__(self, run: worker.Run, reports: SimpleQueue[Report | None], clock: Clock) -> None:
        self.key: str | None = None  # of the task that it works on
        self._run, self._reports, self._clock = run, reports, clock
        self._given: SimpleQueue[tuple[Task, int] | None] = SimpleQueue()
        self._mutex = threading.Lock()
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._must_die = False
        self._is_asleep = False
        self._niceness = 0
        self._cancelled: Any = _CONTEXT.RawArray("B", 1)
        self.thread = threading.Thread(target=self._serve, name="worker-slot", daemon=True)
        self.thread.start()

    @property
    def pid(self) -> int | None:
        with self._mutex:
            return None if self._process is None else self._process.pid

    def begin(self, task: Task, attempt: int) -> None:
        self.key = task.key
        self._cancelled[0] = 0
        self.resume()
        self._given.put((task, attempt))

    def stop(self, *, hard: bool) -> None:
        """Ask, or kill. Nothing is sent: a worker that does not read must not hold up who asks."""
        self._cancelled[0] = 1
        self.resume()
        if hard:
            with self._mutex:
                self._must_die = True
                if self._process is not None:
                    self._process.kill()

    def suspend(self) -> None:
        with self._mutex:
            self._is_asleep = True
            if self._process is not None and self._process.pid is not None:
                processes.suspend(self._process.pid)

    def resume(self) -> None:
        with self._mutex:
            if self._is_asleep and self._process is not None and self._process.pid is not None:
                processes.resume(self._process.pid)
            self._is_asleep = False

    def set_niceness(self, niceness: int) -> None:
        with self._mutex:
            self._niceness = niceness
            if self._process is not None and self._process.pid is not None:
                processes.set_niceness(self._process.pid, niceness)

    def close(self) -> None:
        self.stop(hard=True)
        self._given.put(None)

    def _serve(self) -> None:
        if sys.platform != "win32":
            # Stopping is the parent's business: blocked in this thread, and so in the workers from their first moment on.
            resource_tracker.ensure_running()  # its start would unblock the signals
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        while given := self._given.get():
            task, attempt = given
            try:
                report = self._work(task, attempt)
            except Exception as e:  # noqa: BLE001 (the thread must not end without a report)
                report = Finished(key=task.key, attempt=attempt, outcome=_unforeseen(task, e), at=self._clock())
            self.key = None  # before the report: whoever reads it may begin the next task at once
            self._reports.put(report)
        self._bury()

    def _work(self, task: Task, attempt: int) -> Finished | WorkerLost:
        try:
            line = self._worker()
            line.send_bytes(wire.dumps(task).encode())
            while (message := self._heard(line)).startswith(worker.PROGRESS):
                done = int(message.removeprefix(worker.PROGRESS))
                self._reports.put(Progressed(key=task.key, attempt=attempt, done=done, at=self._clock()))
        except (OSError, EOFError) as e:  # how a death looks from this end
            reason = self._bury() or f"it cannot be started: {getattr(e, 'strerror', None) or e}"
            return WorkerLost(key=task.key, attempt=attempt, reason=reason, at=self._clock())
        outcome = _outcome(message.removeprefix(worker.OUTCOME).decode())
        return Finished(key=task.key, attempt=attempt, outcome=outcome, at=self._clock())

    def _heard(self, line: Connection) -> bytes:
        """The next message. :raises EOFError: the worker is dead, also where a child of its own still holds the pipe"""
        assert self._process is not None
        while not line.poll(_LOOK_SECONDS):
            if not self._process.is_alive() and not line.poll(0):
                raise EOFError
        return line.recv_bytes()

    def _worker(self) -> Connection:
        """The line to a living worker. :raises OSError: none can be started"""
        if self._process is not None and not self._process.is_alive():  # killed while it had nothing to do
            self._bury()
        if self._line is None:
            line, their_end = _CONTEXT.Pipe()
            process = SpawnProcess(target=worker.serve, args=(self._run, their_end, self._cancelled), name=_NAME, daemon=True)
            try:
                with _births():
                    process.start()
            finally:
                their_end.close()
            with self._mutex:
                self._process, self._line = process, line
                if self._must_die:
                    process.kill()
                if self._niceness and process.pid is not None:
                    processes.set_niceness(process.pid, self._niceness)
                if self._is_asleep and process.pid is not None:
                    processes.suspend(process.pid)
        assert self._line is not None
        return self._line

    def _bury(self) -> str:
        """Free what the dead process held. How it ended, in a word; empty: there was none."""
        with self._mutex:
            process, line = self._process, self._line
            self._process = self._line = None
            was_killed, self._must_die = self._must_die, False
        if line is not None:
            line.close()
        if process is None:
            return ""
        process.kill()  # it may have closed its line and live on
        with _BIRTHS:  # a birth looks after all children, and two that wait for one would confuse each other
            process.join()
        code = process.exitcode
        process.close()
        if was_killed:
            return "killed"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


_NAME = "otio_perf worker"
_BIRTHS = threading.Lock()


@contextmanager
def _births() -> Iterator[None]:
    """One at a time, and without the caller's main module: it may be large, or without a guard.

    ``multiprocessing`` looks at ``sys.modules`` to find out what a child has to import first.
    """
    with _BIRTHS:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _next(reports: SimpleQueue[Report | None], timeout_seconds: float | None) -> Report | None:
    try:
        return reports.get(timeout=None if timeout_seconds is None else max(timeout_seconds, 0.0))
    except Empty:
        return None


def _outcome(text: str) -> Outcome:
    outcome: Outcome = wire.loads(Outcome, text)  # type: ignore[arg-type]  # a union is a type to wire
    return outcome


def _unforeseen(task: Task, error: BaseException) -> Failed:
    message = f"unforeseen {type(error).__name__}: {error}"
    return Failed(key=task.key, error=TaskError.__name__, message=message, path=task.label)
