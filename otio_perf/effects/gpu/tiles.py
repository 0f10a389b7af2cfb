"""Where tiles in shared memory are faster than the device's own caches: measured once a kernel and device, and remembered with
the compiled kernels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import taichi as ti

from otio_perf.effects.gpu.runtime import works_on_host

_TRIES = 3

_found: dict[str, bool] = {}
_file: Path | None = None


def remember_in(folder: str | None, device: str) -> None:
    """What was measured on ``device`` before, and from now on, lies in ``folder``; ``None``: nowhere."""
    global _file  # noqa: PLW0603 (a process has one device)
    _found.clear()
    _file = None
    if folder is not None:
        version = ".".join(map(str, ti.__version__))
        name = "".join(c if c.isalnum() else "_" for c in f"{device} {version}")
        _file = Path(folder, f"tiles_{name}.json")
        with suppress(OSError, ValueError):
            _found.update(json.loads(_file.read_text(encoding="utf-8")))


def are_faster(name: str, launch: Callable[[bool], None]) -> bool:
    """Whether the kernel ``name`` is faster with tiles.

    :param launch: it, with tiles or without.
    """
    if works_on_host():
        return False
    if name not in _found:
        without = _seconds(lambda: launch(False))
        try:
            _found[name] = _seconds(lambda: launch(True)) < without
        except RuntimeError:  # the device's compiler does not take it; a device that is lost says so again
            _found[name] = False
        if _file is not None:
            with suppress(OSError):  # it is measured again
                _file.parent.mkdir(parents=True, exist_ok=True)
                _file.write_text(json.dumps(_found, indent=1), encoding="utf-8")
    return _found[name]


def _seconds(launch: Callable[[], None]) -> float:
    """The best of some; the first, which compiles, does not count."""
    launch()
    ti.sync()
    times = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        launch()
        ti.sync()
        times.append(time.perf_counter() - began)
    return min(times)
