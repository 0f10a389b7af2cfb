"""Small pictures of media: made when they are first asked for, in a worker that comes with the need and goes again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from otio_perf.cache.housekeeping import THUMBNAILS
from otio_perf.errors import OfflineMediaError, TaskCancelledError, UnsupportedMediaError, WorkerLostError, by_name
from otio_perf.model.events import Failed
from otio_perf.model.media import MediaInfo
from otio_perf.model.tasks import ThumbnailTask
from otio_perf.planning.posture import Posture
from otio_perf.render_queue.backend import ProcessBackend
from otio_perf.render_queue.messages import Finished, WorkerLost

#: So many are kept; a hundred of them are about a megabyte.
_MOST_KEPT = 5000
#: The worker goes when nobody wanted a picture for so long.
_IDLE_SECONDS = 20.0
_MAKE_SECONDS = 20.0
#: How soon it is noticed that nothing may run, or that the service ends.
_LOOK_SECONDS = 0.2
_LOST = WorkerLostError.__name__


class Thumbnails:
    """Kept in ``folder`` by the content of the medium: who moves a file keeps its picture.

    :param posture: how much may run now: a picture is made while something may
    """

    def __init__(self, folder: Path, posture: Callable[[], Posture]) -> None:
        self._folder, self._posture = folder, posture
        self._turn = threading.Lock()  # one at a time: pictures are no reason to load the machine
        self._backend: ProcessBackend | None = None
        self._farewell: threading.Timer | None = None
        self._refused: dict[str, Failed] = {}  # what could not be made is not tried at each look at the page
        self._closing = threading.Event()

    def get(self, media: MediaInfo | None, name: str) -> bytes:
        """JPEG of ``media``; ``None``: nothing is known of it. :raises MediaError: there is no picture of it"""
        if media is None:
            raise OfflineMediaError("there is no picture of it: it is not there, or was not looked at yet", path=name)
        if media.picture is None:
            raise UnsupportedMediaError("has no pictures", path=name)
        path = self._folder / THUMBNAILS.replace("*", media.fingerprint)
        with suppress(OSError):
            return path.read_bytes()
        with self._turn:
            with suppress(OSError):  # made while we waited
                return path.read_bytes()
            failed = self._refused.get(media.fingerprint) or self._make(media, path)
        if failed is not None:
            if failed.error != _LOST and len(self._refused) < _MOST_KEPT:  # the machine may have been busy
                self._refused[media.fingerprint] = failed
            raise by_name(failed.error)(failed.message, path=failed.path, hint=failed.hint)
        self._forget_oldest()
        return path.read_bytes()

    def close(self) -> None:
        self._closing.set()  # who makes one notices it soon
        with self._turn:
            self._part()

    def _make(self, media: MediaInfo, path: Path) -> Failed | None:
        if self._closing.is_set():
            raise TaskCancelledError("the service ends")
        if self._farewell is not None:
            self._farewell.cancel()
        self._farewell = threading.Timer(_IDLE_SECONDS, self._leave)
        self._farewell.daemon = True
        if self._backend is None:
            self._backend = ProcessBackend(workers=1)
        task = ThumbnailTask(media=media, path=str(path))
        deadline = time.monotonic() + _MAKE_SECONDS
        has_begun = False
        try:
            while not self._closing.is_set():
                posture = self._posture()
                self._backend.set_niceness(posture.niceness)
                if posture.suspended:
                    self._backend.suspend(task.key)
                elif has_begun:
                    self._backend.resume(task.key)
                else:
                    self._backend.start(task, 1)
                    has_begun = True
                match self._backend.next_report(_LOOK_SECONDS):
                    case Finished(outcome=Failed() as failed):
                        return failed
                    case Finished():
                        return None
                    case WorkerLost():
                        return _lost(task, "its picture could not be made: the process that tried it died")
                    case None if time.monotonic() > deadline:
                        self._part()
                        why = f": {posture.reason}" if posture.suspended else ""
                        return _lost(task, f"its picture was not made within {_MAKE_SECONDS:g} s{why}")
            raise TaskCancelledError("the service ends")
        finally:
            self._farewell.start()

    def _leave(self) -> None:
        with self._turn:
            self._part()

    def _part(self) -> None:
        if self._farewell is not None:
            self._farewell.cancel()
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _forget_oldest(self) -> None:
        kept = list(self._folder.glob(THUMBNAILS))
        if len(kept) > _MOST_KEPT:
            with suppress(OSError):
                for path in sorted(kept, key=lambda p: p.stat().st_mtime)[: len(kept) - _MOST_KEPT * 9 // 10]:
                    path.unlink()


def _lost(task: ThumbnailTask, message: str) -> Failed:
    return Failed(key=task.key, error=_LOST, message=message, path=task.label)
