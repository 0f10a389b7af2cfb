"""Readings of the machine over time: who keeps its processors busy, memory, disk, battery."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from otio_perf.metrics import processes, system
from otio_perf.model.readings import Readings

#: The work of other programs counts at its peak of so many seconds: they are made room for at once, and are not crowded
#: again at each pause that they make.
PEAK_SECONDS = 5.0
#: Processor times come in steps of 10 ms: shorter spans say nothing.
_SHORTEST_SECONDS = 0.1


class Meter:
    """One who reads, from time to time: what is per second is measured from one reading to the next. From any thread.

    :param folder: whose disk is looked at
    :param children: processes that count as ours, as this one does; default: all that this one, or one of them, has started
    """

    def __init__(
        self,
        folder: Path,
        *,
        children: Callable[[], Iterable[psutil.Process]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._clock = folder, clock
        self._process = psutil.Process()
        self._children = children or partial(processes.descendants, self._process.pid)
        self._lock = threading.Lock()
        self._peaks: deque[tuple[float, float]] = deque()  # when, cores of other programs
        self._own_cores = 0.0
        self._at = clock()
        self._busy_seconds, self._own_seconds, _ = self._spent()

    def read(self) -> Readings:
        """Takes a millisecond or two."""
        with self._lock:
            return self._read()

    def _read(self) -> Readings:
        now = self._clock()
        busy_seconds, own_seconds, own_memory_bytes = self._spent()
        if (passed := now - self._at) >= _SHORTEST_SECONDS:
            self._own_cores = max(0.0, own_seconds - self._own_seconds) / passed
            others = max(0.0, (busy_seconds - self._busy_seconds) / passed - self._own_cores)
            self._peaks.append((now, others))
            self._at, self._busy_seconds, self._own_seconds = now, busy_seconds, own_seconds
        while len(self._peaks) > 1 and self._peaks[0][0] < now - PEAK_SECONDS:
            self._peaks.popleft()
        battery_percent, is_on_battery = _battery()
        return Readings(
            cores=system.cores(),
            own_cores=self._own_cores,
            other_cores=max((cores for _, cores in self._peaks), default=0.0),
            memory_bytes=system.memory_bytes(),
            available_memory_bytes=system.available_memory_bytes(),
            own_memory_bytes=own_memory_bytes,
            free_disk_bytes=_free_disk_bytes(self._folder),
            battery_percent=battery_percent,
            is_on_battery=is_on_battery,
        )

    def _spent(self) -> tuple[float, float, int]:
        """Processor seconds of all programs, and of ours, so far; bytes of memory that ours hold now."""
        own = self._process.cpu_times()
        seconds = own.user + own.system + getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
        memory = self._process.memory_info().rss
        for child in self._children():
            with suppress(psutil.Error):  # it has just ended: its seconds are the parent's by now
                with child.oneshot():
                    times = child.cpu_times()
                    memory += child.memory_info().rss
                seconds += times.user + times.system
        return system.busy_seconds(), seconds, memory


def _battery() -> tuple[float | None, bool]:
    """Percent, and whether the machine runs on it; ``None``: there is none that can be read."""
    try:
        found = getattr(psutil, "sensors_battery", lambda: None)()
    except Exception:  # noqa: BLE001 (drivers say what psutil cannot read, in many ways)
        found = None
    if found is None:
        return None, False
    return float(found.percent), found.power_plugged is False


def _free_disk_bytes(folder: Path) -> int | None:
    try:
        return system.free_disk_bytes(folder)
    except OSError:
        return None
