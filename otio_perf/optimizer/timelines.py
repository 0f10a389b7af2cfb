"""From a timeline file to what it asks for, and from findings to an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.events import Stage
from otio_perf.model.spans import Span
from otio_perf.model.uses import Survey
from otio_perf.optimizer.session import Session
from otio_perf.settings import Settings
from otio_perf.timeline import sidecar
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """One timeline file, surveyed and cut into spans."""

    path: Path
    locator: Locator
    survey: Survey
    spans: Sequence[Span]


def limits(settings: Settings) -> Limits:
    return Limits(max_bytes=settings.max_timeline_bytes, max_depth=settings.max_timeline_depth)


def locator(settings: Settings, path: Path) -> Locator:
    return Locator(path, media_roots=settings.media_root, maps=settings.map)


def survey(session: Session, path: Path) -> Surveyed:
    """Read (or recall, if the file is unchanged) what ``path`` asks for."""
    where = locator(session.settings, path)
    with session.stage(Stage.SURVEY):
        recalled = sidecar.survey_cached(
            path, where, session.workspace.analysis, rate=session.settings.rate, limits=limits(session.settings)
        )
    for notice in recalled.notices:
        session.note(notice)
    return Surveyed(path=path, locator=where, survey=recalled.survey, spans=recalled.spans)


def analysis(session: Session, surveyed: Surveyed, findings: Mapping[str, MediaFinding]) -> Analysis:
    """Predict every span on this machine. Findings by path, as ``Session.look_up`` gives them."""
    from otio_perf.planning import cost, suggestions

    machine = session.machine()
    with session.stage(Stage.ANALYZE):
        media = {name: finding.info for name, finding in findings.items()}
        costs = cost.predict(surveyed.survey, surveyed.spans, media, machine)
        return suggestions.analyze(
            surveyed.survey,
            costs,
            machine=machine,
            findings=tuple(findings[t.path or t.url] for t in surveyed.survey.targets),
            recipes=session.settings.recipes(),
        )
