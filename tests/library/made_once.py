"""What several processes of a test run need is made by one of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from otio_perf.cache import locks


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """``folder``, filled by ``make`` if that was not done yet. Others wait meanwhile; what fails is tried again by them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locks.held(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder
