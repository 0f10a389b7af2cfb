"""A project that Kdenlive may have open: worked on as a copy, put in its place where nobody has touched it, shown at once.

::

    saved in Kdenlive? ─▶ copy beside it ─▶ optimize, prerender, restore ─▶ still the same file, nothing edited since?
                                                                             │ yes: backup ─▶ file in place ─▶ revert
                                                                             └ no: the result stays beside it

Nothing that a user has done is ever written over: what he edits while the work is done wins.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from otio_perf import optimizer
from otio_perf.cache import locks
from otio_perf.cache.players import Players
from otio_perf.cache.workspace import MARKER
from otio_perf.errors import CacheError, DiskFullError, HostBusyError, HostError, UnwritableTimelineError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import putting, reads
from otio_perf.hosts.kdenlive.bus import SAVE, Bus
from otio_perf.hosts.kdenlive.documents import OpenDocument, located, meant
from otio_perf.hosts.kdenlive.once import Memory
from otio_perf.model.events import Ready
from otio_perf.model.hosts import Applied, HostReport
from otio_perf.model.results import LeftAlone, PreviewChunk, WrittenTimeline
from otio_perf.optimizer import previewing, timelines
from otio_perf.optimizer.opening import existing_file
from otio_perf.optimizer.options import Options, in_force
from otio_perf.optimizer.outcome import failed_sources
from otio_perf.optimizer.places import workspace_root
from otio_perf.timeline.appearing import is_full, write_bytes
from otio_perf.timeline.mlt.project import KDENLIVE

#: Saving takes a second; one that opens a dialog answers when the user has closed it.
_SAVE_SECONDS, _SETTLE_SECONDS = 20.0, 5.0
_LOOK_SECONDS = 0.25
#: No run takes as long.
_STALE_SECONDS = 48 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. ``zone``: of a prerender, only the project's zone. ``all``: proxies of all media."""

    what: str
    zone: bool = False
    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What came of the work on the copy. ``idle``: what is said where the project itself needs no change; ``clips``: how many
    were changed."""

    idle: str
    clips: int = 0
    left_alone: tuple[LeftAlone, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def _optimized(copy: Path, result: Path, wanted: Wanted, options: Options) -> _Made:
    report = optimizer.optimize(copy, result, all=wanted.all, **options)
    new = max(report.written[0].placed, sum(isinstance(one, Ready) for one in report.proxies.outcomes))
    idle = _filled(new, "proxy", "proxies") or "nothing was to be done: no medium needs a proxy here that it has not got"
    return _made(idle, report.written[0], failed_sources(report.proxies), report.proxies.notices)


def _prerendered(copy: Path, result: Path, wanted: Wanted, options: Options) -> _Made:
    report = optimizer.prerender(copy, result, mode="all" if wanted.all else "auto", zone=wanted.zone, **options)
    failed = {f"{one.start_timecode} – {one.stop_timecode}": one.reason for one in report.failed}
    idle = "all that is to be is rendered ahead already" if report.regions else "nothing was to be rendered ahead"
    idle = _filled(sum(one.is_new for one in report.previews), "chunk", "chunks") or idle
    return replace(_made(idle, report.written, failed, report.notices), clips=len(report.regions))


def _restored(copy: Path, result: Path, wanted: Wanted, options: Options) -> _Made:
    del wanted
    return _made("it has nothing of ours", optimizer.restore(copy, result, **options), {}, ())


def _filled(count: int, one: str, several: str) -> str:
    """Files that were missing are there again, under the names that the project has for them."""
    if not count:
        return ""
    what, it = (f"{one} that was missing is", "it") if count == 1 else (f"{several} that were missing are", "them")
    return f"{count} {what} there now; the project needed no change (where Kdenlive does not show {it}: File ▸ Revert)"


def _made(idle: str, written: WrittenTimeline | None, failed: Mapping[str, str], notices: tuple[str, ...]) -> _Made:
    if written is None:
        return _Made(idle=idle, failed=failed, notices=notices)
    return _Made(idle=idle, clips=written.changed_clips, left_alone=written.left_alone, failed=failed, notices=notices)


_WORK: dict[str, Callable[[Path, Path, Wanted, Options], _Made]] = {
    "optimize": _optimized,
    "prerender": _prerendered,
    "restore": _restored,
}


def apply(
    wanted: Wanted, *, project: Path | None, pid: int | None, save: bool, once: bool, home: Home, options: Options
) -> HostReport:
    """Do what is ``wanted`` to the project that Kdenlive has open, or to ``project``.

    :param project: its file; ``None``: Kdenlive's own. :param pid: which Kdenlive; ``None``: the one that has it open
    :param save: changes that are not saved are saved first; otherwise they are a reason to do nothing
    :param once: not again, where the same was done a moment ago, and all of it
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
        document = None if bus is None else meant(bus, home, project=project, pid=pid)
        if bus is not None and document is None and bus.has_sandboxed():
            bus = None  # it may have the project open, and cannot be asked
        named = project if document is None else located(document, project)
        assert named is not None
        path = Path(os.path.realpath(existing_file(named)))
        if path.suffix != KDENLIVE:
            raise HostError("is no project of Kdenlive", path=path, hint="otio-perf optimize takes timelines of all kinds")
        memory = Memory.of(path)
        stop = options.get("stop")
        opened.enter_context(locks.held(memory.lock, cancelled=None if stop is None else stop.is_set))
        if document is not None:
            _require_saved(document, path, save=save)
        before, seen = putting.read(path)
        asked = repr((wanted, in_force(options)))
        if once and memory.has_done(asked, before):
            message = "was done a moment ago, for another of the selected clips"
            return HostReport(host="kdenlive", what=wanted.what, project=str(path), state=Applied.UNCHANGED, message=message)
        chunks = _keep_chunks(options, path) if wanted.what == "restore" else ()
        with _copied(path, before, seen, wanted.what) as (copy, result):
            made = _WORK[wanted.what](copy, result, wanted, options)
            job = putting.Job(
                what=wanted.what,
                idle=made.idle,
                path=path,
                before=before,
                seen=seen,
                is_named=project is not None,
                reads_are_noted=reads.are_noted(copy),
                backups=memory.backups,
            )
            report = replace(
                putting.put(job, bus, home, document, result),
                changed_clips=made.clips,
                left_alone=made.left_alone,
                failed=made.failed,
                notices=made.notices,
            )
            _tell_players(options, path, result, report)
            if report.written == str(path) and report.is_told:
                previewing.delete(chunks, path, _workspaces(options, path))
        if report.state is not Applied.KEPT and not report.failed and not report.left_alone:
            memory.keep(asked, path)
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
    before = putting.signature(path)
    program.do(SAVE, seconds=_SAVE_SECONDS)
    until = time.monotonic() + _SETTLE_SECONDS
    while program.is_modified():
        if time.monotonic() > until:
            raise HostBusyError("Kdenlive did not save the project", path=path, hint="Save it there, and try again")
        time.sleep(_LOOK_SECONDS)
    if putting.signature(path) == before:
        raise HostError(f"Kdenlive saved {document.name}, but not to this file", path=path, hint="Say --project FILE")


@contextmanager
def _copied(path: Path, data: bytes, seen: os.stat_result, what: str) -> Iterator[tuple[Path, Path]]:
    """A copy to work on and a name for the result, in the project's folder, where its relative paths lead; both vanish.

    Nobody knows the names before: whoever may write to the folder could put a link there.

    :raises UnwritableTimelineError, DiskFullError: nothing can be written there
    """
    copy, result = (path.with_name(f".{path.stem}.{secrets.token_hex(4)}.otio_perf{KDENLIVE}") for _ in range(2))
    try:
        _sweep(path)
        write_bytes(copy, data, mode=seen.st_mode & 0o777)
        os.utime(copy, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # what Kdenlive has rendered since is newer than the project
    except OSError as e:
        if is_full(e):
            raise DiskFullError("nothing can be written beside it: the disk is full", path=path, hint="Make room there") from e
        raise UnwritableTimelineError(
            f"nothing can be written beside it: {e.strerror}", path=path, hint=putting.way_out(path, what)
        ) from e
    try:
        yield copy, result
    finally:
        for made in (copy, result):
            with suppress(OSError):
                made.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove copies of killed runs."""
    form = re.compile(rf"\.{re.escape(path.stem)}\.[0-9a-f]{{8}}\.otio_perf{re.escape(KDENLIVE)}")
    for old in path.parent.iterdir():
        with suppress(OSError):  # the time of writing is that of the project
            if form.fullmatch(old.name) and old.lstat().st_ctime < time.time() - _STALE_SECONDS:
                old.unlink()


def _keep_chunks(options: Options, path: Path) -> tuple[PreviewChunk, ...]:
    """The chunks of ours in Kdenlive's preview of the project: they stay until it is sure that it plays them no more."""
    _, chunks = previewing.removal(path, timelines.limits(in_force(options)))
    for root in _workspaces(options, path):
        with suppress(CacheError):
            Players(root).note_more(path, [Path(chunk.path) for chunk in chunks])
    return chunks


def _tell_players(options: Options, path: Path, result: Path, report: HostReport) -> None:
    """What was made is played by the file that was written, under its own name."""
    for root in _workspaces(options, path):
        with suppress(CacheError):
            Players(root).moved(result, Path(report.written or path))


def _workspaces(options: Options, path: Path) -> list[Path]:
    root = workspace_root(in_force(options), path, create=True)
    return [root] if (root / MARKER).is_file() else []
