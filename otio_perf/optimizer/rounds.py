"""One save of a timeline, for who follows its edits: surveyed and planned at once, worked off by a queue, written when done.

The steps are those of ``optimizing`` and ``prerendering``; what differs is that nobody waits for the work between them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import CacheError, SettingsError, TimelineError
from otio_perf.model.events import Failed, Outcome
from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.results import LeftToHost, PrerenderReport, WrittenTimeline
from otio_perf.model.tasks import ProxyTask, Task
from otio_perf.model.timing import FrameRange, union
from otio_perf.model.uses import TrackKind
from otio_perf.optimizer import lost_files, optimizing, prerendering, previewing, proxies, relinking, timelines
from otio_perf.optimizer.other_sequences import others_of
from otio_perf.optimizer.outcome import failed_sources, finished
from otio_perf.optimizer.plan_memory import PlanMemory
from otio_perf.optimizer.prerender_job import Prerendering
from otio_perf.optimizer.session import Session
from otio_perf.planning import prerenders
from otio_perf.timeline import files

#: Size of the proxy that is shown, against the timeline's.
SHARES = {"half": 0.5, "quarter": 0.25}
QUALITIES = ("automatic", "full", *SHARES)
USE_PROXIES = ("always", "auto", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What the timeline is to have. ``use_proxies``: ``auto`` (of what does not play), ``always`` (of all media), ``never``;
    ``prerender``: as the command's; ``quality``: which proxy is shown: ``full`` none, ``half`` and ``quarter`` the one whose
    size is nearest to that; ``pins``: frames that are rendered where they play, too."""

    use_proxies: str = "auto"
    prerender: str = "auto"
    fidelity: str = "exact"
    quality: str = "automatic"
    pins: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for name, word, choices in (
            ("use_proxies", self.use_proxies, USE_PROXIES),
            ("prerender", self.prerender, prerenders.MODES),
            ("fidelity", self.fidelity, ("exact", "approximate")),
            ("quality", self.quality, QUALITIES),
        ):
            if word not in choices:
                raise SettingsError(f"{name}: {word!r} is not one of {', '.join(choices)}")


class Round:
    """Planned when it is made; then ``tasks`` are done by whoever and ``record``\\ ed, and it is ``write``\\ n.

    :param output: the timeline that is written.
    :param given_up: tasks that failed before, by key: they are not tried again.
    :param memory: of the rounds before.
    :raises TimelineError, SettingsError: it cannot be read
    """

    def __init__(
        self,
        session: Session,
        path: Path,
        output: Path,
        aim: Aim,
        given_up: Mapping[str, Failed],
        memory: PlanMemory | None = None,
    ) -> None:
        self.session, self.path, self.output, self.aim = session, path, output, aim
        self.saved = prerendering.saved_state(path)
        self.surveyed = timelines.survey(session, path)
        lost_files.tell_lost(session, self.surveyed)
        closed = others_of(session, path, output)
        others = () if closed is None else (closed.surveyed,)
        self.findings = session.look_up(target for one in (self.surveyed, *others) for target in one.targets)
        known = None if memory is None else memory.costs
        if known is not None:
            known.begin(session.machine())
        self.analysis = timelines.analysis(session, self.surveyed, self.findings, known=known)
        surveys = [one.survey for one in (self.surveyed, *others)]
        self.recipes = proxies.recipes_for(session, surveys, session.settings.viewing_lut())
        uses_proxies = aim.use_proxies != "never"
        self.plan = proxies.planned(
            session,
            findings=self.findings,
            recipes=self.recipes if uses_proxies else (),
            surveys=surveys,
            analyses=[self.analysis, *(timelines.analysis(session, one, self.findings) for one in others)],
            force=aim.use_proxies == "always",
            beside=False,
            dry_run=False,
        )
        self.prerendering = self._prerendering(memory)
        possible, impossible = proxies.divided(session, self.plan)
        proxy_tasks = proxies.ready(session, possible)
        chunk_tasks = self._chunk_tasks(given_up)
        self.outcomes: dict[str, Outcome] = {
            **impossible,
            **{task.key: given_up[task.key] for task in proxy_tasks if task.key in given_up},
            **{key: given_up[key] for key in self.missing if key in given_up},
        }
        self.tasks: dict[str, Task] = {task.key: task for task in (*proxy_tasks, *chunk_tasks) if task.key not in self.outcomes}
        #: Regions whose chunks were rendered, and of which no file came when it was written: another round may do better.
        self.unjoined: tuple[LeftToHost, ...] = ()

    @property
    def missing(self) -> Collection[str]:
        """Keys of the chunks that were not there when it was planned."""
        return () if self.prerendering is None else self.prerendering.missing

    @property
    def signature(self) -> tuple[object, ...]:
        """What would be written now: equal where it would be the same."""
        shown = self._shown()
        products = sorted(p.key for several in self.there().values() for p in several)
        rendered = []
        if self.prerendering is not None:
            chunks = self.prerendering.chunks
            rendered = [(c.start, made.key) for c in self.prerendering.every_chunk() if (made := chunks.made(c)) is not None]
        return self.surveyed.survey.digest, tuple(products), tuple(rendered), None if shown is None else shown.rung

    @property
    def left(self) -> int:
        """Tasks that have no outcome yet."""
        return sum(1 for key in self.tasks if key not in self.outcomes)

    def places(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """Frames ``[start, stop)`` of the timeline that each task serves, by key of the task."""
        used: dict[str, list[FrameRange]] = {}
        for use in self.surveyed.survey.uses:
            if use.track_kind is TrackKind.VIDEO:
                used.setdefault(use.target.medium, []).append(use.position)
        of_product = self.media_of_products()
        found: dict[str, tuple[tuple[int, int], ...]] = {}
        for key, task in self.tasks.items():
            if isinstance(task, ProxyTask):
                media = {medium for p in task.products for medium in of_product[p.key]}
                found[key] = tuple((r.start, r.stop) for r in union(r for medium in media for r in used.get(medium, ())))
        if self.prerendering is not None:
            chunks = [chunk for chunk in self.prerendering.every_chunk() if chunk.key in self.tasks]
            for chunk in chunks:
                found[chunk.key] = (*found.get(chunk.key, ()), (chunk.start, chunk.stop))
        return found

    def media_of_products(self) -> dict[str, tuple[str, ...]]:
        """Every ``Target.medium`` that a product is a proxy of: copies of one file have it in common."""
        found: dict[str, tuple[str, ...]] = {}
        for decision in self.plan.decisions:
            for product in decision.products:
                found[product.key] = (*found.get(product.key, ()), decision.target.medium)
        return found

    def record(self, outcome: Outcome) -> None:
        """What became of one of ``tasks``; what was made is on record by then."""
        if outcome.key in self.tasks:
            self.outcomes[outcome.key] = outcome
            if self.prerendering is not None and outcome.key in self.prerendering.missing:
                self.prerendering.chunks.heard(outcome)

    def there(self) -> dict[str, tuple[Product, ...]]:
        """The proxies that are there by now, by ``Target.medium``."""
        return finished(proxies.report(self.session, self.plan, self.findings, self.outcomes))

    def is_current(self) -> bool:
        """Is the timeline still what was planned? Saved again without a change, it is; where it is gone, it is not."""
        try:
            now = prerendering.saved_state(self.path)
            if now != self.saved and self._digest() == self.surveyed.survey.digest:
                self.saved = now
        except (TimelineError, OSError):
            return False
        return now == self.saved

    @property
    def joins(self) -> bool:
        """Will ``write`` have much to write, besides the timeline?"""
        return self.prerendering is not None and self.prerendering.joins

    def write(self) -> tuple[WrittenTimeline, PrerenderReport | None]:
        """Join what was rendered, and write the timeline with it and its proxies. What could not be joined is ``unjoined``.

        :raises TimelineError: it was saved again in the meantime, so that another round is due; or cannot be written.
        """
        made = proxies.report(self.session, self.plan, self.findings, self.outcomes)
        there, failed = finished(made), failed_sources(made)
        rendered, laid = None, None
        if self.prerendering is not None:
            failed_chunks = self._failed_chunks()
            rendered = self.prerendering.joined({key: one.message for key, one in failed_chunks.items()})
            holes = [chunk.start for chunk in self.prerendering.every_chunk() if chunk.key in failed_chunks]
            self.unjoined = tuple(
                one for one in rendered.left if one.is_failure and not any(one.start <= at < one.stop for at in holes)
            )
            laid = prerendering.laid(self.surveyed, rendered, self.prerendering.into)
        prerendering.require_unsaved(self.path, self.saved)
        active = self._shown()
        written = relinking.write_relinked(
            self.session,
            self.surveyed,
            self.output,
            products=there,
            findings=self.findings,
            active=None if active is None else active.reference_key,
            failed=failed,
            laid=laid,
        )
        return written, rendered

    def failures(self) -> dict[str, str]:
        """What could not be made, by name of the medium or timecodes, and why."""
        made = proxies.report(self.session, self.plan, self.findings, self.outcomes)
        found = dict(failed_sources(made))
        if self.prerendering is not None:
            chunks, missing = self.prerendering.chunks, self.prerendering.missing
            found |= {chunks.label(missing[key]): failed.message for key, failed in self._failed_chunks().items()}
            found |= {f"{one.start_timecode} – {one.stop_timecode}": one.reason for one in self.unjoined}
        return found

    def _failed_chunks(self) -> dict[str, Failed]:
        return {} if self.prerendering is None else self.prerendering.chunks.failed(self.prerendering.missing, self.outcomes)

    def _digest(self) -> str:
        return files.digest_at(self.path, timelines.limits(self.session.settings))

    # ---- planning

    def _prerendering(self, memory: PlanMemory | None) -> Prerendering | None:
        wanted = prerendering.wanted(self.aim.prerender, self.aim.fidelity, dry_run=False)
        if wanted is None:
            return None
        shows = self.aim.quality != "full" and self.aim.use_proxies != "never"
        linked = {d.target.medium: d.products for d in self.plan.decisions if d.products} if shows else {}
        try:
            into = previewing.folder_of(self.path, self.output, timelines.limits(self.session.settings))
            return prerendering.planned(
                self.session, self.surveyed, self.findings, linked, wanted, into=into, pins=self.aim.pins, memory=memory
            )
        except (TimelineError, SettingsError, CacheError) as e:
            self.session.note(f"nothing is prerendered: {e}")
            return None

    def _chunk_tasks(self, given_up: Mapping[str, Failed]) -> Iterable[Task]:
        if self.prerendering is None:
            return ()
        return self.prerendering.chunks.tasks(c for key, c in self.prerendering.missing.items() if key not in given_up)

    def _shown(self) -> ProxyRecipe | None:
        """The proxies that the timeline shows; ``None``: its originals."""
        if self.aim.quality == "full" or self.aim.use_proxies == "never":
            return None
        if self.aim.quality == "automatic":
            return optimizing.active(self.session, self.surveyed, self.findings, self.recipes)
        return _nearest(self.recipes, self._canvas(), SHARES[self.aim.quality])

    def _canvas(self) -> tuple[int, int]:
        """Of the timeline; where it does not say, of its largest picture."""
        pictures = [f.info.picture.display_size for f in self.findings.values() if f.info is not None and f.info.picture]
        return self.surveyed.survey.canvas or max(pictures, default=(1920, 1080))


def _nearest(recipes: Sequence[ProxyRecipe], canvas: tuple[int, int], share: float) -> ProxyRecipe:
    """Of ``recipes`` the one whose pictures come nearest to ``share`` of ``canvas``, side by side."""
    return min(recipes, key=lambda recipe: abs(max(recipe.size_for(*canvas)) / max(canvas) - share))
