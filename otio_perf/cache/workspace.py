"""The workspace: the folder in which proxies and prerenders lie, with what is known about them.

::

    .otio_perf/
    ├── workspace.json   marks the folder as ours: schema version, id
    ├── proxies/         A001_C002_1080p.mov …
    ├── products/        one JSON per product: the truth, from which the index is rebuilt
    ├── renders/         what was prerendered, see ``cache.renders``
    ├── timelines/       which products they play, see ``cache.players``
    ├── analysis/        sidecars of timelines
    ├── index.sqlite     see ``cache.index``
    └── locks/
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from otio_perf.cache import locks, names
from otio_perf.errors import CacheError
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.timing import FrameRange

SCHEMA_VERSION = 1
MARKER = "workspace.json"
_FOLDERS = (
    "proxies",
    "products",
    "analysis",
    "locks",
    "renders",
    "renders/chunks",
    "renders/records",
    "timelines",
)
_WRITER = "writer-"
_ELSEWHERE = "choose another folder with --workspace DIR"


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened workspace. ``id`` stays the same for the life of the folder."""

    root: Path
    id: str

    @classmethod
    def open(cls, root: str | Path) -> Workspace:
        """Open the workspace at ``root``; it is made where it is missing, also by several processes at once.

        :raises CacheError: the folder cannot be made or written, or a newer otio_perf made it.
        """
        root = Path(root).absolute()
        try:
            for folder in _FOLDERS:
                (root / folder).mkdir(parents=True, exist_ok=True)
            with locks.held(root / "locks" / "workspace.lock"):
                return cls(root, _identity(root / MARKER))
        except OSError as e:
            raise CacheError(f"cannot be used as workspace: {e.strerror}", path=root, hint=_ELSEWHERE) from e
        except ValueError as e:  # a null byte in the path
            raise CacheError(f"cannot be used as workspace: {e}", path=root, hint=_ELSEWHERE) from e

    @property
    def proxies(self) -> Path:
        return self.root / "proxies"

    @property
    def renders(self) -> Path:
        return self.root / "renders"

    @property
    def chunks(self) -> Path:
        return self.renders / "chunks"

    @property
    def analysis(self) -> Path:
        return self.root / "analysis"

    def name_for(
        self, source_path: str, recipe: ProxyRecipe, *, key: str, source_range: FrameRange | None = None, taken: names.Taken
    ) -> Path:
        """Where the proxy ``key`` of ``source_path`` goes: ``proxies/A001_C002_1080p.mov``.

        The second product that would get a name which is taken (same source name in another folder, other codec …) gets a
        piece of its key appended; that name is the same in every run.

        :param source_range: for a proxy of a part: its frames appear in the name.
        :param taken: the key of the product that a path belongs to; ``Index.key_at`` and what is planned so far.
        """
        return names.workspace_name(self.proxies, source_path, recipe, key=key, source_range=source_range, taken=taken)

    @contextmanager
    def lock(self, key: str, *, cancelled: Callable[[], bool] | None = None) -> Iterator[None]:
        """One process at a time per ``key``; released by the kernel if its holder dies. :raises TaskCancelledError"""
        with locks.held(self.root / "locks" / locks.file_name(key), cancelled=cancelled):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held while files are being made: tells ``clean_orphans`` of every process that temporary files have an owner."""
        path = self.root / "locks" / f"{_WRITER}{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
        with self.lock("writers"):
            descriptor = locks.acquire(path)
        if descriptor is None:
            raise CacheError("cannot lock", path=path, hint=_ELSEWHERE)
        try:
            yield
        finally:
            locks.release(path, descriptor)

    def clean_orphans(
        self, is_part: Callable[[str], bool], *, beside: Iterable[Path] = (), min_age_seconds: float = 600.0
    ) -> int:
        """Remove temporary files that a killed process left behind; how many there were.

        In the workspace they go when no process is writing into this workspace (see ``writing``). In the folders ``beside``,
        where another workspace may be at work, when nothing was written to them for ``min_age_seconds``.

        :param is_part: whether a file name is a temporary one (``media.publish.is_part``).
        """
        removed = sum(map(_remove, self.dead_parts(is_part)))
        oldest = time.time() - min_age_seconds
        for folder in beside:
            removed += sum(_remove(p) for p in _files(folder, is_part) if _modified(p) < oldest)
        return removed

    def dead_parts(self, is_part: Callable[[str], bool]) -> tuple[Path, ...]:
        """Temporary files in the workspace that nobody is writing any more; none while any process writes into it."""

        def is_wanted(name: str) -> bool:
            return is_part(name) or _is_temporary(name)

        with self.lock("writers"):
            if self._sweep_locks():
                return ()
            return tuple(p for folder in _FOLDERS for p in sorted(_files(self.root / folder, is_wanted)))

    def _sweep_locks(self) -> bool:
        """Remove lock files whose owner was killed; whether a living process is writing."""
        is_written = False
        for path in (self.root / "locks").glob("*.lock"):
            descriptor = locks.acquire(path)
            if descriptor is not None:
                locks.release(path, descriptor)
            elif path.name.startswith(_WRITER):
                is_written = True
        return is_written


def write_whole(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a small file so that readers see the old or the new one, also after a power failure. :raises OSError

    :param mode: its permissions, from its first byte on; ``None``: as new files have them
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")  # as _is_temporary knows it
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode & 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as f:
            if mode is not None:
                temporary.chmod(mode)
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
    except OSError:
        _remove(temporary)
        raise


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def _identity(marker: Path) -> str:
    """The id in the marker file; written where it is missing or damaged (the folder's content speaks for itself)."""
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
        version, identity = content["schema_version"], str(content["id"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        identity = uuid.uuid4().hex
        write_whole(marker, json.dumps({"schema_version": SCHEMA_VERSION, "id": identity}) + "\n")
        return identity
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise CacheError("this workspace was made by a newer otio-perf", path=marker.parent, hint=f"update it, or {_ELSEWHERE}")
    return identity


def _files(folder: Path, is_wanted: Callable[[str], bool]) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if is_wanted(p.name)]
    except OSError:
        return []


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False  # gone, or still open on Windows: the next run tries again
    return True
