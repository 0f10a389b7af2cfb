"""Measure this machine once: what decoding, scaling, compositing and encoding cost. Takes at most 20 seconds on two cores.

A decoder's work has two physical parts: entropy decoding is linear in bits, reconstruction is linear in pixels. So each codec
gets a line through clips of two sizes and two qualities. What is fitted is processor time, which other programs on the
machine hardly disturb; how many cores each decoder fills is measured beside it.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from otio_perf.effects.cpu.bench import exposure_ms_per_megapixel
from otio_perf.errors import TaskCancelledError
from otio_perf.media import bench
from otio_perf.metrics import system
from otio_perf.model.events import Calibrated
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.model.tasks import CalibrateTask

#: After so many seconds what is still unmeasured is derived from its relatives instead: nobody waits longer than 20 seconds
#: for a first answer, also where other programs take their share of the processors.
_BUDGET_SECONDS = 15.0
_DECODE_SECONDS = 0.12
_TYPICAL_GOP = 25
#: Where other programs use more of the machine than this, how many cores a decoder fills cannot be seen.
_BUSY_SHARE = 0.1
_DISK_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class Point:
    """One reading: what a frame of this size and weight costs in processor time."""

    megapixels: float
    megabits: float
    cpu_ms: float


def run(task: CalibrateTask, *, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Calibrated:
    """:raises TaskCancelledError: ``cancelled`` said so. It is asked between codecs; one of them may take seconds."""
    steps = itertools.count(1)

    def hear(what: str) -> None:
        if cancelled():
            raise TaskCancelledError("stopped", path=what)
        progress(next(steps))

    return Calibrated(key=task.key, machine=calibrate(identity=task.machine, progress=hear))


def calibrate(*, identity: str, progress: Callable[[str], None] = lambda _: None) -> MachineProfile:
    """Measure and return the profile of the machine called ``identity``. ``progress`` hears, in words, what is going on."""
    began = time.perf_counter()
    cores = system.cores()
    notes: list[str] = []
    measured: dict[str, _Measured] = {}
    for codec in bench.CODECS:
        if time.perf_counter() - began > _BUDGET_SECONDS:
            notes.append(f"{codec.key}: no time left to measure; taken from a related codec")
            continue
        progress(f"decoding {codec.key}")
        try:
            measured[codec.key] = _measure(codec)
        except bench.UNAVAILABLE as e:
            notes.append(f"{codec.key}: cannot be measured here ({e}); taken from a related codec")
    decode = {}
    for codec in bench.CODECS:
        if (found := measured.get(codec.key)) is not None:
            parallel = found.parallel
            if found.busy_share(cores) >= _BUSY_SHARE:
                parallel = max(parallel, bench.typical_parallel(codec, cores))
            decode[codec.key] = fit(found.points, parallel=min(parallel, cores))
    busy = sum(m.others_seconds for m in measured.values()) / max(1e-6, cores * sum(m.wall_seconds for m in measured.values()))
    if busy >= _BUSY_SHARE:
        notes.append(f"other programs used {busy:.0%} of the processors meanwhile; calibrate again when the machine is quiet")
    progress("scaling, layers, effects")
    scale = bench.scale_ms_per_megapixel()
    layer = bench.filter_ms_per_megapixel("overlay", layers=2)
    effect = exposure_ms_per_megapixel(cores)
    progress("encoding proxies")
    # proxies are made with decoder, scaler and encoder side by side: that fills the cores
    encode = {key: cpu / cores for key, cpu in bench.encode_cpu_ms_per_megapixel().items()}
    progress("reading from disk")
    return MachineProfile(
        machine=identity,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds_taken=round(time.perf_counter() - began, 2),
        cores=cores,
        memory_bytes=system.memory_bytes(),
        decode=decode,
        encode_ms_per_megapixel=encode,
        scale_ms_per_megapixel=scale,
        composite_ms_per_megapixel=layer,
        effect_ms_per_megapixel=effect,
        disk_read_bytes_per_second=_disk_read_bytes_per_second(notes),
        notes=tuple(notes),
    )


@dataclass(slots=True)
class _Measured:
    """What the clips of one codec showed."""

    points: list[Point] = field(default_factory=list)
    parallel: float = 1.0  # cores that the decoder kept busy, at best
    wall_seconds: float = 0.0
    others_seconds: float = 0.0  # processor time of other programs meanwhile

    def busy_share(self, cores: int) -> float:
        return min(1.0, self.others_seconds / max(1e-6, self.wall_seconds * cores))

    def decode(self, clip: bench.Clip, seconds: float) -> float:
        """Processor milliseconds per frame."""
        before = system.busy_seconds()
        reading = bench.decode(clip, seconds=seconds)
        self.others_seconds += max(0.0, system.busy_seconds() - before - reading.cpu_ms * reading.frames / 1e3)
        self.wall_seconds += reading.wall_ms * reading.frames / 1e3
        self.parallel = max(self.parallel, reading.cpu_ms / reading.wall_ms)
        return reading.cpu_ms


def _measure(codec: bench.BenchCodec) -> _Measured:
    """A reading for each clip. Groups of pictures are short here, for the time it takes to make them: keyframes are measured
    alone too, and weighed as in a group of ``_TYPICAL_GOP`` frames."""
    measured = _Measured()
    for width, height, frames, quality in codec.clips:
        clip = bench.encode_clip(codec, width, height, quality=quality, frames=frames)
        cpu_ms, megabits = measured.decode(clip, _DECODE_SECONDS), clip.megabits
        count = len(clip.packets)
        if codec.gop > 1 and count > 1:
            key_ms, key_megabits = measured.decode(clip.keyframe, _DECODE_SECONDS / 2), clip.keyframe.megabits
            share = 1 / _TYPICAL_GOP
            cpu_ms = share * key_ms + (1 - share) * max(0.0, count * cpu_ms - key_ms) / (count - 1)
            megabits = share * key_megabits + (1 - share) * (count * megabits - key_megabits) / (count - 1)
        measured.points.append(Point(clip.megapixels, megabits, cpu_ms))
    return measured


def fit(points: Sequence[Point], *, parallel: float) -> DecodeCost:
    """The line ``per_frame + per_megapixel · MP + per_megabit · Mbit`` through the readings, in wall milliseconds.

    Least squares of the relative error, and no term below zero (active sets tried one by one: there are seven).

    :param parallel: cores that the decoder keeps busy.
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
    block = os.urandom(1 << 20)
    with tempfile.TemporaryFile(prefix="otio_perf_", buffering=0) as file:  # without a name: a kill leaves nothing
        for _ in range(_DISK_BYTES >> 20):
            file.write(block)
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        else:
            notes.append("disk speed was read through the system's cache: this system cannot be asked to leave it out")
        file.seek(0)
        began = time.perf_counter()
        while file.read(1 << 20):
            pass
        return _DISK_BYTES / max(1e-6, time.perf_counter() - began)
