"""What a proxy will be like before it is made: size on disk, seconds of work, and how it plays. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from otio_perf.model.machine import MachineProfile
from otio_perf.model.media import Gop, MediaInfo, VideoInfo
from otio_perf.model.recipes import Codec, ProxyRecipe
from otio_perf.model.timing import FrameRange, FrameRate
from otio_perf.planning.cost import decode_ms

#: Decoder's name and pixel format of each proxy codec.
CODECS: dict[Codec, tuple[str, str]] = {
    Codec.H264: ("h264", "yuv420p"),
    Codec.HEVC: ("hevc", "yuv420p"),
    Codec.PRORES_PROXY: ("prores", "yuv422p10le"),
    Codec.PRORES_LT: ("prores", "yuv422p10le"),
    Codec.PRORES_4444: ("prores", "yuva444p10le"),
    Codec.DNXHR_LB: ("dnxhd", "yuv422p"),
}
_PCM_BYTES = 2
#: Where the profile lacks an encoder: milliseconds per megapixel, a plain guess on the high side.
_ENCODE_MS_PER_MEGAPIXEL = 20.0
#: A LUT with the ways to R'G'B' and back, in units of ``effect_ms_per_megapixel`` (``benchmarks/proxy_speed.py``); words
#: burnt in cost nothing that can be measured.
_LUT_COST = 5.5
_INTRA = Gop(longest=1, mean=1.0, has_b_frames=False)


def frame_count(video: VideoInfo, rate: FrameRate) -> int:
    """Frames of the medium counted at ``rate``, which is its own unless its frame rate varies."""
    return round(video.duration * rate) if video.is_vfr else video.frame_count


def size_bytes(media: MediaInfo, recipe: ProxyRecipe, width: int, height: int, part: FrameRange) -> int:
    """Likely size of a proxy of ``part``, sound included: good to a factor of two or so."""
    sound = sum(a.channels * a.sample_rate * _PCM_BYTES for a in media.audio) * part.seconds
    return round(len(part) * recipe.bits_per_frame(width, height) / 8 + sound)


def proxied(media: MediaInfo, recipe: ProxyRecipe, rate: FrameRate | None = None) -> MediaInfo:
    """``media`` as it would play with a proxy in its place: never costlier to decode because of its size."""
    video = media.picture
    if video is None:
        return media
    width, height = size_of(video, recipe)
    codec, pixel_format = CODECS[recipe.codec]
    constant = rate if rate and video.is_vfr else video.frame_rate
    stand_in = replace(
        video,
        codec=codec,
        profile=None,
        width=width,
        height=height,
        pixel_format=pixel_format,
        bit_depth=10 if "10" in pixel_format else 8,
        frame_rate=constant,
        is_vfr=False,
        gop=_INTRA,
        bits_per_second=round(recipe.bits_per_frame(width, height) * constant),
    )
    return replace(media, video=(stand_in, *media.video[1:]), sequence=None)


def size_of(video: VideoInfo, recipe: ProxyRecipe) -> tuple[int, int]:
    return recipe.size_for(
        video.width,
        video.height,
        rotation=video.rotation,
        sample_aspect=video.sample_aspect,
        is_interlaced=video.is_interlaced,
    )


def work_seconds(
    media: MediaInfo,
    products: Sequence[tuple[ProxyRecipe, int, int]],
    parts: Sequence[FrameRange],
    machine: MachineProfile,
) -> float:
    """Seconds to make all ``products`` (recipe, width, height) of ``parts`` from one decode.

    Decoding, scaling and encoding share the processors, so their times add up. A range in a long GOP is entered at its
    keyframe, half a GOP ahead on average.
    """
    video = media.picture
    if video is None or not parts:
        return 0.0
    rate = Fraction(parts[0].rate)
    decoded = float(sum(p.seconds for p in parts) * video.frame_rate)
    decoded += sum((video.gop.mean - 1) / 2 for p in parts if p.start > 0)
    written = float(sum(p.seconds for p in parts) * rate)
    each = 0.0
    for recipe, width, height in products:
        encode = machine.encode_ms_per_megapixel.get(recipe.codec.value, _ENCODE_MS_PER_MEGAPIXEL)
        each += machine.scale_ms_per_megapixel * video.megapixels + encode * width * height / 1e6
        if recipe.lut is not None:
            each += _LUT_COST * machine.effect_ms_per_megapixel * width * height / 1e6
    return (decoded * decode_ms(video, machine) + written * each) / 1e3
