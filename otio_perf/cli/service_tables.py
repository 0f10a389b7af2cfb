"""Answers of a running service, for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from otio_perf.cli import console, lines
from otio_perf.client import Client
from otio_perf.model.views import BackgroundView, QueueView, ServiceStatus, TaskState, TaskView, WatchedFolder
from otio_perf.optimizer.places import existing_workspace
from otio_perf.settings import Settings

_KEY_LETTERS = 10
#: Tasks that are called by the path of a medium.
_OF_MEDIA = ("proxy", "probe")


def client_of(settings: Settings) -> Client:
    """Of the service that works in the workspace that is meant. :raises NoServiceError: none does"""
    return Client.find(existing_workspace(settings))


def name_of(task: TaskView) -> str:
    """Of media the file's name, not its whole path."""
    return Path(task.label).name if task.kind in _OF_MEDIA else task.label


def folder_line(folder: WatchedFolder) -> str:
    return f"{folder.path}: {folder.state}: {counts_of(folder)}" + (f" ({folder.reason})" if folder.reason else "")


def counts_of(folder: WatchedFolder) -> str:
    counts = {word: getattr(folder, word) for word in ("settling", "queued", "ready", "failed")}
    return f"{folder.files} media" + "".join(f", {number} {word}" for word, number in counts.items() if number)


def show_queue(queue: QueueView, folders: Sequence[WatchedFolder] = ()) -> None:
    out = console.stdout()
    out.print(lines.line(_background(queue.background)), markup=False)
    for folder in folders:
        out.print(lines.line(folder_line(folder)), markup=False)
    if queue.jobs:
        out.print("jobs, with their tasks since each began; what several want counts in each:", markup=False)
    for job in queue.jobs:
        label = Path(job.label).name if job.kind == "request" else job.label
        told = f"{label}: {job.running} running, {job.waiting} waiting, {job.done} done, {job.failed} failed ({job.id})"
        out.print(lines.line(told), markup=False)
    if queue.tasks:
        table = Table("key", "task", "of", "state", "", box=None, pad_edge=False)
        for task in queue.tasks:
            words = (task.key[:_KEY_LETTERS], task.kind, name_of(task), task.state.value, _told(task))
            table.add_row(*(lines.line(word) for word in words))
        out.print(table)
    hidden = queue.total - len(queue.tasks)
    if queue.tasks and hidden:
        out.print(f"and {hidden} more", markup=False)


def show_status(status: ServiceStatus) -> None:
    console.stdout().print(lines.line(f"{status.activity}; {_background(status.background)}"), markup=False)


def _background(background: BackgroundView) -> str:
    reason = f" ({background.reason})" if background.reason else ""
    return f"background {background.state}{reason}: {background.running} running, {background.waiting} waiting"


def _told(task: TaskView) -> str:
    if task.state is TaskState.RUNNING and task.total:
        return f"{task.done / task.total:.0%} {task.message}".strip()
    return task.message
