"""From an analysis to regions that play: choose, cut into chunks, render what is missing, join, lay over the timeline."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import SettingsError, TimelineError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Stage
from otio_perf.model.frames import FIDELITIES
from otio_perf.model.plans import Product
from otio_perf.model.results import PrerenderReport
from otio_perf.model.timing import parse_timecode
from otio_perf.optimizer import previewing, records, relinking, timelines
from otio_perf.optimizer.chunked import warn_of_full_disk
from otio_perf.optimizer.composed import composed
from otio_perf.optimizer.named_files import finder
from otio_perf.optimizer.plan_memory import PlanMemory
from otio_perf.optimizer.prerender_job import Prerendering, Wanted
from otio_perf.optimizer.previewing import PreviewFolder
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.standing_in import stand_ins
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.planning import prerenders
from otio_perf.timeline import lay
from otio_perf.timeline.composition import compose
from otio_perf.timeline.lay import Laid
from otio_perf.timeline.mlt.preview import Preview
from otio_perf.timeline.relink import AS_BEFORE

#: What is unknown is always left to the host.
_FIDELITIES = FIDELITIES[:2]


def wanted(
    mode: str,
    fidelity: str,
    *,
    dry_run: bool,
    range: str | None = None,
    zone: bool = False,
    use_proxies: str | None = None,
) -> Wanted | None:
    """``None``: nothing. :raises SettingsError: words that are none of the choices"""
    for word, choices in ((mode, prerenders.MODES), (fidelity, _FIDELITIES)):
        if word not in choices:
            raise SettingsError(f"{word!r} is not one of {', '.join(choices)}")
    if mode == "none":
        return None
    return Wanted(mode=mode, fidelity=fidelity, dry_run=dry_run, range=range, zone=zone, use_proxies=use_proxies)


def prerender(session: Session, timeline: Path, output: Path, asked: Wanted) -> PrerenderReport:
    """Prerender ``timeline`` as it plays with the proxies that it has, and write it with its overlay to ``output``.

    :raises TimelineError: it cannot be read, or cannot carry an overlay. Regions that fail are in the report.
    """
    saved = saved_state(timeline)
    limits = timelines.limits(session.settings)
    into = previewing.folder_of(timeline, output, limits)
    zone = previewing.zone(timeline, limits) if asked.zone else None
    surveyed = timelines.survey(session, timeline)
    if zone is not None:  # it may reach beyond the timeline
        stop = max((span.position.stop for span in surveyed.spans), default=0)
        asked = replace(asked, range=f"{zone[0]}-{min(zone[1] + 1, stop)}")
    findings = session.look_up(surveyed.targets)
    document = timelines.read(session, timeline)
    linked, findings = records.earlier(session, document, surveyed.locator, findings)
    report = render(session, surveyed, findings, linked, asked, into=into)
    if asked.dry_run:
        return report
    session.check_stop()
    require_unsaved(timeline, saved)
    written = relinking.write_relinked(
        session,
        surveyed,
        output,
        products={},
        findings=findings,
        active=AS_BEFORE,
        failed={},
        laid=laid(surveyed, report, into),
    )
    return replace(report, written=written, notices=tuple(session.notices))


def saved_state(timeline: Path) -> tuple[int, int, int]:
    """Tells whether it was saved since. :raises TimelineError: it is gone"""
    try:
        found = (timeline / "content.otio" if timeline.is_dir() else timeline).stat()
    except OSError as e:
        raise TimelineError(f"cannot be read: {e.strerror}", path=timeline) from e
    return found.st_size, found.st_mtime_ns, found.st_ino


def require_unsaved(timeline: Path, before: tuple[int, int, int]) -> None:
    """:raises TimelineError: it was saved since: what was rendered is of the edit as it was then"""
    if saved_state(timeline) != before:
        raise TimelineError(
            "was saved while it was rendered, so what was rendered may not fit it: nothing is written",
            path=timeline,
            hint="Run it again: what did not change is not rendered again",
        )


def laid(surveyed: Surveyed, report: PrerenderReport, into: PreviewFolder | None) -> tuple[Laid, ...] | Preview:
    """The regions of ``report`` as they lie on the timeline, or, with the folder ``into`` which they went,
    what its project gets."""
    rate = surveyed.survey.frame_rate
    if into is not None:
        return previewing.preview_of(into, report, rate)
    return tuple(
        Laid(start=r.start, stop=r.stop, path=r.path, first=parse_timecode(r.start_timecode, rate), key=r.key)
        for r in report.regions
    )


def render(
    session: Session,
    surveyed: Surveyed,
    findings: Mapping[str, MediaFinding],
    linked: Mapping[str, Sequence[Product]],
    asked: Wanted,
    *,
    into: PreviewFolder | None = None,
) -> PrerenderReport:
    """Render what ``asked`` wants of one timeline; what is there already is not rendered again.

    :param findings: by ``Target.medium``.
    :param linked: proxies that the timeline plays with, by ``Target.medium`` of their originals.
    :param into: the folder of the host's own preview, where the regions are to be that.
    """
    began = time.monotonic()
    job = planned(session, surveyed, findings, linked, asked, into=into)
    if asked.dry_run:
        return replace(job.predicted, seconds=time.monotonic() - began)
    warn_of_full_disk(session, (job.predicted.predicted_bytes, session.workspace.root))
    reasons = {key: failed.message for key, failed in job.chunks.make(job.missing, Stage.PRERENDER).items()}
    session.check_stop()
    return replace(job.joined(reasons), seconds=time.monotonic() - began)


def planned(
    session: Session,
    surveyed: Surveyed,
    findings: Mapping[str, MediaFinding],
    linked: Mapping[str, Sequence[Product]],
    asked: Wanted,
    *,
    into: PreviewFolder | None = None,
    pins: Sequence[tuple[int, int]] = (),
    memory: PlanMemory | None = None,
) -> Prerendering:
    """What ``asked`` wants of one timeline, and what of it is missing: see ``render``.

    :raises CacheError: the folder cannot be written to
    :param pins: frames ``[start, stop)`` that are rendered where they play, too
    :param memory: of the timeline as it was before
    """
    with session.stage(Stage.READ):
        document = timelines.read(session, surveyed.path)
    if into is None:
        lay.require_possible(document)
    else:
        previewing.tell_switched_off(session, into)
        if not asked.dry_run:
            previewing.require_writable(into.folder)
    find = finder(document, surveyed.locator)
    composition = compose(document, surveyed.locator)
    shown = {target.medium: findings[target.medium] for target in surveyed.targets if target.medium in findings}
    instead = stand_ins(session, linked, shown, asked.use_proxies)
    timeline = composed(composition, findings, find, colour=session.settings.colour, stand_ins=instead)
    return Prerendering(session, surveyed, timeline, linked, asked, into, pins, memory)
