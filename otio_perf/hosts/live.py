"""Hosts that can be told of a changed project while they have it open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.hosts import APPLIED
from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive import live as kdenlive
from otio_perf.hosts.kdenlive import toggling
from otio_perf.model.hosts import HostReport
from otio_perf.optimizer.options import Options


def apply(
    host: str,
    what: str,
    *,
    project: str | Path | None,
    pid: int | None,
    save: bool,
    once: bool,
    zone: bool,
    all: bool,
    media: Sequence[str | Path],
    home: Home | None,
    options: Options,
) -> HostReport:
    """See ``hosts.apply``. :raises SettingsError: words that are none of the choices"""
    if host not in APPLIED:
        raise SettingsError(f"{host} cannot be told of a changed project", hint="Open there what otio-perf optimize writes")
    if what not in APPLIED[host]:
        raise SettingsError(f"{what!r} is not one of {', '.join(APPLIED[host])}")
    said = {"project": project is not None, "save": save, "once": once, "all": all, "zone": zone, "media": bool(media)}
    if ignored := [name for name, is_said in said.items() if is_said and name not in APPLIED[host][what]]:
        raise SettingsError(f"{what} takes no {' and no '.join(f'--{name}' for name in ignored)}")
    home = home or Home.of_user()
    if what == "proxies":
        return toggling.proxies(media, pid=pid, home=home, options=options)
    return kdenlive.apply(
        kdenlive.Wanted(what=what, zone=zone, all=all),
        project=None if project is None else Path(project),
        pid=pid,
        save=save,
        once=once,
        home=home,
        options=options,
    )
