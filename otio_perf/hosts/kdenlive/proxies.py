"""Where Kdenlive looks for proxies: in its cache, or in the folder that a project has for its own files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from otio_perf.hosts.places import ProxyFolder, properties_of
from otio_perf.model.hosts import Installation
from otio_perf.optimizer.placing import extension_of
from otio_perf.timeline.mlt.storage import DOCUMENT, storage_of


def places(
    installations: Sequence[Installation], projects: Sequence[Path], note: Callable[[str], None]
) -> tuple[ProxyFolder, ...]:
    """:param note: told what keeps a user from seeing the proxies. :raises TimelineError: a project cannot be read"""
    caches = [Path(one.cache_folder) for one in installations]
    found: dict[ProxyFolder, None] = {}
    for project in projects:
        properties = properties_of(project)
        suffix = extension_of(properties)
        if properties.get(f"{DOCUMENT}storagefolder"):
            folders = [storage_of(properties, project, caches).proxies]
        else:
            folders = [cache / "proxy" for cache in caches]
        found.update(dict.fromkeys(ProxyFolder(folder, suffix) for folder in folders))
        if properties.get(f"{DOCUMENT}enableproxy") != "1":
            note(f"{project.name}: proxies are off in Kdenlive: Project > Project Settings > Proxy > Proxy Clips")
    if not projects:
        found.update(dict.fromkeys(ProxyFolder(cache / "proxy", extension_of({})) for cache in caches))
    return tuple(found)
