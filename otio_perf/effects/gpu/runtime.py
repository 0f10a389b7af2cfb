"""Taichi on one device of one arch.

One process has one device, and ``start`` must be called on its main thread before any kernel. Which device it is, is said from
outside, by ``CUDA_VISIBLE_DEVICES`` or ``TI_VISIBLE_DEVICE``.
"""

from __future__ import annotations

import contextlib
import io
import os
from functools import cache

import taichi as ti

from otio_perf.errors import EffectError

#: What Taichi falls back to without a word, by the name that it is asked for.
_HOST = {"cpu": ("x64", "arm64")}


@cache
def start(arch: str, cache_folder: str | None = None) -> None:
    """Initialise Taichi. ``"cpu"`` is the processor: the same kernels, more slowly than our own engine there.

    :param cache_folder: where compiled kernels are kept; ``None``: nowhere.
    :raises EffectError: the arch does not work here.
    """
    got, said = _init(arch, cache_folder)
    if got not in _HOST.get(arch, (arch,)):
        raise EffectError(f"{arch} does not work here{said}", hint="Take --gpu auto")


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
