"""What a medium is, exactly: read from the container's index where it has one, otherwise from its packets. One picture of
each video stream is really decoded, for a header alone proves nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from otio_perf.errors import CorruptMediaError, MediaError, RefusedMediaError, UnsupportedMediaError
from otio_perf.media import picture, rates, sequences
from otio_perf.media.fingerprint import fingerprint
from otio_perf.media.regular import regular_file
from otio_perf.media.safe_open import media_error, refusal_of_content, safe_open
from otio_perf.media.tracks import Track, read_index, read_packets
from otio_perf.model.media import AudioInfo, ColourTags, Gop, MediaInfo, MediaKind, Sequence, VideoInfo
from otio_perf.model.timing import FrameRate

#: Files beyond this size that have no index are not read whole to count frames: their duration has to do.
SCANNED_BYTES = 256 << 30

_NO_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails
_STILL_FORMATS = re.compile(r"^(image2|[a-z0-9]+_pipe)$")
_TIMECODE = re.compile(r"^\d{1,2}:\d{2}:\d{2}[:;.]\d{2,3}$")
#: Sound files that do not name their layout.
_PLAIN_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}
_REEL_KEYS = ("reel_name", "com.apple.proapps.reel", "com.apple.quicktime.reel", "com.apple.quicktime.reelname", "reel", "tape")


def probe(
    medium: str | Sequence, *, sequence_rate: FrameRate | None = None, tick: Callable[[], None] = lambda: None
) -> MediaInfo:
    """Look at a file, or at the numbered pictures of a sequence.

    Streams that cannot be played (data, subtitles, cover art, empty or undecodable tracks) are counted in
    ``other_streams``. Frame counts are of *presented* frames: what an edit list cuts away does not count.

    :param sequence_rate: rate of a sequence, for its pictures carry none; else 25.
    :param tick: called for each packet (all of them are read where there is no index): a place to stop by raising.
    :raises OfflineMediaError: not there. :raises RefusedMediaError: must not be opened, or larger than ``MAX_PIXELS``.
    :raises UnsupportedMediaError: FFmpeg has no decoder for it.
    :raises CorruptMediaError: damaged, cut short, or not one picture (of audio: no sound) could be decoded.
    """
    if isinstance(medium, Sequence):
        return _probe_sequence(medium, sequence_rate, tick)
    path = str(Path(medium).absolute())
    file = regular_file(path)
    try:
        with safe_open(path) as container:
            return _read(container, path, file.status.st_size, tick)
    except (av.error.FFmpegError, MemoryError, OverflowError) as error:
        raise refusal_of_content(path) or media_error(path, error) from error


def _probe_sequence(sequence: Sequence, rate: FrameRate | None, tick: Callable[[], None]) -> MediaInfo:
    sequences.require_complete(sequence)
    first = probe(sequence.path_of(sequence.first), tick=tick)
    if first.picture is None:
        raise CorruptMediaError("is no picture", path=first.path)
    count = len(sequence.numbers)
    exact_rate = rate or first.picture.frame_rate
    duration = count / exact_rate
    size_bytes = sum(entry.stat().st_size for _, entry in sequences.files(sequence))
    video = dataclasses.replace(
        first.picture,
        frame_rate=exact_rate,
        frame_count=count,
        duration=duration,
        bits_per_second=int(size_bytes * 8 / duration),
    )
    return dataclasses.replace(
        first,
        kind=MediaKind.SEQUENCE,
        size_bytes=size_bytes,
        fingerprint=fingerprint(sequence),
        duration=duration,
        video=(video,),
        sequence=sequence,
    )


def _read(container: InputContainer, path: str, size_bytes: int, tick: Callable[[], None]) -> MediaInfo:
    locations = picture.chroma_locations(container)
    videos = [Track(stream) for stream in container.streams.video if _is_picture(stream)]
    sounds = [Track(stream) for stream in container.streams.audio if _is_sound(stream)]
    if not videos and not sounds:
        raise _nothing_playable(container, path)
    if container.format.name == "mxf" and not any(track.stream.duration for track in videos + sounds):
        raise CorruptMediaError("has no essence: an index or metadata file only", path=path)
    for track in videos:
        read_index(container, track, path, size_bytes)
    is_scan = any(track.count is None for track in videos) and size_bytes <= SCANNED_BYTES
    read_packets(container, videos, sounds, is_scan=is_scan, tick=tick)
    videos = [track for track in videos if track.frame is not None or track.packets or track.count]
    playable = [track for track in videos if track.frame is not None]
    every_sound, sounds = sounds, [track for track in sounds if track.frame is not None or videos]
    if (videos and videos[0].frame is None) or not (playable or sounds):
        raise _no_first_frame(next(iter(videos or every_sound), None), path)
    return _info(container, path, size_bytes, playable, sounds, locations)


def _is_picture(stream: VideoStream) -> bool:
    return stream.codec_context is not None and not stream.disposition & _NO_PICTURE


def _is_sound(stream: AudioStream) -> bool:
    context = stream.codec_context
    return context is not None and context.sample_rate > 0 and context.layout.nb_channels > 0


def _nothing_playable(container: InputContainer, path: str) -> MediaError:
    unknown = [s for s in container.streams if s.type in ("video", "audio") and s.codec_context is None]
    if unknown:
        return UnsupportedMediaError(
            f"holds {unknown[0].type} in a codec that FFmpeg does not know",
            path=path,
            hint="Convert it with the program that made it",
        )
    return CorruptMediaError("holds neither pictures nor sound", path=path)


def _no_first_frame(track: Track | None, path: str) -> MediaError:
    if track is None:
        return CorruptMediaError("holds neither pictures nor sound", path=path)
    if track.is_encrypted:
        return RefusedMediaError("is encrypted (Common Encryption)", path=path, hint="Use an unprotected copy")
    refusal = refusal_of_content(path)
    if refusal:
        return refusal
    if track.error:
        return media_error(path, track.error)
    return CorruptMediaError(
        "announces a stream, but not one frame of it could be decoded",
        path=path,
        hint="Copy it again from the card or the backup",
    )


def _info(
    container: InputContainer,
    path: str,
    size_bytes: int,
    videos: list[Track],
    sounds: list[Track],
    locations: dict[int, str],
) -> MediaInfo:
    is_still = bool(videos) and bool(_STILL_FORMATS.match(container.format.name))
    video = tuple(_video(container, track, locations, size_bytes, is_still=is_still) for track in videos)
    audio = tuple(_audio(container, track) for track in sounds)
    tags = [container.metadata, *(stream.metadata for stream in container.streams)]
    if videos:
        tags = [videos[0].stream.metadata, *tags]
    if is_still:  # DPX and EXR carry theirs in the picture; the GOP time code of MPEG-2 is not the tape's
        tags.append(picture.notes(videos[0].frame))
    kind = MediaKind.STILL if is_still else MediaKind.VIDEO if video else MediaKind.AUDIO
    return MediaInfo(
        path=path,
        kind=kind,
        container=container.format.name,
        size_bytes=size_bytes,
        fingerprint=fingerprint(path),
        duration=max([stream.duration for stream in video] + [stream.duration for stream in audio]),
        video=video,
        audio=audio,
        other_streams=len(container.streams) - len(video) - len(audio),
        start_timecode=next((tag for tag in _tagged(tags, ("timecode",)) if _TIMECODE.match(tag)), None),
        reel=next(_tagged(tags, _REEL_KEYS), None),
    )


def _tagged(tags: Iterable[dict[str, str]], keys: tuple[str, ...]) -> Iterator[str]:
    small = ({key.lower(): value for key, value in tag.items()} for tag in tags)  # Matroska writes them in capitals
    return (tag[key].strip() for tag in small for key in keys if tag.get(key, "").strip())


def _video(container: InputContainer, track: Track, locations: dict[int, str], size_bytes: int, *, is_still: bool) -> VideoInfo:
    stream: VideoStream = track.stream
    frame: VideoFrame = track.frame
    codec = stream.codec_context.codec
    timing, count = _still_timing() if is_still else _timing(container, track)
    colour: ColourTags = picture.colour_tags(stream, frame, locations.get(stream.index))
    data = picture.side_data(frame, codec.canonical_name)
    rotation, is_mirrored = picture.turning(frame, data)
    bits = stream.bit_rate or (int(track.size_bytes * 8 / timing.duration) if track.is_indexed or track.packets >= count else 0)
    return VideoInfo(
        stream_index=stream.index,
        codec=codec.canonical_name,
        profile=stream.profile,
        width=frame.width,
        height=frame.height,
        pixel_format=frame.format.name,
        bit_depth=picture.bit_depth(frame.format),
        has_alpha=picture.has_alpha(codec.canonical_name, frame.format, stream.metadata),
        frame_rate=timing.rate,
        is_vfr=timing.is_vfr,
        frame_count=count,
        duration=timing.duration,
        start_time=_start(track),
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        rotation=rotation,
        is_mirrored=is_mirrored,
        field_order=picture.field_order(stream, frame),
        colour=colour,
        gop=_gop(track, is_still=is_still),
        bits_per_second=bits or container.bit_rate or int(size_bytes * 8 / timing.duration),
        mastering_display=picture.mastering_display(data),
        content_light=picture.content_light(data),
    )


def _still_timing() -> tuple[rates.Timing, int]:
    # one picture has no rate; FFmpeg reads stills at 25
    return rates.Timing(rate=Fraction(25), is_vfr=False, duration=Fraction(1, 25)), 1


def _timing(container: InputContainer, track: Track) -> tuple[rates.Timing, int]:
    """Timing, and the number of presented frames."""
    stream = track.stream
    declared = rates.declared_rates((stream.average_rate, stream.guessed_rate, stream.base_rate))
    count = track.count if track.count is not None else track.shown
    if container.format.name == "avi" and declared:
        # one rate by construction; a double step in the index is a dropped frame, shown longer
        return rates.Timing(rate=declared[0], is_vfr=False, duration=count / declared[0]), count
    total = Fraction(stream.duration * stream.time_base) if stream.duration else None
    if track.is_indexed:
        # DTS: of all entries, for those that an edit list cuts away leave holes in decoding order, not in the show
        parts = [rates.stamps_of(track.stamps)]
        if len(parts[0]) < track.packets:
            half = len(parts[0]) // 2
            parts = [parts[0][:half], parts[0][half:]]
        timings = [rates.timing(part, stream.time_base, declared, count, total) for part in parts]
        return next((timing for timing in timings if timing.is_vfr), timings[0]), count
    if len(track.stamps) == count and count:
        if track.end is not None and track.first is not None and track.last_duration:
            total = Fraction((track.end - track.first) * stream.time_base)
        return rates.timing(rates.stamps_of(track.stamps), stream.time_base, declared, count, total), count
    rate = declared[0] if declared else Fraction(25)  # raw streams have no stamps: FFmpeg's rate, or its default
    return rates.Timing(rate=rate, is_vfr=False, duration=count / rate), count


def _start(track: Track) -> Fraction:
    """Presentation time of the first frame that is shown, in seconds."""
    stream, frame = track.stream, track.frame
    if stream.start_time is not None:
        return Fraction(stream.start_time * stream.time_base)
    if frame is not None and frame.pts is not None and frame.time_base:
        return Fraction(frame.pts * frame.time_base)
    return Fraction((track.first or 0) * stream.time_base)


def _gop(track: Track, *, is_still: bool) -> Gop:
    has_b_frames = bool(track.stream.codec_context.has_b_frames)
    if is_still or track.stream.codec_context.codec.intra_only:
        return Gop(longest=1, mean=1.0, has_b_frames=False)
    keys, packets = track.keyframes, track.packets
    if not keys or not packets:
        return Gop(longest=max(1, packets), mean=float(max(1, packets)), has_b_frames=has_b_frames)
    edges = [*([] if keys[0] == 0 else [0]), *keys, packets]
    distances = [b - a for a, b in pairwise(edges)]
    return Gop(longest=max(distances), mean=packets / len(keys), has_b_frames=has_b_frames)


def _audio(container: InputContainer, track: Track) -> AudioInfo:
    stream: AudioStream = track.stream
    context = stream.codec_context
    start = stream.start_time if stream.start_time is not None else track.first or 0
    return AudioInfo(
        stream_index=stream.index,
        codec=context.codec.canonical_name,
        sample_rate=context.sample_rate,
        channels=context.layout.nb_channels,
        layout=_PLAIN_LAYOUTS.get(context.layout.name, context.layout.name),
        duration=_audio_duration(container, track),
        start_time=Fraction(start * (stream.time_base or 1)),
        language=stream.language if stream.language not in (None, "", "und") else None,
    )


def _audio_duration(container: InputContainer, track: Track) -> Fraction:
    stream = track.stream
    is_counted = track.is_read_whole and not track.is_indexed and track.first is not None and track.end is not None
    if stream.duration and not is_counted:  # of a transport stream it is a guess from the last time stamps
        return Fraction(stream.duration * stream.time_base)
    if track.first is not None and track.end is not None and stream.type == "audio" and container.duration:
        seen = Fraction((track.end - track.first) * stream.time_base)
        if track.is_read_whole:
            return seen
        whole = Fraction(container.duration, av.time_base)
        return seen if seen > whole / 2 else whole
    return Fraction(container.duration or 0, av.time_base)
