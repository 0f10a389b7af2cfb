"""The rooms of a running service: how they are made, in which order they begin and end, and what one hears of the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError
from otio_perf.metrics import system
from otio_perf.model.events import Notice, Outcome, Prerendered
from otio_perf.model.tasks import Task
from otio_perf.model.views import Activity, TaskState, TaskView
from otio_perf.optimizer import chunked
from otio_perf.planning import posture
from otio_perf.planning.posture import Posture
from otio_perf.render_queue.backend import ProcessBackend
from otio_perf.render_queue.journal import Journal
from otio_perf.render_queue.live import LiveQueue
from otio_perf.render_queue.progress import is_cancelled
from otio_perf.render_queue.working import QueueEvent
from otio_perf.service.attention import Attention
from otio_perf.service.cache_view import Contents, Project
from otio_perf.service.core import Core, Followed
from otio_perf.service.figures import Figures
from otio_perf.service.folders import Folders
from otio_perf.service.happenings import Happenings
from otio_perf.service.lock import ServiceLock
from otio_perf.service.metrics_view import Readings
from otio_perf.service.open_projects import OpenInHosts
from otio_perf.service.premises import Premises
from otio_perf.service.profile import Profile
from otio_perf.service.requests import Requests
from otio_perf.service.sources import Planned, Sources
from otio_perf.service.thumbnails import Thumbnails
from otio_perf.service.timelines import Timelines
from otio_perf.service.upkeep import Upkeep
from otio_perf.settings import Settings

#: Long tasks may sleep while so many urgent ones run (``LiveQueue``).
_SPARE_WORKERS = 2
_JOURNAL = "queue.sqlite"
#: A process that decodes 8K HEVC needs half of it (``optimizer.session``).
_BYTES_PER_SLOT = 3 << 30


class Rooms:
    """Made in ``workspace``, which nobody else has meanwhile; then ``start``.

    :param opened: closes, in its order, what was opened here
    :param ended: called where it cannot go on, with the reason
    :raises ServiceRunningError: another service has this workspace
    """

    def __init__(
        self, opened: ExitStack, settings: Settings, workspace: Workspace, happenings: Happenings, ended: Callable[[str], None]
    ) -> None:
        self._ended = ended
        self.held = opened.enter_context(ServiceLock(workspace.root))
        index = opened.enter_context(Index.open(workspace.root))
        journal = Journal(workspace.root / _JOURNAL)
        self._backend = ProcessBackend(_slots_of(settings) + _SPARE_WORKERS)
        self.queue = queue = LiveQueue(self._backend, record=self._record, journal=journal)
        self.core = core = Core(settings, workspace, index, queue, happenings, self._followed)
        self.profile, self.requests = Profile(core.trace), Requests(core)
        self.watched, self.upkeep = Folders(core), Upkeep(core)
        self.sources = Sources(core, self._planned, self.watched.settling)
        self.contents = Contents(core, self._projects)
        self.figures = Figures(core, self.contents.size_bytes)
        self.readings = Readings(
            self.figures.read,
            self._has_work,
            lambda view: core.tell("metrics", view),
            guarded=lambda: core.guarded("a reading"),
        )
        self.attention = Attention(
            self._judged, queue.set_posture, self._has_work, guarded=lambda: core.guarded("a look at the machine")
        )
        self._premises = Premises(self.held, self._premises_changed)
        self.thumbnails = Thumbnails(workspace.analysis, lambda: queue.posture)
        self.timelines = Timelines(core, self.attention.edited)
        self.open_in_hosts = OpenInHosts(
            core,
            opened=self.timelines.opened_in_host,
            closed=self.timelines.closed_in_host,
            playhead=self.timelines.looked_at,
        )

    def start(self, opened: ExitStack, folders: Sequence[str | Path], *, beside: bool) -> None:
        """What an earlier service left undone goes on. ``open_in_hosts`` is started by whoever has begun what was asked for."""
        self.queue.subscribe(self._heard)
        self.queue.set_posture(self._judged(Activity.IDLE, math.inf))  # before what was left undone goes on
        opened.enter_context(self.queue)
        opened.callback(self.thumbnails.close)
        for room in (self.readings, self.attention, self._premises, self.upkeep):
            room.start()
            opened.callback(room.close)
        opened.callback(self.timelines.let_go)
        self.watched.start(folders, beside=beside)
        opened.callback(self.watched.close)
        self.timelines.start()
        opened.callback(self.timelines.close)
        opened.callback(self.open_in_hosts.close)
        opened.callback(self.core.stop.set)

    def set_settings(self, settings: Settings) -> None:
        self.core.settings = settings
        self._backend.set_capacity(_slots_of(settings) + _SPARE_WORKERS)

    def changed_contents(self) -> None:
        """Of the workspace: something was deleted, which timelines may need."""
        self.contents.changed()
        self.core.tell("cache")
        self.timelines.lost()

    # -- what happens --------------------------------------------------------------------------------------------------

    def _followed(self) -> tuple[Followed, ...]:
        return self.timelines.all()

    def _planned(self) -> tuple[Planned, ...]:
        return (*self.watched.all(), *self.requests.planned())

    def _projects(self) -> tuple[Project, ...]:
        timelines = (Project(name=one.path.name, plan=one.plan, written=one.view().written) for one in self.timelines.all())
        return (*timelines, *(Project(name=folder.path, plan=folder.plan) for folder in self.watched.all()))

    def _record(self, jobs: tuple[str, ...], task: Task, outcome: Outcome) -> None:
        """Before anybody hears of it. :raises CacheError: it cannot be put on record now: the queue tries again"""
        if isinstance(outcome, Prerendered):
            try:
                chunked.put(self.core.index.renders, outcome)
            except CacheError as e:
                if Path(outcome.path).exists() or not self.core.workspace.root.is_dir():
                    raise
                self.core.note(str(e))  # somebody deleted it: the next plan makes it anew
        self.profile.record(task, outcome)
        if not is_cancelled(outcome) or task.key not in self.queue:  # else it goes on, for others
            self.figures.ended(task, outcome)
        self.contents.changed()
        self.core.errands.ended(jobs, outcome)
        self.watched.ended(jobs, outcome)
        self.timelines.ended(jobs, outcome)

    def _heard(self, event: QueueEvent) -> None:
        match event:
            case TaskView():
                self.sources.hear(event)
                if event.state is TaskState.RUNNING:
                    self.timelines.runs(event)
                self.core.tell("task", event)
            case Notice(text=text):
                self.core.note(text)
            case _:
                self.attention.wake()
                self.readings.wake()
                self.core.tell("queue")

    def _has_work(self) -> bool:
        return not self.queue.is_idle

    def _judged(self, activity: Activity, quiet_seconds: float) -> Posture:
        """How much the queue may work now."""
        if self._premises.problem:
            return Posture(slots=0, suspended=True, reason=self._premises.problem)
        settings = self.core.settings
        return posture.posture(
            self.core.meter.read(),
            activity,
            jobs=_slots_of(settings),
            background_priority=settings.background_priority,
            quiet_seconds=quiet_seconds,
            disk_reserve_bytes=settings.min_free_disk or 0,
        )

    def _premises_changed(self, problem: str, is_final: bool) -> None:
        if problem:
            self.core.note(problem)
        self.attention.wake()
        if is_final:
            self._ended(problem)
        elif not problem:
            self.core.note(f"the workspace {self.core.workspace.root} is there again")
            self.timelines.replan()
            self.watched.renew(is_lost=True)


def _slots_of(settings: Settings) -> int:
    """Tasks that run at once where nothing holds them back: one decode feeds up to four cores, and memory limits the rest."""
    return settings.jobs or max(1, min(system.cores() // 4, system.memory_bytes() // _BYTES_PER_SLOT))
