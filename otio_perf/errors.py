"""The whole error tree.

::

    OtioPerfError
    ├── SettingsError (ValueError)            exit 2   a setting, flag or argument is unusable
    ├── TimelineError                         exit 3   a timeline cannot be used
    │   ├── UnreadableTimelineError                    not there, not a timeline, damaged
    │   ├── UnsupportedSchemaError                     a schema this OpenTimelineIO does not know
    │   ├── HostileTimelineError                       too deep, too large, refers to itself
    │   ├── LossyTimelineError                         the format cannot hold what would be written
    │   └── UnwritableTimelineError       exit 5       the output cannot be written there
    ├── MediaError                            exit 4   one medium cannot be used
    │   ├── OfflineMediaError (FileNotFoundError)      the file is not there
    │   ├── CorruptMediaError                          opens or decodes wrongly, or too few frames
    │   ├── UnsupportedMediaError                      FFmpeg cannot decode it (camera RAW, unknown codec)
    │   ├── RefusedMediaError                          must not be opened (URL, device, playlist, encrypted)
    │   ├── EncodeError                                the proxy could not be written
    │   ├── StillError                    exit 5       the picture could not be written
    │   └── ContractError                              the finished proxy differs from its source
    ├── EffectError (ValueError)              exit 5   an effect that is not there, or cannot take a value
    ├── CacheError                            exit 5
    │   ├── CorruptCacheError                          index damaged beyond repair
    │   └── DiskFullError (OSError)                    no room for what was asked
    ├── TaskError                             exit 5
    │   ├── TaskCancelledError            exit 130         stopped by the user
    │   └── WorkerLostError                            the process that did the work died or hung
    ├── ServiceError                               the background service cannot do what was asked
    │   ├── ServiceRunningError           exit 2       another one has this workspace
    │   ├── NoServiceError                exit 2       none is running
    │   └── UnknownIdError (LookupError)               no timeline, folder, medium or task is called so
    ├── HostError                         exit 5   an editing program cannot be found, installed into, or told of it
    │   ├── HostBusyError                              its document is modified, a dialog is open, it does not answer
    │   └── HostGoneError                              it was closed in the meantime
    ├── OutputError                       exit 5, or 4 where something was made: the answer cannot be written
    └── MissingDependencyError (ImportError)  exit 2   an optional package is not installed

Every error says what happened, to which file, and what to do, in one line. The data is kept in attributes
(``message``, ``path``, ``hint``) so that reports and the API need not parse text.
"""

from __future__ import annotations

import os
from typing import Any


def printable(text: object) -> str:
    """``text`` on one line: control characters and undecodable bytes are escaped, nothing else changes."""
    raw = os.fsdecode(text) if isinstance(text, (bytes, os.PathLike)) else str(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in raw)


class OtioPerfError(Exception):
    """Base of all errors of this package.

    :param message: what happened, one clause, no full stop.
    :param path: the file (or URL) it happened to.
    :param hint: what the user can do about it.
    """

    exit_code = 5

    def __init__(self, message: str, *, path: object = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = None if path is None else os.fsdecode(path) if isinstance(path, bytes) else str(path)
        self.hint = hint

    def __str__(self) -> str:
        head = f"{printable(self.path)}: " if self.path else ""
        tail = f". {printable(self.hint)}" if self.hint else ""
        return f"{head}{printable(self.message)}{tail}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.path, self.hint)


def _rebuild(cls: type[OtioPerfError], message: str, path: str | None, hint: str | None) -> OtioPerfError:
    return cls(message, path=path, hint=hint)


class SettingsError(OtioPerfError, ValueError):
    exit_code = 2


class MissingDependencyError(OtioPerfError, ImportError):
    exit_code = 2


class TimelineError(OtioPerfError):
    exit_code = 3


class UnreadableTimelineError(TimelineError):
    pass


class UnsupportedSchemaError(TimelineError):
    pass


class HostileTimelineError(TimelineError, ValueError):
    pass


class LossyTimelineError(TimelineError):
    pass


class UnwritableTimelineError(TimelineError):
    exit_code = 5


class MediaError(OtioPerfError):
    exit_code = 4


class OfflineMediaError(MediaError, FileNotFoundError):
    pass


class CorruptMediaError(MediaError):
    pass


class UnsupportedMediaError(MediaError):
    pass


class RefusedMediaError(MediaError, PermissionError):
    pass


class EncodeError(MediaError):
    pass


class StillError(MediaError):
    exit_code = 5


class ContractError(MediaError):
    pass


class EffectError(OtioPerfError, ValueError):
    """An effect that does not exist, a value that it cannot take, or an engine that was demanded and is not there."""


class CacheError(OtioPerfError):
    pass


class CorruptCacheError(CacheError):
    pass


class DiskFullError(CacheError, OSError):
    pass


class TaskError(OtioPerfError):
    pass


class TaskCancelledError(TaskError):
    exit_code = 130


class WorkerLostError(TaskError):
    pass


class ServiceError(OtioPerfError):
    pass


class ServiceRunningError(ServiceError):
    exit_code = 2


class NoServiceError(ServiceError):
    exit_code = 2


class BusyError(ServiceError):
    """More was asked than is worked off, or it took too long."""


class UnknownIdError(ServiceError, LookupError):
    pass


class HostError(OtioPerfError):
    pass


class HostBusyError(HostError):
    """A program has the document open and must not be disturbed now. Nothing was done."""


class HostGoneError(HostError):
    pass


class OutputError(OtioPerfError):
    pass


def by_name(name: str) -> type[OtioPerfError]:
    """The error class called ``name``; ``OtioPerfError`` if there is none (used where errors cross a process)."""
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, OtioPerfError) else OtioPerfError
