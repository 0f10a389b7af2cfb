"""Which engine renders: the GPU where one works, else the processor; never silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from otio_perf.effects.engine import Engine
from otio_perf.errors import EffectError, OtioPerfError

#: ``Engine.name`` of the one that is always there.
PROCESSOR = "cpu"

#: One of these is there on Linux when a GPU is.
_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/dri/renderD128", "/dev/dri/renderD129")
#: Seconds for a child to say what works: Taichi starts in two or three, and a driver that does not answer never does.
_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEngine:
    """Which engine workers will find: ``Engine.name``, and what to tell the user of it."""

    name: str
    why: str


def engine_for(gpu: str, *, cache_folder: str | None = None) -> tuple[Engine, str]:
    """The engine, and what to tell the user of it. ``gpu``: ``auto``, ``on`` (nothing else will do) or ``off``.

    It takes the GPU for this process: whoever only has to know asks ``found_engine``.

    :param cache_folder: where compiled kernels of the GPU are kept; ``None``: nowhere.
    :raises EffectError: a GPU was demanded and none works.
    """
    known = _known(gpu)
    if known is not None:
        return _cpu(), known
    try:
        from otio_perf.effects.gpu.engine import GpuEngine
    except ImportError as error:  # Taichi has no wheel for this Python
        if gpu == "on":
            raise EffectError(f"the GPU needs Taichi, which is not there: {error}", hint="Take --gpu off") from error
        return _cpu(), f"processor: {error}"
    engine = GpuEngine("auto", cache_folder)
    if engine.device.is_gpu:
        return engine, f"GPU by {engine.device.arch}"
    if gpu == "on":
        raise EffectError(f"no GPU works here: {engine.device.reason}", hint="Take --gpu auto")
    return _cpu(), f"processor: {engine.device.reason}"


def found_engine(gpu: str, *, tick: Callable[[], None] = lambda: None) -> FoundEngine:
    """What ``engine_for`` finds, asked in a child process: this one takes no memory of the GPU, which is its workers', and a
    driver that crashes or hangs takes nobody along. Seconds where a GPU may be; nothing where none is.

    :param tick: called while it is asked: a place to stop by raising.
    :raises EffectError: a GPU was demanded and none works.
    """
    known = _known(gpu)
    if known is not None:
        return FoundEngine(name=PROCESSOR, why=known)
    said, end = _asked(gpu, tick)
    if said is None:
        if gpu == "on":
            raise EffectError(f"no GPU works here: {end}", hint="Take --gpu auto")
        return FoundEngine(name=PROCESSOR, why=f"processor: {end}")
    if "error" in said:
        raise EffectError(said["error"], hint=said["hint"])
    return FoundEngine(**said)


def gave_up(error: Exception, gpu: str) -> str:
    """What to tell the user of a GPU that was lost, or out of memory, and of the processor in its place.

    :raises EffectError: the GPU was demanded.
    """
    lost = f"the GPU gave up: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if gpu == "on":
        raise EffectError(lost, hint="Take --gpu auto") from error
    return f"processor, for {lost}"


def _known(gpu: str) -> str | None:
    """Why the processor renders, where that is known without touching a device. :raises EffectError: a GPU was demanded"""
    if gpu == "off":
        return "processor"
    if _may_have_gpu():
        return None
    if gpu == "on":
        raise EffectError("no GPU was found", hint="Take --gpu auto")
    return "processor: no GPU was found"


def _cpu() -> Engine:
    from otio_perf.effects.cpu.native import NativeEngine

    return NativeEngine()


def _may_have_gpu() -> bool:
    """Cheap, and wrong in one direction only: loading a driver to find out takes seconds, and Vulkan may be software."""
    return sys.platform in ("darwin", "win32") or any(map(os.path.exists, _DEVICES))


# --- asking a child ------------------------------------------------------------------------------------------------------


def _asked(gpu: str, tick: Callable[[], None]) -> tuple[dict[str, str] | None, str]:
    """The child's answer, if it gave one, and else in words how it ended. What drivers and Taichi print goes nowhere."""
    with tempfile.TemporaryDirectory(prefix="otio_perf_", ignore_cleanup_errors=True) as folder:
        answer = Path(folder, "answer.json")
        command = [sys.executable, "-m", "otio_perf.render.engines", gpu, str(answer)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        silent = subprocess.DEVNULL
        try:
            child = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, env=environment)
        except OSError as error:
            return None, f"the GPU could not be looked for: {error.strerror}"
        deadline = time.monotonic() + _LIMIT_SECONDS
        try:
            while child.poll() is None and time.monotonic() < deadline:
                tick()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_POLL_SECONDS)
            code = child.returncode
        finally:
            child.kill()
            with suppress(subprocess.TimeoutExpired):  # a driver may hold it in the kernel
                child.wait(1)
        if code is None:
            return None, f"the GPU's driver did not answer within {_LIMIT_SECONDS:g} s"
        try:
            found: dict[str, str] = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None, f"the GPU's driver crashed (exit {code})"
        return found, ""


def _answer(gpu: str) -> dict[str, str]:
    try:
        engine, why = engine_for(gpu)
    except OtioPerfError as error:
        return {"error": error.message, "hint": error.hint or ""}
    return asdict(FoundEngine(name=engine.name, why=why))


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(_answer(sys.argv[1])), encoding="utf-8")
