"""What ``serve`` shows: a live view in a terminal, a line an event elsewhere, or JSON for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from otio_perf.cli import lines, streams
from otio_perf.model import wire
from otio_perf.model.views import BackgroundView, FollowedTimeline, ServiceEvent, TaskState, TaskView, WatchedFolder
from otio_perf.service.service import Service

Show = Callable[["ServiceEvent | None"], None]
#: The live view is drawn anew so often at most, and its clock runs so slowly while nothing happens.
_DRAW_SECONDS, _IDLE_SECONDS = 0.2, 5.0
_SHOWN_TASKS, _SHOWN_NOTES = 6, 4
_STYLES = {"working": "green", "ready": "green", "failed": "red", "gone": "yellow", "yielding": "yellow", "paused": "yellow"}


class Address(Protocol):
    @property
    def url(self) -> str: ...
    def enter_url(self) -> str: ...


class Happened:
    """Events on their way from the service's threads to the one that shows them."""

    def __init__(self) -> None:
        self._events: SimpleQueue[ServiceEvent] = SimpleQueue()

    def put(self, event: ServiceEvent) -> None:
        self._events.put(event)

    def next(self, timeout_seconds: float) -> ServiceEvent | None:
        try:
            return self._events.get(timeout=timeout_seconds)
        except Empty:
            return None


@contextmanager
def shown(service: Service, server: Address, *, quiet: bool, json_events: bool) -> Iterator[Show]:
    """A function that shows one event; ``None``: nothing has happened for a while."""
    console = Console(stderr=True, highlight=False)
    if json_events:
        yield _json
    elif console.is_terminal and not quiet:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield _View(service, server, live)
        _print(console, "stopped; the same command goes on from here")
    else:
        if not quiet:
            _print(console, f"serving {service.workspace} on {server.url}")
        yield _Lines(console, quiet=quiet)


def _json(event: ServiceEvent | None) -> None:
    if event is not None:
        streams.text(json.dumps(wire.to_json(event)) + "\n")


def _print(console: Console, text: str) -> None:
    with suppress(OSError):  # a full disk, a reader that went away: the work goes on unseen
        console.print(lines.line(text), markup=False, soft_wrap=True)


class _Lines:
    """A line for what is worth one."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._names: dict[str, str] = {}  # timelines by id
        self._said: dict[str, str] = {}  # last, by id

    def __call__(self, event: ServiceEvent | None) -> None:
        text = None if event is None else self._line(event)
        if text is not None:
            _print(self._console, text)

    def _line(self, event: ServiceEvent) -> str | None:
        body = event.body
        match event.kind:
            case "task":
                return self._task(wire.from_json(TaskView, body))
            case "timeline":
                return self._timeline(wire.from_json(FollowedTimeline, body))
            case "edit" if not self._quiet:
                counts = {word: len(body[word]) for word in ("new", "kept", "cancelled")}  # type: ignore[arg-type]
                told = f"{counts['new']} to do, {counts['kept']} go on, {counts['cancelled']} cancelled"
                return f"{self._names.get(str(body['timeline']), '')}: saved: {told}"
            case "folder" if not self._quiet:
                folder = wire.from_json(WatchedFolder, body)
                text = f"{folder.path}: {folder.state}: {_counts(folder)}" + (f" ({folder.reason})" if folder.reason else "")
                return self._once(folder.id, text)
            case "notice" if not self._quiet:
                return f"note: {body['text']}"
        return None

    def _task(self, task: TaskView) -> str | None:
        if task.state is TaskState.FAILED:
            return f"failed: {task.kind} {_name(task)}: {task.message}" + (f". {task.hint}" if task.hint else "")
        if task.state in (TaskState.DONE, TaskState.SKIPPED) and not self._quiet:
            return f"{task.state}: {task.kind} {_name(task)}"
        return None

    def _timeline(self, timeline: FollowedTimeline) -> str | None:
        self._names[timeline.id] = timeline.name
        if timeline.state not in ("ready", "failed", "gone") or (self._quiet and timeline.state == "ready"):
            self._said.pop(timeline.id, None)
            return None
        text = f"{timeline.name}: {timeline.state}"
        if timeline.state == "ready":
            text += f", plays for {timeline.smooth_share:.0%}: {timeline.written}"
        return self._once(timeline.id, text + (f": {timeline.message}" if timeline.message else ""))

    def _once(self, id: str, text: str) -> str | None:
        if self._said.get(id) == text:
            return None
        self._said[id] = text
        return text


class _View:
    """Background, timelines, folders, the queue's head and the last notes, in a terminal."""

    def __init__(self, service: Service, server: Address, live: Live) -> None:
        self._service, self._live = service, live
        self._link = server.enter_url()
        self._drawn_at = 0.0
        self._is_stale = True

    def __call__(self, event: ServiceEvent | None) -> None:
        self._is_stale = self._is_stale or event is not None
        since = time.monotonic() - self._drawn_at
        if since > _IDLE_SECONDS or (self._is_stale and since > _DRAW_SECONDS):
            self._drawn_at, self._is_stale = time.monotonic(), False
            with suppress(OSError):
                self._live.update(self._drawn(), refresh=True)

    def _drawn(self) -> Group:
        status = self._service.status()
        queue = self._service.queue(limit=_SHOWN_TASKS)
        rows: list[Any] = [
            Text.assemble(("otio-perf ", "bold"), (status.workspace, "dim")),
            Text.assemble("dashboard ", (status.address or "", "cyan"), f"  ·  opens once with {self._link}"),
            _background(status.background),
            Text(),
        ]
        if status.timelines:
            table = Table("timeline", "state", "plays", "", box=None, pad_edge=False)
            for one in status.timelines:
                plays = f"{one.smooth_share:.0%}" if one.frames else ""
                table.add_row(lines.line(one.name), _styled(one.state), plays, lines.line(one.message))
            rows += [table, Text()]
        if status.folders:
            table = Table("folder", "state", "", box=None, pad_edge=False)
            for folder in status.folders:
                table.add_row(lines.line(folder.path), _styled(folder.state), lines.line(folder.reason or _counts(folder)))
            rows += [table, Text()]
        if queue.tasks:
            table = Table("task", "", "", "", box=None, pad_edge=False)
            for task in queue.tasks:
                share = f"{task.done / task.total:.0%}" if task.total and task.state is TaskState.RUNNING else ""
                table.add_row(task.kind, lines.line(_name(task)), _styled(task.state), share or lines.line(task.message))
            rows.append(table)
        rows += [Text(lines.line(f"note: {text}"), style="dim") for text in status.notices[-_SHOWN_NOTES:]]
        return Group(*rows)


def _background(background: BackgroundView) -> Text:
    told = f"{background.running} running, {background.waiting} waiting"
    if background.seconds_left:
        told += f", about {_duration(background.seconds_left)} left"
    if background.frames_per_second:
        told += f", {background.frames_per_second:.0f} frames a second"
    reason = f" ({background.reason})" if background.reason else ""
    return Text.assemble("background ", _styled(background.state), lines.line(reason), f": {told}")


def _styled(word: str) -> Text:
    return Text(word, style=_STYLES.get(word, ""))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _counts(folder: WatchedFolder) -> str:
    counts = {word: getattr(folder, word) for word in ("settling", "queued", "ready", "failed")}
    return f"{folder.files} media" + "".join(f", {number} {word}" for word, number in counts.items() if number)


def _name(task: TaskView) -> str:
    return Path(task.label).name if task.kind == "proxy" else task.label
