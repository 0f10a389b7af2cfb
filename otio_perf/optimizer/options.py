"""The keyword options of the Python API: the settings by name, as plain text and numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypedDict

from otio_perf import settings as settings_module
from otio_perf.settings import Settings


class Options(TypedDict, total=False):
    """Every row of ``otio_perf.settings.TABLE``; unknown names and unusable values raise ``SettingsError``."""

    workspace: str | os.PathLike[str]
    proxy: Sequence[str]
    codec: str
    quality: int
    scope: str
    handles: int
    purpose: str
    jobs: int
    media_root: Sequence[str | os.PathLike[str]]
    map: Sequence[str]
    rate: str | float
    max_timeline_bytes: int
    max_timeline_depth: int
    stall_seconds: int


def in_force(settings: Settings | None, options: Options) -> Settings:
    """``settings`` if given, else those of file and environment with ``options`` on top."""
    return settings_module.load(dict(options)) if settings is None else settings
