"""What happened in a service, numbered: who lost the line asks for what came after the number that it saw last."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from otio_perf.model import wire
from otio_perf.model.views import ServiceEvent

ServiceListener = Callable[[ServiceEvent], None]

#: So many are kept for who comes back; who comes later asks for everything anew.
KEPT = 2000


class Happenings:
    """The last ``KEPT`` events, and who listens. From any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: deque[ServiceEvent] = deque(maxlen=KEPT)
        self._number = 0
        self._listeners: list[ServiceListener] = []

    def tell(self, kind: str, body: Any = None) -> ServiceEvent:
        """``body``: a value of ``model.views``, a mapping, or nothing. Listeners must not block, and must not raise."""
        shown = {} if body is None else dict(body) if isinstance(body, dict) else wire.to_json(body)
        with self._lock:
            self._number += 1
            event = ServiceEvent(number=self._number, at=self._clock(), kind=kind, body=shown)
            self._kept.append(event)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(event)
        return event

    def after(self, number: int | None) -> tuple[ServiceEvent, ...]:
        """What came after ``number``; ``None``: all that is kept. Where some of it is gone, a ``missed`` comes first."""
        with self._lock:
            kept = tuple(self._kept)
            newest = self._number
        if number is None:
            return kept
        oldest = kept[0].number if kept else newest + 1
        found = tuple(event for event in kept if event.number > number)
        if number + 1 < oldest or number > newest:  # dropped; or numbered by a service before this one
            missed = ServiceEvent(number=newest if number > newest else oldest - 1, at=self._clock(), kind="missed", body={})
            return (missed, *(kept if number > newest else found))
        return found

    def subscribe(self, listener: ServiceListener) -> Callable[[], None]:
        """Call ``listener`` with every event from now on. :returns: what ends it"""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end
