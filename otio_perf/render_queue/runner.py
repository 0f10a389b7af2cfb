"""One call works a list of tasks off: for commands, which wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from otio_perf.model.events import Listener, Notice, Outcome, TaskFinished, TaskProgress, TaskStarted, ignore
from otio_perf.model.tasks import Task
from otio_perf.render_queue import messages
from otio_perf.render_queue.backend import Backend
from otio_perf.render_queue.loop import Loop

_JOB = "run"
#: How soon a set ``stop`` is noticed.
_POLL_SECONDS = 0.1


def run(
    tasks: Sequence[Task],
    *,
    backend: Backend,
    listener: Listener = ignore,
    stop: threading.Event | None = None,
) -> dict[str, Outcome]:
    """Outcome by key for every task, in the order given; returns when all have one.

    When ``stop`` is set, running tasks are asked to stop and killed ``entry.GRACE_SECONDS`` later; what is done stays done, the
    others end as ``Failed`` with ``TaskCancelledError``. All of it within a second.

    :raises KeyboardInterrupt: after the running tasks were asked to stop, and waited for as long.
    """
    outcomes: dict[str, Outcome] = {}
    by_key = {task.key: task for task in tasks}

    def told(command: messages.Command) -> None:
        match command:
            case messages.Start(task=task, is_retry=True):
                listener(Notice(text=f"{task.label}: the process that worked on it died, starting again"))
            case messages.Start(task=task):
                listener(TaskStarted(key=task.key, label=task.label, total=task.total))
            case messages.Publish(task=task, outcome=outcome):
                outcomes[task.key] = outcome
                listener(TaskFinished(key=task.key, outcome=outcome))

    loop = Loop(backend, told)
    stopping = False
    try:
        loop.handle(messages.Submitted(job=_JOB, tasks=tuple(tasks), at=time.monotonic()))
        loop.handle(messages.CapacityChanged(slots=backend.capacity, at=time.monotonic()))
        while not loop.state.is_idle:
            report = loop.next_report(_POLL_SECONDS)
            if not stopping and stop is not None and stop.is_set():
                stopping = True  # before the report: whoever stops us may have killed the workers, which are not tried again
                loop.handle(messages.CancelRequested(job=_JOB, at=time.monotonic()))
            loop.handle(messages.Tick(at=time.monotonic()) if report is None else report)
            if isinstance(report, messages.Progressed) and report.key not in outcomes:
                listener(TaskProgress(key=report.key, done=report.done, total=by_key[report.key].total))
    except BaseException:
        loop.wind_down()
        raise
    return {task.key: outcomes[task.key] for task in tasks}
