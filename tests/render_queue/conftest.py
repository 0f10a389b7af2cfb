from __future__ import annotations

import importlib
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otio_perf.model.events import Failed, Notice, Outcome
from otio_perf.model.tasks import Task
from otio_perf.render_queue.working import QueueEvent

#: A task kind for tests, imported by real worker processes. What to do is the path of a ``ProbeTask``: "words:argument".
ACTIONS = """
    import os, signal, sys, time
    from pathlib import Path
    from otio_perf.errors import OfflineMediaError, TaskCancelledError
    from otio_perf.model.events import Skipped
    from otio_perf.tasks import registry
    from otio_perf.model import wire
    from otio_perf.model.tasks import Task

    def act(task, *, progress, cancelled):
        if task.kind == "proxy":
            if task.hardware:
                os.kill(os.getpid(), signal.SIGKILL)
            return Skipped(key=task.key, reason="in software")
        verb, _, argument = task.path.partition(":")
        if verb == "count":
            with open(argument, "a") as f:
                f.write(f"{os.getpid()}\\n")
        elif verb == "work":  # cooperative
            for i in range(int(argument.split()[0])):
                progress(i)
                if cancelled():
                    raise TaskCancelledError("stopped", path=task.path)
                time.sleep(0.01)
        elif verb == "hang":
            if argument and len(argument) < 4000:
                Path(argument).write_text(str(os.getpid()))
            time.sleep(1000)
        elif verb == "deaf":  # alive, but does not stop
            while True:
                progress(1)
                time.sleep(0.01)
        elif verb == "spin":  # never asks anything
            while True:
                sum(range(10_000))
        elif verb == "lock":  # holds a lock between two questions
            import sqlite3
            connection = sqlite3.connect(argument, timeout=60, isolation_level=None)
            while True:
                connection.execute("BEGIN IMMEDIATE")
                Path(argument).with_suffix(".locked").touch()
                end = time.process_time() + 0.03
                while time.process_time() < end:
                    pass
                connection.execute("COMMIT")
                progress(1)
                if cancelled():
                    raise TaskCancelledError("stopped", path=task.path)
        elif verb == "orphan":
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            Path(argument).write_text(str(pid))
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "die-once":
            if not Path(argument).exists():
                Path(argument).write_text("")
                os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "offline":
            raise OfflineMediaError("not found", path=argument, hint="look for it")
        elif verb == "bug":
            {}[argument]
        elif verb == "exit":
            sys.exit(3)
        elif verb == "modules":
            return Skipped(key=task.key, reason=" ".join(sorted(sys.modules)))
        return Skipped(key=task.key, reason=f"{verb} in {os.getpid()}")

    def run_json(text, progress, cancelled):
        task = wire.loads(Task, text)
        return wire.dumps(registry.outcome_of(task, lambda: act, progress, cancelled))
"""


@pytest.fixture(scope="session")
def actions_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("actions")
    (folder / "queue_actions.py").write_text(textwrap.dedent(ACTIONS))
    return folder


@pytest.fixture
def run_json(actions_folder: Path) -> Iterator[Callable[..., Any]]:
    """What workers run in place of ``registry.run_json``."""
    sys.path.insert(0, str(actions_folder))
    try:
        yield importlib.import_module("queue_actions").run_json
    finally:
        sys.path.remove(str(actions_folder))


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
