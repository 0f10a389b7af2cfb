"""What the unit of all effects' costs is on this machine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.engine import Step
from otio_perf.effects.registry import View, registry

_SIZE = (1920, 1080)
_FRAMES, _ROUNDS = 3, 4
#: Each thread has two pictures of 33 MB at a time.
_MOST_THREADS = 8


def exposure_ms_per_megapixel(cores: int) -> float:
    """Milliseconds that ``exposure`` takes for a megapixel while every core renders a frame of its own.

    Processor time divided by the cores, which other programs hardly disturb; the quickest of four rounds.
    """
    width, height = _SIZE
    effect, engine = registry().effect("exposure"), CpuEngine()
    steps = [Step(effect, effect.checked({"stops": 0.5}))]
    image = engine.upload(np.full((height, width, 4), 0.5, np.float32), is_opaque=True)
    view = View(width=width, height=height)
    threads = min(cores, _MOST_THREADS)

    def frames(_: int) -> None:
        for _ in range(_FRAMES):
            engine.apply(image, steps, view)

    frames(0)  # compiled, or fetched from the disk
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_ROUNDS):
            began = time.process_time()
            list(pool.map(frames, range(threads)))
            times.append(time.process_time() - began)
    return min(times) * 1e3 / (threads * _FRAMES) / cores / (width * height / 1e6)
