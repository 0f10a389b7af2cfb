"""What commands do with timelines: say what does not play, make it play, put it back, write it in another way.

All take the settings by name: see ``options.Options``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from otio_perf.errors import SettingsError
from otio_perf.model.analysis import Analysis
from otio_perf.model.results import (
    OptimizeReport,
    PrerenderReport,
    WrittenTimeline,
)
from otio_perf.optimizer.opening import PathLike, existing_file, opened
from otio_perf.optimizer.options import Options


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
