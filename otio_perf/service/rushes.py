"""Watched folders: what settles in them is opened, planned, and handed to the queue; what changes or goes is taken back.

Each folder has a thread that waits for what its watch and the queue tell, and has it done (``ingest``). Media are opened by
tasks of the queue, like all work: it yields, and a file that crashes FFmpeg costs a worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from otio_perf.errors import CacheError, TaskCancelledError
from otio_perf.model.events import Outcome
from otio_perf.model.plans import Plan
from otio_perf.model.rushes import Rushes
from otio_perf.model.views import WatchedFolder
from otio_perf.optimizer import rushes as rushes_of
from otio_perf.service.core import Core
from otio_perf.service.folder_media import State
from otio_perf.service.identity import identity
from otio_perf.service.ingest import KIND, Ingest, said
from otio_perf.service.lazy_session import LazySession
from otio_perf.settings import Settings
from otio_perf.watch.events import Changed, FolderEvent, Gone, Noted, Settled, Turned
from otio_perf.watch.folder import FolderWatch

#: A folder's view is told so often at most.
_TELL_SECONDS = 0.5
JOB = f"{KIND}:"


@dataclass(frozen=True, slots=True)
class _Cleared:
    """The user wants none of what is waiting."""


class Folder:
    """One folder that is watched.

    :param elsewhere: folders that are never entered: those of the workspace, and those that are watched by themselves.
    """

    def __init__(self, core: Core, rushes: Rushes, elsewhere: Sequence[Path]) -> None:
        self.core, self.rushes = core, rushes
        self.path = str(rushes.path)
        self.id = identity(rushes.path)
        self.job = JOB + self.id
        self.settings: Settings = core.settings.of_rushes(rushes)
        self._inbox: SimpleQueue[FolderEvent | Outcome | _Cleared | None] = SimpleQueue()
        self._told: WatchedFolder | None = None
        self._told_at = 0.0
        self._watch = FolderWatch(
            rushes.path,
            self._inbox.put,
            rules=rushes_of.rules(rushes, elsewhere),
            settle_seconds=float(self.settings.settle_seconds),
        )
        self._ingest = Ingest(core, rushes, self.job, self._watch.refuse)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"rushes {self.path}", daemon=True)

    def start(self) -> None:
        self._watch.start()
        self._thread.start()

    def close(self) -> None:
        """Let go. Tasks stay with the queue."""
        self._closing.set()
        self._watch.close()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def ended(self, outcome: Outcome) -> None:
        """A task of its job has come to its end. From any thread; does not wait."""
        self._inbox.put(outcome)

    def clear(self) -> None:
        """What is not in the queue yet is not handed to it. From any thread; does not wait."""
        self._inbox.put(_Cleared())

    @property
    def plan(self) -> Plan:
        """What becomes of each medium that was opened."""
        return self._ingest.media.plan

    def settling(self) -> tuple[str, ...]:
        """Paths of media that are still being written."""
        return self._watch.settling()

    def view(self) -> WatchedFolder:
        seen = self._watch.state()
        states = self._ingest.media.states()
        return WatchedFolder(
            id=self.id,
            path=self.path,
            state=seen.mode,
            reason=seen.reason,
            files=seen.files,
            settling=seen.settling,
            queued=states[State.QUEUED],
            ready=states[State.READY],
            failed=states[State.FAILED],
            scanned_at=seen.scanned_at,
        )

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                item = self._inbox.get(timeout=self._patience())
            except Empty:
                item = None
                if not self._is_told():
                    self._tell()
            try:
                with LazySession(self.core, self.settings, self._closing) as session:
                    self._take(item)
                    while not self._closing.is_set() and (not self._inbox.empty() or self._ingest.has_work()):
                        while not self._inbox.empty():
                            self._take(self._inbox.get())
                        if time.monotonic() - self._told_at >= _TELL_SECONDS:
                            self._tell()
                        if self._ingest.has_work():
                            self._ingest.advance(session)
            except TaskCancelledError:
                continue  # the folder is let go, or what had to be known first was cancelled
            except CacheError as e:
                self._ingest.hold_up(str(e))
            except Exception as e:  # noqa: BLE001 (the folder is watched on, whatever one file led to)
                self.core.note(f"{self.path}: {said(e)}")

    def _patience(self) -> float | None:
        """Seconds until there is something to do even if nobody says anything."""
        waits = [] if self._is_told() else [_TELL_SECONDS]
        if self._ingest.again_at is not None:
            waits.append(max(0.0, self._ingest.again_at - time.monotonic()))
        return min(waits, default=None)

    def _is_told(self) -> bool:
        return self._told is not None and replace(self._told, scanned_at=None) == replace(self.view(), scanned_at=None)

    def _tell(self) -> None:
        self._told, self._told_at = self.view(), time.monotonic()
        self.core.tell("folder", self._told)

    def _take(self, item: FolderEvent | Outcome | _Cleared | None) -> None:
        match item:
            case None:
                return
            case _Cleared():
                self._ingest.clear()
            case Settled(seen=seen):
                self._ingest.settled(seen)
            case Changed(path=path) | Gone(path=path):
                self._ingest.drop(path)
            case Turned(mode=mode, reason=reason):
                if mode == "suspended":
                    self._ingest.drop_all()
                if reason:
                    self.core.note(f"{self.path}: {mode}: {reason}")
            case Noted(text=text):
                self.core.note(text)
            case _:
                self._ingest.ended(item)
