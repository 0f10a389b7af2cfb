"""Joins runs of encoded pictures into one file, packet by packet: no picture is decoded, none is encoded.

Timestamps are made from frame numbers, never from summed durations. Sound is encoded once, for the whole file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from otio_perf.errors import CorruptMediaError, EncodeError, MediaError
from otio_perf.media import pieces as encoded
from otio_perf.media.encode import KEY_TAG
from otio_perf.media.fingerprint import digest
from otio_perf.media.finished import key_in
from otio_perf.media.pieces import Piece, Settings
from otio_perf.media.probe import probe
from otio_perf.media.publish import part_file, publish, require_room, write_error
from otio_perf.media.quicktime import settle_lengths
from otio_perf.media.safe_open import safe_open
from otio_perf.media.sound_writer import SoundTrack, SoundWriter
from otio_perf.media.verify import count_pictures, count_some
from otio_perf.model.timing import FrameRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A finished file."""

    path: str
    frames: int
    size_bytes: int
    digest: str


#: Units of a second in which edit lists say how long tracks are: whole ones for a frame of every usual rate, and for a sample.
_EXACT = {"movie_timescale": "240000"}
#: FFmpeg's name of the format and its options, by suffix. MP4 is made to be streamed: its index comes first.
_FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    ".mov": ("mov", {"movflags": "use_metadata_tags", **_EXACT}),
    ".mp4": ("mp4", {"movflags": "use_metadata_tags+faststart", **_EXACT}),
    ".mkv": ("matroska", {}),
}

#: Those that say how long their tracks are.
_WITH_LENGTHS = (".mov", ".mp4")


def join(
    pieces: Sequence[Piece],
    output: str | Path,
    *,
    frame_rate: FrameRate,
    start_timecode: str | None = None,
    key: str | None = None,
    stands_alone: bool = True,
    sound: SoundTrack | None = None,
    unchanged: Callable[[], None] = lambda: None,
    tick: Callable[[], None] = lambda: None,
) -> Joined:
    """``pieces``, one after the other, in one file of the format that its suffix says: whole and verified, or not at all.

    :param start_timecode: label of the first frame.
    :param key: what the file is to say of itself (``finished.key_in``).
    :param stands_alone: every picture must, so that the file may be cut at any frame.
    :param sound: to be heard with the pictures, from the first one on.
    :param unchanged: asked before the file gets its name: raises where a piece is no longer what it was taken for.
    :param tick: called once a picture; stops by raising.
    :raises ContractError: pieces that cannot be joined (codec, size, rate, encoder settings, colours, number of frames,
        pictures that need others); the file is named.
    :raises CorruptMediaError, OfflineMediaError: a piece cannot be read. :raises EncodeError, DiskFullError: no output.
    """
    if not pieces:
        raise ValueError("nothing to join")
    require_room(output, sum(map(_size_bytes, pieces)))
    wanted = _Wanted(
        pieces=pieces, output=Path(output), frame_rate=frame_rate, start_timecode=start_timecode, key=key, sound=sound
    )
    with part_file(output) as part:
        try:
            _write(part, wanted, stands_alone, tick)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and error.errno:
                raise write_error(error, output) from error
            raise EncodeError(f"cannot be joined: {error.strerror or error}", path=output) from error
        if wanted.output.suffix.lower() in _WITH_LENGTHS:
            _settle(part, output)
        _verify(part, wanted, stands_alone, tick)
        unchanged()
        joined = Joined(path=str(output), frames=wanted.frames, size_bytes=part.stat().st_size, digest=digest(str(part), tick))
        publish(part, output, tick=tick)
    return joined


def is_whole(path: str | Path, frames: int, key: str, tick: Callable[[], None]) -> bool:
    """Whether the file at ``path`` is the one known by ``key``, with all its pictures."""
    if key_in(path) != key:
        return False
    try:
        return count_some(Path(path), tick) == frames
    except (MediaError, IndexError):
        return False


def _size_bytes(piece: Piece) -> int:
    """Likely, of its packets; 0 where the file is not there."""
    path = Path(piece.path)
    return path.stat().st_size * len(piece) // piece.frames if path.exists() else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    pieces: Sequence[Piece]
    output: Path
    frame_rate: FrameRate
    start_timecode: str | None
    key: str | None
    sound: SoundTrack | None

    @property
    def frames(self) -> int:
        return sum(map(len, self.pieces))


def _write(part: Path, wanted: _Wanted, stands_alone: bool, tick: Callable[[], None]) -> None:
    settings = _settings(wanted)
    name, options = _FORMATS[wanted.output.suffix.lower()]
    with av.open(str(part), "w", format=name, container_options=options) as container:
        if wanted.key is not None:
            container.metadata[KEY_TAG] = wanted.key
        stream: VideoStream | None = None
        sound: SoundWriter | None = None
        decoded = start = 0
        for piece in wanted.pieces:
            with safe_open(piece.path) as source:
                if stream is None:
                    stream = _like(source.streams.video[0], container, wanted, settings)
                    sound = SoundWriter(wanted.sound, container, wanted.output) if wanted.sound is not None else None
                for number, packet in encoded.packets(source, piece, wanted.frame_rate, stands_alone=stands_alone):
                    packet.stream = stream
                    packet.time_base = 1 / wanted.frame_rate
                    packet.pts, packet.dts = start + number, decoded - settings.delay
                    packet.duration = 1
                    container.mux(packet)
                    decoded += 1
                    if sound is not None:
                        sound.write_until(decoded / wanted.frame_rate)
                    tick()
            start += len(piece)
        if sound is not None:
            sound.finish()


def _settle(part: Path, output: str | Path) -> None:
    try:
        settle_lengths(part)
    except OSError as error:
        raise write_error(error, output) from error
    except (ValueError, struct.error) as error:
        raise EncodeError("was joined, but its movie box cannot be read back", path=output) from error


def _settings(wanted: _Wanted) -> Settings:
    """Of the track that holds all pieces. :raises ContractError: no track can"""
    found: Settings | None = None
    for piece in wanted.pieces:
        own = encoded.settings_of(piece, wanted.frame_rate)
        found = own if found is None else found.joined(own, piece)
    assert found is not None
    return found


def _verify(part: Path, wanted: _Wanted, stands_alone: bool, tick: Callable[[], None]) -> None:
    """:raises EncodeError: it cannot be read back, or holds something else"""
    output = wanted.output
    try:
        found = probe(str(part), tick=tick)
        counted = count_pictures(part, wanted.frames, tick) if stands_alone else count_some(part, tick)
    except CorruptMediaError as error:
        raise EncodeError(f"was joined, but cannot be read back: {error.message}", path=output) from error
    rate = found.picture.frame_rate if found.picture else None
    if (counted, rate, found.start_timecode) != (wanted.frames, wanted.frame_rate, wanted.start_timecode):
        meant = f"{wanted.frames} at {wanted.frame_rate} from {wanted.start_timecode}"
        raise EncodeError(f"holds {counted} frames at {rate} from {found.start_timecode} instead of {meant}", path=output)


def _like(found: VideoStream, container: OutputContainer, wanted: _Wanted, settings: Settings) -> VideoStream:
    stream = container.add_stream_from_template(found, opaque=True)
    stream.codec_context.framerate = wanted.frame_rate  # without it there is no timecode track
    stream.codec_context.extradata = settings.extradata or None
    stream.codec_context.codec_tag = encoded.tag_of(found)
    stream.codec_context.sample_aspect_ratio = settings.aspect
    stream.disposition = Disposition.default
    stream.metadata.clear()
    if wanted.start_timecode is not None:
        stream.metadata["timecode"] = wanted.start_timecode
    return stream
