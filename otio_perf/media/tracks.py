"""What the streams of a container tell while it is read: from its index where it has one, otherwise from its packets."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av.error
from av.container import InputContainer
from av.packet import Packet

from otio_perf.errors import CorruptMediaError

#: Packets of a video stream that may bring no picture before it counts as damaged (a cut-out stream starts inside a GOP).
FIRST_FRAME_PACKETS = 300
#: Packets that are read at most, of all streams, in search of the first pictures where an index tells the rest.
SEARCHED_PACKETS = 20_000
#: Index entries that are looked at singly; of longer indices, half of them at the beginning and half at the end.
INDEX_ENTRIES = 400_000
#: Packets from which the GOP is learnt where the container counts frames but has no readable index (MXF).
GOP_PACKETS = 600

#: Files with an edit list up to this size are read whole (packets only) instead of trusting their index.
EDITED_BYTES = 8 << 30
#: Containers whose index lists every frame, and the least share of the announced frames that it must list.
_INDEXED = {"mov": 1.0, "avi": 0.9}

_PROGRESSIVE = 1  # AV_FIELD_PROGRESSIVE; 0 is unknown


@dataclass(slots=True)
class Track:
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
    shown: int = 0  # packets that bring a frame to the screen
    is_indexed: bool = False  # stamps and keyframes come from the container's index
    frame: Any = None  # VideoFrame or AudioFrame: the first one
    error: Exception | None = None
    is_encrypted: bool = False
    is_read_whole: bool = False  # every packet went by: ``first`` and ``end`` are exact


def read_index(container: InputContainer, track: Track, path: str, size_bytes: int) -> None:
    """Fill in ``track`` from the index of MP4/MOV and AVI, or the frame count of MXF; ``count`` stays ``None`` without."""
    stream = track.stream
    family = container.format.name.partition(",")[0]
    entries = stream.index_entries
    if family == "mxf":
        # the material package counts in edit units, which are frames
        if stream.duration and stream.average_rate and stream.time_base * stream.average_rate == 1:
            track.count = stream.duration
    elif _INDEXED.get(family, 0) * stream.frames > 0 and len(entries) >= _INDEXED[family] * stream.frames:
        _take_entries(track, path, size_bytes)
    elif family == "mov" and not stream.frames and any(other.frames for other in container.streams.video):
        track.count = 0  # an empty track beside a filled one


def _take_entries(track: Track, path: str, size_bytes: int) -> None:
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
        cut_away += entry.is_discard
        track.stamps.append(entry.timestamp)
    if beyond:
        raise CorruptMediaError(
            f"is cut short: {beyond} of {total} frames lie beyond the end of the file",
            path=path,
            hint="Copy it again from the card or the backup",
        )
    if cut_away and size_bytes <= EDITED_BYTES:
        # an edit list cuts away in presentation order, the index is in decoding order: the packets tell which is which
        track.keyframes, track.stamps, track.size_bytes = array("q"), array("q"), 0
        return
    if total > INDEX_ENTRIES:
        track.size_bytes = track.size_bytes * total // INDEX_ENTRIES
    track.count = total - cut_away
    track.packets = total
    track.is_indexed = True


def read_packets(
    container: InputContainer, videos: list[Track], sounds: list[Track], *, is_scan: bool, tick: Callable[[], None]
) -> None:
    """Decode the first frame of each video (without video: of each audio) stream; ``is_scan``: count all packets too.

    :param tick: called for each packet: a place to stop by raising.
    """
    wanted = [track for track in videos if track.count != 0] or sounds[:]
    tracks = {track.stream.index: track for track in videos + sounds}
    for track in wanted:
        track.stream.codec_context.thread_count = 1  # frame threads would only delay the first frame
    seen = dict.fromkeys(tracks, 0)
    for total, packet in enumerate(container.demux([track.stream for track in tracks.values()]), start=1):
        tick()
        track = tracks[packet.stream.index]
        seen[track.stream.index] += 1
        if track in wanted and track.frame is None and seen[track.stream.index] <= FIRST_FRAME_PACKETS:
            _decode_first(track, packet)
        if packet.size and not track.is_indexed:
            _note(track, packet)
        if not is_scan and all(_is_done(track, seen[track.stream.index]) for track in wanted):
            break
        if not is_scan and total >= SEARCHED_PACKETS:
            break
    else:
        for track in tracks.values():
            track.is_read_whole = True


def _is_done(track: Track, seen: int) -> bool:
    if track.is_encrypted or seen >= max(FIRST_FRAME_PACKETS, GOP_PACKETS):
        return True
    needs_gop = track.stream.type == "video" and not track.is_indexed and not track.stream.codec_context.codec.intra_only
    return track.frame is not None and not needs_gop


def _decode_first(track: Track, packet: Packet[Any]) -> None:
    if packet.size and packet.has_sidedata("encryption_info"):
        track.is_encrypted = True
    if track.is_encrypted:
        return
    try:
        frames = packet.decode() or _pushed_out(track, packet)
    except av.error.EOFError:
        return
    except av.error.FFmpegError as error:
        track.error = error.with_traceback(None)  # which would keep the whole track alive
        return
    if frames:
        track.frame = frames[0]


def _pushed_out(track: Track, packet: Packet[Any]) -> list[Any]:
    """The frame that the decoder keeps back for reordering, without decoding those it waits for: large ones take long.

    Only where the index gives whole frames to a packet, and not of fields, of which a packet may hold one.
    """
    context = track.stream.codec_context
    is_whole = track.is_indexed and packet.is_keyframe and context.field_order <= _PROGRESSIVE
    if not is_whole or not context.reorder_depth:
        return []
    reorder_depth = context.reorder_depth
    frames = context.decode(None)
    context.flush_buffers()  # it goes on from here, and forgets the depth
    context.reorder_depth = reorder_depth
    return list(frames)


def _note(track: Track, packet: Packet[Any]) -> None:
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
    if packet.is_discard or _is_never_shown(track.stream.codec_context.codec.canonical_name, packet):
        return
    track.shown += 1
    if stamp is not None:
        track.stamps.append(stamp)


def _is_never_shown(codec: str, packet: Packet[Any]) -> bool:
    """Reference frames of VP8 and VP9 that no viewer sees, in packets of their own.

    VP8: bit 4 of the first byte is show_frame (RFC 6386 section 9.1). VP9: after marker and profile come show_existing_frame,
    frame_type, show_frame (VP9 bitstream specification 6.2); a superframe (marker in its last byte) always shows one.
    """
    if codec == "vp8":
        return not memoryview(packet)[0] & 0x10
    if codec == "vp9":
        data = memoryview(packet)
        head = int.from_bytes(bytes(data[:2]).ljust(2, b"\0"), "big")
        after_profile = 11 - (head & 0x3000 == 0x3000)  # profile 3 has a reserved bit more
        shows_existing, shows = head >> after_profile & 1, head >> (after_profile - 2) & 1
        return not (shows_existing or shows or data[-1] & 0xE0 == 0xC0)
    return False
