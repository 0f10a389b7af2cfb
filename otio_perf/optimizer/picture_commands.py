"""What commands do with the pictures of a timeline: a finished movie of them, or a still.

All take the settings by name: see ``options.Options``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from otio_perf.model.exports import ExportReport
from otio_perf.model.results import (
    StillReport,
)
from otio_perf.optimizer.opening import PathLike, existing_file, opened
from otio_perf.optimizer.options import Options


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
