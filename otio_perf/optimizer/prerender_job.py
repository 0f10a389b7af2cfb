"""One timeline whose regions are on their way: chosen, cut into chunks, joined when these are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from otio_perf.errors import CacheError, MediaError
from otio_perf.model.chunks import Chunk
from otio_perf.model.events import Stage
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.results import LeftToHost, PrerenderedRegion, PrerenderReport
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.optimizer.accelerated import accelerated
from otio_perf.optimizer.chunked import Chunks, new_frames
from otio_perf.optimizer.composed import Composed
from otio_perf.optimizer.effect_costs import effect_costs
from otio_perf.optimizer.plan_memory import PlanMemory
from otio_perf.optimizer.previewing import PreviewFolder, Previews
from otio_perf.optimizer.regions import Regions, Storing
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.optimizer.times import frame_range
from otio_perf.planning import cells, cost, prerenders, proxies
from otio_perf.planning.prerenders import Barred, Left, Region, SeenOf, looked_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. ``mode``: ``auto`` or ``all``; ``fidelity``: ``exact`` or ``approximate``; ``range``: as
    ``times.frame_range`` has it; ``zone``: what is marked in the project instead; ``use_proxies``: size of the proxies to
    render from, ``None``: originals."""

    mode: str
    fidelity: str
    dry_run: bool
    range: str | None = None
    zone: bool = False
    use_proxies: str | None = None


@dataclass(frozen=True, slots=True)
class _Cut:
    """A region and its chunks."""

    region: Region
    chunks: tuple[Chunk, ...]


class Prerendering:
    """One timeline on its way: planned when it is made; what is ``missing`` is rendered by whoever, then it is ``joined``.

    ``predicted``: what would be done; ``missing``: chunks by key.
    """

    def __init__(
        self,
        session: Session,
        surveyed: Surveyed,
        timeline: Composed,
        linked: Mapping[str, Sequence[Product]],
        asked: Wanted,
        into: PreviewFolder | None = None,
        pins: Sequence[tuple[int, int]] = (),
        memory: PlanMemory | None = None,
    ) -> None:
        self.session, self.survey, self.path, self.asked = session, surveyed.survey, surveyed.path, asked
        self.timeline, self.into = timeline, into
        self.spans = surveyed.spans
        self.within = frame_range(asked.range, timeline.composition)
        self.recipe = session.settings.prerender_recipe()
        found = session.devices.engine(session.settings.gpu, session.check_stop)
        engine = accelerated(session, found, self.recipe, timeline.colour.tags, media=timeline.media)
        self.why = engine.why
        remembering = None if memory is None else memory.frames.begin(timeline, self.recipe, engine.name)
        self._plan_of = timeline.plan if remembering is None else remembering.plan
        look = partial(looked_at, timeline.plan) if remembering is None else remembering.seen
        self._seen_of: SeenOf = partial(look, fidelity=asked.fidelity, tick=session.check_stop)
        known = None if memory is None else memory.frames.known
        self.chunks = Chunks(session, timeline, self.recipe, engine, takes_alike=True, known=known)
        self._store: Storing = (
            Regions(session, self.chunks, surveyed.survey, surveyed.path)
            if into is None
            else Previews(session, self.chunks, into, timeline.composition.duration)
        )
        self.machine = session.machine()
        costs = None if memory is None else memory.costs
        predict = partial(cost.predict, machine=self.machine, effect_costs=effect_costs, known=costs)
        self.originals = predict(self.survey, self.spans, timeline.media)
        instead = _stand_ins(timeline.media, linked, self.survey.frame_rate)
        self.played = predict(self.survey, self.spans, {**timeline.media, **instead}) if instead else self.originals

        with session.stage(Stage.PLAN):
            self._plan(pins)

    def every_chunk(self) -> Iterator[Chunk]:
        """In the order of the timeline, those that are there, too."""
        return (chunk for cut in self._cuts for chunk in cut.chunks)

    @property
    def joins(self) -> bool:
        """Will ``joined`` have to write a file?"""
        return any(not self._store.is_there(cut.chunks) for cut in self._cuts)

    def joined(self, reasons: Mapping[str, str]) -> PrerenderReport:
        """Join what is there by now. :param reasons: of chunks that could not be rendered, by key"""
        regions, failed = self._join(self._cuts, self.missing, reasons)
        left = sorted([*self.predicted.left, *failed], key=lambda one: one.start)
        notices, previews = tuple(self.session.notices), self._store.done if isinstance(self._store, Previews) else ()
        return replace(self.predicted, regions=tuple(regions), left=tuple(left), notices=notices, previews=tuple(previews))

    # ---- planning

    def _plan(self, pins: Sequence[tuple[int, int]]) -> None:
        chosen = prerenders.choose(
            self.survey,
            self.played,
            self._seen_of,
            mode=self.asked.mode,
            fidelity=self.asked.fidelity,
            within=self.within,
            pins=pins,
        )
        if self.into is not None:
            chosen = cells.widened(
                chosen,
                self.into.cells,
                self.timeline.composition.duration,
                self._plan_of,
                fidelity=self.asked.fidelity,
                tick=self.session.check_stop,
            )
        self._cuts, left = self._cut(chosen.regions)
        self.missing = self.chunks.missing(self.every_chunk())
        size = self.recipe.size_for(*self.timeline.canvas)
        frames = [FrameRange(c.start, c.stop, c.frame_rate) for c in self.missing.values()]
        self.predicted = PrerenderReport(
            source=str(self.path),
            mode=self.asked.mode,
            engine=self.why,
            recipe=self.recipe,
            width=size[0],
            height=size[1],
            colour=self.timeline.colour,
            regions=tuple(self._planned(cut.region, cut.chunks, self.missing) for cut in self._cuts),
            left=(*(self._left(one) for one in chosen.left), *left),
            predicted_seconds=prerenders.work_seconds(self.originals, frames, self.recipe, size, self.machine),
            predicted_bytes=self._bytes(self._cuts, self.missing, size),
            seconds=0.0,
            notices=tuple(self.session.notices),
        )

    def _cut(self, regions: Sequence[Region]) -> tuple[list[_Cut], list[LeftToHost]]:
        """Regions with their chunks, and those that read a file (a LUT) that cannot be read, or that have no place."""
        cuts: list[_Cut] = []
        left: list[LeftToHost] = []
        for region in regions:
            self.session.check_stop()
            files = self.chunks.files(region.plans)
            lost = self.chunks.unreadable({path for several in files for path in several})
            if not lost:
                self._cut_around(region, cuts, left)
                continue
            at = region.position.start
            for reasons, group in groupby([tuple(path for path in several if path in lost) for several in files]):
                position = FrameRange(at, at + len(list(group)), region.position.rate)
                plans = region.plans[at - region.position.start : position.stop - region.position.start]
                if not reasons:
                    self._cut_around(replace(region, position=position, plans=plans), cuts, left)
                else:
                    reason = "; ".join(f"{Path(path).name} {lost[path]}" for path in reasons)
                    left.append(self._left(Left(position=position, barred=Barred(reason))))
                at = position.stop
        return cuts, left

    def _cut_around(self, region: Region, cuts: list[_Cut], left: list[LeftToHost]) -> None:
        """What of ``region`` has a place to ``cuts``, the rest to ``left``."""
        at, chunks = region.position.start, self.chunks.cut(region.plans, region.position.start)
        held = self._store.held(chunks)
        if not held:
            cuts.append(_Cut(region, chunks))
            return
        left += [self._left(Left(position=position, barred=Barred(reason))) for position, reason in held]
        edges = [at, *(edge for position, _ in held for edge in (position.start, position.stop)), region.position.stop]
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if start < stop:  # its chunks begin elsewhere now
                position, plans = replace(region.position, start=start, stop=stop), region.plans[start - at : stop - at]
                self._cut_around(replace(region, position=position, plans=plans), cuts, left)

    def _bytes(self, cuts: Sequence[_Cut], missing: Mapping[str, Chunk], size: tuple[int, int]) -> int:
        """Of the missing chunks, and of the regions, which hold copies of them all."""
        written = sum(map(len, missing.values()))
        joined = sum(sum(map(len, cut.chunks)) for cut in cuts if not self._store.is_there(cut.chunks))
        return prerenders.size_bytes(written + joined, self.recipe, size)

    # ---- work

    def _join(
        self, cuts: Sequence[_Cut], missing: Mapping[str, Chunk], reasons: Mapping[str, str]
    ) -> tuple[list[PrerenderedRegion], list[LeftToHost]]:
        """A file for each run of chunks that are there: what failed leaves a hole, and spoils nothing else."""
        done: list[PrerenderedRegion] = []
        left: list[LeftToHost] = []
        with self.session.stage(Stage.JOIN, len(cuts)), self._store.joining():
            for cut in cuts:
                for is_there, group in groupby(cut.chunks, key=lambda c: self.chunks.made(c) is not None):
                    run = tuple(group)
                    if not is_there:
                        reason = next((reasons[c.key] for c in run if c.key in reasons), "was not rendered")
                        left.append(self._failed(run, reason))
                        continue
                    try:
                        stored = self._store.join(run)
                    except (MediaError, CacheError) as e:
                        self.chunks.forget_damaged(e.path, run)
                        left.append(self._failed(run, str(e)))
                        continue
                    if stored is None:
                        left.append(self._failed(run, "shares a piece of the editing program's preview with what failed"))
                        continue
                    planned = self._planned(cut.region, run, missing)
                    done.append(
                        replace(
                            planned,
                            start=stored.start,
                            stop=stored.stop,
                            start_timecode=self._timecode(stored.start),
                            stop_timecode=self._timecode(stored.stop),
                            key=stored.key,
                            path=stored.path,
                            size_bytes=stored.size_bytes,
                        )
                    )
        return done, left

    # ---- words

    def _timecode(self, frame: int) -> str:
        return self.survey.timecode(frame)

    def _planned(self, region: Region, run: Sequence[Chunk], missing: Mapping[str, Chunk]) -> PrerenderedRegion:
        start, stop = run[0].start, run[-1].stop
        return PrerenderedRegion(
            start=start,
            stop=stop,
            start_timecode=self._timecode(start),
            stop_timecode=self._timecode(stop),
            reasons=region.reasons(start, stop),
            chunks=len(run),
            new_frames=new_frames(run, missing),
        )

    def _left(self, one: Left) -> LeftToHost:
        start, stop = one.position.start, one.position.stop
        return LeftToHost(
            start=start,
            stop=stop,
            start_timecode=self._timecode(start),
            stop_timecode=self._timecode(stop),
            reason=one.barred.reason,
            effects=one.barred.effects,
            why=one.barred.why,
        )

    def _failed(self, run: Sequence[Chunk], reason: str) -> LeftToHost:
        position = FrameRange(run[0].start, run[-1].stop, run[0].frame_rate)
        return replace(self._left(Left(position=position, barred=Barred(reason))), is_failure=True)


def _stand_ins(
    media: Mapping[str, MediaInfo], linked: Mapping[str, Sequence[Product]], frame_rate: FrameRate
) -> dict[str, MediaInfo]:
    """Media as they play by their proxies; of several sizes, by the smallest."""
    found = {}
    for name, products in linked.items():
        info = media.get(name)
        if info is not None and products:
            smallest = min(products, key=lambda p: p.width * p.height)
            found[name] = proxies.proxied(info, smallest.recipe, frame_rate)
    return found
