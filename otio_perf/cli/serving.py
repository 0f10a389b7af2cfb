"""What ``serve`` shows: a live view in a terminal, a line an event elsewhere, or JSON for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from otio_perf.cli import lines, streams
from otio_perf.cli.service_tables import counts_of, folder_line, name_of
from otio_perf.model import wire
from otio_perf.model.views import BackgroundView, FollowedTimeline, ServiceEvent, TaskState, TaskView, WatchedFolder
from otio_perf.service.service import Service

Show = Callable[["ServiceEvent | None"], None]
_HINT = "Ctrl-C stops; the dashboard: otio-perf dashboard"
#: What a save came to, as ``ServiceEvent`` calls it and as it is said.
_EDITS = {"new": "to do", "kept": "go on", "cancelled": "cancelled"}
#: The live view is drawn anew so often at most, and its clock runs so slowly while nothing happens.
_DRAW_SECONDS, _IDLE_SECONDS = 0.2, 1.0
_SHOWN_TASKS, _SHOWN_NOTES = 6, 4
_STYLES = {
    "working": "green",
    "planning": "green",
    "ready": "green",
    "failed": "red",
    "gone": "yellow",
    "yielding": "yellow",
    "paused": "yellow",
}


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
            _print(console, _HINT)
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
        self._saved: dict[str, float] = {}  # timelines, when; by id
        self._planned: dict[str, float] = {}  # which save of them

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
                return self._edit(str(body["timeline"]), body)
            case "folder" if not self._quiet:
                folder = wire.from_json(WatchedFolder, body)
                return self._once(folder.id, folder_line(folder))
            case "notice" if not self._quiet:
                return f"note: {body['text']}"
        return None

    def _task(self, task: TaskView) -> str | None:
        if task.state is TaskState.FAILED:
            return f"failed: {task.kind} {name_of(task)}: {task.message}" + (f". {task.hint}" if task.hint else "")
        if task.state in (TaskState.DONE, TaskState.SKIPPED) and not self._quiet:
            return f"{task.state}: {task.kind} {name_of(task)}"
        return None

    def _edit(self, id: str, body: Mapping[str, object]) -> str:
        saved_at = self._saved.get(id, 0.0)
        is_save = id in self._planned and self._planned[id] != saved_at
        self._planned[id] = saved_at
        counts = {said: len(body[word]) for word, said in _EDITS.items()}  # type: ignore[arg-type]
        told = ", ".join(f"{number} {said}" for said, number in counts.items() if number) or "nothing to do"
        return f"{self._names.get(id, '')}: {f'saved {_clock(saved_at)}' if is_save else 'looked at'}: {told}"

    def _timeline(self, timeline: FollowedTimeline) -> str | None:
        self._names[timeline.id], self._saved[timeline.id] = timeline.name, timeline.saved_at
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
        self._heard: set[object] = set()  # timelines of which something was told
        self._planned: dict[str, float] = {}  # when those were saved then, by id

    def __call__(self, event: ServiceEvent | None) -> None:
        self._is_stale = self._is_stale or event is not None
        if event is not None and event.kind in ("timeline", "edit"):
            self._heard.add(event.body["id" if event.kind == "timeline" else "timeline"])
        since = time.monotonic() - self._drawn_at
        if since > _IDLE_SECONDS or (self._is_stale and since > _DRAW_SECONDS):
            self._drawn_at, self._is_stale = time.monotonic(), False
            with suppress(OSError):
                self._live.update(self._drawn(), refresh=True)

    def _drawn(self) -> Group:
        status = self._service.status()
        queue = self._service.queue(limit=_SHOWN_TASKS)
        self._planned |= {one.id: one.saved_at for one in status.timelines if one.id in self._heard}
        self._heard.clear()
        planning = {
            one.id
            for one in status.timelines
            if self._planned.get(one.id) != one.saved_at or (one.state == "waiting" and not one.message)
        }
        rows: list[Any] = [
            Text.assemble(("otio-perf ", "bold"), (status.workspace, "dim")),
            Text.assemble("dashboard ", (status.address or "", "cyan"), f"  ·  opens once with {self._link}"),
            _background(status.background, sorted(one.name for one in status.timelines if one.id in planning)),
            Text(),
        ]
        if status.timelines:
            table = Table("timeline", "state", "", "plays", "", box=None, pad_edge=False)
            for one in status.timelines:
                plays = f"{one.smooth_share:.0%}" if one.frames else ""
                saved = f"saved {_clock(one.saved_at)}" if one.saved_at else ""
                wrote = f"wrote {Path(one.written).name}" if one.written else ""
                state = _styled("planning" if one.id in planning else one.state)
                table.add_row(lines.line(one.name), state, saved, plays, lines.line(one.message or wrote))
            rows += [table, Text()]
        if status.folders:
            table = Table("folder", "state", "", box=None, pad_edge=False)
            for folder in status.folders:
                table.add_row(lines.line(folder.path), _styled(folder.state), lines.line(folder.reason or counts_of(folder)))
            rows += [table, Text()]
        if queue.tasks:
            table = Table("task", "", "", "", box=None, pad_edge=False)
            for task in queue.tasks:
                share = f"{task.done / task.total:.0%}" if task.total and task.state is TaskState.RUNNING else ""
                table.add_row(task.kind, lines.line(name_of(task)), _styled(task.state), share or lines.line(task.message))
            rows.append(table)
        rows += [Text(lines.line(f"note: {text}"), style="dim") for text in status.notices[-_SHOWN_NOTES:]]
        return Group(*rows, Text(_HINT, style="dim"))


def _background(background: BackgroundView, planning: Sequence[str]) -> Text:
    """:param planning: names of timelines of which it is not known yet what there is to do"""
    if planning and background.state == "idle":
        return Text.assemble("background ", _styled("planning"), lines.line(f": {', '.join(planning)} and its media"))
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


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
