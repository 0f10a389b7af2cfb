"""The worker process: how it is born, hears, speaks and dies. It imports what the first task needs, nothing else.

It shares nothing with others but a pipe to its parent and two bytes, its reins: whenever it is killed, nobody waits for it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, MutableSequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from pathlib import Path

Run = Callable[[str, Callable[[int], None], Callable[[], bool]], str]
"""``registry.run_json``, or another function that can be imported by its name."""

#: Between two reports of progress.
REPORT_SECONDS = 0.1

#: Messages in the pipe: to the worker the JSON of a task; back ``PROGRESS`` + number, and ``OUTCOME`` + JSON.
PROGRESS, OUTCOME = b"P", b"O"

#: Bytes of shared memory: what the parent orders; whether the worker rests, at a place where it has no lock but those that its
#: task ``holds``, none of those that everybody needs; whether it is up, and dies with its parent.
REINS = 3
ORDER, AT_REST, IS_UP = 0, 1, 2
GO, STOP, SLEEP = 0, 1, 2
#: New objects until Python looks for cycles among them.
_COLLECTED_OBJECTS = 50_000
#: While it rests and is not frozen by the parent.
_NAP_SECONDS = 0.05


def serve(run: Run, line: Connection, reins: MutableSequence[int], niceness: int = 0) -> None:
    """Do one task after the other, until the parent hangs up."""
    # Both often go to the whole process group. They are the parent's business, which has its workers tidy up and kills those
    # that do not.
    start_light()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with_parent()
    reins[IS_UP] = 1
    if niceness:
        _stand_apart(niceness)

    def report(done: int) -> None:
        line.send_bytes(PROGRESS + b"%d" % done)

    def is_stopped() -> bool:
        # Other threads are left alone: the main one waits for them, and may hold a lock meanwhile.
        if reins[ORDER] == SLEEP and threading.current_thread() is threading.main_thread():
            reins[AT_REST] = 1
            while reins[ORDER] == SLEEP:
                time.sleep(_NAP_SECONDS)
            reins[AT_REST] = 0
        return reins[ORDER] == STOP

    while text := _heard(line):
        say = throttled(report)

        def progress(done: int, say: Callable[[int], None] = say) -> None:
            say(done)
            is_stopped()

        line.send_bytes(OUTCOME + run(text.decode(), progress, is_stopped).encode())


def start_light() -> None:
    """Before numpy and numba are loaded, which then takes 0.75 instead of 0.86 s of the processor: OpenBLAS waits for work in a
    busy loop on every core, of which small matrices give it none; and Python looks for cycles among all that is loaded."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_COLLECTED_OBJECTS, 10, 10)


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


def _stand_apart(niceness: int) -> None:
    """Where the kernel weighs whole sessions against each other (sched(7), autogroup), niceness counts within one only."""
    if hasattr(os, "setsid"):
        with suppress(OSError):
            os.setsid()
            Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


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
