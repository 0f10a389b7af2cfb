"""``convert``: input ▸ filter ▸ relink ▸ verify ▸ output, in the manner of otiotool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.media import contract
from otio_perf.model.events import Stage
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import ADOPTED, Product
from otio_perf.model.results import BrokenProxy, LeftAlone, WrittenTimeline
from otio_perf.model.uses import Survey, Target, TargetKind
from otio_perf.optimizer import records, relinking, timelines, writing
from otio_perf.optimizer.session import Session
from otio_perf.timeline import convert as conversion
from otio_perf.timeline import files, relink
from otio_perf.timeline import survey as surveying
from otio_perf.timeline.describe import name_of
from otio_perf.timeline.files import Document
from otio_perf.timeline.linked import Linked, linked
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.overlay import without_overlay
from otio_perf.timeline.references import is_replaced, notes_of
from otio_perf.timeline.tree import clips_of


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
    """What was written; with ``check_contract`` also which proxies of it are broken: that keeps nothing from being written.

    :raises SettingsError: options that exclude each other, no track is left, or no clip has a proxy of the size asked for.
    :raises TimelineError
    """
    if wanted.video_only and wanted.audio_only:
        raise SettingsError("--video-only and --audio-only leave nothing")
    key = None if wanted.use_proxies is None else _reference_key(session, wanted.use_proxies)
    if key and wanted.use_originals:
        raise SettingsError("--use-proxies and --use-originals exclude each other")
    writing.refuse_unusable(inputs, output)
    if output.suffix.lower() in files.PROJECTS:
        raise SettingsError(
            f"a {output.suffix} is not converted into: optimize and restore change one", path=output, hint="Write .otio"
        )
    with session.stage(Stage.READ, len(inputs)):
        documents = [timelines.read(session, path, canonical=True) for path in inputs]
    if not wanted.allow_lossy and (key or any(map(files.has_proxies, documents))):
        relinking.refuse_loss(output)
    notices = tuple(n for d in documents for n in d.notices)
    documents = [_filtered(d, wanted) for d in documents]
    if len(documents) > 1:
        document = (conversion.concatenate if wanted.concatenate else conversion.stack)(documents, output)
    else:
        document = conversion.moved_to(documents[0], output)
    where = timelines.locator(session.settings, output)
    changed = 0
    left: list[LeftAlone] = []
    broken: list[BrokenProxy] = []
    with session.stage(Stage.RELINK):
        if session.settings.map or session.settings.media_root:
            document = _keep(conversion.remap_urls(document, where), left)
        if wanted.check_contract:
            broken += _broken(session, document, where)  # those that are left out below, too
        if key and wanted.use_proxies:
            before = document
            document, changed = _with_proxies(session, document, where, output, wanted.use_proxies)
            left += _left_out(before, document, key)
        if wanted.use_originals and (live := without_overlay(document.root)) is not document.root:
            session.note("prerendered regions are left out: originals are the live edit")
            document = replace(document, root=live)
        if wanted.use_proxies or wanted.use_originals:
            switched = conversion.use_reference(document, wanted.use_proxies)
            document = _keep(switched, left)
            changed = max(changed, switched.changed)
        if key and not any(key in (clip.get("media_references") or ()) for clip in clips_of(document.root)):
            raise SettingsError(
                f"no clip has a {wanted.use_proxies} proxy",
                path=inputs[0],
                hint=f"Make them with: otio-perf optimize --proxy {wanted.use_proxies}, or name their --workspace",
            )
    if output.suffix.lower() not in files.KEEPS_REFERENCES:
        found = session.look_up(_files(surveying.survey(document, where.based(document.base))))
        media = {medium: finding.info for medium, finding in found.items() if finding.info is not None}
        document = conversion.with_ranges(document, where, media)
    if wanted.check_contract:
        broken += [b for b in _broken(session, document, where) if b not in broken]
    with session.stage(Stage.WRITE):
        left += writing.write(session, document, output, locator=where, allow_lossy=wanted.allow_lossy)
    return WrittenTimeline(
        source=", ".join(map(str, inputs)),
        path=str(output),
        changed_clips=changed,
        left_alone=tuple(dict.fromkeys(left)),
        broken=tuple(dict.fromkeys(broken)),
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
    """Proxies that the workspace has, or another that was used before, and the timeline does not know of yet are added."""
    survey = surveying.survey(document, where.based(document.base))
    targets = _files(survey)
    products = {t.medium: known for t in targets if (known := _of_rung(session, t, rung))}
    lacking = [t for t in targets if t.medium not in products]
    looks_around = bool(lacking) and session.shared.has_others
    findings = session.look_up(t for t in targets if looks_around or t.medium in products)
    for target in lacking:
        finding = findings.get(target.medium)
        if finding is not None and finding.info is not None:
            others = relink.of_target(session.shared.of_source(finding.info.fingerprint), target)
            if known := tuple(p for p in others if p.recipe.rung == rung):
                products[target.medium] = known
    if not products:
        return document, 0
    media = {medium: f.info for medium, f in findings.items() if f.info is not None}
    key = next(iter(products.values()))[0].recipe.reference_key
    kept, _ = records.earlier(session, document, where, findings)
    result = relink.relink(document, products, media, active=key, output_path=output, locator=where, earlier=kept)
    return result.document, result.relinked


def _left_out(before: Document, after: Document, key: str) -> Iterator[LeftAlone]:
    """Clips that had a proxy under ``key``, and have none now: what is on record does not speak for it any more."""
    for old, new in zip(clips_of(before.root), clips_of(after.root), strict=True):
        reference = (old.get("media_references") or {}).get(key)
        if reference is None or key in (new.get("media_references") or ()) or is_replaced(old, key):
            continue
        file = notes_of(reference).get("file") or reference.get("target_url")
        yield LeftAlone(clip=name_of(old), reason=f"its proxy {file} is gone, damaged or of another original: it plays that")


def _reference_key(session: Session, rung: str) -> str:
    """:raises SettingsError: no proxy size is called so"""
    try:
        return session.settings.recipe(rung).reference_key
    except ValueError as e:
        raise SettingsError(f"--use-proxies: {e}") from e


def _broken(session: Session, document: Document, where: Locator) -> Iterator[BrokenProxy]:
    """Every proxy that the document refers to, active or not, and that is not what should stand for its original."""
    pairs = linked(document, where)
    sources = session.look_up(p.original for p in pairs)
    proxies = session.look_up(p.proxy for p in pairs)
    for pair in pairs:
        path = pair.proxy.path or pair.proxy.url
        source, proxy = sources[pair.original.medium], proxies[pair.proxy.medium]
        if proxy.info is None:
            yield BrokenProxy(path=path, reason=proxy.reason or f"is {proxy.state}")
        elif proxy.info.picture is None:
            yield BrokenProxy(path=path, reason="has no picture")
        elif source.info is None:
            why = source.reason or f"is {source.state}"
            yield BrokenProxy(path=path, reason=f"cannot be compared: its original {source.path} {why}")
        elif source.info.picture is None:
            yield BrokenProxy(path=path, reason=f"its original {source.path} has no picture")
        else:
            for difference in _differences(session, pair, source.info, proxy.info):
                yield BrokenProxy(path=path, reason=difference.text)


def _differences(session: Session, pair: Linked, source: MediaInfo, proxy: MediaInfo) -> tuple[contract.Difference, ...]:
    """By what the index has on record of the proxy; else by what the two references say of each other."""
    assert source.picture is not None
    assert proxy.picture is not None
    key = session.index.products.key_at(proxy.path)
    product = session.index.products.get(key) if key else None
    is_adopted = (pair.product_key if product is None else product.key).startswith(ADOPTED)
    rate = proxy.picture.frame_rate if source.picture.is_vfr else source.picture.frame_rate
    expected = pair.source_range(rate) if product is None else product.source_range
    return contract.compare(
        source,
        proxy,
        expected_range=None if is_adopted else expected,
        expected_size=(product.width, product.height) if product and not is_adopted else None,
        constant_rate=rate if source.picture.is_vfr else None,
        adopted=is_adopted,
    )


def _files(survey: Survey) -> list[Target]:
    return [t for t in survey.targets if t.kind in (TargetKind.FILE, TargetKind.SEQUENCE)]


def _of_rung(session: Session, target: Target, rung: str) -> tuple[Product, ...]:
    known = session.index.products.of_path(target.path) if target.path else ()
    return tuple(p for p in relink.of_target(known, target) if p.recipe.rung == rung)
