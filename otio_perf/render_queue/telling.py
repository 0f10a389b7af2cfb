"""Tells what happens: on a thread beside the queue's own, so that a slow listener does not hold up the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Teller(Generic[T]):
    """Tells every listener of everything, in order."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], None]] = []
        self._events: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="render-queue-teller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """When all has been told."""
        self._events.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def subscribe(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Tell ``listener`` from now on. :returns: what ends it"""
        self._listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def tell(self, event: T) -> None:
        """From any thread; does not wait."""
        self._events.put(lambda: self._spread(event))

    def _spread(self, event: T) -> None:
        for listener in tuple(self._listeners):
            with suppress(Exception):  # its own business
                listener(event)

    def _run(self) -> None:
        while (work := self._events.get()) is not None:
            work()
