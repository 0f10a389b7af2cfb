"""The main job: survey ▸ probe ▸ analyze ▸ plan ▸ make ▸ relink, for several timelines together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.results import OptimizeReport, PrerenderReport, ProxyReport, WrittenTimeline
from otio_perf.optimizer import lost_files, prerendering, previewing, proxies, relinking, timelines
from otio_perf.optimizer.effect_costs import effect_costs
from otio_perf.optimizer.other_sequences import others_of
from otio_perf.optimizer.outcome import failed_sources, finished
from otio_perf.optimizer.prerender_job import Wanted
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.planning import policy, suggestions

LINKS = ("proxy", "original", "none")


def destinations(paths: Sequence[Path], output: str | Path | None, *, link: str) -> dict[Path, Path | None]:
    """Where each timeline is written, if it is: asked before a workspace is made or a timeline read.

    :raises SettingsError: no timeline can be written there, or none is to be written and ``output`` names one.
    """
    if link not in LINKS:
        raise SettingsError(f"link {link!r} is not one of {', '.join(LINKS)}")
    paths = tuple(dict.fromkeys(paths))
    if link != "none":
        return dict(zip(paths, relinking.outputs(paths, output), strict=True))
    if output is not None:
        raise SettingsError("--link none writes no timeline, and -o names one", path=output)
    return dict.fromkeys(paths)


def optimize(
    session: Session,
    wanted: Mapping[Path, Path | None],
    *,
    link: str,
    force: bool,
    beside: bool,
    dry_run: bool,
    prerender: Wanted | None = None,
) -> OptimizeReport:
    """Optimize the timelines of ``wanted``, see ``destinations``.

    :raises TimelineError, SettingsError: one of them, or the LUT, cannot be read; before anything is made

    :param prerender: what is to be rendered ahead of what does not play with the proxies; ``None``: nothing.
    """
    for output in wanted.values():
        if output is not None:
            relinking.refuse_parts(output, session.settings.scope)
    limits = timelines.limits(session.settings)
    folders = {path: previewing.folder_of(path, to, limits) for path, to in wanted.items() if prerender is not None}
    lut = session.settings.viewing_lut()
    saved = {path: prerendering.saved_state(path) for path in wanted} if prerender is not None else {}
    surveyed = timelines.survey_all(session, tuple(wanted))
    for each in surveyed:
        lost_files.tell_lost(session, each)
    others = [found.surveyed for path, to in wanted.items() if (found := others_of(session, path, to)) is not None]
    findings = session.look_up(t for s in (*surveyed, *others) for t in s.targets)
    analyses = tuple(timelines.analysis(session, s, findings) for s in surveyed)
    surveys = [s.survey for s in (*surveyed, *others)]
    recipes = proxies.recipes_for(session, surveys, lut)
    report = proxies.make(
        session,
        findings=findings,
        recipes=recipes,
        surveys=surveys,
        analyses=(*analyses, *(timelines.analysis(session, s, findings) for s in others)),
        force=force,
        beside=beside,
        dry_run=dry_run,
    )
    session.check_stop()
    there, failed = finished(report), failed_sources(report)
    written: list[WrittenTimeline] = []
    rendered: list[PrerenderReport] = []
    for one, path in zip(surveyed, wanted.values(), strict=True):
        laid = None
        if prerender is not None:
            linked = _played(report, there, dry_run=dry_run) if link == "proxy" else {}
            into = folders[one.path]
            rendered.append(prerendering.render(session, one, findings, linked, prerender, into=into))
            laid = prerendering.laid(one, rendered[-1], into)
        if path is None or dry_run:
            continue
        if one.path in saved:
            prerendering.require_unsaved(one.path, saved[one.path])
        shown = active(session, one, findings, recipes).reference_key if link == "proxy" else None
        written.append(
            relinking.write_relinked(
                session, one, path, products=there, findings=findings, active=shown, failed=failed, laid=laid
            )
        )
    return OptimizeReport(analyses=analyses, proxies=report, written=tuple(written), prerenders=tuple(rendered))


def _played(report: ProxyReport, there: Mapping[str, Sequence[Product]], *, dry_run: bool) -> dict[str, Sequence[Product]]:
    """The proxies that timelines play with; in a dry run also those that would be made."""
    if not dry_run:
        return dict(there)
    return {d.target.medium: d.products for d in report.plan.decisions if d.products}


def active(
    session: Session, surveyed: Surveyed, findings: Mapping[str, MediaFinding], recipes: Sequence[ProxyRecipe]
) -> ProxyRecipe:
    """The rung to show: by purpose, from what each rung would make of the timeline."""
    if len(recipes) == 1:
        return recipes[0]
    media = {path: finding.info for path, finding in findings.items()}
    machine = session.machine()
    factors = {
        r.rung: suggestions.factor_with(surveyed.survey, surveyed.spans, media, r, machine, effect_costs) for r in recipes
    }
    return policy.active_recipe(recipes, factors, proxies.policy_of(session, force=False))
