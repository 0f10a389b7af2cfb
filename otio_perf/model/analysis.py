"""The result of an analysis: what each span costs on this machine, why, and what would help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import MediaInfo
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.spans import Span
from otio_perf.model.uses import Survey


class Remedy(StrEnum):
    PROXY = "proxy"
    PRERENDER = "prerender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something that would help, with what it costs and gains."""

    remedy: Remedy
    text: str  # "1080p proxy of A001_C002.mp4"
    media_path: str | None  # for a proxy
    rung: str | None
    spans: tuple[int, ...]  # that it makes smoother
    work_seconds: float  # predicted
    size_bytes: int  # predicted
    saved_ms: float  # per frame, mean over its spans
    saved_seconds: float  # summed over its spans: decode time that playback no longer needs

    @property
    def gain_per_second(self) -> float:
        """Playback seconds saved per second of work: what suggestions are ranked by."""
        return self.saved_seconds / max(self.work_seconds, 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCost:
    """Prediction for one span. ``factor`` = frame time ÷ frame budget: above 1 the span stutters."""

    span: Span
    frame_ms: float
    factor: float
    reasons: tuple[str, ...]
    parts_ms: tuple[tuple[str, float], ...]  # ("decode A001.mp4", 31.0), ("2 layers", 4.1) …
    with_proxy_factor: float | None  # with the linked proxies and those that are suggested; None where none helps
    offline: tuple[str, ...] = ()  # media that are missing: not counted in the cost
    linked_factor: float | None = None  # with the proxies that are linked; None where none is

    @property
    def is_smooth(self) -> bool:
        return self.factor <= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFinding:
    """One medium of the timeline and what the probe said."""

    path: str
    url: str
    state: str  # "online", "offline", "refused", "generator", "missing"
    info: MediaInfo | None
    reason: str | None  # why it is not online; how it was found, where that was not by its URL


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneProxy:
    """A proxy that clips of the timeline show and that is not there any more."""

    path: str
    clips: int  # that show it


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedProxy:
    """A proxy of ``medium`` (``Target.medium``) that is good, and that all of its clips show."""

    medium: str
    media_path: str
    recipe: ProxyRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    survey: Survey
    machine: MachineProfile
    media: tuple[MediaFinding, ...]
    spans: tuple[SpanCost, ...]
    suggestions: tuple[Suggestion, ...]  # best gain per second of work first
    gone: tuple[GoneProxy, ...] = ()  # looked for by ``analyze`` alone: ``optimize`` makes them anew
    linked: tuple[LinkedProxy, ...] = ()  # likewise; they are not suggested again

    @property
    def smooth_share(self) -> float:
        """Share of the timeline's frames in spans that play in real time, 0–1. Where media are missing nobody knows."""
        return self._share(lambda s: s.is_smooth and not s.offline) if self.spans else 1.0

    @property
    def smooth_share_with_proxies(self) -> float:
        """The same with the proxies that are linked, once those that are suggested are made."""
        playable = self._share(lambda s: min(s.factor, s.with_proxy_factor or s.factor) <= 1.0 and not s.offline)
        return playable if self.spans else 1.0

    @property
    def smooth_share_linked(self) -> float:
        """The same with the proxies that are linked."""
        playable = self._share(lambda s: (s.factor if s.linked_factor is None else s.linked_factor) <= 1.0 and not s.offline)
        return playable if self.spans else 1.0

    @property
    def missing_share(self) -> float:
        """Share of the frames in spans with missing media, 0–1."""
        return self._share(lambda s: bool(s.offline))

    def _share(self, counts: Callable[[SpanCost], bool]) -> float:
        total = sum(len(s.span.position) for s in self.spans)
        return sum(len(s.span.position) for s in self.spans if counts(s)) / total if total else 0.0
