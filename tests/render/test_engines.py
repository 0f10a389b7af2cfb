"""Which engine renders is asked without taking the GPU, and without trusting its driver."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otio_perf.errors import EffectError, TaskCancelledError
from otio_perf.model.devices import GpuDevice
from otio_perf.render import engines
from otio_perf.render.engines import FoundEngine, engine_for, found_engine, gave_up


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


ONE = {"arch": "cuda", "name": "One", "environment": {"CUDA_VISIBLE_DEVICES": "0"}}
TWO = {"arch": "cuda", "name": "Two", "environment": {"CUDA_VISIBLE_DEVICES": "1"}}


def answering(listed: list[dict[str, Any]], **reasons: str) -> str:
    """What children write that are asked which GPUs there are, and, by name, why one does not work."""
    return (
        f"import json; said = {listed!r} if 'list' in sys.argv else {reasons!r}[json.loads(sys.argv[-2])[0]['name']];"
        " print('noise'); open(sys.argv[-1], 'w').write(json.dumps(said)); os._exit(0)"
    )


def test_gpus_that_work_are_found_and_those_that_do_not_are_said(driver: Callable[[str], None]) -> None:
    driver(answering([ONE, TWO], One="", Two=""))
    found = found_engine("auto")
    assert (found.name, found.why) == ("gpu", "2 GPUs by cuda: One, Two")
    assert found.devices == (GpuDevice(**ONE), GpuDevice(**TWO))
    driver(answering([ONE, TWO], One="it reckons wrongly", Two=""))
    found = found_engine("on")
    assert found.why == "GPU by cuda: Two; not used: One: it reckons wrongly"
    assert found.devices == (GpuDevice(**TWO),)
    driver(answering([ONE], One="no memory"))
    assert found_engine("auto") == FoundEngine(name="cpu", why="processor: One: no memory")
    with pytest.raises(EffectError, match="no GPU works here: One: no memory") as caught:
        found_engine("on")
    assert caught.value.hint == "Take --gpu auto"
    driver(answering([]))
    assert found_engine("auto") == FoundEngine(name="cpu", why="processor: no GPU was found")


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


CLAIM = """
import sys, time
from otio_perf.model.devices import GpuDevice
from otio_perf.render.engines import _claimed
devices = [GpuDevice(arch="cuda", name=name) for name in ("One", "Two")]
print(_claimed(devices, sys.argv[1]).name, flush=True)
sys.stdin.read()
"""


def test_processes_share_gpus_evenly(tmp_path: Path) -> None:
    """Each takes the one that fewest have, and leaves it when it ends, however it ends."""
    children = []

    def started() -> str:
        command = [sys.executable, "-c", CLAIM, str(tmp_path)]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None
        return child.stdout.readline().strip()

    try:
        assert [started() for _ in range(3)] == ["One", "Two", "One"]
        children[1].kill()
        children[1].wait()
        assert started() == "Two"
    finally:
        for child in children:
            child.kill()
            child.communicate()


def test_a_device_without_room_is_asked_again_and_one_that_is_lost_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gpu:
        fallback = ""

    device = GpuDevice(**ONE)
    gpu: Any = Gpu()
    monkeypatch.setattr(engines, "_own", engines._Own(gpu, device))
    full = "[cuda_driver.h:operator()@92] CUDA Error CUDA_ERROR_OUT_OF_MEMORY: out of memory while calling malloc_async"
    assert gave_up(RuntimeError(full), "auto").startswith("processor, for the GPU gave up: RuntimeError: [cuda_driver")
    assert engine_for("auto") == (gpu, "GPU by cuda: One")
    broken = "CUDA Error CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered"
    gave_up(RuntimeError(broken), "auto")
    engine, why = engine_for("auto")
    assert engine.name == "cpu"
    assert why == f"processor: the GPU gave up before: RuntimeError: {broken}"
    with pytest.raises(EffectError, match="gave up before"):
        engine_for("on")
