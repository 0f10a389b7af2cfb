"""What a medium is, in lines for people. FFmpeg's own names are in the JSON."""

from __future__ import annotations

from collections.abc import Iterator

from otio_perf.model.media import AudioInfo, MediaInfo, MediaKind, VideoInfo
from otio_perf.planning import explain
from otio_perf.reports import words

_CONTAINERS = {"mov": "MOV/MP4", "matroska": "MKV/WebM", "mpegts": "MPEG-TS"}
_TRANSFERS = {"bt709": "BT.709", "smpte2084": "HDR (PQ)", "arib-std-b67": "HDR (HLG)"}
_SAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4", "440": "4:4:0", "411": "4:1:1", "gbr": "RGB", "rgb": "RGB"}


def media_lines(info: MediaInfo) -> Iterator[str]:
    container = info.container.partition(",")[0]
    is_pictures = info.kind in (MediaKind.SEQUENCE, MediaKind.STILL)  # each a file, of the codec that is told
    named = [] if is_pictures else [_CONTAINERS.get(container, container.upper())]
    yield ", ".join([info.kind.value, *named, f"{float(info.duration):.3f} s", words.size(info.size_bytes)])
    for video in info.video:
        yield f"video: {', '.join(_facts(video, has_rate=not is_pictures))}"
    for audio in info.audio:
        yield f"audio: {_sound(audio)}, {audio.sample_rate / 1000:g} kHz, {audio.layout}"
    labels = [f"timecode {info.start_timecode}" if info.start_timecode else "", f"reel {info.reel}" if info.reel else ""]
    if any(labels):
        yield ", ".join(filter(None, labels))


def _facts(video: VideoInfo, *, has_rate: bool) -> Iterator[str]:
    yield f"{video.width}x{video.height} {explain.codec_words(video.codec)}"
    yield f"{video.bit_depth} bit {_sampling(video.pixel_format)}".rstrip()
    yield f"{float(video.frame_rate):g} fps" + (" variable" if video.is_vfr else "" if has_rate else " assumed")
    yield f"{video.frame_count} frames"
    yield "every frame a keyframe" if video.gop.all_intra else f"keyframes up to {video.gop.longest} frames apart"
    if video.rotation:
        yield f"rotated {video.rotation}°"
    if video.is_mirrored:
        yield "mirrored"
    if video.sample_aspect != 1:
        yield f"pixel aspect {video.sample_aspect}"
    if video.is_interlaced:
        yield "interlaced"
    if video.has_alpha:
        yield "alpha"
    if video.colour.transfer:
        yield _TRANSFERS.get(video.colour.transfer, video.colour.transfer)


def _sampling(pixel_format: str) -> str:
    return next((said for sign, said in _SAMPLINGS.items() if sign in pixel_format), "")


def _sound(audio: AudioInfo) -> str:
    return "PCM" if audio.codec.startswith("pcm_") else audio.codec.upper()
