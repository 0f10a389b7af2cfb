"""Runs of encoded pictures that lie in files: what they are, and their packets with the number of the picture in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from otio_perf.errors import ContractError, CorruptMediaError
from otio_perf.media import parameter_sets
from otio_perf.media.safe_open import media_error, safe_open
from otio_perf.model.timing import FrameRate

HINT = "It was made otherwise than the others: make it again, all with one recipe"


#: ``hev1`` says that pictures may bring parameter sets of their own, and Apple's players do not open it. Those that are copied
#: bring none that is not in the description, too.
_TAGS = {"hev1": "hvc1"}


def tag_of(stream: VideoStream) -> str:
    """What QuickTime calls its pictures, and what their track has to be called wherever they are copied to: by that name alone
    players tell the kinds of ProRes apart. FFmpeg by itself takes the first name of a codec, which is that of ProRes HQ."""
    tag = stream.codec_context.codec_tag
    return _TAGS.get(tag, tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Frames ``[start, stop)`` of a file that holds ``frames``."""

    path: str
    frames: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def whole(path: str, frames: int) -> Piece:
    return Piece(path=path, frames=frames, start=0, stop=frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What has to be equal in all pieces: one description in the finished file is for all pictures.

    ``delay``: pictures by which decoding is ahead of showing.
    """

    codec: str
    size: str
    pixel_format: str | None
    colours: tuple[int, int, int, int]
    aspect: Fraction
    extradata: bytes
    delay: int

    def joined(self, other: Settings, piece: Piece) -> Settings:
        """For the pictures of both. :raises ContractError: they cannot be in one file; ``other`` is of ``piece``"""
        for name, label in _LABELS.items():
            wanted, has = getattr(self, name), getattr(other, name)
            if wanted != has:
                raise ContractError(f"cannot be joined: it has {label} {has} instead of {wanted}", path=piece.path, hint=HINT)
        both = parameter_sets.joined(self.codec.partition(" ")[0], self.extradata, other.extradata)
        if both is None:
            raise ContractError("cannot be joined: it has other encoder settings", path=piece.path, hint=HINT)
        return Settings(
            codec=self.codec,
            size=self.size,
            pixel_format=self.pixel_format,
            colours=self.colours,
            aspect=self.aspect,
            extradata=both,
            delay=max(self.delay, other.delay),
        )


_LABELS = {
    "codec": "codec",
    "size": "size",
    "pixel_format": "pixel format",
    "colours": "colour tags",
    "aspect": "sample aspect",
}


def settings_of(piece: Piece, frame_rate: FrameRate) -> Settings:
    """:raises ContractError: another rate or number of frames than was said. :raises MediaError: it cannot be read"""
    with safe_open(piece.path) as source:
        found = source.streams.video[0]
        if found.average_rate != frame_rate:
            raise ContractError(
                f"cannot be joined: it runs at {found.average_rate}, not {frame_rate}", path=piece.path, hint=HINT
            )
        if found.frames and found.frames != piece.frames:
            raise ContractError(
                f"cannot be joined: it holds {found.frames} frames instead of {piece.frames}", path=piece.path, hint=HINT
            )
        if not 0 <= piece.start < piece.stop <= piece.frames:
            raise ContractError(f"has no frames {piece.start}–{piece.stop} (it has {piece.frames})", path=piece.path)
        context = found.codec_context
        return Settings(
            codec=f"{context.name} {tag_of(found)}",
            size=f"{context.width}x{context.height}",
            pixel_format=context.pix_fmt,
            colours=(context.color_primaries, context.color_trc, context.colorspace, context.color_range),
            aspect=found.sample_aspect_ratio or Fraction(1),
            extradata=context.extradata or b"",
            delay=context.reorder_depth,
        )


def packets(
    source: InputContainer, piece: Piece, frame_rate: FrameRate, *, stands_alone: bool
) -> Iterator[tuple[int, Packet[VideoStream]]]:
    """The packets of ``piece`` in the order of decoding, each with the number of its picture, 0 = first of the piece.

    :param stands_alone: every picture must.
    :raises ContractError: a picture needs others that are not of the piece.
    :raises CorruptMediaError: a picture is not there, or cannot be read.
    """
    try:
        yield from _packets(source, piece, frame_rate, stands_alone=stands_alone)
    except av.error.FFmpegError as error:
        raise media_error(piece.path, error) from error


def _packets(
    source: InputContainer, piece: Piece, frame_rate: FrameRate, *, stands_alone: bool
) -> Iterator[tuple[int, Packet[VideoStream]]]:
    stream = source.streams.video[0]
    assert stream.time_base is not None
    origin = stream.start_time or 0
    if piece.start:
        source.seek(origin + int(piece.start / frame_rate / stream.time_base), stream=stream, backward=True)
    seen: set[int] = set()
    for packet in source.demux(stream):
        if not packet.size or packet.pts is None:
            continue
        number = round((packet.pts - origin) * stream.time_base * frame_rate)
        if not seen and number != piece.start:
            continue
        must_be_key = stands_alone or not seen
        if not piece.start <= number < piece.stop or (must_be_key and not packet.is_keyframe):
            raise ContractError(f"cannot be joined: frame {number} does not stand alone", path=piece.path, hint=HINT)
        if number in seen:
            break
        seen.add(number)
        yield number - piece.start, packet
        if len(seen) == len(piece):
            return
    raise CorruptMediaError(f"ends after {len(seen)} of {len(piece)} frames", path=piece.path, hint=HINT)
