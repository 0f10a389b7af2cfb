"""Commands that work in a workspace that a service looks after: it yields to them, and looks at what they made or deleted.

Where none is up this costs a look at one file. Whatever becomes of the service, the command goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from otio_perf.client import Client
from otio_perf.errors import OtioPerfError
from otio_perf.optimizer.places import workspace_root
from otio_perf.service import lock
from otio_perf.settings import Settings

T = TypeVar("T")

#: What is said holds for so long, and is said again in time: a command that is killed stops nothing for good.
_HOLDS_SECONDS, _AGAIN_SECONDS = 10.0, 4.0
#: A service that does not answer is not waited for.
_LAST_WORD_SECONDS = 2.0


@contextmanager
def yielding(settings: Settings, anchor: str | Path | None, *, create: bool = True, is_working: bool = True) -> Iterator[None]:
    """The service of the workspace that is worked in rests while the block runs, and looks anew after it.

    :param anchor, create: as ``Session`` is opened with them. :param is_working: if not, it is not told.
    """
    workspace = workspace_root(settings, None if anchor is None else Path(anchor), create=create)
    if not (is_working and lock.may_run(workspace)):
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(workspace, done), name="beside service", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join(_LAST_WORD_SECONDS)


def by_service(workspace: Path, ask: Callable[[Client], object], here: Callable[[bool], T]) -> T:
    """Let the service of ``workspace`` do it, which knows what it is about to play; where none does, it is done here.

    :param here: does it; if its argument is true, only says what would be done
    """
    if lock.may_run(workspace):
        with suppress(OtioPerfError, OSError):
            client = Client.find(workspace)
            told = here(True)
            ask(client)
            return told
    return here(False)


def _tell(workspace: Path, done: threading.Event) -> None:
    with suppress(OtioPerfError, OSError):
        client = Client.find(workspace)
        while True:
            client.set_activity("exporting", _HOLDS_SECONDS)
            if done.wait(_AGAIN_SECONDS):
                break
        client.replan()
