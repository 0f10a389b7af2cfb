"""How to make a product. Two equal recipes on one source give the same proxy: the recipe is half of its key."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction

#: Raised when the encoder settings behind a recipe change: old proxies are then made anew.
RECIPE_VERSION = 1

_NAMED = re.compile(r"([1-9][0-9]{2,4})p")
_EXACT = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
#: Pixels of the longer side of the largest pictures that encoders take.
_LARGEST = 16384
_FRACTIONS = {"half": Fraction(1, 2), "quarter": Fraction(1, 4)}


class Codec(StrEnum):
    H264 = "h264"
    HEVC = "hevc"
    PRORES_PROXY = "prores_proxy"
    PRORES_LT = "prores_lt"
    PRORES_4444 = "prores_4444"  # keeps alpha
    DNXHR_LB = "dnxhr_lb"


#: Bits per pixel and frame at quality 60, and the quality points that double them; measured by ``benchmarks/scrub.py`` on
#: grainy 1080p with the encoder settings of ``media.encodings``. Good to a factor of two or so on other footage.
_BITS: dict[Codec, tuple[float, float]] = {
    Codec.H264: (0.65, 17),
    Codec.HEVC: (0.45, 17),
    Codec.PRORES_PROXY: (0.9, 23),
    Codec.PRORES_LT: (1.6, 23),
    Codec.PRORES_4444: (4.0, 27),
    Codec.DNXHR_LB: (0.75, float("inf")),
}


#: Names of sizes, as help and errors say them.
SIZES = "1080p, 720p, 360p … (any height), WIDTHxHEIGHT, half or quarter"


class Scope(StrEnum):
    FULL = "full"  # the whole medium
    USED = "used"  # the used ranges of all uses, with handles


class BurnIn(StrEnum):
    """What is written into every picture of a proxy; ``model.burn_in`` says in which words."""

    TIMECODE = "timecode"
    NAME = "name"  # of the file
    FRAME = "frame"  # its number


@dataclass(frozen=True, slots=True, kw_only=True)
class Lut:
    """A viewing LUT. ``digest`` stands for the bytes of the file: where it lies is no matter."""

    path: str
    digest: str


class Purpose(StrEnum):
    PLAYBACK = "playback"
    EDITING = "editing"
    EFFECTS = "effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRecipe:
    """One rung of proxies. ``rung``: ``720p``, ``1080p``, ``WxH``, ``half`` or ``quarter``. ``quality``: 0–100.

    With ``lut`` and ``burn_in`` a proxy shows what its source does not: it stands in for it where that was asked for only.

    :raises ValueError: unknown rung, quality out of range, negative handles.
    """

    rung: str
    codec: Codec = Codec.H264
    quality: int = 60
    scope: Scope = Scope.FULL
    handles: int = 12  # frames kept on both sides of a used range
    lut: Lut | None = None  # that its pictures are seen through
    burn_in: tuple[BurnIn, ...] = ()

    def __post_init__(self) -> None:
        if not _is_rung(self.rung):
            raise ValueError(f"unknown proxy size {self.rung!r}: say {SIZES}")
        if not 0 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not between 0 and 100")
        if self.handles < 0:
            raise ValueError(f"handles cannot be negative: {self.handles}")

    @property
    def is_plain(self) -> bool:
        """Its pictures are those of the source: no LUT, nothing burnt in."""
        return self.lut is None and not self.burn_in

    @property
    def reference_key(self) -> str:
        """Key of the media reference in a timeline."""
        return f"otio_perf:{self.rung}"

    def bits_per_frame(self, width: int, height: int) -> float:
        """Likely bits of one frame of this size: an estimate for plans and for the disk space check."""
        bits, doubling = _BITS[self.codec]
        return width * height * bits * 2 ** ((self.quality - 60) / doubling)

    def size_for(
        self,
        width: int,
        height: int,
        *,
        rotation: int = 0,
        sample_aspect: Fraction = Fraction(1),
        is_interlaced: bool = False,
    ) -> tuple[int, int]:
        """Stored size of the proxy for a stored source size; even, never larger than the source.

        ``720p`` names the shorter side of the upright picture (so a portrait clip becomes 720 wide); ``WxH`` is a box to
        fit in. Sample aspect is kept, not squared: the proxy has the source's aspect tag.
        """
        upright_w, upright_h = width * sample_aspect, Fraction(height)
        if rotation in (90, 270):
            upright_w, upright_h = upright_h, upright_w
        factor = _factor(self.rung, upright_w, upright_h)
        return _multiple(2, width * factor, width), _multiple(4 if is_interlaced else 2, height * factor, height)

    @property
    def digest(self) -> str:
        """Hex digest of everything that shapes the bytes, encoder settings included (``RECIPE_VERSION``)."""
        return _digest(
            self,
            lut=self.lut and self.lut.digest,
            burn_in=sorted(self.burn_in) or None,
        )


class ChunkCodec(StrEnum):
    """What rendered frames are stored in. Where ``is_intra``, each picture stands alone, so that a file can be cut and joined
    at any frame; of the others it is joined as a whole: it begins with a keyframe, and nothing reaches beyond it."""

    PRORES_PROXY = "prores_proxy"
    PRORES_LT = "prores_lt"
    PRORES_422 = "prores_422"
    PRORES_HQ = "prores_hq"
    PRORES_4444 = "prores_4444"
    DNXHR_LB = "dnxhr_lb"
    DNXHR_SQ = "dnxhr_sq"
    DNXHR_HQ = "dnxhr_hq"
    DNXHR_HQX = "dnxhr_hqx"  # 10 bits
    H264 = "h264"
    H264_LONG_GOP = "h264_long_gop"
    HEVC_LONG_GOP = "hevc_long_gop"

    @property
    def is_intra(self) -> bool:
        return self not in (ChunkCodec.H264_LONG_GOP, ChunkCodec.HEVC_LONG_GOP)

    @property
    def has_alpha(self) -> bool:
        """It can keep it."""
        return self is ChunkCodec.PRORES_4444

    @property
    def has_quality(self) -> bool:
        """Not where one rate is part of the definition."""
        return self not in (ChunkCodec.DNXHR_LB, ChunkCodec.DNXHR_SQ, ChunkCodec.DNXHR_HQ, ChunkCodec.DNXHR_HQX)


#: Size of the timeline's own picture.
CANVAS = "canvas"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrerenderRecipe:
    """How rendered regions are stored. ``size``: ``canvas``, or a rung as ``ProxyRecipe`` has. ``quality``: 0–100, of codecs
    that have one. ``keeps_alpha``: on nothing, with straight alpha; else on black, opaque.

    :raises ValueError: unknown size, quality out of range, a codec without alpha that is to keep it.
    """

    codec: ChunkCodec = ChunkCodec.PRORES_422
    quality: int = 80
    size: str = CANVAS
    keeps_alpha: bool = False

    def __post_init__(self) -> None:
        if self.size != CANVAS and not _is_rung(self.size):
            raise ValueError(f"unknown size {self.size!r}: say {CANVAS}, {SIZES}")
        if not 0 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not between 0 and 100")
        if self.keeps_alpha and not self.codec.has_alpha:
            raise ValueError(f"{self.codec} cannot keep alpha")

    def scale_for(self, width: int, height: int) -> Fraction:
        """Size of the rendered picture against a canvas of ``width`` × ``height``; never more than 1."""
        return Fraction(1) if self.size == CANVAS else _factor(self.size, Fraction(width), Fraction(height))

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Stored size for a canvas: even, as subsampled chroma needs; the last row or column of an odd one is lost."""
        scale = self.scale_for(width, height)
        return _multiple(2, width * scale, width), _multiple(2, height * scale, height)

    @property
    def encoded_as(self) -> str:
        """All that shapes the bytes of given pictures, encoder settings included (``RECIPE_VERSION``)."""
        return f"{RECIPE_VERSION} {self.codec}" + (f" {self.quality}" if self.codec.has_quality else "")


def _is_rung(name: str) -> bool:
    """Is it the name of a size, and of one that pictures have?"""
    if name in _FRACTIONS:
        return True
    found = _NAMED.fullmatch(name) or _EXACT.fullmatch(name)
    return found is not None and all(int(side) <= _LARGEST for side in found.groups())


def _factor(rung: str, width: Fraction, height: Fraction) -> Fraction:
    """Size of ``rung`` against an upright picture in square pixels; never more than 1."""
    if rung in _FRACTIONS:
        return _FRACTIONS[rung]
    if named := _NAMED.fullmatch(rung):
        return min(Fraction(1), Fraction(int(named[1])) / min(width, height))
    exact = _EXACT.fullmatch(rung)
    assert exact is not None
    return min(Fraction(1), int(exact[1]) / width, int(exact[2]) / height)


def _digest(recipe: ProxyRecipe, **instead: object) -> str:
    """:param instead: what stands for a field; ``None``: as if there were no such field, so that older digests stay."""
    fields = {name: value for name, value in {**asdict(recipe), **instead}.items() if instead.get(name, value) is not None}
    text = json.dumps({"version": RECIPE_VERSION, **fields}, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _multiple(step: int, wanted: Fraction | float, source: int) -> int:
    """Nearest multiple of ``step``, which 4:2:0 needs (of each field, where there are two); an odd source loses a line."""
    return max(step, min(round(wanted / step) * step, source - source % step))
