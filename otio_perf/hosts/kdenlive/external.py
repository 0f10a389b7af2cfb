"""A profile of external proxies in Kdenlive for what ``--beside`` makes, also in watched folders: ``Proxy/NAME.mov``.

The user chooses it once in a project's settings (Proxy ▸ External proxy clips); nothing is copied then, and cleaning Kdenlive's
cache takes nothing away. A proxy is taken if it has as many sound tracks as its source (Kdenlive's rule), which ours have.
"""

from __future__ import annotations

from pathlib import Path

from otio_perf.hosts.parts import Entries, Part
from otio_perf.model.hosts import Installation

_FILE = "externalproxies.rc"
#: The name of the profile in the menu.
PROFILE = "otio_perf (Proxy folder)"
_FOLDER, _SUFFIX = "./Proxy", ".mov"
#: Of sources; Kdenlive compares letter by letter, and cameras write capitals.
_SOURCES = (".mp4", ".mov", ".mxf", ".mkv", ".avi", ".mts", ".m2ts", ".m4v", ".mpg", ".webm")


def parameters() -> str:
    """What Kdenlive keeps of the profile in a project (``externalproxyparams``): for each suffix of sources, folder, prefix and
    suffix of the proxy, then the way back and prefix and suffix of the source."""
    suffixes = [spelled for suffix in _SOURCES for spelled in (suffix, suffix.upper())]
    return ";".join(f"{_FOLDER};;{_SUFFIX};..;;{suffix}" for suffix in suffixes)


def parts(installation: Installation, command: str) -> tuple[Part, ...]:
    """What is put into ``installation``. ``command`` is not needed: Kdenlive runs nothing."""
    del command
    return (Entries(path=Path(installation.data_folder) / _FILE, values={"proxy": {PROFILE: parameters()}}),)
