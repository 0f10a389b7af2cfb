"""Folders of rushes: which of their files count, and what would be made of those that are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.media.discover import discover
from otio_perf.model.media import MediaInfo
from otio_perf.model.results import ProxyReport
from otio_perf.model.rushes import Rushes
from otio_perf.model.uses import Target
from otio_perf.optimizer import proxies
from otio_perf.optimizer.session import Session
from otio_perf.settings import Settings
from otio_perf.watch.scan import Listing, Rules, walk

#: A container that claims to be longer has a damaged header, or none yet.
_MOST_SECONDS = 7 * 86_400


def chosen(settings: Settings, folders: Iterable[str | Path], *, beside: bool = False) -> tuple[Rushes, ...]:
    """Those of the settings, and ``folders`` besides.

    :param beside: proxies of ``folders`` in a Proxy folder beside each source
    :raises SettingsError: one of ``folders`` is a file, or not there; ``beside`` with several sizes
    """
    proxies.refuse_several_beside(settings.proxy, beside=beside)
    rows = {os.path.realpath(rushes.path): rushes for rushes in settings.watch}
    for folder in folders:
        path = Path(folder).expanduser().absolute()
        if not path.is_dir():
            raise SettingsError("is no folder" if path.exists() else "is not there", path=path, hint="Name a folder")
        rows.setdefault(os.path.realpath(path), Rushes(path=path, beside=beside))
    return tuple(rows.values())


def rules(rushes: Rushes, elsewhere: Iterable[Path]) -> Rules:
    """:param elsewhere: folders that are never entered: those of the workspace, and those that are watched by themselves"""
    top = Path(os.path.realpath(rushes.path))
    real = (Path(os.path.realpath(folder)) for folder in elsewhere)
    return Rules(
        include=rushes.include,
        exclude=rushes.exclude,
        is_recursive=rushes.recursive,
        own=tuple(str(rushes.path / folder.relative_to(top)) for folder in real if top in folder.parents),
    )


def target(session: Session, path: str) -> Target | None:
    """The medium at ``path``; ``None``: a proxy of ours, or nothing any more."""
    found = next(discover([path]), None)
    if found is None or session.index.products.key_at(found.url) is not None:
        return None
    rate = session.settings.rate
    return found if rate is None or found.sequence is None else replace(found, sequence_rate=rate)


def is_sane(media: MediaInfo) -> bool:
    """Does its header say a duration that can be? Not, where it is yet to be written."""
    return 0 < media.duration <= _MOST_SECONDS


def is_forced(settings: Settings) -> bool:
    """Proxies of all rushes, needed or not?"""
    return settings.use_proxies == "always"


def plan(session: Session, rushes: Rushes, others: Iterable[Rushes]) -> ProxyReport:
    """What would be made of the media that are in the folder now; nothing is.

    :param session: with the settings of ``rushes``
    """
    elsewhere = [session.workspace.root, *(other.path for other in others if other != rushes)]
    targets = [t for path in _paths(rushes, rules(rushes, elsewhere)) if (t := target(session, path)) is not None]
    return proxies.make(
        session,
        findings=session.look_up(targets),
        recipes=proxies.recipes_for(session, (), session.settings.viewing_lut()),
        targets=targets,
        force=is_forced(session.settings),
        beside=rushes.beside,
        dry_run=True,
    )


def _paths(rushes: Rushes, rules: Rules) -> Iterator[str]:
    for _, listing in walk(str(rushes.path), str(rushes.path), rules):
        if isinstance(listing, Listing):
            yield from sorted(seen.path for seen in listing.media.values())
