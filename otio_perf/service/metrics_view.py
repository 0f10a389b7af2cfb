"""Readings of the machine and of the work on it: of this moment, and of the last hour.

Once a second while somebody looks or something works; else nothing is read at all, and the hour has a gap there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from otio_perf.model.views import MetricsView

_KEPT_SECONDS = 3600
_EVERY_SECONDS = 1.0
#: Who has looked is expected to look again for so long.
_LOOKING_SECONDS = 15.0
#: Readings of that age are as good as new ones: load is a mean over some time in any case.
_FRESH_SECONDS = 0.5


class Readings:
    """:param read: takes a reading, a few milliseconds; :param works: is anything running? :param tell: hears each new one
    :param guarded: lets a reading go wrong without ending them all
    """

    def __init__(
        self,
        read: Callable[[], MetricsView],
        works: Callable[[], bool],
        tell: Callable[[MetricsView], object],
        *,
        guarded: Callable[[], AbstractContextManager[None]] = nullcontext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._works, self._tell, self._guarded, self._clock = read, works, tell, guarded, clock
        self._lock = threading.Lock()  # of what follows
        self._turn = threading.Lock()  # one reading at a time: the load is that since the last
        self._kept: deque[MetricsView] = deque(maxlen=int(_KEPT_SECONDS / _EVERY_SECONDS))
        self._read_at = -1e9
        self._looked_at = -1e9
        self._woken = threading.Event()
        self._is_closed = False
        self._thread = threading.Thread(target=self._keep, name="readings", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._is_closed = True
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wake(self) -> None:
        """Something begins to work. From any thread, as often as one likes."""
        self._woken.set()

    def now(self) -> MetricsView:
        """A reading that is not older than half a second."""
        self._looked_at = self._clock()
        self._woken.set()
        return self._fresh()

    def hour(self) -> tuple[MetricsView, ...]:
        """Oldest first."""
        self._looked_at = self._clock()
        self._woken.set()
        with self._lock:
            return tuple(self._kept)

    def _fresh(self) -> MetricsView:
        with self._turn:
            with self._lock:
                if self._kept and self._clock() - self._read_at < _FRESH_SECONDS:
                    return self._kept[-1]
            view = self._read()
            with self._lock:
                self._kept.append(view)
                self._read_at = self._clock()
        self._tell(view)
        return view

    def _keep(self) -> None:
        while not self._is_closed:
            if self._clock() - self._looked_at < _LOOKING_SECONDS or self._works():
                with self._guarded():
                    self._fresh()
                self._pause()
            else:
                self._woken.wait()
                self._woken.clear()

    def _pause(self) -> None:
        """A second, unless it closes."""
        end = self._clock() + _EVERY_SECONDS
        while not self._is_closed and (left := end - self._clock()) > 0:
            self._woken.wait(left)
            self._woken.clear()
