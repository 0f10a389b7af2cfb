"""What a medium is, exactly: read from the container's index where it has one, otherwise from its packets. One picture of
each video stream is really decoded, for a header alone proves nothing."""

from __future__ import annotations

import dataclasses
import os
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from otio_perf.errors import CorruptMediaError, MediaError, RefusedMediaError, UnsupportedMediaError
from otio_perf.media import picture, rates, sequences
from otio_perf.media.fingerprint import fingerprint
from otio_perf.media.regular import regular_file
from otio_perf.media.safe_open import MAX_PIXELS, media_error, refusal_of_content, safe_open
from otio_perf.model.media import AudioInfo, ColourTags, Gop, MediaInfo, MediaKind, Sequence, VideoInfo
from otio_perf.model.timing import FrameRate

#: Packets of a video stream that may bring no picture before it counts as damaged (a cut-out stream starts inside a GOP).
FIRST_FRAME_PACKETS = 300
#: Packets that are read at most, of all streams, in search of the first pictures where an index tells the rest.
SEARCHED_PACKETS = 20_000
#: Index entries that are looked at singly; of longer indices, half of them at the beginning and half at the end.
INDEX_ENTRIES = 400_000
#: Packets from which the GOP is learnt where the container counts frames but has no readable index (MXF).
GOP_PACKETS = 600
#: Files beyond this size that have no index are not read whole to count frames: their duration has to do.
SCANNED_BYTES = 256 << 30

_NO_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails
_STILL_FORMATS = re.compile(r"^(image2|[a-z0-9]+_pipe)$")
_TIMECODE = re.compile(r"^\d{1,2}:\d{2}:\d{2}[:;.]\d{2,3}$")
_REEL_KEYS = ("reel_name", "com.apple.proapps.reel", "com.apple.quicktime.reel", "com.apple.quicktime.reelname", "reel", "tape")


@dataclass(slots=True)
class _Track:
    """What is learnt of a stream while its packets go by."""

    stream: Any  # VideoStream or AudioStream
    stamps: array[int] = field(default_factory=lambda: array("q"))  # of presented frames, any order, ticks
    keyframes: array[int] = field(default_factory=lambda: array("q"))  # ordinals in decoding order
    packets: int = 0
    size_bytes: int = 0
    first: int | None = None  # ticks
    end: int | None = None  # ticks: the latest stamp plus its duration
    last_duration: int | None = None
    count: int | None = None  # frames, where known without stamps
    is_indexed: bool = False  # stamps and keyframes come from the container's index
    frame: Any = None  # VideoFrame or AudioFrame: the first one
    error: Exception | None = None
    is_encrypted: bool = False

    @property
    def is_settled(self) -> bool:
        return self.frame is not None or self.packets >= FIRST_FRAME_PACKETS or self.is_encrypted


def probe(medium: str | Sequence, *, roots: tuple[str, ...] = (), sequence_rate: FrameRate | None = None) -> MediaInfo:
    """Look at a file, or at the numbered pictures of a sequence.

    Streams that cannot be played (data, subtitles, cover art, empty or undecodable tracks) are counted in
    ``other_streams``. Frame counts are of *presented* frames: what an edit list cuts away does not count.

    :param sequence_rate: rate of a sequence, for its pictures carry none; else 25.
    :raises OfflineMediaError: not there. :raises RefusedMediaError: must not be opened, or larger than ``MAX_PIXELS``.
    :raises UnsupportedMediaError: FFmpeg has no decoder for it.
    :raises CorruptMediaError: damaged, cut short, or not one picture (of audio: no sound) could be decoded.
    """
    if isinstance(medium, Sequence):
        return _probe_sequence(medium, roots, sequence_rate)
    path = os.path.abspath(medium)
    file = regular_file(path, roots)
    try:
        with safe_open(path, roots=roots) as container:
            return _read(container, path, file.status.st_size)
    except (av.error.FFmpegError, MemoryError, OverflowError) as error:
        raise refusal_of_content(path) or media_error(path, error) from error


def _probe_sequence(sequence: Sequence, roots: tuple[str, ...], rate: FrameRate | None) -> MediaInfo:
    sequences.require_complete(sequence)
    first = probe(sequence.path_of(sequence.first), roots=roots)
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


def _read(container: InputContainer, path: str, size_bytes: int) -> MediaInfo:
    locations = picture.chroma_locations(container)
    videos = [_Track(stream) for stream in container.streams.video if _is_picture(stream)]
    sounds = [_Track(stream) for stream in container.streams.audio if _is_sound(stream)]
    if not videos and not sounds:
        raise _nothing_playable(container, path)
    if container.format.name == "mxf" and not any(track.stream.duration for track in videos + sounds):
        raise CorruptMediaError("has no essence: an index or metadata file only", path=path)
    for track in videos:
        _read_index(container, track, path, size_bytes)
        _forbid_huge(track.stream.width, track.stream.height, path)
    is_scan = any(track.count is None for track in videos) and size_bytes <= SCANNED_BYTES
    _read_packets(container, videos, sounds, is_scan=is_scan)
    videos = [track for track in videos if track.frame is not None or track.packets or track.count]
    playable = [track for track in videos if track.frame is not None]
    sounds = [track for track in sounds if track.frame is not None or videos]
    if videos and videos[0].frame is None or not playable and not sounds:
        raise _no_first_frame((videos or sounds or [None])[0], path)
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


def _no_first_frame(track: _Track | None, path: str) -> MediaError:
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


def _forbid_huge(width: int, height: int, path: str) -> None:
    if width * height > MAX_PIXELS:
        raise RefusedMediaError(f"has pictures of {width}x{height}, beyond {MAX_PIXELS} pixels", path=path)


# --- what the container's index says ---------------------------------------------------------------------------------


def _read_index(container: InputContainer, track: _Track, path: str, size_bytes: int) -> None:
    """Fill in ``track`` from the index of MP4/MOV and AVI, or the frame count of MXF; ``count`` stays ``None`` without."""
    stream = track.stream
    family = container.format.name.partition(",")[0]
    entries = stream.index_entries
    if family == "mxf":
        # the material package counts in edit units, which are frames
        if stream.duration and stream.average_rate and stream.time_base * stream.average_rate == 1:
            track.count = stream.duration
    elif family == "mov" and stream.frames > 0 and len(entries) >= stream.frames:
        _take_entries(track, path, size_bytes)
    elif family == "avi" and len(entries) >= max(1, stream.frames * 9 // 10):
        _take_entries(track, path, size_bytes)
    elif family == "mov" and not stream.frames and any(other.frames for other in container.streams.video):
        track.count = 0  # an empty track beside a filled one


def _take_entries(track: _Track, path: str, size_bytes: int) -> None:
    entries = track.stream.index_entries
    total = len(entries)
    half = INDEX_ENTRIES // 2
    parts = [range(total)] if total <= INDEX_ENTRIES else [range(half), range(total - half, total)]
    cut_away = beyond = 0
    for ordinal in (number for part in parts for number in part):
        entry = entries[ordinal]
        if entry.is_keyframe:
            track.keyframes.append(ordinal)
        if entry.pos + entry.size > size_bytes:
            beyond += 1
        track.size_bytes += entry.size
        if entry.is_discard:
            cut_away += 1
        else:
            track.stamps.append(entry.timestamp)
    if beyond:
        raise CorruptMediaError(
            f"is cut short: {beyond} of {total} frames lie beyond the end of the file",
            path=path,
            hint="Copy it again from the card or the backup",
        )
    if total > INDEX_ENTRIES:
        track.size_bytes = track.size_bytes * total // INDEX_ENTRIES
    track.count = total - cut_away
    track.packets = total
    track.is_indexed = True


# --- what the packets say --------------------------------------------------------------------------------------------


def _read_packets(container: InputContainer, videos: list[_Track], sounds: list[_Track], *, is_scan: bool) -> None:
    """Decode the first frame of each video (without video: of each audio) stream; ``is_scan``: count all packets too."""
    wanted = [track for track in videos if track.count != 0] or sounds[:]
    tracks = {track.stream.index: track for track in videos + sounds}
    for track in wanted:
        track.stream.codec_context.thread_count = 1  # frame threads would only delay the first frame
    seen = dict.fromkeys(tracks, 0)
    total = 0
    for packet in container.demux([track.stream for track in tracks.values()]):
        track = tracks[packet.stream_index if packet.size else packet.stream.index]
        total += 1
        seen[track.stream.index] += 1
        if track in wanted and track.frame is None and seen[track.stream.index] <= FIRST_FRAME_PACKETS:
            _decode_first(track, packet)
        if packet.size and not track.is_indexed:
            _note(track, packet)
        if not is_scan and all(_is_done(track, seen[track.stream.index]) for track in wanted):
            break
        if not is_scan and total >= SEARCHED_PACKETS:
            break


def _is_done(track: _Track, seen: int) -> bool:
    if track.is_encrypted or seen >= max(FIRST_FRAME_PACKETS, GOP_PACKETS):
        return True
    needs_gop = track.stream.type == "video" and not track.is_indexed and not track.stream.codec_context.codec.intra_only
    return track.frame is not None and not needs_gop


def _decode_first(track: _Track, packet: Packet[Any]) -> None:
    if packet.size and packet.has_sidedata("encryption_info"):
        track.is_encrypted = True
    if track.is_encrypted:
        return
    try:
        frames = packet.decode()
    except av.error.EOFError:
        return
    except av.error.FFmpegError as error:
        track.error = error
        return
    if frames:
        track.frame = frames[0]


def _note(track: _Track, packet: Packet[Any]) -> None:
    track.packets += 1
    track.size_bytes += packet.size
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is not None and not packet.is_discard:
        track.first = stamp if track.first is None else min(track.first, stamp)
        end = stamp + (packet.duration or 0)
        if track.end is None or end > track.end:
            track.end, track.last_duration = end, packet.duration
    if track.stream.type != "video":
        return
    if packet.is_keyframe:
        track.keyframes.append(track.packets - 1)
    if packet.is_discard or _is_never_shown(track.stream, packet):
        return
    if stamp is not None:
        track.stamps.append(stamp)


def _is_never_shown(stream: VideoStream, packet: Packet[Any]) -> bool:
    """VP8's golden and altref frames travel in packets of their own; bit 4 of the first byte: show_frame (RFC 6386, 9.1)."""
    return stream.codec_context.codec.canonical_name == "vp8" and not memoryview(packet)[0] & 0x10


# --- the answer ------------------------------------------------------------------------------------------------------


def _info(
    container: InputContainer,
    path: str,
    size_bytes: int,
    videos: list[_Track],
    sounds: list[_Track],
    locations: dict[int, str],
) -> MediaInfo:
    is_still = bool(videos) and bool(_STILL_FORMATS.match(container.format.name))
    video = tuple(_video(container, track, locations, size_bytes, is_still=is_still) for track in videos)
    audio = tuple(_audio(container, track) for track in sounds)
    tags = [container.metadata, *(stream.metadata for stream in container.streams)]
    if videos:
        tags = [videos[0].stream.metadata, *tags, videos[0].frame.metadata]
    kind = MediaKind.STILL if is_still else MediaKind.VIDEO if video else MediaKind.AUDIO
    return MediaInfo(
        path=path,
        kind=kind,
        container=container.format.name,
        size_bytes=size_bytes,
        fingerprint=fingerprint(path),
        duration=max(stream.duration for stream in (*video, *audio)),
        video=video,
        audio=audio,
        other_streams=len(container.streams) - len(video) - len(audio),
        start_timecode=next((tag for tag in _tagged(tags, ("timecode",)) if _TIMECODE.match(tag)), None),
        reel=next(_tagged(tags, _REEL_KEYS), None),
    )


def _tagged(tags: Iterable[dict[str, str]], keys: tuple[str, ...]) -> Iterable[str]:
    return (tag[key].strip() for tag in tags for key in keys if tag.get(key, "").strip())


def _video(
    container: InputContainer, track: _Track, locations: dict[int, str], size_bytes: int, *, is_still: bool
) -> VideoInfo:
    stream: VideoStream = track.stream
    frame: VideoFrame = track.frame
    timing, count = _still_timing() if is_still else _timing(container, track)
    colour: ColourTags = picture.colour_tags(stream, frame, locations.get(stream.index))
    rotation, is_mirrored = picture.turning(frame)
    bits = stream.bit_rate or (int(track.size_bytes * 8 / timing.duration) if track.is_indexed or track.packets >= count else 0)
    codec = stream.codec_context.codec
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
        mastering_display=picture.mastering_display(frame),
        content_light=picture.content_light(frame),
    )


def _still_timing() -> tuple[rates.Timing, int]:
    # one picture has no rate; FFmpeg reads stills at 25
    return rates.Timing(rate=Fraction(25), is_vfr=False, duration=Fraction(1, 25)), 1


def _timing(container: InputContainer, track: _Track) -> tuple[rates.Timing, int]:
    stream = track.stream
    declared = rates.declared_rates((stream.average_rate, stream.guessed_rate, stream.base_rate))
    is_complete = track.count is None and track.stamps
    if container.format.name == "avi" and declared:
        # AVI has one rate by construction; a step of two in its index is a dropped frame, shown longer
        count = track.count or len(track.stamps)
        return rates.Timing(rate=declared[0], is_vfr=False, duration=count / declared[0]), count
    if track.is_indexed or is_complete:
        count = len(track.stamps) if track.count is None else track.count
        stamps = rates.stamps_of(track.stamps)
        if count == len(stamps):
            last = track.last_duration
            if track.is_indexed and stream.duration:
                # DTS of an index start at nought or before; the stream's duration is that of what is presented
                last = stream.duration - int(stamps.max() - stamps.min())
                last = last if 0 < last * stream.time_base < 60 else None
            return rates.timing(stamps, stream.time_base, declared, last), count
        head = rates.timing(stamps[: len(stamps) // 2], stream.time_base, declared, None)
        tail = rates.timing(stamps[len(stamps) // 2 :], stream.time_base, declared, None)
        if not (head.is_vfr or tail.is_vfr) and head.rate == tail.rate:
            return dataclasses.replace(head, duration=count / head.rate), count
        duration = stream.duration * stream.time_base if stream.duration else count / head.rate
        return rates.Timing(rate=head.rate, is_vfr=True, duration=duration), count
    rate = declared[0] if declared else Fraction(25)
    count = track.count or track.packets
    return rates.Timing(rate=rate, is_vfr=False, duration=count / rate), count


def _start(track: _Track) -> Fraction:
    """Presentation time of the first frame that is shown, in seconds."""
    stream, frame = track.stream, track.frame
    if stream.start_time is not None:
        return Fraction(stream.start_time * stream.time_base)
    if frame is not None and frame.pts is not None and frame.time_base:
        return Fraction(frame.pts * frame.time_base)
    return Fraction((track.first or 0) * stream.time_base)


def _gop(track: _Track, *, is_still: bool) -> Gop:
    has_b_frames = bool(track.stream.codec_context.has_b_frames)
    if is_still or track.stream.codec_context.codec.intra_only:
        return Gop(longest=1, mean=1.0, has_b_frames=False)
    keys, packets = track.keyframes, track.packets
    if not keys or not packets:
        return Gop(longest=max(1, packets), mean=float(max(1, packets)), has_b_frames=has_b_frames)
    edges = [*([] if keys[0] == 0 else [0]), *keys, packets]
    distances = [b - a for a, b in zip(edges, edges[1:], strict=False)]
    return Gop(longest=max(distances), mean=packets / len(keys), has_b_frames=has_b_frames)


def _audio(container: InputContainer, track: _Track) -> AudioInfo:
    stream: AudioStream = track.stream
    context = stream.codec_context
    start = stream.start_time if stream.start_time is not None else track.first or 0
    return AudioInfo(
        stream_index=stream.index,
        codec=context.codec.canonical_name,
        sample_rate=context.sample_rate,
        channels=context.layout.nb_channels,
        layout=context.layout.name,
        duration=_audio_duration(container, track),
        start_time=Fraction(start * (stream.time_base or 1)),
        language=stream.language if stream.language not in (None, "", "und") else None,
    )


def _audio_duration(container: InputContainer, track: _Track) -> Fraction:
    stream = track.stream
    if stream.duration:
        return Fraction(stream.duration * stream.time_base)
    if track.first is not None and track.end is not None and stream.type == "audio" and container.duration:
        seen = Fraction((track.end - track.first) * stream.time_base)
        whole = Fraction(container.duration, av.time_base)
        return seen if seen > whole / 2 else whole
    return Fraction(container.duration or 0, av.time_base)
