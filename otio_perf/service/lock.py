"""One service a workspace: who holds the lock says in a file beside it where it listens.

The kernel holds the lock, so that it is free again when its holder is killed, and no process id that another program got by
then is taken for a service. What the file says counts only while the lock is held.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from otio_perf.cache import locks
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError, NoServiceError, ServiceRunningError
from otio_perf.model import wire
from otio_perf.service.identity import identity
from otio_perf.settings import user_cache_folder

_LOCK = "service.lock"
_FILE = "service.json"
_FILE_VERSION = 1
#: Whoever tidies the locks of a workspace up holds each for a moment; a service holds its own for long.
_MOMENT_SECONDS = 0.5
#: From taking the lock to listening, at most: until then its file says nothing of the address.
_STARTING_SECONDS = 5.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service listens: ``url`` of its HTTP API, ``None``: it has none (yet); ``token_file`` holds what opens it."""

    pid: int
    url: str | None = None
    token_file: str | None = None


class ServiceLock:
    """Held for the life of a service. :raises ServiceRunningError: another one has ``workspace``; says where it listens"""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self._path = workspace / "locks" / _LOCK
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquired(self._path)
        if descriptor is None:
            found = _read(workspace)
            where = "it is just starting" if found is None else found.url or f"process {found.pid}"
            raise ServiceRunningError(
                f"a service is running for this workspace already: {where}",
                path=workspace,
                hint="Use that one, stop it, or name another folder with --workspace DIR",
            )
        self._descriptor = descriptor
        try:
            self.announce(url=None, token_file=None)
        except CacheError:
            locks.release(self._path, descriptor)
            raise

    def announce(self, *, url: str | None, token_file: Path | None) -> None:
        """Say where it listens. :raises CacheError: the file cannot be written"""
        self.address = Address(pid=os.getpid(), url=url, token_file=None if token_file is None else str(token_file))
        try:
            text = json.dumps({"version": _FILE_VERSION, **asdict(self.address)}) + "\n"
            write_whole(self.workspace / _FILE, text, mode=0o600)
        except OSError as e:
            raise CacheError(f"cannot be written: {e.strerror}", path=self.workspace / _FILE) from e

    @property
    def is_current(self) -> bool:
        """Is the lock that is held still the one on disk? Not, where the workspace was removed or replaced."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def close(self) -> None:
        if self.is_current:  # else the file is somebody else's
            with suppress(OSError):
                (self.workspace / _FILE).unlink()
            locks.release(self._path, self._descriptor)
        else:
            with suppress(OSError):
                os.close(self._descriptor)

    def __enter__(self) -> ServiceLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def token_file(workspace: Path) -> Path:
    """Of its service. In the user's own folder: the workspace may lie on a disk that has no owners, or many."""
    return user_cache_folder() / "tokens" / f"{identity(workspace)}.token"


def may_run(workspace: Path) -> bool:
    """Is there any sign of a service? A look at one file; one that was killed leaves it behind."""
    return (workspace / _FILE).exists()


def is_own(workspace: Path) -> bool:
    """Did this user's service write where it listens? (Where files have owners.)"""
    try:
        return not hasattr(os, "getuid") or (workspace / _FILE).stat().st_uid == os.getuid()
    except OSError:
        return False


def address_of(workspace: Path) -> Address:
    """Where the service of ``workspace`` listens; waits for one that is just starting.

    :raises NoServiceError: none is running
    """
    deadline = time.monotonic() + _STARTING_SECONDS
    while _is_held(workspace):
        found = _read(workspace)
        if (found is not None and found.url is not None) or time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    else:
        found = None
    if found is None:
        raise NoServiceError("no service is running for this workspace", path=workspace, hint="Start one with: otio-perf serve")
    return found


def _is_held(workspace: Path) -> bool:
    path = workspace / "locks" / _LOCK
    if not path.exists():
        return False
    descriptor = locks.acquire(path)
    if descriptor is None:
        return True
    locks.release(path, descriptor)
    return False


def _acquired(path: Path) -> int | None:
    """The lock, or ``None`` where it is held for longer than a moment."""
    deadline = time.monotonic() + _MOMENT_SECONDS
    while (descriptor := locks.acquire(path)) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return descriptor


def _read(workspace: Path) -> Address | None:
    """``None``: there is no such file, or not one of this version."""
    try:
        said = json.loads((workspace / _FILE).read_text(encoding="utf-8"))
        if said.pop("version") != _FILE_VERSION:
            return None
        found: Address = wire.from_json(Address, said)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found
