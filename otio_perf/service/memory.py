"""What a service follows, kept in its workspace for the next one: timelines with the frames pinned in each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError

_FILE = "followed.json"
_VERSION = 1

Pins = tuple[tuple[int, int], ...]


def recall(workspace: Path) -> dict[Path, Pins]:
    """Timelines that the last service followed, in its order, where they still are. What cannot be read counts as nothing."""
    found: dict[Path, Pins] = {}
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        said = json.loads((workspace / _FILE).read_text(encoding="utf-8"))
        if said["version"] == _VERSION:
            for row in said["timelines"]:
                path = Path(row["path"])
                if path.exists():
                    found[path] = tuple((int(start), int(stop)) for start, stop in row["pins"])
    return found


def remember(workspace: Path, followed: Iterable[tuple[Path, Pins]]) -> None:
    """:raises CacheError: it cannot be written"""
    rows = [{"path": str(path), "pins": pins} for path, pins in followed]
    try:
        write_whole(workspace / _FILE, json.dumps({"version": _VERSION, "timelines": rows}) + "\n")
    except OSError as e:
        raise CacheError(f"cannot be written: {e.strerror}", path=workspace / _FILE) from e
