"""What is shown of the queue: how far tasks and jobs are, how long the rest takes, what became of those that ended."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from otio_perf.model.events import Failed, Outcome, Prerendered, Ready, Skipped
from otio_perf.model.tasks import Task
from otio_perf.model.views import BackgroundView, JobView, QueueView, TaskState, TaskView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue import messages
from otio_perf.render_queue.entry import Entry
from otio_perf.render_queue.priority import Band
from otio_perf.render_queue.state import QueueState

#: Tasks and jobs that ended are shown so long.
_KEPT_TASKS, _KEPT_JOBS = 500, 50
#: Of the frames per second measured last in what is believed of a kind of task.
_NEWEST_SHARE = 0.3


@dataclass(slots=True)
class _Work:
    """A task that was started."""

    task: Task
    done: int = 0  # frames
    worked_seconds: float = 0.0  # without sleep, up to ``awake_at``
    awake_at: float | None = None  # since when; None: it sleeps, or waits

    def seconds(self, at: float) -> float:
        return self.worked_seconds + (0.0 if self.awake_at is None else at - self.awake_at)

    def rest(self, at: float) -> None:
        self.worked_seconds, self.awake_at = self.seconds(at), None


@dataclass(slots=True)
class _Job:
    id: str
    label: str
    kind: str
    wanted: dict[str, Task] = field(default_factory=dict)  # without an outcome, by key
    left: Counter[str] = field(default_factory=Counter)  # frames of them, by kind
    done: int = 0
    failed: int = 0
    frames: int = 0
    total_frames: int = 0


class Progress:
    """Hears what happens to the queue. ``at``: seconds of the queue's clock."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}
        self._work: dict[str, _Work] = {}
        self._ended: deque[TaskView] = deque(maxlen=_KEPT_TASKS)  # newest first
        self._speeds: dict[str, float] = {}  # frames a second of one task, by kind
        self._wanting: Counter[str] = Counter()  # jobs that want a task, by key
        self._left: Counter[str] = Counter()  # frames of all tasks without an outcome, by kind

    # -- what happens --------------------------------------------------------------------------------------------------

    def submitted(self, job: str, label: str, kind: str, tasks: Iterable[Task]) -> None:
        """What the job wants already is not counted again; with its first wish after its last outcome it begins anew."""
        known = self._jobs.pop(job, None)  # newest last
        if known is None or not known.wanted:
            known = _Job(job, label, kind)
        known.label, known.kind = label, kind
        self._jobs[job] = known
        for task in tasks:
            if task.key not in known.wanted:
                known.wanted[task.key] = task
                known.total_frames += task.total
                known.left[task.kind] += task.total
                self._left[task.kind] += 0 if self._wanting[task.key] else task.total
                self._wanting[task.key] += 1
        over = [j.id for j in self._jobs.values() if not j.wanted]
        for name in over[: max(0, len(over) - _KEPT_JOBS)]:
            del self._jobs[name]

    def restored(self, queue: QueueState) -> None:
        """After a replay: what is over by now is no part of any job."""
        for job in self._jobs.values():
            for key, task in tuple(job.wanted.items()):
                entry = queue.entry(key)
                if entry is None or job.id not in entry.jobs:
                    self._end(job, task)
                    job.total_frames -= task.total

    def job(self, job: str) -> tuple[str, str]:
        """Its label and kind."""
        found = self._jobs.get(job)
        return (found.label, found.kind) if found else (job, "request")

    def told(self, command: messages.Command, at: float) -> None:
        match command:
            case messages.Start():
                self._work[command.task.key] = _Work(command.task, awake_at=at)
            case messages.Suspend() if work := self._work.get(command.key):
                work.rest(at)
            case messages.Continue() if work := self._work.get(command.key):
                work.awake_at = at

    def progressed(self, key: str, done: int) -> None:
        if work := self._work.get(key):
            work.done = max(work.done, min(done, work.task.total))

    def published(self, command: messages.Publish, left: Entry | None, at: float) -> TaskView:
        """How it ended. :param left: others want it still: then it has not, and this is how it stands"""
        task, outcome = command.task, command.outcome
        ended = _state_of(outcome)
        for name in command.jobs:
            job = self._jobs.get(name)
            if job is None or task.key not in job.wanted or (left is not None and name in left.jobs):  # it asked anew
                continue
            self._end(job, task)
            if ended is TaskState.CANCELLED:
                job.total_frames -= task.total
                continue
            job.frames += task.total
            job.failed += ended is TaskState.FAILED
            job.done += ended is not TaskState.FAILED
        if left is not None:
            return self.task(left, at)
        work = self._work.pop(task.key, None)
        seconds = work.seconds(at) if work else None
        if isinstance(outcome, (Ready, Prerendered)) and task.total and outcome.seconds > 0:
            speed = task.total / outcome.seconds
            known = self._speeds.get(task.kind, speed)
            self._speeds[task.kind] = known + (speed - known) * _NEWEST_SHARE
        view = TaskView(
            key=task.key,
            kind=task.kind,
            label=task.label,
            state=ended,
            jobs=command.jobs,
            timeline=None,
            start=None,
            stop=None,
            is_pinned=False,
            done=task.total if ended in (TaskState.DONE, TaskState.SKIPPED) else (work.done if work else 0),
            total=task.total,
            seconds=seconds,
            seconds_left=None,
            message=_message(outcome),
            hint=(outcome.hint or "") if isinstance(outcome, Failed) else "",
        )
        self._ended.appendleft(view)
        return view

    def _end(self, job: _Job, task: Task) -> None:
        """``job`` no longer waits for ``task``."""
        del job.wanted[task.key]
        job.left[task.kind] -= task.total
        self._wanting[task.key] -= 1
        if not self._wanting[task.key]:
            del self._wanting[task.key]
            self._left[task.kind] -= task.total

    # -- what is shown -------------------------------------------------------------------------------------------------

    def view(self, queue: QueueState, posture: Posture, hold: str, at: float, *, offset: int, limit: int) -> QueueView:
        """:param hold: why nothing runs whatever the posture says, such as a full disk; "" where nothing holds it"""
        running = [entry for key in queue.running if (entry := queue.entry(key))]
        stop = offset + limit
        waiting = queue.waiting if limit and stop > len(running) and offset < len(queue) else ()
        still = len(queue) - len(running)
        page: list[TaskView] = [self.task(entry, at) for entry in running[offset:stop]]
        at_waiting = max(0, offset - len(running)), max(0, stop - len(running))
        page += [self.task(entry, at) for key in waiting[slice(*at_waiting)] if (entry := queue.entry(key))]
        at_ended = max(0, offset - len(running) - still), max(0, stop - len(running) - still)
        page += list(self._ended)[slice(*at_ended)]
        return QueueView(
            is_paused=queue.is_paused,
            background=self.background(queue, posture, hold, at),
            jobs=tuple(self._job(job, running, posture.slots, at) for job in reversed(self._jobs.values())),
            tasks=tuple(page),
            total=len(queue) + len(self._ended),
        )

    def background(self, queue: QueueState, posture: Posture, hold: str, at: float) -> BackgroundView:
        running = [entry for key in queue.running if (entry := queue.entry(key))]
        awake = [e for e in running if not e.is_asleep]
        if queue.is_paused:
            word, reason = "paused", "by the user"
        elif hold:
            word, reason = "yielding", hold
        elif queue.is_idle:
            word, reason = "idle", ""
        elif awake:
            word, reason = "working", posture.reason
        else:
            word, reason = "yielding", posture.reason
        works = [work for e in awake if (work := self._work.get(e.task.key))]
        return BackgroundView(
            state=word,
            reason=reason,
            slots=0 if posture.suspended or hold else posture.slots,
            running=len(running),
            waiting=len(queue) - len(running),
            frames_per_second=sum(w.done / seconds for w in works if (seconds := w.seconds(at)) > 0),
            seconds_left=self._seconds_left(self._left, len(queue), running, posture.slots, at),
        )

    def task(self, entry: Entry, at: float) -> TaskView:
        task = entry.task
        work = self._work.get(task.key) if entry.is_running else None
        place = next((place for job in entry.jobs for place in entry.places.get(job, ())), None)
        return TaskView(
            key=task.key,
            kind=task.kind,
            label=task.label,
            state=TaskState.RUNNING if entry.is_running else TaskState.WAITING,
            jobs=tuple(entry.jobs),
            timeline=place.timeline if place else None,
            start=place.start if place else None,
            stop=place.stop if place else None,
            is_pinned=entry.rank.band is Band.PINNED,
            done=work.done if work else 0,
            total=task.total,
            seconds=work.seconds(at) if work else None,
            seconds_left=self._task_seconds_left(task, work, at),
            message="asleep" if entry.is_asleep else "",
            hint="",
        )

    def _job(self, job: _Job, running: Sequence[Entry], slots: int, at: float) -> JobView:
        running = [entry for entry in running if entry.task.key in job.wanted]
        done = sum(work.done for entry in running if (work := self._work.get(entry.task.key)))
        return JobView(
            id=job.id,
            label=job.label,
            kind=job.kind,
            waiting=len(job.wanted) - len(running),
            running=len(running),
            done=job.done,
            failed=job.failed,
            frames=job.frames + done,
            total_frames=job.total_frames,
            seconds_left=self._seconds_left(job.left, len(job.wanted), running, slots, at),
        )

    def _seconds_left(
        self, left: Mapping[str, int], tasks: int, running: Sequence[Entry], slots: int, at: float
    ) -> float | None:
        """Of ``left`` frames by kind, in so many ``tasks``; ``None``: nothing of their kind was measured yet."""
        waiting, total = dict(left), 0.0
        for entry in running:
            waiting[entry.task.kind] -= entry.task.total
            seconds = self._task_seconds_left(entry.task, self._work.get(entry.task.key), at)
            if seconds is None:
                return None
            total += seconds
        for kind, frames in waiting.items():
            speed = self._speed(kind, at)
            if frames and not speed:
                return None
            total += frames / speed if frames and speed else 0.0
        return total / max(1, min(slots, tasks))

    def _task_seconds_left(self, task: Task, work: _Work | None, at: float) -> float | None:
        done = work.done if work else 0
        speed = self._speed_of(work, at) if work else None
        speed = speed or self._speed(task.kind, at)
        return (task.total - done) / speed if speed else None

    def _speed(self, kind: str, at: float) -> float | None:
        """Frames a second of one task of ``kind``: of those that ended, else of those that run."""
        if kind in self._speeds:
            return self._speeds[kind]
        found = [speed for work in self._work.values() if work.task.kind == kind and (speed := self._speed_of(work, at))]
        return sum(found) / len(found) if found else None

    def _speed_of(self, work: _Work, at: float) -> float | None:
        seconds = work.seconds(at)
        return work.done / seconds if work.done and seconds > 0 else None


def is_cancelled(outcome: Outcome) -> bool:
    return _state_of(outcome) is TaskState.CANCELLED


def _state_of(outcome: Outcome) -> TaskState:
    match outcome:
        case Failed(error="TaskCancelledError"):
            return TaskState.CANCELLED
        case Failed():
            return TaskState.FAILED
        case Skipped():
            return TaskState.SKIPPED
    return TaskState.DONE


def _message(outcome: Outcome) -> str:
    match outcome:
        case Failed():
            return outcome.message
        case Skipped():
            return outcome.reason
        case Ready() | Prerendered():
            return "; ".join(outcome.notes)
    return ""
