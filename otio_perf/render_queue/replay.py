"""From the journal's events to the state that they left, and back to as few events as say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from otio_perf.render_queue import messages
from otio_perf.render_queue.progress import Progress, is_cancelled
from otio_perf.render_queue.state import QueueState


def replay(events: Iterable[messages.Event], queue: QueueState, progress: Progress) -> tuple[int, list[messages.Publish]]:
    """Bring an empty queue to where the journal ends: what is not over is wanted, and nothing runs.

    :returns: the number of the last submission; and what was cancelled, and has to be recorded anew
    """
    number = 0
    over: dict[tuple[str, str], messages.Publish] = {}  # by job and key
    for event in events:
        if isinstance(event, messages.Submitted):
            number = max(number, event.number)
            progress.submitted(event.job, event.label, event.kind, event.tasks)
        elif isinstance(event, messages.Recorded):
            for job in event.jobs:
                over.pop((job, event.key), None)
        for command in queue.handle(event):
            if isinstance(command, messages.Publish):
                over |= {(want[0], command.task.key): replace(command, wants=(want,)) for want in command.wants}
    progress.restored(queue)
    return number, list(over.values())


def snapshot(
    queue: QueueState, unrecorded: Iterable[messages.Publish], progress: Progress, at: float
) -> tuple[messages.Event, ...]:
    """What ``replay`` needs. What has an outcome that is not on record yet counts as wanted."""
    events: list[messages.Event] = []
    for publish in unrecorded:
        for job, number in publish.wants:
            events.append(messages.Submitted(job=job, tasks=(publish.task,), number=number, at=at))
            if is_cancelled(publish.outcome):
                events.append(messages.CancelRequested(job=job, key=publish.task.key, at=at))
    events += queue.snapshot(at)
    return tuple(_labelled(e, progress) if isinstance(e, messages.Submitted) else e for e in events)


def _labelled(event: messages.Submitted, progress: Progress) -> messages.Submitted:
    label, kind = progress.job(event.job)
    return replace(event, label=label, kind=kind)
