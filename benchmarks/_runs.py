"""Runs commands in turn (A B C, A B C …) and reads what each cost: wall time, CPU seconds, peak memory of the process tree's
largest member. Other programs on the machine slow wall time down but hardly change CPU seconds: read both."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

#: How often a process is looked at; it may end so much later than is said.
_LOOK_SECONDS = 0.01


def _peak_mb(pid: int) -> float:
    """The most memory that a process has had. Not ``ru_maxrss``: that begins with what its parent had when it was born."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


@dataclass
class Row:
    """One contestant. ``before`` is run and not measured (removing the last round's output)."""

    name: str
    command: Sequence[str]
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)

    def measure(self) -> None:
        start = time.perf_counter()
        with tempfile.TemporaryFile() as words:
            child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=words)
            peak = 0.0
            while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
                peak = max(peak, _peak_mb(child.pid))
                time.sleep(_LOOK_SECONDS)
            _, status, usage = ended
            words.seek(0)
            said = words.read()
        self.wall_seconds.append(time.perf_counter() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{self.name} failed: {said.decode(errors='replace')}")
        self.cpu_seconds.append(usage.ru_utime + usage.ru_stime)
        self.peak_mb.append(peak)

    def forget(self) -> None:
        """What was measured so far was to warm up."""
        self.wall_seconds.clear()
        self.cpu_seconds.clear()
        self.peak_mb.clear()

    @property
    def wall(self) -> float:
        return statistics.median(self.wall_seconds)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpu_seconds)

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "command": list(self.command),
            "wall_seconds": self.wall_seconds,
            "cpu_seconds": self.cpu_seconds,
            "peak_mb": max(self.peak_mb),
            "median_wall_seconds": self.wall,
            "median_cpu_seconds": self.cpu,
        }


def in_turn(rows: Sequence[Row], rounds: int) -> None:
    """Every row once, so that caches and footage are warm; then ``rounds`` rounds that count."""
    for row in rows:
        row.measure()
        row.forget()
    for number in range(rounds):
        for row in rows:
            row.measure()
        print(f"round {number + 1} of {rounds}", flush=True)


def paired_ratio(ours: Row, theirs: Sequence[Row]) -> tuple[float, float]:
    """Median over the rounds of our wall time (then CPU time) divided by the sum of theirs in the same round."""
    wall = [w / sum(r.wall_seconds[i] for r in theirs) for i, w in enumerate(ours.wall_seconds)]
    cpu = [c / sum(r.cpu_seconds[i] for r in theirs) for i, c in enumerate(ours.cpu_seconds)]
    return statistics.median(wall), statistics.median(cpu)


def table(rows: Sequence[Row]) -> str:
    lines = [f"{'':42s} {'wall s':>8s} {'min':>7s} {'max':>7s} {'cpu s':>8s} {'peak MB':>8s}"]
    for row in rows:
        least, most = min(row.wall_seconds), max(row.wall_seconds)
        lines.append(f"{row.name:42s} {row.wall:8.2f} {least:7.2f} {most:7.2f} {row.cpu:8.2f} {max(row.peak_mb):8.0f}")
    return "\n".join(lines)
