"""Proxies put where an editing program looks for them: no project is changed, the program's own switch finds them.

See ``optimizer.placing`` for what is placed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import HostError, OtioPerfError, SettingsError
from otio_perf.hosts import PLACED, rooms
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import proxies as kdenlive
from otio_perf.hosts.places import ProxyFolder, media_of
from otio_perf.hosts.shotcut import proxies as shotcut
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.hosts import Installation, Packaging
from otio_perf.model.media import MediaInfo
from otio_perf.model.placing import Placed, PlaceReport, Placing
from otio_perf.model.plans import Action, Product
from otio_perf.model.recipes import Scope
from otio_perf.model.results import ProxyReport
from otio_perf.model.uses import Target
from otio_perf.optimizer import caching, outcome, proxies, sources, timelines
from otio_perf.optimizer import placing as copies
from otio_perf.optimizer.opening import existing_file, opened
from otio_perf.optimizer.options import Options, in_force
from otio_perf.optimizer.session import Session
from otio_perf.timeline import files
from otio_perf.timeline.mlt.project import KDENLIVE, MLT

PlacesOf = Callable[[Sequence[Installation], Sequence[Path], Callable[[str], None]], tuple[ProxyFolder, ...]]

#: Where each of ``PLACED`` looks, and the suffix of its projects.
_HOSTS: dict[str, tuple[PlacesOf, str]] = {
    "kdenlive": (kdenlive.places, KDENLIVE),
    "shotcut": (shotcut.places, MLT),
}


def place(
    host: str,
    named: Sequence[str | Path],
    *,
    packaging: Packaging | None,
    all: bool,
    remove: bool,
    dry_run: bool,
    home: Home | None,
    options: Options,
) -> PlaceReport:
    """See ``hosts.place``."""
    if host not in PLACED:
        raise SettingsError(f"{host!r} finds no proxies by their names", hint=f"There are: {', '.join(PLACED)}")
    edits, media = _sorted(named)
    settings = replace(in_force(options), scope=Scope.FULL.value)  # a program takes a proxy for the whole medium
    anchor = edits[0] if edits else None
    with opened({**options, "settings": settings}, anchor=anchor, create=not (dry_run or remove)) as session:
        places = _places(session, host, edits, packaging, home or Home.of_user())
        media += _of_projects(edits, _HOSTS[host][1])
        surveyed = timelines.survey_all(session, edits)
        targets = sources.named(session, media) if media else []
        findings = session.look_up([*targets, *(t for one in surveyed for t in one.targets)])
        if remove:
            report, placed = None, _removed(session, places, findings, dry_run=dry_run) if session.has_workspace else ()
        else:
            recipes = proxies.recipes_for(session, [s.survey for s in surveyed], session.settings.viewing_lut())
            if len(recipes) > 1:
                raise SettingsError("a program takes one proxy of a medium", hint="Say --proxy once")
            report = proxies.make(
                session,
                findings=findings,
                recipes=recipes,
                targets=[t for t in targets if _is_original(session, t)],
                surveys=[s.survey for s in surveyed],
                analyses=[timelines.analysis(session, s, findings) for s in surveyed],
                force=all,
                beside=False,
                dry_run=dry_run,
            )
            placed = tuple(_all_placed(session, places, report, findings, dry_run=dry_run))
        return PlaceReport(
            host=host,
            folders=tuple(dict.fromkeys(str(p.folder) for p in places)),
            placed=placed,
            proxies=report,
            notices=tuple(session.notices),
        )


def _sorted(named: Sequence[str | Path]) -> tuple[list[Path], list[Path]]:
    """Timelines, and media with folders of them."""
    suffixes = set(files.formats()) | files.PROJECTS
    edits, media = [], []
    for name in named:
        path = Path(name)
        if path.suffix.lower() in suffixes and (path.suffix.lower() == ".otiod" or not path.is_dir()):
            edits.append(existing_file(path))
        else:
            media.append(path)
    return list(dict.fromkeys(edits)), media


def _of_projects(edits: Sequence[Path], suffix: str) -> list[Path]:
    """Media of projects of the program: those in its bin and in all sequences; the survey knows what the open one plays."""
    return [medium for edit in edits if edit.suffix.lower() == suffix for medium in media_of(edit)]


def _places(
    session: Session, host: str, edits: Sequence[Path], packaging: Packaging | None, home: Home
) -> tuple[ProxyFolder, ...]:
    """:raises HostError: the program is not there, and nothing looks into its folders"""
    places_of, suffix = _HOSTS[host]
    installations = [one for one in rooms.installations(host, home) if packaging in (None, one.packaging)]
    if not installations:
        as_what = "" if packaging is None else f" as {packaging}"
        hint = "otio-perf host list shows what was found"
        raise HostError(f"{rooms.ROOMS[host].title} is not found{as_what} on this machine", hint=hint)
    return places_of(installations, [e for e in edits if e.suffix.lower() == suffix], session.note)


def _is_original(session: Session, target: Target) -> bool:
    return session.index.products.key_at(target.url) is None if session.has_workspace else True


def _all_placed(
    session: Session,
    places: Sequence[ProxyFolder],
    report: ProxyReport,
    findings: Mapping[str, MediaFinding],
    *,
    dry_run: bool,
) -> Iterator[Placed]:
    there, failed = outcome.finished(report), outcome.failed_sources(report)
    for decision in report.plan.decisions:
        medium = decision.target.medium
        finding = findings[medium]
        if medium in failed:
            yield Placed(source=finding.path, path="", placing=Placing.FAILED, reason=failed[medium])
            continue
        products = decision.products if dry_run else there.get(medium, ())
        if not products or finding.info is None:
            if decision.action is Action.SKIP:
                yield Placed(source=finding.path, path="", placing=Placing.LEFT, reason=decision.reason)
            continue
        yield from _placed(session, places, products[0], finding.info, dry_run=dry_run)


def _placed(
    session: Session, places: Sequence[ProxyFolder], product: Product, media: MediaInfo, *, dry_run: bool
) -> Iterator[Placed]:
    """Copies of one proxy in all ``places``. Those of what its source was before go."""
    if media.sequence is not None:
        reason = "numbered pictures have no hash: the program knows them by their name alone"
        yield Placed(source=media.path, path="", placing=Placing.LEFT, reason=reason)
        return
    try:
        name = copies.file_hash(media.path)
    except OtioPerfError as e:
        yield Placed(source=media.path, path="", placing=Placing.FAILED, reason=e.message)
        return
    for place in places:
        session.check_stop()
        yield copies.placed(session, place.file_of(name), product, media, dry_run=dry_run)
    if not dry_run:
        copies.forget_stale(session, media)


def _removed(
    session: Session, places: Sequence[ProxyFolder], findings: Mapping[str, MediaFinding], *, dry_run: bool
) -> tuple[Placed, ...]:
    """Takes away what was placed of these media: not what the program has made its own, nor what a project of ours shows."""
    index, played = session.index, caching.played_files(session.index)
    folders = {place.folder for place in places}
    removed = []
    for finding in findings.values():
        for product, _ in index.products.on_record(finding.path):
            if not copies.is_copy(product) or Path(product.path).parent not in folders:
                continue
            if projects := played.get(product.path):
                reason = f"{Path(projects[0]).name} shows it: restore that first, or delete it"
                removed.append(
                    Placed(source=finding.path, path=product.path, placing=Placing.LEFT, reason=reason, size_bytes=0)
                )
                continue
            size = product.size_bytes if dry_run else index.products.forget(product.key)
            if size is not None:
                removed.append(Placed(source=finding.path, path=product.path, placing=Placing.REMOVED, size_bytes=size))
    return tuple(removed)
