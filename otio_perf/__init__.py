"""otio_perf makes heavy timelines light, in the editor that people already use.

The Python API is seven functions; each takes the options of the command of the same name, and ``export`` those of ``render``::

    import otio_perf

    analysis = otio_perf.analyze("edit.otio")
    outcome = otio_perf.optimize("edit.otio", "edit.perf.otio", proxy=["1080p"])
    otio_perf.prerender("edit.perf.otio", "edit.prerendered.otio")
    otio_perf.generate_proxies(["rushes/"], proxy=["720p"])
    otio_perf.export("edit.otio", "edit.mov")
    otio_perf.frame("edit.otio", ["01:00:02:00"], "still.png")
    otio_perf.restore("edit.perf.otio", "edit.otio")

``Service`` is what ``otio-perf serve`` runs; ``otio_perf.client.Client`` talks to one.

Importing the package is cheap: FFmpeg, numpy and OpenTimelineIO are loaded when they are first needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; the module typing takes as long to load as all of this package's start

__version__ = "0.1.0"
__all__ = ["Service", "analyze", "export", "frame", "generate_proxies", "optimize", "prerender", "restore"]

if TYPE_CHECKING:
    from typing import Any

    from otio_perf.optimizer import analyze, export, frame, generate_proxies, optimize, prerender, restore
    from otio_perf.service.service import Service


def __getattr__(name: str) -> Any:
    if name == "Service":
        from otio_perf.service.service import Service

        return Service
    if name in __all__:
        from otio_perf import optimizer

        return getattr(optimizer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
