"""What is said to the queue's brain, and what it says: events and commands, frozen values of JSON-able fields.

``at``: seconds of any clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from otio_perf.model.events import Outcome
from otio_perf.model.tasks import Task
from otio_perf.render_queue.priority import Focus, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """``job`` wants ``tasks``. Higher ``priority`` first, then by ``places`` (see ``priority``), then in this order.

    ``number`` grows from submission to submission: ``Recorded`` says by it which one is settled.
    """

    job: str
    tasks: tuple[Task, ...]
    priority: int = 0
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)  # frames of timelines that a task serves, by key
    label: str = ""  # of the job, for people
    kind: str = "request"  # of the job: timeline, folder, request
    number: int = 0
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChanged:
    """``slots`` tasks may be awake. ``workers``: so many may have been started, those that sleep included (default: slots)."""

    slots: int
    workers: int | None = None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A sign of life; ``done`` in units of the task."""

    key: str
    attempt: int
    done: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    key: str
    attempt: int
    outcome: Outcome
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """The process that did the work is gone: crashed, or killed by us or others.

    ``is_innocent``: the task had no part in it; somebody else had stopped the process.
    """

    key: str
    attempt: int
    reason: str
    is_innocent: bool = False
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """``job`` (all, if ``None``) no longer wants ``key`` (any of its tasks, if ``None``). What other jobs want goes on."""

    job: str | None
    key: str | None = None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested:
    """Nothing is started, what runs sleeps."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested:
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prioritized:
    """Takes effect on the next free slot."""

    keys: tuple[str, ...]
    priority: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Focused:
    """The user looks elsewhere in ``timeline``. Takes effect on the next free slot."""

    timeline: str
    focus: Focus | None  # None: nobody looks at it any more
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The outcome of ``key`` is on record for these jobs, each up to its submission of that number.

    It comes after ``Publish``, and changes nothing then; in a replay it says what need not be done again.
    """

    key: str
    jobs: dict[str, int]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed."""

    at: float


Event = (
    Submitted
    | CapacityChanged
    | Progressed
    | Finished
    | WorkerLost
    | CancelRequested
    | PauseRequested
    | ResumeRequested
    | Prioritized
    | Focused
    | Recorded
    | Tick
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """``task`` has its share of the cores; ``attempt`` is a number that no other start has."""

    task: Task
    attempt: int
    is_retry: bool = False  # its worker was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSoft:
    """Ask the task to stop; it cleans up after itself."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelHard:
    """Kill the worker."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """Put the task to sleep where it is."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Wake it."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The outcome of ``task`` for these jobs: the only one they get."""

    task: Task
    outcome: Outcome
    wants: tuple[tuple[str, int], ...]  # job, number of its submission

    @property
    def jobs(self) -> tuple[str, ...]:
        return tuple(job for job, _ in self.wants)


Command = Start | CancelSoft | CancelHard | Suspend | Continue | Publish
