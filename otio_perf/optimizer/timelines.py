"""From a timeline file to what it asks for, and from findings to an analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.media import discover
from otio_perf.media.sequences import PICTURE_SUFFIXES
from otio_perf.model.analysis import Analysis, LinkedProxy, MediaFinding
from otio_perf.model.events import Stage
from otio_perf.model.spans import Span
from otio_perf.model.uses import Problem, Survey, Target
from otio_perf.optimizer.effect_costs import effect_costs
from otio_perf.optimizer.session import Session
from otio_perf.planning import cost, suggestions
from otio_perf.settings import Settings
from otio_perf.timeline import bundles, files, sidecar
from otio_perf.timeline import survey as surveying
from otio_perf.timeline.files import Document
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.media_roots import Suffixes
from otio_perf.timeline.spans import cut

_SUFFIXES = Suffixes(moving=discover.MOVING_SUFFIXES, stills=PICTURE_SUFFIXES, sounds=discover.SOUND_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """One timeline file, surveyed and cut into spans."""

    path: Path
    locator: Locator
    survey: Survey
    spans: Sequence[Span]

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.survey.targets


def limits(settings: Settings) -> Limits:
    return Limits(max_bytes=settings.max_timeline_bytes, max_depth=settings.max_timeline_depth)


def locator(settings: Settings, path: Path) -> Locator:
    return Locator(path, media_roots=settings.media_root, maps=settings.map, suffixes=_SUFFIXES)


def read(session: Session, path: Path, *, exact: bool = False, canonical: bool = False) -> Document:
    """The document at ``path``; the media of an ``.otioz`` are unpacked into the workspace, where its proxies refer to them."""
    document = files.read(
        path,
        rate=session.settings.rate,
        limits=limits(session.settings),
        exact=exact,
        canonical=canonical,
        unpack_into=session.workspace.root / bundles.UNPACKED,
    )
    _tell_guessed(session, document.notices)
    return document


def _tell_guessed(session: Session, notices: Iterable[str]) -> None:
    """What a file did not say and had to be guessed: all that is shown depends on it."""
    for notice in notices:
        session.note(notice, is_urgent=True)


def survey_all(session: Session, paths: Sequence[Path]) -> list[Surveyed]:
    """Each of ``paths`` as ``survey`` has it. :raises TimelineError: one cannot be read; no workspace is made for the others"""
    packed = [path for path in paths if path.suffix.lower() == ".otioz"]
    if packed and not session.has_workspace:  # which they are unpacked into
        for path in packed:
            files.read(path, rate=session.settings.rate, limits=limits(session.settings))
            bundles.refuse_hostile(path, limits(session.settings))
    found = {path: survey(session, path) for path in paths if path not in packed}
    return [found.get(path) or survey(session, path) for path in paths]


def survey(session: Session, path: Path) -> Surveyed:
    """Read (or recall, if the file is unchanged) what ``path`` asks for."""
    where = locator(session.settings, path)
    with session.stage(Stage.SURVEY):
        if path.suffix.lower() == ".otioz":  # its media have to be unpacked to be looked at
            document = read(session, path)
            found = surveying.survey(document, where.based(document.base))
            spans, notices = cut(found), document.notices
        else:
            kept = session.workspace.analysis if session.has_workspace else None
            found, spans, _, notices = sidecar.survey_cached(
                path, where, kept, rate=session.settings.rate, limits=limits(session.settings)
            )
    _tell_guessed(session, notices)
    tell_problems(session, found.problems)
    for target in found.targets:
        if target.found_by:
            session.note(f"{target.path}: {target.found_by}")
    return Surveyed(path=path, locator=where, survey=found, spans=spans)


def tell_problems(session: Session, problems: Iterable[Problem]) -> None:
    for problem in problems:
        session.note(f"clip {problem.clip!r}: {problem.reason}")


def analysis(
    session: Session,
    surveyed: Surveyed,
    findings: Mapping[str, MediaFinding],
    linked: Sequence[LinkedProxy] = (),
    known: cost.CostMemory | None = None,
) -> Analysis:
    """Predict every span on this machine. Findings by medium, as ``Session.look_up`` gives them.

    :param linked: proxies that the timeline shows (``links.linked``).
    :param known: of the timeline as it was before
    """
    machine = session.machine()
    with session.stage(Stage.ANALYZE):
        media = {name: finding.info for name, finding in findings.items()}
        return suggestions.analyze(
            surveyed.survey,
            cost.predict(surveyed.survey, surveyed.spans, media, machine, effect_costs, known),
            machine=machine,
            findings=tuple(_told(findings[t.medium], t) for t in surveyed.targets),
            recipes=session.settings.recipes(),
            effect_costs=effect_costs,
            linked=linked,
            known=known,
        )


def _told(finding: MediaFinding, target: Target) -> MediaFinding:
    """With how it was found, where no URL said so."""
    return replace(finding, reason=target.found_by) if finding.reason is None and target.found_by else finding
