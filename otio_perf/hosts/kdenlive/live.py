"""A project that Kdenlive may have open: worked on as a copy, put in its place where nobody has touched it, shown at once.

::

    saved in Kdenlive? ─▶ copy beside it ─▶ optimize, prerender, restore ─▶ still the same file, nothing edited since?
                                                                             │ yes: backup ─▶ file in place ─▶ revert
                                                                             └ no: the result stays beside it

Nothing that a user has done is ever written over: what he edits while the work is done wins.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from otio_perf import optimizer
from otio_perf.cache import locks
from otio_perf.cache.players import Players
from otio_perf.cache.workspace import MARKER
from otio_perf.errors import CacheError, HostBusyError, HostError, HostGoneError, UnwritableTimelineError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import reads
from otio_perf.hosts.kdenlive.bus import REVERT, SAVE, Bus
from otio_perf.hosts.kdenlive.documents import OpenDocument, chosen, document_of, located, name_in, open_documents
from otio_perf.hosts.kdenlive.once import Memory
from otio_perf.model.hosts import Applied, HostReport
from otio_perf.model.results import LeftAlone, WrittenTimeline
from otio_perf.optimizer.opening import existing_file
from otio_perf.optimizer.options import Options, in_force
from otio_perf.optimizer.outcome import failed_sources
from otio_perf.optimizer.places import workspace_root
from otio_perf.timeline.appearing import appearing, write_bytes

_SUFFIX = ".kdenlive"
#: Saving takes a second; one that opens a dialog answers when the user has closed it.
_SAVE_SECONDS, _SETTLE_SECONDS = 20.0, 5.0
#: Kdenlive reads a project of thousands of clips for so long.
_REVERT_SECONDS, _LOOK_SECONDS = 120.0, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. ``zone``: of a prerender, only the project's zone. ``all``: proxies of all media."""

    what: str
    zone: bool = False
    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What came of the work on the copy. ``clips``: how many were changed."""

    clips: int = 0
    left_alone: tuple[LeftAlone, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def _optimized(copy: Path, result: Path, wanted: Wanted, options: Options) -> _Made:
    report = optimizer.optimize(copy, result, all=wanted.all, **options)
    return _made(report.written[0], failed_sources(report.proxies), report.proxies.notices)


def _prerendered(copy: Path, result: Path, wanted: Wanted, options: Options) -> _Made:
    report = optimizer.prerender(copy, result, mode="all" if wanted.all else "auto", zone=wanted.zone, **options)
    failed = {f"{one.start_timecode} – {one.stop_timecode}": one.reason for one in report.failed}
    return replace(_made(report.written, failed, report.notices), clips=len(report.regions))


def _restored(copy: Path, result: Path, wanted: Wanted, options: Options) -> _Made:
    del wanted
    return _made(optimizer.restore(copy, result, **options), {}, ())


def _made(written: WrittenTimeline | None, failed: Mapping[str, str], notices: tuple[str, ...]) -> _Made:
    if written is None:
        return _Made(failed=failed, notices=notices)
    return _Made(clips=written.changed_clips, left_alone=written.left_alone, failed=failed, notices=notices)


_WORK: dict[str, Callable[[Path, Path, Wanted, Options], _Made]] = {
    "optimize": _optimized,
    "prerender": _prerendered,
    "restore": _restored,
}
#: What it means that nothing was changed.
_IDLE = {
    "optimize": "nothing was to be done: no medium needs a proxy here that it has not got",
    "prerender": "nothing was to be rendered ahead",
    "restore": "it has nothing of ours",
}
#: What ``apply`` does.
WORDS = tuple(_WORK)


def apply(wanted: Wanted, *, project: Path | None, pid: int | None, save: bool, home: Home, options: Options) -> HostReport:
    """Do what is ``wanted`` to the project that Kdenlive has open, or to ``project``.

    :param project: its file; ``None``: Kdenlive's own. :param pid: which Kdenlive; ``None``: the one that has it open
    :param save: changes that are not saved are saved first; otherwise they are a reason to do nothing
    :raises HostBusyError: the project has changes that are not saved, a dialog is open, Kdenlive does not answer
    :raises HostError: it cannot be told which project, or which Kdenlive, is meant
    :raises OtioPerfError: the work cannot be done; the project is as it was
    """
    with ExitStack() as opened:
        bus = Bus.open(home.variables)
        if bus is not None:
            opened.enter_context(bus)
        elif project is None:
            raise HostError("there is no session bus on which Kdenlive could be asked", hint="Say --project FILE")
        document = chosen(() if bus is None else open_documents(bus, home), project=project, pid=pid)
        named = project if document is None else located(document, project)
        assert named is not None
        path = Path(os.path.realpath(existing_file(named)))
        if path.suffix != _SUFFIX:
            raise HostError("is no project of Kdenlive", path=path, hint="otio-perf optimize takes timelines of all kinds")
        memory = Memory.of(path)
        stop = options.get("stop")
        opened.enter_context(locks.held(memory.lock, cancelled=None if stop is None else stop.is_set))
        if document is not None:
            _require_saved(document, path, save=save)
        before = _read(path)
        if memory.has_done(repr(wanted), before):
            message = "was done a moment ago, for another of the selected clips"
            return HostReport(host="kdenlive", what=wanted.what, project=str(path), state=Applied.UNCHANGED, message=message)
        with _copied(path, before) as (copy, result):
            job = _Job(
                what=wanted.what,
                path=path,
                before=before,
                is_named=project is not None,
                reads_are_noted=reads.are_noted(copy),
            )
            made = _WORK[wanted.what](copy, result, wanted, options)
            report = replace(
                _put(job, bus, home, document, result),
                changed_clips=made.clips,
                left_alone=made.left_alone,
                failed=made.failed,
                notices=made.notices,
            )
            _tell_players(options, path, result, report)
        if report.state is not Applied.KEPT:
            memory.keep(repr(wanted), path)
        return report


def _require_saved(document: OpenDocument, path: Path, *, save: bool) -> None:
    """:raises HostBusyError: it has changes, and they are not to be saved or cannot be

    :raises HostError: it is another file
    """
    program = document.program
    if not program.is_modified():
        return
    if not save:
        raise HostBusyError(
            f"{document.name} has changes that are not saved", path=path, hint="Save it in Kdenlive, or say --save"
        )
    before = _signature(path)
    program.do(SAVE, seconds=_SAVE_SECONDS)
    until = time.monotonic() + _SETTLE_SECONDS
    while program.is_modified():
        if time.monotonic() > until:
            raise HostBusyError("Kdenlive did not save the project", path=path, hint="Save it there, and try again")
        time.sleep(_LOOK_SECONDS)
    if _signature(path) == before:
        raise HostError(f"Kdenlive saved {document.name}, but not to this file", path=path, hint="Say --project FILE")


@contextmanager
def _copied(path: Path, data: bytes) -> Iterator[tuple[Path, Path]]:
    """A copy to work on and a name for the result, in the project's folder, where its relative paths lead; both vanish.

    :raises UnwritableTimelineError: nothing can be written there
    """
    copy, result = path.with_name(f".{path.stem}.otio_perf{_SUFFIX}"), path.with_name(f".{path.stem}.otio_perf-new{_SUFFIX}")
    try:
        for old in (copy, result):
            old.unlink(missing_ok=True)
        write_bytes(copy, data)
    except OSError as e:
        raise UnwritableTimelineError(
            f"nothing can be written beside it: {e.strerror}",
            path=path,
            hint="otio-perf host place kdenlive gives Kdenlive proxies without changing a project",
        ) from e
    try:
        yield copy, result
    finally:
        for made in (copy, result):
            with suppress(OSError):
                made.unlink(missing_ok=True)


class _ChangedError(Exception):
    """Somebody was faster. The argument says what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """``before``: the project at ``path`` as it was read. ``is_named``: the user said which; else it was found out.
    ``reads_are_noted``: by its file system."""

    what: str
    path: Path
    before: bytes
    is_named: bool
    reads_are_noted: bool


def _put(job: _Job, bus: Bus | None, home: Home, document: OpenDocument | None, result: Path) -> HostReport:
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
    if _read(path) != after:
        return replace(found, state=Applied.KEPT, message="Kdenlive saved its own version over it", written="")
    return found


def _of_another(job: _Job, report: HostReport, after: bytes) -> HostReport:
    """Kdenlive was told to read its project anew, and has not read this file: its project is another of the same name.

    :raises HostError: this one was not named by the user; it is put back
    """
    said = f"{report.program} has another project of that name open"
    if job.is_named:
        return replace(report, state=Applied.ON_DISK, message=f"is changed; {said}", program="")
    if _read(job.path) == after:
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


def _tell_players(options: Options, path: Path, result: Path, report: HostReport) -> None:
    """What was made is played by the file that was written, under its own name."""
    root = workspace_root(in_force(options), path, create=True)
    if (root / MARKER).is_file():
        with suppress(CacheError):
            Players(root).moved(result, Path(report.written or path))


def _read(path: Path) -> bytes:
    """:raises HostError"""
    try:
        return path.read_bytes()
    except OSError as e:
        raise HostError(f"cannot be read: {e.strerror}", path=path, hint="Is its folder still there?") from e


def _signature(path: Path) -> tuple[int, int, int]:
    with suppress(OSError):
        seen = path.stat()
        return seen.st_ino, seen.st_mtime_ns, seen.st_size
    return 0, 0, 0
