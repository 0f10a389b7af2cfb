"""Other processes of ours: how much of the machine they may take, and putting them to sleep."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

#: Children of each thread, where the kernel lists them (proc(5), ``CONFIG_PROC_CHILDREN``).
_LISTS_CHILDREN = Path("/proc/thread-self/children").exists()
#: From this niceness on, disks are left to others as well.
_IDLE_DISK_NICENESS = 15


def descendants(pid: int) -> list[psutil.Process]:
    """What process ``pid``, or one of them, has started and lives now."""
    if not _LISTS_CHILDREN:  # then all processes of the machine are looked at
        try:
            return psutil.Process(pid).children(recursive=True)
        except psutil.Error:
            return []
    found, left = [], _children(pid)
    while left:
        with suppress(psutil.Error):
            found.append(psutil.Process(child := left.pop()))
            left += _children(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):  # it has just ended
                found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def set_niceness(pid: int, niceness: int) -> bool:
    """Let process ``pid`` give way: 0 as any program, 19 as little as can be; POSIX scale, translated for Windows.

    Disks: with any niceness the lowest of the ordinary priorities; from 15 on only what nobody else wants.

    :returns: whether it is so now. Without privileges a process cannot become less nice again, only a new one can.
    """
    try:
        process = psutil.Process(pid)
        if sys.platform == "win32":
            if niceness >= _IDLE_DISK_NICENESS:
                process.nice(psutil.IDLE_PRIORITY_CLASS)
                process.ionice(psutil.IOPRIO_VERYLOW)
            else:
                process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if niceness else psutil.NORMAL_PRIORITY_CLASS)
                process.ionice(psutil.IOPRIO_LOW if niceness else psutil.IOPRIO_NORMAL)
            return True
        if sys.platform == "linux":  # there, niceness is a thread's own, and its children's
            for thread in process.threads():
                os.setpriority(os.PRIO_PROCESS, thread.id, niceness)
            if niceness >= _IDLE_DISK_NICENESS:
                process.ionice(psutil.IOPRIO_CLASS_IDLE)
            elif niceness:
                process.ionice(psutil.IOPRIO_CLASS_BE, 7)
            with suppress(OSError):  # only weighs sessions against each other where the kernel groups by them (sched(7))
                if os.getsid(pid) == pid:  # else it would be the group of whoever started us
                    Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")
        else:
            os.setpriority(os.PRIO_PROCESS, pid, niceness)
    except (psutil.Error, OSError):
        return False
    return True


def suspend(pid: int) -> bool:
    """Stop process ``pid`` where it is. :returns: whether that could be done"""
    try:
        psutil.Process(pid).suspend()
    except (psutil.Error, OSError):
        return False
    return True


def is_suspended(pid: int) -> bool:
    """Whether somebody has stopped it. False where that cannot be told."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except (psutil.Error, OSError):
        return False


def resume(pid: int) -> bool:
    """Let it go on. :returns: whether that could be done"""
    try:
        psutil.Process(pid).resume()
    except (psutil.Error, OSError):
        return False
    return True
