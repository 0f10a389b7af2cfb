"""What the operating system says has happened in a folder. A hint and no more: events get lost when there are many, when there
are more folders than may be watched, and when the folder itself goes."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

# Of folders that are made one in the other, quickly: watchdog finds some of them twice, watches them once, and says so.
warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)

#: Not the opening and closing of files that are read, which is what we do ourselves.
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
#: More folders than these at once are looked at all together.
_MOST_FOLDERS = 1000


class Hints(FileSystemEventHandler):
    """Folders below ``root`` in which something has happened; ``wake`` is called when there is news.

    :raises OSError: the system cannot watch it
    """

    def __init__(self, root: str, *, is_recursive: bool, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._root, self._real = root, os.path.realpath(root)  # a link would be watched itself, not what it leads to
        self._lock = threading.Lock()
        self._folders: set[str] = set()
        self._lost = ""
        self._complaints = _Complaints(self)
        self._observer = Observer()
        try:
            self._observer.schedule(self, self._real, recursive=is_recursive, event_filter=_EVENTS)
            self._observer.start()
        except OSError:
            self._end()
            raise
        logging.getLogger("watchdog").addHandler(self._complaints)

    def close(self) -> None:
        logging.getLogger("watchdog").removeHandler(self._complaints)
        self._end()

    def _end(self) -> None:
        self._observer.stop()
        if self._observer.ident is not None:
            self._observer.join()

    @property
    def is_alive(self) -> bool:
        """Not, once the folder was deleted: its emitter then ends without a word, while the observer lives on."""
        return self._observer.is_alive() and all(emitter.is_alive() for emitter in self._observer.emitters)

    def take(self) -> tuple[frozenset[str], str]:
        """Folders with news since the last call; why others may have some, ``""`` where none were missed."""
        with self._lock:
            folders, lost = frozenset(self._folders), self._lost
            self._folders.clear()
            self._lost = ""
        return folders, lost

    def lose(self, reason: str) -> None:
        with self._lock:
            self._lost = reason
        self._wake()

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = [self._named(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path]
        with self._lock:
            for path in paths:
                if event.is_directory and event.event_type in ("created", "moved"):
                    self._folders.add(path)
                self._folders.add(os.path.dirname(path))  # noqa: PTH120 - ten thousand of them may come at once
            if len(self._folders) > _MOST_FOLDERS:
                self._folders.clear()
                self._lost = f"changes in more than {_MOST_FOLDERS} folders at once"
        self._wake()

    def _named(self, path: str) -> str:
        """As the folder was named."""
        return self._root + path.removeprefix(self._real) if path.startswith(self._real) else path


class _Complaints(logging.Handler):
    """watchdog tells of lost events in its log, and nowhere else."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self._hints.lose("more events at once than the system keeps")


def why_no_more() -> str | None:
    """Why the system would not watch one more folder; ``None``: it would. Those below a folder are left out without a word."""
    observer = Observer()
    folder = ""
    try:
        folder = tempfile.mkdtemp(prefix="otio_perf-")
        observer.schedule(FileSystemEventHandler(), folder)
        observer.start()
    except OSError as e:
        return e.strerror or str(e)
    else:
        return None
    finally:
        observer.stop()
        if observer.ident is not None:
            observer.join()
        with suppress(OSError):
            Path(folder).rmdir()
