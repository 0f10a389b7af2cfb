"""The timelines that are followed: which they are, and who tells each of them what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from otio_perf.errors import CacheError, UnknownIdError
from otio_perf.model.events import Outcome
from otio_perf.model.views import TaskView
from otio_perf.service import memory
from otio_perf.service.core import Core
from otio_perf.service.following import Following
from otio_perf.service.identity import identity
from otio_perf.service.memory import Wishes
from otio_perf.watch.timeline import Missing, Saved, TimelineEvent, TimelineWatch


class Timelines:
    """``start`` and ``close``. What tells something may be called from any thread, and does not wait.

    :param edited: called when the user has saved one
    """

    def __init__(self, core: Core, edited: Callable[[], None]) -> None:
        self._core, self._edited = core, edited
        self._followed: dict[str, Following] = {}
        self.changing = threading.Lock()  # of what is followed
        self._watch = TimelineWatch((), self._seen)

    def start(self) -> None:
        self._watch.start()

    def close(self) -> None:
        """Watch none any more."""
        self._watch.close()

    def let_go(self) -> None:
        """Of all. Tasks stay with the queue."""
        for one in self.all():
            one.close()

    def all(self) -> tuple[Following, ...]:
        return tuple(self._followed.values())

    def get(self, id: str) -> Following:
        """:raises UnknownIdError: none is called so"""
        try:
            return self._followed[id]
        except KeyError:
            raise UnknownIdError(f"no timeline is called {id}", hint="GET timelines lists them") from None

    def begin(self, path: Path, wishes: Wishes, *, is_written: bool = True) -> Following:
        """Follow it from now on; one that is followed already is as it was."""
        with self.changing:
            found = self._followed.get(identity(path))
            if found is not None:
                return found
            found = Following(self._core, path, wishes, is_written=is_written)
            self._followed[found.id] = found
        found.start()
        self._watch.add(path)
        self._core.tell("timeline", found.view())
        return found

    def end(self, id: str) -> None:
        """Let go of it: what only it wanted is cancelled, what was made stays. :raises UnknownIdError"""
        with self.changing:
            found = self.get(id)
            del self._followed[id]
        self._watch.remove(found.path)
        found.close()
        self._core.queue.cancel(job=found.job)
        self._core.queue.unfocus(id)
        self.remember()
        self._core.tell("queue")

    def remember(self) -> None:
        """What is followed and wished, for the next service."""
        with suppress(CacheError):  # the workspace is gone: ``Premises`` says so
            asked_for = [one for one in self.all() if one.is_written]  # others are followed while they are open
            memory.remember(self._core.workspace.root, [(one.path, one.wishes) for one in asked_for])

    # -- what happens --------------------------------------------------------------------------------------------------

    def opened_in_host(self, path: Path) -> None:
        """A project is open in an editing program: what it needs is made ready."""
        self.begin(path, Wishes(), is_written=False)

    def closed_in_host(self, path: Path) -> None:
        found = self._followed.get(identity(path))
        if found is not None and not found.is_written:
            self.end(found.id)

    def looked_at(self, path: Path, frame: int) -> None:
        if found := self._followed.get(identity(path)):
            found.look(frame)

    def lost(self) -> None:
        """Products were deleted: what timelines need of them is made anew."""
        for one in self.all():
            one.lost()

    def replan(self) -> None:
        for one in self.all():
            one.replan()

    def ended(self, jobs: tuple[str, ...], outcome: Outcome) -> None:
        """A task of ``jobs`` has come to its end."""
        for one in self.all():
            if one.job in jobs:
                one.ended(outcome)

    def runs(self, task: TaskView) -> None:
        for one in self.all():
            if one.job in task.jobs:
                one.runs(task.key, task.done)

    def _seen(self, event: TimelineEvent) -> None:
        """One was saved, or is gone. In the watch's thread."""
        found = self._followed.get(identity(event.path))
        if found is None:
            return
        match event:
            case Saved():
                if found.view().saved_at:  # else it is seen for the first time, and nobody has edited it
                    self._edited()
                found.saved(event.saved_at)
            case Missing():
                found.gone()
