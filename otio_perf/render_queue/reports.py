"""What backends say of the tasks that they were given."""

from __future__ import annotations

from otio_perf.errors import TaskError
from otio_perf.model import wire
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.tasks import Task
from otio_perf.render_queue.messages import Finished, Progressed, WorkerLost

Report = Progressed | Finished | WorkerLost


def outcome_in(text: str) -> Outcome:
    """The outcome that a worker sent."""
    outcome: Outcome = wire.loads(Outcome, text)  # type: ignore[arg-type]  # a union is a type to wire
    return outcome


def unforeseen(task: Task, error: BaseException) -> Failed:
    """The outcome where something broke that should not."""
    message = f"unforeseen {type(error).__name__}: {error}"
    return Failed(key=task.key, error=TaskError.__name__, message=message, path=task.label)
