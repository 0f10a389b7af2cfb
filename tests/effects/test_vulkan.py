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
    words = ["-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "500", "-k", "taichi"]
    answer = run(*words, "tests/effects/test_contract.py", seconds=580)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
    assert " passed" in answer.stdout
