"""The profile of this machine: kept among what belongs to no timeline, and of use on this very machine alone."""

from __future__ import annotations

from otio_perf import settings as settings_module
from otio_perf.cache.workspace import write_whole
from otio_perf.metrics import system
from otio_perf.model import wire
from otio_perf.model.machine import MachineProfile

_FILE = "machine.json"


def identity() -> str:
    from otio_perf.media import ffmpeg_version

    return system.machine_identity(ffmpeg_version.text())


def known() -> MachineProfile | None:
    """The stored profile, if it is of this very machine."""
    path = settings_module.user_cache_folder() / _FILE
    try:
        profile = wire.loads(MachineProfile, path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return profile if profile.machine == identity() else None


def keep(profile: MachineProfile) -> None:
    """:raises OSError"""
    path = settings_module.user_cache_folder() / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, wire.dumps(profile))
