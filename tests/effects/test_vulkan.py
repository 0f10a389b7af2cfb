"""The kernels on Vulkan. Mesa's driver in software (lavapipe) will do: it says nothing about speed, but compiles and runs them.

A process of Taichi has one device, so this one starts another.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_WORKS = "from otio_perf.effects.gpu.runtime import start; start('vulkan')"


def run(*command: str, seconds: int) -> subprocess.CompletedProcess[str]:
    # a worker of pytest-xdist says so in the environment: what is started here is none
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = others | {"OTIO_PERF_TEST_ARCH": "vulkan", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.mark.vulkan
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_kernel_is_right_on_vulkan() -> None:
    pytest.importorskip("taichi", reason="NO TAICHI: the kernels cannot be run")
    if (answer := run("-c", _WORKS, seconds=60)).returncode:
        pytest.skip(f"NO VULKAN, kernels not run on it (Debian: mesa-vulkan-drivers): {answer.stderr.strip()[-200:]}")
    words = ["-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "500", "-k", "taichi or gpu_pixels"]
    answer = run(*words, "tests/effects/test_contract.py", "tests/effects/test_gpu_pixels.py", seconds=580)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
    assert " passed" in answer.stdout


_TILES = """
import json, sys
import numpy as np
from otio_perf.effects.denoise import bilateral_taps
from otio_perf.effects.gpu import blur, denoise, memory, stencils, tiles
from otio_perf.effects.gpu.engine import GpuEngine

gpu = GpuEngine("vulkan", sys.argv[1], "a device")
random = np.random.default_rng(1)
nothing = np.zeros(1, np.float32)
compared = 0
for width, height in ((1, 1), (7, 3), (17, 33), (130, 19), (257, 40)):
    source = gpu.upload(random.random((height, width, 4), np.float32), is_opaque=False).pixels
    for edges in stencils.EDGES.values():
        for radius in (1, 3, 9):
            row = random.random(2 * radius + 1, np.float32)
            taps = np.array(bilateral_taps(radius / 3), np.float32)
            around = blur.reach_of(taps)
            for stencil, numbers, value, reach in (
                (blur.row_of, row, 0, (radius, 0)),
                (blur.column_of, row, 0, (0, radius)),
                (blur.scattered_of, taps.ravel(), 0, around),
                (denoise.bilateral_of, taps.ravel(), 0.2, around),
                (denoise.median_of, nothing, min(radius, 3), (min(radius, 3),) * 2),
            ):
                found = []
                tile = stencils.tile_for(*reach)
                for kernel in (stencils.without_tiles(stencil, edges), stencils.with_tiles(stencil, edges, tile)):
                    target = memory.empty(width, height)
                    target.fill(0.5)
                    kernel(source, target, memory.kept(numbers), value)
                    found.append(target.to_numpy())
                assert np.abs(found[0] - found[1]).max() <= 1e-6, (width, height, edges, radius, stencil.__name__)
                compared += 1
print("same", compared)
launched = []

def launch(in_tiles, wrong=0):
    launched.append(in_tiles)
    target.fill(0.25 + wrong * in_tiles)
    return target

tiles.are_faster("a kernel", launch)
assert set(launched) == {True, False}
assert not tiles.are_faster("one that is wrong", lambda in_tiles: launch(in_tiles, 0.1))
known = tiles.are_faster("a kernel", None)
tiles.remember_in(sys.argv[1], "vulkan a device")
assert tiles.are_faster("a kernel", None) == known, "kept on disk"
"""


@pytest.mark.vulkan
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_tiles_are_what_the_kernels_without_are(tmp_path: Path) -> None:
    """Tiles that are cut off by the picture's edges, borders wider than the picture, radii between those of tiles."""
    pytest.importorskip("taichi", reason="NO TAICHI: the kernels cannot be run")
    if run("-c", _WORKS, seconds=60).returncode:
        pytest.skip("NO VULKAN, tiles not run (Debian: mesa-vulkan-drivers)")
    answer = run("-c", _TILES, str(tmp_path), seconds=280)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "same 225" in answer.stdout
