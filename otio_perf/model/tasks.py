"""The smallest unit of work: self-contained, JSON-able, done by ``otio_perf.tasks``.

Every kind has ``kind``, ``key`` (two jobs that want the same key share one task), ``label`` (for people), ``total`` (units of
work that progress counts), ``stall_seconds`` (without progress for so long, its worker is killed), ``holds`` (what it keeps
others from while it has not ended, and how many tasks may hold that at once: locks that it takes, GPUs) and ``again()`` (how it
is started after a worker died on it).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from otio_perf.model.colour import UNSAID, ColourSpace, Light
from otio_perf.model.devices import GpuDevice
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import ColourTags, MediaInfo, Sequence
from otio_perf.model.plans import Product
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.model.timing import FrameRate, union


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTask:
    """Make all ``products`` of one source from one decode."""

    media: MediaInfo
    products: tuple[Product, ...]
    constant_rate: FrameRate | None  # for variable-frame-rate sources: the rate of the timeline
    workspace: str
    cores: int = 1  # that it may keep busy: planned are those of the machine, it is given its share of them
    hardware: tuple[str, ...] = ()  # encoders and decoders that passed their self-test (names of ``media.hardware``)
    stall_seconds: float = 60.0

    kind: str = "proxy"

    @property
    def key(self) -> str:
        return _digest(sorted(p.key for p in self.products))

    @property
    def holds(self) -> dict[str, int]:
        """Other proxies of this source, and those of a namesake, wait for the lock that it has, asleep or awake."""
        paths = (unicodedata.normalize("NFC", p.path).casefold() for p in self.products)
        return dict.fromkeys((f"source {self.media.fingerprint}", *(f"path {path}" for path in paths)), 1)

    def again(self) -> ProxyTask:
        """How it is started after its worker died: without hardware, whose driver may have killed it."""
        return replace(self, hardware=())

    @property
    def label(self) -> str:
        return self.media.path

    @property
    def total(self) -> int:
        """Frames that are read: the ranges of all products, each frame once."""
        return sum(len(r) for r in union(p.source_range for p in self.products))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTask:
    """Look at one medium, in a process that it may crash or hang."""

    path: str
    sequence: Sequence | None = None
    sequence_rate: FrameRate | None = None
    stall_seconds: float = 60.0

    kind: str = "probe"
    holds: ClassVar[Mapping[str, int]] = {}

    @property
    def key(self) -> str:
        return _digest(["probe", self.path, str(self.sequence), str(self.sequence_rate)])

    def again(self) -> ProbeTask:
        return self

    @property
    def label(self) -> str:
        return self.path

    @property
    def total(self) -> int:
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PrerenderTask:
    """Render the frames of one chunk into a file. ``key`` is that of the chunk (``render.chunks``)."""

    key: str
    plans: tuple[FramePlan, ...]  # of its frames, in order
    media: dict[str, MediaInfo]  # what the plans show, by ``Target.medium``
    frame_rate: FrameRate  # of the timeline, and of the file
    recipe: PrerenderRecipe
    path: str  # of the finished file
    workspace: str
    colour: ColourTags = ColourSpace.BT709.tags  # what the file says of itself, and its samples are
    light: Light = UNSAID
    files: dict[str, str] = field(default_factory=dict)  # digests of what effects read, LUTs say, by path
    gpu: str = "auto"  # as the setting: auto, on, off; off where ``key`` is the processor's
    processor_key: str = ""  # of the chunk, and its path, where a GPU gives up and the processor renders it: pictures of two
    processor_path: str = ""  # engines are alike, not equal; "" where ``key`` is the processor's
    devices: tuple[GpuDevice, ...] = ()  # GPUs that work: a worker takes the one that fewest others have
    hardware: tuple[str, ...] = ()  # decoders that work beside the GPU (names of ``media.hardware``)
    encoder: str = ""  # that works beside the GPU, and that ``key`` tells of; "": in software
    kernels: str = ""  # folder where compiled kernels of GPUs are kept; "": they are not
    cores: int = 1  # as those of ``ProxyTask``
    label: str = ""
    stall_seconds: float = 60.0

    kind: str = "prerender"

    @property
    def holds(self) -> dict[str, int]:
        """The chunk, whichever engine makes it; and where there are GPUs, one of them."""
        gpus = len(self.devices) if self.gpu != "off" else 0
        return {f"chunk {self.processor_key or self.key}": 1, **({"gpu": gpus} if gpus else {})}

    def again(self) -> PrerenderTask:
        """How it is started after its worker died: without the GPU, whose driver may have killed it, unless it was demanded."""
        return self if self.gpu == "on" else replace(self, gpu="off")

    @property
    def total(self) -> int:
        """Frames."""
        return len(self.plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateTask:
    """Measure this machine, in a process that can be stopped in the midst of an encoder's work."""

    machine: str  # the identity that the profile will be known by
    stall_seconds: float = 60.0

    kind: str = "calibrate"
    holds: ClassVar[Mapping[str, int]] = {}

    @property
    def key(self) -> str:
        return _digest(["calibrate", self.machine])

    def again(self) -> CalibrateTask:
        return self

    @property
    def label(self) -> str:
        return "measuring this machine"

    @property
    def total(self) -> int:
        """Not known: how far it gets in its time depends on the machine."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ThumbnailTask:
    """Make a small JPEG of ``media`` at ``path``."""

    media: MediaInfo
    path: str
    stall_seconds: float = 20.0

    kind: str = "thumbnail"
    holds: ClassVar[Mapping[str, int]] = {}

    @property
    def key(self) -> str:
        return _digest(["thumbnail", self.path])

    def again(self) -> ThumbnailTask:
        return self

    @property
    def label(self) -> str:
        return self.media.path

    @property
    def total(self) -> int:
        return 1


Task = ProxyTask | ProbeTask | PrerenderTask | CalibrateTask | ThumbnailTask


def _digest(words: list[str]) -> str:
    return hashlib.blake2b("\n".join(words).encode(errors="surrogatepass"), digest_size=12).hexdigest()
