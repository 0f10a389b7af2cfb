"""What the running service works on, and in which order: status, pause, resume, clear, cancel, prioritize.

status      what runs, what waits in its order, what ended
pause       start nothing more, put to sleep what runs, until resume; also over a restart of the service
resume      go on
clear       cancel all tasks; what timelines and folders still need comes back with their next change
cancel      a task, or all that a job wants, by their names in 'queue status'
prioritize  a task, or what serves frames of a timeline, before all others
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from otio_perf.cli import options, render

if TYPE_CHECKING:
    from otio_perf.client import Client
    from otio_perf.model.views import QueueView

_WORKSPACE = "folder that the service works in (default: .otio_perf in this folder, else the one in the user's cache folder)"
_SUMMARIES = {
    "status": "what runs, what waits in its order, what ended",
    "pause": "start nothing more, put to sleep what runs",
    "resume": "go on",
    "clear": "cancel all tasks",
    "cancel": "cancel a task, or all that a job wants",
    "prioritize": "do a task, or what serves frames of a timeline, before all others",
}


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary in _SUMMARIES.items():
        action = actions.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False)
        action.set_defaults(action=name)
        if name == "status":
            action.add_argument("--limit", type=int, default=30, metavar="N", help="tasks that are listed (default: 30)")
        if name in ("cancel", "prioritize"):
            what = action.add_mutually_exclusive_group(required=True)
            what.add_argument("--task", metavar="KEY", help="a task, by its key, or how that begins")
            if name == "cancel":
                what.add_argument("--job", metavar="ID", help="all that a job wants")
            else:
                what.add_argument("--timeline", metavar="NAME", help="a timeline that is followed, by its file's name")
                render.add_range(action)
        add_service(action, json="the queue as it is then")


def add_service(parser: argparse.ArgumentParser, *, json: str) -> None:
    """Which service is meant, and how it is answered."""
    options.add_settings(parser, "workspace", said={"workspace": _WORKSPACE})
    options.add_output(parser, json=json, trace=False)


def run(arguments: argparse.Namespace) -> int:
    from otio_perf.cli import console, service_tables
    from otio_perf.model import wire

    with console.job(arguments) as job:
        client = service_tables.client_of(job.settings)
        _do(client, arguments)
        view = client.queue(0, getattr(arguments, "limit", 0))
        folders = client.status().folders if arguments.action == "status" else ()
    job.answer(table=lambda: service_tables.show_queue(view, folders), document=lambda: wire.to_json(view))
    return 0


def _do(client: Client, arguments: argparse.Namespace) -> None:
    match arguments.action:
        case "pause":
            client.pause()
        case "resume":
            client.resume()
        case "clear":
            client.clear()
        case "cancel":
            queue = client.queue(0, 1000)
            client.cancel(job=arguments.job and _job(queue, arguments.job), task=arguments.task and _key(queue, arguments.task))
        case "prioritize" if arguments.task:
            client.prioritize(task=_key(client.queue(0, 1000), arguments.task))
        case "prioritize":
            id = _timeline(client, arguments.timeline)
            start, stop = _frames(client, id, arguments.range)
            client.prioritize(timeline=id, start=start, stop=stop)


def _key(queue: QueueView, begin: str) -> str:
    """:raises SettingsError: no task, or several, begin so"""
    from otio_perf.errors import SettingsError

    found = {task.key for task in queue.tasks if task.key.startswith(begin)}
    if len(found) != 1:
        raise SettingsError(
            f"{'several tasks are' if found else 'no task is'} called {begin!r}", hint="otio-perf queue status names them"
        )
    return found.pop()


def _job(queue: QueueView, id: str) -> str:
    """:raises SettingsError: no job is called so"""
    from otio_perf.errors import SettingsError

    if id not in {job.id for job in queue.jobs}:
        raise SettingsError(f"no job is called {id!r}", hint="otio-perf queue status names them")
    return id


def _timeline(client: Client, name: str) -> str:
    """:raises SettingsError: no timeline, or several, are called so"""
    from otio_perf.errors import SettingsError

    found = [one.id for one in client.timelines() if name in (one.id, one.name, one.path)]
    if len(found) != 1:
        raise SettingsError(f"{'several timelines are' if found else 'no timeline is'} called {name!r}")
    return found[0]


def _frames(client: Client, id: str, text: str | None) -> tuple[int | None, int | None]:
    """The range as ``render`` takes it. :raises SettingsError: it is none, or not in the timeline"""
    from fractions import Fraction

    from otio_perf.errors import SettingsError
    from otio_perf.model.composition import Composition, Group, Placed
    from otio_perf.model.timing import FrameRange, parse_timecode
    from otio_perf.optimizer.times import frame_range

    if text is None:
        return None, None
    view = client.timeline(id)
    if not view.spans:
        raise SettingsError(f"{view.timeline.name} has not been looked at yet", hint="Say it again in a moment")
    rate, frames = Fraction(view.timeline.frame_rate), view.timeline.frames
    whole = Placed(name="", start=0, stop=frames, inner_start=Fraction(0), speed=Fraction(1), content=Group(lanes=()))
    found = frame_range(
        text,
        Composition(
            name=view.timeline.name,
            frame_rate=rate,
            duration=FrameRange(0, frames, rate),
            start_frame=parse_timecode(view.spans[0].start_timecode, rate) - view.spans[0].start,
            canvas=None,
            root=whole,
        ),
    )
    return found.start, found.stop
