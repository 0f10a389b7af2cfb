"""The pictures of a source in presentation order, each with its frame number, and a strict account of what is missing.

Frame *i* is the *i*-th presented frame: edit lists and priming frames have been applied by the demuxer and the decoder. A
variable-rate source is laid onto a constant rate by presentation time: frame *k* of the constant rate shows the source
frame that is on screen in the middle of its interval, at ``(k + ½) / rate`` after the first frame. (The middle, not the
start: time stamps that jitter by a millisecond would otherwise repeat one frame and drop the next. Picture and sound
are never more than half a frame apart.)
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, islice

import av.error
from av.codec.codec import codecs_available
from av.codec.context import CodecContext
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from otio_perf.errors import CorruptMediaError
from otio_perf.media.safe_open import UNLOOKED, safe_open
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.timing import FrameRange, FrameRate

#: Decoder threads per core: the loop that scales and encodes runs beside them, and a long GOP needs frames in flight
#: (measured: 3 × beats 1 × by 4 to 10 % on H.264 and HEVC).
THREADS_PER_CORE = 3
#: FFmpeg warns beyond this, and gains nothing.
MAX_THREADS = 16
#: Each thread holds decoded frames: no more threads than this many bytes of them.
THREAD_MEMORY_BYTES = 1 << 30

#: A gap between wanted ranges longer than this many GOPs is jumped over instead of decoded.
_SEEK_GOPS = 2
_SEEK_FRAMES = 24
#: How far before the wanted frame a seek aims, in turn, where it landed too late.
_SEEK_BACK_SECONDS = (Fraction(0), Fraction(1), Fraction(5), Fraction(20))

#: Who reads the alpha of a codec whose usual decoder leaves it out (it comes beside the packets of WebM).
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def threads_for(video: VideoInfo, cores: int) -> int:
    """Decoder threads for a stream that may keep ``cores`` busy; 0: one thread, which costs less memory."""
    frame_bytes = video.width * video.height * (3 if video.bit_depth > 8 else 1.5)
    by_memory = int(THREAD_MEMORY_BYTES / max(frame_bytes, 1))
    return max(1, min(THREADS_PER_CORE * cores, MAX_THREADS, by_memory))


def constant_rate(media: MediaInfo, wanted: FrameRate | None) -> FrameRate:
    """The rate that frames of a proxy of ``media`` are counted at: ``wanted`` for variable-rate sources, else its own."""
    video = media.picture
    assert video is not None
    return wanted if video.is_vfr and wanted else video.frame_rate


def total_frames(media: MediaInfo, rate: FrameRate) -> int:
    """Frames that ``media`` has at ``rate`` (see :func:`constant_rate`)."""
    video = media.picture
    assert video is not None
    return max(1, round(video.duration * rate)) if video.is_vfr else video.frame_count


@dataclass(slots=True)
class Reader:
    """Decodes the first video stream of ``media``.

    ``decoded`` counts what came out of the decoder, ``damaged`` what it had to conceal, ``lost`` packets it refused or
    swallowed. ``misleading`` counts those of ``damaged`` that the pictures up to the next keyframe may lean on, which come out
    as if they were whole.
    """

    media: MediaInfo
    rate: FrameRate
    cores: int
    hwaccel: HWAccel | None = None
    tick: Callable[[], None] = lambda: None  # called for each packet: a place to stop by raising
    seeks_always: bool = False  # what is damaged before the wanted frames is then no matter
    decoded: int = 0
    damaged: int = 0
    lost: int = 0
    misleading: int = 0
    _has_jumped: bool = field(default=False, repr=False)
    _last_end: Fraction = field(default=Fraction(0), repr=False)
    _alpha_decoder: VideoCodecContext | None = field(default=None, repr=False)

    @property
    def video(self) -> VideoInfo:
        video = self.media.picture
        assert video is not None
        return video

    @property
    def is_damaged(self) -> bool:
        return bool(self.damaged or self.lost)

    def frames(self, ranges: Iterable[FrameRange]) -> Iterator[tuple[int, VideoFrame]]:
        """Frame number and frame, for each number in ``ranges`` (sorted, disjoint, at ``rate``), in order, once each.

        :raises CorruptMediaError: fewer frames than announced, or some that could not be decoded whole.
        """
        read = self._pictures if self.media.sequence else self._file
        yield from read(tuple(ranges))
        if self.is_damaged:
            raise CorruptMediaError(
                f"{self.damaged + self.lost} of {self.decoded + self.lost} frames are damaged",
                path=self.media.path,
                hint="Copy it again from the card or the backup",
            )

    def _pictures(self, ranges: tuple[FrameRange, ...]) -> Iterator[tuple[int, VideoFrame]]:
        """Of a sequence: each range is a sequence of its own, there is nothing to seek."""
        sequence = self.media.sequence
        assert sequence is not None
        for wanted in ranges:
            numbers = sequence.numbers[wanted.start : wanted.stop]
            # FFmpeg reads every number of a sequence: what leaves some out is opened picture by picture
            parts = [numbers] if sequence.step == 1 else [numbers[at : at + 1] for at in range(len(numbers))]
            index = wanted.start
            for part in parts:
                run = replace(sequence, first=part[0], last=part[-1], step=1)
                with safe_open(self.media.path, sequence=run, options={"framerate": str(self.rate)}) as container:
                    stream = self._stream(container)
                    for frame in islice(self._decode(container, stream), len(part)):
                        yield index, frame
                        index += 1
            if index < wanted.stop:
                raise self._short(index - wanted.start, len(wanted))

    def _file(self, ranges: tuple[FrameRange, ...]) -> Iterator[tuple[int, VideoFrame]]:
        with self._opened() as container:
            stream = self._stream(container)
            decoder = self._decode(container, stream)
            frames = self._by_time(decoder, 0) if self.video.is_vfr else enumerate(decoder)
            position = 0
            for wanted in ranges:
                gap = wanted.start - position
                if gap > (0 if self.seeks_always else max(_SEEK_FRAMES, _SEEK_GOPS * self.video.gop.longest)):
                    decoder, frames = self._jump(container, stream, wanted.start)
                for index, frame in frames:
                    if index >= wanted.start:
                        yield index, frame
                    position = index + 1
                    if position >= wanted.stop:
                        break
                if position < wanted.stop:
                    raise self._short(position, wanted.stop)
            if ranges[-1].stop >= total_frames(self.media, self.rate):
                self._require_end(decoder)

    @contextmanager
    def _opened(self) -> Iterator[InputContainer]:
        if self.video.codec == "h264" and self.media.container.startswith("mov") and self.hwaccel is None:
            with safe_open(self.media.path, options=UNLOOKED) as container:
                context = container.streams[self.video.stream_index].codec_context
                assert isinstance(context, VideoCodecContext)
                # how far pictures are reordered the file says, or only its pictures
                if context.reorder_depth or not self.video.gop.has_b_frames:
                    yield container
                    return
        with safe_open(self.media.path, hwaccel=self.hwaccel) as container:
            yield container

    def _require_end(self, decoder: Iterator[VideoFrame]) -> None:
        """The last frame was wanted: nothing may be left, and nothing may be missing."""
        rest = sum(1 for _ in decoder)
        video = self.video
        if video.is_vfr and self._has_jumped:
            if self._last_end < video.duration - 1 / self.rate:
                raise self._short(round(self._last_end * self.rate), total_frames(self.media, self.rate))
        elif video.is_vfr and self.decoded != video.frame_count:
            raise self._short(self.decoded, video.frame_count)
        elif rest and not video.is_vfr:
            raise CorruptMediaError(
                f"announces {video.frame_count} frames and holds {video.frame_count + rest}",
                path=self.media.path,
                hint="Rewrap it: ffmpeg -i IN -c copy OUT",
            )

    def _short(self, found: int, announced: int) -> CorruptMediaError:
        return CorruptMediaError(
            f"only {found} of {announced} frames could be decoded",
            path=self.media.path,
            hint="Copy it again from the card or the backup",
        )

    def _stream(self, container: InputContainer) -> VideoStream:
        stream = container.streams[0 if self.media.sequence else self.video.stream_index]
        assert isinstance(stream, VideoStream)
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads_for(self.video, self.cores)
        name = _ALPHA_DECODERS.get(self.video.codec) if self.video.has_alpha else None
        if name in codecs_available:
            decoder = CodecContext.create(name, "r")
            assert isinstance(decoder, VideoCodecContext)
            decoder.extradata = stream.codec_context.extradata
            decoder.thread_count = threads_for(self.video, self.cores)
            self._alpha_decoder = decoder
        return stream

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """All frames from here to the end. Packets that fail are counted: what follows them may be fine."""
        packets = container.demux(stream)
        # of QuickTime and MP4 alone a packet is a picture, no more and no less
        missed = _Missed() if self.media.container.startswith("mov") else None
        is_end = False
        while not is_end:
            self.tick()
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the file breaks off, or the storage fails
                self.lost += 1
                packet = None
            is_end = packet is None or (packet.dts is None and not packet.size)
            try:
                frames = self._frames_of(packet, stream)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.lost += 1
                continue
            if missed is not None and packet is not None and packet.pts is not None and not packet.is_discard:
                missed.sent(packet.pts)
            for frame in frames:
                self.lost += 0 if missed is None or frame.pts is None else missed.before(frame.pts)
                self.decoded += 1
                self.damaged += frame.is_corrupt
                if frame.key_frame and not frame.is_corrupt:
                    self.misleading = 0
                elif frame.is_corrupt and frame.pict_type is not PictureType.B:
                    self.misleading += 1
                yield frame

    def _frames_of(self, packet: Packet[VideoStream] | None, stream: VideoStream) -> list[VideoFrame]:
        """What comes out of the decoder; without a packet, what is left in it. :raises FFmpegError"""
        decoder = self._alpha_decoder
        if decoder is None:
            return stream.decode(None) if packet is None else packet.decode()
        frames = decoder.decode(packet if packet is not None and packet.size else None)
        for frame in frames:
            frame.time_base = stream.time_base
        return frames

    def _by_time(self, frames: Iterator[VideoFrame], number: int) -> Iterator[tuple[int, VideoFrame]]:
        """Frames at the constant rate from ``number`` on; the last one is held for ever."""
        held: VideoFrame | None = None
        half = Fraction(1, 2)
        for frame in frames:
            start = self._moment(frame)
            if start is None:
                start = self._last_end
            self._last_end = start + (frame.duration * (frame.time_base or 0) or 1 / self.video.frame_rate)
            while held is not None and (number + half) / self.rate < start:
                yield number, held
                number += 1
            held = frame
        while held is not None:
            yield number, held
            number += 1

    def _moment(self, frame: VideoFrame) -> Fraction | None:
        """Seconds after the first frame of the file."""
        if frame.pts is None or frame.time_base is None:
            return None
        return frame.pts * frame.time_base - self.video.start_time

    def _jump(
        self, container: InputContainer, stream: VideoStream, start: int
    ) -> tuple[Iterator[VideoFrame], Iterator[tuple[int, VideoFrame]]]:
        """Decoder and numbered frames from a keyframe at or before number ``start``; from the first frame of the file
        where it cannot be sought exactly (no time stamps, no index)."""
        assert stream.time_base is not None
        self._has_jumped = True
        faults = self.damaged, self.lost
        for back in _SEEK_BACK_SECONDS:
            goal = max(start / self.rate - back, Fraction(0)) + self.video.start_time
            self._seek(container, stream, int(goal / stream.time_base))
            clean = self._after_keyframe(self._decode(container, stream))
            first = next(clean, None)
            moment = None if first is None else self._moment(first)
            if first is not None and moment is not None and moment <= (start + Fraction(1, 4)) / self.rate:
                decoder: Iterator[VideoFrame] = chain((first,), clean)
                number = round(moment * self.rate)
                return decoder, self._by_time(decoder, start) if self.video.is_vfr else enumerate(decoder, number)
            self.damaged, self.lost = faults  # nothing that was read there is used
        self._seek(container, stream, stream.start_time or 0)
        decoder = self._decode(container, stream)
        return decoder, self._by_time(decoder, 0) if self.video.is_vfr else enumerate(decoder)

    def _seek(self, container: InputContainer, stream: VideoStream, timestamp: int) -> None:
        # Flushing makes the decoder forget how far frames are reordered; it would then emit some B-frames too early
        reorder_depth = stream.codec_context.reorder_depth
        container.seek(timestamp, stream=stream, backward=True)
        stream.codec_context.reorder_depth = reorder_depth
        if self._alpha_decoder is not None:
            self._alpha_decoder.flush_buffers()

    def _after_keyframe(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Without what an open GOP shows before its keyframe: those frames need the GOP before."""
        is_clean = False
        for frame in frames:
            is_clean = is_clean or (frame.key_frame and not frame.is_corrupt)
            if is_clean:
                yield frame
            else:
                self.decoded -= 1
                self.damaged -= frame.is_corrupt


class _Missed:
    """Pictures that were given to a decoder and never came out: some say nothing where they cannot read one. They come out in
    the order in which they are shown. What is shown before the first one is an open GOP's, whose other half was not read."""

    def __init__(self) -> None:
        self._inside: list[int] = []
        self._has_begun = False

    def sent(self, pts: int) -> None:
        heapq.heappush(self._inside, pts)

    def before(self, pts: int) -> int:
        """How many should have come out before the picture with ``pts``, which is there now, and did not."""
        count = 0
        while self._inside and self._inside[0] < pts:
            heapq.heappop(self._inside)
            count += 1
        if self._inside and self._inside[0] == pts:
            heapq.heappop(self._inside)
        missed, self._has_begun = count if self._has_begun else 0, True
        return missed
