"""What people see: progress bars in a terminal, one line an event elsewhere. Progress goes to standard error."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from otio_perf.cli import documents, leave_at_once, lines, options, streams
from otio_perf.cli.progress import JsonLines
from otio_perf.errors import OtioPerfError, TaskCancelledError
from otio_perf.metrics.trace import Trace
from otio_perf.model.events import (
    Event,
    Failed,
    Notice,
    Prerendered,
    Ready,
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
    Stage.RENDER: "Rendering",
    Stage.PRERENDER: "Prerendering",
    Stage.EXPORT: "Rendering",
    Stage.JOIN: "Joining",
    Stage.MOVIE: "Writing the movie",
    Stage.RELINK: "Relinking",
    Stage.WRITE: "Writing",
    Stage.VERIFY: "Verifying",
}
#: Stages that take long enough to deserve a bar.
_LONG = (Stage.PROBE, Stage.CALIBRATE, Stage.PROXY, Stage.PRERENDER, Stage.EXPORT, Stage.MOVIE, Stage.VERIFY)
#: Stages whose tasks are worth a line, or a bar, each.
_MAKING = (Stage.PROXY, Stage.PRERENDER, Stage.EXPORT)
#: Stages whose tasks render frames: their first use compiles effects.
_RENDERING = (Stage.PRERENDER, Stage.EXPORT)
#: Longer without a first frame is explained.
_FIRST_FRAME_SECONDS = 3.0
#: A sign of life that often where there are no bars.
_LINE_SECONDS = 10.0


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to ``streams``: rich would end the program."""
        raise  # noqa: PLE0704 - called while the error is handled


def stdout() -> Console:
    """For tables; wide enough to be read by programs too when it is no terminal."""
    return _Console(highlight=False, soft_wrap=sys.stdout is None or not sys.stdout.isatty())


class Display:
    """A listener that shows events. Use as a context manager: it restores the terminal.

    Where standard error takes nothing (a full disk, a reader that went away), the work goes on unseen.

    :param quiet: nothing but failures
    :param debug: with the traceback of failures that nobody foresaw
    """

    def __init__(self, *, quiet: bool, debug: bool) -> None:
        self._quiet, self._debug = quiet, debug
        self._console = _Console(stderr=True, highlight=False)
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
        self._has_explained = False  # why the first frame takes so long
        self._told = 0.0  # when the stage began, or progress was last told of
        self.has_made = False  # something that lasts: a proxy, a file

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
                self.has_made = self.has_made or stage in (Stage.WRITE, Stage.MOVIE)
                if self._stage_row is not None and stage is self._stage:
                    self._progress.remove_task(self._stage_row)
                    self._stage_row = None
            case TaskStarted(key=key, label=label, total=total):
                self._labels[key] = lines.line(Path(label).name)
                if self._stage in _MAKING:
                    self._rows[key] = self._progress.add_task("  " + self._labels[key], total=total or None)
            case TaskProgress(key=key, done=done, total=total):
                if key in self._rows:
                    self._progress.update(self._rows[key], completed=done)
                self._advance(key, done / total if total else 0.0)
                if self._stage in _RENDERING:
                    self._tell(key, done, total)
            case TaskFinished(key=key, outcome=outcome):
                self._finish(key, outcome)
            case Notice(text=text, is_urgent=is_urgent):
                if is_urgent or not self._quiet:
                    self._print(lines.line(f"note: {text}"))

    def _begin(self, stage: Stage, total: int) -> None:
        self._stage, self._finished, self._total = stage, 0, total
        self._done.clear()
        self._told = time.monotonic()
        if stage in _LONG and (total or stage not in (Stage.PROBE, *_MAKING)):
            self._stage_row = self._progress.add_task(_STAGE_WORDS[stage], total=total or None)
            if not self._bars and total:
                self._line(f"{_STAGE_WORDS[stage]} ({total})")

    def _finish(self, key: str, outcome: object) -> None:
        if (row := self._rows.pop(key, None)) is not None:
            self._progress.remove_task(row)
        self._finished += 1
        self._advance(key, 1.0)
        label = self._labels.pop(key, key)
        self.has_made = self.has_made or isinstance(outcome, (Ready, Prerendered))
        if isinstance(outcome, Failed):
            if outcome.error == TaskCancelledError.__name__ or self._stage not in _MAKING:
                return  # the user stopped it and knows; what a probe found is in the answer
            where = label if outcome.path is None else outcome.path
            hint = "" if outcome.hint is None else f". {outcome.hint}"
            self._print(lines.line(f"failed: {where}: {outcome.message}{hint}"))
            if self._debug and outcome.debug:
                self._print(outcome.debug)
        elif not self._bars and self._stage in _MAKING:
            word = f"skipped: {label}: {outcome.reason}" if isinstance(outcome, Skipped) else f"done: {label}"
            self._line(f"[{self._finished}/{self._total}] {word}")

    def _advance(self, key: str, share: float) -> None:
        self._done[key] = share
        if self._stage_row is not None:
            self._progress.update(self._stage_row, completed=sum(self._done.values()))

    def _tell(self, key: str, done: int, total: int) -> None:
        """Why nothing moves yet; then a line now and then where there are no bars."""
        waited = time.monotonic() - self._told
        if not self._has_explained and not any(self._done.values()) and not self._finished and waited >= _FIRST_FRAME_SECONDS:
            self._has_explained = True
            self._line("no frame is done yet: effects are compiled when they are first used, which can take a minute, once")
        if not self._bars and done and waited >= _LINE_SECONDS:
            self._told = time.monotonic()
            self._line(f"{self._labels.get(key, key)}: {done} of {total} frames")

    def complain(self, text: str) -> None:
        self._print(lines.line(f"otio-perf: {text}"))

    def wrote(self, path: str) -> None:
        self._line(f"wrote {path}")

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._print(lines.line(text))

    def _print(self, text: str) -> None:
        with suppress(OSError):
            self._console.print(text, markup=False, soft_wrap=True)


@contextmanager
def interruptible(*, is_patient: bool = False) -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets, so that work in flight is stopped in order; a second interrupts at once.

    :param is_patient: it does not: what stops in order takes a second or two, and is to be done

    :raises KeyboardInterrupt: with the signal's number, when the block ends after one
    """
    stop = threading.Event()
    heard: list[int] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        heard.append(number)
        if stop.is_set() and not is_patient:
            raise KeyboardInterrupt(number)
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    # SIGBREAK: what a program on Windows can send to a child
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, on_interrupt) for number in numbers}
    try:
        yield stop
    except TaskCancelledError:
        if not heard:
            raise
    finally:
        for number, handler in before.items():
            # from here on files are written, which must not be left lying half done
            signal.signal(number, signal.default_int_handler if handler is leave_at_once else handler)
    if heard:
        raise KeyboardInterrupt(heard[0])


class Job:
    """One command on its way: its settings, its display, and how it answers. Made by ``job``."""

    def __init__(self, arguments: argparse.Namespace, display: Display | JsonLines, stop: threading.Event) -> None:
        self._arguments = arguments
        self._display = display
        self.settings = options.load(arguments)
        self.trace = Trace()
        self.options: Options = {
            "settings": self.settings,
            "listener": display,
            "trace": self.trace,
            "stop": stop,
            "documents": tuple(documents.asked_for(arguments).values()),
        }

    def answer(self, *, table: Callable[[], None], document: Callable[[], Any], page: Callable[[], str] | None = None) -> None:
        """Show the answer to people, and write it where ``--json``, ``--html`` and ``--trace`` say.

        :raises OtioPerfError: the first of these that cannot be written, after the others were; what was made counts in its
            exit code.
        """
        asked = self._arguments
        steps: list[Callable[[], None]] = []
        if asked.json == "-":
            steps.append(lambda: streams.text(json.dumps(document(), indent=2) + "\n"))
        elif not asked.quiet:
            steps.append(lambda: streams.written(table))
        made = {"json": lambda: json.dumps(document(), indent=2), "html": page, "trace": self.trace.to_json}
        for option, name in documents.asked_for(asked).items():
            if (text := made[option]) is not None:
                steps.append(partial(self._write, option, name, text))
        faults = []
        for step in steps:
            try:
                step()
            except OtioPerfError as e:
                faults.append(e)
        for fault in faults[1:]:
            self._display.complain(str(fault))
        if faults:
            if self._display.has_made:
                faults[0].exit_code = 4
            raise faults[0]

    def complain(self, reasons: Mapping[str, str]) -> None:
        """Name what failed on standard error, a line each, where no table was shown that does."""
        if self._arguments.quiet or self._arguments.json == "-":
            for path, reason in reasons.items():
                self._display.complain(f"{path}: {reason}")

    def _write(self, option: str, name: str, text: Callable[[], str]) -> None:
        documents.write(option, name, text() + "\n")
        self._display.wrote(name)


@contextmanager
def job(arguments: argparse.Namespace) -> Iterator[Job]:
    """Settings are read, Ctrl-C is taken, progress is shown while the block runs."""
    documents.refuse_unusable(arguments)
    shown = (
        JsonLines()
        if getattr(arguments, "progress", "text") == "json"
        else Display(quiet=arguments.quiet, debug=arguments.debug)
    )
    with interruptible() as stop, shown as display:
        yield Job(arguments, display, stop)
