"""The samples of one stream of a file, each at its place, from wherever reading begins."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import islice

import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from otio_perf.media.audio import sound_only
from otio_perf.media.safe_open import safe_open
from otio_perf.model.media import AudioInfo, MediaInfo, sound_origin

Samples = npt.NDArray[np.float32]
"""One row a sample, one column a channel; full scale is 1."""

#: How far before the wanted sample a decoder is started, tried in this order: AAC needs one packet, Opus 80 ms.
_BACK_SECONDS = (Fraction(1, 2), Fraction(5))
#: A decoder must have run so long before its sound counts.
_PREROLL_SECONDS = Fraction(1, 10)
#: What is rather decoded and thrown away than jumped over.
SKIP_SECONDS = 1
#: Time stamps that jitter by less than this are taken as continuous, as in ``audio``.
_JITTER_SECONDS = Fraction(1, 200)
#: Containers that say how long a stream is; of others it is a guess. One that ends so much earlier is damaged.
_SURE_LENGTHS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "wav", "w64", "aiff", "mxf", "avi", "flac"})
_EARLY_END_SECONDS = Fraction(1, 4)

#: Frames after a jump of which it may not be known where they begin.
_UNSURE_FRAMES = 4
#: Codecs whose packets are not all of one length.
_UNEVEN = frozenset({"vorbis", "wmav1", "wmav2", "wmapro"})
#: How long a hole in the sound, or all of them together, must be to be named.
_HOLE_SECONDS, _HOLES_SECONDS = Fraction(1, 10), Fraction(1, 4)
#: Codecs that carry checksums, which their decoders look at only if told to: noise would be heard otherwise.
_CHECKED = frozenset({"flac", "wavpack", "tta"})
_MOST_NOTES = 20
#: PyAV reads beyond the end of frames that have so many.
_MOST_PLANES = 8

_SCALES = {"u8": 1 / 128, "s16": 1 / (1 << 15), "s32": 1 / (1 << 31)}


class Stream:
    """Samples of a stream as it has them, at its own rate."""

    def __init__(self, media: MediaInfo, stream_index: int, tick: Callable[[], None]) -> None:
        self.info: AudioInfo = next(stream for stream in media.audio if stream.stream_index == stream_index)
        self.damage: list[str] = []
        self._media, self._tick = media, tick
        self._origin = sound_origin(media)
        begins, rate = self.info.start_time - self._origin, self.info.sample_rate
        # Outside there is nothing; a second to spare, for announced lengths may be a little wrong
        self._extent = range(math.floor(begins * rate) - rate, math.ceil((begins + self.info.duration) * rate) + rate)
        self._opened = ExitStack()
        self._open_file: tuple[InputContainer, AudioStream] | None = None
        self._parts: Iterator[tuple[int, Samples]] = iter(())
        self._left: deque[tuple[int, Samples]] = deque()  # decoded, and not wholly read
        self._missing = 0  # samples, in holes
        self._wanted = 0  # what is before was not asked for since the last jump
        self._at: int | None = None  # where the last read ended
        self._jitter = round(_JITTER_SECONDS * self.info.sample_rate)
        self._scale = (0, 0, 1)  # see _sample_of
        self._coarseness = Fraction(0)  # samples by which a stamp may be off
        # Of a coarsely stamped stream: by how much its stamps are late, and where its packets begin (first, step)
        self._late = 0
        self._grid: tuple[int, int] | None = None
        # Stamps of AVI are a guess for compressed sound, which fails for variable bit rates
        self._has_stamps = media.container != "avi" or self.info.codec.startswith("pcm_")

    def close(self) -> None:
        self._opened.close()
        self._open_file, self._parts, self._at = None, iter(()), None

    def read(self, first: int, count: int) -> Samples:
        found = np.zeros((count, self.info.channels), np.float32)
        if first + count <= self._extent.start or first >= self._extent.stop:
            return found
        if self._at is None or not self._at <= first <= self._at + SKIP_SECONDS * self.info.sample_rate:
            self._jump(first)
        self._at = first + count
        while True:
            part = self._left.popleft() if self._left else next(self._parts, None)
            if part is None:
                return found
            start, samples = part
            if start >= first + count:
                self._left.appendleft(part)
                return found
            inside = samples[max(0, first - start) : first + count - start]
            found[max(0, start - first) :][: len(inside)] = inside
            if start + len(samples) > first + count:
                self._left.appendleft(part)
                return found

    # ---- from packets to samples at their places

    def _jump(self, first: int) -> None:
        rate = self.info.sample_rate
        self._wanted = first
        if self._open_file is None:
            self._learn_stamps(*self._open())
        for back in _BACK_SECONDS if self._has_stamps else ():
            goal = first - round(back * rate)
            if goal <= self._begins():
                break
            container, stream = self._open_file or self._open()
            assert stream.time_base is not None
            try:
                container.seek(int((goal / Fraction(rate) + self._origin) / stream.time_base), stream=stream, backward=True)
            except av.error.FFmpegError:  # what cannot be sought is read from the start
                break
            parts = self._decoded(container, stream, has_jumped=True)
            head = next(parts, None)
            if head is not None and head[0] <= first - _PREROLL_SECONDS * rate:
                self._left, self._parts = deque([head]), parts
                return
        container, stream = self._open()
        self._left, self._parts = deque(), self._decoded(container, stream, has_jumped=False)

    def _open(self) -> tuple[InputContainer, AudioStream]:
        self.close()
        container = self._opened.enter_context(safe_open(self._media.path, options=sound_only()))
        stream = container.streams[self.info.stream_index]
        assert isinstance(stream, AudioStream)
        if self.info.codec in _CHECKED:
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        assert stream.time_base is not None
        self._coarseness = stream.time_base * self.info.sample_rate / 2 + 1
        scale, less = stream.time_base * self.info.sample_rate, self._origin * self.info.sample_rate
        parts = math.lcm(scale.denominator, less.denominator)
        self._scale = int(scale * parts), int(less * parts), parts
        self._open_file = container, stream
        return container, stream

    def _learn_stamps(self, container: InputContainer, stream: AudioStream) -> None:
        """Stamps in milliseconds (Matroska) say where a packet begins to half a millisecond, after a decoder's delay; the first
        packets say how they are to be read. Where all are of one length, as of most codecs, that tells it exactly."""
        assert stream.time_base is not None
        if stream.time_base * self.info.sample_rate <= 1 or self._grid is not None:
            return
        first, second = (*islice(self._frames(container, stream), 2), None, None)[:2]
        if first is None or second is None or first.pts is None:
            return
        start, begins = self._sample_of(first.pts), self._begins()
        if abs(start - begins) <= self._jitter:
            start, self._late = begins, start - begins
        if self.info.codec not in _UNEVEN:
            self._grid = start + first.samples, second.samples

    def _begins(self) -> int:
        return round((self.info.start_time - self._origin) * self.info.sample_rate)

    def _decoded(self, container: InputContainer, stream: AudioStream, *, has_jumped: bool) -> Iterator[tuple[int, Samples]]:
        info, rate = self.info, self.info.sample_rate
        expected = None if has_jumped else self._begins()
        for number, (frame, following) in enumerate(_with_following(self._frames(container, stream))):
            if frame.sample_rate != rate:
                self._note("changes its sample rate")
                continue
            start = expected
            if self._has_stamps and frame.pts is not None:
                start = self._placed(frame, expected, is_sure=number >= _UNSURE_FRAMES)
            if start is None:
                continue  # nothing says where it belongs
            if expected is not None and start != expected:
                if self._goes_on(expected + frame.samples, following):
                    start = expected  # a wrong stamp: what follows is where it would be without
                elif start > max(expected, self._wanted):
                    self._note_hole(expected, start)
            samples = floats(self._packed(frame), info.channels)
            yield start, samples
            expected = start + len(samples)
        end = round((info.start_time - self._origin + info.duration - _EARLY_END_SECONDS) * rate)
        if self._media.container in _SURE_LENGTHS and expected is not None and expected < min(end, self._at or 0):
            self._note(f"breaks off after {float(expected / Fraction(rate)):.2f} s")

    def _packed(self, frame: AudioFrame) -> AudioFrame:
        """A frame of many planes as one of one."""
        if not frame.format.is_planar or frame.layout.nb_channels < _MOST_PLANES:
            return frame
        name = frame.format.name.removesuffix("p")
        whole = AudioResampler(format=name, layout=frame.layout, rate=frame.sample_rate).resample(frame)
        return whole[0]

    def _placed(self, frame: AudioFrame, expected: int | None, *, is_sure: bool) -> int | None:
        """Where a frame begins. ``None``: it cannot be told, for after a jump a decoder may cut the first ones short."""
        assert frame.pts is not None
        start = self._sample_of(frame.pts)
        if expected is not None and abs(start - expected) <= self._jitter:
            return expected
        if expected is None:
            start -= self._late
        if self._grid is None:
            return start
        base, step = self._grid
        near = base + round((start - base) / step) * step
        if abs(near - start) <= self._coarseness:
            return near
        return start if is_sure or expected is not None else None

    def _goes_on(self, expected: int, following: AudioFrame | None) -> bool:
        return (
            following is not None
            and following.pts is not None
            and abs(self._sample_of(following.pts) - expected) <= self._jitter
        )

    def _sample_of(self, stamp: int) -> int:
        scale, less, parts = self._scale  # whole numbers: this is asked for every packet
        return (2 * (stamp * scale - less) + parts) // (2 * parts)

    def _frames(self, container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
        """All frames from here to the end. Packets that fail are noted; silence takes their place."""
        packets = container.demux(stream)
        while True:
            self._tick()
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:
                self._note("cannot be read to its end")
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._note_damaged(packet.pts)
                continue
            yield from frames

    def _note_hole(self, start: int, stop: int) -> None:
        """Recorders leave short ones at the beginning; they, and one now and then, are no damage."""
        rate = self.info.sample_rate
        self._missing += stop - start
        if stop - start >= _HOLE_SECONDS * rate:
            self._note(f"has nothing from {start / rate:.2f} to {stop / rate:.2f} s")
        elif self._missing >= _HOLES_SECONDS * rate:
            self._note("has many short holes")

    def _note_damaged(self, stamp: int | None) -> None:
        if stamp is None:
            self._note("is damaged")
        elif (at := self._sample_of(stamp)) >= self._wanted:  # what is before may have been begun in its middle
            self._note(f"is damaged at {at / self.info.sample_rate:.2f} s")

    def _note(self, what: str) -> None:
        if what not in self.damage and len(self.damage) < _MOST_NOTES:
            self.damage.append(what)


def _with_following(frames: Iterator[AudioFrame]) -> Iterator[tuple[AudioFrame, AudioFrame | None]]:
    frame = next(frames, None)
    while frame is not None:
        following = next(frames, None)
        yield frame, following
        frame = following


def floats(frame: AudioFrame, channels: int) -> Samples:
    """:return: as many columns as ``channels``, whatever the frame has."""
    raw = frame.to_ndarray()
    raw = raw.T if frame.format.is_planar else raw.reshape(frame.samples, -1)
    kind = frame.format.name.removesuffix("p")
    with np.errstate(over="ignore"):  # doubles
        samples: Samples = raw.astype(np.float32)
    if kind == "u8":
        samples -= 128
    if kind in _SCALES:
        samples *= np.float32(_SCALES[kind])
    elif not (numbers := np.isfinite(samples)).all():  # what is none would silence all that is mixed with it
        samples[~numbers] = 0
    if samples.shape[1] != channels:
        padded = np.zeros((len(samples), channels), np.float32)
        shared = min(channels, samples.shape[1])
        padded[:, :shared] = samples[:, :shared]
        return padded
    return samples
