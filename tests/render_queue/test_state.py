"""The queue's brain, under arbitrary interleavings and case by case."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from otio_perf.model import wire
from otio_perf.model.events import Failed, Skipped
from otio_perf.model.tasks import ProbeTask
from otio_perf.render_queue.state import (
    GRACE_SECONDS,
    RETRIES,
    UNKILLABLE_SECONDS,
    CancelHard,
    CancelRequested,
    CancelSoft,
    CapacityChanged,
    Command,
    Continue,
    Event,
    Finished,
    PauseRequested,
    Prioritized,
    Progressed,
    Publish,
    QueueState,
    ResumeRequested,
    Start,
    Submitted,
    Suspend,
    Tick,
    WorkerLost,
)

STALL = 10.0


def task(name: str) -> ProbeTask:
    return ProbeTask(path=name, stall_seconds=STALL)


A, B, C = task("a"), task("b"), task("c")


def started(commands: list[Command]) -> list[str]:
    return [c.task.label for c in commands if isinstance(c, Start)]


def queue_with(*tasks: ProbeTask, slots: int = 1) -> tuple[QueueState, list[Command]]:
    queue = QueueState()
    queue.handle(CapacityChanged(slots=slots, at=0))
    return queue, queue.handle(Submitted(job="j", tasks=tasks, at=0))


def test_no_more_than_the_slots_start_and_the_first_comes_first() -> None:
    queue, commands = queue_with(A, B, C, slots=2)
    assert started(commands) == ["a", "b"]
    done = Skipped(key=A.key, reason="")
    assert queue.handle(Finished(key=A.key, attempt=1, outcome=done, at=1)) == [
        Publish(task=A, outcome=done, wants=(("j", 0),)),
        Start(task=C, attempt=3),
    ]


def test_priority_takes_effect_on_the_next_free_slot() -> None:
    queue, _ = queue_with(A, B, C)
    assert queue.handle(Prioritized(keys=(C.key, "unknown"), priority=5, at=0)) == []
    assert queue.waiting == (C.key, B.key)
    urgent = task("urgent")
    queue.handle(Submitted(job="k", tasks=(urgent, B), priority=9, at=0))
    assert queue.waiting == (B.key, urgent.key, C.key)
    assert started(queue.handle(Finished(key=A.key, attempt=1, outcome=Skipped(key=A.key, reason=""), at=1))) == ["b"]


def test_pause_starts_nothing_until_resume() -> None:
    queue, _ = queue_with(A, B)
    queue.handle(PauseRequested(at=0))
    assert started(queue.handle(CapacityChanged(slots=5, at=0))) == []
    assert started(queue.handle(ResumeRequested(at=0))) == ["b"]


def test_two_jobs_share_one_task_and_one_may_leave() -> None:
    queue, _ = queue_with(A)
    assert queue.handle(Submitted(job="k", tasks=(A,), at=0)) == []
    (left,) = queue.handle(CancelRequested(job="j", at=1))
    assert isinstance(left, Publish)
    assert left.jobs == ("j",)
    done = Skipped(key=A.key, reason="")
    assert queue.handle(Finished(key=A.key, attempt=1, outcome=done, at=2)) == [Publish(task=A, outcome=done, wants=(("k", 0),))]
    assert queue.is_idle


def test_a_lost_worker_is_replaced_twice() -> None:
    queue, _ = queue_with(A)
    for attempt in range(1, RETRIES + 1):
        commands = queue.handle(WorkerLost(key=A.key, attempt=attempt, reason="SIGSEGV", at=attempt))
        assert commands == [Start(task=A, attempt=attempt + 1, is_retry=True)]
        late = Finished(key=A.key, attempt=attempt, outcome=Skipped(key=A.key, reason="late"), at=attempt)
        assert queue.handle(late) == []
    (end,) = queue.handle(WorkerLost(key=A.key, attempt=RETRIES + 1, reason="SIGSEGV", at=9))
    assert isinstance(end, Publish)
    assert isinstance(end.outcome, Failed)
    assert end.outcome.error == "WorkerLostError"
    assert "SIGSEGV" in end.outcome.message


def test_a_stalled_task_is_killed_and_not_tried_again() -> None:
    queue, _ = queue_with(A)
    assert queue.next_deadline() == STALL
    queue.handle(Progressed(key=A.key, attempt=1, done=1, at=5))
    assert queue.handle(Tick(at=STALL)) == []
    assert queue.handle(Tick(at=5 + STALL)) == [CancelHard(key=A.key, attempt=1)]
    (end,) = queue.handle(WorkerLost(key=A.key, attempt=1, reason="killed", at=16))
    assert isinstance(end, Publish)
    assert isinstance(end.outcome, Failed)
    assert "no progress for 10 seconds" in end.outcome.message


def test_cancel_asks_then_kills_then_gives_up() -> None:
    queue, _ = queue_with(A, B)
    first = queue.handle(CancelRequested(job="j", at=1))
    assert [type(c) for c in first] == [CancelSoft, Publish]
    assert queue.handle(Tick(at=1 + GRACE_SECONDS)) == [CancelHard(key=A.key, attempt=1)]
    (end,) = queue.handle(Tick(at=1 + GRACE_SECONDS + UNKILLABLE_SECONDS))
    assert isinstance(end, Publish)
    assert isinstance(end.outcome, Failed)
    assert end.outcome.error == "TaskCancelledError"
    assert queue.is_idle


def test_what_is_wanted_again_while_it_is_being_cancelled_starts_anew() -> None:
    queue, _ = queue_with(A)
    queue.handle(CancelRequested(job="j", key=A.key, at=1))
    queue.handle(Submitted(job="k", tasks=(A,), at=1))
    stopped = Failed(key=A.key, error="TaskCancelledError", message="stopped")
    commands = queue.handle(Finished(key=A.key, attempt=1, outcome=stopped, at=1.1))
    assert [type(c) for c in commands] == [Publish, Start]
    assert commands[0].jobs == ("j",)  # type: ignore[union-attr]


def test_a_result_that_comes_before_the_cancel_counts() -> None:
    queue, _ = queue_with(A)
    queue.handle(CancelRequested(job="j", at=1))
    done = Skipped(key=A.key, reason="quick")
    assert queue.handle(Finished(key=A.key, attempt=1, outcome=done, at=1)) == [Publish(task=A, outcome=done, wants=(("j", 0),))]


NAMES = st.sampled_from("abcdef")
JOBS = st.sampled_from(["j", "k", "l"])


class Interleavings(RuleBasedStateMachine):
    """Jobs, workers and time do what they like; the machine keeps the books that the queue must agree with."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = QueueState()
        self.now = 0.0
        self.owed: Counter[tuple[str, str]] = Counter()  # (job, key) → outcomes that are due
        self.running: dict[str, int] = {}  # what the workers really do
        self.past: list[tuple[str, int]] = []
        self.wants: set[tuple[str, str]] = set()  # not cancelled, not ended
        self.asleep: set[str] = set()
        self.killed: dict[str, float] = {}  # running, but told to die: since when
        self.slots = 0

    def send(self, event: Event) -> None:
        assert wire.from_json(type(event), wire.to_json(event)) == event  # a journal can keep it
        for command in self.queue.handle(event):
            match command:
                case Start():
                    assert command.task.key not in self.running, "runs twice"
                    assert command.attempt not in {n for _, n in self.past}
                    self.running[command.task.key] = command.attempt
                    self.killed.pop(command.task.key, None)
                    assert len(self.running) <= self.slots
                case Suspend():
                    assert self.running[command.key] == command.attempt
                    assert command.key not in self.asleep
                    self.asleep.add(command.key)
                case Continue():
                    assert self.running[command.key] == command.attempt
                    self.asleep.remove(command.key)
                case CancelSoft() | CancelHard():
                    assert self.running.get(command.key) == command.attempt
                    if isinstance(command, CancelHard):
                        self.killed[command.key] = self.now
                case Publish():
                    key = command.task.key
                    assert command.outcome.key == key
                    for job in command.jobs:
                        self.owed[job, key] -= 1
                        assert self.owed[job, key] >= 0, "two outcomes"
                        if not self.owed[job, key]:
                            self.wants.discard((job, key))

    @rule(job=JOBS, names=st.lists(NAMES, max_size=4), priority=st.integers(-2, 2))
    def submit(self, job: str, names: list[str], priority: int) -> None:
        tasks = tuple(task(n) for n in names)
        for key in {t.key for t in tasks}:
            if (job, key) not in self.wants:
                self.owed[job, key] += 1
                self.wants.add((job, key))
        self.send(Submitted(job=job, tasks=tasks, priority=priority, at=self.now))

    @rule(slots=st.integers(0, 3))
    def capacity(self, slots: int) -> None:
        self.slots = slots
        self.send(CapacityChanged(slots=slots, at=self.now))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["done", "failed", "cancelled", "lost", "progress"]))
    def worker(self, data: st.DataObject, how: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        attempt = self.running[key]
        if how != "progress":
            del self.running[key]
            self.past.append((key, attempt))
        self.report(key, attempt, how)

    @precondition(lambda self: self.past)
    @rule(data=st.data(), how=st.sampled_from(["done", "failed", "lost", "progress"]))
    def late_report(self, data: st.DataObject, how: str) -> None:
        key, attempt = data.draw(st.sampled_from(self.past))
        entries = self.queue.running, self.queue.waiting, dict(self.running)
        self.report(key, attempt, how)
        assert entries == (self.queue.running, self.queue.waiting, dict(self.running))

    def report(self, key: str, attempt: int, how: str) -> None:
        match how:
            case "done":
                self.send(Finished(key=key, attempt=attempt, outcome=Skipped(key=key, reason=""), at=self.now))
            case "failed" | "cancelled":
                error = "TaskCancelledError" if how == "cancelled" else "EncodeError"
                failed = Failed(key=key, error=error, message="")
                self.send(Finished(key=key, attempt=attempt, outcome=failed, at=self.now))
            case "lost":
                self.send(WorkerLost(key=key, attempt=attempt, reason="SIGKILL", at=self.now))
            case _:
                self.send(Progressed(key=key, attempt=attempt, done=1, at=self.now))

    @rule(job=JOBS, name=st.none() | NAMES)
    def cancel(self, job: str, name: str | None) -> None:
        key = None if name is None else task(name).key
        self.wants -= {(j, k) for j, k in self.wants if j == job and key in (None, k)}
        self.send(CancelRequested(job=job, key=key, at=self.now))

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.send(PauseRequested(at=self.now) if paused else ResumeRequested(at=self.now))

    @rule(names=st.lists(NAMES, max_size=3), priority=st.integers(-2, 2))
    def prioritize(self, names: list[str], priority: int) -> None:
        self.send(Prioritized(keys=tuple(task(n).key for n in names), priority=priority, at=self.now))

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for key, since in self.killed.items():  # a worker that cannot be killed is forgotten; its task may start again
            if key in self.running and since + UNKILLABLE_SECONDS <= self.now:
                self.past.append((key, self.running.pop(key)))
        self.send(Tick(at=self.now))

    @invariant()
    def nothing_is_lost(self) -> None:
        alive = {*self.queue.running, *self.queue.waiting}
        assert alive == {key for (_, key), n in self.owed.items() if n}
        assert set(self.queue.running) == set(self.running)
        assert len(self.queue.running) + len(self.queue.waiting) == len(alive)

    def teardown(self) -> None:
        """Give it slots and workers that do their job: everything owed is delivered."""
        self.send(ResumeRequested(at=self.now))
        self.capacity(2)
        for _ in range(100):
            if not self.running:
                break
            key, attempt = self.running.popitem()
            self.report(key, attempt, "done")
        assert self.queue.is_idle
        assert not any(self.owed.values())


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
