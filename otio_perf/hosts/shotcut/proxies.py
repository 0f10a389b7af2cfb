"""Where Shotcut looks for proxies: in its own folder, in the one that its settings name, or beside a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from otio_perf.hosts.places import ProxyFolder, properties_of
from otio_perf.hosts.shotcut.installations import settings_file
from otio_perf.model.hosts import Installation

_SUFFIX = ".mp4"


def places(
    installations: Sequence[Installation], projects: Sequence[Path], note: Callable[[str], None]
) -> tuple[ProxyFolder, ...]:
    """:param note: told what keeps a user from seeing the proxies. :raises TimelineError: a project cannot be read"""
    found: dict[ProxyFolder, None] = {}
    settings = [_settings(one) for one in installations]
    if settings and not any(said.get("enabled") == "true" for said in settings):
        note("proxies are off in Shotcut: Settings > Proxy > Use Proxy")
    everywhere = [
        Path(said.get("folder") or Path(one.data_folder) / "proxies") for one, said in zip(installations, settings, strict=True)
    ]
    for project in projects:
        has_folder = properties_of(project).get("shotcut:projectFolder") == "1"
        beside = has_folder and any(said.get("useProjectFolder", "true") == "true" for said in settings or [{}])
        folders = [project.absolute().parent / "proxies"] if beside else everywhere
        found.update(dict.fromkeys(ProxyFolder(folder, _SUFFIX) for folder in folders))
    if not projects:
        found.update(dict.fromkeys(ProxyFolder(folder, _SUFFIX) for folder in everywhere))
    return tuple(found)


def _settings(installation: Installation) -> dict[str, str]:
    """The group ``proxy`` of Shotcut's settings (Qt's INI); empty where there are none."""
    file = settings_file(installation)
    if file is None:
        return {}
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    group, found = "", dict[str, str]()
    for line in lines:
        if line.startswith("["):
            group = line.strip().strip("[]")
        elif group == "proxy" and "=" in line:
            name, _, value = line.partition("=")
            found[name.strip()] = value.strip().strip('"')
    return found
