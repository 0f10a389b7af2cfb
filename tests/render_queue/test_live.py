"""The queue that stays: edits, order, yielding, records, kills. Real worker processes where it is about them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from otio_perf.errors import CacheError, DiskFullError, TaskCancelledError
from otio_perf.model.events import Failed, Notice, Outcome
from otio_perf.model.readings import Readings
from otio_perf.model.tasks import ProbeTask, Task
from otio_perf.model.views import Activity, TaskState, TaskView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue.backend import InlineBackend, ProcessBackend
from otio_perf.render_queue.journal import Journal
from otio_perf.render_queue.live import LiveQueue, QueueEvent
from otio_perf.render_queue.pace import Pace
from otio_perf.render_queue.priority import Place

ROOT = Path(__file__).resolve().parents[2]
POSIX_KILL = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")


def task(path: str, stall_seconds: float = 60.0) -> ProbeTask:
    return ProbeTask(path=path, stall_seconds=stall_seconds)


class Book:
    """Puts on record, and listens."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str, str]] = []  # job, label, what became of it
        self.heard: list[QueueEvent] = []
        self.fails: Exception | None = None
        self.changed = threading.Condition()

    def record(self, jobs: tuple[str, ...], task: Task, outcome: Outcome) -> None:
        if self.fails:
            raise self.fails
        word = outcome.error if isinstance(outcome, Failed) else type(outcome).__name__
        with self.changed:
            self.outcomes += [(job, task.label.partition(":")[0], word) for job in jobs]
            self.changed.notify_all()

    def hear(self, event: QueueEvent) -> None:
        with self.changed:
            self.heard.append(event)
            self.changed.notify_all()

    def wait(self, until: Callable[[], object], seconds: float = 30.0) -> None:
        with self.changed:
            assert self.changed.wait_for(until, seconds), (self.outcomes, self.heard)

    def notices(self) -> list[str]:
        return [e.text for e in self.heard if isinstance(e, Notice)]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def queue(book: Book, run_json: Callable[..., Any]) -> Iterator[LiveQueue]:
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


# -- wishes ------------------------------------------------------------------------------------------------------------


def test_outcomes_are_on_record_before_anybody_hears_of_them(queue: LiveQueue, book: Book) -> None:
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


def test_an_edit_stops_exactly_what_it_made_obsolete(queue: LiveQueue, book: Book) -> None:
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


def test_an_undo_finds_everything_as_it_was(queue: LiveQueue, book: Book) -> None:
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


def test_cancel_by_job_by_task_and_clear(queue: LiveQueue, book: Book) -> None:
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


def test_what_is_asked_for_comes_next_and_the_last_asked_first(queue: LiveQueue, book: Book) -> None:
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


def test_pause_puts_to_sleep_and_resume_goes_on(queue: LiveQueue, book: Book) -> None:
    queue.submit("j", [task("work:100"), task("a")])
    queue.pause()
    view = queue.progress()
    assert (view.is_paused, view.background.state, view.background.reason) == (True, "paused", "by the user")
    assert view.tasks[0].message == "asleep"
    time.sleep(0.3)
    assert book.outcomes == []
    queue.resume()
    book.wait(lambda: [word for *_, word in book.outcomes] == ["Skipped", "Skipped"])


def test_progress_of_task_job_and_all(queue: LiveQueue, book: Book) -> None:
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


def test_a_closed_queue_says_so(book: Book, run_json: Callable[..., Any]) -> None:
    queue = LiveQueue(InlineBackend(1, run=run_json), record=book.record)
    queue.start()
    queue.submit("j", [task("work:3000")])
    began = time.monotonic()
    queue.close()
    assert time.monotonic() - began < 1
    queue.set_posture(Posture(slots=0))  # nobody is there who would mind
    with pytest.raises(TaskCancelledError, match="closed"):
        queue.submit("j", [task("a")])
    queue.close()


def test_a_listener_that_fails_costs_nobody_anything(queue: LiveQueue, book: Book) -> None:
    def fail(event: QueueEvent) -> None:
        raise RuntimeError("no")

    queue.subscribe(fail)
    end = queue.subscribe(book.hear)
    queue.submit("j", [task("a")])
    book.wait(lambda: book.outcomes)
    end()
    end()


def test_threads_may_ask_for_everything_at_once(queue: LiveQueue, book: Book) -> None:
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


# -- giving way --------------------------------------------------------------------------------------------------------


def busy_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


CALM = Readings(
    cores=4,
    own_cores=0,
    other_cores=0,
    memory_bytes=16 << 30,
    available_memory_bytes=8 << 30,
    own_memory_bytes=0,
    free_disk_bytes=100 << 30,
)


@POSIX_KILL
@pytest.mark.parametrize("verb", ["work:100000", "deaf", "spin"])
def test_workers_yield_within_a_second_when_the_user_plays(run_json: Callable[..., Any], book: Book, verb: str) -> None:
    """Those that ask whether they may go on, those that never ask, and those that do nothing but compute."""
    backend = ProcessBackend(2, run=run_json)
    work = task(verb, stall_seconds=2)
    with LiveQueue(backend, record=book.record) as queue, Pace(queue, lambda: CALM, jobs=1) as pace:
        queue.subscribe(book.hear)
        queue.submit("j", [work, task("a")])
        until(lambda: backend.pids() and busy_seconds(backend.pids()[0]) > 0.15)  # it has begun
        (pid,) = backend.pids()
        pace.set_activity(Activity.PLAYING, seconds=60)
        time.sleep(0.9)
        assert is_stopped(pid)
        view = queue.progress().background
        assert (view.state, view.reason, view.slots) == ("yielding", "the user plays", 0)
        before = busy_seconds(pid)
        time.sleep(2.2)  # longer than its stall clock allows
        assert busy_seconds(pid) - before < 0.15  # the breaths of who did not come to rest
        pace.set_activity(Activity.IDLE, seconds=60)
        until(lambda: not is_stopped(pid))
        assert queue.progress().background.state == "working"
        assert labels(queue, TaskState.RUNNING) == [verb.partition(":")[0]]
        queue.clear()
        until(lambda: queue.is_idle)


@POSIX_KILL
def test_a_worker_that_was_stopped_with_a_lock_gives_it_back(run_json: Callable[..., Any], book: Book, tmp_path: Path) -> None:
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


def test_editing_wants_two_seconds_of_quiet(run_json: Callable[..., Any], book: Book) -> None:
    now = [100.0]
    with (
        LiveQueue(InlineBackend(1, run=run_json), record=book.record) as queue,
        Pace(queue, lambda: CALM, jobs=1, clock=lambda: now[0]) as pace,
    ):
        pace.set_activity(Activity.EDITING, seconds=60)
        queue.submit("j", [task("a")])
        assert queue.progress().background.reason == "the user edits"
        now[0] += 1.9
        pace.set_activity(Activity.EDITING, seconds=60)
        now[0] += 1.9
        time.sleep(0.7)
        assert book.outcomes == []
        now[0] += 0.2
        book.wait(lambda: book.outcomes)
        now[0] += 60
        assert pace.activity is Activity.IDLE


def test_nothing_is_read_while_nothing_waits(run_json: Callable[..., Any], book: Book) -> None:
    looks: list[float] = []

    def read() -> Readings:
        looks.append(time.monotonic())
        return CALM

    with LiveQueue(InlineBackend(1, run=run_json), record=book.record) as queue, Pace(queue, read, jobs=1):
        time.sleep(1.2)
        assert len(looks) == 1
        queue.submit("j", [task("work:3000")])
        until(lambda: len(looks) >= 3)
        queue.clear()
        until(lambda: queue.is_idle)
        time.sleep(0.6)
        before = len(looks)
        time.sleep(1.2)
        assert len(looks) == before


def test_niceness_is_that_of_the_posture(run_json: Callable[..., Any], book: Book) -> None:
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


# -- crashes -----------------------------------------------------------------------------------------------------------


PROGRAM = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    import queue_actions
    from otio_perf.model.tasks import ProbeTask
    from otio_perf.render_queue.backend import ProcessBackend
    from otio_perf.render_queue.journal import Journal
    from otio_perf.render_queue.live import LiveQueue

    folder = Path(sys.argv[2])
    recorded = folder / "recorded"

    def record(jobs, task, outcome):
        with recorded.open("a") as f:
            f.write("".join(f"{job} {task.path.partition(':')[0]} {type(outcome).__name__}\\n" for job in jobs))

    backend = ProcessBackend(2, run=queue_actions.run_json)
    queue = LiveQueue(backend, record=record, journal=Journal(folder / "q" / "queue.sqlite"))
    with queue:
        print("up", flush=True)
        for line in sys.stdin:
            job, *paths = line.split()
            queue.submit(job, [ProbeTask(path=p) for p in paths])
            print("accepted", job, flush=True)
            if job == "end":
                while not queue.is_idle:
                    time.sleep(0.02)
                break
"""


class Program:
    """A process with a queue, which can be killed, and started again on what it left."""

    def __init__(self, folder: Path, actions_folder: Path) -> None:
        self.folder = folder
        script = folder / "program.py"
        script.write_text(textwrap.dedent(PROGRAM))
        self._command = [sys.executable, str(script), str(actions_folder), str(folder)]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.read_to("up")

    def submit(self, job: str, *paths: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(" ".join([job, *paths]) + "\n")
        self.process.stdin.flush()
        self.read_to(f"accepted {job}")

    def read_to(self, line: str) -> None:
        assert self.process.stdout
        while (read := self.process.stdout.readline().strip()) != line:
            assert read, "the program has ended"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def finish(self) -> None:
        self.submit("end")
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    @property
    def recorded(self) -> list[str]:
        file = self.folder / "recorded"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def program(tmp_path: Path, actions_folder: Path) -> Iterator[Program]:
    program = Program(tmp_path, actions_folder)
    yield program
    with suppress(ProcessLookupError):
        program.kill()


def kill_at_random(program: Program, kills: int) -> None:
    """What was accepted is done, whenever the queue is killed; at most what was running or not yet recorded is done twice."""
    for n in range(kills):
        program.start()
        program.submit(f"job{n}", *(f"quick{n}-{i}" for i in range(5)), f"count:{program.folder / 'ran'}")
        time.sleep(0.003 * (7 * n % 11))
        program.kill()
    program.start()
    program.finish()
    done = program.recorded
    for n in range(kills):
        for i in range(5):
            assert done.count(f"job{n} quick{n}-{i} Skipped") in (1, 2)
        assert f"job{n} count Skipped" in done
    assert all(line.endswith(" Skipped") for line in done)


@POSIX_KILL
def test_a_killed_queue_goes_on_where_it_was(program: Program) -> None:
    kill_at_random(program, 4)


@POSIX_KILL
@pytest.mark.slow
def test_twenty_kills(program: Program) -> None:
    kill_at_random(program, 20)


@POSIX_KILL
def test_the_second_start_does_nothing_again(program: Program) -> None:
    program.start()
    program.submit("j", "a", "b", f"count:{program.folder / 'ran'}")
    program.finish()
    program.start()
    program.finish()
    assert sorted(program.recorded) == ["j a Skipped", "j b Skipped", "j count Skipped"]
    assert len((program.folder / "ran").read_text().splitlines()) == 1


@POSIX_KILL
def test_killed_and_stopped_workers_are_replaced_and_their_tasks_done(run_json: Callable[..., Any], book: Book) -> None:
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


# -- journal and record ------------------------------------------------------------------------------------------------


def live(book: Book, run: Callable[..., Any], path: Path) -> LiveQueue:
    queue = LiveQueue(InlineBackend(1, run=run), record=book.record, journal=Journal(path))
    queue.subscribe(book.hear)
    return queue


def test_pause_priorities_pins_and_labels_outlive_the_queue(run_json: Callable[..., Any], book: Book, tmp_path: Path) -> None:
    tasks = [task(name) for name in "abc"]
    with live(book, run_json, tmp_path / "q" / "queue.sqlite") as queue:
        queue.pause()
        places = {tasks[2].key: [Place(timeline="t", start=5, stop=9)]}
        queue.submit("j", tasks, places=places, label="film.otio", kind="timeline")
        queue.prioritize(task=tasks[1].key)
        queue.focus("t", playhead=50, pins=[(6, 7)])
    with live(book, run_json, tmp_path / "q" / "queue.sqlite") as queue:
        view = queue.progress()
        assert view.is_paused
        assert [(t.label, t.is_pinned, t.state) for t in view.tasks] == [
            ("b", False, TaskState.WAITING),
            ("c", True, TaskState.WAITING),
            ("a", False, TaskState.WAITING),
        ]
        (job,) = view.jobs
        assert (job.id, job.label, job.kind, job.waiting, job.total_frames) == ("j", "film.otio", "timeline", 3, 3)
        queue.resume()
        book.wait(lambda: [label for _, label, _ in book.outcomes] == ["b", "c", "a"])


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "zeroed page", "flipped", "a folder's worth of text"])
def test_a_damaged_journal_is_moved_aside_and_said(
    run_json: Callable[..., Any], book: Book, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "q" / "queue.sqlite"
    with live(book, run_json, path) as queue:
        queue.pause()
        queue.submit("j", [task(f"n{i}") for i in range(200)])
    body = bytearray(path.read_bytes())
    match damage:
        case "truncated":
            body = body[: len(body) // 2]
        case "empty":
            body = bytearray()
        case "garbage":
            body = bytearray(os.urandom(len(body)))
        case "zeroed page":
            body[4096:8192] = bytes(4096)
        case "flipped":
            for at in range(4096, len(body), 1000):
                body[at] ^= 0xFF
        case _:
            body = bytearray(b"this is no database\n" * 100)
    path.write_bytes(body)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with live(book, run_json, path) as queue:
        queue.submit("k", [task("a")])
        queue.resume()
        book.wait(lambda: ("k", "a", "Skipped") in book.outcomes)
    if damage != "empty":  # which SQLite takes for a new one
        assert [n for n in book.notices() if "damaged" in n]
        assert list(path.parent.glob("queue.corrupt-*"))


def test_a_newer_journal_is_refused_in_one_line(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "q" / "queue.sqlite"
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA user_version = 99; UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    connection.close()
    with pytest.raises(CacheError, match=r"journal of version 99, this otio-perf knows 1.*update otio-perf") as refused:
        Journal(path)
    assert "\n" not in str(refused.value)
    assert path.exists()


def test_a_long_journal_is_rewritten_as_what_is_left(run_json: Callable[..., Any], book: Book, tmp_path: Path) -> None:
    path = tmp_path / "q" / "queue.sqlite"
    with live(book, run_json, path) as queue:
        for n in range(0, 1200, 40):
            queue.submit("j", [task(f"n{i}") for i in range(n, n + 40)])
        book.wait(lambda: len(book.outcomes) == 1200, 60)
        queue.pause()
        queue.submit("k", [task("left")])
    with live(book, run_json, path) as queue:
        assert [t.label for t in queue.progress().tasks] == ["left"]
    import sqlite3

    assert sqlite3.connect(path).execute("SELECT count(*) FROM events").fetchone()[0] < 500


def test_a_workspace_that_is_removed_while_it_runs(run_json: Callable[..., Any], book: Book, tmp_path: Path) -> None:
    import shutil

    path = tmp_path / "q" / "queue.sqlite"
    with live(book, run_json, path) as queue:
        queue.pause()
        queue.submit("j", [task("a")])
        shutil.rmtree(path.parent)
        queue.submit("j", [task("b")])
    with live(book, run_json, path) as queue:
        assert sorted(t.label for t in queue.progress().tasks) == ["a", "b"]


def test_what_cannot_be_recorded_now_is_recorded_later_and_nothing_runs_meanwhile(
    queue: LiveQueue, book: Book, monkeypatch: pytest.MonkeyPatch
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
