"""The service as others see it: one facade, the same words in Python, over HTTP (``web``, ``client``) and on the command line.

Values come from ``model.views``. Every method may be called from any thread, and answers without waiting for work; what the
work comes to is told by events, and by asking again.

:raises UnknownIdError: (all methods that take an id, a key or a job) there is none
:raises SettingsError: a word or a number that cannot be
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from otio_perf import __version__
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import SettingsError
from otio_perf.model.views import (
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
    TimelineView,
    WatchedFolder,
)
from otio_perf.optimizer import caching
from otio_perf.optimizer.opening import existing_file
from otio_perf.optimizer.places import workspace_root
from otio_perf.reports import document
from otio_perf.service import memory, settings_view
from otio_perf.service.happenings import Happenings, ServiceListener
from otio_perf.service.memory import Asked, Wishes
from otio_perf.service.reveal import reveal
from otio_perf.service.rooms import Rooms
from otio_perf.settings import Settings

PathLike = str | Path

#: Settings that say what timelines get, as ``optimize`` does for one.
_OF_TIMELINES = frozenset({"use_proxies", "prerender", "fidelity"})


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
            rooms = self._rooms = Rooms(opened, self._settings, workspace, self._happenings, self._end)
            self._core = rooms.core
            rooms.start(opened, self._folders, beside=self._is_beside)
            self._started_at = time.time()
            for path, wishes in self._wished(paths).items():
                rooms.timelines.begin(path, wishes)
            rooms.timelines.remember()
            rooms.open_in_hosts.start()
            self._opened = opened.pop_all()

    def _end(self, reason: str) -> None:
        self.why_ended = reason
        self.ended.set()

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
        self._rooms.held.announce(url=url, token_file=token_file)

    def status(self) -> ServiceStatus:
        """The whole in one look."""
        return ServiceStatus(
            version=__version__,
            pid=os.getpid(),
            workspace=str(self.workspace),
            address=self._rooms.held.address.url,
            started_at=self._started_at,
            activity=self._rooms.attention.activity,
            quality=self._core.settings.playback_quality,
            background=self._rooms.queue.progress(limit=0).background,
            timelines=self.timelines(),
            folders=self._rooms.watched.views(),
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
        found = self._rooms.timelines.begin(existing_file(path).absolute(), Wishes())
        found.write_too()
        self._rooms.timelines.remember()
        return found.view()

    def unfollow(self, id: str) -> None:
        """Let go of it: what only it wanted is cancelled, what was made stays."""
        self._rooms.timelines.end(id)

    def timelines(self) -> tuple[FollowedTimeline, ...]:
        return tuple(one.view() for one in self._rooms.timelines.all())

    def timeline(self, id: str) -> TimelineView:
        """As it is drawn: tracks, spans with cost and state, pins, suggestions."""
        return self._rooms.timelines.get(id).timeline_view()

    def report(self, id: str) -> dict[str, Any]:
        """The analysis of a timeline: the document of ``otio-perf analyze --json``; empty before its first survey."""
        analysis = self._rooms.timelines.get(id).analysis
        return {} if analysis is None else document.analysis_document(analysis)

    def set_playhead(self, id: str, frame: int) -> None:
        """Where the user is: what lies there comes first, then outward."""
        self._rooms.timelines.get(id).look(frame)

    def pin(self, id: str, start: int, stop: int) -> None:
        """Frames ``start`` to ``stop - 1`` come before everything else, and are rendered even where they would play."""
        if not 0 <= start < stop:
            raise SettingsError(f"no frames lie between {start} and {stop}")
        self._rooms.timelines.get(id).pin(start, stop)
        self._rooms.timelines.remember()

    def unpin(self, id: str, start: int, stop: int) -> None:
        """Take the pins off these frames."""
        self._rooms.timelines.get(id).unpin(start, stop)
        self._rooms.timelines.remember()

    def optimize(self, id: str, *, proxies: bool = True, prerender: str = "auto") -> str:
        """Work for the timeline as asked from now on (the wizard's run); what failed is tried again. :returns: its job

        It stands over the settings, also over a restart, until something else is asked for. ``outcome`` says what came of it.

        :param prerender: ``auto``, ``all`` or ``none``, as the command's
        """
        found = self._rooms.timelines.get(id)
        found.optimize(Asked(proxies=proxies, prerender=prerender))
        self._rooms.timelines.remember()
        return found.job

    def outcome(self, id: str) -> OutcomeView:
        """What came of ``optimize``: what was made, what could not be made and why, and whether that is all."""
        return self._rooms.timelines.get(id).outcome()

    def replan(self) -> None:
        """Look anew: something was made or deleted beside the service."""
        self._rooms.changed_contents()
        self._core.tell("sources")

    # -- queue ---------------------------------------------------------------------------------------------------------

    def queue(self, offset: int = 0, limit: int = 200) -> QueueView:
        """A page: what runs, what waits in its order, what ended."""
        return self._rooms.queue.progress(offset, limit)

    def pause(self) -> None:
        """Start nothing more until ``resume``, also over a restart; what runs sleeps."""
        self._rooms.queue.pause()

    def resume(self) -> None:
        self._rooms.queue.resume()
        self._rooms.attention.wake()

    def clear(self) -> None:
        """Cancel all tasks. What timelines and folders still need comes back with their next change."""
        self._rooms.watched.clear()
        self._rooms.queue.clear()

    def cancel(self, *, job: str | None = None, task: str | None = None) -> None:
        """Cancel all that ``job`` wants, or ``task`` for everybody. What has ended already is no error."""
        if job is None and task is None:
            raise SettingsError("cancel takes a job or a task", hint="clear cancels everything")
        if job is not None and task is None:
            self._rooms.watched.clear(job)
        self._rooms.queue.cancel(job=job, task=task)

    def prioritize(
        self, *, task: str | None = None, timeline: str | None = None, start: int | None = None, stop: int | None = None
    ) -> None:
        """``task`` next, or what serves frames ``start`` to ``stop - 1`` of ``timeline``, on the next free slot."""
        if timeline is not None:
            self._rooms.timelines.get(timeline)
        elif task is None:
            raise SettingsError("prioritize takes a task, or a timeline with start and stop")
        self._rooms.queue.prioritize(task=task, timeline=timeline, start=start, stop=stop)

    def set_activity(self, activity: str, seconds: float = 30.0) -> None:
        """What the user does (``idle``, ``editing``, ``playing``, ``exporting``); said again before ``seconds`` are over."""
        self._rooms.attention.set_activity(activity, seconds)

    def set_quality(self, quality: str) -> None:
        """Of playback: ``automatic``, ``full``, ``half`` or ``quarter``: which proxy written timelines show."""
        self.set_settings({"playback_quality": quality})

    # -- media ---------------------------------------------------------------------------------------------------------

    def sources(self, offset: int = 0, limit: int = 200, search: str = "") -> SourcesView:
        """A page of the media of all timelines and folders; ``search``: part of the name."""
        return self._rooms.sources.view(offset, limit, search)

    def generate(self, *, ids: Sequence[str] = (), paths: Sequence[PathLike] = ()) -> str:
        """Make proxies of these media, needed or not. :returns: the job"""
        return self._rooms.requests.generate([*(self._rooms.sources.get(id).path for id in ids), *paths])

    def regenerate(self, id: str, force: bool = False) -> str:
        """Make the proxies of a medium anew, as they were; those that timelines play only with ``force``. :returns: the job"""
        source = self._rooms.sources.get(id)
        return self._rooms.requests.regenerate(source.path, source.decision.target if source.decision else None, force=force)

    def delete_proxies(self, id: str, force: bool = False) -> int:
        """Bytes that became free. Proxies that timelines play only with ``force``: those that are followed have what they need
        made anew, others show the original."""
        freed = self._rooms.requests.delete(self._rooms.sources.get(id).path, force=force)
        self._rooms.timelines.lost()
        return freed

    def thumbnail(self, id: str) -> bytes:
        """A small JPEG of the medium."""
        source = self._rooms.sources.get(id)
        return self._rooms.thumbnails.get(self._rooms.sources.media(source), source.path)

    def reveal(self, id: str) -> None:
        """Show the medium in the system's file manager."""
        reveal(Path(self._rooms.sources.get(id).path))

    def watch(self, path: PathLike) -> WatchedFolder:
        """Turn rushes in the folder at ``path`` into proxies as they come."""
        return self._rooms.watched.watch(path)

    def unwatch(self, id: str) -> None:
        """Let go of it: what is waiting is cancelled, what was made stays."""
        self._rooms.watched.unwatch(id)

    # -- workspace -----------------------------------------------------------------------------------------------------

    def cache(self) -> CacheView:
        """What fills the workspace."""
        return self._rooms.contents.view()

    def clear_cache(self, kind: str, force: bool = False) -> int:
        """Delete ``proxies``, ``renders``, ``analysis`` or ``all``; what timelines play only with ``force``. What timelines
        that are followed need of it is made anew.

        :returns: bytes that became free
        """
        with self._core.session() as session:
            freed = caching.clear(session, kind, force=force, dry_run=False)
        self._rooms.changed_contents()
        return freed.size_bytes

    def prune_cache(self) -> int:
        """Bring the workspace within its limits: stale, orphaned and long unused products. :returns: bytes that became free"""
        return self._rooms.upkeep.prune().freed_bytes

    def verify_cache(self, repair: bool = False) -> tuple[str, ...]:
        """A line for every product that is gone or not what was recorded."""
        with self._core.session() as session:
            faults = caching.verify(session, repair=repair)
        self._rooms.contents.checked(sum(1 for fault in faults if fault.repair is None))
        self._core.tell("cache")
        if any(fault.repair for fault in faults):
            self._rooms.timelines.lost()
        return tuple(f"{f.path}: {f.reason}" + (f" ({f.repair})" if f.repair else "") for f in faults)

    # -- figures and settings ------------------------------------------------------------------------------------------

    def metrics(self) -> MetricsView:
        """A reading of this moment."""
        return self._rooms.readings.now()

    def exposition(self) -> bytes:
        """The figures in Prometheus' text format: readings of this moment, and what was counted since the start."""
        return self._rooms.figures.exposition(self._rooms.readings.now())

    def profile(self) -> ProfileView:
        return ProfileView(stages=self._rooms.profile.stages(), history=self._rooms.readings.hour())

    def trace(self) -> dict[str, Any]:
        """What ran when, in the Chrome trace-event format."""
        return self._rooms.profile.trace()

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
        with self._rooms.timelines.changing:
            self._rooms.set_settings(settings_view.saved(values, self._core.settings, file=self._settings_file))
            followed = self._rooms.timelines.all()
        for one in followed:
            if _OF_TIMELINES & values.keys():  # said last, it counts
                one.go_by_settings()
            else:
                one.replan()
        self._rooms.timelines.remember()
        self._rooms.watched.renew()
        self._rooms.attention.wake()
        self._core.tell("settings")
        return self.settings()
