"""From the words of a command to its session and its file."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import TimelineError
from otio_perf.metrics.trace import Trace
from otio_perf.model.events import ignore
from otio_perf.optimizer.options import Options, in_force
from otio_perf.optimizer.places import existing_workspace
from otio_perf.optimizer.session import Session

PathLike = str | Path


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


def existing_file(path: PathLike) -> Path:
    """:raises TimelineError: it is not there, or is no timeline by its name"""
    from otio_perf.media.discover import MEDIA_SUFFIXES, SOUND_SUFFIXES

    found = Path(path)
    try:
        is_there = found.exists()
    except OSError as e:  # no file system takes this name
        raise TimelineError(f"cannot be read: {e.strerror}", path=path, hint="Check the name") from e
    if not is_there:
        raise TimelineError("no such file", path=path, hint="Check the name")
    if found.is_dir() and found.suffix.lower() != ".otiod":
        raise TimelineError("is a folder, not a timeline", path=path, hint="Name the timeline's file")
    if found.suffix.lower() in MEDIA_SUFFIXES | SOUND_SUFFIXES:
        hint = "otio-perf probe says what it is, otio-perf proxy makes a proxy of it"
        raise TimelineError("has the name of a medium, not of a timeline", path=path, hint=hint)
    return found
