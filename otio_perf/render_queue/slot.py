"""One worker process: its birth, its line, its sleep, its death."""

from __future__ import annotations

import signal
import sys
import threading
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import Empty, SimpleQueue
from typing import Any

from otio_perf.metrics import processes
from otio_perf.model import wire
from otio_perf.model.tasks import Task
from otio_perf.render_queue.messages import Finished, Progressed, WorkerLost
from otio_perf.render_queue.reports import Report, outcome_in, unforeseen
from otio_perf.tasks import worker

_CONTEXT = SpawnContext()

#: How often a silent worker is looked at; what ends the pipe is noticed at once.
_LOOK_SECONDS = 1.0

#: A worker that has nothing to do lives on for so long: what it has imported is a second of work, and hundreds of megabytes.
IDLE_SECONDS = 120.0

#: A worker that is told to sleep has so long to come to a place where it can; then it is stopped wherever it is.
_DOZE_SECONDS = 0.3
#: One that was stopped elsewhere may hold a lock that others wait for, the index's for one: so often it gets so long a
#: breath, until it has come to its place. 2 % of a core at most, and mostly one or two breaths.
_BREATH_EVERY_SECONDS, _BREATH_SECONDS = 1.0, 0.02


class Slot:
    """One worker process and the thread that talks with it.

    The process is born with the first task, and again with the first task after a death.
    It is this thread that makes the process, for Linux ends workers when the *thread* that made them ends (``worker.serve``).
    """

    def __init__(self, run: worker.Run, reports: SimpleQueue[Report | None], freezer: Freezer) -> None:
        self.key: str | None = None  # of the task that it works on
        self._run, self._reports, self._freezer = run, reports, freezer
        self._given: SimpleQueue[tuple[Task, int] | None] = SimpleQueue()
        self._mutex = threading.Lock()
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._must_die = self._was_stopped = False
        self._is_frozen = False
        self._niceness, self._is_too_nice = 0, False
        self._reins: Any = _CONTEXT.RawArray("B", worker.REINS)
        self.thread = threading.Thread(target=self._serve, name="worker-slot", daemon=True)
        self.thread.start()

    @property
    def pid(self) -> int | None:
        with self._mutex:
            return None if self._process is None else self._process.pid

    def begin(self, task: Task, attempt: int) -> None:
        self.key = task.key
        self._order(worker.GO)
        self._given.put((task, attempt))

    def stop(self, *, hard: bool) -> None:
        """Ask, or kill. Nothing is sent: a worker that does not read must not hold up who asks."""
        self._order(worker.STOP)
        if hard:
            with self._mutex:
                self._must_die = True
                if self._process is not None:
                    pid = self._process.pid
                    self._was_stopped = pid is not None and processes.is_suspended(pid)  # not by us: it is awake by now
                    self._process.kill()

    def sleep(self) -> None:
        """Ask it to rest where it has no lock but those that its task ``holds``; stop it wherever it is soon after."""
        with self._mutex:
            if self._reins[worker.ORDER] != worker.GO:
                return
            self._reins[worker.ORDER] = worker.SLEEP
        self._freezer.look_at(self, _DOZE_SECONDS)

    def wake(self) -> None:
        if self._reins[worker.ORDER] == worker.SLEEP:
            self._order(worker.GO)

    def freeze(self) -> float | None:
        """Called by the freezer. :returns: seconds until it wants to call again; ``None``: it need not"""
        with self._mutex:
            if self._reins[worker.ORDER] != worker.SLEEP:
                return None
            if self._process is None or self._process.pid is None or not self._reins[worker.IS_UP]:
                return _DOZE_SECONDS  # being born: stopped now, it would outlive us
            if self._is_frozen:
                self._thaw()
                return _BREATH_SECONDS
            is_at_rest = self._reins[worker.AT_REST] != 0
            self._is_frozen = processes.suspend(self._process.pid)
            return None if is_at_rest or not self._is_frozen else _BREATH_EVERY_SECONDS

    def set_niceness(self, niceness: int) -> None:
        with self._mutex:
            self._niceness = niceness
            if self._process is not None and self._process.pid is not None:
                self._is_too_nice = not processes.set_niceness(self._process.pid, niceness)

    def close(self) -> None:
        self.stop(hard=True)
        self._given.put(None)

    def _order(self, order: int) -> None:
        with self._mutex:
            self._reins[worker.ORDER] = order
            self._thaw()

    def _thaw(self) -> None:
        """With the mutex held, as long as the process is not waited for: its number is nobody else's."""
        if self._is_frozen and self._process is not None and self._process.pid is not None:
            processes.resume(self._process.pid)
        self._is_frozen = False

    def _serve(self) -> None:
        if sys.platform != "win32":
            # Stopping is the parent's business: blocked in this thread, and so in the workers from their first moment on.
            resource_tracker.ensure_running()  # its start would unblock the signals
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        while given := self._next_given():
            task, attempt = given
            try:
                report = self._work(task, attempt)
            except Exception as e:  # noqa: BLE001 (the thread must not end without a report)
                report = Finished(key=task.key, attempt=attempt, outcome=unforeseen(task, e), at=time.monotonic())
            self.key = None  # before the report: whoever reads it may begin the next task at once
            self._reports.put(report)
        self._bury()

    def _next_given(self) -> tuple[Task, int] | None:
        """The next task; ``None``: it is over. A worker that has had nothing to do for long gives its memory back."""
        with suppress(Empty):
            return self._given.get(timeout=None if self._process is None else IDLE_SECONDS)
        self._bury()
        return self._given.get()

    def _work(self, task: Task, attempt: int) -> Finished | WorkerLost:
        try:
            line = self._worker()
            line.send_bytes(wire.dumps(task).encode())
            while (message := self._heard(line)).startswith(worker.PROGRESS):
                done = int(message.removeprefix(worker.PROGRESS))
                self._reports.put(Progressed(key=task.key, attempt=attempt, done=done, at=time.monotonic()))
        except (OSError, EOFError) as e:  # how a death looks from this end
            reason = self._bury() or f"it cannot be started: {getattr(e, 'strerror', None) or e}"
            was_stopped, self._was_stopped = self._was_stopped, False
            return WorkerLost(key=task.key, attempt=attempt, reason=reason, is_innocent=was_stopped, at=time.monotonic())
        outcome = outcome_in(message.removeprefix(worker.OUTCOME).decode())
        return Finished(key=task.key, attempt=attempt, outcome=outcome, at=time.monotonic())

    def _heard(self, line: Connection) -> bytes:
        """The next message. :raises EOFError: the worker is dead, also where a child of its own still holds the pipe"""
        assert self._process is not None
        while not line.poll(_LOOK_SECONDS):
            if not self._process.is_alive() and not line.poll(0):
                raise EOFError
        return line.recv_bytes()

    def _worker(self) -> Connection:
        """The line to a living worker that is as nice as wanted. :raises OSError: none can be started"""
        if self._process is not None and (self._is_too_nice or not self._process.is_alive()):
            self._bury()  # nicer than wanted, which no privilege of ours undoes; or killed while it had nothing to do
        if self._line is None:
            line, their_end = _CONTEXT.Pipe()
            self._reins[worker.AT_REST] = self._reins[worker.IS_UP] = 0  # of the one before it
            arguments = self._run, their_end, self._reins, self._niceness
            process = SpawnProcess(target=worker.serve, args=arguments, name=_NAME, daemon=True)
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
        assert self._line is not None
        return self._line

    def _bury(self) -> str:
        """Free what the dead process held. How it ended, in a word; empty: there was none."""
        with self._mutex:
            process, line = self._process, self._line
            self._process = self._line = None
            self._is_frozen = self._is_too_nice = False
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


class Freezer:
    """Comes back to workers that were told to sleep, and stops them. One thread for all; it blocks while nobody sleeps."""

    def __init__(self) -> None:
        self._due: dict[Slot, float] = {}
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="worker-freezer", daemon=True)
        self._thread.start()

    def look_at(self, slot: Slot, after_seconds: float) -> None:
        with self._changed:
            self._due[slot] = time.monotonic() + after_seconds
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (slots := self._next()) is not None:
            for slot in slots:
                if (again := slot.freeze()) is not None:
                    self.look_at(slot, again)

    def _next(self) -> list[Slot] | None:
        """Those whose time has come; ``None``: it is over."""
        with self._changed:
            while not self._is_closing:
                now = time.monotonic()
                if due := [slot for slot, at in self._due.items() if at <= now]:
                    for slot in due:
                        del self._due[slot]
                    return due
                self._changed.wait(min(self._due.values()) - now if self._due else None)
        return None


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
