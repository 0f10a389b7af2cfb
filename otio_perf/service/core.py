"""What the rooms of a service share: settings in force, workspace, index, queue, and who is told.

Every room (``following``, ``rushes``, ``sources``, ``upkeep`` …) is made with the ``Core`` and nothing else of the service.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import OtioPerfError, TaskCancelledError, printable
from otio_perf.metrics.readings import Meter
from otio_perf.metrics.trace import Trace
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Event, Listener, Notice, ignore
from otio_perf.model.plans import Plan
from otio_perf.model.recipes import CANVAS
from otio_perf.model.uses import Target
from otio_perf.optimizer.devices import Devices
from otio_perf.optimizer.session import Session
from otio_perf.service.errands import Errands
from otio_perf.service.happenings import Happenings
from otio_perf.settings import Settings

if TYPE_CHECKING:
    from otio_perf.render_queue.live import LiveQueue

_NOTICES = 100
#: Setting ``rendering``: what it makes of others.
_RENDERING: dict[str, dict[str, str]] = {
    "speed": {"prerender_size": "half"},
    "balanced": {},
    "quality": {"prerender_size": CANVAS},
}
#: Rows of the trace: an evening's work.
_TRACED = 20_000


class Followed(Protocol):
    """What other rooms may ask of a timeline that is followed. All of it is of the last survey; empty before the first."""

    @property
    def id(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def targets(self) -> Sequence[Target]:
        """The media that it uses."""

    @property
    def findings(self) -> Mapping[str, MediaFinding]:
        """What they are, by ``Target.medium``."""

    @property
    def plan(self) -> Plan | None:
        """What becomes of each medium: which proxies it has, gets, or why it gets none."""


class Core:
    """Made by ``Service``; ``timelines`` gives those that are followed now."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        index: Index,
        queue: LiveQueue,
        happenings: Happenings,
        timelines: Callable[[], tuple[Followed, ...]],
    ) -> None:
        self.settings = settings  # replaced as a whole when they change: take it once for one piece of work
        self.workspace = workspace
        self.index = index  # may be used from any thread
        self.queue = queue
        self.tell = happenings.tell  # tell(kind, body): see ``views.ServiceEvent``
        self.timelines = timelines
        self.meter = Meter(workspace.root)
        self.devices = Devices()
        self.errands = Errands(queue)
        self.trace = Trace(most=_TRACED)
        self.stop = threading.Event()  # set when the service closes
        self.notices: deque[str] = deque(maxlen=_NOTICES)

    def session(self, *, listener: Listener = ignore, stop: threading.Event | None = None) -> Session:
        """A session of the optimizer on the service's workspace; use it as a context manager. Its notices become the service's.

        :param stop: ends the work within a second; default: the end of the service
        """

        def heard(event: Event) -> None:
            if isinstance(event, Notice) and event.text not in self.notices:  # each session finds what stands
                self.note(event.text)
            listener(event)

        settings = self.settings
        return Session(
            replace(settings, **_RENDERING[settings.rendering]),  # type: ignore[arg-type]
            anchor=None,
            root=self.workspace.root,
            create=True,
            listener=heard,
            trace=self.trace,
            stop=self.stop if stop is None else stop,
            devices=self.devices,
            work=self.errands.run,
        )

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """A turn of a thread that must not end: what goes wrong in it, foreseen or not, is told, and is over with it."""
        try:
            yield
        except TaskCancelledError:
            return  # the service ends, or somebody wants it otherwise
        except (OtioPerfError, OSError) as e:
            self.note(f"{what}: {e}")
        except Exception as e:  # noqa: BLE001
            self.note(f"{what}: unforeseen {type(e).__name__}: {printable(e)}")

    def note(self, text: str) -> None:
        """A word to the user; the last one is not said twice."""
        if not self.notices or text != self.notices[-1]:
            self.notices.append(text)
            self.tell("notice", {"text": text})
