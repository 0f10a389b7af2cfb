"""Which projects are open in Kdenlive, looked at again and again at little cost; and where their playheads were.

One connection is kept to the session bus. While no Kdenlive runs, a look asks the bus for its names; else also each Kdenlive
for its title, and looks where the project of that name is: another one may be open by now. Where the playhead is, Kdenlive
tells nobody: it is in the project at its last save.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from otio_perf.errors import HostBusyError, HostError, HostGoneError, OtioPerfError
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.bus import Bus, Program
from otio_perf.hosts.kdenlive.documents import name_in, places
from otio_perf.timeline.guard import read_bytes
from otio_perf.timeline.mlt.project import Project
from otio_perf.timeline.mlt.storage import DOCUMENT
from otio_perf.timeline.mlt.tree import parse, properties

#: A session without a bus gets none while it lasts, as a rule.
_NO_BUS_SECONDS = 60.0
_MOST_PROJECT_BYTES = 256 << 20
#: Kdenlive from 23.04 on has a playhead for each sequence.
_OF_SEQUENCE = "kdenlive:sequenceproperties.position"


class OpenProjects:
    """For one thread. ``close`` it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._bus: Bus | None = None
        self._again_at = 0.0
        self._known: dict[str, tuple[str, Path | None]] = {}  # title and project, by name on the bus

    def look(self) -> tuple[Path, ...]:
        """Projects that are open, and whose files are known. Nothing is started, nothing waits for a dialog.

        :raises MissingDependencyError: the session bus cannot be spoken to
        """
        if self._bus is None and time.monotonic() >= self._again_at:
            self._again_at = time.monotonic() + _NO_BUS_SECONDS
            self._bus = Bus.open(self._home.variables)
        if self._bus is None:
            return ()
        try:
            programs = self._bus.programs()
        except HostError:
            self.close()
            return ()
        known, self._known = self._known, {}
        for program in programs:
            with suppress(HostGoneError):
                self._known[program.name] = self._seen(program, known.get(program.name, ("", None)))
        return tuple(dict.fromkeys(path for _, path in self._known.values() if path is not None and path.is_file()))

    def _seen(self, program: Program, before: tuple[str, Path | None]) -> tuple[str, Path | None]:
        try:
            title = program.title(patiently=False)
        except HostBusyError:
            return before  # it does something else; it has not closed its project
        name = name_in(title)
        found = places(name, program.pid, self._home) if name is not None else ()
        if title == before[0] and before[1] in found and len(found) > 1:
            return before  # others of that name are known by now; it need not have been closed
        return title, found[0] if len(found) == 1 else None

    def close(self) -> None:
        if self._bus is not None:
            self._bus.__exit__(None, None, None)
            self._bus = None


def playhead_of(project: Path) -> int | None:
    """The frame at which the playhead was in the sequence that was shown, at the last save; ``None``: it does not say."""
    with suppress(OtioPerfError, OSError, ValueError):
        data = read_bytes(project, max_bytes=_MOST_PROJECT_BYTES)
        found = Project(parse(data, project), str(project))
        said: Mapping[str, str] = {**found.bin_properties, **properties(found.sequence())}
        frame = int(said.get(_OF_SEQUENCE) or said.get(f"{DOCUMENT}position", ""))
        return frame if frame >= 0 else None
    return None
