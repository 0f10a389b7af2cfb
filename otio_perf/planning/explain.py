"""Reasons in words: what a medium is, and why a span costs what it costs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from otio_perf.errors import printable
from otio_perf.model.media import VideoInfo
from otio_perf.model.recipes import ProxyRecipe

_CODEC_NAMES = {
    "h264": "H.264",
    "hevc": "HEVC",
    "vvc": "VVC",
    "av1": "AV1",
    "vp8": "VP8",
    "vp9": "VP9",
    "prores": "ProRes",
    "dnxhd": "DNxHD",
    "mjpeg": "MJPEG",
    "mpeg2video": "MPEG-2",
    "mpeg1video": "MPEG-1",
    "mpeg4": "MPEG-4",
    "exr": "OpenEXR",
    "png": "PNG",
    "dpx": "DPX",
    "tiff": "TIFF",
    "jpeg2000": "JPEG 2000",
    "cfhd": "CineForm",
    "dvvideo": "DV",
    "rawvideo": "uncompressed",
    "v210": "uncompressed",
    "ffv1": "FFV1",
}
#: Longer side of the picture from which a name applies.
_SIZES = ((7600, "8K"), (5700, "6K"), (5000, "5K"), (3800, "4K"), (2540, "1440p"))
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def file_name(path: str) -> str:
    """Last part of a path or URL, on one line."""
    return printable(path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path)


def size_words(width: int, height: int) -> str:
    """``4K``, ``1080p`` …: what editors call a picture of this size."""
    longer = max(width, height)
    for least, name in _SIZES:
        if longer >= least:
            return name
    return f"{min(width, height)}p"


def codec_words(codec: str) -> str:
    return _CODEC_NAMES.get(codec, codec)


def video_words(video: VideoInfo) -> str:
    """``4K HEVC 10-bit long GOP``."""
    words = [size_words(*video.display_size), codec_words(video.codec)]
    if video.bit_depth > 8:
        words.append(f"{video.bit_depth}-bit")
    if not video.gop.all_intra:
        words.append("long GOP")
    if float(video.frame_rate) > 31:
        words.append(f"{float(video.frame_rate):.3g} fps")
    return " ".join(words)


def look_words(recipe: ProxyRecipe) -> str:
    """What a proxy shows that its source does not: ``LUT film.cube, timecode and name burnt in``; empty: nothing."""
    said = [f"LUT {file_name(recipe.lut.path)}"] if recipe.lut else []
    if recipe.burn_in:
        *others, last = recipe.burn_in
        said.append(f"{', '.join(others)}{' and ' if others else ''}{last} burnt in")
    return ", ".join(said)


def count_words(number: int, noun: str) -> str:
    """``two layers``, ``one layer``, ``12 layers``."""
    name = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{name} {noun}{'' if number == 1 else 's'}"


def load_words(factor: float) -> str:
    """``needs 2.6 × the time it has``, ``needs 40 % of the time it has``: frame time over the frame's budget.

    Not "2.6 × real time", which editors read as faster than real time.
    """
    if factor <= 0.995:
        return f"needs {max(1, round(factor * 100)) if factor else 0} % of the time it has"
    return f"needs {factor:.2g} × the time it has" if factor < 9.95 else f"needs {factor:.0f} × the time it has"


def reasons(
    *,
    words: Sequence[str],
    remarks: Sequence[str],
    layers: int,
    effects: Sequence[str],
    has_transition: bool,
    parts: Sequence[tuple[str, float]],
    frame_ms: float,
    budget_ms: float,
    offline: Sequence[str],
) -> tuple[str, ...]:
    """The headline first, then what takes the time, then what was not counted.

    :param words: of each layer's medium, see :func:`video_words`.
    :param parts: name and milliseconds, as in ``SpanCost.parts_ms``.
    """
    if not words and not effects and not has_transition:
        head = "no media that could be counted" if offline else "nothing to decode"
        return (head, *_not_counted(offline), *dict.fromkeys(remarks))
    media = [name if n == 1 else f"{n} × {name}" for name, n in Counter(words).items()]
    what = [" and ".join(media)] if media else []
    if layers > 1:
        what.append(count_words(layers, "layer"))
    if effects:
        what.append(", ".join(effects))
    if has_transition:
        what.append("transition")
    said = [f"{', '.join(what)}: {load_words(frame_ms / budget_ms)}"]
    if frame_ms > budget_ms:
        worst, ms = max(parts, key=lambda part: part[1])
        said.append(f"{worst} takes {ms:.0f} of {frame_ms:.0f} ms; a frame has {budget_ms:.0f} ms")
    return (*said, *dict.fromkeys(remarks), *_not_counted(offline))


def _not_counted(offline: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{file_name(path)} is not there and not counted" for path in offline)


def rate_words(rate: Fraction) -> str:
    """``25 fps``, ``23.976 fps``."""
    return f"{float(rate):.5g} fps"
