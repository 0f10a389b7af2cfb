"""The worker process: how it is born, hears, speaks and dies. It imports what the first task needs, nothing else.

It shares nothing with others but a pipe to its parent and a byte that says "stop": whenever it is killed, nobody waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process

Run = Callable[[str, Callable[[int], None], Callable[[], bool]], str]
"""``registry.run_json``, or another function that can be imported by its name."""

#: Between two reports of progress.
REPORT_SECONDS = 0.1

#: Messages in the pipe: to the worker the JSON of a task; back ``PROGRESS`` + number, and ``OUTCOME`` + JSON.
PROGRESS, OUTCOME = b"P", b"O"


def serve(run: Run, line: Connection, cancelled: bytearray) -> None:
    """Do one task after the other, until the parent hangs up. ``cancelled``: shared memory; not 0 means stop."""
    # Both often go to the whole process group. They are the parent's business, which has its workers tidy up and kills those
    # that do not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with_parent()

    def report(done: int) -> None:
        line.send_bytes(PROGRESS + b"%d" % done)

    while text := _heard(line):
        line.send_bytes(OUTCOME + run(text.decode(), throttled(report), lambda: cancelled[0] != 0).encode())


def _heard(line: Connection) -> bytes:
    """The next message; empty at the end."""
    try:
        return line.recv_bytes()
    except (EOFError, ConnectionError):
        return b""


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
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
