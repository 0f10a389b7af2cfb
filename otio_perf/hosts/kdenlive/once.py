"""A menu command comes once for each clip that is selected: what was done to a project a moment ago is not done again."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otio_perf import settings
from otio_perf.cache import locks
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError

_SAME_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What was done to a project last. ``lock``: held while something is done to it. ``backups``: what it was before."""

    lock: Path
    note: Path
    backups: Path

    @classmethod
    def of(cls, path: Path) -> Memory:
        """:raises CacheError: there is no place for it"""
        lock = notes_folder() / locks.file_name(str(path))
        return cls(lock, lock.with_suffix(".json"), lock.with_suffix(".backups.json"))

    def has_done(self, wanted: str, data: bytes) -> bool:
        """Was ``wanted`` done just now, and nothing else to the project since?"""
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(self.note.read_text(encoding="utf-8"))
            is_recent = 0 <= time.time() - float(said["at"]) < _SAME_SECONDS
            return is_recent and said["wanted"] == wanted and said["digest"] == digest(data)
        return False

    def keep(self, wanted: str, path: Path) -> None:
        with suppress(OSError):
            text = json.dumps({"wanted": wanted, "digest": digest(path.read_bytes()), "at": time.time()})
            write_whole(self.note, text + "\n")
            for old in self.note.parent.glob(f"{'?' * len(self.note.stem)}.json"):  # of other projects
                if time.time() - old.stat().st_mtime > _SAME_SECONDS:
                    old.unlink()


def notes_folder() -> Path:
    """Where commands leave word for others. :raises CacheError: nothing can be written there"""
    folder = settings.user_cache_folder() / "hosts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        hint = f"Make {folder} a folder that can be written to; otio-perf optimize, prerender and restore go without it"
        raise CacheError(f"cannot be written to: {e.strerror}", path=folder, hint=hint) from e
    return folder


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
