"""What outlives the queue: kills at any time, journals that are damaged, full, gone. Real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from otio_perf.errors import CacheError
from otio_perf.model.tasks import ProbeTask
from otio_perf.model.views import TaskState
from otio_perf.render_queue.backend import InlineBackend
from otio_perf.render_queue.journal import Journal
from otio_perf.render_queue.live import LiveQueue
from otio_perf.render_queue.priority import Place

ROOT = Path(__file__).resolve().parents[2]
POSIX_KILL = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")


def task(path: str, stall_seconds: float = 60.0) -> ProbeTask:
    return ProbeTask(path=path, stall_seconds=stall_seconds)


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


def live(book: Any, run: Callable[..., Any], path: Path) -> LiveQueue:
    queue = LiveQueue(InlineBackend(1, run=run), record=book.record, journal=Journal(path))
    queue.subscribe(book.hear)
    return queue


def test_pause_priorities_pins_and_labels_outlive_the_queue(run_json: Callable[..., Any], book: Any, tmp_path: Path) -> None:
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
    run_json: Callable[..., Any], book: Any, tmp_path: Path, damage: str
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


def test_a_long_journal_is_rewritten_as_what_is_left(run_json: Callable[..., Any], book: Any, tmp_path: Path) -> None:
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

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM events").fetchone()[0] < 500
    connection.close()


def test_what_is_asked_for_when_the_journal_is_rewritten_is_kept(
    run_json: Callable[..., Any], book: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rewritten after each wish."""
    monkeypatch.setattr("otio_perf.render_queue.journal._COMPACTED_EVENTS", 1)
    monkeypatch.setattr("otio_perf.render_queue.journal._COMPACTED_RATIO", 0)
    path = tmp_path / "q" / "queue.sqlite"
    with live(book, run_json, path) as queue:
        queue.pause()
        queue.submit("j", [task("a"), task("b")], label="film.otio", kind="timeline")
        queue.submit("k", [task("b"), task("c")])
        queue.prioritize(task=task("c").key)
        queue.cancel(job="j", task=task("a").key)
        book.wait(lambda: book.outcomes)
    with live(book, run_json, path) as queue:
        view = queue.progress()
        assert view.is_paused
        assert [(t.label, t.jobs) for t in view.tasks] == [("c", ("k",)), ("b", ("j", "k"))]
        assert [(j.label, j.kind, j.waiting) for j in view.jobs] == [("k", "request", 2), ("film.otio", "timeline", 1)]


def test_a_workspace_that_is_removed_while_it_runs(run_json: Callable[..., Any], book: Any, tmp_path: Path) -> None:
    import shutil

    path = tmp_path / "q" / "queue.sqlite"
    with live(book, run_json, path) as queue:
        queue.pause()
        queue.submit("j", [task("a")])
        shutil.rmtree(path.parent)
        queue.submit("j", [task("b")])
    with live(book, run_json, path) as queue:
        assert sorted(t.label for t in queue.progress().tasks) == ["a", "b"]


FULL_DISK = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    import queue_actions
    from otio_perf.model.events import Notice
    from otio_perf.model.tasks import ProbeTask
    from otio_perf.render_queue.backend import InlineBackend
    from otio_perf.render_queue.journal import Journal
    from otio_perf.render_queue.live import LiveQueue

    folder, outcomes = Path(sys.argv[2]), []
    queue = LiveQueue(
        InlineBackend(1, run=queue_actions.run_json),
        record=lambda jobs, task, outcome: outcomes.append(task.path),
        journal=Journal(folder / "queue.sqlite"),
    )

    def hear(event):
        if isinstance(event, Notice):
            print(event.text, flush=True)

    queue.subscribe(hear)
    with queue:
        queue.submit("j", [ProbeTask(path="before")])
        while not queue.is_idle:
            time.sleep(0.01)
        rest = (folder / "rest").open("wb", buffering=0)
        try:
            while rest.write(bytes(512)):
                pass
        except OSError as e:
            print(e.strerror)
        names = [f"{n} {'x' * 2000}" for n in range(100)]
        queue.submit("j", [ProbeTask(path=name) for name in names])
        time.sleep(1)
        view = queue.progress().background
        print(view.state, view.slots, view.waiting, view.reason, outcomes == ["before"])
        rest.truncate(0)
        while not queue.is_idle:
            time.sleep(0.01)
        print(len(outcomes))
    # whoever looks at the disk afterwards finds that all is over
    with LiveQueue(InlineBackend(1), record=lambda *_: None, journal=Journal(folder / "queue.sqlite")) as queue:
        print("left", queue.progress().background.waiting)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LINUX: a small disk of its own is made with unshare and tmpfs")
def test_a_full_disk_holds_the_queue_until_there_is_room(tmp_path: Path, actions_folder: Path) -> None:
    script, disk = tmp_path / "full.py", tmp_path / "disk"
    script.write_text(textwrap.dedent(FULL_DISK))
    disk.mkdir()
    inside = f'mount -t tmpfs -o size=1m none "{disk}" && exec "{sys.executable}" "{script}" "{actions_folder}" "{disk}"'
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("LINUX: user namespaces are not allowed here")
    answer = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", inside],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    lines = answer.stdout.splitlines()
    assert answer.returncode == 0, answer.stderr
    assert lines[0] == "No space left on device"
    assert lines[1] == (f"{disk}/queue.sqlite: disk full. make room: otio-perf cache clear; the queue waits until that is over")
    assert lines[2].startswith("yielding 0 100 ")
    assert lines[2].endswith(" True")
    assert lines[3:] == ["the queue goes on", "101", "left 0"]
