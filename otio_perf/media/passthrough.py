"""Which pictures of a medium may stand in a movie as they are, encoded by somebody else.

- ProRes and DNxHR: any, where the profile is the movie's. What they are is said in every frame.
- H.264 and HEVC: whole runs from one IDR picture to the next, which need nothing before and nothing behind them; of media
  where every picture is one, any. Their parameter sets go into the movie's description, beside ours, which have a number of
  their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import av.error
from av.packet import Packet

from otio_perf.media import parameter_sets
from otio_perf.media.chunks import OWN_NUMBERS, pixel_format_of
from otio_perf.media.parameter_sets import Family, Sets
from otio_perf.media.safe_open import media_error, safe_open
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.recipes import ChunkCodec


@dataclass(frozen=True, slots=True)
class _Same:
    """How a medium says that it is of the movie's codec: FFmpeg's name of it, the tags in QuickTime, the profiles; its pixels,
    where FFmpeg reads others than it writes."""

    codec: str
    tags: tuple[str, ...]
    profiles: tuple[str, ...]
    pixel_format: str = ""


_H264 = _Same("h264", ("avc1",), ("Constrained Baseline", "Main", "High"))

_SAME = {
    ChunkCodec.PRORES_PROXY: _Same("prores", ("apco",), ("Proxy",)),
    ChunkCodec.PRORES_LT: _Same("prores", ("apcs",), ("LT",)),
    ChunkCodec.PRORES_422: _Same("prores", ("apcn",), ("Standard",)),
    ChunkCodec.PRORES_HQ: _Same("prores", ("apch",), ("HQ",)),
    ChunkCodec.PRORES_4444: _Same("prores", ("ap4h",), ("4444",), "yuv444p12le"),
    ChunkCodec.DNXHR_LB: _Same("dnxhd", ("AVdh",), ("DNXHR LB",)),
    ChunkCodec.DNXHR_SQ: _Same("dnxhd", ("AVdh",), ("DNXHR SQ",)),
    ChunkCodec.DNXHR_HQ: _Same("dnxhd", ("AVdh",), ("DNXHR HQ",)),
    ChunkCodec.DNXHR_HQX: _Same("dnxhd", ("AVdh",), ("DNXHR HQX",)),
    ChunkCodec.H264: _H264,
    ChunkCodec.H264_LONG_GOP: _H264,
    ChunkCodec.HEVC_LONG_GOP: _Same("hevc", ("hvc1", "hev1"), ("Main", "Main 10")),
}


@dataclass(frozen=True, slots=True)
class Copyable:
    """``ranges``: of the frames that were asked for, those that can be copied; ``reason``: why the others cannot be."""

    ranges: tuple[range, ...] = ()
    reason: str = ""


class PassThrough:
    """For one movie: what was let through decides what more can be. What has alpha is never asked for: what is below it is
    seen; so nothing is copied into a movie that keeps alpha."""

    def __init__(self, codec: ChunkCodec, tick: Callable[[], None], *, keeps_alpha: bool = False) -> None:
        self._codec, self._same, self._tick, self._keeps_alpha = codec, _SAME[codec], tick, keeps_alpha
        self._description: bytes | None = None

    def is_akin(self, info: MediaInfo) -> bool:
        """Whether it is of the movie's codec, so that one may expect to see it copied."""
        return info.picture is not None and info.picture.codec == self._same.codec

    def copyable(self, info: MediaInfo, first: int, stop: int) -> Copyable:
        """Which of frames ``[first, stop)`` of ``info``. :raises MediaError: it cannot be read"""
        video, same = info.picture, self._same
        if video is None or video.codec != same.codec:
            return Copyable(reason=f"it is no {self._codec}")
        if self._keeps_alpha:
            return Copyable(reason="it has no alpha, and the movie keeps it")
        ours = same.pixel_format or pixel_format_of(self._codec, video.colour, has_alpha=False)
        if not info.container.startswith("mov"):
            return Copyable(reason=f"it is in {info.container}, not in QuickTime or MP4")
        if video.profile not in same.profiles:
            return Copyable(reason=f"its profile is {video.profile or 'not said'}")
        if video.pixel_format != ours:
            return Copyable(reason=f"its pixels are {video.pixel_format}, the movie's {ours}")
        try:
            return self._copyable(info.path, video, same, first, stop)
        except av.error.FFmpegError as error:
            raise media_error(info.path, error) from error

    def _copyable(self, path: str, video: VideoInfo, same: _Same, first: int, stop: int) -> Copyable:
        with safe_open(path) as source:
            stream = source.streams.video[0]
            context = stream.codec_context
            if context.codec_tag not in same.tags:
                return Copyable(reason=f"its pictures are kept as {context.codec_tag}")
            counted = (stream.index, stream.frames, stream.average_rate)
            if counted != (video.stream_index, video.frame_count, video.frame_rate):
                return Copyable(reason="it has an edit list or several pictures at once")
            family = parameter_sets.family(same.codec)
            if family is None:
                return Copyable((range(first, stop),))
            if self._codec.is_intra and not video.gop.all_intra:
                return Copyable(reason="not every picture of it stands alone")
            sets = family.parsed(context.extradata or b"")
            if sets is None or sets.nal_length != 4:
                return Copyable(reason="its parameter sets are not to be read")
            if OWN_NUMBERS[same.codec] in parameter_sets.numbers(same.codec, sets):
                return Copyable(reason="its parameter sets have our numbers")
            assert stream.time_base is not None
            origin, step = stream.start_time or 0, stream.time_base * video.frame_rate
            source.seek(origin + int(first / step), stream=stream, backward=True)
            numbered = (
                (round((packet.pts - origin) * step), packet)
                for packet in source.demux(stream)
                if packet.size and packet.pts is not None
            )
            found = tuple(_joined(self._closed(numbered, family, sets, first, stop, video.frame_count)))
            if not found:
                return Copyable(reason="no closed GOP is whole in the cut")
            if not self._goes_with(same.codec, context.extradata or b""):
                return Copyable(reason="its parameter sets have the numbers of another medium's")
            is_all = found == (range(first, stop),)
            return Copyable(found, "" if is_all else "the cut is inside a GOP")

    def _goes_with(self, codec: str, description: bytes) -> bool:
        """Can the movie's track have these parameter sets, too?"""
        known = self._description
        both = description if known is None else parameter_sets.joined(codec, known, description)
        self._description = both or known
        return both is not None

    def _closed(
        self, packets: Iterator[tuple[int, Packet[Any]]], family: Family, sets: Sets, first: int, stop: int, count: int
    ) -> Iterator[range]:
        """Runs in ``[first, stop)`` that need no other picture, and that no other needs: from one IDR to the next.

        Where open GOPs lie between, keyframes that are none, the run goes on.
        """
        begin: int | None = None
        seen: list[int] = []
        is_clean = False
        for number, packet in packets:
            self._tick()
            kinds, is_known = _units(packet, family, sets)
            if kinds & family.refreshing:
                if begin is not None and is_clean and _is_all(seen, begin, number):
                    yield range(begin, number)
                begin, seen, is_clean = number, [], number >= first
            if number >= stop:
                return
            seen.append(number)
            is_clean = is_clean and is_known
        if begin is not None and is_clean and _is_all(seen, begin, count):
            yield range(begin, count)


def _is_all(seen: Sequence[int], first: int, stop: int) -> bool:
    return sorted(seen) == list(range(first, stop))


def _units(packet: Packet[Any], family: Family, sets: Sets) -> tuple[set[int], bool]:
    """Kinds of the units of a picture, and whether all its parameter sets are ``sets``."""
    data = bytes(packet)
    kinds, at, known = set[int](), 0, True
    while at + 4 < len(data):
        length = int.from_bytes(data[at : at + 4])
        unit = data[at + 4 : at + 4 + length]
        if not unit:
            return kinds, False
        kinds.add(family.kind(unit))
        known = known and (not family.is_parameters(unit) or unit in sets.units)
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
