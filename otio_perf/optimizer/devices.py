"""What GPUs and video hardware can do here: found out in child processes, which takes seconds, so that it is asked once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otio_perf.media.hardware import HardwareFinding
    from otio_perf.render.engines import FoundEngine


class Devices:
    """Kept for the life of a command, or of a service."""

    def __init__(self) -> None:
        self._engines: dict[str, FoundEngine] = {}
        self._findings: dict[frozenset[str], tuple[HardwareFinding, ...]] = {}

    def engine(self, gpu: str, tick: Callable[[], None]) -> FoundEngine:
        """See ``found_engine``. :raises EffectError: a GPU was demanded and none works"""
        from otio_perf.render.engines import found_engine
        from otio_perf.settings import kernels_folder

        if gpu not in self._engines:
            self._engines[gpu] = found_engine(gpu, cache_folder=str(kernels_folder()), tick=tick)
        return self._engines[gpu]

    def hardware(self, codecs: Collection[str], tick: Callable[[], None]) -> tuple[HardwareFinding, ...]:
        """Encoders and decoders of ``codecs`` that may be here, each tried."""
        from otio_perf.media import hardware

        wanted = frozenset(codecs)
        if wanted not in self._findings:
            self._findings[wanted] = hardware.findings(wanted, tick=tick)
        return self._findings[wanted]
