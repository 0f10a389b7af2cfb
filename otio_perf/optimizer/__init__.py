"""The composition root: what each command does, as a function. The command line and the Python API call these.

All of them take the settings by name (``proxy=["1080p"]``, ``workspace="…"``), and a ``listener`` that hears of progress
(``otio_perf.model.events``): see ``options.Options``.
"""

from otio_perf.optimizer.media_commands import compare, generate_proxies, plan_rushes, probe
from otio_perf.optimizer.picture_commands import export, frame
from otio_perf.optimizer.timeline_commands import analyze, convert, optimize, prerender, restore
from otio_perf.optimizer.workspace_commands import cache_clear, cache_prune, cache_status, cache_verify, calibrate

__all__ = [
    "analyze",
    "cache_clear",
    "cache_prune",
    "cache_status",
    "cache_verify",
    "calibrate",
    "compare",
    "convert",
    "export",
    "frame",
    "generate_proxies",
    "optimize",
    "plan_rushes",
    "prerender",
    "probe",
    "restore",
]
