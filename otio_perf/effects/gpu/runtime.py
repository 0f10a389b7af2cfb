"""Taichi on one device: which arch, and why that one.

One process has one device, and ``start`` must be called on its main thread before any kernel. A device is chosen from outside,
by ``CUDA_VISIBLE_DEVICES`` or ``TI_VISIBLE_DEVICE``.
"""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from functools import cache

import taichi as ti

from otio_perf.errors import EffectError

#: In the order in which they are tried. ``x64`` and ``arm64``, which Taichi falls back to, are no GPU.
GPU_ARCHS = ("cuda", "metal", "vulkan")


@dataclass(frozen=True, slots=True)
class Device:
    """``arch`` in Taichi's words; ``reason``: why it is this one, for people."""

    arch: str
    reason: str

    @property
    def is_gpu(self) -> bool:
        return self.arch in GPU_ARCHS


@cache
def start(wanted: str = "auto", cache_folder: str | None = None) -> Device:
    """Initialise Taichi: ``"auto"`` takes the first GPU that works, else the CPU; or an arch by name, ``"cpu"`` included.

    :raises EffectError: the arch that was asked for does not work here.
    """
    tried: list[str] = []
    for arch in GPU_ARCHS if wanted == "auto" else (wanted,):
        got, said = _init(arch, cache_folder)
        if got == arch or (wanted == "cpu" and got in ("x64", "arm64")):
            return Device(got, "; ".join([*tried, f"{got} works"]))
        tried.append(f"{arch} does not work here{said}")
    if wanted != "auto":
        raise EffectError(f"{tried[0]}", hint="Take --gpu auto")
    got, _ = _init("cpu", cache_folder)
    return Device(got, "; ".join([*tried, f"{got} instead"]))


def works_on_host() -> bool:
    """Whether kernels run on the processor: they read its memory, and are done when a launch comes back."""
    return ti.lang.impl.current_cfg().arch in (ti.x64, ti.arm64)


def _init(arch: str, cache_folder: str | None) -> tuple[str, str]:
    """The arch that Taichi took (it falls back without an error), and the error where there was one."""
    quiet = io.StringIO()  # it prints what it starts on
    options = {"offline_cache": cache_folder is not None} | ({"offline_cache_file_path": cache_folder} if cache_folder else {})
    os.environ.setdefault("TI_LOG_LEVEL", "error")
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            ti.init(arch=getattr(ti, arch), default_fp=ti.f32, fast_math=False, **options)
        except Exception as error:  # noqa: BLE001 (drivers raise whatever they like)
            return "", f": {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return ti.lang.impl.current_cfg().arch.name, ""
