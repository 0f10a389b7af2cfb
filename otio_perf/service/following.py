"""One timeline that is followed: each save is surveyed and planned at once, the queue is told what differs, the result written.

A thread of its own waits for saves and outcomes; between them it costs nothing. The queue knows tasks by their keys, so that
what a save leaves as it was goes on, what became obsolete is cancelled, and what was undone is there already.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import CacheError, OtioPerfError, TaskCancelledError, UnwritableTimelineError, printable
from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.plans import Plan
from otio_perf.model.uses import Target
from otio_perf.model.views import FollowedTimeline, RangeView, TimelineView
from otio_perf.optimizer import writing
from otio_perf.optimizer.frame_memory import FrameMemory
from otio_perf.optimizer.rounds import Aim, Round
from otio_perf.optimizer.session import Session
from otio_perf.render_queue.priority import Place
from otio_perf.service.core import Core, identity
from otio_perf.service.drawing import Drawing

#: What could not be written (a full disk, a folder that is gone) is tried again so often.
_AGAIN_SECONDS = 20.0
_CANCELLED = TaskCancelledError.__name__


class Following:
    """``saved``, ``gone``, ``ended`` … may be called from any thread; none of them waits.

    :param aim: what the timeline is to have.
    """

    def __init__(self, core: Core, path: Path, aim: Aim) -> None:
        self.core, self.path, self.id = core, path, identity(path)
        self.output = path.with_name(writing.optimized_name(path))
        self.job = f"timeline:{self.id}"
        self._aim = aim
        self._mutex = threading.Condition()
        self._due = self._closing = False
        self._stop = threading.Event()  # of the planning under way
        self._ended: deque[Outcome] = deque()
        self._round: Round | None = None
        self._drawing: Drawing | None = None
        self._session: Session | None = None
        self._memory = FrameMemory()
        self._given_up: dict[str, Failed] = {}
        self._running: dict[str, int] = {}  # frames done, by key of tasks that run
        self._again_at: float | None = None  # when what could not be done is tried again
        self._is_planning = False  # what could not be done was that
        self._written: tuple[object, ...] | None = None  # what the file holds
        self._playhead: int | None = None
        self.pins = aim.pins
        self._view = FollowedTimeline(
            id=self.id,
            path=str(path),
            name=path.name,
            frame_rate="",
            frames=0,
            playhead=None,
            state="waiting",
            message="",
            smooth_share=0.0,
            saved_at=0.0,
            written=None,
            job=None,
        )
        self._thread = threading.Thread(target=self._work, name=f"following {path.name}", daemon=True)

    def start(self) -> None:
        self._focus()
        self._thread.start()

    def close(self) -> None:
        """Let go. Tasks stay with the queue."""
        with self._mutex:
            self._closing = True
            self._stop.set()
            self._mutex.notify()
        if self._thread.is_alive():
            self._thread.join()

    # -- what happens --------------------------------------------------------------------------------------------------

    def saved(self, saved_at: float) -> None:
        """There is new content; of an unfinished survey of the old one nothing is kept."""
        with self._mutex:
            self._view = replace(self._view, saved_at=saved_at)
        self.replan()

    def replan(self) -> None:
        """As after a save: what settings, pins or quality ask for has changed."""
        with self._mutex:
            self._due = True
            self._stop.set()
            self._mutex.notify()

    def gone(self) -> None:
        """Its file is not there; what it wanted is kept for when it is back."""
        self._show(state="gone", message="its file is not there")

    def ended(self, outcome: Outcome) -> None:
        """A task of its job has come to its end."""
        with self._mutex:
            self._ended.append(outcome)
            self._running.pop(outcome.key, None)
            self._mutex.notify()

    def runs(self, key: str, done: int) -> None:
        """A task of its job is running, and so far."""
        with self._mutex:
            self._running[key] = done

    def look(self, frame: int) -> None:
        self._playhead = frame
        self._show(playhead=frame)
        self._focus()

    def pin(self, start: int, stop: int) -> None:
        self.pins = tuple(sorted({*self.pins, (start, stop)}))
        self._pinned()

    def unpin(self, start: int, stop: int) -> None:
        """Pins lose these frames."""
        kept = [(a, min(b, start)) for a, b in self.pins] + [(max(a, stop), b) for a, b in self.pins]
        self.pins = tuple(sorted({(a, b) for a, b in kept if a < b and not (start <= a and b <= stop)}))
        self._pinned()

    def aim(self, change: Callable[[Aim], Aim]) -> None:
        """:raises SettingsError: words that are none of the choices"""
        aim = change(self._aim)
        if aim != self._aim:
            self._aim = aim
            self.replan()

    def try_again(self) -> None:
        """Also what failed before."""
        self._given_up.clear()
        self.replan()

    def _pinned(self) -> None:
        self._focus()
        self.aim(lambda aim: replace(aim, pins=self.pins))

    def _focus(self) -> None:
        self.core.queue.focus(self.id, self._playhead, self.pins)

    # -- what others ask -----------------------------------------------------------------------------------------------

    @property
    def targets(self) -> Sequence[Target]:
        return () if self._round is None else self._round.surveyed.targets

    @property
    def findings(self) -> Mapping[str, MediaFinding]:
        return {} if self._round is None else self._round.findings

    @property
    def plan(self) -> Plan | None:
        return None if self._round is None else self._round.plan

    @property
    def analysis(self) -> Analysis | None:
        return None if self._round is None else self._round.analysis

    def view(self) -> FollowedTimeline:
        return self._view

    def timeline_view(self) -> TimelineView:
        with self._mutex:
            drawing, running = self._drawing, dict(self._running)
        pins = tuple(RangeView(start=start, stop=stop) for start, stop in self.pins)
        if drawing is None:
            return TimelineView(timeline=self._view, tracks=(), spans=(), pins=pins, suggestions=())
        return TimelineView(
            timeline=self._view,
            tracks=drawing.tracks,
            spans=drawing.spans(running),
            pins=pins,
            suggestions=drawing.suggestions,
        )

    # -- its thread ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._has_work():
            try:
                if self._due:
                    self._plan()
                self._settle()
            except TaskCancelledError:
                continue  # saved again, or closing
            except OtioPerfError as e:
                self._failed(str(e), may_pass=isinstance(e, (CacheError, UnwritableTimelineError)))
            except Exception as e:  # noqa: BLE001 - one timeline that nobody foresaw does not end the service
                self._failed(f"unforeseen {type(e).__name__}: {printable(e)}", may_pass=False)
        if self._session is not None:
            self._session.__exit__()

    def _has_work(self) -> bool:
        """Wait for something to do; false: it is over."""
        with self._mutex:
            while not (self._closing or self._due or self._ended):
                left = None if self._again_at is None else self._again_at - time.monotonic()
                if left is not None and left <= 0:
                    self._again_at, self._due = None, self._is_planning
                    break
                self._mutex.wait(left)
            return not self._closing

    def _plan(self) -> None:
        self._take_ended()  # what is there by now is not planned again
        with self._mutex:
            self._due = False
            self._stop = stop = threading.Event()
            if self._closing:
                return
        self._is_planning = True
        if self._session is not None:
            self._session.__exit__()
        self._session = self.core.session(stop=stop)
        found = Round(self._session, self.path, self.output, self._aim, self._given_up, self._memory)
        places = {
            key: tuple(Place(timeline=self.id, start=start, stop=end) for start, end in where)
            for key, where in found.places().items()
        }
        with self._mutex:
            self._round, self._drawing, self._running = found, Drawing(found), {}
            self._again_at, self._is_planning = None, False
        difference = self.core.queue.replace(
            self.job, tuple(found.tasks.values()), places=places, label=self.path.name, kind="timeline"
        )
        survey = found.surveyed.survey
        self._show(
            frame_rate=str(survey.frame_rate),
            frames=len(survey.duration),
            state="working",
            message="",
            job=self.job if found.tasks else None,
        )
        self.core.tell(
            "edit",
            {
                "timeline": self.id,
                "new": list(difference.new),
                "kept": list(difference.kept),
                "cancelled": list(difference.cancelled),
            },
        )

    def _take_ended(self) -> None:
        with self._mutex:
            ended = tuple(self._ended)
            self._ended.clear()
        for outcome in ended:
            if isinstance(outcome, Failed):
                if outcome.error != _CANCELLED:
                    self._given_up[outcome.key] = outcome
                elif outcome.key in self.core.queue.wanted(self.job):
                    continue  # it was obsolete for a moment, and is wanted again
            if self._round is not None:
                self._round.record(outcome)

    def _settle(self) -> None:
        """Count what has ended; once all has, write."""
        self._take_ended()
        if self._round is None or self._due or self._is_planning or self._closing:
            return  # what is planned is not what was saved last
        if self._round.left:
            self._show()
            return
        self._write(self._round)

    def _write(self, done: Round) -> None:
        if not done.is_current():
            return  # the watch will say so
        if not (self._written == done.signature and self.output.exists()):
            done.write()
            self._written = done.signature
        failures = done.failures()
        told = "; ".join(f"{name}: {reason}" for name, reason in list(failures.items())[:3])
        more = len(failures) - 3
        self._show(
            state="ready",
            message=told + (f"; and {more} more" if more > 0 else ""),
            written=str(self.output),
            job=None,
        )

    def _failed(self, message: str, *, may_pass: bool) -> None:
        """``may_pass``: it is tried again by itself; else the next save may be better."""
        self._again_at = time.monotonic() + _AGAIN_SECONDS if may_pass else None
        self._show(state="failed", message=message)

    def _show(self, **changes: object) -> None:
        with self._mutex:
            drawing, running = self._drawing, dict(self._running)
        smooth = 0.0 if drawing is None else drawing.smooth_share(running)
        with self._mutex:
            before = self._view
            self._view = replace(before, smooth_share=smooth, **changes)  # type: ignore[arg-type]
            has_changed = self._view != before
        if has_changed:
            self.core.tell("timeline", self._view)
