"""How much the background works, from moment to moment: what the user does, how the machine is, what the settings say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from otio_perf.errors import SettingsError
from otio_perf.model.views import Activity
from otio_perf.planning.posture import QUIET_SECONDS, Posture

#: So often the machine is looked at while there is work.
#: Work is to yield within a second, and a worker may take 0.3 s of it to come to rest.
_LOOK_SECONDS = 0.5


class Attention:
    """``edited`` and ``set_activity`` take effect at once; nothing is looked at while there is nothing to do.

    A save of a timeline is a touch like any other: the user edits, and the next save may make obsolete what this one brought.

    :param judged: the posture for what the user does, and seconds since the last touch.
    :param take: is given each posture. :param has_work: is there anything to be done?
    :param guarded: lets a look go wrong without ending them all
    """

    def __init__(
        self,
        judged: Callable[[Activity, float], Posture],
        take: Callable[[Posture], None],
        has_work: Callable[[], bool],
        *,
        guarded: Callable[[], AbstractContextManager[None]] = nullcontext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._judged, self._take, self._has_work = judged, take, has_work
        self._guarded, self._clock = guarded, clock
        self._changed = threading.Condition()
        self._activity, self._until = Activity.IDLE, 0.0
        self._edited_at = float("-inf")
        self._is_woken = self._is_closing = False
        self._thread = threading.Thread(target=self._attend, name="attention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def activity(self) -> Activity:
        if self._clock() < self._until and self._activity is not Activity.IDLE:
            return self._activity
        return Activity.EDITING if self._clock() - self._edited_at < QUIET_SECONDS else Activity.IDLE

    def set_activity(self, word: str, seconds: float) -> None:
        """:raises SettingsError: there is no such activity, or that is no time"""
        try:
            activity = Activity(word)
        except ValueError:
            raise SettingsError(f"activity: {word!r} is not one of {', '.join(Activity)}") from None
        if not 0 < seconds <= 86_400:
            raise SettingsError(f"seconds: {seconds!r} is not between 0 and a day")
        with self._changed:
            self._activity, self._until = activity, self._clock() + seconds
            if activity is Activity.EDITING:
                self._edited_at = self._clock()
        self._take(self._now())
        self.wake()

    def edited(self) -> None:
        """A timeline was saved."""
        with self._changed:
            self._edited_at = self._clock()
        self._take(self._now())  # before what it brings is submitted
        self.wake()

    def wake(self) -> None:
        """There is work, or something else to judge anew."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()

    def _now(self) -> Posture:
        return self._judged(self.activity, self._clock() - self._edited_at)

    def _attend(self) -> None:
        while True:
            with self._guarded():
                self._take(self._now())
            quiet_left = QUIET_SECONDS - (self._clock() - self._edited_at)
            with self._changed:
                if not self._is_woken and not self._is_closing:
                    looks = self._has_work() or self._clock() < self._until
                    wait = _LOOK_SECONDS if looks else None
                    self._changed.wait(min(quiet_left, _LOOK_SECONDS) if quiet_left > 0 else wait)
                if self._is_closing:
                    return
                self._is_woken = False
