"""From findings to finished proxies: plan, subtract what is there, work off the rest."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otio_perf.cache import names
from otio_perf.errors import CacheError, MediaError, SettingsError
from otio_perf.media import camera, contract, fingerprint, publish
from otio_perf.media import finished as finished_files
from otio_perf.media.encodings import ENCODINGS
from otio_perf.metrics import system
from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.events import Failed, Outcome, Stage, TaskFinished
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import ADOPTED, Plan, Product
from otio_perf.model.recipes import Lut, ProxyRecipe, Purpose, Scope
from otio_perf.model.results import ProxyReport
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Survey, Target, TargetKind
from otio_perf.optimizer.session import Session
from otio_perf.planning import planner
from otio_perf.planning.policy import Policy, choose_rung

#: Transfers whose numbers mean light that an SDR screen does not have.
_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_MOST_NAMES = 5


def recipes_for(session: Session, surveys: Sequence[Survey], lut: Lut | None) -> tuple[ProxyRecipe, ...]:
    """What was asked for, or one rung that suits timelines and machine; seen through ``lut``."""
    asked = session.settings.recipes(lut)
    if asked:
        return asked
    rung, why = choose_rung(surveys, session.machine())
    session.note(f"proxies will be {rung}: {why}")
    return (session.settings.recipe(rung, lut),)


def policy_of(session: Session, *, force: bool) -> Policy:
    return Policy(purpose=Purpose(session.settings.purpose), force=force)


def make(
    session: Session,
    *,
    findings: Mapping[str, MediaFinding],
    recipes: Sequence[ProxyRecipe],
    targets: Iterable[Target] = (),
    surveys: Sequence[Survey] = (),
    analyses: Sequence[Analysis] = (),
    force: bool,
    beside: bool,
    dry_run: bool,
) -> ProxyReport:
    """Plan proxies for ``targets`` and the media of ``surveys``, and make those that are missing.

    :raises SettingsError: ``beside`` with several rungs.
    """
    plan = planned(
        session,
        findings=findings,
        recipes=recipes,
        targets=targets,
        surveys=surveys,
        analyses=analyses,
        force=force,
        beside=beside,
        dry_run=dry_run,
    )
    began = time.monotonic()
    outcomes = {} if dry_run else _work_off(session, plan)
    return report(session, plan, findings, outcomes, seconds=time.monotonic() - began)


def planned(
    session: Session,
    *,
    findings: Mapping[str, MediaFinding],
    recipes: Sequence[ProxyRecipe],
    targets: Iterable[Target] = (),
    surveys: Sequence[Survey] = (),
    analyses: Sequence[Analysis] = (),
    force: bool,
    beside: bool,
    dry_run: bool,
) -> Plan:
    """What becomes of each medium: see ``make``. What is there already is put on record."""
    refuse_several_beside(recipes, beside=beside)
    if not dry_run:
        folders = {Path(f.path).parent / "Proxy" for f in findings.values() if f.info is not None} if beside else set()
        session.workspace.clean_orphans(publish.is_part, beside=sorted(folders))
    adopted = camera_made(session, findings, recipes)
    with session.stage(Stage.PLAN):
        plan = planner.plan(
            targets=targets,
            surveys=surveys,
            analyses=analyses,
            media=findings,
            recipes=recipes,
            policy=policy_of(session, force=force),
            machine=session.machine(),
            existing=lambda key: _existing(session, key, beside=beside),
            name_for=_Names(session, beside=beside),
            camera=adopted,
        )
    _tell_shared(session, plan)
    _tell_hdr(session, plan, findings)
    if not dry_run:
        _record(session, plan)
    return plan


def refuse_several_beside(sizes: Collection[object], *, beside: bool) -> None:
    """:raises SettingsError: ``beside`` with several ``sizes``"""
    if beside and len(set(sizes)) > 1:
        raise SettingsError(
            "--beside takes one proxy size", hint="Say --proxy once: there is one Proxy folder for all programs"
        )


def report(
    session: Session,
    plan: Plan,
    findings: Mapping[str, MediaFinding],
    outcomes: Mapping[str, Outcome],
    *,
    seconds: float = 0.0,
) -> ProxyReport:
    return ProxyReport(
        plan=plan,
        media=tuple(findings.values()),
        outcomes=tuple(outcomes.values()),
        seconds=seconds,
        notices=tuple(session.notices),
        folder=str(session.workspace.proxies) if session.has_workspace else "",
    )


def _record(session: Session, plan: Plan) -> None:
    """Put on record what is needed to find originals again: adopted proxies, and where the sources of others are now."""
    for decision in plan.decisions:
        for product in decision.products:
            if product.is_adopted:
                session.index.products.put(product)
            elif product.digest and decision.target.path:
                if session.index.products.get(product.key) is None:
                    session.index.products.put_original(product.path, decision.target.path)
                session.index.products.add_source(product.key, decision.target.path)


def _tell_hdr(session: Session, plan: Plan, findings: Mapping[str, MediaFinding]) -> None:
    """A viewing LUT takes the numbers of a picture as they are: one for SDR, or for a camera's log, is wrong there."""
    seen: dict[str, list[str]] = {}
    for decision in plan.decisions:
        info = findings[decision.target.medium].info if decision.target.medium in findings else None
        kind = _HDR.get(info.picture.colour.transfer or "") if info is not None and info.picture is not None else None
        if kind and info is not None and any(p.recipe.lut is not None for p in decision.products):
            seen.setdefault(kind, []).append(Path(info.path).name)
    for kind, media in seen.items():
        named = ", ".join(media[:_MOST_NAMES]) + (" …" if len(media) > _MOST_NAMES else "")
        session.note(f"{named}: the LUT is applied to HDR ({kind}) as it is; it must be one for {kind}")


def _tell_shared(session: Session, plan: Plan) -> None:
    there = {p.key: p for d in plan.decisions for p in d.products if p.digest and not p.is_adopted}
    others = [Path(p.path).parent for key, p in there.items() if session.index.products.get(key) is None]
    if others:
        folders = ", ".join(map(str, dict.fromkeys(others)))
        are, them = ("proxy is", "it") if len(others) == 1 else ("proxies are", "them")
        session.note(
            f"{len(others)} {are} used from {folders}, where another run made {them}; "
            "of a workspace that is named with --workspace, only its own are"
        )


def _work_off(session: Session, plan: Plan) -> dict[str, Outcome]:
    free = system.free_disk_bytes(session.workspace.root)
    if plan.predicted_bytes > free:
        session.note(f"the disk may become full: about {plan.predicted_bytes / 1e9:.1f} GB to write, {free / 1e9:.1f} GB free")
    possible, impossible = divided(session, plan)
    if not possible and not impossible:
        return {}
    with session.stage(Stage.PROXY, len(impossible) + len(possible)):
        for key, failed in impossible.items():
            session.listener(TaskFinished(key=key, outcome=failed))
        return {**impossible, **session.run(ready(session, possible), workers=session.jobs)}


def divided(session: Session, plan: Plan) -> tuple[tuple[ProxyTask, ...], dict[str, Failed]]:
    """The tasks of ``plan``, without what can be made by no means, and that with its reason, by key of the product."""
    tasks = planner.tasks(plan, str(session.workspace.root), stall_seconds=float(session.settings.stall_seconds))
    impossible = {p.key: failed for task in tasks for p in task.products if (failed := _impossible(task, p))}
    possible = (replace(t, products=left) for t in tasks if (left := tuple(p for p in t.products if p.key not in impossible)))
    return tuple(possible), impossible


def ready(session: Session, tasks: Sequence[ProxyTask]) -> tuple[ProxyTask, ...]:
    """``tasks`` with the hardware and the cores that they may use: the queue divides these among those that run at once."""
    if not tasks:
        return ()
    codecs = {video.codec for task in tasks for video in task.media.video}
    codecs |= {product.recipe.codec.value for task in tasks for product in task.products}
    cores, hardware = system.cores(), session.hardware(codecs)
    return tuple(replace(task, cores=cores, hardware=hardware) for task in tasks)


def _impossible(task: ProxyTask, product: Product) -> Failed | None:
    """Why ``product`` can be made by no means: it is left out, so that the others of its source are made."""
    from otio_perf.media import encode

    picture = task.media.picture
    assert picture is not None
    try:
        encode.look_of(product, picture, ENCODINGS[product.recipe.codec])
    except MediaError as e:
        return Failed(key=product.key, error=type(e).__name__, message=e.message, path=e.path, hint=e.hint)
    return None


# -- camera-made proxies -----------------------------------------------------------------------------------------------


def camera_made(session: Session, findings: Mapping[str, MediaFinding], recipes: Sequence[ProxyRecipe]) -> dict[str, Product]:
    """Proxies that cameras and other programs left beside the originals, where they pass the contract.

    The original of a RAW file cannot be read here, so that its proxy has nothing to be compared with: it is taken as it is.
    """
    if not recipes:
        return {}
    beside = {path: camera.camera_proxies(path) for path, f in findings.items() if _may_have_proxy(f)}
    candidates = [Target(kind=TargetKind.FILE, url=p, path=p) for several in beside.values() for p in several]
    looked_up = session.look_up(candidates) if candidates else {}
    adopted: dict[str, Product] = {}
    for path, several in beside.items():
        source = findings[path].info
        for candidate in several:
            info = looked_up[candidate].info
            owner = session.index.products.key_at(candidate) or ADOPTED
            if info is None or info.picture is None or not owner.startswith(ADOPTED):
                continue  # no pictures, or one of our own
            if source is not None and (broken := contract.compare(source, info, adopted=True)):
                session.note(f"{candidate} is not used as proxy of {Path(path).name}: {broken[0].text}")
                continue
            adopted[path] = _adopted(path, source, info, recipes[0])
            break
    return adopted


def _may_have_proxy(finding: MediaFinding) -> bool:
    if finding.info is not None:
        return finding.info.picture is not None and finding.info.sequence is None
    return finding.state == "refused" and camera.raw_kind(finding.path) is not None


def _adopted(path: str, source: MediaInfo | None, proxy: MediaInfo, recipe: ProxyRecipe) -> Product:
    picture = proxy.picture
    assert picture is not None
    return Product(
        key=f"{ADOPTED}{proxy.fingerprint}:{proxy.path}",  # two copies of a card are two proxies
        source_path=path,
        source_fingerprint=source.fingerprint if source else fingerprint.fingerprint(path),
        recipe=replace(recipe, scope=Scope.FULL),
        path=proxy.path,
        source_range=FrameRange(0, picture.frame_count, picture.frame_rate),
        width=picture.width,
        height=picture.height,
        size_bytes=proxy.size_bytes,
        digest=proxy.fingerprint,
    )


# -- where proxies go --------------------------------------------------------------------------------------------------


def _existing(session: Session, key: str, *, beside: bool) -> Product | None:
    found = session.index.products.get(key)
    if not beside:
        return found or session.shared.product(key)
    if found is not None and Path(found.path).parent != Path(found.source_path).parent / "Proxy":
        return None  # it is in the workspace, and was asked for beside the source
    return found


class _Names:
    """Allocates paths of new proxies; remembers what it gave away, so that one plan never uses a name twice."""

    def __init__(self, session: Session, *, beside: bool) -> None:
        self._session = session
        self._beside = beside
        self._given: dict[str, str] = {}

    def __call__(self, media: MediaInfo, recipe: ProxyRecipe, key: str, part: FrameRange | None) -> str:
        path: Path | None = None
        source = _named(media)
        if self._beside and part is None:
            try:
                path = names.beside_name(source, key=key, taken=self._taken)
            except CacheError as e:
                self._session.note(f"{e.message}: the proxy of {media.path} goes to the workspace")
        if path is None:
            path = self._session.workspace.name_for(source, recipe, key=key, source_range=part, taken=self._taken)
        self._given[names.same_name(path)] = key
        return str(path)

    def _taken(self, path: Path) -> str | None:
        known = self._given.get(names.same_name(path)) or self._session.index.products.key_at(path)
        return known or (finished_files.key_in(path) if self._beside else None)


def _named(media: MediaInfo) -> str:
    """The path that a proxy is named after: of a sequence, without its number."""
    if media.sequence is None:
        return media.path
    stem = media.sequence.prefix.rstrip("._- ")
    return str(Path(media.path).with_name(f"{stem}{media.sequence.suffix}")) if stem else media.path
