"""What a command did: returned by the Python API, printed and written as JSON by the command line."""

from __future__ import annotations

from dataclasses import dataclass

from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.colour import ColourSpace
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.plans import Plan
from otio_perf.model.recipes import PrerenderRecipe


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
class ProxyDifference:
    """One way in which the file at ``path`` cannot stand for its original. ``source``: what that demands of it; ``proxy``: what
    it has instead."""

    path: str
    field: str
    source: str
    proxy: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTimeline:
    """One timeline file that was written. ``placed``: proxies that were put where its program looks for them, and were not
    there. ``is_as_it_was``: it was to be restored, and there was nothing of ours in it."""

    source: str
    path: str
    changed_clips: int
    left_alone: tuple[LeftAlone, ...] = ()
    broken: tuple[BrokenProxy, ...] = ()  # where proxies were checked
    notices: tuple[str, ...] = ()
    placed: int = 0
    is_as_it_was: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyReport:
    """Answer of ``generate_proxies``: what was planned and what became of it. A dry run has no outcomes. ``folder``: where
    the workspace's own proxies are."""

    plan: Plan
    media: tuple[MediaFinding, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float
    notices: tuple[str, ...] = ()
    folder: str = ""

    @property
    def failed(self) -> tuple[Failed, ...]:
        return tuple(o for o in self.outcomes if isinstance(o, Failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrerenderedRegion:
    """Frames ``[start, stop)`` of a timeline in a file of their own.

    ``new_frames``: how many of them were not there yet; they were rendered now, or would be, after a dry run.
    """

    start: int
    stop: int
    start_timecode: str
    stop_timecode: str
    reasons: tuple[str, ...]  # why it is rendered ahead, as the analysis says
    chunks: int
    new_frames: int
    key: str = ""  # what its file holds; "" after a dry run, as the path
    path: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewChunk:
    """Frames ``[start, stop)`` of a timeline as a file of the editing program's own preview. ``key``: what the file is;
    ``is_new``: it was not there."""

    start: int
    stop: int
    path: str
    key: str
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftToHost:
    """Frames ``[start, stop)`` of a timeline that should be prerendered and are not. ``effects``: those in the way, by name;
    ``why``: by name, what differs or is wrong.

    ``is_failure``: it was tried.
    """

    start: int
    stop: int
    start_timecode: str
    stop_timecode: str
    reason: str
    effects: tuple[str, ...] = ()
    why: tuple[tuple[str, str], ...] = ()
    is_failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PrerenderReport:
    """What ``prerender`` did with one timeline; a dry run has no files. ``engine`` says what renders it, and why that."""

    source: str
    mode: str
    engine: str
    recipe: PrerenderRecipe
    width: int  # of the pictures
    height: int
    colour: ColourSpace  # of the pictures, and of the files
    regions: tuple[PrerenderedRegion, ...]
    left: tuple[LeftToHost, ...]
    predicted_seconds: float  # of what is not there yet
    predicted_bytes: int
    seconds: float
    written: WrittenTimeline | None = None
    notices: tuple[str, ...] = ()
    previews: tuple[PreviewChunk, ...] = ()  # what the regions are for a host that has a preview of its own

    @property
    def new_frames(self) -> int:
        return sum(r.new_frames for r in self.regions)

    @property
    def failed(self) -> tuple[LeftToHost, ...]:
        return tuple(one for one in self.left if one.is_failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeReport:
    """Answer of ``optimize``. ``prerenders``: one a timeline, where they were asked for."""

    analyses: tuple[Analysis, ...]
    proxies: ProxyReport
    written: tuple[WrittenTimeline, ...]
    prerenders: tuple[PrerenderReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding of ``doctor``. ``was_tried``: there is something here to try it on."""

    name: str
    works: bool
    required: bool
    found: str
    was_tried: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFrame:
    """One frame of a timeline that was rendered. ``frame`` counts from 0; the names are the host's."""

    frame: int
    timecode: str
    approximate: tuple[str, ...] = ()  # effects that only come near to the host's
    unknown: tuple[str, ...] = ()  # effects that were left out
    missing: tuple[str, ...] = ()  # media in whose place a slate stands
    unusable: tuple[str, ...] = ()  # clips of which the timeline says what makes no sense: a slate stands for them, too
    why: tuple[tuple[str, str], ...] = ()  # by any of these names, what differs or is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class StillReport:
    """Answer of ``frame``: one picture, or a contact sheet of several. ``engine`` says what rendered it, and why that."""

    path: str
    width: int
    height: int
    colour: ColourSpace  # that the timeline is rendered in
    engine: str
    frames: tuple[RenderedFrame, ...]
    notices: tuple[str, ...] = ()
