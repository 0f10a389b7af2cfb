"""The composition root: what each command does, as a function. The command line and the Python API call these.

All of them take the settings by name (``proxy=["1080p"]``, ``workspace="…"``), and a ``listener`` that hears of progress
(``otio_perf.model.events``): see ``options.Options``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from otio_perf.cache.housekeeping import Fault, Freed, Status
from otio_perf.cache.pruning import Pruned
from otio_perf.errors import SettingsError
from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.exports import ExportReport
from otio_perf.model.machine import MachineProfile
from otio_perf.model.results import (
    OptimizeReport,
    PrerenderReport,
    ProxyDifference,
    ProxyReport,
    StillReport,
    WrittenTimeline,
)
from otio_perf.optimizer.opening import existing_file, opened, opened_there
from otio_perf.optimizer.options import Options, in_force

PathLike = str | Path


def analyze(
    timeline: PathLike,
    **options: Unpack[Options],
) -> Analysis:
    """Predict which regions of ``timeline`` this machine cannot play in real time, why, and what would help.

    :raises TimelineError: it cannot be read. Media that cannot are listed in the analysis.
    """
    from otio_perf.optimizer import links, lost_files, timelines

    path = existing_file(timeline)
    with opened(options, anchor=path, create=False) as session:
        surveyed = timelines.survey(session, path)
        lost_files.tell_lost(session, surveyed)
        findings = session.look_up(surveyed.targets)
        found = timelines.analysis(session, surveyed, findings, links.linked(session, surveyed, findings))
        return replace(found, gone=links.gone(session, surveyed))


def optimize(
    timelines: PathLike | Sequence[PathLike],
    output: PathLike | None = None,
    *,
    link: str = "proxy",
    all: bool = False,
    beside: bool = False,
    dry_run: bool = False,
    prerender: str = "none",
    fidelity: str = "exact",
    **options: Unpack[Options],
) -> OptimizeReport:
    """Make the proxies that ``timelines`` need, and write each with its proxies as further media references.

    :param output: file to write; for several timelines a folder; default: ``NAME.perf.otio`` beside each, and of
        ``NAME.perf.otio`` itself ``NAME.perf2.otio``; of projects ``NAME.perf.kdenlive`` or ``NAME.perf.mlt``.
    :param link: which reference is active, ``"proxy"`` or ``"original"``; ``"none"``: write no timeline.
    :param all: proxies of all media, needed or not.
    :param beside: proxies as ``Proxy/NAME.mov`` next to each source.
    :param dry_run: plan only: nothing is made, nothing is written.
    :param prerender: what is rendered ahead, see ``prerender``: ``"auto"`` what does not play with the proxies, ``"all"``,
        ``"none"``.
    :param fidelity: see ``prerender``.
    :raises SettingsError: nothing of the kind can be written to ``output``.
    :raises TimelineError: one cannot be read. Media that fail are in the report.
    """
    from otio_perf.optimizer import optimizing, prerendering

    paths = [existing_file(t) for t in ([timelines] if isinstance(timelines, (str, Path)) else timelines)]
    rendered = prerendering.wanted(prerender, fidelity, dry_run=dry_run)
    wanted = optimizing.destinations(paths, output, link=link)
    with opened(options, anchor=paths[0], create=not dry_run) as session:
        return optimizing.optimize(session, wanted, link=link, force=all, beside=beside, dry_run=dry_run, prerender=rendered)


def prerender(
    timeline: PathLike,
    output: PathLike | None = None,
    *,
    mode: str = "auto",
    fidelity: str = "exact",
    range: str | None = None,
    zone: bool = False,
    use_proxies: str | None = None,
    dry_run: bool = False,
    **options: Unpack[Options],
) -> PrerenderReport:
    """Render ahead what ``timeline`` cannot play, and write it with the result as one more video track on top; a project of
    Kdenlive's, with the result as its own timeline preview: whole chunks of 25 frames where Kdenlive looks for them.

    :param output: file to write; default: as ``optimize``.
    :param mode: ``"auto"``: what does not play in real time here with the proxies that the timeline has; ``"all"``: all that
        has effects, transitions or several layers.
    :param fidelity: ``"exact"`` leaves to the host what is not rendered as it does, ``"approximate"`` renders what comes near.
        Effects that are unknown stay with the host in any case.
    :param range: only these frames, ``"START-END"``, see ``export``; the overlay has no others then.
    :param zone: only those that are marked as the zone in a project of Kdenlive's.
    :param use_proxies: size of the timeline's proxies that are rendered from, where there are any; ``None``: originals.
    :param dry_run: plan only: nothing is rendered, nothing is written.
    :raises TimelineError: it cannot be read, or not carry the track. Regions that fail are in the report.
    """
    from otio_perf.optimizer import prerendering, relinking

    path = existing_file(timeline)
    if zone and range is not None:
        raise SettingsError("zone and range are two parts", hint="Leave out one of them")
    wanted = prerendering.wanted(mode, fidelity, dry_run=dry_run, range=range, zone=zone, use_proxies=use_proxies)
    if wanted is None:
        raise SettingsError("mode 'none' renders nothing", hint="Say auto or all")
    (written,) = relinking.outputs([path], output)
    with opened(options, anchor=path, create=not dry_run) as session:
        return prerendering.prerender(session, path, written, wanted)


def export(
    timeline: PathLike,
    output: PathLike,
    *,
    movie_codec: str | None = None,
    movie_quality: int = 80,
    size: str = "canvas",
    alpha: str = "black",
    range: str | None = None,
    fidelity: str = "exact",
    allow_missing: bool = False,
    audio: str = "mix",
    pitch: str = "follow",
    pass_through: bool = True,
    use_proxies: str | None = None,
    dry_run: bool = False,
    **options: Unpack[Options],
) -> ExportReport:
    """Make a finished movie of ``timeline``, with its effects and its sound, from its originals.

    :param output: ``.mov``, ``.mp4`` or ``.mkv``; whole, or not there at all.
    :param movie_codec: a name in ``model.exports.CODECS``; ``None``: ``"prores_422"`` in ``.mov``, ``"h264"`` elsewhere.
    :param movie_quality: 0–100; DNxHR has one rate by definition.
    :param size: ``"canvas"``, ``"1080p"``, ``"1280x720"``, ``"half"`` …; never larger than the timeline's own.
    :param alpha: ``"black"``: opaque, on black; ``"keep"``: transparent where no layer covers the frame, straight; codecs that
        have alpha only.
    :param range: ``"START-END"`` in frames, timecodes or seconds, ``END`` being the first frame that is not in it.
    :param fidelity: see ``frame``. What it does not allow is in the report, and no movie is made.
    :param allow_missing: slates and silence stand in for media that are not there; otherwise no movie is made.
    :param audio: ``"mix"`` (stereo), ``"mono"``, ``"5.1"``, ``"7.1"`` or ``"none"``.
    :param pitch: of sound that is played faster or slower: ``"follow"`` moves it, as a tape does, ``"keep"`` keeps it.
    :param pass_through: clips that are already what is wanted are copied, not rendered.
    :param use_proxies: as ``prerender``.
    :param dry_run: plan only.
    :raises TimelineError, SettingsError, MediaError, CacheError: see ``optimizer.exporting``.
    """
    from otio_perf.optimizer import exporting
    from otio_perf.optimizer.movie import asked

    path, movie = existing_file(timeline), Path(output)
    wanted = asked(
        path,
        movie,
        codec=movie_codec,
        quality=movie_quality,
        size=size,
        alpha=alpha,
        range=range,
        fidelity=fidelity,
        allow_missing=allow_missing,
        audio=audio,
        pitch=pitch,
        pass_through=pass_through,
        use_proxies=use_proxies,
        dry_run=dry_run,
    )
    with opened(options, anchor=path, create=not dry_run) as session:
        return exporting.export(session, path, movie, wanted)


def restore(
    timeline: PathLike,
    output: PathLike,
    **options: Unpack[Options],
) -> WrittenTimeline:
    """Write ``timeline`` with its originals to ``output``; edits made since ``optimize`` stay.

    :returns: ``left_alone`` lists clips that play a proxy whose original nobody knows.
    :raises TimelineError: it cannot be read, or not be written in that format.
    """
    from otio_perf.optimizer import relinking

    path = existing_file(timeline)
    with opened(options, anchor=path, create=False) as session:
        return relinking.write_restored(session, path, Path(output))


def generate_proxies(
    media: PathLike | Sequence[PathLike],
    *,
    all: bool = False,
    beside: bool = False,
    dry_run: bool = False,
    **options: Unpack[Options],
) -> ProxyReport:
    """Make proxies of media files and of all media in folders. Media that fail, or are not there, are in the report.

    :raises SettingsError: there are none, or the LUT cannot be read.
    """
    from otio_perf.optimizer import proxies, sources

    paths = [media] if isinstance(media, (str, Path)) else media
    with opened(options, anchor=None, create=not dry_run) as session:
        lut = session.settings.viewing_lut()
        targets = [t for t in sources.named(session, paths) if session.index.products.key_at(t.url) is None]
        if session.settings.rate is not None:
            targets = [t if t.sequence is None else replace(t, sequence_rate=session.settings.rate) for t in targets]
        return proxies.make(
            session,
            findings=session.look_up(targets),
            recipes=proxies.recipes_for(session, (), lut),
            targets=targets,
            force=all,
            beside=beside,
            dry_run=dry_run,
        )


def plan_rushes(
    folders: Sequence[PathLike] = (), *, beside: bool = False, **options: Unpack[Options]
) -> tuple[tuple[Path, ProxyReport], ...]:
    """What a service would make of what lies in the folders that the settings watch, and in ``folders``. Nothing is made.

    :param beside: proxies of ``folders`` in a Proxy folder beside each source
    :raises SettingsError: there is no such folder, or a LUT cannot be read; ``beside`` with several proxy sizes.
    """
    from otio_perf.optimizer import rushes

    settings = in_force(options)
    rows = rushes.chosen(settings, folders, beside=beside)
    found = []
    for row in rows:
        with opened({**options, "settings": settings.of_rushes(row)}, anchor=None, create=False) as session:
            found.append((row.path, rushes.plan(session, row, rows)))
    return tuple(found)


def probe(
    media: PathLike | Sequence[PathLike],
    **options: Unpack[Options],
) -> tuple[MediaFinding, ...]:
    """What media files are, or why they cannot be used. :raises SettingsError: there are none"""
    from otio_perf.optimizer import sources

    paths = [media] if isinstance(media, (str, Path)) else media
    with opened(options, anchor=None, create=False) as session:
        return tuple(session.look_up(sources.named(session, paths)).values())


def compare(
    source: PathLike,
    proxies: PathLike | Sequence[PathLike],
    **options: Unpack[Options],
) -> tuple[tuple[MediaFinding, ...], tuple[ProxyDifference, ...]]:
    """What the files ``proxies`` are, and in what each of them cannot stand for ``source``: see ``media.contract``.

    :raises SettingsError: the source cannot be read or has no picture, or there are no ``proxies``.
    """
    from otio_perf.optimizer import comparing, sources

    paths = [proxies] if isinstance(proxies, (str, Path)) else proxies
    with opened(options, anchor=None, create=False) as session:
        originals = tuple(session.look_up(sources.named(session, [source])).values())
        if len(originals) > 1:
            raise SettingsError("is several media", path=source, hint="Name the one that they are proxies of")
        (original,) = originals
        found = tuple(session.look_up(sources.named(session, paths)).values())
        return found, tuple(comparing.differences(session, original, found))


def convert(
    inputs: Sequence[PathLike],
    output: PathLike,
    *,
    video_only: bool = False,
    audio_only: bool = False,
    only_tracks_with_name: Sequence[str] = (),
    only_tracks_with_index: Sequence[int] = (),
    concatenate: bool = False,
    use_proxies: str | None = None,
    use_originals: bool = False,
    check_contract: bool = False,
    allow_lossy: bool = False,
    **options: Unpack[Options],
) -> WrittenTimeline:
    """Input ▸ filter ▸ relink ▸ verify ▸ output, as ``otio-perf convert`` does.

    :raises TimelineError: an input cannot be read, or the output's format cannot hold the timeline.
    """
    from otio_perf.optimizer import converting

    paths = [existing_file(i) for i in inputs]
    wanted = converting.Conversion(
        video_only=video_only,
        audio_only=audio_only,
        only_tracks_with_name=tuple(only_tracks_with_name),
        only_tracks_with_index=tuple(only_tracks_with_index),
        concatenate=concatenate,
        use_proxies=use_proxies,
        use_originals=use_originals,
        check_contract=check_contract,
        allow_lossy=allow_lossy,
    )
    with opened(options, anchor=paths[0], create=False) as session:
        return converting.convert(session, paths, Path(output), wanted)


def frame(
    timeline: PathLike,
    times: Sequence[str | int],
    output: PathLike,
    *,
    size: str = "canvas",
    fidelity: str = "exact",
    use_proxies: str | None = None,
    **options: Unpack[Options],
) -> StillReport:
    """Render frames of ``timeline`` with their effects into the picture ``output``; several become a contact sheet.

    :param times: frames (``48``), timecodes (``"01:00:02:00"``) or seconds (``"2.5s"``).
    :param size: as ``export``.
    :param fidelity: ``"exact"`` refuses effects that are not rendered as the host does, ``"approximate"`` allows what comes
        near, ``"any"`` leaves out what is unknown.
    :param use_proxies: as ``prerender``.
    :raises TimelineError, SettingsError, EffectError: see ``optimizer.picturing``.
    """
    from otio_perf.optimizer import picturing

    path = existing_file(timeline)
    with opened(options, anchor=path, create=False) as session:
        return picturing.frame(session, path, times, Path(output), size=size, fidelity=fidelity, use_proxies=use_proxies)


def calibrate(
    **options: Unpack[Options],
) -> MachineProfile:
    """Measure this machine anew (at most 20 seconds) and keep the profile."""
    with opened(options, anchor=None, create=False) as session:
        return session.machine(measure_again=True)


def cache_status(**options: Unpack[Options]) -> Status:
    """What the workspace holds. The sources of all proxies are looked at: some may have changed, or be gone."""
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.status(session)


def cache_verify(
    *,
    repair: bool = False,
    **options: Unpack[Options],
) -> tuple[Fault, ...]:
    """Every proxy and prerender that is gone, or not what was recorded, and what killed runs left.

    :param repair: forget it, so that the next run makes it anew; take back what is whole, delete the rest.
    """
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.verify(session, repair=repair)


def cache_clear(what: str = "all", *, force: bool = False, dry_run: bool = False, **options: Unpack[Options]) -> Freed:
    """Delete ``"proxies"``, ``"renders"``, ``"analysis"`` or ``"all"``; never originals.

    :param force: also what timelines play that we wrote: their editing program would show it as missing.
    :param dry_run: say what would go.
    :raises SettingsError: there is no such kind.
    """
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.clear(session, what, force=force, dry_run=dry_run)


def cache_prune(*, dry_run: bool = False, **options: Unpack[Options]) -> Pruned:
    """Bring the workspace within its limits (``cache_max_bytes``, ``min_free_disk``, ``idle_days``), and delete proxies whose
    sources changed or went a week ago. What timelines play stays.

    :param dry_run: say what would go.
    """
    from otio_perf.optimizer import caching

    with opened_there(options) as session:
        return caching.prune(session, dry_run=dry_run)


__all__ = [
    "analyze",
    "cache_clear",
    "cache_prune",
    "cache_status",
    "cache_verify",
    "calibrate",
    "convert",
    "export",
    "frame",
    "generate_proxies",
    "optimize",
    "plan_rushes",
    "prerender",
    "probe",
    "restore",
]
