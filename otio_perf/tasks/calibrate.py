"""Measure this machine once: what decoding, scaling, compositing and encoding cost. Takes at most 20 seconds on two cores.

A decoder's work has two physical parts: entropy decoding is linear in bits, reconstruction is linear in pixels. So each codec
gets a line through clips of two sizes and two qualities. What is fitted is processor time, which other programs on the
machine hardly disturb; playback spreads it over the cores with an efficiency that is measured too.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from otio_perf.media import bench
from otio_perf.metrics import system
from otio_perf.model.machine import DecodeCost, MachineProfile

#: After so many seconds what is still unmeasured is derived from its relatives instead.
_BUDGET_SECONDS = 17.0
_DECODE_SECONDS = 0.12
#: Share of the cores that a decoder keeps busy where other programs leave no room to measure it (seen: 0.79–0.87).
_TYPICAL_EFFICIENCY = 0.85
_BUSY_SHARE = 0.15
_DISK_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class _Point:
    megapixels: float
    megabits: float
    cpu_ms: float


def calibrate(*, identity: str, progress: Callable[[str], None] = lambda _: None) -> MachineProfile:
    """Measure and return the profile of the machine called ``identity``. ``progress`` hears, in words, what is going on."""
    began = time.perf_counter()
    cores = system.cores()
    notes: list[str] = []
    points: dict[str, list[_Point]] = {}
    spent = _Spent()
    for codec in bench.CODECS:
        if time.perf_counter() - began > _BUDGET_SECONDS:
            notes.append(f"{codec.key}: no time left to measure; taken from a related codec")
            continue
        progress(f"decoding {codec.key}")
        try:
            points[codec.key] = _measure(codec, spent)
        except bench.UNAVAILABLE as e:
            notes.append(f"{codec.key}: cannot be measured here ({e}); taken from a related codec")
    efficiency, busy = spent.efficiency(cores)
    if busy > _BUSY_SHARE:
        notes.append(f"other programs used {busy:.0%} of the processors meanwhile; calibrate again when the machine is quiet")
    progress("scaling, layers, effects")
    scale = bench.scale_ms_per_megapixel()
    layer = bench.filter_ms_per_megapixel("overlay", layers=2)
    effect = bench.filter_ms_per_megapixel("colorlevels=rimin=0.05", layers=1)
    progress("encoding proxies")
    encode = {key: cpu / (cores * efficiency) for key, cpu in bench.encode_cpu_ms_per_megapixel().items()}
    progress("reading from disk")
    return MachineProfile(
        machine=identity,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds_taken=round(time.perf_counter() - began, 2),
        cores=cores,
        memory_bytes=system.memory_bytes(),
        decode={key: fit(found, parallel=cores * efficiency) for key, found in points.items()},
        encode_ms_per_megapixel=encode,
        scale_ms_per_megapixel=scale,
        composite_ms_per_megapixel=layer,
        effect_ms_per_megapixel=effect,
        disk_read_bytes_per_second=_disk_read_bytes_per_second(notes),
        notes=tuple(notes),
    )


class _Spent:
    """Processor and wall seconds of decoding, and what other programs used at the same time."""

    def __init__(self) -> None:
        self.own = self.wall = self.others = 0.0

    def add(self, readings: Sequence[bench.Reading], *, busy_seconds: float) -> None:
        own = sum(r.cpu_ms * r.frames for r in readings) / 1e3
        self.own += own
        self.wall += sum(r.wall_ms * r.frames for r in readings) / 1e3
        self.others += max(0.0, busy_seconds - own)

    def efficiency(self, cores: int) -> tuple[float, float]:
        """Share of the cores that decoding kept busy, 0–1, and the share that others used."""
        capacity = cores * max(self.wall, 1e-6)
        busy = min(1.0, self.others / capacity)
        if busy > _BUSY_SHARE:
            return _TYPICAL_EFFICIENCY, busy
        return min(1.0, max(1 / cores, self.own / (capacity * (1 - busy)))), busy


def _measure(codec: bench.BenchCodec, spent: _Spent) -> list[_Point]:
    points = []
    for (width, height, frames), quality in itertools.product(codec.sizes, range(len(codec.options))):
        clip = bench.encode_clip(codec, width, height, quality=quality, frames=frames)
        before = system.busy_seconds()
        reading = bench.decode(clip, seconds=_DECODE_SECONDS)
        spent.add([reading], busy_seconds=system.busy_seconds() - before)
        points.append(_Point(clip.megapixels, clip.megabits, reading.cpu_ms))
    return points


def fit(points: Sequence[_Point], *, parallel: float) -> DecodeCost:
    """The line ``per_frame + per_megapixel · MP + per_megabit · Mbit`` through the readings, in wall milliseconds.

    Least squares of the relative error, and no term below zero (active sets tried one by one: there are seven).

    :param parallel: processor seconds that one second of playback offers.
    """
    best: tuple[float, tuple[float, float, float]] = (float("inf"), (0.0, 0.0, 0.0))
    rows = [((1 / p.cpu_ms, p.megapixels / p.cpu_ms, p.megabits / p.cpu_ms), 1.0) for p in points if p.cpu_ms > 0]
    for size in (3, 2, 1):
        for active in itertools.combinations(range(3), size):
            if size > len(rows):
                continue
            found = _least_squares([([row[i] for i in active], y) for row, y in rows])
            if found is None or min(found) < 0:
                continue
            terms = [0.0, 0.0, 0.0]
            for i, value in zip(active, found, strict=True):
                terms[i] = value
            error = sum((sum(t * x for t, x in zip(terms, row, strict=True)) - y) ** 2 for row, y in rows)
            if error < best[0] * 0.999:
                best = (error, (terms[0], terms[1], terms[2]))
    per_frame, per_megapixel, per_megabit = (value / parallel for value in best[1])
    return DecodeCost(per_frame=per_frame, per_megapixel=per_megapixel, per_megabit=per_megabit)


def _least_squares(rows: Sequence[tuple[list[float], float]]) -> list[float] | None:
    """Solution of the normal equations by Gaussian elimination; ``None`` where they are singular."""
    n = len(rows[0][0])
    matrix = [[sum(x[i] * x[j] for x, _ in rows) for j in range(n)] + [sum(x[i] * y for x, y in rows)] for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(matrix[r][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        if abs(matrix[i][i]) < 1e-12 * max(1.0, abs(matrix[0][0])):
            return None
        for r in range(n):
            if r != i:
                factor = matrix[r][i] / matrix[i][i]
                matrix[r] = [a - factor * b for a, b in zip(matrix[r], matrix[i], strict=True)]
    return [matrix[i][n] / matrix[i][i] for i in range(n)]


def _disk_read_bytes_per_second(notes: list[str]) -> float:
    """Sequential reading where temporary files live, the system's cache dropped first where that can be asked for."""
    with tempfile.TemporaryDirectory(prefix="otio_perf_") as folder:
        path = Path(folder) / "disk"
        block = os.urandom(1 << 20)
        with path.open("wb") as file:
            for _ in range(_DISK_BYTES >> 20):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            else:
                notes.append("disk speed was read through the system's cache: this system cannot be asked to leave it out")
        began = time.perf_counter()
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
        return _DISK_BYTES / max(1e-6, time.perf_counter() - began)
