"""Which workspaces there are: a short list in the user's cache folder, the one used last first.

It is a hint and nothing hangs on it: where it cannot be read or written, a run goes on without. Workspaces that are not there
(deleted, on a disk that is not here) fall out of it, and come back when they are used again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from otio_perf.cache import locks
from otio_perf.cache.workspace import MARKER, write_whole
from otio_perf.errors import CacheError

_VERSION = 1
_MOST = 64
_MOST_BYTES = 1 << 20
_WAIT_SECONDS = 0.5


def recall(file: Path) -> tuple[Path, ...]:
    """Roots of the workspaces that ``file`` lists and that are there."""
    return tuple(root for root in map(Path, _listed(file)) if _is_there(root))


def remember(file: Path, root: Path) -> None:
    """Put the workspace at ``root`` first; of too many, those that were not used for longest are forgotten."""
    with suppress(OSError, ValueError, CacheError):
        if _listed(file)[:1] == [str(root)]:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file.with_suffix(".lock")):
            others = [str(other) for other in recall(file) if other != root]
            roots = [str(root), *others][:_MOST]
            write_whole(file, json.dumps({"schema_version": _VERSION, "workspaces": roots}) + "\n")


def _listed(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8") as stream:
            found = json.loads(stream.read(_MOST_BYTES))
        roots = found["workspaces"] if found["schema_version"] == _VERSION else []
        return [root for root in roots if isinstance(root, str)][:_MOST]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []


def _is_there(root: Path) -> bool:
    try:
        return root.is_absolute() and (root / MARKER).is_file()
    except (OSError, ValueError):
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """So that of two runs at once none is forgotten; not waited for at any cost."""
    until = time.monotonic() + _WAIT_SECONDS
    while (descriptor := locks.acquire(path)) is None and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield
    finally:
        if descriptor is not None:
            locks.release(path, descriptor)
