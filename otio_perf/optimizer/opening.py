"""From the options of a command to its session."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from otio_perf.metrics.trace import Trace
from otio_perf.model.events import ignore
from otio_perf.optimizer.options import Options, in_force
from otio_perf.optimizer.session import Session, existing_workspace


def opened_there(options: Options) -> Session:
    """A session on a workspace that is there. :raises CacheError: it is not"""
    settings = in_force(options)
    named = replace(settings, workspace=existing_workspace(settings))
    return opened({**options, "settings": named}, anchor=None, create=True)


def opened(options: Options, *, anchor: Path | None, create: bool) -> Session:
    """A session; ``anchor`` and ``create`` are its own."""
    return Session(
        in_force(options),
        anchor=anchor,
        create=create,
        listener=options.get("listener", ignore),
        trace=options.get("trace") or Trace(),
        stop=options.get("stop") or threading.Event(),
        documents=options.get("documents", ()),
    )
