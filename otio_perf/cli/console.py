"""What people see: progress bars in a terminal, one line an event elsewhere. Progress goes to standard error."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from otio_perf.cli import options
from otio_perf.errors import CacheError, TaskCancelledError, printable
from otio_perf.metrics.trace import Trace
from otio_perf.model.events import (
    Event,
    Failed,
    Notice,
    Skipped,
    Stage,
    StageFinished,
    StageStarted,
    TaskFinished,
    TaskProgress,
    TaskStarted,
)
from otio_perf.optimizer.options import Options

_STAGE_WORDS = {
    Stage.READ: "Reading the timeline",
    Stage.SURVEY: "Surveying the timeline",
    Stage.PROBE: "Looking at the media",
    Stage.CALIBRATE: "Measuring this machine",
    Stage.ANALYZE: "Predicting playback",
    Stage.PLAN: "Planning",
    Stage.PROXY: "Making proxies",
    Stage.RELINK: "Relinking",
    Stage.WRITE: "Writing",
    Stage.VERIFY: "Verifying",
}
#: Stages that take long enough to deserve a bar.
_LONG = (Stage.PROBE, Stage.CALIBRATE, Stage.PROXY, Stage.VERIFY)


def stdout() -> Console:
    """For tables; wide enough to be read by programs too when it is no terminal."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


class Display:
    """A listener that shows events. Use as a context manager: it restores the terminal.

    :param quiet: nothing but failures
    :param debug: with the traceback of failures that nobody foresaw
    """

    def __init__(self, *, quiet: bool, debug: bool) -> None:
        self._quiet, self._debug = quiet, debug
        self._console = Console(stderr=True, highlight=False)
        self._bars = self._console.is_terminal and not quiet
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._bars,
        )
        self._rows: dict[str, TaskID] = {}
        self._stage_row: TaskID | None = None
        self._stage: Stage | None = None
        self._labels: dict[str, str] = {}
        self._finished = 0
        self._total = 0  # tasks
        self._done: dict[str, float] = {}  # share of each task, 0–1

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case StageStarted(stage=stage, total=total):
                self._begin(stage, total)
            case StageFinished(stage=stage):
                if self._stage_row is not None and stage is self._stage:
                    self._progress.remove_task(self._stage_row)
                    self._stage_row = None
            case TaskStarted(key=key, label=label, total=total):
                self._labels[key] = printable(Path(label).name)
                if self._stage is Stage.PROXY:
                    self._rows[key] = self._progress.add_task("  " + self._labels[key], total=total or None)
            case TaskProgress(key=key, done=done, total=total):
                if key in self._rows:
                    self._progress.update(self._rows[key], completed=done)
                self._advance(key, done / total if total else 0.0)
            case TaskFinished(key=key, outcome=outcome):
                self._finish(key, outcome)
            case Notice(text=text):
                self._line(f"note: {text}")

    def _begin(self, stage: Stage, total: int) -> None:
        self._stage, self._finished, self._total = stage, 0, total
        self._done.clear()
        if stage in _LONG and (total or stage not in (Stage.PROBE, Stage.PROXY)):
            self._stage_row = self._progress.add_task(_STAGE_WORDS[stage], total=total or None)
            if not self._bars and total:
                self._line(f"{_STAGE_WORDS[stage]} ({total})")

    def _finish(self, key: str, outcome: object) -> None:
        if (row := self._rows.pop(key, None)) is not None:
            self._progress.remove_task(row)
        self._finished += 1
        self._advance(key, 1.0)
        label = self._labels.pop(key, key)
        if isinstance(outcome, Failed):
            if outcome.error == TaskCancelledError.__name__ or self._stage is not Stage.PROXY:
                return  # the user stopped it and knows; what a probe found is in the answer
            where = label if outcome.path is None else outcome.path
            hint = "" if outcome.hint is None else f". {outcome.hint}"
            self._console.print(printable(f"failed: {where}: {outcome.message}{hint}"), markup=False, soft_wrap=True)
            if self._debug and outcome.debug:
                self._console.print(outcome.debug, markup=False, soft_wrap=True)
        elif not self._bars and self._stage is Stage.PROXY:
            word = f"skipped: {label}: {outcome.reason}" if isinstance(outcome, Skipped) else f"done: {label}"
            self._line(f"[{self._finished}/{self._total}] {word}")

    def _advance(self, key: str, share: float) -> None:
        self._done[key] = share
        if self._stage_row is not None:
            self._progress.update(self._stage_row, completed=sum(self._done.values()))

    def complain(self, text: str) -> None:
        self._console.print(printable(f"otio-perf: {text}"), markup=False, soft_wrap=True)

    def wrote(self, path: str) -> None:
        self._line(f"wrote {path}")

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._console.print(printable(text), markup=False, soft_wrap=True)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that work in flight is stopped in order; the second interrupts at once."""
    stop = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    # SIGBREAK: what a program on Windows can send to a child
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, on_interrupt) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.is_set():
        raise KeyboardInterrupt


class Job:
    """One command on its way: its settings, its display, and how it answers. Made by ``job``."""

    def __init__(self, arguments: argparse.Namespace, display: Display, stop: threading.Event) -> None:
        self._arguments = arguments
        self._display = display
        self.settings = options.load(arguments)
        self.trace = Trace()
        self.options: Options = {"settings": self.settings, "listener": display, "trace": self.trace, "stop": stop}

    def answer(self, *, table: Callable[[], None], document: Callable[[], Any], page: Callable[[], str] | None = None) -> None:
        """Show the answer to people, and write it where ``--json``, ``--html`` and ``--trace`` say."""
        asked = self._arguments
        if asked.json != "-" and not asked.quiet:
            table()
        if asked.json == "-":
            sys.stdout.write(json.dumps(document(), indent=2) + "\n")
        elif asked.json:
            self._write(asked.json, json.dumps(document(), indent=2))
        if page is not None and asked.html:
            self._write(asked.html, page())
        if getattr(asked, "trace", None):
            self._write(asked.trace, self.trace.to_json())

    def complain(self, reasons: Mapping[str, str]) -> None:
        """Name what failed on standard error, a line each, where no table was shown that does."""
        if self._arguments.quiet or self._arguments.json == "-":
            for path, reason in reasons.items():
                self._display.complain(f"{path}: {reason}")

    def _write(self, path: str, text: str) -> None:
        write_text(Path(path), text + "\n")
        self._display.wrote(path)


@contextmanager
def job(arguments: argparse.Namespace) -> Iterator[Job]:
    """Settings are read, Ctrl-C is taken, progress is shown while the block runs."""
    options.refuse_unusable_outputs(arguments)
    with interruptible() as stop, Display(quiet=arguments.quiet, debug=arguments.debug) as display:
        yield Job(arguments, display, stop)


def write_text(path: Path, text: str) -> None:
    """Whole or not at all; what is no regular file (a pipe, a device) is written to as it is. :raises CacheError"""
    if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a name is too long
        try:
            path = Path(os.path.realpath(path, strict=True))  # a link stays, and its file is written
        except OSError as e:
            raise CacheError(f"is a link that leads nowhere ({e.strerror})", path=path, hint="Name another file") from e
    temporary = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
            return
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
        temporary.replace(path)
    except OSError as e:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CacheError(f"cannot be written: {e.strerror}", path=path, hint="Name another file") from e
