"""Between the queue's brain and a backend: carries out commands, hands back reports. Who owns it calls it from one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

from otio_perf.render_queue import messages
from otio_perf.render_queue.backend import Backend
from otio_perf.render_queue.entry import GRACE_SECONDS
from otio_perf.render_queue.reports import Report
from otio_perf.render_queue.state import QueueState


class Loop:
    """:param told: called with each command before it is carried out"""

    def __init__(self, backend: Backend, told: Callable[[messages.Command], None]) -> None:
        self.state = QueueState()
        self._backend, self._told = backend, told
        self._is_over = False

    def handle(self, event: messages.Event) -> None:
        for command in self.state.handle(event):
            if self._is_over and not isinstance(command, messages.Publish):
                continue
            self._told(command)
            match command:
                case messages.Start():
                    task = command.task.again() if command.is_retry else command.task
                    self._backend.start(task, command.attempt)
                case messages.CancelSoft():
                    self._backend.cancel(command.key, hard=False)
                case messages.CancelHard():
                    self._backend.cancel(command.key, hard=True)
                case messages.Suspend():
                    self._backend.suspend(command.key)
                case messages.Continue():
                    self._backend.resume(command.key)

    def next_report(self, timeout_seconds: float | None = None) -> Report | None:
        """What happened next, for ``handle``; ``None``: nothing for so long, or an interrupt, or a ``Tick`` is due."""
        due = self.state.next_deadline()
        waits = [*([] if timeout_seconds is None else [timeout_seconds]), *([] if due is None else [due - time.monotonic()])]
        wait = min(waits, default=None)
        return None if wait is not None and wait <= 0 else self._backend.next_report(wait)

    def wind_down(self) -> None:
        """Let running tasks clean up after themselves, and begin nothing more. The backend's owner closes it, which kills what
        is left."""
        self._is_over = True
        left, end = set(self.state.running), time.monotonic() + GRACE_SECONDS
        for key in left:
            self._backend.cancel(key, hard=False)
        while left and (remaining := end - time.monotonic()) > 0:
            report = self._backend.next_report(remaining)
            if isinstance(report, (messages.Finished, messages.WorkerLost)):
                left.discard(report.key)
