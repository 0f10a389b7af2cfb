"""One track of sound for a file whose pictures are copied: encoded once, as a whole, and exact to the sample.

Pieces of compressed sound cannot be joined: each begins with what its encoder needs to swing in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from otio_perf.errors import EncodeError

#: Sound is written this far ahead of the pictures, so that a player finds both at one place.
_AHEAD_SECONDS = Fraction(1, 2)
_BIT_RATE_PER_CHANNEL = 160_000  # AAC: transparent to most ears


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTrack:
    """What is to be heard: ``samples`` a channel in ``blocks`` of ``(n, channels)``, float32 in −1..1.

    ``codec``: ``pcm_s16le``, ``pcm_s24le`` or ``aac``. ``layout``: FFmpeg's name (``stereo``, ``5.1`` …).
    """

    sample_rate: int
    layout: str
    channels: int
    codec: str
    samples: int
    blocks: Iterator[NDArray[np.float32]]


class SoundWriter:
    """Attach it after the pictures' stream and before anything is muxed; then ``write_until`` as they come, and ``finish``."""

    def __init__(self, track: SoundTrack, container: OutputContainer, path: Path) -> None:
        """:param path: what errors are to name: the file has another name while it is written"""
        self._track, self._container, self._path = track, container, path
        self._written = 0
        stream = container.add_stream(track.codec, rate=track.sample_rate, layout=track.layout)
        assert isinstance(stream, AudioStream)
        context = stream.codec_context
        context.format = "fltp" if track.codec == "aac" else _KINDS[track.codec].sample_format
        if track.codec == "aac":
            context.bit_rate = _BIT_RATE_PER_CHANNEL * track.channels
            if track.layout == "7.1":
                context.open(strict=False)
                context.extradata = _with_surround_back(context.extradata or b"")
        stream.disposition = Disposition.default
        self._stream = stream

    def write_until(self, seconds: Fraction) -> None:
        """What is heard in the first ``seconds``, and a little more."""
        goal = min(self._track.samples, int((seconds + _AHEAD_SECONDS) * self._track.sample_rate))
        while self._written < goal:
            block = next(self._track.blocks, None)
            if block is None:
                raise EncodeError(f"the sound ends after {self._written} of {self._track.samples} samples", path=self._path)
            self._write(block)

    def finish(self) -> None:
        """The rest. :raises EncodeError: there are more or fewer samples than were said"""
        self.write_until(Fraction(self._track.samples, self._track.sample_rate))
        if self._written != self._track.samples or any(len(block) for block in self._track.blocks):
            raise EncodeError(f"the sound goes on after {self._track.samples} samples", path=self._path)
        self._container.mux(self._stream.encode(None))

    def _write(self, block: NDArray[np.float32]) -> None:
        if not len(block):
            return
        track, kind = self._track, _KINDS[self._track.codec]
        # interleaved, also for the encoder that wants planes: PyAV cannot fill a frame of eight
        samples = np.ascontiguousarray(kind.stored(block)).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format=kind.sample_format, layout=track.layout)
        frame.sample_rate, frame.time_base, frame.pts = track.sample_rate, Fraction(1, track.sample_rate), self._written
        self._container.mux(self._stream.encode(frame))
        self._written += len(block)


def _with_surround_back(description: bytes) -> bytes:
    """AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1) with channelConfiguration 12, 7.1 with speakers behind.

    FFmpeg says 7, which has the same elements in the same order, and means speakers between those in front.
    """
    kind_and_rate = int.from_bytes(description[:2])
    if kind_and_rate >> 3 & 15 == 7:
        description = (kind_and_rate & ~(15 << 3) | 12 << 3).to_bytes(2) + description[2:]
    return description


@dataclass(frozen=True, slots=True)
class _Kind:
    sample_format: str
    full_scale: int  # of the integers; 0: floats
    shift: int = 0

    def stored(self, block: NDArray[np.float32]) -> NDArray[Any]:
        if not self.full_scale:
            return block.astype(np.float32, copy=False)
        whole = np.rint(block.astype(np.float64) * self.full_scale)
        clipped = np.clip(whole, -self.full_scale, self.full_scale - 1)
        return clipped.astype(np.int16) if self.sample_format == "s16" else clipped.astype(np.int32) << self.shift


_KINDS = {
    "pcm_s16le": _Kind("s16", 1 << 15),
    "pcm_s24le": _Kind("s32", 1 << 23, 8),
    "aac": _Kind("flt", 0),
}
