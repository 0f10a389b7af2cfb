"""What a medium is, in an editor's words."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from otio_perf.cli.media_lines import media_lines
from otio_perf.model.media import AudioInfo, ColourTags, Gop, MediaInfo, MediaKind, VideoInfo

VIDEO = VideoInfo(
    stream_index=0,
    codec="hevc",
    profile=None,
    width=3840,
    height=2160,
    pixel_format="yuv420p10le",
    bit_depth=10,
    has_alpha=False,
    frame_rate=Fraction(24000, 1001),
    is_vfr=False,
    frame_count=48,
    duration=Fraction(2),
    start_time=Fraction(0),
    sample_aspect=Fraction(1),
    rotation=90,
    is_mirrored=False,
    field_order="progressive",
    colour=ColourTags(transfer="arib-std-b67"),
    gop=Gop(longest=24, mean=24.0, has_b_frames=True),
    bits_per_second=1,
)
SOUND = AudioInfo(
    stream_index=1,
    codec="pcm_s24le",
    sample_rate=44100,
    channels=2,
    layout="stereo",
    duration=Fraction(2),
    start_time=Fraction(0),
)
MEDIUM = MediaInfo(
    path="/m/a.mov",
    kind=MediaKind.VIDEO,
    container="mov,mp4,m4a,3gp,3g2,mj2",
    size_bytes=2_000_000,
    fingerprint="f",
    duration=Fraction(2),
    video=(VIDEO,),
    audio=(SOUND,),
    other_streams=0,
    start_timecode="01:00:00:00",
    reel="A001",
)


def test_no_word_is_ffmpegs() -> None:
    assert list(media_lines(MEDIUM)) == [
        "video, MOV/MP4, 2.000 s, 2.0 MB",
        "video: 3840x2160 HEVC, 10 bit 4:2:0, 23.976 fps, 48 frames, keyframes up to 24 frames apart, rotated 90°, HDR (HLG)",
        "audio: PCM, 44.1 kHz, stereo",
        "timecode 01:00:00:00, reel A001",
    ]


def test_pictures_have_no_container_and_no_rate_of_their_own() -> None:
    picture = replace(VIDEO, codec="exr", pixel_format="gbrpf16le", bit_depth=16, rotation=0, colour=ColourTags(transfer=None))
    picture = replace(picture, gop=Gop(longest=1, mean=1.0, has_b_frames=False), frame_rate=Fraction(25))
    medium = replace(MEDIUM, kind=MediaKind.SEQUENCE, container="exr_pipe", video=(picture,), audio=(), start_timecode=None)
    assert list(media_lines(replace(medium, reel=None))) == [
        "sequence, 2.000 s, 2.0 MB",
        "video: 3840x2160 OpenEXR, 16 bit RGB, 25 fps assumed, 48 frames, every frame a keyframe",
    ]
