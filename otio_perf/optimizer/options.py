"""The keyword options that all functions of the Python API take."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from otio_perf import settings as settings_module
from otio_perf.metrics.trace import Trace
from otio_perf.model.events import Listener
from otio_perf.settings import Settings


class Options(TypedDict, total=False):
    """The rows of ``otio_perf.settings.TABLE`` by name (those alone that the service knows have no part here), and who listens.

    Unknown names and unusable values raise ``SettingsError``.
    """

    workspace: str | os.PathLike[str]
    proxy: Sequence[str]
    codec: str
    quality: int
    scope: str
    handles: int
    lut: str | os.PathLike[str]
    burn_in: Sequence[str]
    purpose: str
    prerender_codec: str
    prerender_quality: int
    prerender_size: str
    colour: str
    gpu: str
    jobs: int
    media_root: Sequence[str | os.PathLike[str]]
    map: Sequence[str]
    rate: str | float
    max_timeline_bytes: int
    max_timeline_depth: int
    stall_seconds: int
    watch: Sequence[str | os.PathLike[str] | Mapping[str, Any]]
    settle_seconds: int
    cache_max_bytes: int | str
    min_free_disk: int | str
    idle_days: int | str

    settings: Settings  # ready made, instead of the above
    listener: Listener  # hears of progress
    trace: Trace  # collects stage timings
    stop: threading.Event  # setting it ends the work within a second
    documents: Sequence[str | os.PathLike[str]]  # that will be written about it: refused where they are media


_NO_SETTINGS = ("settings", "listener", "trace", "stop", "documents")


def in_force(options: Options) -> Settings:
    """The settings given, else those of file and environment with ``options`` on top. :raises SettingsError"""
    ready = options.get("settings")
    by_name: dict[str, Any] = {name: value for name, value in options.items() if name not in _NO_SETTINGS}
    return settings_module.load(by_name) if ready is None else ready
