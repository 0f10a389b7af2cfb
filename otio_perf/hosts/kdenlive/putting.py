"""The result of work on a copy in the place of the project, where nobody has touched that since; and Kdenlive shown it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.errors import DiskFullError, HostBusyError, HostError, HostGoneError, UnwritableTimelineError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import backups, reads
from otio_perf.hosts.kdenlive.bus import REVERT, Bus
from otio_perf.hosts.kdenlive.documents import OpenDocument, document_of, meant, name_in
from otio_perf.model.hosts import Applied, HostReport
from otio_perf.timeline.appearing import appearing, write_bytes
from otio_perf.timeline.mlt.project import KDENLIVE
from otio_perf.timeline.stamp import without_mark

#: Number, time, size.
Signature = tuple[int, int, int]

#: Kdenlive reads a project of thousands of clips for so long.
_REVERT_SECONDS, _SETTLE_SECONDS, _LOOK_SECONDS = 120.0, 5.0, 0.25


class _ChangedError(Exception):
    """Somebody was faster. The argument says what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``before``: the project at ``path`` as it was read, ``seen``: its mode and times then. ``is_named``: the user said which;
    else it was found out. ``reads_are_noted``: by its file system. ``backups``: our record of what it was before. ``idle``:
    what is said where the project needs no change."""

    what: str
    idle: str
    path: Path
    before: bytes
    seen: os.stat_result
    is_named: bool
    reads_are_noted: bool
    backups: Path

    @property
    def mode(self) -> int:
        return self.seen.st_mode & 0o777

    def changes_nothing(self, after: bytes) -> bool:
        """Is our mark the only difference? For that alone no project is read anew: Kdenlive would forget what can be undone."""
        return without_mark(after) == without_mark(self.before)


def put(job: Job, bus: Bus | None, home: Home, document: OpenDocument | None, result: Path) -> HostReport:
    """Bring ``result`` into the place of the project, as far as nobody has touched it since it was read.

    :raises HostError: Kdenlive has another project open than was found out; this one is as it was
    """
    path = job.path
    report = HostReport(host="kdenlive", what=job.what, project=str(path), state=Applied.UNCHANGED, message=job.idle)
    try:
        if result.is_symlink():
            raise HostError("somebody put a link in the place of our copy", path=result, hint="Who may write to this folder?")
        result.chmod(job.mode)
        after = result.read_bytes()
    except OSError as e:
        raise UnwritableTimelineError("was moved while it was worked on", path=path, hint="Run the command again") from e
    if bus is None:
        if job.changes_nothing(after):
            return report
        kept = _kept(path, result)
        message = f"Kdenlive cannot be told of it here: close the project there, and open {kept.name}"
        return replace(report, state=Applied.BESIDE, message=message, written=str(kept))
    try:
        return _put(job, report, after, _current(bus, home, document, path))
    except _ChangedError as e:
        kept = _kept(path, result)
        message = f"{e}: your version is untouched, and what was made is in {kept.name}. Run the command again for the new one"
        return replace(report, state=Applied.KEPT, message=message, written=str(kept))


def _put(job: Job, report: HostReport, after: bytes, document: OpenDocument | None) -> HostReport:
    """:raises _ChangedError: somebody was faster. The file is his. :raises HostError: it is another document; as ``put``"""
    path = job.path
    report = replace(report, program="" if document is None else str(document))
    _require_untouched(document, path, job.before)
    if job.changes_nothing(after):
        return report
    with _beside(path, job.what):
        backup = backups.keep(path, job.before, job.mode, job.backups)
    with _beside(path, job.what), appearing(path, KDENLIVE) as partial:
        write_bytes(partial, after, mode=job.mode)
        if document is not None and job.reads_are_noted:
            reads.mark(partial)
        ours = signature(partial)
        _require_untouched(document, path, job.before)
    report = replace(report, state=Applied.ON_DISK, written=str(path), backup=str(backup))
    if document is None:
        return replace(report, message="is changed; no Kdenlive has it open")
    try:
        found = _shown(report, document, path, ours)
        if found.state is Applied.APPLIED and job.reads_are_noted and not reads.was_read(path):
            return _of_another(job, found, after)
        if read(path)[0] != after:
            raise _ChangedError("Kdenlive saved its own version over it")
        return found
    finally:
        reads.unmark(path)


@contextmanager
def _beside(path: Path, what: str) -> Iterator[None]:
    """Files appear there. :raises UnwritableTimelineError: with the way out"""
    try:
        yield
    except (UnwritableTimelineError, OSError) as e:
        if isinstance(e, DiskFullError):
            raise
        reason = e.message if isinstance(e, UnwritableTimelineError) else f"cannot be written ({e.strerror})"
        raise UnwritableTimelineError(
            f"{reason}; your project is as it was", path=getattr(e, "path", None) or path, hint=way_out(path, what)
        ) from e


def way_out(path: Path, what: str) -> str:
    """Of who cannot write where his project is."""
    instead = {
        "optimize": "otio-perf host place kdenlive gives Kdenlive proxies without changing a project",
        "prerender": f"otio-perf prerender {path.name} -o FILE writes it elsewhere",
        "restore": f"otio-perf restore {path.name} -o FILE writes it elsewhere",
    }
    return f"Make {path.parent} writable, where what it was before is kept, too; or {instead[what]}"


def _of_another(job: Job, report: HostReport, after: bytes) -> HostReport:
    """Kdenlive was told to read its project anew, and has not read this file: its project is another of the same name.

    :raises HostError: this one was not named by the user; it is put back
    """
    said = f"{report.program} has another project of that name open"
    if job.is_named:
        return replace(report, state=Applied.ON_DISK, message=f"is changed; {said}", program="")
    with suppress(_ChangedError), appearing(job.path, KDENLIVE) as partial:
        write_bytes(partial, job.before, mode=job.mode)
        os.utime(partial, ns=(job.seen.st_atime_ns, job.seen.st_mtime_ns))
        _require_untouched(None, job.path, after)
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
        return meant(bus, home, project=path, pid=None)
    except HostGoneError:
        return meant(bus, home, project=path, pid=None)
    except HostBusyError:
        raise _ChangedError(f"{document or 'Kdenlive'} does not answer") from None
    except HostError as e:
        raise _ChangedError(e.message) from None


def _require_untouched(document: OpenDocument | None, path: Path, before: bytes) -> None:
    """The file is looked at last: Kdenlive answers nothing while it saves, and has saved when it answers.

    :raises _ChangedError: the file is another than ``before``, or the document has changes
    """
    if document is not None:
        try:
            if document.program.is_modified():
                raise _ChangedError("the project was edited while it was worked on")
        except HostGoneError:
            pass  # nobody has it open any more
        except HostBusyError:
            raise _ChangedError(f"{document} does not answer") from None
    try:
        is_same = path.read_bytes() == before
    except OSError:
        raise _ChangedError("the project was moved while it was worked on") from None
    if not is_same:
        raise _ChangedError("the project was saved while it was worked on")


def _shown(report: HostReport, document: OpenDocument, path: Path, ours: Signature) -> HostReport:
    """Have Kdenlive read its project anew, and see that it did.

    :raises _ChangedError: it has saved another version since
    """
    asks = "is changed; Kdenlive has not shown it yet: answer what it asks, or use File ▸ Revert"
    edited = "is changed on disk; you have edited since: save what you see, or File ▸ Revert shows the file without these edits"
    try:
        if document.program.is_modified():
            return replace(report, message=edited)
        if signature(path) != ours:
            raise _ChangedError("Kdenlive saved its own version over it")
        document.program.do(REVERT, seconds=_REVERT_SECONDS)
        until, steady = time.monotonic() + _SETTLE_SECONDS, 0
        while steady < 2:
            time.sleep(_LOOK_SECONDS)
            is_there = name_in(document.program.title()) == document.name and not document.program.is_modified()
            steady = steady + 1 if is_there else 0
            if time.monotonic() > until and not is_there:
                return replace(report, message=asks)
    except HostGoneError:
        return replace(report, message="is changed, and Kdenlive was closed meanwhile", program="")
    except HostBusyError:
        return replace(report, message=asks)
    return replace(report, state=Applied.APPLIED, message="Kdenlive shows it")


def _kept(path: Path, result: Path) -> Path:
    """``result`` under a name of its own beside the project. :raises UnwritableTimelineError"""
    names = (path.with_name(f"{path.stem}.perf{number if number > 1 else ''}{KDENLIVE}") for number in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    try:
        return result.rename(kept)
    except OSError as e:
        raise UnwritableTimelineError(f"cannot be written: {e.strerror}", path=kept, hint="Run the command again") from e


def read(path: Path) -> tuple[bytes, os.stat_result]:
    """With mode and times. :raises HostError"""
    try:
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno())
    except OSError as e:
        raise HostError(f"cannot be read: {e.strerror}", path=path, hint="Is its folder still there?") from e


def signature(path: Path) -> Signature:
    """Which file it is, and of when; without reading it."""
    with suppress(OSError):
        seen = path.stat()
        return seen.st_ino, seen.st_mtime_ns, seen.st_size
    return 0, 0, 0
