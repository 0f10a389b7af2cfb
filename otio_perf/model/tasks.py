"""The smallest unit of work: self-contained, JSON-able, done by ``otio_perf.tasks``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product
from otio_perf.model.timing import FrameRate


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTask:
    """Make all ``products`` of one source from one decode."""

    media: MediaInfo
    products: tuple[Product, ...]
    constant_rate: FrameRate | None  # for variable-frame-rate sources: the rate of the timeline
    workspace: str
    decoder_threads: int = 0  # 0: chosen by the codec layer
    stall_seconds: float = 60.0  # no progress for so long: the worker is killed

    kind: str = "proxy"

    @property
    def key(self) -> str:
        """Two jobs that want the same products share one task."""
        text = "\n".join(sorted(p.key for p in self.products))
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    @property
    def label(self) -> str:
        return self.media.path


Task = ProxyTask
"""Union of all task kinds; ``kind`` tells them apart on the wire."""
