"""Hands outcomes over: on a thread beside the queue's own, so that a slow disk does not hold up the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from otio_perf.errors import OtioPerfError

#: Between two tries to put an outcome on record.
RETRY_SECONDS = 2.0


class Recorder:
    """Puts one outcome after the other on record. What cannot be recorded now is tried until it can; what breaks on a mistake
    of ours would break again, and is passed over, with a word.

    :param failing: called when that begins, with the reason, and with "" when it is over
    """

    def __init__(self, failing: Callable[[str], None]) -> None:
        self._failing = failing
        self._work: SimpleQueue[tuple[Callable[[], None], Callable[[], None]] | None] = SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="render-queue-recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def record(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Have ``work`` done by another thread, and ``then`` what comes after it; neither, where it cannot be until the end."""
        self._work.put((work, then))

    def close(self) -> None:
        """When all that can be recorded at once is."""
        self._closing.set()
        self._work.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (given := self._work.get()) is not None:
            work, then = given
            if self._done(work):
                then()

    def _done(self, work: Callable[[], None]) -> bool:
        is_failing = False
        while True:
            try:
                work()
            except (OtioPerfError, OSError) as e:
                if not is_failing:
                    self._failing(str(e))
                is_failing = True
                if self._closing.wait(RETRY_SECONDS):
                    return False
            except Exception as e:  # noqa: BLE001 (the others want to be recorded)
                self._failing(f"an outcome is not on record, unforeseen {type(e).__name__}: {e}")
                self._failing("")
                return True
            else:
                if is_failing:
                    self._failing("")
                return True
