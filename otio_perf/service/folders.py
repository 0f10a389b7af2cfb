"""All folders that are watched: which there are, and who hears what became of their tasks."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import UnknownIdError
from otio_perf.model.events import Outcome
from otio_perf.model.rushes import Rushes
from otio_perf.model.views import WatchedFolder
from otio_perf.optimizer import rushes as rushes_of
from otio_perf.service.core import Core
from otio_perf.service.identity import identity
from otio_perf.service.rushes import JOB, Folder
from otio_perf.settings import Settings


class Folders:
    """All folders that are watched. The settings' own from ``start`` on; others come and go."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._folders: dict[str, Folder] = {}
        self._rows: frozenset[str] = frozenset()  # ids of those that the settings name

    def start(self, paths: Iterable[str | Path] = (), *, beside: bool = False) -> None:
        """Those of the settings, and ``paths``.

        :param beside: proxies of ``paths`` in a Proxy folder beside each source
        :raises SettingsError: one is no folder; ``beside`` with several proxy sizes
        """
        for rushes in self._core.settings.watch:
            self._add(rushes)
        self._rows = frozenset(identity(rushes.path) for rushes in self._core.settings.watch)
        for path in paths:
            self.watch(path, beside=beside)

    def close(self) -> None:
        with self._lock:
            folders = tuple(self._folders.values())
        for folder in folders:
            folder.close()

    def watch(self, path: str | Path, *, beside: bool = False) -> WatchedFolder:
        """With the proxies that the settings say for it; of one that is watched already, how it stands.

        :raises SettingsError: a file is there, or nothing
        """
        rows = rushes_of.chosen(self._core.settings, [path], beside=beside)
        return self._add(next(rushes for rushes in rows if identity(rushes.path) == identity(Path(path).expanduser())))

    def unwatch(self, id: str) -> None:
        """Let go of it: what is waiting is cancelled, what was made stays. :raises UnknownIdError"""
        if not self._drop(id):
            raise UnknownIdError(f"no watched folder is called {id}", hint="status lists them")

    def clear(self, job: str | None = None) -> None:
        """What waits for its place in the queue is given up: all of it, or what ``job`` wants."""
        for folder in self.all():
            if job in (None, folder.job):
                folder.clear()

    def renew(self, *, is_lost: bool = False) -> None:
        """The settings have changed: folders whose proxies or rules are others are begun anew.

        :param is_lost: what was made is not there any more: all are begun anew
        """
        settings = self._core.settings
        rows = {identity(rushes.path): rushes for rushes in settings.watch}
        for folder in self.all():
            rushes = rows.get(folder.id, folder.rushes)
            is_dropped = folder.id in self._rows and folder.id not in rows
            is_same = rushes == folder.rushes and _made_by(settings.of_rushes(rushes)) == _made_by(folder.settings)
            if is_same and not is_lost and not is_dropped:
                folder.settings = settings.of_rushes(rushes)  # what decides how they are made counts from now on
                continue
            if self._drop(folder.id) and not is_dropped:
                self._add(rushes)
        self._rows = frozenset(rows)
        for rushes in rows.values():
            self._add(rushes)

    def all(self) -> tuple[Folder, ...]:
        with self._lock:
            return tuple(self._folders.values())

    def views(self) -> tuple[WatchedFolder, ...]:
        return tuple(folder.view() for folder in self.all())

    def settling(self) -> tuple[str, ...]:
        return tuple(path for folder in self.all() for path in folder.settling())

    def ended(self, jobs: Iterable[str], outcome: Outcome) -> None:
        """A task of ``jobs`` has come to its end. From any thread; does not wait."""
        for job in jobs:
            if job.startswith(JOB):
                with self._lock:
                    folder = self._folders.get(job.removeprefix(JOB))
                if folder is not None:
                    folder.ended(outcome)

    def _drop(self, id: str) -> bool:
        """False: somebody let go of it already."""
        with self._lock:
            folder = self._folders.pop(id, None)
        if folder is not None:
            folder.close()
            self._core.queue.cancel(job=folder.job)
            self._core.tell("folder", replace(folder.view(), state="unwatched", reason=""))
        return folder is not None

    def _add(self, rushes: Rushes) -> WatchedFolder:
        with self._lock:
            folder = self._folders.get(identity(rushes.path))
            if folder is None:
                elsewhere = [self._core.workspace.root, *(other.rushes.path for other in self._folders.values())]
                elsewhere += [other.path for other in self._core.settings.watch if other.path != rushes.path]
                folder = Folder(self._core, rushes, elsewhere)
                self._folders[folder.id] = folder
                folder.start()
        return folder.view()


def _made_by(settings: Settings) -> tuple[object, ...]:
    """What of the settings decides which proxies rushes get, and when."""
    recipes = settings.recipes(), settings.codec, settings.quality, settings.burn_in, settings.lut
    return (*recipes, settings.purpose, rushes_of.is_forced(settings), settings.rate, settings.settle_seconds)
