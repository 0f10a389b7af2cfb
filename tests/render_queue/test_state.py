"""The queue's brain, under arbitrary interleavings and case by case."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from otio_perf.model import wire
from otio_perf.model.devices import GpuDevice
from otio_perf.model.events import Failed, Skipped
from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.plans import Product
from otio_perf.model.recipes import PrerenderRecipe, ProxyRecipe
from otio_perf.model.tasks import PrerenderTask, ProbeTask, ProxyTask, Task
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.render_queue.entry import GRACE_SECONDS, UNKILLABLE_SECONDS
from otio_perf.render_queue.messages import (
    CancelHard,
    CancelRequested,
    CancelSoft,
    CapacityChanged,
    Command,
    Continue,
    Event,
    Finished,
    Focused,
    PauseRequested,
    Prioritized,
    Progressed,
    Publish,
    Recorded,
    ResumeRequested,
    Start,
    Submitted,
    Suspend,
    Tick,
    WorkerLost,
)
from otio_perf.render_queue.priority import Focus, Place
from otio_perf.render_queue.state import RETRIES, QueueState

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
    assert queue.handle(Finished(key=A.key, attempt=1, outcome=done, at=2)) == [
        Publish(task=A, outcome=done, wants=(("k", 0),))
    ]
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


def test_after_the_machine_has_slept_nobody_has_stalled() -> None:
    queue, _ = queue_with(A)
    assert queue.handle(Tick(at=8 * 3600)) == []
    assert queue.next_deadline() == 8 * 3600 + STALL
    assert queue.handle(Tick(at=8 * 3600 + STALL)) == [CancelHard(key=A.key, attempt=1)]


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
    assert queue.handle(Finished(key=A.key, attempt=1, outcome=done, at=1)) == [
        Publish(task=A, outcome=done, wants=(("j", 0),))
    ]


def proxy(name: str, source: str = "xxh3:1") -> ProxyTask:
    media = MediaInfo(
        path=name,
        kind=MediaKind.AUDIO,
        container="mov",
        size_bytes=1,
        fingerprint=source,
        duration=Fraction(1),
        video=(),
        audio=(),
        other_streams=0,
        start_timecode=None,
        reel=None,
    )
    range_ = FrameRange(start=0, stop=1, rate=FrameRate(25))
    recipe = ProxyRecipe(rung="720p")
    product = Product(
        key=name,
        source_path=name,
        source_fingerprint="xxh3:1",
        recipe=recipe,
        path=name,
        width=2,
        height=2,
        source_range=range_,
    )
    return ProxyTask(media=media, products=(product,), constant_rate=None, workspace="/w")


def place(start: int, stop: int, timeline: str = "t") -> tuple[Place, ...]:
    return (Place(timeline=timeline, start=start, stop=stop),)


def order(queue: QueueState) -> list[str]:
    return [entry.task.label for key in queue.waiting if (entry := queue.entry(key))]


def test_pinned_then_playhead_then_ahead_before_behind_then_proxies_then_the_rest() -> None:
    queue = QueueState()
    spans = {"behind": (40, 50), "ahead": (110, 120), "here": (50, 60), "far": (300, 310), "pinned": (900, 910)}
    tasks = {name: task(name) for name in ["rest", *spans]}
    near, distant = proxy("near proxy"), proxy("distant proxy")
    queue.handle(
        Submitted(
            job="j",
            tasks=(distant, near, *tasks.values()),
            places={tasks[n].key: place(*s) for n, s in spans.items()}
            | {near.key: place(60, 99), distant.key: place(500, 600)},
            at=0,
        )
    )
    queue.handle(Focused(timeline="t", focus=Focus(playhead=55, pins=((905, 906),)), at=0))
    assert order(queue) == ["pinned", "here", "behind", "ahead", "far", "near proxy", "distant proxy", "rest"]
    queue.handle(Focused(timeline="t", focus=Focus(playhead=75), at=0))
    assert order(queue)[0] == "near proxy"  # what lies under the playhead, whatever it is
    assert order(queue).index("ahead") < order(queue).index("here")  # 35 frames ahead, 16 behind
    queue.handle(Focused(timeline="t", focus=None, at=0))
    assert order(queue) == ["behind", "here", "ahead", "far", "pinned", "near proxy", "distant proxy", "rest"]


def test_the_timeline_looked_at_last_comes_first() -> None:
    queue = QueueState()
    queue.handle(Submitted(job="j", tasks=(A,), places={A.key: place(0, 9, "one")}, at=0))
    queue.handle(Submitted(job="k", tasks=(B,), places={B.key: place(50, 59, "two")}, at=0))
    queue.handle(Focused(timeline="two", focus=Focus(playhead=0), at=0))
    queue.handle(Focused(timeline="one", focus=Focus(playhead=100), at=0))
    assert order(queue) == ["a", "b"]
    queue.handle(Focused(timeline="two", focus=Focus(playhead=1), at=0))
    assert order(queue) == ["b", "a"]


def test_a_move_of_the_playhead_counts_on_the_next_free_slot() -> None:
    queue, _ = queue_with(A)
    queue.handle(Submitted(job="j", tasks=(B, C), places={B.key: place(0, 9), C.key: place(50, 59)}, at=0))
    assert queue.handle(Focused(timeline="t", focus=Focus(playhead=55), at=1)) == []
    assert started(queue.handle(Finished(key=A.key, attempt=1, outcome=Skipped(key=A.key, reason=""), at=2))) == ["c"]


def test_a_proxy_sleeps_while_what_is_under_the_playhead_is_rendered() -> None:
    queue, long = QueueState(), proxy("long")
    queue.handle(CapacityChanged(slots=1, workers=2, at=0))
    queue.handle(Submitted(job="j", tasks=(long, B, C), places={B.key: place(0, 9), C.key: place(50, 59)}, at=0))
    assert queue.running == (B.key,)
    done = Skipped(key=B.key, reason="")
    queue.handle(Focused(timeline="t", focus=Focus(playhead=500), at=0))
    queue.handle(CancelRequested(job="j", key=C.key, at=0))
    assert started(queue.handle(Finished(key=B.key, attempt=1, outcome=done, at=1))) == ["long"]
    assert queue.handle(Submitted(job="j", tasks=(C,), places={C.key: place(50, 59)}, at=2)) == []  # not urgent
    urgent = queue.handle(Focused(timeline="t", focus=Focus(playhead=55), at=3))
    assert urgent == [Suspend(key=long.key, attempt=2), Start(task=C, attempt=3)]
    assert queue.next_deadline() == 3 + STALL  # that of the proxy stands still
    back = queue.handle(Finished(key=C.key, attempt=3, outcome=Skipped(key=C.key, reason=""), at=4))
    assert back[1:] == [Continue(key=long.key, attempt=2)]
    assert queue.next_deadline() == 4 + long.stall_seconds


def test_nobody_is_started_who_would_wait_for_what_a_sleeper_holds() -> None:
    """Both lock the source. The second would wait in the only slot, for one that sleeps until it has ended."""
    queue, first, second = QueueState(), proxy("720p"), proxy("540p")
    queue.handle(CapacityChanged(slots=1, workers=3, at=0))
    queue.handle(Submitted(job="j", tasks=(first,), at=0))
    assert queue.handle(Submitted(job="j", tasks=(second,), priority=5, at=1)) == []
    other = proxy("other", source="xxh3:2")
    assert queue.handle(Submitted(job="j", tasks=(other,), priority=1, at=2)) == [
        Suspend(key=first.key, attempt=1),
        Start(task=other, attempt=2),
    ]
    back = queue.handle(Finished(key=other.key, attempt=2, outcome=Skipped(key=other.key, reason=""), at=3))
    assert back[1:] == [Continue(key=first.key, attempt=1)]
    done = queue.handle(Finished(key=first.key, attempt=1, outcome=Skipped(key=first.key, reason=""), at=4))
    assert started(done) == ["540p"]


def test_of_two_copies_with_one_name_the_second_waits() -> None:
    queue = QueueState()
    queue.handle(CapacityChanged(slots=2, at=0))
    cards = proxy("A001.mov"), proxy("A001.MOV", source="xxh3:2")
    assert started(queue.handle(Submitted(job="j", tasks=cards, at=0))) == ["A001.mov"]


def chunk(name: str, gpus: int) -> PrerenderTask:
    devices = tuple(GpuDevice(arch="cuda", name=f"GPU {n}") for n in range(gpus))
    return PrerenderTask(
        key=name,
        plans=(),
        media={},
        frame_rate=FrameRate(25),
        recipe=PrerenderRecipe(),
        path="",
        workspace="/w",
        gpu="auto" if gpus else "off",
        devices=devices,
        cores=16,
        label=name,
    )


def test_as_many_tasks_have_a_gpu_as_there_are_and_others_go_by_them() -> None:
    queue = QueueState()
    queue.handle(CapacityChanged(slots=4, at=0))
    tasks = tuple(chunk(name, gpus) for name, gpus in (("1", 2), ("2", 2), ("3", 2), ("processor", 0), ("4", 2)))
    assert started(queue.handle(Submitted(job="j", tasks=tasks, at=0))) == ["1", "2", "processor"]
    assert queue.handle(Progressed(key="1", attempt=1, done=1, at=1)) == []
    assert started(queue.handle(Finished(key="2", attempt=2, outcome=Skipped(key="2", reason=""), at=1))) == ["3"]
    assert order(queue) == ["4"]


def test_cores_are_shared_by_those_that_run_at_once() -> None:
    """However many rounds planned them: one that is alone has all."""
    queue = QueueState()
    queue.handle(CapacityChanged(slots=4, at=0))
    (alone,) = queue.handle(Submitted(job="j", tasks=(chunk("1", 0),), at=0))
    assert isinstance(alone, Start)
    assert isinstance(alone.task, PrerenderTask)
    assert alone.task.cores == 16
    many = queue.handle(Submitted(job="k", tasks=tuple(chunk(f"{n}", 0) for n in range(2, 9)), at=0))
    assert [c.task.cores for c in many if isinstance(c, Start) and isinstance(c.task, PrerenderTask)] == [4, 4, 4]


def test_what_is_over_serves_no_timeline() -> None:
    queue, _ = queue_with()
    for n in range(10):
        one = task(f"n{n}")
        queue.handle(Submitted(job="j", tasks=(one,), places={one.key: place(0, 9)}, at=0))
        queue.handle(CancelRequested(job="j", at=0))
        queue.handle(WorkerLost(key=one.key, attempt=n + 1, reason="killed", at=0))
    assert queue.is_idle
    assert not any(queue._order.serving.values())  # nothing else shows that memory does not grow


def test_without_a_worker_to_spare_nothing_is_put_to_sleep_for_others() -> None:
    queue, long = QueueState(), proxy("long")
    queue.handle(CapacityChanged(slots=1, at=0))
    queue.handle(Submitted(job="j", tasks=(long,), at=0))
    assert queue.handle(Submitted(job="j", tasks=(C,), priority=5, at=2)) == []


def test_fewer_slots_put_the_least_urgent_to_sleep_and_more_wake_it() -> None:
    queue, _ = queue_with(A, B, slots=2)
    queue.handle(Prioritized(keys=(B.key,), priority=1, at=0))
    assert queue.handle(CapacityChanged(slots=1, at=1)) == [Suspend(key=A.key, attempt=1)]
    assert queue.handle(PauseRequested(at=1)) == [Suspend(key=B.key, attempt=2)]
    assert queue.handle(Tick(at=1000)) == []
    assert queue.handle(ResumeRequested(at=1001)) == [Continue(key=B.key, attempt=2)]
    assert queue.handle(CapacityChanged(slots=2, at=1002)) == [Continue(key=A.key, attempt=1)]


def test_who_is_asleep_can_be_cancelled_and_may_die() -> None:
    queue, _ = queue_with(A, B, slots=2)
    queue.handle(CapacityChanged(slots=0, at=1))
    assert queue.handle(CancelRequested(job="j", key=A.key, at=2)) == [CancelSoft(key=A.key, attempt=1)]
    assert queue.handle(Tick(at=2 + GRACE_SECONDS)) == [CancelHard(key=A.key, attempt=1)]
    (ended,) = queue.handle(WorkerLost(key=A.key, attempt=1, reason="killed", at=3))
    assert isinstance(ended, Publish)
    assert queue.handle(WorkerLost(key=B.key, attempt=2, reason="SIGKILL", at=3)) == []
    assert queue.handle(CapacityChanged(slots=1, at=4)) == [Start(task=B, attempt=3, is_retry=True)]


NAMES = st.sampled_from("abcdefg")
SOURCES = {"e": "xxh3:1", "f": "xxh3:1", "g": "xxh3:2"}
JOBS = st.sampled_from(["j", "k", "l"])
FRAMES = st.integers(0, 50)
KEPT = (Submitted, CancelRequested, PauseRequested, ResumeRequested, Prioritized, Focused, Recorded)


def a_task(name: str) -> Task:
    return proxy(name, SOURCES[name]) if name in SOURCES else task(name)


def source_of(task: Task) -> str:
    """What no two tasks hold at once."""
    return task.media.fingerprint if isinstance(task, ProxyTask) else task.key


class Interleavings(RuleBasedStateMachine):
    """Jobs, workers, time and crashes do what they like; the machine keeps the books that the queue must agree with."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = QueueState()
        self.now = 0.0
        self.number = 0
        self.owed: dict[tuple[str, str], list[int]] = {}  # numbers of submissions that have no outcome, by job and key
        self.wants: set[tuple[str, str]] = set()  # not cancelled, not ended
        self.running: dict[str, int] = {}  # what the workers really do
        self.asleep: set[str] = set()
        self.past: list[tuple[str, int]] = []
        self.killed: dict[str, float] = {}  # running, but told to die: since when
        self.slots = self.workers = 0
        self.is_paused = False
        self.journal: list[Event] = []
        self.unrecorded: list[Publish] = []

    def send(self, event: Event) -> None:
        assert wire.from_json(type(event), wire.to_json(event)) == event  # a journal can keep it
        if isinstance(event, KEPT):
            self.journal.append(event)
        for command in self.queue.handle(event):
            match command:
                case Start():
                    key = command.task.key
                    assert key not in self.running, "runs twice"
                    assert command.attempt not in {n for _, n in self.past}
                    self.running[key] = command.attempt
                    self.killed.pop(key, None)
                    assert len(self.running) <= self.workers
                    held = [source_of(self.queue.entry(k).task) for k in self.running]  # type: ignore[union-attr]
                    assert len(set(held)) == len(held), "waits for what another holds"
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
                    assert command.outcome.key == command.task.key
                    self.unrecorded.append(command)
                    for job, number in command.wants:
                        owed = self.owed[job, command.task.key]
                        owed.remove(number)  # or it has two outcomes
                        if not owed:
                            self.wants.discard((job, command.task.key))

    def forget(self, key: str) -> int:
        self.asleep.discard(key)
        return self.running.pop(key)

    @rule(job=JOBS, names=st.lists(NAMES, max_size=4), priority=st.integers(-2, 2), where=st.lists(FRAMES, min_size=4))
    def submit(self, job: str, names: list[str], priority: int, where: list[int]) -> None:
        tasks = tuple(map(a_task, names))
        self.number += 1
        for key in {t.key for t in tasks}:
            owed = self.owed.setdefault((job, key), [])
            if (job, key) in self.wants:
                owed[-1] = self.number  # it is the same wish
            else:
                owed.append(self.number)
                self.wants.add((job, key))
        places = {t.key: place(start, start + 5) for t, start in zip(tasks, where, strict=False) if start}
        self.send(Submitted(job=job, tasks=tasks, priority=priority, places=places, number=self.number, at=self.now))

    @rule(slots=st.integers(0, 3), spare=st.integers(0, 2))
    def capacity(self, slots: int, spare: int) -> None:
        self.slots, self.workers = slots, max(slots, slots + spare)
        self.send(CapacityChanged(slots=slots, workers=self.workers, at=self.now))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["done", "failed", "cancelled", "lost", "progress"]))
    def worker(self, data: st.DataObject, how: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        attempt = self.running[key]
        if how != "progress":
            self.past.append((key, self.forget(key)))
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

    @rule(job=st.none() | JOBS, name=st.none() | NAMES)
    def cancel(self, job: str | None, name: str | None) -> None:
        key = None if name is None else a_task(name).key
        self.wants -= {(j, k) for j, k in self.wants if job in (None, j) and key in (None, k)}
        self.send(CancelRequested(job=job, key=key, at=self.now))

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.is_paused = paused
        self.send(PauseRequested(at=self.now) if paused else ResumeRequested(at=self.now))

    @rule(names=st.lists(NAMES, max_size=3), priority=st.integers(-2, 2))
    def prioritize(self, names: list[str], priority: int) -> None:
        self.send(Prioritized(keys=tuple(a_task(n).key for n in names), priority=priority, at=self.now))

    @rule(playhead=st.none() | FRAMES, pin=st.none() | FRAMES)
    def focus(self, playhead: int | None, pin: int | None) -> None:
        focus = Focus(playhead=playhead, pins=() if pin is None else ((pin, pin + 3),))
        self.send(Focused(timeline="t", focus=None if playhead is pin is None else focus, at=self.now))

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for key, since in self.killed.items():  # a worker that cannot be killed is forgotten; its task may start again
            if key in self.running and since + UNKILLABLE_SECONDS <= self.now:
                self.past.append((key, self.forget(key)))
        self.send(Tick(at=self.now))

    @precondition(lambda self: self.unrecorded)
    @rule()
    def record(self) -> None:
        publish = self.unrecorded.pop(0)
        jobs: dict[str, int] = {}
        for job, number in publish.wants:
            jobs[job] = max(number, jobs.get(job, number))
        entries = self.queue.running, self.queue.waiting
        self.send(Recorded(key=publish.task.key, jobs=jobs, at=self.now))
        assert entries == (self.queue.running, self.queue.waiting)

    @rule(compacted=st.booleans())
    def crash(self, compacted: bool) -> None:
        """Nothing runs any more; the journal says what is wanted. What has an outcome that is not on record may come again."""
        for publish in self.unrecorded:
            for job, number in publish.wants:
                self.owed.setdefault((job, publish.task.key), []).append(number)
        if compacted and not self.unrecorded:
            self.journal = list(self.queue.snapshot(self.now))
        self.queue, over = replayed(self.journal)
        self.unrecorded = []
        wanted = {(job, e.task.key): number for e in self.queue.entries() for job, number in e.jobs.items()}
        owed = {want for want, numbers in self.owed.items() if numbers}
        assert {want for want, number in wanted.items()} <= owed, "nothing is done that nobody wants"
        assert owed - set(wanted) <= over, "nothing is lost"
        self.owed = {want: [number] for want, number in wanted.items()}
        self.wants = set(wanted)
        self.past += self.running.items()
        self.past = []  # attempts are counted anew, and the workers of before are gone
        self.running, self.asleep, self.killed = {}, set(), {}
        assert self.queue.is_paused == self.is_paused
        self.send(CapacityChanged(slots=self.slots, workers=self.workers, at=self.now))

    @invariant()
    def nothing_is_lost(self) -> None:
        alive = {*self.queue.running, *self.queue.waiting}
        assert alive == {key for (_, key), numbers in self.owed.items() if numbers}
        assert set(self.queue.running) == set(self.running)
        assert {key for key in self.running if self.queue.entry(key).is_asleep} == self.asleep  # type: ignore[union-attr]
        awake = set(self.running) - self.asleep
        ending = {key for key in awake if self.queue.entry(key).is_ending}  # type: ignore[union-attr]
        slots = 0 if self.is_paused else self.slots
        assert len(awake - ending) <= slots
        sources = {source_of(self.queue.entry(key).task) for key in alive}  # type: ignore[union-attr]
        assert len(awake) >= min(slots, self.workers, len(sources)) or len(self.running) >= self.workers, "a slot stays empty"

    def teardown(self) -> None:
        """Give it slots and workers that do their job: everything owed is delivered. So it is from any part of the journal."""
        for length in range(len(self.journal) + 1):
            finish(replayed(self.journal[:length])[0])
        self.pause(False)
        self.capacity(2, 0)
        for _ in range(100):
            if not self.running:
                break
            key = min(self.running)
            self.report(key, self.forget(key), "done")
        assert self.queue.is_idle
        assert not any(self.owed.values())


def replayed(journal: list[Event]) -> tuple[QueueState, set[tuple[str, str]]]:
    """A queue after the crash; and what was cancelled, by job and key: it is published again where it is not on record."""
    queue = QueueState()
    over = set()
    for event in journal:
        for command in queue.handle(event):
            assert isinstance(command, Publish)
            over |= {(job, command.task.key) for job in command.jobs}
    assert queue.running == ()
    return queue, over


def finish(queue: QueueState) -> None:
    """With workers that do their job."""
    commands = queue.handle(ResumeRequested(at=0)) + queue.handle(CapacityChanged(slots=2, at=0))
    published: Counter[tuple[str, str]] = Counter()
    wanted = {(job, entry.task.key) for entry in queue.entries() for job in entry.jobs}
    while starts := [c for c in commands if isinstance(c, Start)]:
        commands = []
        for start in starts:
            key = start.task.key
            commands += queue.handle(Finished(key=key, attempt=start.attempt, outcome=Skipped(key=key, reason=""), at=1))
        published.update((job, c.task.key) for c in commands if isinstance(c, Publish) for job in c.jobs)
    assert queue.is_idle
    assert published == Counter(wanted)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
