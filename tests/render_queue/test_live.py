"""The queue that stays: wishes, edits, order, progress; and how it gives way. Real worker processes where it is about them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from otio_perf.errors import DiskFullError, TaskCancelledError
from otio_perf.model.tasks import ProbeTask
from otio_perf.model.views import TaskState, TaskView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue.backend import InlineBackend, ProcessBackend
from otio_perf.render_queue.live import LiveQueue
from otio_perf.render_queue.priority import Place
from otio_perf.render_queue.working import QueueEvent

ROOT = Path(__file__).resolve().parents[2]
POSIX_KILL = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")


def task(path: str, stall_seconds: float = 60.0) -> ProbeTask:
    return ProbeTask(path=path, stall_seconds=stall_seconds)


@pytest.fixture
def queue(book: Any, run_json: Callable[..., Any]) -> Iterator[LiveQueue]:
    """Of one thread."""
    with LiveQueue(InlineBackend(1, run=run_json), record=book.record) as queue:
        queue.subscribe(book.hear)
        yield queue


def labels(queue: LiveQueue, state: TaskState | None = None) -> list[str]:
    return [t.label.partition(":")[0] for t in queue.progress().tasks if state in (None, t.state)]


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_outcomes_are_on_record_before_anybody_hears_of_them(queue: LiveQueue, book: Any) -> None:
    recorded_when_heard: list[bool] = []

    def hear(event: QueueEvent) -> None:
        if isinstance(event, TaskView) and event.state is TaskState.SKIPPED:
            recorded_when_heard.append(("j", event.label, "Skipped") in book.outcomes)

    queue.subscribe(hear)
    queue.submit("j", [task("a"), task("b")])
    book.wait(lambda: len(recorded_when_heard) == 2)
    assert recorded_when_heard == [True, True]
    view = queue.progress()
    assert (view.background.state, view.total, labels(queue)) == ("idle", 2, ["b", "a"])
    (job,) = view.jobs
    assert (job.id, job.done, job.failed, job.waiting, job.running) == ("j", 2, 0, 0, 0)


def test_an_edit_stops_exactly_what_it_made_obsolete(queue: LiveQueue, book: Any) -> None:
    running, kept, dropped, new = task("work:3000"), task("kept"), task("dropped"), task("new")
    queue.submit("timeline", [running, kept, dropped], label="film.otio", kind="timeline")
    queue.submit("other", [dropped])
    difference = queue.replace("timeline", [running, kept, new], label="film.otio", kind="timeline")
    assert (difference.new, difference.cancelled) == ((new.key,), (dropped.key,))
    assert set(difference.kept) == {running.key, kept.key}
    assert labels(queue, TaskState.RUNNING) == ["work"]
    assert labels(queue, TaskState.WAITING) == ["kept", "dropped", "new"]  # the other job still wants it
    book.wait(lambda: book.outcomes == [("timeline", "dropped", "TaskCancelledError")])
    assert queue.replace("timeline", []).cancelled == (running.key, kept.key, new.key)
    book.wait(lambda: ("other", "dropped", "Skipped") in book.outcomes)
    assert {("timeline", name, "TaskCancelledError") for name in ("work", "kept", "new")} < set(book.outcomes)


def test_an_undo_finds_everything_as_it_was(queue: LiveQueue, book: Any) -> None:
    blocker, before = task("work:3000"), [task("a"), task("b")]
    queue.submit("blocker", [blocker])
    queue.submit("t", before)
    assert queue.replace("t", before[:1]).cancelled == (before[1].key,)
    again = queue.replace("t", before)
    assert (again.kept, again.new) == ((before[0].key,), (before[1].key,))
    queue.cancel(job="blocker")
    book.wait(
        lambda: (
            [o for o in book.outcomes if o[0] == "t" and o[2] == "Skipped"] == [("t", "a", "Skipped"), ("t", "b", "Skipped")]
        )
    )


def test_cancel_by_job_by_task_and_clear(queue: LiveQueue, book: Any) -> None:
    long, a, b, c = task("work:3000"), task("a"), task("b"), task("c")
    queue.submit("j", [long, a, b])
    queue.submit("k", [long, b, c])
    queue.cancel(task=b.key)
    book.wait(lambda: {("j", "b", "TaskCancelledError"), ("k", "b", "TaskCancelledError")} == set(book.outcomes))
    queue.cancel(job="j")
    assert labels(queue, TaskState.RUNNING) == ["work"]  # k wants it
    assert labels(queue, TaskState.WAITING) == ["c"]
    queue.clear()
    book.wait(lambda: len(book.outcomes) == 6)
    until(lambda: queue.is_idle)
    with pytest.raises(ValueError, match="clear"):
        queue.cancel()


def test_what_is_asked_for_comes_next_and_the_last_asked_first(queue: LiveQueue, book: Any) -> None:
    tasks = [task("work:3000"), *(task(name) for name in "abcd")]
    c, d = Place(timeline="t", start=100, stop=110), Place(timeline="t", start=105, stop=120)
    places = {tasks[3].key: [c], tasks[4].key: [d]}
    queue.submit("blocker", tasks[:1])
    queue.submit("j", tasks[1:], places=places)
    assert labels(queue, TaskState.WAITING) == ["c", "d", "a", "b"]  # what serves a timeline comes before the rest
    queue.prioritize(task=tasks[2].key)
    assert labels(queue, TaskState.WAITING) == ["b", "c", "d", "a"]
    queue.prioritize(timeline="t", start=110, stop=130)
    assert labels(queue, TaskState.WAITING) == ["d", "b", "c", "a"]
    queue.focus("t", playhead=0, pins=[(102, 103)])
    until(lambda: [t.is_pinned for t in queue.progress().tasks if t.label == "c"] == [True])
    assert labels(queue, TaskState.WAITING) == ["d", "b", "c", "a"]  # who was asked for by name comes before who is pinned
    queue.cancel(task=tasks[0].key)
    book.wait(lambda: len(book.outcomes) == 5)
    assert [label for _, label, _ in book.outcomes[1:]] == ["d", "b", "c", "a"]


def test_pause_puts_to_sleep_and_resume_goes_on(queue: LiveQueue, book: Any) -> None:
    queue.submit("j", [task("work:100"), task("a")])
    queue.pause()
    view = queue.progress()
    assert (view.is_paused, view.background.state, view.background.reason) == (True, "paused", "by the user")
    assert view.tasks[0].message == "asleep"
    time.sleep(0.3)
    assert book.outcomes == []
    queue.resume()
    book.wait(lambda: [word for *_, word in book.outcomes] == ["Skipped", "Skipped"])


def test_progress_of_task_job_and_all(queue: LiveQueue, book: Any) -> None:
    queue.submit("j", [task("work:3000"), task("a"), task("b")], label="rushes", kind="folder")
    book.wait(lambda: [e for e in book.heard if isinstance(e, TaskView) and e.done])
    view = queue.progress()
    (job,) = view.jobs
    assert (job.label, job.kind, job.waiting, job.running, job.total_frames, job.frames) == ("rushes", "folder", 2, 1, 3, 1)
    assert view.tasks[0].seconds
    assert view.background.frames_per_second > 0
    page = queue.progress(offset=1, limit=1)
    assert ([t.label for t in page.tasks], page.total) == (["a"], 3)
    assert queue.progress(offset=3, limit=5).tasks == ()


def test_a_closed_queue_says_so(book: Any, run_json: Callable[..., Any]) -> None:
    queue = LiveQueue(InlineBackend(1, run=run_json), record=book.record)
    queue.start()
    queue.submit("j", [task("work:3000")])
    began = time.monotonic()
    queue.close()
    assert time.monotonic() - began < 15  # of 30 seconds of work
    queue.set_posture(Posture(slots=0))  # nobody is there who would mind
    with pytest.raises(TaskCancelledError, match="closed"):
        queue.submit("j", [task("a")])
    queue.close()


def test_a_listener_that_fails_costs_nobody_anything(queue: LiveQueue, book: Any) -> None:
    def fail(event: QueueEvent) -> None:
        raise RuntimeError("no")

    queue.subscribe(fail)
    after: list[QueueEvent] = []
    end = queue.subscribe(after.append)
    queue.submit("j", [task("a")])
    until(lambda: [e for e in after if isinstance(e, TaskView) and e.state is TaskState.SKIPPED])
    end()
    end()


def test_what_one_of_two_jobs_no_longer_wants_has_not_ended(queue: LiveQueue, book: Any) -> None:
    blocker, both = task("work:3000"), task("both")
    queue.submit("blocker", [blocker])
    queue.submit("j", [both])
    queue.submit("k", [both])
    queue.cancel(job="j")
    book.wait(lambda: ("j", "both", "TaskCancelledError") in book.outcomes)
    assert both.key in queue
    assert {j.id: j.waiting for j in queue.progress().jobs} == {"k": 1, "j": 0, "blocker": 0}
    queue.cancel(job="blocker")
    book.wait(lambda: ("k", "both", "Skipped") in book.outcomes)
    book.wait(lambda: [e for e in book.heard if isinstance(e, TaskView) and e.label == "both" and e.state is TaskState.SKIPPED])
    states = [e.state for e in book.heard if isinstance(e, TaskView) and e.label == "both"]
    assert TaskState.CANCELLED not in states
    assert labels(queue).count("both") == 1


@pytest.mark.parametrize("error", [KeyError("a mistake"), OSError(5, "input/output error")])
def test_an_outcome_whose_record_breaks_is_told_all_the_same(
    queue: LiveQueue, book: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the disk refuses is tried again; a mistake would be made again."""
    monkeypatch.setattr("otio_perf.render_queue.recording.RETRY_SECONDS", 0.05)
    book.fails = error
    queue.submit("j", [task("a")])
    book.wait(lambda: [n for n in book.notices() if str(error) in n])
    if isinstance(error, OSError):
        assert not [e for e in book.heard if isinstance(e, TaskView) and e.state is TaskState.SKIPPED]
        book.fails = None
        book.wait(lambda: ("j", "a", "Skipped") in book.outcomes)
    book.wait(lambda: [e for e in book.heard if isinstance(e, TaskView) and e.state is TaskState.SKIPPED])
    book.wait(lambda: "the queue goes on" in book.notices())


def test_nothing_begins_once_the_queue_is_closing(
    book: Any, run_json: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on record at last lets the queue go on, but not when it has ended by then."""
    monkeypatch.setattr("otio_perf.render_queue.recording.RETRY_SECONDS", 0.01)
    tries, is_over = [], threading.Event()

    def record(*_: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise DiskFullError("disk full", path="/w/index.sqlite")
        is_over.wait(20)

    queue = LiveQueue(InlineBackend(1, run=run_json), record=record)
    queue.subscribe(book.hear)
    queue.start()
    queue.submit("j", [task("a")])
    until(lambda: len(tries) == 2 and queue.progress().background.slots == 0)
    queue.submit("j", [task("b")])
    closer = threading.Thread(target=queue.close)
    closer.start()
    until(lambda: "render-queue" not in [thread.name for thread in threading.enumerate()])
    is_over.set()
    closer.join()
    assert "the queue goes on" in book.notices()
    assert [e for e in book.heard if isinstance(e, TaskView) and e.label == "b"] == []


def test_threads_may_ask_for_everything_at_once(queue: LiveQueue, book: Any) -> None:
    def ask(job: str) -> None:
        for n in range(20):
            queue.submit(job, [task(f"n{n}"), task(f"{job}{n}")])
            queue.replace(job, [task(f"n{n}")])
            queue.focus("t", playhead=n)
            queue.progress()

    threads = [threading.Thread(target=ask, args=(job,)) for job in "jklm"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: queue.is_idle)
    assert queue.progress().background.waiting == 0


def busy_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:  # it has been replaced
        return False


@POSIX_KILL
@pytest.mark.parametrize("verb", ["work:100000", pytest.param("deaf", marks=pytest.mark.slow), "spin"])
def test_workers_yield_when_the_user_plays(run_json: Callable[..., Any], book: Any, verb: str) -> None:
    """Those that ask whether they may go on, those that never ask, and those that do nothing but compute."""
    backend = ProcessBackend(2, run=run_json)
    work = task(verb, stall_seconds=2)
    with LiveQueue(backend, record=book.record) as queue:
        queue.set_posture(Posture(slots=1))
        queue.subscribe(book.hear)
        queue.submit("j", [work, task("a")])
        until(lambda: backend.pids() and busy_seconds(backend.pids()[0]) > 0.1)
        time.sleep(0.3)  # it has begun
        (pid,) = backend.pids()
        queue.set_posture(Posture(slots=1, suspended=True, reason="the user plays"))
        until(lambda: is_stopped(pid))
        view = queue.progress().background
        assert (view.state, view.reason, view.slots) == ("yielding", "the user plays", 0)
        before, asleep_at = busy_seconds(pid), time.monotonic()
        time.sleep(2.2)  # longer than its stall clock allows
        assert busy_seconds(pid) - before < 0.3 * (time.monotonic() - asleep_at)  # the breaths of who did not come to rest
        queue.set_posture(Posture(slots=1))
        until(lambda: not is_stopped(pid))
        assert queue.progress().background.state == "working"
        assert labels(queue, TaskState.RUNNING) == [verb.partition(":")[0]]
        queue.clear()
        until(lambda: queue.is_idle)


@POSIX_KILL
def test_a_worker_that_was_stopped_with_a_lock_gives_it_back(run_json: Callable[..., Any], book: Any, tmp_path: Path) -> None:
    """It is stopped while it writes to a database that we write to as well."""
    import sqlite3

    path = tmp_path / "shared.sqlite"
    sqlite3.connect(path).execute("CREATE TABLE t(n)").connection.commit()
    backend = ProcessBackend(1, run=run_json)
    with LiveQueue(backend, record=book.record) as queue:
        queue.submit("j", [task(f"lock:{path}")])
        until(lambda: path.with_suffix(".locked").exists())
        queue.pause()
        until(lambda: is_stopped(backend.pids()[0]))
        ours = sqlite3.connect(path, timeout=20)
        began = time.monotonic()
        with ours:
            ours.execute("INSERT INTO t VALUES (1)")
        ours.close()
        assert time.monotonic() - began < 15
        queue.clear()


def test_niceness_is_that_of_the_posture(run_json: Callable[..., Any], book: Any) -> None:
    backend = ProcessBackend(1, run=run_json)
    with LiveQueue(backend, record=book.record) as queue:
        queue.set_posture(Posture(slots=1, niceness=7))
        queue.submit("j", [task("a")])
        book.wait(lambda: book.outcomes)
        (first,) = backend.pids()
        if sys.platform != "win32":
            assert psutil.Process(first).nice() == os.getpriority(os.PRIO_PROCESS, 0) + 7 or psutil.Process(first).nice() == 7
        queue.set_posture(Posture(slots=1, niceness=19))
        queue.submit("j", [task("b")])
        book.wait(lambda: len(book.outcomes) == 2)
        assert backend.pids() == [first]  # it can become nicer where it is
        if sys.platform != "win32":
            assert psutil.Process(first).nice() == 19


@POSIX_KILL
def test_killed_and_stopped_workers_are_replaced_and_their_tasks_done(run_json: Callable[..., Any], book: Any) -> None:
    backend = ProcessBackend(2, run=run_json)
    with LiveQueue(backend, record=book.record) as queue:
        queue.submit("j", [task(f"work:{n}", stall_seconds=2) for n in (100, 101, 102, 103)])
        for signal_ in (signal.SIGKILL, signal.SIGSTOP):
            until(lambda: len(backend.pids()) == 2)
            time.sleep(0.3)
            pid = backend.pids()[0]
            os.kill(pid, signal_)
            until(lambda pid=pid: pid not in backend.pids() or is_stopped(pid))  # type: ignore[misc]
        book.wait(lambda: len(book.outcomes) == 4)
    assert [word for *_, word in book.outcomes] == ["Skipped"] * 4


def test_what_cannot_be_recorded_now_is_recorded_later_and_nothing_runs_meanwhile(
    queue: LiveQueue, book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otio_perf.render_queue.recording.RETRY_SECONDS", 0.2)
    book.fails = DiskFullError("disk full", path="/w/index.sqlite")
    queue.submit("j", [task("a"), task("b")])
    book.wait(lambda: [n for n in book.notices() if n.startswith("/w/index.sqlite: disk full")])
    until(lambda: queue.progress().background.slots == 0)
    queue.submit("j", [task("c")])
    assert queue.progress().background.reason.startswith("/w/index.sqlite: disk full")
    assert "c" in labels(queue, TaskState.WAITING)
    book.fails = None
    book.wait(lambda: len(book.outcomes) == 3)
    book.wait(lambda: "the queue goes on" in book.notices())


@POSIX_KILL
def test_a_worker_with_nothing_to_do_gives_its_memory_back(
    run_json: Callable[..., Any], book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otio_perf.render_queue.slot.IDLE_SECONDS", 0.3)
    backend = ProcessBackend(1, run=run_json)
    with LiveQueue(backend, record=book.record) as queue:
        for name in ("a", "b"):
            queue.submit("j", [task(name)])
            book.wait(lambda name=name: ("j", name, "Skipped") in book.outcomes)  # type: ignore[misc]
            (pid,) = backend.pids()
            until(lambda: backend.pids() == [])
            until(lambda pid=pid: not psutil.pid_exists(pid))  # type: ignore[misc]


@POSIX_KILL
def test_workers_that_cannot_be_killed_do_not_take_the_queue_with_them(
    run_json: Callable[..., Any], book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made up: that a kill does nothing, as where a process waits for a disk that does not answer."""
    from multiprocessing.context import SpawnProcess

    backend = ProcessBackend(1, run=run_json)
    with LiveQueue(backend, record=book.record) as queue:
        queue.submit("j", [task("hang:", stall_seconds=1)])
        until(backend.pids)
        with monkeypatch.context() as patch:
            patch.setattr(SpawnProcess, "kill", lambda self: None)
            book.wait(lambda: ("j", "hang", "WorkerLostError") in book.outcomes)
            queue.submit("j", [task("a"), task("b")])
            book.wait(lambda: len(book.outcomes) == 3)
            assert len(backend.pids()) == 2
    assert [word for *_, word in book.outcomes] == ["WorkerLostError", "Skipped", "Skipped"]
