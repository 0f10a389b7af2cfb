"""Memory of pictures: kept while they are made, given back afterwards."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_SCRIPT = """
import resource

import numpy as np
from otio_perf.effects.cpu.memory import kept

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 2**20

before = resident_mb()
with kept():
    pictures = [np.ones(2**20) for _ in range(12)]  # 8 MiB each
    del pictures
    within = resident_mb()
print(within - before, resident_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_what_is_freed_is_kept_for_the_next_and_given_back_at_the_end() -> None:
    """In a process of its own, for it is a setting of the process."""
    said = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True).stdout
    within, after = map(int, said.split())
    assert within >= 90
    assert after <= 10
