"""The contract of a proxy: what must be equal between it and its source, so that a host may show one for the other.

Hosts answer a failed link with "no" and nothing more; here each difference has a name and a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from otio_perf.model.media import AudioInfo, MediaInfo, VideoInfo
from otio_perf.model.timing import FrameRange, FrameRate, format_timecode, parse_timecode

#: Samples that an encoder may add or lose at the ends of a track (two AAC frames).
_CODEC_SAMPLES = 2048

#: Tags that an encoder or muxer may write where the source is silent: they say what everybody assumes anyway.
_ASSUMED = {
    "primaries": {"bt709", "smpte170m", "bt470bg"},
    "transfer": {"bt709", "smpte170m", "bt470bg"},
    "matrix": {"bt709", "smpte170m", "bt470bg"},
    "range": {"tv"},
}

#: Which field of a frame is shown first, by FFmpeg's field order. "tb" and "bt" are read as they are written in practice:
#: XDCAM HD 1080i (top first) carries "tb", DV PAL (bottom first) "bt", and the ffmpeg command line writes them so.
_SHOWN_FIRST = {"tt": "top", "tb": "top", "bb": "bottom", "bt": "bottom"}

#: FFmpeg's two names for 5.1 differ in where the surrounds stand; AAC has but the first, AC-3 but the second.
_SAME_LAYOUT = {"5.1(side)": "5.1", "quad(side)": "quad", "7.1(wide-side)": "7.1(wide)"}


_PLACEHOLDER_SECONDS = Fraction(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One broken clause. ``source`` is what the source demands of the proxy."""

    field: str
    source: str
    proxy: str
    text: str


def compare(
    source: MediaInfo,
    proxy: MediaInfo,
    *,
    expected_range: FrameRange | None = None,
    expected_size: tuple[int, int] | None = None,
    constant_rate: FrameRate | None = None,
    audio: Literal["all", "any"] = "all",
    adopted: bool = False,
) -> tuple[Difference, ...]:
    """What in ``proxy`` breaks the contract with ``source``; empty: it may stand in for it.

    :param expected_range: frames of the source that the proxy holds, counted from 0; ``None``: all of them.
    :param expected_size: stored width and height that were asked for; ``None``: any with the right aspect.
    :param constant_rate: the rate that a variable-rate source was laid onto; the proxy has it, and never varies.
    :param audio: ``"all"``: every track, with its layout and rate; ``"any"``: sound where the source has sound.
    :param adopted: the weaker rule for proxies that a camera made. What would shift, cut or turn the picture, or lose a
        sound track, still breaks the contract; colour names, HDR data, reel, layouts of a track and the exact audio length
        may differ, for cameras write them carelessly (only SDR for HDR is refused: it looks wrong).
    :raises ValueError: the source has no picture.
    """
    video = source.picture
    if video is None:
        raise ValueError(f"{source.path} has no picture: there is no contract for sound alone")
    rate = constant_rate or video.frame_rate
    wanted = expected_range or FrameRange(0, video.frame_count, rate)
    if proxy.picture is None:
        return (Difference(field="video", source=video.codec, proxy="none", text="the proxy has no picture"),)
    clauses = [
        _timing(video, proxy.picture, wanted, rate),
        _shape(video, proxy.picture, expected_size),
        _timecode(source, proxy, wanted, rate),
        _sound(source, proxy, wanted, rate, audio, adopted=adopted),
        _fields_and_alpha(video, proxy.picture),
        _adopted_colour(video, proxy.picture) if adopted else _colour(video, proxy.picture),
    ]
    if not adopted:
        clauses.append(_reel(source, proxy))
    return tuple(difference for clause in clauses for difference in clause)


def compare_numbers(source: MediaInfo, proxy: MediaInfo) -> tuple[Difference, ...]:
    """What hosts that ask for streams by their numbers (all that are made of MLT) would not find: no part of ``compare``, for
    others take the first of a kind, and proxies begin with their picture."""
    wanted, actual = (info.picture.stream_index if info.picture else None for info in (source, proxy))
    sounds, heard = ([sound.stream_index for sound in info.audio] for info in (source, proxy))
    found = []
    if wanted != actual:
        found.append(_difference("picture_number", wanted, actual, "the number of the picture's stream"))
    if sounds != heard:
        found.append(_difference("sound_numbers", sounds, heard, "the list of the sounds' streams"))
    return tuple(found)


def _difference(field: str, wanted: object, actual: object, what: str) -> Difference:
    text = f"{what} should be {_said(wanted)}, and is {_said(actual)}"
    return Difference(field=field, source=_said(wanted), proxy=_said(actual), text=text)


def _said(value: object) -> str:
    return "none" if value is None else str(value)


def _timing(source: VideoInfo, proxy: VideoInfo, wanted: FrameRange, rate: FrameRate) -> Iterator[Difference]:
    if proxy.frame_count != len(wanted):
        yield _difference("frame_count", len(wanted), proxy.frame_count, "the number of frames")
    if proxy.frame_rate != rate:
        yield _difference("frame_rate", rate, proxy.frame_rate, "the frame rate")
    if proxy.is_vfr and (rate != source.frame_rate or not source.is_vfr):
        yield _difference("is_vfr", "constant", "variable", "the frame rate")


def _shape(source: VideoInfo, proxy: VideoInfo, expected_size: tuple[int, int] | None) -> Iterator[Difference]:
    size = (proxy.width, proxy.height)
    if expected_size and size != tuple(expected_size):
        yield _difference("size", f"{expected_size[0]}x{expected_size[1]}", f"{size[0]}x{size[1]}", "the picture size")
    aspect, actual = (Fraction(v.width, v.height) * v.sample_aspect for v in (source, proxy))
    # sides are rounded to even numbers, each by one pixel at most
    if abs(actual / aspect - 1) > Fraction(1, proxy.width) + Fraction(1, proxy.height) + Fraction(1, 1000):
        right = aspect * proxy.height / proxy.width
        yield _difference("sample_aspect", right.limit_denominator(1000), proxy.sample_aspect, "the sample aspect ratio")
    if proxy.rotation != source.rotation:
        yield _difference("rotation", source.rotation, proxy.rotation, "the rotation in degrees")
    if proxy.is_mirrored != source.is_mirrored:
        yield _difference("is_mirrored", source.is_mirrored, proxy.is_mirrored, "mirroring")


def _timecode(source: MediaInfo, proxy: MediaInfo, wanted: FrameRange, rate: FrameRate) -> Iterator[Difference]:
    label, actual = source.start_timecode, proxy.start_timecode
    try:
        expected = shifted_timecode(label, wanted.start, rate)
    except ValueError as error:
        yield Difference(field="start_timecode", source=_said(label), proxy=_said(actual), text=str(error))
        return
    if label is None and actual is None:
        return
    if actual is None or _canonical(actual) != _canonical(expected):
        is_flag = actual is not None and actual.translate(_PLAIN) == expected.translate(_PLAIN)
        what = "the drop-frame flag of the start timecode" if is_flag else "the start timecode"
        yield _difference("drop_frame" if is_flag else "start_timecode", expected, actual, what)


#: Drop-frame is written ";" (FFmpeg), "." or "," before the frames.
_PLAIN = str.maketrans(";.,", ":::")
_SEMICOLON = str.maketrans(".,", ";;")


def _canonical(label: str) -> str:
    return label.translate(_SEMICOLON)


def shifted_timecode(label: str | None, frames: int, rate: FrameRate) -> str:
    """The timecode label ``frames`` after ``label`` (without one: after 00:00:00:00), drop-frame where that is.

    :raises ValueError: ``label`` cannot exist at ``rate``.
    """
    if label is not None and frames == 0:
        return label  # also right for labels that count at another rate than the picture's (30 for 60p)
    is_drop = label is not None and label[-3] in ";.,"
    return format_timecode((parse_timecode(label, rate) if label else 0) + frames, rate, drop_frame=is_drop)


def _sound(
    source: MediaInfo, proxy: MediaInfo, wanted: FrameRange, rate: FrameRate, audio: str, *, adopted: bool
) -> Iterator[Difference]:
    if audio == "any" and bool(source.audio) == bool(proxy.audio):
        return
    if len(proxy.audio) != len(source.audio):
        yield _difference("audio", len(source.audio), len(proxy.audio), "the number of audio tracks")
        return
    if adopted or audio == "any":
        return
    video = source.picture
    is_whole = video is None or (wanted.start == 0 and len(wanted) >= round(video.duration * rate))
    for number, (ours, theirs) in enumerate(zip(source.audio, proxy.audio, strict=True), start=1):
        if _layout(ours) != _layout(theirs):
            yield _difference(
                f"audio_{number}_layout", ours.layout, theirs.layout, f"the channel layout of audio track {number}"
            )
        if ours.sample_rate != theirs.sample_rate:
            what = f"the sample rate of audio track {number}"
            yield _difference(f"audio_{number}_sample_rate", ours.sample_rate, theirs.sample_rate, what)
        before = max(Fraction(0), video.start_time - ours.start_time) if video else Fraction(0)
        heard = max(Fraction(0), ours.duration - before)  # sound before the first picture has no place in an editor
        if is_whole and (missing := _missing_sound(heard, theirs, rate)):
            yield _difference(
                f"audio_{number}_duration",
                f"{float(heard):.3f} s",
                f"{float(theirs.duration):.3f} s",
                f"the duration of audio track {number}, {float(missing):.3f} s off,",
            )


def _layout(audio: AudioInfo) -> tuple[int, str]:
    return audio.channels, _SAME_LAYOUT.get(audio.layout, audio.layout)


def _missing_sound(heard: Fraction, proxy: AudioInfo, rate: FrameRate) -> Fraction:
    """Seconds by which a track is longer or shorter than a frame and the codec's padding explain; 0 where they do."""
    off = abs(heard - proxy.duration)
    # a track without any sound holds a little silence, to be there at all
    allowed = max(1 / rate, _PLACEHOLDER_SECONDS if not heard else Fraction(0)) + Fraction(_CODEC_SAMPLES, proxy.sample_rate)
    return off if off > allowed else Fraction(0)


def _fields_and_alpha(source: VideoInfo, proxy: VideoInfo) -> Iterator[Difference]:
    shown = (_SHOWN_FIRST.get(source.field_order), _SHOWN_FIRST.get(proxy.field_order))
    if shown[0] != shown[1]:
        yield _difference("field_order", source.field_order, proxy.field_order, "the field order")
    if source.has_alpha and not proxy.has_alpha:
        yield _difference("alpha", "kept", "lost", "alpha")


def _colour(source: VideoInfo, proxy: VideoInfo) -> Iterator[Difference]:
    is_rgb = source.colour.matrix == "gbr" or source.pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr"))
    for name in ("primaries", "transfer", *(() if is_rgb else ("matrix", "range"))):
        ours, theirs = getattr(source.colour, name), getattr(proxy.colour, name)
        if ours != theirs and not _is_assumed(name, ours, theirs):
            yield _difference(f"colour_{name}", ours, theirs, f"the colour {name}")
    ours, theirs = source.colour.chroma_location, proxy.colour.chroma_location
    if ours and theirs and ours != theirs:
        yield _difference("chroma_location", ours, theirs, "the chroma location")
    for name, what in (("mastering_display", "the HDR mastering display"), ("content_light", "the HDR content light level")):
        if getattr(source, name) and getattr(source, name) != getattr(proxy, name):
            yield _difference(name, getattr(source, name), getattr(proxy, name), what)


def _reel(source: MediaInfo, proxy: MediaInfo) -> Iterator[Difference]:
    if source.reel and proxy.reel != source.reel:
        yield _difference("reel", source.reel, proxy.reel, "the reel name")


def _is_assumed(name: str, ours: str | None, theirs: str | None) -> bool:
    if ours is None:
        return theirs in _ASSUMED[name]
    return theirs is None and name == "range" and ours == "tv"


def _adopted_colour(source: VideoInfo, proxy: VideoInfo) -> Iterator[Difference]:
    hdr = {"smpte2084", "arib-std-b67"}
    if source.colour.transfer in hdr and proxy.colour.transfer != source.colour.transfer:
        yield _difference("colour_transfer", source.colour.transfer, proxy.colour.transfer, "the colour transfer")
