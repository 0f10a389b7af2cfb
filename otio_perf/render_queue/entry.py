"""A task that is asked for and has no outcome yet, and what its times say of it. No clock: times come in with events."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from otio_perf.model.tasks import Task
from otio_perf.render_queue.priority import Place, Rank

#: From a soft cancel to the hard one.
GRACE_SECONDS = 0.4
#: A worker that even a kill did not end is given up after so long; its task ends, its slot is believed free.
UNKILLABLE_SECONDS = 5.0


@dataclass(slots=True)
class Entry:
    """A task that has no outcome yet. Others read it only."""

    task: Task
    sequence: int
    priority: int
    jobs: dict[str, int] = field(default_factory=dict)  # that want it, with the number of their submission
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)  # by job
    rank: Rank = field(default_factory=Rank)
    leaving: list[tuple[str, int]] = field(default_factory=list)  # cancelled while it runs: they learn how it ended
    attempt: int = 0
    is_running: bool = False
    is_asleep: bool = False
    losses: int = 0
    alive_at: float = 0.0  # last sign of life
    soft_at: float | None = None
    hard_at: float | None = None
    hung: bool = False  # killed for lack of progress

    @property
    def order(self) -> tuple[int, Rank, int]:
        """The smallest comes first."""
        return -self.priority, self.rank, self.sequence

    @property
    def is_urgent(self) -> bool:
        return self.priority > 0 or self.rank.is_urgent

    @property
    def deadline(self) -> float:
        """When a ``Tick`` is due for it, while it runs."""
        if self.hard_at is not None:
            return self.hard_at + UNKILLABLE_SECONDS
        if self.soft_at is not None:
            return self.soft_at + GRACE_SECONDS
        return math.inf if self.is_asleep else self.alive_at + self.task.stall_seconds

    def goes_before(self, started: Entry) -> bool:
        """Whether ``started`` sleeps for it: what has begun is finished first, unless somebody waits for just this."""
        return self.is_urgent and self.order[:2] < started.order[:2] and not started.is_urgent

    @property
    def is_ending(self) -> bool:
        return self.soft_at is not None or self.hard_at is not None


def order_of(entry: Entry) -> tuple[int, Rank, int]:
    return entry.order
