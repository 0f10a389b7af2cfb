"""Projects that are open in an editing program are followed while they are; their playheads come first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.watching import OpenProjects, playhead_of
from otio_perf.service.core import Core

_LOOK_SECONDS = 4.0


class OpenInHosts:
    """Looks every few seconds while the setting ``follow_hosts`` is on; a look at a bus without a Kdenlive takes 0.3 ms.

    :param opened, closed: are told of each project. :param playhead: is told where it is, at each save
    """

    def __init__(
        self,
        core: Core,
        *,
        opened: Callable[[Path], None],
        closed: Callable[[Path], None],
        playhead: Callable[[Path, int], None],
    ) -> None:
        self._core, self._opened, self._closed, self._playhead = core, opened, closed, playhead
        self._open: dict[Path, int] = {}  # when each was saved, in nanoseconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="open projects", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        with self._core.guarded("open projects are not followed"), closing(OpenProjects(Home.of_user())) as projects:
            while True:
                with self._core.guarded("a look at open projects"):
                    self._look(projects)
                if self._closing.wait(_LOOK_SECONDS):
                    break

    def _look(self, projects: OpenProjects) -> None:
        found = projects.look() if self._core.settings.follow_hosts == "on" else ()
        for path in [path for path in self._open if path not in found]:
            del self._open[path]
            self._closed(path)
        for path in found:
            saved_at = path.stat().st_mtime_ns
            before = self._open.get(path)
            if before is None:
                self._opened(path)
            if before != saved_at:
                self._open[path] = saved_at
                frame = playhead_of(path)
                if frame is not None:
                    self._playhead(path, frame)
