"""Proxies for the clips that are selected: placed where Kdenlive looks for them, then its own proxy switch is thrown, once.

Kdenlive runs a menu command once for each clip that is selected, as many at a time as it has threads for, and its switch acts
on the whole selection. So nobody throws it before the last one is done: each command leaves a note, and a process of its own
waits until nothing more comes.

    python -m otio_perf.hosts.kdenlive.toggling PROCESS      waits, and throws the switch of that Kdenlive
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from otio_perf import settings
from otio_perf.cache import locks
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError, HostError, OtioPerfError
from otio_perf.hosts import placing
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.bus import TOGGLE_PROXY, Bus
from otio_perf.hosts.kdenlive.documents import OpenDocument, chosen, open_documents
from otio_perf.hosts.places import properties_of
from otio_perf.model.hosts import Applied, HostReport
from otio_perf.model.placing import Placing
from otio_perf.optimizer.options import Options
from otio_perf.timeline.mlt.storage import DOCUMENT

#: Kdenlive starts the next command when one has ended, and it says so within a second or two; then nothing comes any more.
_QUIET_SECONDS, _LOOK_SECONDS = 4.0, 0.25
#: After so long another clip may be selected: the user throws the switch himself.
_PATIENCE_SECONDS = 90.0


def proxies(media: Sequence[str | Path], *, pid: int | None, home: Home, options: Options) -> HostReport:
    """Make and place proxies of ``media``, and have Kdenlive show them where it can be told.

    :raises HostError: which Kdenlive is meant cannot be told, or it is not found
    """
    if not media:
        raise HostError("no media are named", hint="Say --media FILE")
    with _Bus.of(home, pid) as found, _taking_part(found.pid) as began_at:
        placed = placing.place(
            "kdenlive", media, packaging=None, all=True, remove=False, dry_run=False, home=home, options=options
        )
        there = [*placed.with_placing(Placing.PLACED), *placed.with_placing(Placing.THERE)]
        why_not = found.why_not()
        if not there:
            message = "; ".join(dict.fromkeys(p.reason for p in placed.placed)) or "no proxy was made"
        elif not why_not and time.time() - began_at < _PATIENCE_SECONDS:
            message = "the proxy is there, and Kdenlive is told to show it"
            _leave_note(found.pid)
        else:
            why = why_not or "it took long"
            message = f"the proxy is there; switch it on with Proxy Clip in the clip's menu ({why})"
    return HostReport(
        host="kdenlive",
        what="proxies",
        project=found.project,
        state=Applied.UNCHANGED,
        message=message,
        program=found.program,
        written=there[0].path if there else "",
        changed_clips=len(there),
        failed={one.source: one.reason for one in placed.with_placing(Placing.FAILED)},
        notices=placed.notices,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bus:
    """The Kdenlive that is meant; ``pid`` 0: none can be told."""

    pid: int
    document: OpenDocument | None

    @classmethod
    @contextmanager
    def of(cls, home: Home, pid: int | None) -> Iterator[_Bus]:
        bus = Bus.open(home.variables)
        if bus is None:
            yield cls(pid=0, document=None)
            return
        with bus:
            documents = open_documents(bus, home)
            document = chosen(documents, project=None, pid=pid) if documents or pid is not None else None
            yield cls(pid=0 if document is None else document.program.pid, document=document)

    @property
    def project(self) -> str:
        return "" if self.document is None or self.document.path is None else str(self.document.path)

    @property
    def program(self) -> str:
        return "" if self.document is None else str(self.document)

    def why_not(self) -> str:
        """Why its switch is not thrown; empty: it can be."""
        if self.document is None:
            return "no Kdenlive is there to be told"
        with suppress(OtioPerfError, OSError):
            said = properties_of(Path(self.project)) if self.project else {}
            if said.get(f"{DOCUMENT}enableproxy") == "0":
                return "first tick Proxy Clips in the Project Settings"
            if said.get(f"{DOCUMENT}storagefolder"):
                return "the project keeps its proxies in a folder of its own: use Optimize Project"
        return ""


@contextmanager
def _taking_part(pid: int) -> Iterator[float]:
    """While the block runs, others wait with the switch. :returns: when the first of them began

    :param pid: of the Kdenlive; 0: there is none, and no switch
    """
    if not pid:
        yield time.time()
        return
    folder = _folder(pid)
    mine = folder / f"{os.getpid()}.runs"
    write_whole(mine, json.dumps({"at": time.time()}))
    try:
        began = [_began(path) for path in folder.glob("*.runs") if _is_alive(path)]
        yield min([*began, *(_began(path) for path in folder.glob("*.done"))])
    finally:
        mine.unlink(missing_ok=True)


def _leave_note(pid: int) -> None:
    """The switch is to be thrown: by a process that waits for the others."""
    folder = _folder(pid)
    mine = folder / f"{os.getpid()}.runs"
    write_whole(folder / f"{os.getpid()}.done", mine.read_text())
    subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, str(pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},  # a checkout is on no path of its own
    )


def throw(pid: int, variables: dict[str, str]) -> bool:
    """Wait until no command of this Kdenlive runs or has ended just now, then throw its switch. :returns: was it?

    :raises HostError, CacheError
    """
    folder = _folder(pid)
    with locks.held(folder / "switch.lock"):
        while True:
            notes = list(folder.glob("*.done"))
            if not notes:
                return False  # another one threw it
            newest = max(_touched(path) for path in notes)
            if time.time() - newest >= _QUIET_SECONDS and not any(_is_alive(path) for path in folder.glob("*.runs")):
                break
            time.sleep(_LOOK_SECONDS)
        for note in notes:
            note.unlink(missing_ok=True)
        bus = Bus.open(variables)
        if bus is None:
            return False
        with bus:
            program = next((p for p in bus.programs() if p.pid == pid), None)
            if program is None or not program.can(TOGGLE_PROXY):
                return False
            program.do(TOGGLE_PROXY)
            return True


def _folder(pid: int) -> Path:
    """:raises CacheError"""
    folder = settings.user_cache_folder() / "hosts" / f"kdenlive-{pid}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise CacheError(f"cannot be made: {e.strerror}", path=folder, hint="Make room for it in the home folder") from e
    return folder


def _is_alive(note: Path) -> bool:
    try:
        os.kill(int(note.stem), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        note.unlink(missing_ok=True)  # it was killed
        return False
    return True


def _began(note: Path) -> float:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(note.read_text())["at"])
    return time.time()


def _touched(note: Path) -> float:
    with suppress(OSError):
        return note.stat().st_mtime
    return 0.0


if __name__ == "__main__":
    with suppress(OtioPerfError):
        throw(int(sys.argv[1]), dict(os.environ))
