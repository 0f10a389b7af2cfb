"""Which engine renders is asked without taking the GPU, and without trusting its driver."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from otio_perf.errors import EffectError, TaskCancelledError
from otio_perf.render import engines
from otio_perf.render.engines import FoundEngine, found_engine


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """A machine that may have a GPU, and what its driver does in the child that asks it."""
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: True)

    def does(statement: str) -> None:
        start = f"import os, sys, time\nif 'otio_perf.render.engines' in sys.orig_argv:\n    {statement}\n"
        (tmp_path / "sitecustomize.py").write_text(start, encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))

    return does


def test_no_child_is_asked_where_no_gpu_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: False)
    assert found_engine("auto") == FoundEngine(name="cpu", why="processor: no GPU was found")
    assert found_engine("off") == FoundEngine(name="cpu", why="processor")
    with pytest.raises(EffectError, match="no GPU was found"):
        found_engine("on")


@pytest.mark.parametrize("name", ["gpu", "cpu"])
def test_what_the_child_finds_is_believed(name: str, driver: Callable[[str], None]) -> None:
    answer = f'{{"name": "{name}", "why": "by a test"}}'
    driver(f"open(sys.argv[-1], 'w').write('{answer}'); print('noise'); os._exit(0)")
    assert found_engine("auto") == FoundEngine(name=name, why="by a test")


def test_what_the_child_refuses_is_refused(driver: Callable[[str], None]) -> None:
    driver('open(sys.argv[-1], "w").write(\'{"error": "no GPU works here", "hint": "Take --gpu auto"}\'); os._exit(0)')
    with pytest.raises(EffectError, match="no GPU works here") as caught:
        found_engine("on")
    assert caught.value.hint == "Take --gpu auto"


def test_a_driver_that_crashes_or_hangs_takes_nobody_along(
    driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver("os.abort()")
    assert found_engine("auto").name == "cpu"
    assert "crashed" in found_engine("auto").why
    with pytest.raises(EffectError, match="crashed"):
        found_engine("on")
    driver("time.sleep(100)")
    monkeypatch.setattr(engines, "_LIMIT_SECONDS", 0.3)
    assert "did not answer" in found_engine("auto").why


def test_stopping_is_heard_meanwhile(driver: Callable[[str], None]) -> None:
    driver("time.sleep(100)")
    began = time.monotonic()

    def stop() -> None:
        raise TaskCancelledError("stopped")

    with pytest.raises(TaskCancelledError):
        found_engine("auto", tick=stop)
    assert time.monotonic() - began < 5


def test_who_asks_takes_no_gpu() -> None:
    script = """
import sys
from otio_perf.render import engines
engines._may_have_gpu = lambda: True
print(engines.found_engine("auto").name, "taichi" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout.split() == ["cpu", "False"], done.stderr
