"""Timelines that are saved by whatever program: truncated and written, written beside and renamed, deleted and made anew.

Each is looked at ten times a second, by its own name: locks, backups and autosaves beside it are nobody's business, and there
is no kind of file system and no limit of watches that this would not work with. A look costs two microseconds; a thousand
of them cost less than one event of the kernel's that must be understood (it may come late, too: of a file that is moved away,
watchdog waits half a second for where it went).
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_LOOK_SECONDS = 0.1
#: Unchanged for so long, a file that looks whole is whole.
_QUIET_SECONDS = 0.1
#: So long a file that looks cut off, or is not there, may be in the midst of being saved.
_PATIENCE_SECONDS = 2.0
#: Larger ones (bundles with their media) are told by size and time, not by what is in them.
_READ_BYTES = 256 << 20
_ROOT_ELEMENT = re.compile(rb"<([A-Za-z_][\w:.-]*)")
_XML_SUFFIXES = frozenset({".xml", ".fcpxml", ".kdenlive", ".mlt", ".xges"})
_JSON_SUFFIXES = frozenset({".otio", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """There is new content, and it is whole (or has been cut off for two seconds: its reader will say so)."""

    path: str
    saved_at: float  # seconds since the epoch, as the file says


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """For two seconds there has been no file. It may come back: then it is told as saved."""

    path: str


TimelineEvent = Saved | Missing
_Identity = tuple[int, int, int, int]


@dataclass(slots=True)
class _Followed:
    file: Path  # that is looked at: in an .otiod, what is in it
    identity: _Identity | None = None
    since: float = 0.0  # by the monotonic clock: unchanged since then
    is_pending: bool = True  # changed, and not told yet
    told: bytes | None = None  # digest of the content that was told last


class TimelineWatch:
    """Tells ``listener`` of every save of ``paths``, once, within 0.3 s after the file is whole; what is there at first, too.

    The same bytes saved again are no save. ``listener`` is called in the watch's own thread, and must not raise.
    """

    def __init__(self, paths: Iterable[str | Path], listener: Callable[[TimelineEvent], None]) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._followed: dict[str, _Followed] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otio-perf timelines", daemon=True)
        for path in paths:
            self.add(path)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """No event comes after it, unless it is called by the listener."""
        self._closing.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> TimelineWatch:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def add(self, path: str | Path) -> None:
        """Follow ``path``, there already or not; events name it as it is written here, made absolute."""
        absolute = Path(path).absolute()
        file = absolute / "content.otio" if absolute.suffix.lower() == ".otiod" else absolute
        with self._lock:
            self._followed.setdefault(str(absolute), _Followed(file, since=time.monotonic()))

    def remove(self, path: str | Path) -> None:
        with self._lock:
            self._followed.pop(str(Path(path).absolute()), None)

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            with self._lock:
                followed = tuple(self._followed.items())
            for path, one in followed:
                event = _look(path, one, time.monotonic())
                if event is None or self._closing.is_set():
                    continue
                with self._lock:
                    is_followed = self._followed.get(path) is one
                if is_followed:
                    self._listener(event)


def _look(path: str, one: _Followed, now: float) -> TimelineEvent | None:
    status = _status(one.file)
    identity = _identity(status)
    if identity != one.identity:
        one.identity, one.since, one.is_pending = identity, now, True
    if not one.is_pending:
        return None
    quiet = now - one.since
    if status is None:
        if quiet < _PATIENCE_SECONDS:
            return None
        one.is_pending, one.told = False, None
        return Missing(path=path)
    if quiet < _QUIET_SECONDS:
        return None
    content, is_whole = _content(one.file, status)
    if not is_whole and quiet < _PATIENCE_SECONDS:
        return None
    if _identity(_status(one.file)) != identity:
        return None  # written while it was read: the next look begins anew
    one.is_pending = False
    if content == one.told:
        return None
    one.told = content
    return Saved(path=path, saved_at=status.st_mtime)


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except (OSError, ValueError):
        return None


def _identity(status: os.stat_result | None) -> _Identity | None:
    return None if status is None else (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _content(file: Path, status: os.stat_result) -> tuple[bytes, bool]:
    """What tells this content from another, and whether it looks whole."""
    by_time = repr((status.st_size, status.st_mtime_ns)).encode()
    suffix = file.suffix.lower()
    if suffix == ".otioz":
        return by_time, zipfile.is_zipfile(file)
    if status.st_size > _READ_BYTES or not os.path.isfile(file):  # noqa: PTH113 - a FIFO must not be opened
        return by_time, True
    try:
        data = file.read_bytes()
    except OSError:
        return by_time, False  # being replaced, or locked by the program that saves it
    if len(data) != status.st_size:
        return by_time, False
    return hashlib.blake2b(data, digest_size=16).digest(), _is_whole(data, suffix)


def _is_whole(data: bytes, suffix: str) -> bool:
    """Does text of this kind end where it should? No parser: a name with a lone bracket in it costs two seconds, no more."""
    if suffix in _JSON_SUFFIXES:
        return data.rstrip().endswith((b"}", b"]")) and all(
            data.count(before) == data.count(after) for before, after in ((b"{", b"}"), (b"[", b"]"))
        )
    if suffix in _XML_SUFFIXES:
        root = _ROOT_ELEMENT.search(data)
        return root is not None and data.rstrip().endswith(b"</" + root[1] + b">")
    return bool(data)
