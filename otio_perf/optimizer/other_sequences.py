"""The sequences of a project that were not open in it: the proxy of a medium is that of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf.model.analysis import MediaFinding
from otio_perf.model.plans import Product
from otio_perf.model.uses import Problem
from otio_perf.optimizer import timelines
from otio_perf.optimizer.records import earlier
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.timeline import files, relink
from otio_perf.timeline import survey as surveying
from otio_perf.timeline.files import Document
from otio_perf.timeline.spans import cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What only the other sequences play: as ``files.read_others`` has it, and surveyed."""

    document: Document
    surveyed: Surveyed


def others_of(session: Session, timeline: Path, output: Path | None) -> Others | None:
    """``None``: ``timeline`` is no project, or has nothing of the kind, or its ``output`` is to be none.

    :raises TimelineError: it cannot be read
    """
    if output is not None and output.suffix.lower() not in files.PROJECTS:
        return None
    document = files.read_others(timeline, limits=timelines.limits(session.settings))
    if document is None:
        return None
    where = timelines.locator(session.settings, timeline)
    found = surveying.survey(document, where.based(document.base))
    return Others(document=document, surveyed=Surveyed(path=timeline, locator=where, survey=found, spans=cut(found)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relinked:
    """The other sequences with their proxies; ``kept``: those that they had. ``findings``: also of their originals."""

    before: Document
    after: Document
    surveyed: Surveyed
    kept: Mapping[str, Sequence[Product]]
    findings: Mapping[str, MediaFinding]
    left_alone: tuple[Problem, ...]


def relinked(
    session: Session,
    others: Others,
    *,
    products: Mapping[str, Sequence[Product]],
    findings: Mapping[str, MediaFinding],
    active: str | None,
    output: Path,
) -> Relinked:
    """See ``relink.relink``, whose words these are."""
    where = others.surveyed.locator
    kept, findings = earlier(session, others.document, where, findings)
    media = {medium: finding.info for medium, finding in findings.items() if finding.info is not None}
    done = relink.relink(others.document, products, media, active=active, output_path=output, locator=where, earlier=kept)
    if done.sources:
        what = "1 medium" if done.sources == 1 else f"{done.sources} media"
        session.note(
            f"{what} that only other sequences of the project play {'has' if done.sources == 1 else 'have'} proxies, too"
        )
    return Relinked(
        before=others.document,
        after=done.document,
        surveyed=others.surveyed,
        kept=kept,
        findings=findings,
        left_alone=done.left_alone,
    )
