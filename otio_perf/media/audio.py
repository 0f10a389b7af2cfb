"""Sound of a proxy: every track of the source, in sync with the pictures, copied where possible and PCM otherwise.

Times are counted from the first frame of the proxy. Whole proxies of sources whose codecs QuickTime holds get the very
packets of the source. In all other cases a track becomes PCM without the sound before the first frame; a used range has
sound from its first frame to its last, with silence where the source has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import av
import av.codec.codec
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Disposition

from otio_perf.model.media import AudioInfo, MediaInfo
from otio_perf.model.timing import FrameRange

#: Codecs that QuickTime files hold and editors read; their packets are copied.
COPIED = frozenset(
    "aac alac ac3 eac3 mp3 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_u8".split()
)

#: PCM for what is not copied, by sample format of the decoder (``p`` = planar, left out). Lossy codecs decode to ``flt``.
_PCM = {"u8": ("pcm_s16le", "s16"), "s16": ("pcm_s16le", "s16"), "s32": ("pcm_s24le", "s32")}
_PCM_FLOAT = ("pcm_f32le", "flt")
_PCM_LOSSY = ("pcm_s16le", "s16")

#: Where a decoder is started before the first wanted sample: AAC needs one packet, Opus 80 ms.
_PREROLL_SECONDS = Fraction(1, 2)
#: Sound is read this far ahead of the pictures, so that the muxer can interleave.
_AHEAD_SECONDS = Fraction(1, 2)
#: Priming of AAC and Opus is up to 50 ms; sound that begins earlier was recorded earlier.
_EARLY_SECONDS = Fraction(1, 20)
#: Time stamps that jitter by less than this are taken as continuous (half a frame at 60 per second is 8.3 ms).
_JITTER_SECONDS = Fraction(1, 200)


@cache
def sound_only() -> dict[str, str]:
    """Options of ``safe_open`` for a file of which only sound is wanted: FFmpeg then does not decode a picture on opening,
    which takes 0.1 s for a 4K keyframe."""
    names = sorted(name for name in av.codecs_available if _is_sound_decoder(name))
    return {"codec_whitelist": ",".join(names)}


def _is_sound_decoder(name: str) -> bool:
    try:
        return av.Codec(name, "r").type == "audio"
    except av.codec.codec.UnknownCodecError:  # an encoder
        return False


@dataclass(slots=True)
class _Copy:
    """Hands the packets of one stream on to every output."""

    outputs: list[tuple[OutputContainer, AudioStream]]
    origin: Fraction  # seconds in the source's time where the proxy begins

    def packet(self, packet: Packet[AudioStream]) -> None:
        assert packet.time_base is not None
        shift = round(self.origin / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        for container, stream in self.outputs:
            packet.stream = stream
            container.mux(packet)

    def finish(self) -> None:
        pass


@dataclass(slots=True)
class _Pcm:
    """Decodes one stream and writes samples ``[0, stop)`` of the proxy's time as PCM to every output."""

    outputs: list[tuple[OutputContainer, AudioStream]]
    origin: Fraction
    stop: int | None  # samples; None: as long as the sound is
    sample_rate: int
    channels: int
    layout: str
    sample_format: str
    resampler: AudioResampler
    next_start: int  # where the next frame belongs that has no time stamp of its own
    has_stamps: bool = True
    written: int = 0
    failed: int = 0

    def packet(self, packet: Packet[AudioStream]) -> None:
        try:
            frames = packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            self.failed += 1  # silence takes its place
            return
        for frame in frames:
            if self.has_stamps and frame.pts is not None and frame.time_base is not None:
                self.next_start = round((frame.pts * frame.time_base - self.origin) * self.sample_rate)
            frame.pts = None
            for part in self.resampler.resample(frame):
                samples = part.to_ndarray().reshape(-1, self.channels)
                self._place(self.next_start, samples)
                self.next_start += len(samples)

    def _place(self, start: int, samples: npt.NDArray[np.generic]) -> None:
        late = start - self.written
        if abs(late) > _JITTER_SECONDS * self.sample_rate or self.written == 0:
            if late > 0 and self.stop is None and not self.written:
                self.written = late  # the movie's edit list says that it begins later
            elif late > 0:
                self._silence(late if self.stop is None else min(late, self.stop - self.written))
            elif late < 0:
                samples = samples[-late:]
        if self.stop is not None:
            samples = samples[: max(0, self.stop - self.written)]
        self._write(samples)

    def _silence(self, count: int) -> None:
        one_second = self.sample_rate
        kind = np.dtype({"s16": "i2", "s32": "i4", "flt": "f4"}[self.sample_format])
        while count > 0:
            now = min(count, one_second)
            self._write(np.zeros((now, self.channels), kind))
            count -= now

    def _write(self, samples: npt.NDArray[np.generic]) -> None:
        if not len(samples):
            return
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1),
            format=self.sample_format,
            layout=self.layout,
        )
        frame.sample_rate = self.sample_rate
        frame.time_base = Fraction(1, self.sample_rate)
        for container, stream in self.outputs:
            frame.pts = self.written
            container.mux(stream.encode(frame))
        self.written += len(samples)

    def finish(self) -> None:
        """A used range is filled up; a track without any sound gets one sample block of silence, to be there at all."""
        if self.stop is not None:
            self._silence(self.stop - self.written)
        elif not self.written:
            self._silence(self.sample_rate // 10)
        for container, stream in self.outputs:
            container.mux(stream.encode(None))


@dataclass(slots=True)
class Sound:
    """All sound of one range of ``media``, written to the outputs that share this range."""

    media: MediaInfo
    container: InputContainer
    wanted: FrameRange
    is_whole: bool
    _tracks: dict[int, _Copy | _Pcm] = field(default_factory=dict)
    _pending: Packet[Any] | None = None
    _packets: Iterator[Packet[Any]] | None = None

    @property
    def origin(self) -> Fraction:
        """Seconds in the source's own time at which the proxy begins."""
        video = self.media.picture
        return (video.start_time if video else Fraction(0)) + self.wanted.start / self.wanted.rate

    def attach(self, outputs: list[OutputContainer]) -> None:
        """Add one stream for each track to each of ``outputs``, and go to the first wanted sample.

        Must come after the video stream was added and before anything is muxed.
        """
        streams = []
        for info in self.media.audio:
            source = self.container.streams[info.stream_index]
            assert isinstance(source, AudioStream)
            streams.append(source)
            copies = self.is_whole and info.codec in COPIED and self._has_stamps(info) and not self._is_early(info)
            track = self._copy(source, outputs) if copies else self._pcm(info, source, outputs)
            self._tracks[info.stream_index] = track
        for stream in self.container.streams:
            if stream not in streams:
                stream.discard = Discard.all
        start = self.origin - _PREROLL_SECONDS
        if not self.is_whole and self.wanted.start and start > 0 and streams and all(map(self._has_stamps, self.media.audio)):
            with suppress(av.error.FFmpegError):  # what cannot be sought is read from the start
                assert streams[0].time_base is not None
                self.container.seek(int(start / streams[0].time_base), stream=streams[0], backward=True)
        self._packets = iter(self.container.demux(streams)) if streams else None

    def _is_early(self, info: AudioInfo) -> bool:
        """It begins before the pictures by more than a codec's priming: copied packets would push the pictures back."""
        return info.start_time < self.origin - _EARLY_SECONDS

    def _has_stamps(self, info: AudioInfo) -> bool:
        """AVI has no time stamps of its own; those of compressed sound are a guess that fails for variable bit rates."""
        return self.media.container != "avi" or info.codec.startswith("pcm_")

    def _copy(self, source: AudioStream, outputs: list[OutputContainer]) -> _Copy:
        made = [(output, output.add_stream_from_template(source)) for output in outputs]
        for _, stream in made:
            stream.disposition = Disposition.default  # switched on: QuickTime would play the first track only
        return _Copy(made, self.origin)

    def _pcm(self, info: AudioInfo, source: AudioStream, outputs: list[OutputContainer]) -> _Pcm:
        kind = source.codec_context.format.name.removesuffix("p")
        is_exact = info.codec.startswith("pcm_") or info.codec in ("wavpack", "flac", "alac", "tta", "ape")
        fallback = _PCM_FLOAT if is_exact else _PCM_LOSSY
        codec, sample_format = _PCM.get(kind, fallback)
        layout = source.codec_context.layout.name
        made = []
        for output in outputs:
            stream = output.add_stream(codec, rate=info.sample_rate, layout=layout)
            assert isinstance(stream, AudioStream)
            stream.codec_context.format = sample_format
            stream.disposition = Disposition.default  # switched on: QuickTime would play the first track only
            made.append((output, stream))
        stop = None if self.is_whole else round(self.wanted.seconds * info.sample_rate)
        return _Pcm(
            outputs=made,
            origin=self.origin,
            stop=stop,
            sample_rate=info.sample_rate,
            channels=info.channels,
            layout=layout,
            sample_format=sample_format,
            resampler=AudioResampler(format=sample_format, layout=layout, rate=info.sample_rate),
            next_start=-round(self.wanted.start / self.wanted.rate * info.sample_rate),
            has_stamps=self._has_stamps(info),
        )

    def advance(self, frames: int) -> None:
        """Write what belongs to the first ``frames`` frames of the range, and a little more."""
        self._write_until(self.origin + frames / self.wanted.rate + _AHEAD_SECONDS)

    def finish(self) -> tuple[str, ...]:
        """Write the rest; returns what is worth a word."""
        self._write_until(None if self.is_whole else self.origin + self.wanted.seconds + _PREROLL_SECONDS)
        for track in self._tracks.values():
            track.finish()
        failed = sum(track.failed for track in self._tracks.values() if isinstance(track, _Pcm))
        return (f"{failed} packets of sound are damaged: silence in their place",) if failed else ()

    def _write_until(self, moment: Fraction | None) -> None:
        while self._packets is not None:
            packet = self._pending or self._next()
            self._pending = None
            if packet is None:
                self._packets = None
                return
            if moment is not None and packet.dts is not None and packet.dts * packet.time_base > moment:
                self._pending = packet
                return
            track = self._tracks[packet.stream.index]
            if packet.dts is not None or isinstance(track, _Pcm):  # the last, empty packet empties a decoder
                track.packet(packet)

    def _next(self) -> Packet[Any] | None:
        assert self._packets is not None
        try:
            return next(self._packets, None)
        except av.error.FFmpegError:  # the pictures' reader judges a file that breaks off
            return None
