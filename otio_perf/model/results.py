"""What a command did: returned by the Python API, printed and written as JSON by the command line."""

from __future__ import annotations

from dataclasses import dataclass

from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A clip that did not get what was asked for (its proxy, or its original), and why."""

    clip: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenProxy:
    """A proxy that a timeline refers to, and one way in which it is not what stands for its original."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTimeline:
    """One timeline file that was written."""

    source: str
    path: str
    changed_clips: int
    left_alone: tuple[LeftAlone, ...] = ()
    broken: tuple[BrokenProxy, ...] = ()  # where proxies were checked
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyReport:
    """Answer of ``generate_proxies``: what was planned and what became of it. A dry run has no outcomes."""

    plan: Plan
    media: tuple[MediaFinding, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Failed, ...]:
        return tuple(o for o in self.outcomes if isinstance(o, Failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeReport:
    """Answer of ``optimize``."""

    analyses: tuple[Analysis, ...]
    proxies: ProxyReport
    written: tuple[WrittenTimeline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding of ``doctor``."""

    name: str
    works: bool
    required: bool
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFrame:
    """One frame of a timeline that was rendered. ``frame`` counts from 0; the names are the host's."""

    frame: int
    timecode: str
    approximate: tuple[str, ...] = ()  # effects that only come near to the host's
    unknown: tuple[str, ...] = ()  # effects that were left out
    missing: tuple[str, ...] = ()  # media in whose place a slate stands


@dataclass(frozen=True, slots=True, kw_only=True)
class StillReport:
    """Answer of ``frame``: one picture, or a contact sheet of several. ``engine`` says what rendered it, and why that."""

    path: str
    width: int
    height: int
    engine: str
    frames: tuple[RenderedFrame, ...]
    notices: tuple[str, ...] = ()
