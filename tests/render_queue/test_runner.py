"""The runner on its backends: outcomes, crashes, hangs, Ctrl-C, kills. Real processes throughout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil
import pytest

from otio_perf.model.events import (
    Event,
    Failed,
    Notice,
    Outcome,
    Skipped,
    TaskFinished,
    TaskProgress,
    TaskStarted,
)
from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.tasks import ProbeTask, ProxyTask
from otio_perf.render_queue.backend import Backend, InlineBackend, ProcessBackend
from otio_perf.render_queue.runner import run
from otio_perf.tasks.worker import REPORT_SECONDS

ROOT = Path(__file__).resolve().parents[2]
POSIX_KILL = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the test kills with them")


def task(path: str, stall_seconds: float = 60.0) -> ProbeTask:
    return ProbeTask(path=path, stall_seconds=stall_seconds)


@pytest.fixture
def processes(run_json: Callable[..., Any]) -> Iterator[ProcessBackend]:
    with ProcessBackend(2, run=run_json) as backend:
        yield backend


@pytest.fixture(params=["inline", "processes"])
def backend(request: pytest.FixtureRequest, run_json: Callable[..., Any]) -> Iterator[Backend]:
    if request.param == "inline":
        with InlineBackend(2, run=run_json) as inline:
            yield inline
    else:
        yield request.getfixturevalue("processes")


def results(tasks: list[ProbeTask], outcomes: dict[str, Outcome]) -> list[str]:
    """What became of each: the verb that was done, or the error's name."""
    found = [outcomes[t.key] for t in tasks]
    return [o.reason.split()[0] if isinstance(o, Skipped) else o.error for o in found if isinstance(o, (Skipped, Failed))]


def gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_every_task_gets_its_outcome_and_errors_keep_what_they_say(backend: Backend, tmp_path: Path) -> None:
    tasks = [task("a"), task("offline:/x/y.mp4"), task("bug:key"), task("exit"), *(task(f"n{i}") for i in range(20))]
    outcomes = run([*tasks, tasks[0]], backend=backend)
    assert list(outcomes) == [t.key for t in tasks]
    assert results(tasks, outcomes) == ["a", "OfflineMediaError", "TaskError", "TaskError", *(f"n{i}" for i in range(20))]
    offline, bug = outcomes[tasks[1].key], outcomes[tasks[2].key]
    assert isinstance(offline, Failed)
    assert (offline.message, offline.path, offline.hint) == ("not found", "/x/y.mp4", "look for it")
    assert isinstance(bug, Failed)
    assert bug.message == "unforeseen KeyError: 'key'"
    assert bug.path == "bug:key"
    assert bug.debug
    assert "Traceback" in bug.debug
    assert run([], backend=backend) == {}


def test_events_tell_the_story_in_order_and_not_too_often(backend: Backend) -> None:
    heard: list[Event] = []
    work = task("work:60")
    began = time.monotonic()
    run([work], backend=backend, listener=heard.append)
    seconds = time.monotonic() - began
    assert isinstance(heard[0], TaskStarted)
    assert (heard[0].label, heard[0].total) == ("work:60", 1)
    assert isinstance(heard[-1], TaskFinished)
    progress = [e.done for e in heard[1:-1] if isinstance(e, TaskProgress)]
    assert len(progress) == len(heard) - 2
    assert progress == sorted(progress)
    assert 2 <= len(progress) <= seconds / REPORT_SECONDS + 2  # of 60 that the task made in 0.6 s


def test_stop_ends_everything_at_once_and_keeps_what_is_done(backend: Backend) -> None:
    stop = threading.Event()
    tasks = [task("quick"), task("work:3000"), task("deaf"), task("never")]
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if isinstance(event, TaskProgress) and event.key == tasks[2].key and not stop.is_set():
            stop.set()
            stopped.append(time.monotonic())

    stopped: list[float] = []
    outcomes = run(tasks, backend=backend, listener=listen, stop=stop)
    assert time.monotonic() - stopped[0] < 15  # of 30 seconds of work, and one that never ends
    assert results(tasks, outcomes) == ["quick", *["TaskCancelledError"] * 3]
    assert [e.outcome for e in heard if isinstance(e, TaskFinished)] != []


def test_a_hanging_task_is_given_up_and_the_others_go_on(backend: Backend) -> None:
    tasks = [task("hang:", stall_seconds=1.5), task("work:250"), task("a"), task("b")]
    outcomes = run(tasks, backend=backend)
    assert results(tasks, outcomes) == ["WorkerLostError", "work", "a", "b"]
    hung = outcomes[tasks[0].key]
    assert isinstance(hung, Failed)
    assert "no progress for 1.5 seconds" in hung.message


@POSIX_KILL
def test_a_dying_worker_costs_one_task(processes: ProcessBackend, tmp_path: Path) -> None:
    tasks = [task("die:"), task(f"die-once:{tmp_path / 'died'}"), *(task(f"n{i}") for i in range(10))]
    heard: list[Event] = []
    outcomes = run(tasks, backend=processes, listener=heard.append)
    assert results(tasks, outcomes) == ["WorkerLostError", "die-once", *(f"n{i}" for i in range(10))]
    died = outcomes[tasks[0].key]
    assert isinstance(died, Failed)
    assert "died 3 times (SIGKILL)" in died.message
    assert sum(isinstance(e, Notice) for e in heard) == 3


@POSIX_KILL
def test_work_that_died_with_hardware_goes_on_without(processes: ProcessBackend) -> None:
    """A driver may have killed the worker; in software the work is done at the second try."""
    media = MediaInfo(
        path="/a.mp4",
        kind=MediaKind.AUDIO,
        container="mov",
        size_bytes=1,
        fingerprint="xxh3:1",
        duration=Fraction(1),
        video=(),
        audio=(),
        other_streams=0,
        start_timecode=None,
        reel=None,
    )
    work = ProxyTask(media=media, products=(), constant_rate=None, workspace="/w", hardware=("h264_nvenc",))
    heard: list[Event] = []
    outcome = run([work], backend=processes, listener=heard.append)[work.key]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "in software"
    assert sum(isinstance(e, Notice) for e in heard) == 1


@POSIX_KILL
def test_idle_workers_that_are_killed_are_replaced(processes: ProcessBackend) -> None:
    for _ in range(3):
        tasks = [task("a"), task("b")]
        outcomes = run(tasks, backend=processes)
        assert results(tasks, outcomes) == ["a", "b"]
        for outcome in outcomes.values():
            assert isinstance(outcome, Skipped)
            os.kill(int(outcome.reason.split()[-1]), signal.SIGKILL)
        time.sleep(0.3)


@POSIX_KILL
@pytest.mark.parametrize("after_seconds", [0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2])
def test_workers_killed_while_they_are_born_hold_nobody_up(processes: ProcessBackend, after_seconds: float) -> None:
    """Also one that has just heard of its task, or is about to say so."""
    tasks = [task(f"n{i}") for i in range(6)]
    killed: list[int] = []

    def kill() -> None:
        end = time.monotonic() + 10
        while not killed and time.monotonic() < end:
            for child in psutil.Process().children():
                if "spawn_main" in " ".join(child.cmdline()):
                    time.sleep(after_seconds)
                    child.kill()
                    killed.append(child.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    began = time.monotonic()
    outcomes = run(tasks, backend=processes)
    killer.join()
    assert killed
    assert results(tasks, outcomes) == [f"n{i}" for i in range(6)]
    assert time.monotonic() - began < 15


HUGE = "x" * 1_000_000  # more than a pipe holds


@pytest.mark.parametrize("after_seconds", [0.0, 0.02, 0.1, 0.3])
def test_stopping_while_a_large_task_is_on_its_way(processes: ProcessBackend, after_seconds: float) -> None:
    stop = threading.Event()
    threading.Timer(after_seconds, stop.set).start()
    tasks = [task(f"work:3000 {HUGE}"), task(f"hang:{HUGE}")]
    began = time.monotonic()
    outcomes = run(tasks, backend=processes, stop=stop)
    assert time.monotonic() - began < after_seconds + 3
    assert all(isinstance(o, Failed) for o in outcomes.values())


@POSIX_KILL
def test_a_worker_that_does_not_read_holds_nobody_up(run_json: Callable[..., Any]) -> None:
    stop = threading.Event()

    def freeze() -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for child in psutil.Process().children():
                if "spawn_main" in " ".join(child.cmdline()):
                    child.suspend()
                    time.sleep(0.3)
                    stop.set()
                    return

    freezer = threading.Thread(target=freeze)
    freezer.start()
    with ProcessBackend(1, run=run_json) as backend:
        outcomes = run([task(f"work:3 {HUGE}")], backend=backend, stop=stop)
        began = time.monotonic()
    freezer.join()
    assert all(isinstance(o, Failed) for o in outcomes.values())
    assert time.monotonic() - began < 3


@POSIX_KILL
def test_a_killed_worker_is_noticed_though_its_child_lives_on(processes: ProcessBackend, tmp_path: Path) -> None:
    work = task(f"orphan:{tmp_path / 'pid'}", stall_seconds=30)
    began = time.monotonic()
    outcome = run([work], backend=processes)[work.key]
    os.kill(pid_in(tmp_path / "pid"), signal.SIGKILL)
    assert isinstance(outcome, Failed)
    assert "died" in outcome.message
    assert time.monotonic() - began < 20


def test_a_worker_starts_light(processes: ProcessBackend) -> None:
    modules = task("modules")
    outcome = run([modules], backend=processes)[modules.key]
    assert isinstance(outcome, Skipped)
    loaded = {name.partition(".")[0] for name in outcome.reason.split()}
    assert not loaded & {"av", "numpy", "opentimelineio", "rich", "yaml", "sqlite3", "taichi", "pytest"}


def test_a_listener_that_fails_stops_the_work(backend: Backend) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, TaskProgress):
            raise BrokenPipeError("nobody reads")

    with pytest.raises(BrokenPipeError):
        run([task("work:3000")], backend=backend, listener=listen)


PROGRAM = """
    import sys
    sys.path.insert(0, sys.argv[1])
    import queue_actions
    from otio_perf.model.tasks import ProbeTask
    from otio_perf.render_queue.backend import ProcessBackend
    from otio_perf.render_queue.runner import run
    # no guard of the main module, on purpose
    print("main", flush=True)
    with ProcessBackend(2, run=queue_actions.run_json) as backend:
        tasks = [ProbeTask(path=p) for p in sys.argv[2:]]
        try:
            outcomes = run(tasks, backend=backend)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        else:
            print(*[type(o).__name__ for o in outcomes.values()], flush=True)
"""


@pytest.fixture
def program(tmp_path: Path, actions_folder: Path) -> list[str]:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM))
    return [sys.executable, str(script), str(actions_folder)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_script_needs_no_guard(program: list[str]) -> None:
    answer = subprocess.run([*program, "a", "b"], check=False, capture_output=True, text=True, timeout=60, env=environment())
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "main\nSkipped Skipped\n", "")


def pid_in(file: Path) -> int:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if file.exists() and file.read_text():
            return int(file.read_text())
        time.sleep(0.02)
    raise AssertionError(f"no worker wrote {file}")


@POSIX_KILL
@pytest.mark.parametrize("delay_seconds", [0.0, 0.15, None])
def test_ctrl_c_in_a_terminal_is_quiet_and_quick(program: list[str], tmp_path: Path, delay_seconds: float | None) -> None:
    """The whole process group gets the signal, as from a terminal; also while workers are just being born."""
    hangs = [f"hang:{tmp_path / name}" for name in ("one", "two")]
    process = subprocess.Popen(
        [*program, *hangs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "main\n"
    if delay_seconds is None:
        pids = [pid_in(tmp_path / name) for name in ("one", "two")]
    else:
        time.sleep(0.1 + delay_seconds)
        pids = []
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    if delay_seconds is None:
        assert time.monotonic() - began < 10  # of a thousand seconds
        assert out == "interrupted\n"
    assert err.count("Traceback") <= (1 if out == "" else 0), err  # the parent's own, if it was still importing
    assert all(gone(pid) for pid in pids)


@POSIX_KILL
def test_ctrl_c_while_workers_are_being_born(program: list[str]) -> None:
    """They would find that the parent has left before it told them who they are, and complain."""
    for delay_seconds in (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04):
        process = subprocess.Popen(
            [*program, "hang:"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            start_new_session=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "main\n"
        time.sleep(delay_seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert err.count("\nKeyboardInterrupt") <= 1, err  # the parent's own


@POSIX_KILL
def test_workers_die_with_a_killed_parent(program: list[str], tmp_path: Path) -> None:
    hangs = [f"hang:{tmp_path / name}" for name in ("one", "two")]
    process = subprocess.Popen([*program, *hangs], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())
    pids = [pid_in(tmp_path / name) for name in ("one", "two")]
    process.kill()
    process.communicate(timeout=20)
    assert all(gone(pid) for pid in pids)
