"""What ``benchmarks/gpu_render.py`` says that it measures, it does: here on Taichi's CPU arch, small."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import gpu_render
from otio_perf.effects.engine import runs
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.registry import View, registry

VIEW = View(width=48, height=28, scale=48 / 3840)


@pytest.fixture(scope="module")
def engine() -> GpuEngine:
    return GpuEngine("cpu")


def test_every_kernel_is_launched(engine: GpuEngine) -> None:
    random = np.random.default_rng(1)
    first, second = (engine.upload(random.random((VIEW.height, VIEW.width, 4), np.float32), is_opaque=False) for _ in range(2))
    found = {name: work for name, work, _ in gpu_render.launches(engine, VIEW, first, second)}
    rows = registry()
    assert found.keys() == {*rows.effects, *(f"blend {name}" for name in rows.blends), *rows.transitions}
    for name in ("curves", "lut", "flip"):
        made = engine.download(found[name]())  # type: ignore[arg-type]
        assert np.abs(made - engine.download(first)).max() > 0.01


def test_a_chain_of_ten_is_one_of_ten(engine: GpuEngine) -> None:
    ten = [gpu_render.worked(name, 0.6) for name in gpu_render.CHAIN]
    assert sum(len(run) for _, run in runs(ten, engine.fuses)) == len(set(gpu_render.CHAIN)) == 10


def test_a_chain_is_timed_in_all_its_stages(engine: GpuEngine) -> None:
    row = gpu_render.chain(engine, VIEW, 2, layers=2, steps=[gpu_render.worked("curves")], under_way=1)
    assert row["frames_per_second"] > 0
    assert row["ms"].keys() == {"upload", "compute", "download"}
    assert row["together_ms"] <= sum(row["ms"].values()) * 1.001
