"""The kernels on Vulkan and CUDA. For Vulkan Mesa's driver in software (lavapipe) will do: it says nothing about speed, but
compiles and runs them. CUDA needs a GPU, and was never run where this was written.

A process of Taichi has one device, so this one starts another.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_WORKS = "import sys; from otio_perf.effects.gpu.runtime import start; start(sys.argv[1])"


def run(*command: str, seconds: int, arch: str = "vulkan") -> subprocess.CompletedProcess[str]:
    # a worker of pytest-xdist says so in the environment: what is started here is none
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = others | {"OTIO_PERF_TEST_ARCH": arch, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def need(arch: str, hint: str) -> None:
    pytest.importorskip("taichi", reason="NO TAICHI: the kernels cannot be run")
    if (answer := run("-c", _WORKS, arch, seconds=60)).returncode:
        pytest.skip(f"NO {arch.upper()}, kernels not run on it ({hint}): {answer.stderr.strip().rpartition(chr(10))[2]}")


def need_vulkan() -> None:
    need("vulkan", "Debian: mesa-vulkan-drivers")


def kernels_are_right(arch: str, *words: str) -> None:
    """What the contract test and that of stored samples say on another arch."""
    command = ["-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "500", *words]
    files = ["tests/effects/test_contract.py", "tests/effects/test_gpu_pixels.py"]
    answer = run(*command, *files, seconds=580, arch=arch)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
    assert " passed" in answer.stdout


@pytest.mark.vulkan
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_kernel_is_right_on_vulkan() -> None:
    need_vulkan()
    kernels_are_right("vulkan", "-k", "(taichi and not stored) or gpu_pixels")


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_every_kernel_is_right_on_cuda() -> None:
    need("cuda", "an NVIDIA GPU and its driver")
    kernels_are_right("cuda", "-k", "taichi or gpu_pixels")


_STREAMS = "from otio_perf.effects.gpu.engine import GpuEngine; print([GpuEngine('cuda').fallback])"


@pytest.mark.gpu
def test_copies_beside_the_kernels_work_on_cuda() -> None:
    """``streams.tried`` holds on a real driver: nothing has to wait for what could go beside it."""
    need("cuda", "an NVIDIA GPU and its driver")
    answer = run("-c", _STREAMS, seconds=100, arch="cuda")
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert answer.stdout.splitlines()[-1] == "['']"


_SOME = """
import sys
import numpy as np
from otio_perf.effects.engine import Step
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.registry import View, registry

gpu, rows = GpuEngine(sys.argv[1], sys.argv[2]), registry()
image = gpu.upload(np.full((20, 30, 4), 0.5, np.float32), is_opaque=True)
for name, values in (("exposure", {"stops": 1}), ("gaussian_blur", {"sigma": 2.0})):
    effect = rows.effect(name)
    image = gpu.apply(image, [Step(effect, effect.checked(values))], View(width=30, height=20))
assert abs(gpu.download(image)[10, 10, 0] - 1) < 2e-3
"""


def kernels_of(arch: str, folder: Path) -> tuple[set[str], set[str]]:
    """Those that a process compiled and put into ``folder``, and those that it took from there, as Taichi says it."""
    environment = {**os.environ, "TI_LOG_LEVEL": "trace", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _SOME, arch, str(folder)]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False)
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said[-2000:]
    compiled, loaded = (set(re.findall(words, said)) for words in (r" Cache kernel .*key='(\w+)'", r"from cache \(key='(\w+)'"))
    return compiled, loaded


def a_second_process_compiles_nothing(arch: str, folder: Path) -> None:
    first, none = kernels_of(arch, folder)
    assert len(first) >= 4
    assert none == set()
    assert first <= {path.stem for path in folder.iterdir()}
    assert kernels_of(arch, folder) == (set(), first)


@pytest.mark.vulkan
def test_compiled_kernels_are_kept_on_vulkan(tmp_path: Path) -> None:
    need_vulkan()
    a_second_process_compiles_nothing("vulkan", tmp_path)


@pytest.mark.gpu
def test_compiled_kernels_are_kept_on_cuda(tmp_path: Path) -> None:
    need("cuda", "an NVIDIA GPU and its driver")
    a_second_process_compiles_nothing("cuda", tmp_path)


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
    need_vulkan()
    answer = run("-c", _TILES, str(tmp_path), seconds=280)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "same 225" in answer.stdout
