"""What is installed into editing programs, and whether it works."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.hosts import Installation, Packaging


class Step(StrEnum):
    """What became of something of ours in a host."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """A file of a host that was, or was not, changed. ``note``: what is to be known, why it was left."""

    host: str
    path: str
    step: Step
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """An installation, and what is installed into it. ``command``: the path of ours that its scripts run, ``None`` for none."""

    installation: Installation
    command: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFinding:
    """One line of ``host doctor``: what, whether it works, what was found, what to do (``""``: nothing)."""

    host: str
    packaging: Packaging | None
    name: str
    works: bool
    required: bool
    found: str
    hint: str = ""
