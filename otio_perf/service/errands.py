"""What planning has to know first, such as what a new medium is, is found out by tasks of the queue, like all work.

So it yields to the user, is as nice as the rest, is seen, and counts as ours. Who plans waits for it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from otio_perf.errors import TaskCancelledError
from otio_perf.model.events import Outcome
from otio_perf.model.tasks import Task

if TYPE_CHECKING:
    from otio_perf.render_queue.live import LiveQueue

_KIND = "request"
#: How soon a set ``stop`` is noticed.
_LOOK_SECONDS = 0.2


class Errands:
    """:param queue: does them; who records its outcomes tells ``ended``"""

    def __init__(self, queue: LiveQueue) -> None:
        self._queue = queue
        self._answers: dict[str, SimpleQueue[Outcome]] = {}  # by job

    def run(
        self, tasks: Sequence[Task], stop: threading.Event, done: Callable[[Outcome], None] | None = None
    ) -> dict[str, Outcome]:
        """Outcome by key of each of ``tasks``, before other work that waits; see ``Session.run``.

        :raises TaskCancelledError: ``stop`` is set, or the queue closes
        """
        job = f"{_KIND}-{secrets.token_hex(4)}"
        answers = self._answers[job] = SimpleQueue()
        left = {task.key for task in tasks}
        outcomes: dict[str, Outcome] = {}
        try:
            label = tasks[0].label if len(left) == 1 else f"{len(left)} media are looked at"
            self._queue.submit(job, tasks, label=label, kind=_KIND, priority=1)
            while left:
                if stop.is_set():
                    self._queue.cancel(job=job)
                    raise TaskCancelledError("stopped")
                with suppress(Empty):
                    outcome = answers.get(timeout=_LOOK_SECONDS)
                    outcomes[outcome.key] = outcome
                    left.discard(outcome.key)
                    if done is not None:
                        done(outcome)
        finally:
            del self._answers[job]
        return outcomes

    def ended(self, jobs: Sequence[str], outcome: Outcome) -> None:
        """A task that ``jobs`` wanted has come to its end. From any thread; does not wait."""
        for job in jobs:
            if (answers := self._answers.get(job)) is not None:
                answers.put(outcome)
