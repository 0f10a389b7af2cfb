"""The worker process: how it is born, hears, speaks and dies. It imports what the first task needs, nothing else.

Speaking needs no lock that a killed worker could keep: reports are small messages into one pipe, which the kernel writes whole
or not at all (POSIX: up to 512 bytes, ``PIPE_BUF``; Windows: message pipes). Hearing is a byte of shared memory per slot.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import connection, parent_process

Run = Callable[[str, Callable[[int], None], Callable[[], bool]], str]
"""``registry.run_json``, or another function that can be imported by its name."""

#: Between two reports of progress.
REPORT_SECONDS = 0.1


class _Lines:
    """The way to the parent, set up by ``begin``."""

    reports: connection.Connection
    cancelled: bytearray  # in fact shared memory; indexing is all that is needed


def begin(reports: connection.Connection, cancelled: bytearray) -> None:
    """Initialise this process. Ctrl-C is the parent's business; SIGTERM ends it at once, also inside a library."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Lines.reports, _Lines.cancelled = reports, cancelled
    _die_with_parent()


def work(run: Run, token: int, slot: int, text: str) -> str:
    """Do one task: JSON in, JSON out."""

    def report(done: int) -> None:
        _Lines.reports.send_bytes(b"%d %d" % (token, done))

    return run(text, throttled(report), lambda: _Lines.cancelled[slot] != 0)


def throttled(report: Callable[[int], None], clock: Callable[[], float] = time.monotonic) -> Callable[[int], None]:
    """``report``, called at most every ``REPORT_SECONDS``; the last call may be left out."""
    due = -1.0

    def pass_on(done: int) -> None:
        nonlocal due
        now = clock()
        if now >= due:
            due = now + REPORT_SECONDS
            report(done)

    return pass_on


def _die_with_parent() -> None:
    """Leave no orphan, also when the parent is killed: the kernel's promise on Linux, a watching thread everywhere."""
    parent = parent_process()
    if parent is None or parent.pid is None:
        return
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    sentinel = parent.sentinel

    def watch() -> None:
        connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
