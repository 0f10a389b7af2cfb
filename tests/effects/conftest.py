"""Pictures, values and engines that all effect tests draw from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from otio_perf.effects.engine import Engine, premultiplied
from otio_perf.effects.parameters import Choice, Number, Numbers, Parameter, Points, Switch
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Picture

Pictures = Callable[..., Picture]


@pytest.fixture(scope="session")
def picture() -> Pictures:
    """A picture with ramps, edges, noise, a black and a white area; ``alpha``: transparent, half and opaque areas."""

    def make(width: int = 67, height: int = 45, *, alpha: bool = False, seed: int = 1) -> Picture:
        random = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        red, green, blue = x / (width - 1), y / (height - 1), ((x // 8 + y // 8) % 2)
        colour = np.stack([red, green, blue], axis=2) + random.normal(0, 0.03, (height, width, 3))
        colour = np.clip(colour, 0, 1)
        colour[:4, :8], colour[:4, 8:16] = 0, 1
        result = np.ones((height, width, 4), np.float32)
        result[..., :3] = colour
        if alpha:
            result[..., 3] = np.clip(np.hypot(x - width / 2, y - height / 2) / (width / 4), 0, 1)
            result[height // 2 :, : width // 4, 3] = 0
            result = premultiplied(result)
        return result

    return make


@pytest.fixture(scope="session")
def draw() -> Callable[[tuple[Parameter, ...], int], dict[str, Any]]:
    """Values from the usual ranges of a schema; number 0 is all defaults."""

    def values(parameters: tuple[Parameter, ...], number: int) -> dict[str, Any]:
        random = np.random.default_rng([number, len(parameters)])
        found: dict[str, Any] = {}
        for p in parameters if number else ():
            match p:
                case Number():
                    found[p.name] = float(random.uniform(*p.usual))
                case Numbers():
                    found[p.name] = tuple(float(random.uniform(*p.usual)) for _ in p.default)
                case Choice():
                    found[p.name] = str(random.choice(p.options))
                case Switch():
                    found[p.name] = bool(random.integers(2))
                case Points():
                    ys = np.sort(random.uniform(0, 1, 4))
                    found[p.name] = tuple(zip((0.0, 0.3, 0.7, 1.0), map(float, ys), strict=True))
        return found

    return values


def _engines() -> dict[str, Callable[[], Engine]]:
    def cpu() -> Engine:
        from otio_perf.effects.cpu.engine import CpuEngine

        return CpuEngine()

    def gpu() -> Engine:
        from otio_perf.effects.gpu.engine import GpuEngine

        return GpuEngine("cpu")  # Taichi's own CPU arch: the same kernels

    return {"cpu": cpu, "taichi": gpu}


@pytest.fixture(scope="session", params=sorted(_engines()))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield _engines()[request.param]()


@pytest.fixture(scope="session")
def reference() -> Engine:
    return ReferenceEngine()
