"""Progress for scripts: what happens, one JSON object a line, on standard error (``--progress json``).

::

    {"event": "stage", "stage": "proxy", "total": 3}        what begins, and how many tasks it has (0: not known)
    {"event": "progress", "stage": "proxy", "percent": 41}  of the stage; whole numbers, each said once
    {"event": "done", "label": "A001.mov"}                  a task; also "skipped" and "failed", with "message"
    {"event": "notice", "text": "…"}                        a word to the user
    {"event": "wrote", "path": "edit.json"}

A line that does not begin with ``{`` is text for people, such as the error that ended the command.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from otio_perf.cli import lines
from otio_perf.errors import TaskCancelledError
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


class JsonLines:
    """A listener with the face of ``console.Display``."""

    def __init__(self) -> None:
        self.has_made = False  # something that lasts: a proxy, a file
        self._stage: Stage | None = None
        self._total = 0  # tasks
        self._shares: dict[str, float] = {}  # done of each task, 0–1
        self._percent = -1
        self._labels: dict[str, str] = {}

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def __call__(self, event: Event) -> None:
        match event:
            case StageStarted(stage=stage, total=total):
                self._stage, self._total, self._percent = stage, total, -1
                self._shares.clear()
                _say(event="stage", stage=stage.value, total=total)
            case StageFinished(stage=stage):
                self.has_made = self.has_made or stage in (Stage.WRITE, Stage.MOVIE)
            case TaskStarted(key=key, label=label):
                self._labels[key] = Path(label).name
            case TaskProgress(key=key, done=done, total=total):
                self._advance(key, done / total if total else 0.0)
            case TaskFinished(key=key, outcome=outcome):
                self._advance(key, 1.0)
                self._ended(self._labels.pop(key, key), outcome)
            case Notice(text=text):
                _say(event="notice", text=text)

    def complain(self, text: str) -> None:
        if sys.stderr is not None:
            with suppress(OSError):
                print(lines.line(f"otio-perf: {text}"), file=sys.stderr, flush=True)  # noqa: T201

    def wrote(self, path: str) -> None:
        _say(event="wrote", path=path)

    def _advance(self, key: str, share: float) -> None:
        self._shares[key] = min(1.0, share)
        percent = int(100 * sum(self._shares.values()) / max(self._total, len(self._shares)))
        if percent != self._percent and self._stage is not None:
            self._percent = percent
            _say(event="progress", stage=self._stage.value, percent=percent)

    def _ended(self, label: str, outcome: object) -> None:
        self.has_made = self.has_made or isinstance(outcome, (Ready, Prerendered))
        match outcome:
            case Failed(error=error) if error == TaskCancelledError.__name__:
                return
            case Failed(message=message, path=path, hint=hint):
                _say(event="failed", label=path or label, message=message, hint=hint or "")
            case Skipped(reason=reason):
                _say(event="skipped", label=label, message=reason)
            case Ready() | Prerendered():
                _say(event="done", label=label)


def _say(**said: object) -> None:
    if sys.stderr is not None:
        with suppress(OSError):  # a full disk, a reader that went away: the work goes on unseen
            print(json.dumps(said), file=sys.stderr, flush=True)  # noqa: T201
