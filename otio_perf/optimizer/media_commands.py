"""What commands do with media files and folders, without a timeline.

All take the settings by name: see ``options.Options``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from otio_perf.errors import SettingsError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.results import (
    ProxyDifference,
    ProxyReport,
)
from otio_perf.optimizer.opening import PathLike, opened
from otio_perf.optimizer.options import Options, in_force


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
