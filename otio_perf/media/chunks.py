"""Writes rendered pictures into a file that can be joined with others: of most codecs cut at any frame, for each picture stands
alone; of codecs with long GOPs as a whole.

Other machines write the same pictures, however many cores they have. Two things of x264 are not in our hands: in a note in the
first picture of ``ChunkCodec.H264`` it counts its threads, and its AVX-512 code for macroblock trees (long GOPs) rounds now and
then otherwise (seen with any number of threads; with AVX2 never).

What proxies have learned about codecs (``encodings``) holds here too; the pictures are the timeline's own: in its colours,
square pixels, progressive. There is no timecode in a chunk: it belongs wherever its frames are; ``concat.join`` writes the
label of the whole region.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from otio_perf.errors import ContractError, CorruptMediaError, EncodeError, MediaError
from otio_perf.media.encode import KEY_TAG, colour_numbers, encoder_threads, hdr_parameters
from otio_perf.media.encoder_thread import Encoder, EncoderThread
from otio_perf.media.encodings import ENCODINGS, Encoding, at_quality, is_hdr, prores, x264
from otio_perf.media.engine import by_hardware
from otio_perf.media.fingerprint import digest
from otio_perf.media.finished import key_in
from otio_perf.media.planes import Plane, frame_of, layout_of
from otio_perf.media.probe import probe
from otio_perf.media.publish import part_file, publish, require_room, write_error
from otio_perf.media.quicktime import annotate
from otio_perf.media.renumbering import OWN_NUMBER, renumbered, renumbered_packet
from otio_perf.media.verify import count_pictures, decode_all
from otio_perf.model.colour import UNSAID, ColourSpace, Light
from otio_perf.model.media import ColourTags
from otio_perf.model.pixels import Layout
from otio_perf.model.recipes import ChunkCodec, Codec
from otio_perf.model.timing import FrameRate
from otio_perf.model.timings import Timed, untimed

#: Number of our parameter sets by codec; cameras and other encoders take the low ones. Who has it cannot stand beside ours.
OWN_NUMBERS = {"h264": 29, "hevc": OWN_NUMBER}
#: Pictures between keyframes of what is made to be watched: players jump there.
_LONGEST_GOP = 60
#: Pictures by which decoding is ahead of showing: x264 and x265 refer to pictures between pictures, and no deeper.
_MOST_DELAY = 2

_HINT = "It was not published; take another codec"


def _dnxhr(profile: str, pixel_format: str) -> Encoding:
    return replace(
        ENCODINGS[Codec.DNXHR_LB],
        pixel_format=pixel_format,
        deep_pixel_format=pixel_format,
        options=lambda _: {"profile": profile},
    )


def _x264_intra(quality: int) -> dict[str, str]:
    return {**x264(34, 20, 8)(quality), "x264-params": f"slices=4:sps-id={OWN_NUMBERS['h264']}"}


def _x264_long_gop(quality: int) -> dict[str, str]:
    """CRF 23 at quality 60, as x264 has it by itself; 17.5 at 80, which few tell from the source.

    Each piece begins with an IDR picture, and no GOP needs another. The parameter sets have a number of their own, so that
    they can stand beside those of other encoders in one file. The number of threads shapes the pictures: fixed, so that pieces
    made on other machines are the same. Six are x264's own choice for four cores, and cost fewer no time (1080p on two cores:
    7.0 s of CPU with six, 7.3 s with two).
    """
    parameters = f"open-gop=0:force-cfr=1:threads=6:lookahead-threads=1:sps-id={OWN_NUMBERS['h264']}"
    crf = f"{at_quality(quality, 36, 23, 12):.1f}"
    return {"preset": "medium", "crf": crf, "g": str(_LONGEST_GOP), "x264-params": parameters}


def _x265_long_gop(quality: int) -> dict[str, str]:
    # frame threads are fixed for the same reason
    parameters = f"log-level=error:info=0:open-gop=0:keyint={_LONGEST_GOP}:frame-threads=2"
    crf = f"{at_quality(quality, 38, 25, 14):.1f}"
    return {"preset": "fast", "crf": crf, "g": str(_LONGEST_GOP), "x265-params": parameters}


#: With a fixed quantiser, as the proxies have it, but finer: what is in them is seen instead of the timeline.
_ENCODINGS: dict[ChunkCodec, Encoding] = {
    ChunkCodec.PRORES_PROXY: ENCODINGS[Codec.PRORES_PROXY],
    ChunkCodec.PRORES_LT: ENCODINGS[Codec.PRORES_LT],
    ChunkCodec.PRORES_422: replace(ENCODINGS[Codec.PRORES_LT], options=prores(2, 16)),
    ChunkCodec.PRORES_HQ: replace(ENCODINGS[Codec.PRORES_LT], options=prores(3, 8)),
    ChunkCodec.PRORES_4444: ENCODINGS[Codec.PRORES_4444],
    ChunkCodec.DNXHR_LB: ENCODINGS[Codec.DNXHR_LB],
    ChunkCodec.DNXHR_SQ: _dnxhr("dnxhr_sq", "yuv422p"),
    ChunkCodec.DNXHR_HQ: _dnxhr("dnxhr_hq", "yuv422p"),
    ChunkCodec.DNXHR_HQX: _dnxhr("dnxhr_hqx", "yuv422p10le"),
    ChunkCodec.H264: replace(ENCODINGS[Codec.H264], options=_x264_intra),
    ChunkCodec.H264_LONG_GOP: replace(ENCODINGS[Codec.H264], options=_x264_long_gop),
    ChunkCodec.HEVC_LONG_GOP: replace(ENCODINGS[Codec.HEVC], options=_x265_long_gop),
}


#: Of what hardware encodes: its name in ``hardware``, the quantisers of ``by_hardware``, and pictures between keyframes.
_BY_HARDWARE = {
    ChunkCodec.H264: ("h264", (34, 20, 8), 1),
    ChunkCodec.H264_LONG_GOP: ("h264", (36, 23, 12), _LONGEST_GOP),
    ChunkCodec.HEVC_LONG_GOP: ("hevc", (38, 25, 14), _LONGEST_GOP),
}


def hardware_codec(codec: ChunkCodec, colour: ColourTags) -> str | None:
    """What ``hardware`` calls it; ``None``: it is left to software, as is more than 8 bits."""
    return _BY_HARDWARE[codec][0] if codec in _BY_HARDWARE and not is_hdr(colour) else None


def _row(wanted: ChunkFile) -> Encoding:
    row = _ENCODINGS[wanted.codec]
    if not wanted.encoder:
        return row
    _, quantisers, gop = _BY_HARDWARE[wanted.codec]
    return by_hardware(row, wanted.encoder, quantisers=quantisers, gop=gop)


def pixel_format_of(codec: ChunkCodec, colour: ColourTags, *, has_alpha: bool) -> str:
    """FFmpeg's name of how pictures of these colours are stored."""
    row = _ENCODINGS[codec]
    if row.alpha and not has_alpha:
        return "yuv444p10le"
    return row.deep_pixel_format if is_hdr(colour) else row.pixel_format


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFile:
    """What a file is to hold: ``frames`` pictures of ``width`` × ``height``, known by ``key``."""

    path: str
    key: str
    codec: ChunkCodec
    quality: int
    has_alpha: bool
    width: int
    height: int
    frame_rate: FrameRate
    frames: int
    colour: ColourTags = ColourSpace.BT709.tags  # what it says of itself, and its samples are
    light: Light = UNSAID
    encoder: str = ""  # of the table in ``hardware``; "": in software

    @property
    def pixel_format(self) -> str:
        return pixel_format_of(self.codec, self.colour, has_alpha=self.has_alpha)

    @property
    def layout(self) -> Layout:
        """Of the planes that the file takes."""
        layout = layout_of(self.pixel_format)
        assert layout is not None
        return layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that is there, whole."""

    size_bytes: int
    digest: str


def write_chunk(
    wanted: ChunkFile,
    pictures: Iterable[Sequence[Plane]],
    *,
    cores: int,
    tick: Callable[[], None],
    timed: Timed = untimed,
) -> Written:
    """``pictures`` into ``wanted.path``: encoded beside the one that makes them, verified, then published in one step.

    :param pictures: planes as ``wanted.layout`` says, each of ``wanted``'s size (chroma subsampled, rounded up).
    :param tick: called all the while; stops by raising.
    :param timed: hears of ``encode``, ``verify`` and ``publish``.
    :raises EncodeError: it cannot be written or read back. :raises DiskFullError: no room.
    :raises ContractError: the finished file is not what was wanted.
    """
    least_width, least_height = _ENCODINGS[wanted.codec].smallest
    if wanted.width < least_width or wanted.height < least_height:
        raise EncodeError(
            f"would be {wanted.width}x{wanted.height}, and {wanted.codec} begins at {least_width}x{least_height}",
            path=wanted.path,
            hint="Take another codec or a larger size",
        )
    require_room(wanted.path)
    with part_file(wanted.path) as part:
        _encode(wanted, part, pictures, cores, tick, timed)
        with timed("verify"):
            _verify(wanted, part, tick)
            written = Written(size_bytes=part.stat().st_size, digest=digest(str(part), tick))
        with timed("publish"):
            publish(part, wanted.path, tick=tick)
    return written


def found_chunk(wanted: ChunkFile, *, tick: Callable[[], None]) -> Written | None:
    """What lies at ``wanted.path`` already, if it is that and whole."""
    path = Path(wanted.path)
    if key_in(path) != wanted.key:
        return None
    try:
        _verify(wanted, path, tick)
        return Written(size_bytes=path.stat().st_size, digest=digest(str(path), tick))
    except (MediaError, FileNotFoundError):
        return None


def _encode(
    wanted: ChunkFile,
    part: Path,
    pictures: Iterable[Sequence[Plane]],
    cores: int,
    tick: Callable[[], None],
    timed: Timed,
) -> None:
    colour = colour_numbers(wanted.colour)
    with _writing(wanted):
        container = av.open(str(part), "w", format="mov", container_options={"movflags": "use_metadata_tags"})
    encoder = None
    try:
        with _writing(wanted):
            container.metadata[KEY_TAG] = wanted.key
            stream = _stream(wanted, container, cores)
            encoder = EncoderThread(container, _Timed(_encoder(wanted, stream), timed))
        for number, planes in enumerate(pictures):
            frame = frame_of(wanted.layout, planes)
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = colour
            frame.pts, frame.time_base = number, 1 / wanted.frame_rate
            frame.pict_type = PictureType.NONE
            with _writing(wanted):
                encoder.write(frame)
            tick()
        with _writing(wanted):
            encoder.close()
    except BaseException:
        if encoder is not None:
            encoder.abandon()
        else:
            container.close()
        raise
    if _row(wanted).hdr_option is None:
        _annotate(wanted, part)


def _annotate(wanted: ChunkFile, part: Path) -> None:
    """What codecs have no place for in their own stream."""
    light = wanted.light
    try:
        annotate(part, languages={}, mastering_display=light.mastering_display, content_light=light.content_light)
    except OSError as error:
        raise write_error(error, wanted.path) from error
    except (ValueError, struct.error) as error:
        raise EncodeError("was written, but its movie box cannot be read back", path=wanted.path) from error


def _stream(wanted: ChunkFile, container: OutputContainer, cores: int) -> VideoStream:
    row = _row(wanted)
    options = {**row.options(wanted.quality), **row.extra}
    if row.hdr_option:
        options[row.hdr_option] += hdr_parameters(row.encoder, wanted.light)
    if wanted.layout.down:
        options["chroma_sample_location"] = wanted.colour.chroma_location or "left"
    device = HWAccel(row.device) if row.device else None
    stream = container.add_stream(row.encoder, rate=wanted.frame_rate, options=options, hwaccel=device)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = wanted.width, wanted.height, wanted.pixel_format
    context.sample_aspect_ratio = Fraction(1)
    # of long GOPs the encoder is most of the work
    context.thread_count = encoder_threads(cores) if wanted.codec.is_intra else cores
    context.thread_type = "FRAME"
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = colour_numbers(wanted.colour)
    if row.tag:
        context.codec_tag = row.tag
    stream.disposition = Disposition.default
    if wanted.codec is ChunkCodec.HEVC_LONG_GOP and not wanted.encoder:
        context.open(strict=False)
        context.extradata = renumbered(context.extradata or b"")
    return stream


def _encoder(wanted: ChunkFile, stream: VideoStream) -> Encoder:
    """Parameter sets of hardware keep their number, 0: they can stand beside ours."""
    if wanted.codec.is_intra:
        return stream
    reordered = _Reordered(stream)
    return _Renumbered(reordered) if wanted.codec is ChunkCodec.HEVC_LONG_GOP and not wanted.encoder else reordered


class _Timed:
    """An encoder whose work is measured."""

    def __init__(self, encoder: Encoder, timed: Timed) -> None:
        self._encoder, self._timed = encoder, timed

    def encode(self, frame: VideoFrame | None = None) -> list[Packet[Any]]:
        with self._timed("encode"):
            return self._encoder.encode(frame)


class _Reordered:
    """Decoding times by the order of decoding: of pieces of a picture or two, x265 says what was in its memory."""

    def __init__(self, stream: VideoStream) -> None:
        self._stream, self._number = stream, 0

    def encode(self, frame: VideoFrame | None = None) -> list[Packet[VideoStream]]:
        packets = self._stream.encode(frame)
        for packet in packets:
            packet.dts = self._number - _MOST_DELAY
            self._number += 1
        return packets


class _Renumbered:
    """x265 with parameter sets that have a number of their own."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def encode(self, frame: VideoFrame | None = None) -> list[Packet[Any]]:
        return [renumbered_packet(packet) for packet in self._encoder.encode(frame)]


def _verify(wanted: ChunkFile, part: Path, tick: Callable[[], None]) -> None:
    """:raises ContractError: another file than was wanted. :raises EncodeError: it cannot be read back"""
    try:
        video = probe(str(part), tick=tick).picture
        counted = count_pictures(part, wanted.frames, tick) if wanted.codec.is_intra else decode_all(part, tick)
    except CorruptMediaError as error:
        raise EncodeError(f"was written, but cannot be read back: {error.message}", path=wanted.path) from error
    if video is None or counted != wanted.frames:
        raise EncodeError(f"holds {counted} frames instead of {wanted.frames}", path=wanted.path)
    colour = wanted.colour
    checks = {
        "size": ((video.width, video.height), (wanted.width, wanted.height)),
        "frame rate": (video.frame_rate, wanted.frame_rate),
        "colours": (_space(video.colour), _space(colour)),
        "range": (video.colour.range, colour.range),
        "light": (Light(mastering_display=video.mastering_display, content_light=video.content_light), wanted.light),
        "alpha": (video.has_alpha, wanted.has_alpha),
    }
    if wanted.codec.is_intra:
        checks["frames between key frames"] = video.gop.longest, 1
    broken = [f"{name} {found} instead of {meant}" for name, (found, meant) in checks.items() if found != meant]
    if broken:
        raise ContractError(f"would have {'; '.join(broken)}", path=wanted.path, hint=_HINT)


def _space(colour: ColourTags) -> tuple[str | None, str | None, str | None]:
    return colour.primaries, colour.transfer, colour.matrix


@contextmanager
def _writing(wanted: ChunkFile) -> Iterator[None]:
    """Errors in this block are of the file that is written, not of what is shown in it."""
    try:
        yield
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise write_error(error, wanted.path) from error
        raise EncodeError(f"cannot be encoded: {wanted.codec}: {error.strerror or error}", path=wanted.path) from error
