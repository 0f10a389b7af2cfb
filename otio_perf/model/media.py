"""What a medium is: the answer of a probe. All of it is JSON-able (see ``wire``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from otio_perf.model.timing import FrameRate, parse_timecode


class MediaKind(StrEnum):
    VIDEO = "video"  # moving pictures, with or without sound
    AUDIO = "audio"  # sound only: left alone by proxies
    STILL = "still"  # one picture
    SEQUENCE = "sequence"  # numbered pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTags:
    """Colour as the container states it, in FFmpeg's names (``bt709``, ``smpte2084``); ``None``: not tagged."""

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None  # "tv" (limited) or "pc" (full)
    chroma_location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gop:
    """How far apart keyframes are, in frames. ``longest == 1``: every frame can be decoded alone."""

    longest: int
    mean: float
    has_b_frames: bool

    @property
    def all_intra(self) -> bool:
        return self.longest == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """One video stream. ``width`` × ``height`` are the stored pixels, before rotation and sample aspect."""

    stream_index: int
    codec: str  # FFmpeg's name: "h264", "hevc", "prores" …
    profile: str | None
    width: int
    height: int
    pixel_format: str
    bit_depth: int
    has_alpha: bool
    frame_rate: FrameRate  # exact; for variable frame rate the snapped average
    is_vfr: bool
    frame_count: int  # frames that the container's packets or index announce
    duration: Fraction  # seconds
    start_time: Fraction  # seconds: presentation time of the first frame
    sample_aspect: Fraction
    rotation: int  # clockwise degrees to turn the stored picture for display: 0, 90, 180 or 270
    is_mirrored: bool
    field_order: str  # "progressive", "tt", "bb", "tb", "bt" (FFmpeg's names) or "unknown"
    colour: ColourTags
    gop: Gop
    bits_per_second: int
    mastering_display: str | None = None  # HDR10 side data, canonical text; None where absent
    content_light: str | None = None

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def is_interlaced(self) -> bool:
        return self.field_order in ("tt", "bb", "tb", "bt")

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, upright."""
        width, height = round(self.width * self.sample_aspect), self.height
        return (height, width) if self.rotation in (90, 270) else (width, height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """One audio stream."""

    stream_index: int
    codec: str
    sample_rate: int
    channels: int
    layout: str  # "mono", "stereo", "5.1" …
    duration: Fraction  # seconds
    start_time: Fraction  # seconds
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Numbered pictures ``<directory>/<prefix><number, zero-padded to padding><suffix>``."""

    directory: str
    prefix: str
    suffix: str
    padding: int
    first: int
    last: int  # inclusive
    step: int = 1

    def path_of(self, number: int) -> str:
        return f"{self.directory}/{self.prefix}{number:0{self.padding}d}{self.suffix}"

    @property
    def label(self) -> str:
        """The sequence's name for people: ``shot.####.exr``."""
        return f"{self.prefix}{'#' * max(1, self.padding)}{self.suffix}"

    @property
    def numbers(self) -> range:
        return range(self.first, self.last + 1, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """Everything known of one medium. ``video`` and ``audio`` keep the container's stream order."""

    path: str  # absolute; for a sequence its first picture
    kind: MediaKind
    container: str
    size_bytes: int
    fingerprint: str  # identity of the content, see media.fingerprint
    duration: Fraction  # seconds
    video: tuple[VideoInfo, ...]
    audio: tuple[AudioInfo, ...]
    other_streams: int  # data, subtitles: not carried into proxies
    start_timecode: str | None  # label of the first frame; ";" before frames: drop-frame
    reel: str | None
    sequence: Sequence | None = None

    @property
    def picture(self) -> VideoInfo | None:
        """The video stream an editor shows: the first."""
        return self.video[0] if self.video else None


def at_rate(info: MediaInfo, rate: FrameRate) -> MediaInfo:
    """A sequence of pictures as it plays at ``rate``: rate, duration and bits per second follow; other media as they are."""
    picture = info.picture
    if info.kind is not MediaKind.SEQUENCE or picture is None or picture.frame_rate == rate:
        return info
    duration = picture.frame_count / rate
    bits = int(info.size_bytes * 8 / duration)
    video = replace(picture, frame_rate=rate, duration=duration, bits_per_second=bits)
    return replace(info, duration=duration, video=(video, *info.video[1:]))


def first_number(info: MediaInfo, rate: FrameRate) -> int:
    """What the first frame of a file is called, at ``rate``, where a media reference does not say: the number of the first
    picture, the start timecode, or 0."""
    picture = info.picture
    if info.sequence is not None:
        return info.sequence.first
    if info.start_timecode and picture is not None:
        try:
            label = parse_timecode(info.start_timecode, picture.frame_rate)
        except ValueError:
            return 0  # a label that does not exist at this rate: not to be trusted
        return round(Fraction(label) / picture.frame_rate * rate)
    return 0


def sound_origin(info: MediaInfo) -> Fraction:
    """What time 0 of a reference is in the stamps of the sound, in seconds: the first picture, else the first sound."""
    return info.picture.start_time if info.picture else min(stream.start_time for stream in info.audio)
