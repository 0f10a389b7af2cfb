"""Readings of the machine: processors, memory, disks, load."""

from __future__ import annotations

import math
import os
import platform
import shutil
from pathlib import Path

import psutil

from otio_perf.metrics import control_group


def machine_identity(ffmpeg_version: str) -> str:
    """What a machine profile is valid for: processor model, logical cores and FFmpeg's version, on one line."""
    return f"{processor_model()}, {cores()} cores, FFmpeg {ffmpeg_version}"


def processor_model() -> str:
    """The processor's name as the system gives it; the architecture where it gives none."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def cores() -> int:
    """Logical cores this process may use: affinity and the container's quota respected. At least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (psutil.cpu_count() or 1)
    quota = control_group.processor_cores()
    return max(1, min(allowed, math.ceil(quota))) if quota else max(1, allowed)


def memory_bytes() -> int:
    """Physical memory; a container's limit where that is smaller."""
    total = int(psutil.virtual_memory().total)
    return min(total, control_group.memory_bytes() or total)


def available_memory_bytes() -> int:
    """Memory that can be had without swapping."""
    return min(int(psutil.virtual_memory().available), memory_bytes())


def free_disk_bytes(path: str | Path) -> int:
    """Free space for an ordinary user where ``path`` is, or would be: its nearest existing parent is asked.

    :raises OSError: not even the root can be asked.
    """
    folder = Path(path).absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def load() -> float:
    """Share of this machine's processors that was busy over the last minute or so; above 1: work is waiting."""
    return psutil.getloadavg()[0] / (psutil.cpu_count() or 1)


def busy_seconds() -> float:
    """Processor seconds that all programs together have used since the machine started (10 ms steps on Linux)."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
