"""How each proxy codec is encoded: one row a codec, and the reasons.

Chosen by ``benchmarks/scrub.py`` (milliseconds to show a random frame, bytes, PSNR, encode time; figures in
``benchmarks/README.md``):

- H.264 and HEVC are all-intra: any frame is decoded alone. Four slices let a player's threads share one frame. x264's
  ``ultrafast`` writes CAVLC without deblocking: half the time of ``superfast`` to encode *and* to decode, at the same
  PSNR for a given size of grainy footage within 1 dB.
- ProRes by ``prores_ks`` with a fixed quantiser. Its own rate control searches (6 × slower); ``prores_aw`` is no faster
  than that fixed quantiser, has no quality setting, and writes twice the nominal size.
- DNxHR LB has one rate by definition: ``quality`` does not change it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from otio_perf.model.media import ColourTags, VideoInfo
from otio_perf.model.recipes import Codec

#: One quality point is worth this many bits per pixel and frame at quality 60 (grainy 1080p; for the disk space check).
_FF_QP2LAMBDA = 118  # FFmpeg's global_quality unit

#: Transfer curves that band visibly in 8 bits: they spread 10,000 (1,000) cd/m² over the code values (ITU-R BT.2100).
HDR_TRANSFERS = ("smpte2084", "arib-std-b67")

PCM_S16_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """One row. ``bits_per_pixel`` is at quality 60 and doubles every ``doubling`` quality points."""

    encoder: str
    pixel_format: str  # for 8-bit sources
    deep_pixel_format: str  # for sources that need 10 bits
    options: Callable[[int], dict[str, str]]  # by quality 0–100
    tag: str | None = None
    alpha: bool = False
    full_range: bool = True  # can say that its levels are full range; otherwise they are converted to limited
    interlaced: bool = True  # can keep the fields apart
    smallest: tuple[int, int] = (2, 2)
    bits_per_pixel: float
    doubling: float = 24.0
    thread_type: str = "SLICE"
    hdr_option: str | None = None  # encoder parameter list that takes the HDR10 tags
    extra: dict[str, str] = field(default_factory=dict)

    def size_bytes(self, width: int, height: int, frames: int, quality: int) -> int:
        """Likely size of ``frames`` pictures: an estimate for the disk space check, within a factor of two or so."""
        scale = 2 ** ((quality - 60) / self.doubling) if self.doubling else 1.0
        return round(width * height * frames * self.bits_per_pixel * scale / 8)


def crf(quality: int, *, worst: int, best: int) -> str:
    """Constant rate factor for a quality: linear, 6 CRF points halve the size."""
    return f"{worst - (worst - best) * quality / 100:.1f}"


def quantiser(quality: int) -> str:
    """ProRes quantiser 64 (worst that the encoder takes) … 4 (best that the Proxy profile allows), geometric."""
    return str(max(1, round(64 * 16 ** (-quality / 100))) * _FF_QP2LAMBDA)


def _x264(quality: int) -> dict[str, str]:
    return {"preset": "ultrafast", "crf": crf(quality, worst=38, best=13), "g": "1", "x264-params": "slices=4"}


def _x265(quality: int) -> dict[str, str]:
    # frame-threads and pools: the decoder has the cores already; a GOP of one frame needs no look-ahead
    parameters = "log-level=error:keyint=1:slices=4:rc-lookahead=0:bframes=0:frame-threads=1:info=0"
    return {"preset": "ultrafast", "crf": crf(quality, worst=40, best=15), "g": "1", "x265-params": parameters}


def _prores(profile: int) -> Callable[[int], dict[str, str]]:
    return lambda quality: {
        "profile": str(profile),
        "vendor": "apl0",
        "flags": "+qscale",
        "global_quality": quantiser(quality),
    }


ENCODINGS: dict[Codec, Encoding] = {
    Codec.H264: Encoding(
        encoder="libx264",
        pixel_format="yuv420p",
        deep_pixel_format="yuv420p10le",
        options=_x264,
        tag="avc1",
        bits_per_pixel=1.2,
        hdr_option="x264-params",
    ),
    Codec.HEVC: Encoding(
        encoder="libx265",
        pixel_format="yuv420p",
        deep_pixel_format="yuv420p10le",
        options=_x265,
        tag="hvc1",
        interlaced=False,  # HEVC codes fields as pictures of their own; no host edits that
        smallest=(16, 16),
        bits_per_pixel=0.8,
        hdr_option="x265-params",
    ),
    Codec.PRORES_PROXY: Encoding(
        encoder="prores_ks",
        pixel_format="yuv422p10le",
        deep_pixel_format="yuv422p10le",
        options=_prores(0),
        full_range=False,  # SMPTE RDD 36: ProRes levels are limited range
        bits_per_pixel=1.9,
        doubling=40,
    ),
    Codec.PRORES_LT: Encoding(
        encoder="prores_ks",
        pixel_format="yuv422p10le",
        deep_pixel_format="yuv422p10le",
        options=_prores(1),
        full_range=False,
        bits_per_pixel=2.7,
        doubling=40,
    ),
    Codec.PRORES_4444: Encoding(
        encoder="prores_ks",
        pixel_format="yuva444p10le",
        deep_pixel_format="yuva444p10le",
        options=_prores(4),
        alpha=True,
        full_range=False,
        bits_per_pixel=4.5,
        doubling=40,
        extra={"alpha_bits": "16"},
    ),
    Codec.DNXHR_LB: Encoding(
        encoder="dnxhd",
        pixel_format="yuv422p",
        deep_pixel_format="yuv422p",
        options=lambda _: {"profile": "dnxhr_lb"},
        interlaced=False,  # DNxHR knows whole frames only
        smallest=(256, 120),
        bits_per_pixel=0.75,
        doubling=0,
    ),
}


def is_hdr(colour: ColourTags) -> bool:
    """PQ or HLG."""
    return colour.transfer in HDR_TRANSFERS


def pixel_format_for(codec: Codec, video: VideoInfo) -> str:
    """Pixel format of the proxy. H.264 goes to 10 bits for HDR only (8-bit High profile plays everywhere); HEVC follows
    the source, for every HEVC player knows Main 10."""
    row = ENCODINGS[codec]
    deep = is_hdr(video.colour) or (codec is Codec.HEVC and video.bit_depth > 8)
    if row.alpha and not video.has_alpha:
        return "yuv444p10le"
    return row.deep_pixel_format if deep else row.pixel_format
