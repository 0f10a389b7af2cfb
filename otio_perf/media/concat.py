"""Joins files of one recipe into one, packet by packet: nothing is decoded, nothing is encoded.

Every picture stands alone in them, so that a file may be cut at any frame. Timestamps are made from frame numbers, never
from summed durations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from otio_perf.errors import ContractError, CorruptMediaError, EncodeError
from otio_perf.media.encode import KEY_TAG
from otio_perf.media.fingerprint import digest
from otio_perf.media.probe import probe
from otio_perf.media.publish import part_file, publish, require_room, write_error
from otio_perf.media.safe_open import safe_open
from otio_perf.media.verify import count_pictures
from otio_perf.model.timing import FrameRate

_HINT = "It was made otherwise than the others: make it again, all with one recipe"


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
class Joined:
    """A finished file."""

    path: str
    frames: int
    size_bytes: int
    digest: str


def join(
    pieces: Sequence[Piece],
    output: str | Path,
    *,
    frame_rate: FrameRate,
    start_timecode: str | None = None,
    key: str | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Joined:
    """``pieces``, one after the other, in one QuickTime file: whole and verified, or not at all.

    :param start_timecode: label of the first frame.
    :param key: what the file is to say of itself (``finished.key_in``).
    :param tick: called once a picture; stops by raising.
    :raises ContractError: pieces that cannot be joined (codec, size, rate, encoder settings, colours, number of frames,
        pictures that do not stand alone); the file is named.
    :raises CorruptMediaError, OfflineMediaError: a piece cannot be read. :raises EncodeError, DiskFullError: no output.
    """
    if not pieces:
        raise ValueError("nothing to join")
    require_room(output, sum(Path(piece.path).stat().st_size for piece in pieces if Path(piece.path).exists()))
    frames = sum(map(len, pieces))
    with part_file(output) as part:
        try:
            _write(part, pieces, frame_rate, start_timecode, key, tick)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and error.errno:
                raise write_error(error, output) from error
            raise EncodeError(f"cannot be joined: {error.strerror or error}", path=output) from error
        _verify(part, output, frames, frame_rate, start_timecode, tick)
        joined = Joined(path=str(output), frames=frames, size_bytes=part.stat().st_size, digest=digest(str(part), tick))
        publish(part, output, tick=tick)
    return joined


def _write(
    part: Path,
    pieces: Sequence[Piece],
    frame_rate: FrameRate,
    start_timecode: str | None,
    key: str | None,
    tick: Callable[[], None],
) -> None:
    settings: _Settings | None = None
    with av.open(str(part), "w", format="mov", container_options={"movflags": "use_metadata_tags"}) as container:
        if key is not None:
            container.metadata[KEY_TAG] = key
        stream: VideoStream | None = None
        number = 0
        for piece in pieces:
            with safe_open(piece.path) as source:
                found = source.streams.video[0]
                assert isinstance(found, VideoStream)
                settings = settings or _settings(found, frame_rate, piece)
                settings.require(found, frame_rate, piece)
                if stream is None:
                    stream = _like(found, container, frame_rate, start_timecode)
                for packet in _packets(source.demux(found), piece):
                    packet.stream = stream
                    packet.time_base = 1 / frame_rate
                    packet.pts = packet.dts = number
                    packet.duration = 1
                    container.mux(packet)
                    number += 1
                    tick()


def _verify(
    part: Path,
    output: str | Path,
    frames: int,
    frame_rate: FrameRate,
    start_timecode: str | None,
    tick: Callable[[], None],
) -> None:
    """:raises EncodeError: it cannot be read back, or holds something else"""
    try:
        found = probe(str(part), tick=tick)
        counted = count_pictures(part, frames, tick)
    except CorruptMediaError as error:
        raise EncodeError(f"was joined, but cannot be read back: {error.message}", path=output) from error
    rate = found.picture.frame_rate if found.picture else None
    if (counted, rate, found.start_timecode) != (frames, frame_rate, start_timecode):
        wanted = f"{frames} at {frame_rate} from {start_timecode}"
        raise EncodeError(f"holds {counted} frames at {rate} from {found.start_timecode} instead of {wanted}", path=output)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """What has to be equal in all pieces: one description in the finished file is for all pictures."""

    codec: str
    size: str
    pixel_format: str | None
    colours: tuple[int, int, int, int]
    aspect: Fraction | None
    extradata: bytes

    def require(self, found: VideoStream, frame_rate: FrameRate, piece: Piece) -> None:
        """:raises ContractError: ``found`` differs in something, or holds another number of frames."""
        here = _settings(found, frame_rate, piece)
        for name, label in _LABELS.items():
            wanted, has = getattr(self, name), getattr(here, name)
            if wanted != has:
                what = "other encoder settings" if name == "extradata" else f"{label} {has} instead of {wanted}"
                raise ContractError(f"cannot be joined: it has {what}", path=piece.path, hint=_HINT)


_LABELS = {
    "codec": "codec",
    "size": "size",
    "pixel_format": "pixel format",
    "colours": "colour tags",
    "aspect": "sample aspect",
    "extradata": "encoder settings",
}


def _settings(found: VideoStream, frame_rate: FrameRate, piece: Piece) -> _Settings:
    """:raises ContractError: another rate or number of frames than is wanted of every piece"""
    if found.average_rate != frame_rate:
        raise ContractError(f"cannot be joined: it runs at {found.average_rate}, not {frame_rate}", path=piece.path, hint=_HINT)
    if found.frames != piece.frames:
        raise ContractError(
            f"cannot be joined: it holds {found.frames} frames instead of {piece.frames}", path=piece.path, hint=_HINT
        )
    if not 0 <= piece.start < piece.stop <= piece.frames:
        raise ContractError(f"has no frames {piece.start}–{piece.stop} (it has {piece.frames})", path=piece.path)
    context = found.codec_context
    return _Settings(
        codec=f"{context.name} {context.codec_tag}",
        size=f"{context.width}x{context.height}",
        pixel_format=context.pix_fmt,
        colours=(context.color_primaries, context.color_trc, context.colorspace, context.color_range),
        aspect=context.sample_aspect_ratio,
        extradata=context.extradata or b"",
    )


def _like(found: VideoStream, container: OutputContainer, frame_rate: FrameRate, start_timecode: str | None) -> VideoStream:
    stream = container.add_stream_from_template(found, opaque=True)
    stream.codec_context.framerate = frame_rate  # without it there is no timecode track
    stream.disposition = Disposition.default
    stream.metadata.clear()
    if start_timecode is not None:
        stream.metadata["timecode"] = start_timecode
    return stream


def _packets(source: Iterator[Packet[VideoStream]], piece: Piece) -> Iterator[Packet[VideoStream]]:
    """:raises ContractError: one that needs others. :raises CorruptMediaError: there are fewer than the index says"""
    number = 0
    for packet in source:
        if not packet.size:
            continue
        if number >= piece.start:
            if not packet.is_keyframe:
                raise ContractError(f"cannot be joined: frame {number} does not stand alone", path=piece.path, hint=_HINT)
            yield packet
        number += 1
        if number == piece.stop:
            return
    raise CorruptMediaError(f"ends after {number} frames", path=piece.path, hint=_HINT)
