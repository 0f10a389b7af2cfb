"""Ctrl-C and SIGTERM at any moment: soon, in one line, with nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sample_timelines.make_media import CLIPS, make

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX SIGNALS: the tests send them")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes a few seconds to make a proxy of."""
    one = replace(CLIPS["A001_C001.mp4"], width=1280, height=720, bit_rate=8_000_000)
    return make(one, tmp_path_factory.mktemp("clip"))


def start(home: dict[str, str], *words: object) -> subprocess.Popen[str]:
    """In a process group of its own, as a shell starts it."""
    command = [sys.executable, "-m", "otio_perf", *map(str, words)]
    environment = {**home, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize("delay_ms", [20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 300, 500])
def test_ctrl_c_while_the_program_starts(delay_ms: int, tmp_path: Path, home: dict[str, str]) -> None:
    """Its modules are loaded in the first tenths of a second. What Python does before is not ours to catch: on a busy machine
    that lasts longer, and the test waits longer."""
    for delay_seconds in (delay_ms / 1000 * factor for factor in (1, 2, 4, 8, 16)):
        process = start(home, "doctor", "--workspace", tmp_path / "ws")
        time.sleep(delay_seconds)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert str(ROOT / "otio_perf") not in stderr
        if process.returncode in (130, 0) and "Traceback" not in stderr:  # 0: it was done
            assert stderr.count("interrupted") == (process.returncode == 130)
            return
        assert "<frozen" in stderr or process.returncode == -signal.SIGINT, stderr  # Python's own start
    pytest.fail(stderr)


def test_ctrl_c_while_the_machine_is_measured(tmp_path: Path, home: dict[str, str]) -> None:
    for after_seconds in (0.5, 2.5):  # textures, encoders, decoders
        process = start(home, "calibrate")
        process_began = time.monotonic()
        while not list(Path(f"/proc/{process.pid}/task/{process.pid}").glob("children")) or not _children(process.pid):
            assert time.monotonic() - process_began < 30
            time.sleep(0.02)
        time.sleep(after_seconds)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        took = time.monotonic() - began
        assert process.returncode == 130, stderr
        assert "Traceback" not in stderr
        assert took < 2.5, took  # one second on a machine that does nothing else


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_of_the_whole_process_group(number: signal.Signals, clip: Path, tmp_path: Path, home: dict[str, str]) -> None:
    """As ``timeout``, a service or a batch system sends it: the workers tidy up, none is started again."""
    words = ("proxy", clip, "--proxy", "360p", "--workspace", tmp_path / "ws", "--quality", "100")
    proxies = tmp_path / "ws" / "proxies"
    process = start(home, *words)
    end = time.monotonic() + 60
    while not any(proxies.glob(".*.part.*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    began = time.monotonic()
    os.killpg(process.pid, number)
    _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - began < 3
    assert process.returncode == 128 + number
    assert "same command goes on" in stderr
    assert "starting again" not in stderr
    assert "Traceback" not in stderr
    assert list(proxies.iterdir()) == []
