"""What happened: outcomes of tasks and the progress of jobs, for progress bars, logs and subscribers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.timings import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    key: str
    products: tuple[Product, ...]
    seconds: float
    notes: tuple[str, ...] = ()  # which encoder, which decoder, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    key: str
    media: MediaInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    key: str
    machine: MachineProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Prerendered:
    """A chunk, whole and verified at ``path``."""

    key: str  # of the task
    chunk: str  # key of what is in the file: another than the task's where the GPU gave up
    path: str
    frames: int
    size_bytes: int
    digest: str  # of the file's bytes
    seconds: float
    engine: str  # that rendered it: ``Engine.name``; "" where another run had made it
    notes: tuple[str, ...] = ()  # which engine, and why
    timings: tuple[Timing, ...] = ()  # where the time went


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    key: str
    error: str  # class name in otio_perf.errors
    message: str
    path: str | None = None
    hint: str | None = None
    debug: str | None = None  # traceback of an error that nobody foresaw; shown by --debug only


Outcome = Ready | Probed | Calibrated | Prerendered | Skipped | Failed


class Stage(StrEnum):
    READ = "read"
    SURVEY = "survey"
    PROBE = "probe"
    CALIBRATE = "calibrate"
    ANALYZE = "analyze"
    PLAN = "plan"
    PROXY = "proxy"
    RENDER = "render"
    PRERENDER = "prerender"
    EXPORT = "export"
    JOIN = "join"
    MOVIE = "movie"
    RELINK = "relink"
    WRITE = "write"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    stage: Stage
    total: int  # units of work that are coming: media to probe, proxies to make; 0 where unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished:
    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted:
    key: str
    label: str
    total: int  # frames


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    key: str
    done: int  # frames
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFinished:
    key: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A word to the user that is no error."""

    text: str
    is_urgent: bool = False  # said also to who wants to hear of failures only


Event = StageStarted | StageFinished | TaskStarted | TaskProgress | TaskFinished | Notice
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener for those who do not want to hear."""
    del event
