"""What the queue's thread does: nobody else changes its state.

What is wanted is in the journal before it is begun; what was made is on record before the journal says that it is over. So a
queue that is killed goes on where it was, and what it does twice by that comes to the same.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from otio_perf.errors import OtioPerfError, TaskCancelledError
from otio_perf.model.events import Notice, Outcome
from otio_perf.model.tasks import Task
from otio_perf.model.views import TaskView
from otio_perf.planning.posture import Posture
from otio_perf.render_queue import messages, replay
from otio_perf.render_queue.backend import Backend
from otio_perf.render_queue.inbox import Inbox
from otio_perf.render_queue.journal import Journal, Kept
from otio_perf.render_queue.loop import Loop
from otio_perf.render_queue.priority import Focus, Place
from otio_perf.render_queue.progress import Progress
from otio_perf.render_queue.recording import RETRY_SECONDS, Recorder

#: Tasks of a submission that are written, and begun, before the others are: doubled from part to part.
_FIRST_WRITTEN, _MOST_WRITTEN = 8, 64

#: Moves of the playhead count so often: who scrubs through a long timeline would have it sorted anew for every frame.
LOOK_SECONDS = 0.2

#: Events that change one task at most, which is told for itself.
_QUIET = (messages.Tick, messages.Progressed, messages.Finished, messages.WorkerLost, messages.Recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanged:
    """Order, jobs or background have changed: ask anew."""


QueueEvent = TaskView | QueueChanged | Notice
Record = Callable[[tuple[str, ...], Task, Outcome], None]
"""Called with the jobs that wanted the task, and its outcome, before anybody hears of it: what was made is put on record. After
a crash it may be called again with the same: what it does must come to the same."""


class Working:
    """Has all that the queue is made of; ``run`` by its thread. Others look at ``state`` and ``progress`` under ``lock``.

    :param tell: hears of all that happens; does not wait
    """

    def __init__(
        self, backend: Backend, inbox: Inbox, tell: Callable[[QueueEvent], None], *, record: Record, journal: Journal | None
    ) -> None:
        self._backend, self._inbox, self._tell, self._record = backend, inbox, tell, record
        self._loop = Loop(backend, self._told)
        self.state, self.progress = self._loop.state, Progress()
        self.lock = threading.Lock()
        self.posture, self._is_posture_new = Posture(slots=backend.capacity), False
        self._number = self._published = 0  # of the last submission, and outcome
        self._journal = journal
        self._unwritten: list[Kept] = []  # the journal could not take them yet
        self.holds: dict[str, str] = {}  # why nothing may run, by what cannot be done
        self._recorder = Recorder(self._record_fails)
        self._unrecorded: dict[int, messages.Publish] = {}  # by a number of their own
        self._recorded: deque[int] = deque()  # and since put on record
        self._looks: dict[str, Focus | None] = {}  # where the user is, as far as the state does not know yet
        self._looked_at = -math.inf

    def restore(self) -> None:
        """Before it is run. :raises CacheError: the journal cannot be read"""
        self._recorder.start()
        self._recall()
        self._take_posture()

    def wind_down(self) -> None:
        """After it was run, or was not: what runs is stopped; what has ended is put on record, what has not stays."""
        self._loop.wind_down()
        self._recorder.close()
        self._take_posts()  # what was recorded since
        if self._journal is not None:
            self._journal.close()

    def look(self, timeline: str, focus: Focus | None) -> None:
        """From any thread; does not wait."""
        self._looks[timeline] = focus
        self._backend.interrupt()

    def set_posture(self, posture: Posture) -> None:
        """From any thread; does not wait."""
        if posture != self.posture:
            self.posture, self._is_posture_new = posture, True
            self._backend.interrupt()

    def run(self) -> None:
        """Until the inbox is closed."""
        while True:
            self._take_posts()
            if self._inbox.is_closed:
                break
            if self._is_posture_new or self._inbox or self._recorded:
                continue  # it came while a submission was written, which took the interrupt for a report
            waits = [RETRY_SECONDS] if self._unwritten else []
            if self._looks:
                waits.append(max(0.0, self._looked_at + LOOK_SECONDS - time.monotonic()))
            report = self._loop.next_report(min(waits, default=None))
            event = messages.Tick(at=time.monotonic()) if report is None else report
            self._safely(partial(self._handle, event))
            if self._unwritten:
                self._safely(self._flush)

    def _take_posts(self) -> None:
        self._take_urgent()
        while self._inbox:
            self._safely(self._inbox.take())
        if self._recorded:
            self._safely(self._settle)

    def _take_urgent(self) -> None:
        """What cannot wait until a long submission is written."""
        if self._is_posture_new:
            self._is_posture_new = False
            self._safely(self._take_posture)
        if self._looks and time.monotonic() >= self._looked_at + LOOK_SECONDS:
            self._safely(self._look)

    def _look(self) -> None:
        """What is pinned outlives the queue; playheads move often, and are not kept."""
        self._looked_at = time.monotonic()
        for timeline in tuple(self._looks):
            focus = self._looks.pop(timeline)
            event = messages.Focused(timeline=timeline, focus=focus, at=time.monotonic())
            known = self.state.focus(timeline) or Focus()
            if known.pins == (() if focus is None else focus.pins):
                self._handle(event)
            else:
                self.wish(event)

    def _settle(self) -> None:
        """In one go: whoever cancels ten thousand tasks does not wait for as many writes."""
        events = []
        while self._recorded:
            publish = self._unrecorded.pop(self._recorded.popleft())
            jobs: dict[str, int] = {}
            for job, number in publish.wants:
                jobs[job] = max(number, jobs.get(job, number))
            events.append(messages.Recorded(key=publish.task.key, jobs=jobs, at=time.monotonic()))
        self.wish(*events, is_lasting=False)

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as e:  # noqa: BLE001 (the others want their outcomes all the same)
            self._tell(Notice(text=f"render queue: unforeseen {type(e).__name__}: {e}", is_urgent=True))

    def _recall(self) -> None:
        """What the journal says is not over, is wanted again; what was over and perhaps not recorded, is recorded."""
        if self._journal is None:
            return
        events = self._journal.read(self._snapshot)
        self._number, cancelled = replay.replay(events, self.state, self.progress)
        for publish in cancelled:
            self._publish(publish, time.monotonic())
        self._say_journal_notices()

    def _snapshot(self) -> tuple[messages.Event, ...]:
        return replay.snapshot(self.state, self._unrecorded.values(), self.progress, time.monotonic())

    def wish(self, *events: Kept, is_lasting: bool = True) -> None:
        """On disk first."""
        if self._journal is not None and events:
            self._unwritten += events
            self._flush(is_lasting=is_lasting)
        for event in events:
            self._handle(event)
        if self._journal is not None and not self._unwritten:
            with suppress(OtioPerfError):  # no room for a copy: it stays long
                self._journal.compact(len(self.state))

    def _flush(self, *, is_lasting: bool = True) -> None:
        """Nothing runs while the journal cannot be written."""
        assert self._journal is not None
        known = () if "journal" in self.holds else self.state
        try:
            self._journal.append(self._unwritten, known=known, is_lasting=is_lasting)
            self._unwritten.clear()
        except OtioPerfError as e:
            self._hold("journal", str(e))
        else:
            self._release("journal")
        self._say_journal_notices()

    def _say_journal_notices(self) -> None:
        for text in self._journal.notices() if self._journal is not None else ():
            self._tell(Notice(text=text, is_urgent=True))

    def _hold(self, what: str, reason: str) -> None:
        if what not in self.holds:
            self.holds[what] = reason
            self._tell(Notice(text=f"{reason}; the queue waits until that is over", is_urgent=True))
            self._take_posture()

    def _release(self, what: str) -> None:
        if self.holds.pop(what, None) is not None:
            self._tell(Notice(text="the queue goes on"))
            self._take_posture()

    def _record_fails(self, reason: str) -> None:
        self._inbox.put(lambda: self._hold("record", reason) if reason else self._release("record"))

    def _handle(self, event: messages.Event) -> None:
        with self.lock:
            self._loop.handle(event)
            if isinstance(event, messages.Progressed):
                self.progress.progressed(event.key, event.done)
                if entry := self.state.entry(event.key):
                    self._tell(self.progress.task(entry, time.monotonic()))
        if not isinstance(event, _QUIET):
            self._tell(QueueChanged())

    def submit(
        self,
        job: str,
        tasks: Sequence[Task],
        places: Mapping[str, Sequence[Place]],
        label: str,
        kind: str,
        importance: int = 0,
    ) -> None:
        """A thousand prerenders take a second to write: the most urgent begin while the others are written."""
        self._number += 1
        with self.lock:
            self.progress.submitted(job, label, kind, tasks)
        ordered = sorted(tasks, key=lambda task: self.state.urgency(task.kind, places.get(task.key, ())))
        start, size = 0, _FIRST_WRITTEN
        while True:
            part, start, size = ordered[start : start + size], start + size, min(2 * size, _MOST_WRITTEN)
            event = messages.Submitted(
                job=job,
                tasks=tuple(part),
                priority=importance,
                places={task.key: tuple(places[task.key]) for task in part if task.key in places},
                label=label,
                kind=kind,
                number=self._number,
                at=time.monotonic(),
            )
            is_last = start >= len(ordered)
            self.wish(event, is_lasting=is_last)  # what was written before lasts with it
            if is_last:
                return
            if self._inbox.is_closed:
                raise TaskCancelledError("the queue is closed")
            self._take_urgent()
            while (report := self._backend.next_report(0.0)) is not None:
                self._handle(report)

    def _told(self, command: messages.Command) -> None:
        now = time.monotonic()
        self.progress.told(command, now)
        match command:
            case messages.Start(task=task, is_retry=is_retry):
                if is_retry:
                    self._tell(Notice(text=f"{task.label}: the process that worked on it died, starting again"))
                if entry := self.state.entry(task.key):
                    self._tell(self.progress.task(entry, now))
            case messages.Suspend() | messages.Continue():
                if entry := self.state.entry(command.key):
                    self._tell(self.progress.task(entry, now))
            case messages.Publish():
                self._publish(command, now)

    def _publish(self, command: messages.Publish, now: float) -> None:
        left = self.state.entry(command.task.key)
        view = self.progress.published(command, left, now)
        if left is not None:
            self._tell(view)
        self._published += 1
        number = self._published
        self._unrecorded[number] = command

        def then() -> None:
            if left is None:
                self._tell(view)
            self._recorded.append(number)
            self._backend.interrupt()

        self._recorder.record(lambda: self._record(command.jobs, command.task, command.outcome), then)

    def _take_posture(self) -> None:
        posture = self.posture
        self._backend.set_niceness(posture.niceness)
        slots = 0 if posture.suspended or self.holds else min(posture.slots, self._backend.capacity)
        self._handle(messages.CapacityChanged(slots=slots, workers=self._backend.capacity, at=time.monotonic()))
