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
from otio_perf.model.views import FollowedTimeline, OutcomeView, RangeView, TimelineView
from otio_perf.optimizer import writing
from otio_perf.optimizer.plan_memory import PlanMemory
from otio_perf.optimizer.rounds import Round
from otio_perf.optimizer.session import Session
from otio_perf.render_queue.priority import Place
from otio_perf.service.core import Core
from otio_perf.service.drawing import Drawing
from otio_perf.service.identity import identity
from otio_perf.service.made import Made
from otio_perf.service.memory import Asked, Pins, Wishes

#: What could not be written (a full disk, a folder that is gone) is tried again after so long, then after twice that …
_AGAIN_SECONDS, _MOST_SECONDS = 20.0, 640.0
#: How soon it is noticed that the queue may work again.
_LOOK_SECONDS = 0.5
_CANCELLED = TaskCancelledError.__name__


class Following:
    """``saved``, ``gone``, ``ended`` … may be called from any thread; none of them waits.

    :param is_written: the result is written beside it; else all is made ready for who writes it
    :raises SettingsError: words that are none of the choices
    """

    def __init__(self, core: Core, path: Path, wishes: Wishes, *, is_written: bool = True) -> None:
        wishes.aim(core.settings)
        self.is_written = is_written
        self.core, self.path, self.id = core, path, identity(path)
        self.output = path.with_name(writing.optimized_name(path))
        self.job = f"timeline:{self.id}"
        self.wishes = wishes  # replaced as a whole
        self._mutex = threading.Condition()
        self._due = self._closing = False
        self._stop = threading.Event()  # of the planning under way
        self._ended: deque[Outcome] = deque()
        self._round: Round | None = None
        self._drawing: Drawing | None = None
        self._session: Session | None = None
        self._memory = PlanMemory()
        self._given_up: dict[str, Failed] = {}
        self._running: dict[str, int] = {}  # frames done, by key of tasks that run
        self._again_at: float | None = None  # when what could not be done is tried again
        self._again_seconds = _AGAIN_SECONDS
        self._is_planning = False  # or could not plan
        self._is_settled = False  # all that was asked for is done, and written
        self._made = Made()
        self._written: tuple[object, ...] | None = None  # what the file holds
        self._has_lost = False  # some of it, maybe
        self._playhead: int | None = None
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
            self._due, self._is_settled = True, False
            self._again_seconds = _AGAIN_SECONDS
            self._stop.set()
            self._mutex.notify()

    def write_too(self) -> None:
        """From now on the result is written, also that of what is done already."""
        with self._mutex:
            if not self.is_written:
                self.is_written = True
                self.replan()

    def lost(self) -> None:
        """Products were deleted, maybe some of its own: what it needs is made anew, and it is written anew."""
        with self._mutex:
            self._has_lost = True
        self.replan()

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
        with self._mutex:
            self._playhead = frame
            self._focus()
        self._show(playhead=frame)

    def pin(self, start: int, stop: int) -> None:
        self._pin(lambda pins: (*pins, (start, stop)))

    def unpin(self, start: int, stop: int) -> None:
        """Pins lose these frames."""

        def without(pins: Pins) -> Pins:
            kept = [(a, min(b, start)) for a, b in pins] + [(max(a, stop), b) for a, b in pins]
            return tuple((a, b) for a, b in kept if a < b and not (start <= a and b <= stop))

        self._pin(without)

    def optimize(self, asked: Asked) -> None:
        """From now on work as asked; what failed before is tried again. :raises SettingsError: a word is none of the choices"""
        with self._mutex:
            wishes = replace(self.wishes, asked=asked)
            wishes.aim(self.core.settings)
            self.wishes = wishes
            self._given_up = {}
            self._made = Made()
            self.replan()

    def go_by_settings(self) -> None:
        """What the settings say counts again, over what ``optimize`` was told before."""
        with self._mutex:
            self.wishes = replace(self.wishes, asked=None)
            self.replan()

    def _pin(self, change: Callable[[Pins], Pins]) -> None:
        with self._mutex:
            pins = tuple(sorted(set(change(self.wishes.pins))))
            if pins != self.wishes.pins:
                self.wishes = replace(self.wishes, pins=pins)
                self._focus()
                self.replan()

    def _focus(self) -> None:
        self.core.queue.focus(self.id, self._playhead, self.wishes.pins)

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
        pins = tuple(RangeView(start=start, stop=stop) for start, stop in self.wishes.pins)
        if drawing is None:
            return TimelineView(timeline=self._view, tracks=(), spans=(), pins=pins, suggestions=())
        return TimelineView(
            timeline=self._view,
            tracks=drawing.tracks,
            spans=drawing.spans(running),
            pins=pins,
            suggestions=drawing.suggestions,
        )

    def outcome(self) -> OutcomeView:
        """What came of what was asked for."""
        with self._mutex:
            return self._made.view(
                self._view, self._round, self.wishes.aim(self.core.settings), self.job, is_done=self._is_settled
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
                    self._again_at, self._due, self._is_settled = None, True, False
                    break
                self._mutex.wait(left)
            return not self._closing

    def _plan(self) -> None:
        self._take_ended()  # what is there by now is not planned again
        with self._mutex:
            self._due, self._is_planning = False, True
            self._stop = stop = threading.Event()
            given_up, aim = dict(self._given_up), self.wishes.aim(self.core.settings)
            if self._has_lost:
                self._written, self._has_lost = None, False
            if self._closing:
                return
        if self._session is not None:
            self._session.__exit__()
        self._session = self.core.session(stop=stop)
        found = Round(self._session, self.path, self.output, aim, given_up, self._memory)
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
                    with self._mutex:
                        self._given_up[outcome.key] = outcome
                elif outcome.key in self.core.queue.wanted(self.job):
                    continue  # it was obsolete for a moment, and is wanted again
            if self._round is not None:
                self._round.record(outcome)
                with self._mutex:
                    self._made.record(self._round, outcome)

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
        if self.is_written and not (self._written == done.signature and self.output.exists()):
            if done.joins:
                self._wait_for_quiet()
            done.write()
            self._written = None if done.unjoined else done.signature
        failures = done.failures()
        told = "; ".join(f"{name}: {reason}" for name, reason in list(failures.items())[:3])
        more = len(failures) - 3
        self._show(
            state="ready",
            message=told + (f"; and {more} more" if more > 0 else ""),
            written=str(self.output) if self.is_written else None,
            job=None,
        )
        if self.is_written and done.unjoined:
            self._try_again_later()
        self._settled(failures)

    def _wait_for_quiet(self) -> None:
        """Until the queue may work. :raises TaskCancelledError: it is saved again, or let go of"""
        while (posture := self.core.queue.posture).suspended:
            self._show(state="waiting", message=posture.reason)
            if self._stop.wait(_LOOK_SECONDS):
                raise TaskCancelledError("stopped")

    def _settled(self, failures: Mapping[str, str]) -> None:
        with self._mutex:
            self._made.failures = dict(failures)
            self._is_settled = not self._due

    def _try_again_later(self) -> None:
        with self._mutex:
            self._again_at = time.monotonic() + self._again_seconds
            self._again_seconds = min(2 * self._again_seconds, _MOST_SECONDS)

    def _failed(self, message: str, *, may_pass: bool) -> None:
        """``may_pass``: it is tried again by itself; else the next save may be better."""
        self._again_at = None
        if may_pass:
            self._try_again_later()
        self._show(state="failed", message=message)
        self._settled({self.path.name: message})

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
