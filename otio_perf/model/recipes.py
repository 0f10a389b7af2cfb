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


class Scope(StrEnum):
    FULL = "full"  # the whole medium
    USED = "used"  # the used ranges of all uses, with handles


class Purpose(StrEnum):
    PLAYBACK = "playback"
    EDITING = "editing"
    EFFECTS = "effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRecipe:
    """One rung of proxies. ``rung``: ``720p``, ``1080p``, ``WxH``, ``half`` or ``quarter``. ``quality``: 0–100.

    :raises ValueError: unknown rung, quality out of range, negative handles.
    """

    rung: str
    codec: Codec = Codec.H264
    quality: int = 60
    scope: Scope = Scope.FULL
    handles: int = 12  # frames kept on both sides of a used range

    def __post_init__(self) -> None:
        if not (_NAMED.fullmatch(self.rung) or _EXACT.fullmatch(self.rung) or self.rung in _FRACTIONS):
            raise ValueError(f"unknown proxy size {self.rung!r}: say 720p, 1080p, WIDTHxHEIGHT, half or quarter")
        if not 0 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not between 0 and 100")
        if self.handles < 0:
            raise ValueError(f"handles cannot be negative: {self.handles}")

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
        if self.rung in _FRACTIONS:
            factor = _FRACTIONS[self.rung]
        elif named := _NAMED.fullmatch(self.rung):
            factor = Fraction(int(named[1])) / min(upright_w, upright_h)
        else:
            exact = _EXACT.fullmatch(self.rung)
            assert exact is not None
            factor = min(int(exact[1]) / upright_w, int(exact[2]) / upright_h)
        factor = min(factor, Fraction(1))
        return _multiple(2, width * factor, width), _multiple(4 if is_interlaced else 2, height * factor, height)

    @property
    def digest(self) -> str:
        """Hex digest of everything that shapes the bytes, encoder settings included (``RECIPE_VERSION``)."""
        text = json.dumps({"version": RECIPE_VERSION, **asdict(self)}, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _multiple(step: int, wanted: Fraction | float, source: int) -> int:
    """Nearest multiple of ``step``, which 4:2:0 needs (of each field, where there are two); an odd source loses a line."""
    return max(step, min(round(wanted / step) * step, source - source % step))
