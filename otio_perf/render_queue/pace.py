"""Keeps the queue's posture in step with the machine and with what the user does."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from otio_perf.model.readings import Readings
from otio_perf.model.views import Activity
from otio_perf.planning import posture
from otio_perf.render_queue.live import LiveQueue, QueueEvent
from otio_perf.render_queue.reports import Clock

#: How often the machine is looked at while there is work. Not at all while there is none.
LOOK_SECONDS = 0.5


class Pace:
    """Use as a context manager, or ``start`` and ``close``.

    :param read: ``metrics.readings.Meter.read``, or readings of a test
    :param jobs: tasks at once on a machine that has nothing else to do
    :param background_priority: low, normal, high
    :param disk_reserve_bytes: that stay free where the workspace is
    """

    def __init__(
        self,
        queue: LiveQueue,
        read: Callable[[], Readings],
        *,
        jobs: int,
        background_priority: str = "normal",
        disk_reserve_bytes: int = 0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._queue, self._read, self._clock = queue, read, clock
        self._jobs, self._background_priority, self._disk_reserve_bytes = jobs, background_priority, disk_reserve_bytes
        self._activity, self._activity_ends, self._touched_at = Activity.IDLE, math.inf, -math.inf
        self._readings = read()
        self._changed = threading.Condition(threading.RLock())
        self._is_closing = False
        self._is_dormant = False
        self._thread = threading.Thread(target=self._keep, name="render-queue-pace", daemon=True)
        self._end_listening: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._end_listening = self._queue.subscribe(self._hear)
        self._take()
        self._thread.start()

    def close(self) -> None:
        self._end_listening()
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> Pace:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def readings(self) -> Readings:
        """Of the last look: at most half a second old while there is work."""
        return self._readings

    @property
    def activity(self) -> Activity:
        with self._changed:
            return self._activity_now()

    def set_activity(self, activity: Activity, seconds: float) -> None:
        """What the user does, for so long unless said again. The queue knows before this returns."""
        with self._changed:
            now = self._clock()
            self._activity, self._activity_ends = activity, now + seconds
            if activity is Activity.EDITING:
                self._touched_at = now
            self._take()
            self._changed.notify_all()

    def set_limits(self, *, jobs: int, background_priority: str, disk_reserve_bytes: int) -> None:
        """New settings."""
        with self._changed:
            self._jobs, self._background_priority, self._disk_reserve_bytes = jobs, background_priority, disk_reserve_bytes
            self._take()

    def _keep(self) -> None:
        while self._rest():
            readings = self._read()
            with self._changed:
                self._readings = readings
                self._take()

    def _rest(self) -> bool:
        """Until the next look is due. False: it is over."""
        with self._changed:
            if not self._is_closing:
                seconds = self._rest_seconds()
                self._is_dormant = seconds != LOOK_SECONDS
                self._changed.wait(seconds)
            return not self._is_closing

    def _rest_seconds(self) -> float | None:
        """``None``: until something happens."""
        if not self._queue.is_idle:
            return LOOK_SECONDS
        return None if self._activity_now() is Activity.IDLE else max(0.0, self._activity_ends - self._clock())

    def _hear(self, event: QueueEvent) -> None:
        """With new work the looking begins again."""
        del event
        if self._is_dormant and not self._queue.is_idle:
            with self._changed:
                self._changed.notify_all()

    def _activity_now(self) -> Activity:
        return self._activity if self._clock() < self._activity_ends else Activity.IDLE

    def _take(self) -> None:
        found = posture.posture(
            self._readings,
            self._activity_now(),
            jobs=self._jobs,
            background_priority=self._background_priority,
            quiet_seconds=self._clock() - self._touched_at,
            disk_reserve_bytes=self._disk_reserve_bytes,
        )
        if found != self._queue.posture:
            self._queue.set_posture(found)
