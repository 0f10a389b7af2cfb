"""How each proxy codec is encoded: one row a codec, and the reasons.

Chosen by ``benchmarks/scrub.py`` (milliseconds to show a random frame, bytes, PSNR, encode time; figures in
``benchmarks/README.md``):

- H.264 and HEVC are all-intra: any frame is decoded alone. Four slices let a player's threads share one frame. x264's
  ``ultrafast`` writes CAVLC without deblocking: half the time of ``superfast`` to encode *and* to decode, at the same
  PSNR for a given size of grainy footage within 1 dB.
- ProRes by ``prores_ks`` with a fixed quantiser. Its own rate control searches (25 × slower for the same size);
  ``prores_aw`` is no faster than the fixed quantiser, has no quality setting, and writes twice the nominal size.
- DNxHR LB has one rate by definition: ``quality`` does not change it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from otio_perf.model.media import ColourTags, VideoInfo
from otio_perf.model.recipes import Codec

_FF_QP2LAMBDA = 118  # FFmpeg's unit of global_quality

#: The default quality. Its levels give what the trade calls a proxy: the size and PSNR of ProRes Proxy, ProRes LT and
#: DNxHR LB at their nominal rates.
USUAL = 60

#: Transfer curves that band visibly in 8 bits: they spread 10,000 (1,000) cd/m² over the code values (ITU-R BT.2100).
HDR_TRANSFERS = ("smpte2084", "arib-std-b67")

PCM_S16_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """One row."""

    encoder: str
    pixel_format: str  # for 8-bit sources
    deep_pixel_format: str  # for sources that need 10 bits
    options: Callable[[int], dict[str, str]]  # by quality 0–100
    tag: str | None = None
    alpha: bool = False
    full_range: bool = True  # can say that its levels are full range; otherwise they are converted to limited
    interlaced: bool = True  # can keep the fields apart
    smallest: tuple[int, int] = (2, 2)
    hdr_option: str | None = None  # encoder parameter list that takes the HDR10 tags
    device: str | None = None  # that frames are uploaded to
    extra: dict[str, str] = field(default_factory=dict)


def at_quality(quality: int, worst: float, usual: float, best: float) -> float:
    """Encoder level for a quality: ``worst`` at 0, ``usual`` at 60, ``best`` at 100, straight lines between."""
    if quality <= USUAL:
        return worst + (usual - worst) * quality / USUAL
    return usual + (best - usual) * (quality - USUAL) / (100 - USUAL)


def x264(worst: float, usual: float, best: float) -> Callable[[int], dict[str, str]]:
    """Options by quality; the CRF at 0, 60 and 100."""
    return lambda quality: {
        "preset": "ultrafast",
        "crf": f"{at_quality(quality, worst, usual, best):.1f}",
        "g": "1",
        "x264-params": "slices=4",
    }


def _x265(quality: int) -> dict[str, str]:
    # Blocks of 32 halve the time (234 → 112 ms of CPU a 1080p frame) at the same size and PSNR. No slices: x265 writes past
    # its memory with them where it has no thread pool, and one slice is shown as fast. One frame thread: all-intra has no
    # use for more, and each holds a frame.
    parameters = "log-level=error:info=0:keyint=1:bframes=0:rc-lookahead=0:frame-threads=1:ctu=32:min-cu-size=32"
    crf = f"{at_quality(quality, 42, 28, 16):.1f}"
    return {"preset": "ultrafast", "crf": crf, "g": "1", "x265-params": parameters}


def prores(profile: int, usual: int) -> Callable[[int], dict[str, str]]:
    """Options by quality; ``usual``: the quantiser at 60."""
    # 64 is the worst that the encoder takes, 4 the best that its smaller profiles allow
    return lambda quality: {
        "profile": str(profile),
        "vendor": "apl0",
        "flags": "+qscale",
        "global_quality": str(round(at_quality(quality, 64, usual, 4) * _FF_QP2LAMBDA)),
    }


ENCODINGS: dict[Codec, Encoding] = {
    Codec.H264: Encoding(
        encoder="libx264",
        pixel_format="yuv420p",
        deep_pixel_format="yuv420p10le",
        options=x264(40, 28, 16),
        tag="avc1",
        hdr_option="x264-params",
    ),
    Codec.HEVC: Encoding(
        encoder="libx265",
        pixel_format="yuv420p",
        deep_pixel_format="yuv420p10le",
        options=_x265,
        tag="hvc1",
        interlaced=False,  # HEVC codes fields as pictures of their own; no host edits that
        smallest=(32, 32),
        hdr_option="x265-params",
    ),
    Codec.PRORES_PROXY: Encoding(
        encoder="prores_ks",
        pixel_format="yuv422p10le",
        deep_pixel_format="yuv422p10le",
        options=prores(0, 32),
        full_range=False,  # SMPTE RDD 36: ProRes levels are limited range
    ),
    Codec.PRORES_LT: Encoding(
        encoder="prores_ks",
        pixel_format="yuv422p10le",
        deep_pixel_format="yuv422p10le",
        options=prores(1, 24),
        full_range=False,
    ),
    Codec.PRORES_4444: Encoding(
        encoder="prores_ks",
        pixel_format="yuva444p10le",
        deep_pixel_format="yuva444p10le",
        options=prores(4, 16),
        alpha=True,
        full_range=False,
        extra={"alpha_bits": "16"},
    ),
    Codec.DNXHR_LB: Encoding(
        encoder="dnxhd",
        pixel_format="yuv422p",
        deep_pixel_format="yuv422p",
        options=lambda _: {"profile": "dnxhr_lb"},
        interlaced=False,  # DNxHR knows whole frames only
        smallest=(256, 120),
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
