"""Which pictures of a medium may stand in a movie as they are, encoded by somebody else.

- ProRes and DNxHR: any, where the profile is the movie's. What they are is said in every frame.
- H.264 with long GOPs: whole closed GOPs (from one IDR picture to the next). Their parameter sets go into the movie's
  description, beside ours, which have a number of their own.
- HEVC, and H.264 all-intra: none. Our encoders of them give their parameter sets the number that all others give to theirs, and
  of two of one number only the later would count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import av.error
from av.packet import Packet

from otio_perf.media import parameter_sets
from otio_perf.media.chunks import OWN_PARAMETER_SETS, pixel_format_of
from otio_perf.media.parameter_sets import Sets
from otio_perf.media.safe_open import media_error, safe_open
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.recipes import ChunkCodec

_IDR = 5
_PARAMETERS = (7, 8)


@dataclass(frozen=True, slots=True)
class _Same:
    """How a medium says that it is of the movie's codec: FFmpeg's name of it, the tags in QuickTime, the profiles."""

    codec: str
    tags: tuple[str, ...]
    profiles: tuple[str, ...]


_SAME = {
    ChunkCodec.PRORES_PROXY: _Same("prores", ("apco",), ("Proxy",)),
    ChunkCodec.PRORES_LT: _Same("prores", ("apcs",), ("LT",)),
    ChunkCodec.PRORES_422: _Same("prores", ("apcn",), ("Standard",)),
    ChunkCodec.PRORES_HQ: _Same("prores", ("apch",), ("HQ",)),
    ChunkCodec.DNXHR_LB: _Same("dnxhd", ("AVdh",), ("DNXHR LB",)),
    ChunkCodec.DNXHR_SQ: _Same("dnxhd", ("AVdh",), ("DNXHR SQ",)),
    ChunkCodec.DNXHR_HQ: _Same("dnxhd", ("AVdh",), ("DNXHR HQ",)),
    ChunkCodec.DNXHR_HQX: _Same("dnxhd", ("AVdh",), ("DNXHR HQX",)),
    ChunkCodec.H264_LONG_GOP: _Same("h264", ("avc1",), ("Constrained Baseline", "Main", "High")),
}


class PassThrough:
    """For one movie: what was let through decides what more can be."""

    def __init__(self, codec: ChunkCodec, tick: Callable[[], None]) -> None:
        self._codec, self._same, self._tick = codec, _SAME.get(codec), tick
        self._description: bytes | None = None

    def ranges(self, info: MediaInfo, first: int, stop: int) -> tuple[range, ...]:
        """Those of frames ``[first, stop)`` of ``info`` that can be copied. :raises MediaError: it cannot be read"""
        video, same = info.picture, self._same
        if same is None or video is None or not info.container.startswith("mov"):
            return ()
        ours = pixel_format_of(self._codec, video.colour, has_alpha=False)
        if (video.codec, video.pixel_format) != (same.codec, ours) or video.profile not in same.profiles:
            return ()
        try:
            return self._ranges(info.path, video, same, first, stop)
        except av.error.FFmpegError as error:
            raise media_error(info.path, error) from error

    def _ranges(self, path: str, video: VideoInfo, same: _Same, first: int, stop: int) -> tuple[range, ...]:
        with safe_open(path) as source:
            stream = source.streams.video[0]
            context = stream.codec_context
            is_plain = (stream.index, stream.frames, stream.average_rate) == (
                video.stream_index,
                video.frame_count,
                video.frame_rate,
            )
            if not is_plain or context.codec_tag not in same.tags:  # an edit list, or several streams
                return ()
            if self._codec.is_intra:
                return (range(first, stop),)
            sets = parameter_sets.parsed(context.extradata or b"")
            if sets is None or sets.nal_length != 4 or OWN_PARAMETER_SETS in parameter_sets.numbers(sets):
                return ()
            assert stream.time_base is not None
            origin, step = stream.start_time or 0, stream.time_base * video.frame_rate
            source.seek(origin + int(first / step), stream=stream, backward=True)
            numbered = (
                (round((packet.pts - origin) * step), packet)
                for packet in source.demux(stream)
                if packet.size and packet.pts is not None
            )
            found = tuple(_joined(self._closed(numbered, sets, first, stop, video.frame_count)))
            return found if found and self._goes_with(context.extradata or b"") else ()

    def _goes_with(self, description: bytes) -> bool:
        """Can the movie's track have these parameter sets, too?"""
        known = self._description
        both = description if known is None else parameter_sets.joined("h264", known, description)
        self._description = both or known
        return both is not None

    def _closed(
        self, packets: Iterator[tuple[int, Packet[Any]]], sets: Sets, first: int, stop: int, count: int
    ) -> Iterator[range]:
        """GOPs in ``[first, stop)`` that need no other, and that no other needs."""
        key: int | None = None  # number of the picture that the GOP begins with
        seen: list[int] = []
        is_clean = False
        for number, packet in packets:
            self._tick()
            if packet.is_keyframe:
                if key is not None and is_clean and _is_all(seen, key, number):
                    yield range(key, number)
                kinds, known = _units(packet, sets)
                key, seen, is_clean = number, [number], known and _IDR in kinds and number >= first
                if number >= stop:
                    return
            elif key is not None:
                seen.append(number)
                is_clean = is_clean and number < stop and _units(packet, sets)[1]
        if key is not None and is_clean and _is_all(seen, key, min(count, stop)) and count <= stop:
            yield range(key, count)


def _is_all(seen: Sequence[int], first: int, stop: int) -> bool:
    return sorted(seen) == list(range(first, stop))


def _units(packet: Packet[Any], sets: Sets) -> tuple[set[int], bool]:
    """Kinds of the units of an H.264 picture (Rec. ITU-T H.264 table 7-1), and whether all its parameter sets are ``sets``."""
    data = bytes(packet)
    kinds, at, known = set[int](), 0, True
    while at + 4 < len(data):
        length = int.from_bytes(data[at : at + 4])
        unit = data[at + 4 : at + 4 + length]
        kind = data[at + 4] & 31
        kinds.add(kind)
        known = known and (kind not in _PARAMETERS or unit in sets.sequence or unit in sets.picture)
        at += 4 + length
    return kinds, known and at == len(data)


def _joined(found: Iterator[range]) -> Iterator[range]:
    last: range | None = None
    for one in found:
        if last is not None and last.stop == one.start:
            last = range(last.start, one.stop)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last
