"""The service as others see it: one facade, the same words in Python, over HTTP (``web``, ``client``) and on the command line.

Values come from ``model.views``. Every method may be called from any thread, and answers without waiting for work; what the
work comes to is told by events, and by asking again.

:raises UnknownIdError: (all methods that take an id, a key or a job) there is none
:raises SettingsError: a word or a number that cannot be
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from otio_perf import __version__
from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError, SettingsError, UnknownIdError
from otio_perf.metrics import system
from otio_perf.model.events import Notice, Outcome, Prerendered
from otio_perf.model.tasks import Task
from otio_perf.model.views import (
    Activity,
    CacheView,
    FollowedTimeline,
    MetricsView,
    OutcomeView,
    ProfileView,
    QueueView,
    ServiceEvent,
    ServiceStatus,
    SettingView,
    SourcesView,
    TaskState,
    TaskView,
    TimelineView,
    WatchedFolder,
)
from otio_perf.optimizer import caching, chunked
from otio_perf.optimizer.opening import existing_file
from otio_perf.optimizer.places import workspace_root
from otio_perf.planning import posture
from otio_perf.planning.posture import Posture
from otio_perf.render_queue.backend import ProcessBackend
from otio_perf.render_queue.journal import Journal
from otio_perf.render_queue.live import LiveQueue
from otio_perf.render_queue.progress import is_cancelled
from otio_perf.render_queue.working import QueueEvent
from otio_perf.reports import document
from otio_perf.service import memory, settings_view
from otio_perf.service.attention import Attention
from otio_perf.service.cache_view import Contents, Project
from otio_perf.service.core import Core
from otio_perf.service.figures import Figures
from otio_perf.service.folders import Folders
from otio_perf.service.following import Following
from otio_perf.service.happenings import Happenings, ServiceListener
from otio_perf.service.identity import identity
from otio_perf.service.lock import ServiceLock
from otio_perf.service.memory import Asked, Wishes
from otio_perf.service.metrics_view import Readings
from otio_perf.service.open_projects import OpenInHosts
from otio_perf.service.premises import Premises
from otio_perf.service.profile import Profile
from otio_perf.service.requests import Requests
from otio_perf.service.reveal import reveal
from otio_perf.service.sources import Planned, Sources
from otio_perf.service.thumbnails import Thumbnails
from otio_perf.service.upkeep import Upkeep
from otio_perf.settings import Settings
from otio_perf.watch.timeline import Missing, Saved, TimelineEvent, TimelineWatch

PathLike = str | Path

#: Settings that say what timelines get, as ``optimize`` does for one.
_OF_TIMELINES = frozenset({"use_proxies", "prerender", "fidelity"})
#: Long tasks may sleep while so many urgent ones run (``LiveQueue``).
_SPARE_WORKERS = 2
_JOURNAL = "queue.sqlite"
#: A process that decodes 8K HEVC needs half of it (``optimizer.session``).
_BYTES_PER_SLOT = 3 << 30


def ignore(event: ServiceEvent) -> None:
    """A listener for those who do not want to hear."""
    del event


class Service:
    """Keeps proxies and prerenders in step with timelines and folders. Use as a context manager, or ``start`` and ``close``.

    :param settings: in force; ``settings.workspace`` names the workspace, default: beside the first timeline, else the user's
    :param timelines: that are followed from the start; none named: those that the last service of the workspace followed
    :param folders: that are watched from the start
    :param beside: proxies of ``folders`` in a Proxy folder beside each source
    :param listener: hears every event
    :param settings_file: that ``set_settings`` writes to; default: the user's
    """

    def __init__(
        self,
        settings: Settings,
        *,
        timelines: Sequence[PathLike] = (),
        folders: Sequence[PathLike] = (),
        beside: bool = False,
        listener: ServiceListener = ignore,
        settings_file: Path | None = None,
    ) -> None:
        self._settings, self._settings_file = settings, settings_file
        self._named, self._folders, self._is_beside = tuple(timelines), tuple(folders), beside
        self._happenings = Happenings()
        self._happenings.subscribe(listener)
        self._followed: dict[str, Following] = {}
        self._changing = threading.Lock()  # of what is followed
        self._opened = ExitStack()
        self._started_at = 0.0
        self.ended = threading.Event()  # set where it cannot go on: ``why_ended`` says why
        self.why_ended = ""

    def start(self) -> None:
        """Take the workspace and begin; what an earlier service left undone goes on.

        :raises ServiceRunningError: another service has this workspace
        :raises TimelineError: one of the timelines is not there, or is none
        """
        paths = [existing_file(path).absolute() for path in self._named]
        workspace = Workspace.open(self._root(paths))
        with ExitStack() as opened:
            self._held = opened.enter_context(ServiceLock(workspace.root))
            index = opened.enter_context(Index.open(workspace.root))
            journal = Journal(workspace.root / _JOURNAL)
            self._backend = backend = ProcessBackend(slots_of(self._settings) + _SPARE_WORKERS)
            self._queue = queue = LiveQueue(backend, record=self._record, journal=journal)
            self._core = core = Core(self._settings, workspace, index, queue, self._happenings, self._following)
            self._profile, self._requests = Profile(core.trace), Requests(core)
            self._watched, self._upkeep = Folders(core), Upkeep(core)
            self._sources = Sources(core, self._planned, self._watched.settling)
            self._contents = Contents(core, self._projects)
            self._figures = Figures(core, self._contents.size_bytes)
            self._readings = Readings(
                self._figures.read,
                self._has_work,
                lambda view: core.tell("metrics", view),
                guarded=lambda: core.guarded("a reading"),
            )
            self._attention = Attention(
                self._judged, queue.set_posture, self._has_work, guarded=lambda: core.guarded("a look at the machine")
            )
            self._premises = Premises(self._held, self._premises_changed)
            self._thumbnails = Thumbnails(workspace.analysis, lambda: queue.posture)
            self._watch = TimelineWatch((), self._seen)
            self._open_in_hosts = OpenInHosts(
                core, opened=self._opened_in_host, closed=self._closed_in_host, playhead=self._looked_at
            )
            queue.subscribe(self._heard)
            queue.set_posture(self._judged(Activity.IDLE, math.inf))  # before what was left undone goes on
            opened.enter_context(queue)
            opened.callback(self._thumbnails.close)
            for room in (self._readings, self._attention, self._premises, self._upkeep):
                room.start()
                opened.callback(room.close)
            opened.callback(self._let_go)
            self._watched.start(self._folders, beside=self._is_beside)
            opened.callback(self._watched.close)
            self._watch.start()
            opened.callback(self._watch.close)
            opened.callback(self._open_in_hosts.close)
            opened.callback(core.stop.set)
            self._started_at = time.time()
            for path, wishes in self._wished(paths).items():
                self._begin(path, wishes)
            self._remember()
            self._open_in_hosts.start()
            self._opened = opened.pop_all()

    def _wished(self, paths: Sequence[Path]) -> dict[Path, Wishes]:
        """Timelines that are followed from the start. Of ``paths`` that an earlier service followed, what was wished stays."""
        kept = memory.recall(self.workspace, self._settings)
        return {path: kept.get(path, Wishes()) for path in paths} if paths else kept

    def _root(self, paths: Sequence[Path]) -> Path:
        """Without a timeline and a name: the workspace in this folder, if there is one, that the last service may have had."""
        if paths or self._settings.workspace is not None:
            return workspace_root(self._settings, paths[0] if paths else None, create=True)
        return workspace_root(self._settings, Path.cwd() / "timeline", create=False)

    def close(self) -> None:
        """Stop in order: running tasks are asked to stop, what is left stays in the journal. Within a second or two."""
        self._opened.close()

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def workspace(self) -> Path:
        """Folder of its products; after ``start``."""
        return self._core.workspace.root

    def announce(self, url: str, token_file: Path) -> None:
        """Say where the HTTP API listens, for clients (``service.lock.address_of``) and in ``status``."""
        self._held.announce(url=url, token_file=token_file)

    def status(self) -> ServiceStatus:
        """The whole in one look."""
        return ServiceStatus(
            version=__version__,
            pid=os.getpid(),
            workspace=str(self.workspace),
            address=self._held.address.url,
            started_at=self._started_at,
            activity=self._attention.activity,
            quality=self._core.settings.playback_quality,
            background=self._queue.progress(limit=0).background,
            timelines=self.timelines(),
            folders=self._watched.views(),
            notices=tuple(self._core.notices),
        )

    def events(self, after: int | None = None) -> tuple[ServiceEvent, ...]:
        """What came after event number ``after`` (``None``: all that is kept); ``missed`` first where some of it is gone."""
        return self._happenings.after(after)

    def subscribe(self, listener: ServiceListener) -> Callable[[], None]:
        """Call ``listener`` with every event from now on, from any thread; it must not block. :returns: what ends it"""
        return self._happenings.subscribe(listener)

    # -- timelines -----------------------------------------------------------------------------------------------------

    def follow(self, path: PathLike) -> FollowedTimeline:
        """Keep in step with the timeline at ``path``; of one that is followed already, how it stands.

        :raises TimelineError: it is not there, or no timeline by its name. What is wrong inside it is in the view.
        """
        found = self._begin(existing_file(path).absolute(), Wishes())
        found.write_too()
        self._remember()
        return found.view()

    def unfollow(self, id: str) -> None:
        """Let go of it: what only it wanted is cancelled, what was made stays."""
        with self._changing:
            found = self._timeline(id)
            del self._followed[id]
        self._watch.remove(found.path)
        found.close()
        self._queue.cancel(job=found.job)
        self._queue.unfocus(id)
        self._remember()
        self._core.tell("queue")

    def timelines(self) -> tuple[FollowedTimeline, ...]:
        return tuple(one.view() for one in self._following())

    def timeline(self, id: str) -> TimelineView:
        """As it is drawn: tracks, spans with cost and state, pins, suggestions."""
        return self._timeline(id).timeline_view()

    def report(self, id: str) -> dict[str, Any]:
        """The analysis of a timeline: the document of ``otio-perf analyze --json``; empty before its first survey."""
        analysis = self._timeline(id).analysis
        return {} if analysis is None else document.analysis_document(analysis)

    def set_playhead(self, id: str, frame: int) -> None:
        """Where the user is: what lies there comes first, then outward."""
        self._timeline(id).look(frame)

    def pin(self, id: str, start: int, stop: int) -> None:
        """Frames ``start`` to ``stop - 1`` come before everything else, and are rendered even where they would play."""
        if not 0 <= start < stop:
            raise SettingsError(f"no frames lie between {start} and {stop}")
        self._timeline(id).pin(start, stop)
        self._remember()

    def unpin(self, id: str, start: int, stop: int) -> None:
        """Take the pins off these frames."""
        self._timeline(id).unpin(start, stop)
        self._remember()

    def optimize(self, id: str, *, proxies: bool = True, prerender: str = "auto") -> str:
        """Work for the timeline as asked from now on (the wizard's run); what failed is tried again. :returns: its job

        It stands over the settings, also over a restart, until something else is asked for. ``outcome`` says what came of it.

        :param prerender: ``auto``, ``all`` or ``none``, as the command's
        """
        found = self._timeline(id)
        found.optimize(Asked(proxies=proxies, prerender=prerender))
        self._remember()
        return found.job

    def outcome(self, id: str) -> OutcomeView:
        """What came of ``optimize``: what was made, what could not be made and why, and whether that is all."""
        return self._timeline(id).outcome()

    def replan(self) -> None:
        """Look anew: something was made or deleted beside the service."""
        self._contents.changed()
        self._lost()
        self._core.tell("sources")
        self._core.tell("cache")

    # -- queue ---------------------------------------------------------------------------------------------------------

    def queue(self, offset: int = 0, limit: int = 200) -> QueueView:
        """A page: what runs, what waits in its order, what ended."""
        return self._queue.progress(offset, limit)

    def pause(self) -> None:
        """Start nothing more until ``resume``, also over a restart; what runs sleeps."""
        self._queue.pause()

    def resume(self) -> None:
        self._queue.resume()
        self._attention.wake()

    def clear(self) -> None:
        """Cancel all tasks. What timelines and folders still need comes back with their next change."""
        self._watched.clear()
        self._queue.clear()

    def cancel(self, *, job: str | None = None, task: str | None = None) -> None:
        """Cancel all that ``job`` wants, or ``task`` for everybody. What has ended already is no error."""
        if job is None and task is None:
            raise SettingsError("cancel takes a job or a task", hint="clear cancels everything")
        if job is not None and task is None:
            self._watched.clear(job)
        self._queue.cancel(job=job, task=task)

    def prioritize(
        self, *, task: str | None = None, timeline: str | None = None, start: int | None = None, stop: int | None = None
    ) -> None:
        """``task`` next, or what serves frames ``start`` to ``stop - 1`` of ``timeline``, on the next free slot."""
        if timeline is not None:
            self._timeline(timeline)
        elif task is None:
            raise SettingsError("prioritize takes a task, or a timeline with start and stop")
        self._queue.prioritize(task=task, timeline=timeline, start=start, stop=stop)

    def set_activity(self, activity: str, seconds: float = 30.0) -> None:
        """What the user does (``idle``, ``editing``, ``playing``, ``exporting``); said again before ``seconds`` are over."""
        self._attention.set_activity(activity, seconds)

    def set_quality(self, quality: str) -> None:
        """Of playback: ``automatic``, ``full``, ``half`` or ``quarter``: which proxy written timelines show."""
        self.set_settings({"playback_quality": quality})

    # -- media ---------------------------------------------------------------------------------------------------------

    def sources(self, offset: int = 0, limit: int = 200, search: str = "") -> SourcesView:
        """A page of the media of all timelines and folders; ``search``: part of the name."""
        return self._sources.view(offset, limit, search)

    def generate(self, *, ids: Sequence[str] = (), paths: Sequence[PathLike] = ()) -> str:
        """Make proxies of these media, needed or not. :returns: the job"""
        return self._requests.generate([*(self._sources.get(id).path for id in ids), *paths])

    def regenerate(self, id: str, force: bool = False) -> str:
        """Make the proxies of a medium anew, as they were; those that timelines play only with ``force``. :returns: the job"""
        source = self._sources.get(id)
        return self._requests.regenerate(source.path, source.decision.target if source.decision else None, force=force)

    def delete_proxies(self, id: str, force: bool = False) -> int:
        """Bytes that became free. Proxies that timelines play only with ``force``: those that are followed have what they need
        made anew, others show the original."""
        freed = self._requests.delete(self._sources.get(id).path, force=force)
        self._lost()
        return freed

    def thumbnail(self, id: str) -> bytes:
        """A small JPEG of the medium."""
        source = self._sources.get(id)
        return self._thumbnails.get(self._sources.media(source), source.path)

    def reveal(self, id: str) -> None:
        """Show the medium in the system's file manager."""
        reveal(Path(self._sources.get(id).path))

    def watch(self, path: PathLike) -> WatchedFolder:
        """Turn rushes in the folder at ``path`` into proxies as they come."""
        return self._watched.watch(path)

    def unwatch(self, id: str) -> None:
        """Let go of it: what is waiting is cancelled, what was made stays."""
        self._watched.unwatch(id)

    # -- workspace -----------------------------------------------------------------------------------------------------

    def cache(self) -> CacheView:
        """What fills the workspace."""
        return self._contents.view()

    def clear_cache(self, kind: str, force: bool = False) -> int:
        """Delete ``proxies``, ``renders``, ``analysis`` or ``all``; what timelines play only with ``force``. What timelines
        that are followed need of it is made anew.

        :returns: bytes that became free
        """
        with self._core.session() as session:
            freed = caching.clear(session, kind, force=force, dry_run=False)
        self._contents.changed()
        self._core.tell("cache")
        self._lost()
        return freed.size_bytes

    def prune_cache(self) -> int:
        """Bring the workspace within its limits: stale, orphaned and long unused products. :returns: bytes that became free"""
        return self._upkeep.prune().freed_bytes

    def verify_cache(self, repair: bool = False) -> tuple[str, ...]:
        """A line for every product that is gone or not what was recorded."""
        with self._core.session() as session:
            faults = caching.verify(session, repair=repair)
        self._contents.checked(sum(1 for fault in faults if fault.repair is None))
        self._core.tell("cache")
        if any(fault.repair for fault in faults):
            self._lost()
        return tuple(f"{f.path}: {f.reason}" + (f" ({f.repair})" if f.repair else "") for f in faults)

    # -- figures and settings ------------------------------------------------------------------------------------------

    def metrics(self) -> MetricsView:
        """A reading of this moment."""
        return self._readings.now()

    def exposition(self) -> bytes:
        """The figures in Prometheus' text format: readings of this moment, and what was counted since the start."""
        return self._figures.exposition(self._readings.now())

    def profile(self) -> ProfileView:
        return ProfileView(stages=self._profile.stages(), history=self._readings.hour())

    def trace(self) -> dict[str, Any]:
        """What ran when, in the Chrome trace-event format."""
        return self._profile.trace()

    def settings(self) -> tuple[SettingView, ...]:
        return settings_view.views(self._core.settings, file=self._settings_file)

    def set_settings(self, values: Mapping[str, Any]) -> tuple[SettingView, ...]:
        """Put ``values`` in force and into the settings file; all of them, or none. ``None``: the default again.

        :raises SettingsError: one of them cannot be, or not while a service runs
        """
        if "workspace" in values:
            raise SettingsError(
                "workspace: a service keeps the one that it was started with", hint="Start it again with --workspace"
            )
        with self._changing:
            self._core.settings = settings_view.saved(values, self._core.settings, file=self._settings_file)
            self._backend.set_capacity(slots_of(self._core.settings) + _SPARE_WORKERS)
            followed = self._following()
        for one in followed:
            if _OF_TIMELINES & values.keys():  # said last, it counts
                one.go_by_settings()
            else:
                one.replan()
        self._remember()
        self._watched.renew()
        self._attention.wake()
        self._core.tell("settings")
        return self.settings()

    # -- what happens --------------------------------------------------------------------------------------------------

    def _following(self) -> tuple[Following, ...]:
        return tuple(self._followed.values())

    def _planned(self) -> tuple[Planned, ...]:
        return (*self._watched.all(), *self._requests.planned())

    def _projects(self) -> tuple[Project, ...]:
        timelines = (Project(name=one.path.name, plan=one.plan, written=one.view().written) for one in self._following())
        return (*timelines, *(Project(name=folder.path, plan=folder.plan) for folder in self._watched.all()))

    def _timeline(self, id: str) -> Following:
        try:
            return self._followed[id]
        except KeyError:
            raise UnknownIdError(f"no timeline is called {id}", hint="GET timelines lists them") from None

    def _begin(self, path: Path, wishes: Wishes, *, is_written: bool = True) -> Following:
        with self._changing:
            found = self._followed.get(identity(path))
            if found is not None:
                return found
            found = Following(self._core, path, wishes, is_written=is_written)
            self._followed[found.id] = found
        found.start()
        self._watch.add(path)
        self._core.tell("timeline", found.view())
        return found

    def _opened_in_host(self, path: Path) -> None:
        """A project is open in an editing program: what it needs is made ready."""
        self._begin(path, Wishes(), is_written=False)

    def _closed_in_host(self, path: Path) -> None:
        found = self._followed.get(identity(path))
        if found is not None and not found.is_written:
            self.unfollow(found.id)

    def _looked_at(self, path: Path, frame: int) -> None:
        if found := self._followed.get(identity(path)):
            found.look(frame)

    def _lost(self) -> None:
        """Products were deleted: what timelines need of them is made anew."""
        for one in self._following():
            one.lost()

    def _let_go(self) -> None:
        for one in self._following():
            one.close()

    def _remember(self) -> None:
        with suppress(CacheError):  # the workspace is gone: ``Premises`` says so
            asked_for = [one for one in self._following() if one.is_written]  # others are followed while they are open
            memory.remember(self.workspace, [(one.path, one.wishes) for one in asked_for])

    def _seen(self, event: TimelineEvent) -> None:
        """A timeline was saved, or is gone. In the watch's thread."""
        found = self._followed.get(identity(event.path))
        if found is None:
            return
        match event:
            case Saved():
                if found.view().saved_at:  # else it is seen for the first time, and nobody has edited it
                    self._attention.edited()
                found.saved(event.saved_at)
            case Missing():
                found.gone()

    def _record(self, jobs: tuple[str, ...], task: Task, outcome: Outcome) -> None:
        """Before anybody hears of it. :raises CacheError: it cannot be put on record now: the queue tries again"""
        if isinstance(outcome, Prerendered):
            try:
                chunked.put(self._core.index.renders, outcome)
            except CacheError as e:
                if Path(outcome.path).exists() or not self.workspace.is_dir():
                    raise
                self._core.note(str(e))  # somebody deleted it: the next plan makes it anew
        self._profile.record(task, outcome)
        if not is_cancelled(outcome) or task.key not in self._queue:  # else it goes on, for others
            self._figures.ended(task, outcome)
        self._contents.changed()
        self._core.errands.ended(jobs, outcome)
        self._watched.ended(jobs, outcome)
        for one in self._following():
            if one.job in jobs:
                one.ended(outcome)

    def _heard(self, event: QueueEvent) -> None:
        match event:
            case TaskView():
                self._sources.hear(event)
                if event.state is TaskState.RUNNING:
                    for one in self._following():
                        if one.job in event.jobs:
                            one.runs(event.key, event.done)
                self._core.tell("task", event)
            case Notice(text=text):
                self._core.note(text)
            case _:
                self._attention.wake()
                self._readings.wake()
                self._core.tell("queue")

    # -- how much it works ---------------------------------------------------------------------------------------------

    def _has_work(self) -> bool:
        return not self._queue.is_idle

    def _judged(self, activity: Activity, quiet_seconds: float) -> Posture:
        if self._premises.problem:
            return Posture(slots=0, suspended=True, reason=self._premises.problem)
        settings = self._core.settings
        return posture.posture(
            self._core.meter.read(),
            activity,
            jobs=slots_of(settings),
            background_priority=settings.background_priority,
            quiet_seconds=quiet_seconds,
            disk_reserve_bytes=settings.min_free_disk or 0,
        )

    def _premises_changed(self, problem: str, is_final: bool) -> None:
        if problem:
            self._core.note(problem)
        self._attention.wake()
        if is_final:
            self.why_ended = problem
            self.ended.set()
        elif not problem:
            self._core.note(f"the workspace {self.workspace} is there again")
            for one in self._following():
                one.replan()
            self._watched.renew(is_lost=True)


def slots_of(settings: Settings) -> int:
    """Tasks that run at once where nothing holds them back: one decode feeds up to four cores, and memory limits the rest."""
    return settings.jobs or max(1, min(system.cores() // 4, system.memory_bytes() // _BYTES_PER_SLOT))
