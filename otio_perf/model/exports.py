"""Finished movies of timelines: what they can be, and what came of making one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.model.timing import FrameRate

#: What users call the codecs of movies.
CODECS: dict[str, ChunkCodec] = {
    "h264": ChunkCodec.H264_LONG_GOP,
    "hevc": ChunkCodec.HEVC_LONG_GOP,
    "h264_intra": ChunkCodec.H264,
    **{codec.value: codec for codec in ChunkCodec if codec.startswith(("prores", "dnxhr"))},
}
NAMES = {codec: name for name, codec in CODECS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """``usual``: what a movie is made in where nobody says. ``sound``: FFmpeg's name of the codec of its sound."""

    usual: ChunkCodec
    codecs: frozenset[ChunkCodec]
    sound: str


_DELIVERY = {ChunkCodec.H264_LONG_GOP, ChunkCodec.HEVC_LONG_GOP, ChunkCodec.H264}
#: By suffix. Avid's codecs have no home in Matroska, and neither they nor ProRes in MP4.
CONTAINERS: dict[str, Container] = {
    ".mov": Container(usual=ChunkCodec.PRORES_422, codecs=frozenset(ChunkCodec), sound="pcm_s24le"),
    ".mp4": Container(usual=ChunkCodec.H264_LONG_GOP, codecs=frozenset(_DELIVERY), sound="aac"),
    ".mkv": Container(
        usual=ChunkCodec.H264_LONG_GOP,
        codecs=frozenset({*_DELIVERY, *(c for c in ChunkCodec if c.startswith("prores"))}),
        sound="pcm_s24le",
    ),
}

#: What becomes of what no layer covers: transparent, in codecs that have alpha, or black.
ALPHAS = ("keep", "black")

#: What users call the sound of movies, and FFmpeg its layout.
SOUNDS: dict[str, str | None] = {"mix": "stereo", "mono": "mono", "5.1": "5.1", "7.1": "7.1", "none": None}


class ProblemKind(StrEnum):
    APPROXIMATE = "approximate"  # effects that only come near to the host's
    UNKNOWN = "unknown"  # effects that are left out
    MISSING = "missing"  # media in whose place a slate stands
    UNUSABLE = "unusable"  # clips of which the timeline says what makes no sense: a slate stands for them, too
    FAILED = "failed"  # it was tried


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportProblem:
    """Frames ``[start, stop)`` of the timeline that are not what its host shows. ``names``: effects, media or clips; ``why``:
    by name, what differs or is wrong, where it is known.

    ``is_in_the_way``: no movie was made because of it.
    """

    kind: ProblemKind
    start: int
    stop: int
    start_timecode: str
    stop_timecode: str
    reason: str
    names: tuple[str, ...] = ()
    why: tuple[tuple[str, str], ...] = ()
    is_in_the_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCopied:
    """Frames of a medium that nothing is done to, and that were rendered nevertheless. ``reason``: why, a clause."""

    path: str
    frames: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSound:
    """The sound of a movie."""

    codec: str
    sample_rate: int
    layout: str
    samples: int
    peak: float | None  # 1: full scale; None: it was not mixed now
    notes: tuple[str, ...] = ()  # what is not heard as in the host


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCounts:
    """Frames of a movie by where they come from, and the pieces that it is joined of.

    ``rendered`` were not there yet; ``reused`` were, from earlier runs or prerenders; ``copied`` are packets of their sources.
    """

    rendered: int
    reused: int
    copied: int
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """Answer of ``export``. ``path`` is where the movie is, or would be: see ``is_written``. ``engine`` says what renders, and
    why that."""

    source: str
    path: str
    is_written: bool
    is_new: bool  # False: it was there already, just so
    recipe: PrerenderRecipe
    width: int
    height: int
    frame_rate: FrameRate
    colour: str
    engine: str
    start: int
    stop: int
    start_timecode: str
    stop_timecode: str
    counts: ExportCounts
    sound: ExportedSound | None
    problems: tuple[ExportProblem, ...]
    not_copied: tuple[NotCopied, ...]
    predicted_seconds: float | None  # of a dry run
    predicted_bytes: int
    size_bytes: int
    seconds: float
    notices: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.stop - self.start

    @property
    def codec(self) -> str:
        """As users call it."""
        return NAMES[self.recipe.codec]

    @property
    def is_barred(self) -> bool:
        """It was refused, or failed."""
        return any(problem.is_in_the_way for problem in self.problems)
