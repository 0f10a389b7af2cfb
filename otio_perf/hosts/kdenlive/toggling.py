"""Proxies for the clips that are selected: placed where Kdenlive looks for them, then its own proxy switch is thrown, once.

Kdenlive runs a menu command once for each clip that is selected, as many at a time as it has threads for, and its switch acts
on the whole selection. So nobody throws it before the last one is done: each command leaves a note, and a process of its own
waits until nothing more comes. The switch goes on and off: it is thrown only where all of these clips surely show no proxy.

    python -m otio_perf.hosts.kdenlive.toggling PROCESS      waits, and throws the switch of that Kdenlive

In the user's cache, of one Kdenlive: ``kdenlive-PROCESS-N.runs`` (a lock that a command holds), ``….done`` (its note).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from otio_perf.cache import locks
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import HostBusyError, HostError, OtioPerfError
from otio_perf.hosts import placing
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.bus import TOGGLE_PROXY, Bus, Program
from otio_perf.hosts.kdenlive.documents import OpenDocument, meant
from otio_perf.hosts.kdenlive.once import notes_folder
from otio_perf.hosts.places import properties_of, proxied_media_of
from otio_perf.model.hosts import Applied, HostReport
from otio_perf.model.placing import Placed, Placing
from otio_perf.optimizer.options import Options
from otio_perf.timeline.mlt.storage import DOCUMENT

#: Kdenlive starts the next command when one has ended, and it says so within a second or two; then nothing comes any more.
_QUIET_SECONDS, _LOOK_SECONDS = 4.0, 0.25
#: After so long another clip may be selected: the user throws the switch himself.
_PATIENCE_SECONDS = 90.0
#: What killed commands left is of no use after that.
_STALE_SECONDS = 24 * 3600.0
_FAILURE = "kdenlive-switch.txt"


class _Shows(StrEnum):
    """What the clips of one command show, as far as can be told: Kdenlive says nothing, its project what was last saved."""

    ORIGINALS = "the proxy is there, and Kdenlive is told to show it"
    PROXIES = "shows its proxy already"
    UNKNOWN = "the proxy is there; if the clip does not show it, switch it on with Proxy Clip in the clip's menu"


def proxies(media: Sequence[str | Path], *, pid: int | None, home: Home, options: Options) -> HostReport:
    """Make and place proxies of ``media``, and have Kdenlive show them where it can be told.

    :raises HostError: which Kdenlive is meant cannot be told, or it is not found
    """
    if not media:
        raise HostError("no media are named", hint="Say --media FILE")
    with ExitStack() as opened:
        began_at = opened.enter_context(_taking_part(pid or 0))  # before Kdenlive is asked, which may take its time
        target = opened.enter_context(_Target.of(home, pid))
        if not pid:
            began_at = opened.enter_context(_taking_part(target.pid))
        placed = placing.place(
            "kdenlive", media, packaging=None, all=True, remove=False, dry_run=False, home=home, options=options
        )
        there = [*placed.with_placing(Placing.PLACED), *placed.with_placing(Placing.THERE)]
        shows = target.shows(placed.placed)
        why_not = target.why_not() or ("it took long" if time.time() - began_at > _PATIENCE_SECONDS else "")
        if shows is _Shows.ORIGINALS and (why_not or not there):  # Kdenlive would make one of its own
            shows = _Shows.UNKNOWN
        if target.pid:
            _leave_note(target.pid, shows, began_at, home)
        if not there:
            message = "; ".join(dict.fromkeys(p.reason for p in placed.placed)) or "no proxy was made"
        elif why_not and shows is not _Shows.PROXIES:
            message = f"the proxy is there; switch it on with Proxy Clip in the clip's menu ({why_not})"
        else:
            message = str(shows)
    return HostReport(
        host="kdenlive",
        what="proxies",
        project=target.project,
        state=Applied.UNCHANGED,
        message=message,
        program=target.program,
        written=there[0].path if there else "",
        changed_clips=len(there),
        failed={one.source: one.reason for one in placed.with_placing(Placing.FAILED)},
        notices=(*placed.notices, *_told_failure()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """The Kdenlive that is meant, or ``why`` there is none that can be told; its ``pid`` is 0 then."""

    document: OpenDocument | None
    why: str = ""

    @classmethod
    @contextmanager
    def of(cls, home: Home, pid: int | None) -> Iterator[_Target]:
        with ExitStack() as opened:
            if (bus := Bus.open(home.variables)) is None:
                yield cls(document=None, why="Kdenlive cannot be told here")
                return
            opened.enter_context(bus)
            if pid is None and not bus.programs():
                what = "Kdenlive in a sandbox cannot be told" if bus.has_sandboxed() else "no Kdenlive is there to be told"
                yield cls(document=None, why=what)
            else:
                yield cls(document=meant(bus, home, project=None, pid=pid))

    @property
    def pid(self) -> int:
        return 0 if self.document is None else self.document.program.pid

    @property
    def project(self) -> str:
        return "" if self.document is None or self.document.path is None else str(self.document.path)

    @property
    def program(self) -> str:
        return "" if self.document is None else str(self.document)

    def shows(self, placed: Iterable[Placed]) -> _Shows:
        """What the clips of these media show. :param placed: what was placed of them just now, and what was there"""
        try:
            is_saved = self.document is not None and bool(self.project) and not self.document.program.is_modified()
            shown = {os.path.realpath(p) for p in proxied_media_of(Path(self.project))} if self.project else set()
        except (OtioPerfError, OSError):
            return _Shows.UNKNOWN
        is_new: dict[str, bool] = {}
        for one in placed:
            is_new[one.source] = is_new.get(one.source, True) and one.placing is Placing.PLACED
        found = set()
        for source, new in is_new.items():
            if os.path.realpath(source) in shown:
                found.add(_Shows.PROXIES if is_saved else _Shows.UNKNOWN)
            else:
                found.add(_Shows.ORIGINALS if new or is_saved else _Shows.UNKNOWN)
        return found.pop() if len(found) == 1 else _Shows.UNKNOWN

    def why_not(self) -> str:
        """Why its switch is not thrown; empty: it can be."""
        if self.document is None:
            return self.why
        with suppress(OtioPerfError, OSError):
            said = properties_of(Path(self.project)) if self.project else {}
            if said.get(f"{DOCUMENT}enableproxy") == "0":
                return "first tick Proxy Clips in the Project Settings"
            if said.get(f"{DOCUMENT}storagefolder"):
                return "the project keeps its proxies in a folder of its own: use Optimize Project"
        return ""


@dataclass(frozen=True, slots=True)
class _Note:
    """What a command left that has ended. ``began_at``: when the first of those beside it began."""

    path: Path
    began_at: float
    shows: _Shows


@contextmanager
def _taking_part(pid: int) -> Iterator[float]:
    """While the block runs, others wait with the switch. :returns: when the first of them began

    :param pid: of the Kdenlive; 0: there is none, and no switch
    """
    if not pid:
        yield time.time()
        return
    folder = notes_folder()
    _sweep(folder)
    with locks.held(folder / f"kdenlive-{pid}-{os.getpid()}.runs"):
        running = [_touched(path) for path in _running(folder, pid)]
        yield min([time.time(), *running, *(note.began_at for note in _notes(folder, pid))])


def _leave_note(pid: int, shows: _Shows, began_at: float, home: Home) -> None:
    """This command has ended; a process waits for the others, and throws the switch."""
    folder = notes_folder()
    text = json.dumps({"began_at": began_at, "shows": shows.name})
    write_whole(folder / f"kdenlive-{pid}-{os.getpid()}.done", text)
    root = str(Path(__file__).parents[3])  # a checkout is on no path of its own
    paths = os.pathsep.join(path for path in (root, home.variables.get("PYTHONPATH", "")) if path)
    subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, str(pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=folder,
        env={**home.variables, "PYTHONPATH": paths},
    )


def throw(pid: int, variables: Mapping[str, str]) -> bool:
    """Wait until no command of this Kdenlive runs or has ended just now, then throw its switch if that can only do good.

    :returns: was it? What went wrong is told by the next command
    :raises CacheError
    """
    folder = notes_folder()
    with locks.held(folder / f"kdenlive-{pid}.lock"):
        notes = _settled(folder, pid)
        shown = {note.shows for note in notes}
        try:
            if shown == {_Shows.ORIGINALS}:
                _throw(pid, variables, notes)
                return True
            if _Shows.ORIGINALS in shown:
                raise HostError("other selected clips may have shown their proxies already, and would have lost them")
        except OtioPerfError as e:
            write_whole(folder / _FAILURE, e.message)
        finally:
            _forget(notes)
    return False


def _settled(folder: Path, pid: int) -> list[_Note]:
    """Notes of commands when the last of them has ended; none: another one was faster."""
    while notes := _notes(folder, pid):
        newest = max(_touched(note.path) for note in notes)
        if time.time() - newest >= _QUIET_SECONDS and not _running(folder, pid):
            break
        time.sleep(_LOOK_SECONDS)
    return notes


def _throw(pid: int, variables: Mapping[str, str], notes: Sequence[_Note]) -> None:
    """:raises HostError: it cannot be done, or Kdenlive does not answer"""
    until = min(note.began_at for note in notes) + _PATIENCE_SECONDS
    with ExitStack() as opened:
        bus = Bus.open(variables)
        if bus is None:
            raise HostError("the session bus went away")
        opened.enter_context(bus)
        program = next((p for p in bus.programs() if p.pid == pid), None)
        if program is None:
            raise HostError("Kdenlive was closed")
        if not _can(program, until):
            raise HostError("it was grey: nothing was selected, or proxies are off in the Project Settings")
        _forget(notes)  # whatever becomes of it, it is not thrown a second time
        program.do(TOGGLE_PROXY)


def _can(program: Program, until: float) -> bool:
    """:raises HostError: it does not answer in time"""
    while True:
        try:
            return program.can(TOGGLE_PROXY)
        except HostBusyError:
            if time.time() > until:
                raise
            time.sleep(_LOOK_SECONDS)


def _told_failure() -> tuple[str, ...]:
    """What the last process that waited could tell nobody."""
    path = notes_folder() / _FAILURE
    with suppress(OSError):
        said = path.read_text(encoding="utf-8")
        path.unlink()
        return (f"last time Kdenlive's proxy switch was not thrown: {said}. Use Proxy Clip in the clip's menu",)
    return ()


def _notes(folder: Path, pid: int) -> list[_Note]:
    found = []
    for path in folder.glob(f"kdenlive-{pid}-*.done"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(path.read_text(encoding="utf-8"))
            found.append(_Note(path, float(said["began_at"]), _Shows[said["shows"]]))
    return found


def _forget(notes: Iterable[_Note]) -> None:
    for note in notes:
        note.path.unlink(missing_ok=True)


def _running(folder: Path, pid: int) -> list[Path]:
    return [path for path in folder.glob(f"kdenlive-{pid}-*.runs") if _is_held(path)]


def _is_held(lock: Path) -> bool:
    descriptor = locks.acquire(lock)
    if descriptor is not None:
        locks.release(lock, descriptor)
    return descriptor is None


def _sweep(folder: Path) -> None:
    """Remove what is left of commands that were killed."""
    for path in folder.glob("kdenlive-*"):
        if time.time() - _touched(path) > _STALE_SECONDS and not (path.suffix in (".runs", ".lock") and _is_held(path)):
            path.unlink(missing_ok=True)


def _touched(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return time.time()


if __name__ == "__main__":
    with suppress(OtioPerfError):
        throw(int(sys.argv[1]), os.environ)
