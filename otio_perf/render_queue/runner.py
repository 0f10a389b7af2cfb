"""The loop between the queue's state and a backend: one call works a list of tasks off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from otio_perf.model.events import Listener, Notice, Outcome, TaskFinished, TaskProgress, TaskStarted, ignore
from otio_perf.model.tasks import Task
from otio_perf.render_queue import state
from otio_perf.render_queue.backend import Backend
from otio_perf.render_queue.state import QueueState

_JOB = "run"
#: How soon a set ``stop`` is noticed.
_POLL_SECONDS = 0.1


def run(
    tasks: Sequence[Task],
    *,
    backend: Backend,
    listener: Listener = ignore,
    stop: threading.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Outcome]:
    """Outcome by key for every task, in the order given; returns when all have one.

    When ``stop`` is set, running tasks are asked to stop and killed ``state.GRACE_SECONDS`` later; what is done stays done, the
    others end as ``Failed`` with ``TaskCancelledError``. All of it within a second.

    :raises KeyboardInterrupt: after the running tasks were asked to stop, and waited for as long.
    """
    queue = QueueState()
    outcomes: dict[str, Outcome] = {}
    by_key = {task.key: task for task in tasks}

    def handle(event: state.Event) -> None:
        for command in queue.handle(event):
            match command:
                case state.Start():
                    task = command.task
                    if command.is_retry:
                        listener(Notice(text=f"{task.label}: the process that worked on it died, starting again"))
                        task = task.again()
                    else:
                        listener(TaskStarted(key=task.key, label=task.label, total=task.total))
                    backend.start(task, command.attempt)
                case state.CancelSoft():
                    backend.cancel(command.key, hard=False)
                case state.CancelHard():
                    backend.cancel(command.key, hard=True)
                case state.Publish():
                    outcomes[command.key] = command.outcome
                    listener(TaskFinished(key=command.key, outcome=command.outcome))
        if isinstance(event, state.Progressed) and event.key not in outcomes:
            listener(TaskProgress(key=event.key, done=event.done, total=by_key[event.key].total))

    stopping = False
    try:
        handle(state.Submitted(job=_JOB, tasks=tuple(tasks), at=clock()))
        handle(state.CapacityChanged(slots=backend.capacity, at=clock()))
        while not queue.is_idle:
            due = queue.next_deadline()
            wait = _POLL_SECONDS if due is None else min(due - clock(), _POLL_SECONDS)
            report = backend.next_report(wait) if wait > 0 else None
            if not stopping and stop is not None and stop.is_set():
                stopping = True  # before the report: whoever stops us may have killed the workers, which are not tried again
                handle(state.CancelRequested(job=_JOB, at=clock()))
            handle(state.Tick(at=clock()) if report is None else report)
    except BaseException:
        _wind_down(backend, queue.running)
        raise
    return {task.key: outcomes[task.key] for task in tasks}


def _wind_down(backend: Backend, running: Sequence[str]) -> None:
    """Let running tasks clean up after themselves; the backend's owner closes it, which kills what is left."""
    for key in running:
        backend.cancel(key, hard=False)
    left, end = set(running), time.monotonic() + state.GRACE_SECONDS
    while left and (remaining := end - time.monotonic()) > 0:
        report = backend.next_report(remaining)
        if isinstance(report, (state.Finished, state.WorkerLost)):
            left.discard(report.key)
