"""Writing timelines: with proxies, and back to the originals."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from otio_perf.cache.players import Players
from otio_perf.errors import OtioPerfError, SettingsError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Stage
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Scope
from otio_perf.model.results import LeftAlone, WrittenTimeline
from otio_perf.model.uses import Problem
from otio_perf.optimizer import other_sequences, placing, previewing, timelines, writing
from otio_perf.optimizer.places import other_workspaces
from otio_perf.optimizer.records import Records, earlier
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.timeline import bundles, files, projects, relink, restore
from otio_perf.timeline import convert as conversion
from otio_perf.timeline.files import Document
from otio_perf.timeline.lay import Laid, with_overlay
from otio_perf.timeline.linked import linked
from otio_perf.timeline.locate import is_relative, output_folder
from otio_perf.timeline.mlt.changing import without_proxies
from otio_perf.timeline.mlt.overlay import Overlay, Region
from otio_perf.timeline.mlt.preview import Preview, document_properties
from otio_perf.timeline.overlay import regions_of
from otio_perf.timeline.references import is_ours, original_of
from otio_perf.timeline.tree import clips_of, urls_of

_MOST_NAMES = 5


def outputs(paths: Sequence[Path], output: str | Path | None) -> tuple[Path, ...]:
    """Where each optimized timeline goes: ``output``, a file in the folder ``output``, or beside its input; these by
    ``writing.optimized_name``.

    :raises SettingsError: an input would be overwritten, one file is named for several timelines, or the format cannot hold
        originals and proxies.
    """
    makes_folder = output is not None and len(paths) > 1
    if output is None:
        found = [p.with_name(writing.optimized_name(p)) for p in paths]
    elif len(paths) > 1 or (_is_folder(Path(output)) and Path(output).suffix.lower() not in files.KEEPS_REFERENCES):
        folder = Path(output)
        if folder.suffix.lower() in files.formats() or (folder.exists() and not folder.is_dir()):
            raise SettingsError("names a file, and there are several timelines", path=output, hint="Name a folder with -o")
        found = [folder / writing.optimized_name(p) for p in paths]
    else:
        found = [Path(output)]
    for path in found:
        writing.refuse_unusable(paths, path, makes_folder=makes_folder)
        refuse_loss(path)
    for path, source in zip(found, paths, strict=True):
        refuse_other_project(source, path)
    if len({p.absolute() for p in found}) < len(found):
        raise SettingsError("two timelines of one name would be written to one file", hint="Optimize them one by one with -o")
    return tuple(found)


def refuse_loss(output: Path) -> None:
    """:raises SettingsError: the format of ``output`` cannot hold originals and proxies"""
    if output.suffix.lower() not in files.KEEPS_REFERENCES | files.PROJECTS:
        raise SettingsError(
            f"{output.suffix or 'a name without suffix'} holds one media reference a clip: the originals would be lost",
            path=output,
            hint="Write .otio, and convert it with: otio-perf convert --allow-lossy",
        )


def refuse_other_project(source: Path, output: Path) -> None:
    """:raises SettingsError: ``output`` is to be a project, and ``source`` is none that could be changed"""
    if output.suffix.lower() in files.PROJECTS and source.suffix.lower() != output.suffix.lower():
        raise SettingsError(
            f"a {output.suffix} can only be made of a {output.suffix}: it is changed, not written anew",
            path=output,
            hint="Write .otio",
        )


def refuse_parts(output: Path, scope: str) -> None:
    """:raises SettingsError: ``output`` is to be a project, which shows one file for all of a medium, and proxies are not"""
    if output.suffix.lower() in files.PROJECTS and scope != Scope.FULL:
        raise SettingsError(
            f"a {output.suffix} shows proxies of whole media only", path=output, hint="Leave out --scope, or write .otio"
        )


def _is_folder(path: Path) -> bool:
    """:raises SettingsError: no file system takes this name"""
    try:
        return path.is_dir()
    except OSError as e:
        raise SettingsError(f"cannot be written: {e.strerror}", path=path, hint="Name another file with -o") from e


def write_relinked(
    session: Session,
    surveyed: Surveyed,
    output: Path,
    *,
    products: Mapping[str, Sequence[Product]],
    findings: Mapping[str, MediaFinding],
    active: str | None,
    failed: Mapping[str, str],
    laid: Sequence[Laid] | Preview | None = None,
) -> WrittenTimeline:
    """Write one timeline with ``products`` as further references; the input is only read.

    :param laid: prerendered regions, in place of those that it has, as a track on top or as the preview of a project;
        ``None``: these stay.
    """
    with session.stage(Stage.RELINK):
        document = timelines.read(session, surveyed.path, canonical=True)
        kept, findings = earlier(session, document, surveyed.locator, findings)
        media = {medium: finding.info for medium, finding in findings.items() if finding.info is not None}
        result = relink.relink(
            document, products, media, active=active, output_path=output, locator=surveyed.locator, earlier=kept
        )
        done, more, edits = result.document, None, [(surveyed, result.document)]
        if (others := other_sequences.others_of(session, surveyed.path, output)) is not None:
            more = other_sequences.relinked(session, others, products=products, findings=findings, active=active, output=output)
            edits.append((more.surveyed, more.after))
            media |= {medium: finding.info for medium, finding in more.findings.items() if finding.info is not None}
        ahead: Preview | Overlay | None = None
        if isinstance(laid, Preview):
            ahead = laid
        elif laid is not None and output.suffix.lower() in files.PROJECTS:
            ahead = Overlay(tuple(Region(start=one.start, frames=one.stop - one.start, path=one.path) for one in laid))
        elif laid is not None:
            done = with_overlay(done, laid, output_path=output)
        done = relink.noted(done)
    with session.stage(Stage.WRITE):
        writing.make_folder(output.absolute().parent)
        proxies = [products, kept, more.kept if more is not None else {}]
        instead = _stand_ins(session, surveyed.path, output, active, proxies, media)
        not_packed = writing.write(
            session,
            done,
            output,
            locator=surveyed.locator,
            project=document,
            ahead=ahead,
            stand_ins=instead.paths,
            lost=lambda: _lost(session, edits, output, findings, instead.paths, is_ahead_kept=laid is None),
            others=None if more is None else (more.before, more.after),
        )
        if isinstance(ahead, Preview):
            previewing.keep_older(output, ahead)
    problems = [*result.left_alone, *(more.left_alone if more is not None else ())]
    left = [*(clip for one, _ in edits for clip in _clips_of(one, failed)), *map(_left, problems), *not_packed]
    if unwanted := _switched_off(session, document, result.document, output):
        session.note(f"{unwanted} of the clips stay with their originals: their proxies are switched off in the project")
    return WrittenTimeline(
        source=str(surveyed.path),
        path=str(output),
        changed_clips=result.relinked - unwanted,
        left_alone=tuple(dict.fromkeys(left)),
        notices=document.notices,
        placed=instead.placed,
    )


def _lost(
    session: Session,
    edits: Sequence[tuple[Surveyed, Document]],
    output: Path,
    findings: Mapping[str, MediaFinding],
    instead: Mapping[str, str],
    *,
    is_ahead_kept: bool,
) -> str:
    """What is right still in the timeline that we wrote to ``output`` before, and is not in the new one: media may be
    offline today, proxies in another workspace. ``""``: nothing.

    :param edits: what is written now, with what it was made of; the first is the timeline itself
    :param instead: what is shown in the place of a proxy
    :param is_ahead_kept: what is rendered ahead in the input stays, and nothing was rendered now
    """
    if output.suffix.lower() in bundles.SUFFIXES:  # which have their media in them
        return ""
    pairs = [pair for surveyed, new in edits for pair in linked(new, surveyed.locator)]
    shows = {str(path) for pair in pairs for path in (pair.proxy.path, instead.get(pair.proxy.path or ""))}
    root = session.workspace.root
    noted = {str(path) for one in (root, *other_workspaces(root)) for path in Players(one).noted(output)}
    counts = {path for path in noted if is_ahead_kept or session.index.products.key_at(path) is not None}
    if noted and counts <= shows:  # reading it takes as long as the timeline did
        return ""
    have = {pair.original.medium for pair in pairs}
    uses = (use for surveyed, _ in edits for use in surveyed.survey.uses)
    bare = {use.target.medium: Path(use.target.path or use.clip).name for use in uses} | dict.fromkeys(have, "")
    (surveyed, new), where = edits[0], timelines.locator(session.settings, output)
    limits = timelines.limits(session.settings)
    kept: dict[str, object] = {}
    try:
        before = files.read(output, limits=limits)
        for document in (before, files.read_others(output, limits=limits)):
            kept |= earlier(session, document, where, findings)[0] if document is not None else {}
        ahead = regions_of(before.root) or projects.preview_paths(output)
        is_gone = is_ahead_kept and ahead and not (regions_of(new.root) or projects.preview_paths(surveyed.path))
    except OtioPerfError:  # nobody can play it either
        return ""
    names = [bare[medium] for medium in kept if bare.get(medium)]
    named = ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
    return " and no ".join([f"proxies of {named}"] * bool(names) + ["prerendered regions"] * bool(is_gone))


def _switched_off(session: Session, before: Document, after: Document, output: Path) -> int:
    """How many clips of a project have proxies, and do not show them because the user has said so there."""
    if output.suffix.lower() not in files.PROJECTS:
        return 0
    off = without_proxies(projects.text_of(before.path, timelines.limits(session.settings)), before.path)
    pairs = zip(clips_of(before.root), clips_of(after.root), strict=True) if off else ()
    return sum(
        (original_of(plain) or {}).get("target_url") in off and any(map(is_ours, clip["media_references"]))
        for plain, clip in pairs
    )


def _stand_ins(
    session: Session,
    project: Path,
    output: Path,
    active: str | None,
    products: Sequence[Mapping[str, Sequence[Product]]],
    media: Mapping[str, MediaInfo],
) -> placing.Instead:
    """What a project shows instead of our proxies: those that Kdenlive switches off and on by itself, and those whose streams
    have the numbers that the project knows."""
    if output.suffix.lower() not in files.PROJECTS:
        return placing.Instead()
    shown = [
        (product, media[medium])
        for some in products
        for medium, them in some.items()
        for product in them
        if medium in media and active in (relink.AS_BEFORE, product.recipe.reference_key)
    ]
    data = projects.text_of(project, timelines.limits(session.settings))
    return placing.shown_instead(session, output, document_properties(data, project), shown)


def write_restored(session: Session, path: Path, output: Path) -> WrittenTimeline:
    """Write ``path`` with its originals. :raises SettingsError, UnwritableTimelineError: see ``writing.refuse_unusable``"""
    writing.refuse_unusable([path], output)
    refuse_other_project(path, output)
    with Records(session) as records, session.stage(Stage.RELINK):
        is_bundle = path.suffix.lower() in bundles.SUFFIXES
        document = timelines.read(session, path, exact=True, canonical=is_bundle)
        where = timelines.locator(session.settings, path)
        result = restore.restore(document, original_of=records.original_of, product_of=records.product_of, locator=where)
        restored = result.document
        is_as_it_was = restored.root == document.root
        if is_bundle:  # its media lie in it, or where it was unpacked
            restored = conversion.moved_to(restored, output)
        folder = output_folder(output)
        elsewhere = folder is None or os.path.realpath(restored.base) != os.path.realpath(folder)
        elsewhere = elsewhere and output.suffix.lower() not in bundles.SUFFIXES
        if elsewhere and any(is_relative(url) for url in urls_of(restored.root)):
            # byte for byte is for its own folder; what is changed is spelled by OpenTimelineIO
            result = restore.restore(
                files.canonical(document),
                original_of=records.original_of,
                product_of=records.product_of,
                locator=timelines.locator(session.settings, path),
            )
            restored = conversion.moved_to(result.document, output)
    if result.nameless:
        clips = "1 clip has its proxy" if result.nameless == 1 else f"{result.nameless} clips have their proxies"
        again = "refers" if result.nameless == 1 else "refer"
        session.note(f"{clips} taken off and {again} to no media again, as in the timeline that was optimized")
    limits = timelines.limits(session.settings)
    ahead, chunks = previewing.removal(path, limits) if output.suffix.lower() in files.PROJECTS else (None, ())
    with session.stage(Stage.WRITE):
        not_packed = writing.write(session, restored, output, locator=where, project=document, ahead=ahead)
        gone = previewing.delete(chunks, path, [session.workspace.root] if session.has_workspace else [])
    if output.suffix.lower() in files.PROJECTS:  # which is changed in its own text: also where the timeline is the same
        is_as_it_was = output.read_bytes() == projects.text_of(path, limits)
    if gone:
        session.note(f"deleted from Kdenlive's preview, as nothing plays it any more: {gone} of our chunks")
    return WrittenTimeline(
        source=str(path),
        path=str(output),
        changed_clips=result.restored - result.nameless,
        left_alone=tuple(dict.fromkeys([*(_left(p) for p in result.not_found), *not_packed])),
        notices=document.notices,
        is_as_it_was=is_as_it_was,
    )


def _clips_of(surveyed: Surveyed, failed: Mapping[str, str]) -> list[LeftAlone]:
    if not failed:
        return []
    found = []
    for use in surveyed.survey.uses:
        reason = failed.get(use.target.medium)
        if reason is not None:
            found.append(LeftAlone(clip=use.clip, reason=reason))
    return found


def _left(problem: Problem) -> LeftAlone:
    return LeftAlone(clip=problem.clip, reason=problem.reason)
