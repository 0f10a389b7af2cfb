"""Which engine renders: the GPU where one works, else the processor; never silently."""

from __future__ import annotations

import os
import sys

from otio_perf.effects.engine import Engine
from otio_perf.errors import EffectError

#: ``Engine.name`` of the one that is always there.
PROCESSOR = "cpu"

#: One of these is there on Linux when a GPU is.
_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/dri/renderD128", "/dev/dri/renderD129")


def engine_for(gpu: str, *, cache_folder: str | None = None) -> tuple[Engine, str]:
    """The engine, and what to tell the user of it. ``gpu``: ``auto``, ``on`` (nothing else will do) or ``off``.

    :raises EffectError: a GPU was demanded and none works.
    """
    if gpu == "off":
        return _cpu(), "processor"
    if not _may_have_gpu():
        if gpu == "on":
            raise EffectError("no GPU was found", hint="Take --gpu auto")
        return _cpu(), "processor: no GPU was found"
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


def gave_up(error: Exception, gpu: str) -> str:
    """What to tell the user of a GPU that was lost, or out of memory, and of the processor in its place.

    :raises EffectError: the GPU was demanded.
    """
    lost = f"the GPU gave up: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if gpu == "on":
        raise EffectError(lost, hint="Take --gpu auto") from error
    return f"processor, for {lost}"


def _cpu() -> Engine:
    from otio_perf.effects.cpu.native import NativeEngine

    return NativeEngine()


def _may_have_gpu() -> bool:
    """Cheap, and wrong in one direction only: loading a driver to find out takes seconds, and Vulkan may be software."""
    return sys.platform in ("darwin", "win32") or any(map(os.path.exists, _DEVICES))
