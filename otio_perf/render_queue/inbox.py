"""What other threads want the queue's thread to do: nobody but it touches the queue's state."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from otio_perf.errors import TaskCancelledError

T = TypeVar("T")


class Inbox:
    """Works in the order in which they came. :param wake: called when there is one: has the queue's thread look here"""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._works: deque[Callable[[], None]] = deque()
        self._wake = wake
        self._gate = threading.Lock()  # nothing comes in once it is closed
        self.is_closed = False

    def __len__(self) -> int:
        return len(self._works)

    def take(self) -> Callable[[], None]:
        """The next one. :raises IndexError: there is none"""
        return self._works.popleft()

    def close(self) -> bool:
        """Take nothing more from others. False: it was closed before."""
        with self._gate:
            was_open, self.is_closed = not self.is_closed, True
            return was_open

    def put(self, work: Callable[[], None]) -> None:
        """Work that is the queue's own: also after it was closed, when it may be done or not."""
        self._works.append(work)
        self._wake()

    def ask(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, or raises, done by the queue's thread. :raises TaskCancelledError: it is closed"""
        future: Future[T] = Future()

        def answer() -> None:
            try:
                future.set_result(work())
            except BaseException as e:  # noqa: BLE001 (it is raised where it was asked for)
                future.set_exception(e)

        with self._gate:
            if self.is_closed:
                raise TaskCancelledError("the queue is closed")
            self._works.append(answer)
        self._wake()
        return future.result()
