"""Profiles of external proxies in Kdenlive for what ``--beside`` makes, also in watched folders: ``Proxy/NAME.mov``.

The user chooses one in a project's settings (Proxy ▸ External proxy clips); nothing is copied then, and cleaning Kdenlive's
cache takes nothing away. A proxy is taken if it has as many sound tracks as its source (Kdenlive's rule), which ours have.
Of several schemes in one profile Kdenlive takes the first whose prefix fits, and only then looks at the suffix (seen with
22.12, and in the source of 26.08): there is one profile for each suffix. A project of several is served by ``host place``.
"""

from __future__ import annotations

from pathlib import Path

from otio_perf.hosts.parts import Entries, Part
from otio_perf.model.hosts import Installation

_FILE = "externalproxies.rc"
#: Of sources, letter by letter as cameras write them.
SUFFIXES = (".mp4", ".MP4", ".mov", ".MOV", ".mxf", ".MXF", ".mkv", ".MTS")


def profiles() -> dict[str, str]:
    """By name in the menu, what Kdenlive keeps in a project (``externalproxyparams``): folder, prefix and suffix of the proxy,
    then the way back, prefix and suffix of the source."""
    return {f"otio_perf, Proxy folder, {suffix}": f"./Proxy;;.mov;..;;{suffix}" for suffix in SUFFIXES}


def parts(installation: Installation, command: str) -> tuple[Part, ...]:
    """What is put into ``installation``. ``command`` is not needed: Kdenlive runs nothing."""
    del command
    return (Entries(path=Path(installation.data_folder) / _FILE, values={"proxy": profiles()}),)
