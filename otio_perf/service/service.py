"""The service as others see it: one facade, the same words in Python, over HTTP (``web``, ``client``) and on the command line.

Values come from ``model.views``. Every method may be called from any thread, and answers without waiting for work; what the
work comes to is told by events, and by asking again.

:raises UnknownIdError: (all methods that take an id, a key or a job) there is none
:raises SettingsError: a word or a number that cannot be
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from otio_perf.model.views import (
    CacheView,
    FollowedTimeline,
    MetricsView,
    ProfileView,
    QueueView,
    ServiceEvent,
    ServiceStatus,
    SettingView,
    SourcesView,
    TimelineView,
    WatchedFolder,
)
from otio_perf.service.happenings import ServiceListener
from otio_perf.settings import Settings

PathLike = str | Path


def ignore(event: ServiceEvent) -> None:
    """A listener for those who do not want to hear."""
    del event


class Service:
    """Keeps proxies and prerenders in step with timelines and folders. Use as a context manager, or ``start`` and ``close``.

    :param settings: in force; ``settings.workspace`` names the workspace, default: beside the first timeline, else the user's
    :param timelines: that are followed from the start
    :param folders: that are watched from the start
    :param listener: hears every event
    """

    def __init__(
        self,
        settings: Settings,
        *,
        timelines: Sequence[PathLike] = (),
        folders: Sequence[PathLike] = (),
        listener: ServiceListener = ignore,
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Take the workspace and begin; what an earlier service left undone goes on.

        :raises ServiceRunningError: another service has this workspace
        :raises TimelineError: one of the timelines is not there, or is none
        """
        raise NotImplementedError

    def close(self) -> None:
        """Stop in order: running tasks are asked to stop, what is left stays in the journal. Within a second or two."""
        raise NotImplementedError

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def workspace(self) -> Path:
        """Folder of its products; after ``start``."""
        raise NotImplementedError

    def announce(self, url: str, token_file: Path) -> None:
        """Say where the HTTP API listens, for clients (``service.lock.address_of``) and in ``status``."""
        raise NotImplementedError

    def status(self) -> ServiceStatus:
        """The whole in one look."""
        raise NotImplementedError

    def events(self, after: int | None = None) -> tuple[ServiceEvent, ...]:
        """What came after event number ``after`` (``None``: all that is kept); ``missed`` first where some of it is gone."""
        raise NotImplementedError

    def subscribe(self, listener: ServiceListener) -> Callable[[], None]:
        """Call ``listener`` with every event from now on, from any thread; it must not block. :returns: what ends it"""
        raise NotImplementedError

    # -- timelines -----------------------------------------------------------------------------------------------------

    def follow(self, path: PathLike) -> FollowedTimeline:
        """Keep in step with the timeline at ``path``; of one that is followed already, how it stands.

        :raises TimelineError: it is not there, or no timeline by its name. What is wrong inside it is in the view.
        """
        raise NotImplementedError

    def unfollow(self, id: str) -> None:
        """Let go of it: what only it wanted is cancelled, what was made stays."""
        raise NotImplementedError

    def timelines(self) -> tuple[FollowedTimeline, ...]:
        raise NotImplementedError

    def timeline(self, id: str) -> TimelineView:
        """As it is drawn: tracks, spans with cost and state, pins, suggestions."""
        raise NotImplementedError

    def report(self, id: str) -> dict[str, Any]:
        """The analysis of a timeline: the document of ``otio-perf analyze --json``."""
        raise NotImplementedError

    def set_playhead(self, id: str, frame: int) -> None:
        """Where the user is: what lies there comes first, then outward."""
        raise NotImplementedError

    def pin(self, id: str, start: int, stop: int) -> None:
        """Frames ``start`` to ``stop - 1`` come before everything else, and are rendered even where they would play."""
        raise NotImplementedError

    def unpin(self, id: str, start: int, stop: int) -> None:
        """Take the pins off these frames."""
        raise NotImplementedError

    def optimize(self, id: str, *, proxies: bool = True, prerender: str = "auto") -> str:
        """Work for the timeline as asked from now on (the wizard's run). :returns: its job

        :param prerender: ``auto``, ``all`` or ``none``, as the command's
        """
        raise NotImplementedError

    # -- queue ---------------------------------------------------------------------------------------------------------

    def queue(self, offset: int = 0, limit: int = 200) -> QueueView:
        """A page: what runs, what waits in its order, what ended."""
        raise NotImplementedError

    def pause(self) -> None:
        """Start nothing more until ``resume``, also over a restart; what runs ends."""
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    def clear(self) -> None:
        """Cancel all tasks. What timelines and folders still need comes back with their next change."""
        raise NotImplementedError

    def cancel(self, *, job: str | None = None, task: str | None = None) -> None:
        """Cancel all that ``job`` wants, or ``task`` for everybody."""
        raise NotImplementedError

    def prioritize(
        self, *, task: str | None = None, timeline: str | None = None, start: int | None = None, stop: int | None = None
    ) -> None:
        """``task`` next, or what serves frames ``start`` to ``stop - 1`` of ``timeline``; takes effect on the next free slot."""
        raise NotImplementedError

    def set_activity(self, activity: str, seconds: float = 30.0) -> None:
        """What the user does (``idle``, ``editing``, ``playing``, ``exporting``); said again before ``seconds`` are over."""
        raise NotImplementedError

    def set_quality(self, quality: str) -> None:
        """Of playback: ``automatic``, ``full``, ``half`` or ``quarter``: which proxy written timelines show."""
        raise NotImplementedError

    # -- media ---------------------------------------------------------------------------------------------------------

    def sources(self, offset: int = 0, limit: int = 200, search: str = "") -> SourcesView:
        """A page of the media of all timelines and folders; ``search``: part of the name."""
        raise NotImplementedError

    def generate(self, *, ids: Sequence[str] = (), paths: Sequence[PathLike] = ()) -> str:
        """Make proxies of these media, needed or not. :returns: the job"""
        raise NotImplementedError

    def regenerate(self, id: str) -> str:
        """Delete the proxies of a medium and make them anew. :returns: the job"""
        raise NotImplementedError

    def delete_proxies(self, id: str) -> int:
        """Bytes that became free. Timelines that play them show the original after their next change."""
        raise NotImplementedError

    def thumbnail(self, id: str) -> bytes:
        """A small JPEG of the medium."""
        raise NotImplementedError

    def reveal(self, id: str) -> None:
        """Show the medium in the system's file manager."""
        raise NotImplementedError

    def watch(self, path: PathLike) -> WatchedFolder:
        """Turn rushes in the folder at ``path`` into proxies as they come."""
        raise NotImplementedError

    def unwatch(self, id: str) -> None:
        raise NotImplementedError

    # -- workspace -----------------------------------------------------------------------------------------------------

    def cache(self) -> CacheView:
        raise NotImplementedError

    def clear_cache(self, kind: str, force: bool = False) -> int:
        """Delete ``proxies``, ``renders``, ``analysis`` or ``all``; prerenders that timelines play only with ``force``.

        :returns: bytes that became free
        """
        raise NotImplementedError

    def prune_cache(self) -> int:
        """Bring the workspace within its limits: stale, orphaned and long unused products. :returns: bytes that became free"""
        raise NotImplementedError

    def verify_cache(self, repair: bool = False) -> tuple[str, ...]:
        """A line for every product that is gone or not what was recorded."""
        raise NotImplementedError

    # -- figures and settings ------------------------------------------------------------------------------------------

    def metrics(self) -> MetricsView:
        raise NotImplementedError

    def profile(self) -> ProfileView:
        raise NotImplementedError

    def trace(self) -> dict[str, Any]:
        """What ran when, in the Chrome trace-event format."""
        raise NotImplementedError

    def settings(self) -> tuple[SettingView, ...]:
        raise NotImplementedError

    def set_settings(self, values: Mapping[str, Any]) -> tuple[SettingView, ...]:
        """Put ``values`` in force and into the settings file; all of them, or none. ``None``: the default again."""
        raise NotImplementedError
