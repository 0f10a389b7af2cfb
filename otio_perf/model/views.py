"""What a running service shows of itself: one set of values for the Python API, the HTTP API and the dashboard.

Plain numbers, words and tuples, so that they are JSON as they stand. Frames are ints of the timeline (``start`` is in the
range, ``stop`` is not), ``…_at`` are seconds since the epoch, ``…_seconds`` and ``…_bytes`` are what they say. Media,
timelines, folders and products are named by ``id``: no file is served by a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Activity(StrEnum):
    """What the user is doing, as hosts and players tell: background work keeps out of the way of all but ``IDLE``."""

    IDLE = "idle"
    EDITING = "editing"
    PLAYING = "playing"
    EXPORTING = "exporting"


class TaskState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class SpanState(StrEnum):
    SMOOTH = "smooth"  # plays in real time as it is
    READY = "ready"  # plays by what was made
    NEEDS_WORK = "needs_work"
    QUEUED = "queued"
    RENDERING = "rendering"
    HOST = "host"  # left to the editing program: ``reasons`` say why
    OFFLINE = "offline"  # media are missing


class ProxyState(StrEnum):
    NOT_NEEDED = "not_needed"  # the original plays
    WANTED = "wanted"  # would help, is not made
    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    STALE = "stale"  # the source has changed since
    FAILED = "failed"
    REFUSED = "refused"  # ``reason`` says why
    OFFLINE = "offline"
    SETTLING = "settling"  # in a watched folder, and still being written


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundView:
    """How much the background works, and why not more."""

    state: str  # working, idle (nothing to do), paused (by the user), yielding (to somebody else)
    reason: str  # "the user plays", "battery at 18 %" …; "" where nothing holds it back
    slots: int  # tasks that may run now
    running: int
    waiting: int
    frames_per_second: float  # of all that runs
    seconds_left: float | None  # None: not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedTimeline:
    """A timeline in the service's list."""

    id: str
    path: str
    name: str
    frame_rate: str  # "24000/1001"
    frames: int
    playhead: int | None
    state: str  # waiting (for quiet), working, ready, failed, gone
    message: str  # why it failed
    smooth_share: float  # of its frames, as they play now, 0–1
    saved_at: float
    written: str | None  # the timeline with proxies and prerenders, once there is one
    job: str | None  # that works for it


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFolder:
    id: str
    path: str
    state: str  # watching, polling, suspended
    reason: str  # why polling, or suspended
    files: int  # media in it
    settling: int
    queued: int
    ready: int
    failed: int
    scanned_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    version: str
    pid: int
    workspace: str
    address: str | None  # of the HTTP API; None: there is none
    started_at: float
    activity: Activity
    quality: str  # of playback: automatic, full, half, quarter
    background: BackgroundView
    timelines: tuple[FollowedTimeline, ...]
    folders: tuple[WatchedFolder, ...]
    notices: tuple[str, ...]  # newest last, at most 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """What lies on a track."""

    start: int
    stop: int
    kind: str  # clip, transition; gaps are what is left
    name: str
    medium: str | None  # id


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackView:
    name: str
    kind: str  # video, audio
    items: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanView:
    start: int
    stop: int
    start_timecode: str
    stop_timecode: str
    factor: float  # frame time ÷ frame budget of the originals; above 1 it stutters
    factor_now: float  # with what is there by now
    state: SpanState
    reasons: tuple[str, ...]
    done: int  # frames of it that are rendered, where it is queued or rendering


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeView:
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionView:
    """Something that would help, and the button for it: ``action`` is a method of the API, with ``arguments``."""

    text: str
    kind: str  # proxy, prerender, gpu, cache
    saved_ms: float  # a frame, mean over its spans
    work_seconds: float
    size_bytes: int  # negative: freed
    action: str
    arguments: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineView:
    """A timeline as it is drawn."""

    timeline: FollowedTimeline
    tracks: tuple[TrackView, ...]  # top to bottom, as editors draw them
    spans: tuple[SpanView, ...]
    pins: tuple[RangeView, ...]
    suggestions: tuple[SuggestionView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeView:
    """A file that was made."""

    kind: str  # proxy, prerender
    name: str  # of the medium; timecodes
    path: str
    frames: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """Why something was not done."""

    name: str  # of the medium; timecodes
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """What came of the work for a timeline since ``optimize`` was called, or it began to be followed."""

    timeline: FollowedTimeline
    job: str
    is_done: bool  # nothing of it is left to do: what is missing is in ``failed``
    use_proxies: str  # as it is worked for: always, auto, never
    prerender: str  # auto, all, none
    made: tuple[MadeView, ...]  # oldest first, the last 5000
    failed: tuple[ReasonView, ...]
    left: tuple[ReasonView, ...]  # to the editing program, by decision


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    key: str
    kind: str  # proxy, prerender, probe, calibrate
    label: str
    state: TaskState
    jobs: tuple[str, ...]  # that want it
    timeline: str | None  # id
    start: int | None  # frames of the timeline that it serves
    stop: int | None
    is_pinned: bool
    done: int  # frames
    total: int
    seconds: float | None  # that it has been running, or took
    seconds_left: float | None
    message: str  # why it failed; what was remarkable
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    id: str
    label: str  # "short_film.otio", "/rushes" …
    kind: str  # timeline, folder, request
    waiting: int
    running: int
    done: int
    failed: int
    frames: int  # done
    total_frames: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """``tasks``: those that run, those that wait in their order, those that ended, newest first; a page of ``total``."""

    is_paused: bool
    background: BackgroundView
    jobs: tuple[JobView, ...]
    tasks: tuple[TaskView, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyFile:
    key: str
    rung: str
    codec: str
    width: int
    height: int
    path: str
    size_bytes: int
    state: ProxyState
    done: int  # frames
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A medium and its proxies."""

    id: str
    name: str
    path: str
    size_bytes: int
    width: int
    height: int
    codec: str
    frame_rate: str
    frames: int
    state: ProxyState
    reason: str
    proxies: tuple[ProxyFile, ...]
    timelines: tuple[str, ...]  # ids of those that use it


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesView:
    """A page of ``total`` media."""

    sources: tuple[SourceView, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    kind: str  # proxies, renders, chunks, analysis, index
    files: int
    size_bytes: int
    unused: int  # files that nothing refers to any more
    unused_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheProject:
    """What one timeline, or watched folder, fills the cache with; what several use is counted in each."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheView:
    workspace: str
    kinds: tuple[CacheKind, ...]
    projects: tuple[CacheProject, ...]
    size_bytes: int
    limit_bytes: int | None
    disk_free_bytes: int
    disk_reserve_bytes: int  # that stay free
    faults: int  # found by the last check


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuView:
    name: str
    load: float | None  # 0–1; None: the driver does not say
    memory_used_bytes: int
    memory_total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsView:
    """Readings of this moment. ``gpus`` is empty where there is none; ``gpu_reason`` says why."""

    at: float
    processor_load: float  # of the whole machine, 0–1
    own_processor_load: float  # of the service and its workers
    memory_used_bytes: int  # by the service and its workers
    memory_limit_bytes: int
    machine_memory_available_bytes: int
    gpus: tuple[GpuView, ...]
    gpu_reason: str
    cache_bytes: int
    disk_free_bytes: int | None  # None: its disk does not answer
    frames_per_second: float
    bytes_per_second: float
    queue_waiting: int
    queue_running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """Where time went in what was made last."""

    name: str  # "decode h264", "effect gaussian_blur" …
    kind: str  # stage, effect
    calls: int
    frames: int
    total_ms: float
    frame_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    stages: tuple[StageView, ...]  # most time first
    history: tuple[MetricsView, ...]  # oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    name: str
    value: str | int | bool | tuple[str, ...] | None
    default: str | int | bool | tuple[str, ...] | None
    help: str
    choices: tuple[str, ...]  # empty: any
    section: str  # of the page
    origin: str  # default, file, environment, flag: who said so


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent:
    """Something has changed; ``number`` grows by one, so that who lost the line can ask for what came after.

    ``kind``: ``task`` (``body`` is a ``TaskView``), ``queue`` (order or background has changed; ask anew), ``timeline`` (a
    ``FollowedTimeline``), ``edit`` (what a save came to: ``timeline``, and keys of tasks: ``new``, ``kept``, ``cancelled``),
    ``folder`` (a ``WatchedFolder``), ``sources``, ``cache``, ``settings``, ``metrics`` (a ``MetricsView``), ``notice``
    (``{"text": …}``), ``missed`` (events were dropped: ask for everything anew).
    """

    number: int
    at: float
    kind: str
    body: dict[str, object]
