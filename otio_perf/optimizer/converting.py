"""``convert``: input ▸ filter ▸ relink ▸ verify ▸ output, in the manner of otiotool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.media import contract
from otio_perf.model.events import Stage
from otio_perf.model.plans import Product
from otio_perf.model.results import LeftAlone, WrittenTimeline
from otio_perf.model.uses import Survey, Target, TargetKind
from otio_perf.optimizer import relinking, timelines
from otio_perf.optimizer.session import Session
from otio_perf.timeline import convert as conversion
from otio_perf.timeline import files, relink
from otio_perf.timeline import survey as surveying
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What is asked of one conversion; the names of the command's options."""

    video_only: bool
    audio_only: bool
    only_tracks_with_name: tuple[str, ...]
    only_tracks_with_index: tuple[int, ...]
    concatenate: bool
    use_proxies: str | None
    use_originals: bool
    check_contract: bool
    allow_lossy: bool


def convert(session: Session, inputs: Sequence[Path], output: Path, wanted: Conversion) -> WrittenTimeline:
    """:raises SettingsError: options that exclude each other, or no track is left. :raises TimelineError"""
    if wanted.video_only and wanted.audio_only:
        raise SettingsError("--video-only and --audio-only leave nothing")
    if wanted.use_proxies and wanted.use_originals:
        raise SettingsError("--use-proxies and --use-originals exclude each other")
    relinking.refuse_overwriting(inputs, output)
    with session.stage(Stage.READ, len(inputs)):
        documents = [timelines.read(session, path, canonical=True) for path in inputs]
    notices = tuple(n for d in documents for n in d.notices)
    documents = [_filtered(d, wanted) for d in documents]
    if len(documents) > 1:
        document = (conversion.concatenate if wanted.concatenate else conversion.stack)(documents, output)
    else:
        document = conversion.moved_to(documents[0], output)
    where = Locator(output, media_roots=session.settings.media_root, maps=session.settings.map)
    changed = 0
    left: list[LeftAlone] = []
    with session.stage(Stage.RELINK):
        if session.settings.map or session.settings.media_root:
            document = _keep(conversion.remap_urls(document, where), left)
        if wanted.use_proxies:
            document, changed = _with_proxies(session, document, where, output, wanted.use_proxies)
        if wanted.use_proxies or wanted.use_originals:
            switched = conversion.use_reference(document, wanted.use_proxies)
            document = _keep(switched, left)
            changed = max(changed, switched.changed)
    if wanted.check_contract:
        left += _broken_contracts(session, surveying.survey(document, where.based(document.base)))
    with session.stage(Stage.WRITE):
        relinking.make_folder(output)
        files.write(document, output, allow_lossy=wanted.allow_lossy, limits=timelines.limits(session.settings))
    return WrittenTimeline(
        source=", ".join(map(str, inputs)),
        path=str(output),
        changed_clips=changed,
        left_alone=tuple(dict.fromkeys(left)),
        notices=notices,
    )


def _filtered(document: Document, wanted: Conversion) -> Document:
    if wanted.video_only:
        document = conversion.video_only(document)
    if wanted.audio_only:
        document = conversion.audio_only(document)
    if wanted.only_tracks_with_name or wanted.only_tracks_with_index:
        document = conversion.only_tracks(document, names=wanted.only_tracks_with_name, indexes=wanted.only_tracks_with_index)
    return document


def _keep(switched: conversion.Switched, left: list[LeftAlone]) -> Document:
    left += [LeftAlone(clip=p.clip, reason=p.reason) for p in switched.left_alone]
    return switched.document


def _with_proxies(session: Session, document: Document, where: Locator, output: Path, rung: str) -> tuple[Document, int]:
    """Proxies that the workspace has and the timeline does not know of yet are added."""
    survey = surveying.survey(document, where.based(document.base))
    products = {t.medium: known for t in _files(survey) if (known := _of_rung(session, t, rung))}
    if not products:
        return document, 0
    findings = session.look_up(t for t in _files(survey) if t.medium in products)
    media = {medium: f.info for medium, f in findings.items() if f.info is not None}
    key = next(iter(products.values()))[0].recipe.reference_key
    result = relink.relink(document, products, media, active=key, output_path=output, locator=where)
    return result.document, result.relinked


def _broken_contracts(session: Session, survey: Survey) -> Iterator[LeftAlone]:
    """Every proxy of the timeline's media that is not what it should be."""
    targets = _files(survey)
    sources = session.look_up(targets)
    pairs = [(t, p) for t in targets if t.path for p in session.index.products_of_path(t.path)]
    proxies = session.look_up(Target(kind=TargetKind.FILE, url=p.path, path=p.path) for _, p in pairs)
    for target, product in pairs:
        source, proxy = sources[target.medium].info, proxies[product.path].info
        if source is None or source.picture is None:
            continue
        if proxy is None:
            yield LeftAlone(clip=product.path, reason=proxies[product.path].reason or "cannot be read")
            continue
        differences = contract.compare(
            source,
            proxy,
            expected_range=product.source_range,
            expected_size=(product.width, product.height),
            constant_rate=product.source_range.rate if source.picture.is_vfr else None,
        )
        for difference in differences:
            yield LeftAlone(clip=product.path, reason=difference.text)


def _files(survey: Survey) -> list[Target]:
    return [t for t in survey.targets if t.kind in (TargetKind.FILE, TargetKind.SEQUENCE)]


def _of_rung(session: Session, target: Target, rung: str) -> tuple[Product, ...]:
    known = session.index.products_of_path(target.path) if target.path else ()
    return tuple(p for p in relink.of_target(known, target) if p.recipe.rung == rung)
