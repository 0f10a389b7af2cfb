"""Where tiles in shared memory are faster than the device's own caches: measured once a kernel and device, and remembered with
the compiled kernels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import taichi as ti
from numpy.typing import NDArray

from otio_perf.effects.gpu.runtime import works_on_host

#: Of smaller pictures the launches themselves are most of the time: nothing is measured, and tiles are left.
LEAST_PIXELS = 1 << 19
_TRIES = 3
#: Largest difference of a value, both ways doing the same additions.
_SAME = 1e-5

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


def are_faster(name: str, launch: Callable[[bool], Any]) -> bool:
    """Whether the kernel ``name`` is faster with tiles, and does the same.

    :param launch: it, with tiles or without; what comes back has its picture.
    """
    if works_on_host():
        return False
    if name not in _found:
        without, wanted = _seconds(launch, False)
        try:
            with_them, found = _seconds(launch, True)
            _found[name] = bool(with_them < without and np.abs(found - wanted).max() <= _SAME)
        except RuntimeError:  # the device's compiler does not take it; a device that is lost says so again
            _found[name] = False
        if _file is not None:
            with suppress(OSError):  # it is measured again
                _file.parent.mkdir(parents=True, exist_ok=True)
                _file.write_text(json.dumps(_found, indent=1), encoding="utf-8")
    return _found[name]


def _seconds(launch: Callable[[bool], Any], in_tiles: bool) -> tuple[float, NDArray[Any]]:
    """The best of some, and the picture; the first, which compiles, does not count."""
    picture = launch(in_tiles).to_numpy()
    times = []
    for _ in range(_TRIES):
        ti.sync()
        began = time.perf_counter()
        launch(in_tiles)
        ti.sync()
        times.append(time.perf_counter() - began)
    return min(times), picture
