"""The result of work on a copy in the place of the project, where nobody has touched that since; and Kdenlive shown it."""

from __future__ import annotations

import itertools
import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.errors import HostBusyError, HostError, HostGoneError, UnwritableTimelineError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import reads
from otio_perf.hosts.kdenlive.bus import REVERT, Bus
from otio_perf.hosts.kdenlive.documents import OpenDocument, chosen, document_of, name_in, open_documents
from otio_perf.model.hosts import Applied, HostReport
from otio_perf.timeline.appearing import appearing, write_bytes

_SUFFIX = ".kdenlive"
#: Kdenlive reads a project of thousands of clips for so long.
_REVERT_SECONDS, _SETTLE_SECONDS, _LOOK_SECONDS = 120.0, 5.0, 0.25
#: What it means that nothing was changed.
_IDLE = {
    "optimize": "nothing was to be done: no medium needs a proxy here that it has not got",
    "prerender": "nothing was to be rendered ahead",
    "restore": "it has nothing of ours",
}


class _ChangedError(Exception):
    """Somebody was faster. The argument says what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``before``: the project at ``path`` as it was read. ``is_named``: the user said which; else it was found out.
    ``reads_are_noted``: by its file system."""

    what: str
    path: Path
    before: bytes
    is_named: bool
    reads_are_noted: bool


def put(job: Job, bus: Bus | None, home: Home, document: OpenDocument | None, result: Path) -> HostReport:
    """Bring ``result`` into the place of the project, as far as nobody has touched it since it was read.

    :raises HostError: Kdenlive has another project open than was found out; this one is as it was
    """
    path, before, what = job.path, job.before, job.what
    report = HostReport(host="kdenlive", what=what, project=str(path), state=Applied.UNCHANGED, message=_IDLE[what])
    try:
        after = result.read_bytes()
    except OSError as e:
        raise UnwritableTimelineError("was moved while it was worked on", path=path, hint="Run the command again") from e
    try:
        if bus is None:
            if after == before:
                return report
            kept = _kept(path, result)
            message = f"Kdenlive cannot be told of it here: close the project there, and open {kept.name}"
            return replace(report, state=Applied.BESIDE, message=message, written=str(kept))
        document = _current(bus, home, document, path)
        shown = "" if document is None else str(document)
        _require_untouched(document, path, before)
        if after == before:
            return replace(report, program=shown)
        backup = _backup(path, before)
        with appearing(path, _SUFFIX) as partial:
            write_bytes(partial, after)
            with suppress(OSError):
                partial.chmod(path.stat().st_mode & 0o777)
            _require_untouched(document, path, before)
    except _ChangedError as e:
        kept = _kept(path, result)
        message = f"{e}: your version is untouched, and what was made is in {kept.name}. Run the command again for the new one"
        return replace(report, state=Applied.KEPT, message=message, written=str(kept))
    report = replace(report, written=str(path), backup=str(backup), program=shown)
    if document is None:
        return replace(report, state=Applied.ON_DISK, message="is changed; no Kdenlive has it open")
    reads.mark(path)
    found = _shown(report, document)
    if found.state is Applied.APPLIED and job.reads_are_noted and not reads.was_read(path):
        return _of_another(job, found, after)
    if read(path) != after:
        return replace(found, state=Applied.KEPT, message="Kdenlive saved its own version over it", written="")
    return found


def _of_another(job: Job, report: HostReport, after: bytes) -> HostReport:
    """Kdenlive was told to read its project anew, and has not read this file: its project is another of the same name.

    :raises HostError: this one was not named by the user; it is put back
    """
    said = f"{report.program} has another project of that name open"
    if job.is_named:
        return replace(report, state=Applied.ON_DISK, message=f"is changed; {said}", program="")
    if read(job.path) == after:
        with appearing(job.path, _SUFFIX) as partial:
            write_bytes(partial, job.before)
    raise HostError(f"{said}; nothing was changed", path=job.path, hint="Say --project FILE")


def _current(bus: Bus, home: Home, document: OpenDocument | None, path: Path) -> OpenDocument | None:
    """Who has the project open by now: the same program, another, or none.

    :raises _ChangedError: it cannot be told
    """
    try:
        if document is not None and document.program.is_there():
            now = document_of(document.program, home)
            if now is None:
                raise _ChangedError(f"{document} opens another project")
            if now.name == document.name:
                return now
        return chosen(open_documents(bus, home), project=path, pid=None)
    except HostGoneError:
        return chosen(open_documents(bus, home), project=path, pid=None)
    except HostBusyError:
        raise _ChangedError(f"{document or 'Kdenlive'} does not answer") from None
    except HostError as e:
        raise _ChangedError(e.message) from None


def _require_untouched(document: OpenDocument | None, path: Path, before: bytes) -> None:
    """:raises _ChangedError: the file is another than ``before``, or the document has changes"""
    try:
        if path.read_bytes() != before:
            raise _ChangedError("the project was saved while it was worked on")
    except OSError:
        raise _ChangedError("the project was moved while it was worked on") from None
    if document is not None:
        try:
            if document.program.is_modified():
                raise _ChangedError("the project was edited while it was worked on")
        except HostGoneError:
            return  # nobody has it open any more
        except HostBusyError:
            raise _ChangedError(f"{document} does not answer") from None


def _shown(report: HostReport, document: OpenDocument) -> HostReport:
    """Have Kdenlive read its project anew, and see that it did."""
    told = replace(report, state=Applied.ON_DISK, message="is changed, and Kdenlive was closed meanwhile")
    asks = "is changed; Kdenlive has not shown it yet: answer what it asks, or use File ▸ Revert"
    try:
        try:
            document.program.do(REVERT, seconds=_REVERT_SECONDS)
        except HostBusyError:
            return replace(told, message=asks)
        until, steady = time.monotonic() + _SETTLE_SECONDS, 0
        while steady < 2:
            time.sleep(_LOOK_SECONDS)
            is_there = name_in(document.program.title()) == document.name and not document.program.is_modified()
            steady = steady + 1 if is_there else 0
            if time.monotonic() > until and not is_there:
                return replace(told, message=asks)
    except HostGoneError:
        return told
    except HostBusyError:
        return replace(told, message=asks)
    return replace(told, state=Applied.APPLIED, message="Kdenlive shows it")


def _backup(path: Path, data: bytes) -> Path:
    """A copy of what is about to be replaced; one of the same content that is there already serves.

    :raises UnwritableTimelineError, DiskFullError
    """
    for number in itertools.count(1):
        backup = path.with_name(f"{path.stem}.before-otio_perf{f'-{number}' if number > 1 else ''}{_SUFFIX}")
        if not os.path.lexists(backup):
            break
        with suppress(OSError):
            if not backup.is_symlink() and backup.read_bytes() == data:
                return backup
    with appearing(backup, _SUFFIX) as partial:
        write_bytes(partial, data)
    return backup


def _kept(path: Path, result: Path) -> Path:
    """``result`` under a name of its own beside the project. :raises UnwritableTimelineError"""
    names = (path.with_name(f"{path.stem}.perf{number if number > 1 else ''}{_SUFFIX}") for number in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    try:
        return result.rename(kept)
    except OSError as e:
        raise UnwritableTimelineError(f"cannot be written: {e.strerror}", path=kept, hint="Run the command again") from e


def read(path: Path) -> bytes:
    """:raises HostError"""
    try:
        return path.read_bytes()
    except OSError as e:
        raise HostError(f"cannot be read: {e.strerror}", path=path, hint="Is its folder still there?") from e
