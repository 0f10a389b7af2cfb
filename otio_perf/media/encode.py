"""Writes one proxy: scales each picture once and keeps everything that an editor relies on.

Carried from the source: exact rate, start timecode (shifted to the first frame of a used range), reel name, turning and
mirroring, display aspect, colour tags and range, HDR10 tags, field order, alpha, closed captions, sound (see ``audio``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.codec.hwaccel import HWAccel
from av.container import OutputContainer
from av.stream import Disposition
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from otio_perf.errors import ContractError, EncodeError
from otio_perf.media import picture
from otio_perf.media.contract import shifted_timecode
from otio_perf.media.encoder_thread import EncoderThread
from otio_perf.media.encodings import HDR_TRANSFERS, Encoding, pixel_format_for
from otio_perf.media.painting import Paint, Painter, copied
from otio_perf.media.publish import write_error
from otio_perf.media.quicktime import annotate
from otio_perf.model.colour import Light
from otio_perf.model.media import ColourTags, MediaInfo, VideoInfo
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Codec
from otio_perf.model.timing import FrameRate

#: Metadata key of the finished file that holds ``Product.key``, so that an index can be rebuilt from the files.
KEY_TAG = "otio_perf.key"

#: H.264 and the pixel aspect box hold 16 bits each; x264 reduces to this anyway, and both must say the same.
_MAX_ASPECT = 4096

_MAX_ENCODER_THREADS = 8  # a rung is not worth more

_UNSPECIFIED = 2  # ITU-T H.273
_TV, _PC = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
_NUMBER_OF = [
    {name: number for number, name in names.items()} for names in (picture.PRIMARIES, picture.TRANSFERS, picture.MATRICES)
]
_FIELD_ORDER = {name: number for number, name in picture.FIELD_ORDERS.items()}
_ROTATE_UNIT, _MATRIX_W = 1 << 16, 1 << 30  # 16.16 and 2.30 fixed point


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the pictures of a proxy are stored: what the encoder is told, and what the finished file must say."""

    encoding: Encoding
    pixel_format: str
    colour: ColourTags
    source_range: int  # AVColorRange of the source's pictures
    sample_aspect: Fraction
    departures: frozenset[str]  # clauses of the contract that cannot be kept and need not be: see ``notes``
    notes: tuple[str, ...]


def look_of(product: Product, video: VideoInfo, row: Encoding) -> Look:
    """What ``product`` will look like when it is encoded as ``row`` says.

    :raises ContractError: the codec cannot keep the alpha of this source.
    :raises EncodeError: the codec cannot keep its fields, or the picture is too small for it.
    """
    codec = product.recipe.codec
    _require_possible(product, video, row)
    notes, departures = [], set[str]()
    colour = video.colour
    pixel_format = pixel_format_for(codec, video)
    is_rgb = is_rgb_like(VideoFormat(video.pixel_format))
    matrix = colour.matrix
    if is_rgb:
        matrix = "bt2020nc" if colour.primaries == "bt2020" else "bt709"
    source_is_full = colour.range == "pc" or is_rgb
    keeps_full = source_is_full and row.full_range and not is_rgb
    levels = "pc" if keeps_full else "tv" if source_is_full else colour.range
    if source_is_full and not keeps_full:
        departures.add("colour_range")
        notes.append("full range levels were converted to limited range" if not is_rgb else f"RGB was converted to {matrix}")
    if colour.transfer in HDR_TRANSFERS:
        if "10" not in pixel_format:
            notes.append(f"{codec} has 8 bits: HDR gradients will show bands; prores_proxy or hevc has 10")
        elif codec is Codec.H264:
            notes.append("HDR: H.264 High 10, which some hardware decoders do not read; hevc and prores_proxy are safer")
    if video.has_alpha and not row.alpha:
        departures.add("alpha")  # every frame is checked while it is written: see require_opaque
        notes.append("its alpha channel is opaque everywhere, and left out")
    tags = ColourTags(
        primaries=colour.primaries,
        transfer=colour.transfer,
        matrix=matrix,
        range=levels,
        chroma_location=colour.chroma_location if pixel_format.startswith("yuv420p") else None,
    )
    return Look(
        encoding=row,
        pixel_format=pixel_format,
        colour=tags,
        source_range=_PC if source_is_full else _TV,
        sample_aspect=sample_aspect_of(product, video),
        departures=frozenset(departures),
        notes=tuple(notes),
    )


def _require_possible(product: Product, video: VideoInfo, row: Encoding) -> None:
    codec = product.recipe.codec
    if video.is_interlaced and not row.interlaced:
        raise EncodeError(
            f"is interlaced, and {codec} cannot keep its fields apart",
            path=product.source_path,
            hint="Take --codec h264 or --codec prores_proxy",
        )
    if video.is_interlaced and codec is Codec.H264 and product.height % 4:
        raise EncodeError(
            f"is interlaced, and H.264 fields need a height that 4 divides, not {product.height}",
            path=product.source_path,
            hint="Take another size, or --codec prores_proxy",
        )
    least_width, least_height = row.smallest
    if product.width < least_width or product.height < least_height:
        raise EncodeError(
            f"would become {product.width}x{product.height}, and {codec} begins at {least_width}x{least_height}",
            path=product.source_path,
            hint="Take --codec h264 or a larger size",
        )


def sample_aspect_of(product: Product, video: VideoInfo) -> Fraction:
    """Sample aspect that keeps the display aspect of the source although the size was rounded to even numbers."""
    exact = video.sample_aspect * Fraction(video.width, video.height) / Fraction(product.width, product.height)
    if max(exact.numerator, exact.denominator) <= _MAX_ASPECT:
        return exact
    largest = _MAX_ASPECT if exact < 1 else max(1, math.floor(_MAX_ASPECT / exact))
    return exact.limit_denominator(largest)


def display_matrix(rotation: int, is_mirrored: bool, width: int, height: int) -> tuple[int, ...]:
    """ISO/IEC 14496-12 section 8.3.2 (a b u c d v x y w) for a clockwise turn, then a left-right mirror.

    The offset moves the turned picture back to the positive quadrant, as cameras write it.
    """
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    a, b, c, d = cos, sin, -sin, cos
    if is_mirrored:
        a, c = -a, -c
    x = -min(0, a * width, c * height, a * width + c * height)
    y = -min(0, b * width, d * height, b * width + d * height)
    one = _ROTATE_UNIT
    return a * one, b * one, 0, c * one, d * one, 0, x * one, y * one, _MATRIX_W


def is_rgb_like(pixels: VideoFormat) -> bool:
    """RGB, palettes and XYZ: what has to be converted to Y'CbCr."""
    return pixels.is_rgb or pixels.has_palette or pixels.name.startswith("xyz")


def encoder_threads(cores: int) -> int:
    """Threads of each scaler and encoder of a job that may keep ``cores`` busy.

    On two cores one: it works beside the decoder's threads, and more only get in their way (measured). On more cores half
    of them, for one thread (15 ms a 1080p frame from 4K) would hold them all up.
    """
    return max(1, min(cores // 2, _MAX_ENCODER_THREADS))


@dataclass(slots=True)
class ProxyWriter:
    """Encodes one product into ``part``. ``open`` → ``write`` each frame → ``close``; ``abandon`` on any error.

    Each rung encodes in a thread of its own beside the one that decodes, scales and writes to the file: on two cores,
    two rungs take 0.92 of the time that they take in one thread.
    """

    product: Product
    media: MediaInfo
    rate: FrameRate
    part: Path
    look: Look
    cores: int
    paint: Paint | None = None
    tick: Callable[[], None] = lambda: None  # called while pictures are painted; stops by raising
    written: int = 0
    container: OutputContainer = field(init=False)
    _stream: VideoStream = field(init=False)
    _scaler: VideoReformatter = field(init=False, default_factory=VideoReformatter)
    _needs_alpha_check: bool = field(init=False, default=False)
    _encoder: EncoderThread = field(init=False)
    _painter: Painter | None = field(init=False, default=None)

    def open(self) -> None:
        """Create the file and its video stream; sound is attached to ``container`` afterwards."""
        # mov writes unknown keys only when asked
        self.container = av.open(str(self.part), "w", format="mov", container_options={"movflags": "use_metadata_tags"})
        self.container.metadata[KEY_TAG] = self.product.key
        self._stream = self._add_stream()
        self._needs_alpha_check = self.video.has_alpha and not self.look.encoding.alpha
        self._encoder = EncoderThread(self.container, self._stream)
        if self.paint is not None:
            self._painter = Painter(self.paint, encoder_threads(self.cores), self.tick)

    @property
    def video(self) -> VideoInfo:
        video = self.media.picture
        assert video is not None
        return video

    def _add_stream(self) -> VideoStream:
        product, video, look = self.product, self.video, self.look
        row = look.encoding
        options = {**row.options(product.recipe.quality), **row.extra}
        if look.colour.chroma_location:
            options["chroma_sample_location"] = look.colour.chroma_location
        if row.hdr_option:
            light = Light(mastering_display=video.mastering_display, content_light=video.content_light)
            options[row.hdr_option] += hdr_parameters(row.encoder, light)
        if video.is_interlaced and row.encoder == "libx264":
            options["x264-params"] += ":tff=1" if video.field_order in ("tt", "tb") else ":bff=1"
        device = HWAccel(row.device) if row.device else None
        stream = self.container.add_stream(row.encoder, rate=self.rate, options=options, hwaccel=device)
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = product.width, product.height, look.pixel_format
        context.sample_aspect_ratio = look.sample_aspect
        context.thread_count = encoder_threads(self.cores)
        context.thread_type = "FRAME"
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = colour_numbers(look.colour)
        if row.tag:
            context.codec_tag = row.tag
        if video.is_interlaced:
            context.flags |= Flags.interlaced_dct
            context.field_order = _FIELD_ORDER[video.field_order]
        elif video.field_order == "progressive":
            context.field_order = _FIELD_ORDER["progressive"]
        if video.rotation or video.is_mirrored:
            stream.set_display_matrix(display_matrix(video.rotation, video.is_mirrored, product.width, product.height))
        stream.disposition = Disposition.default
        label = start_timecode(self.media, product, self.rate)
        if label:
            stream.metadata["timecode"] = label
        if self.media.reel:
            stream.metadata["reel_name"] = self.media.reel  # into the timecode track
            self.container.metadata["reel_name"] = self.media.reel  # and where there is no timecode
        return stream

    def write(self, frame: VideoFrame, number: int) -> None:
        """Scale the next frame and hand it to the encoder, painted where the recipe says so.

        :param number: of the frame in the source.
        :raises ContractError: it has transparent pixels and the codec has no alpha.
        """
        if self._needs_alpha_check:
            require_opaque(frame, self.product)
        look, colour = self.look, colour_numbers(self.look.colour)
        levels = colour[3]
        is_rgb = is_rgb_like(frame.format)
        scaled = self._scaler.reformat(
            frame,
            self.product.width,
            self.product.height,
            look.pixel_format,
            dst_colorspace=colour[2] if is_rgb else None,
            interpolation=Interpolation.AREA,
            src_color_range=look.source_range,
            dst_color_range=levels if levels in (_TV, _PC) else look.source_range,
            threads=encoder_threads(self.cores),
        )
        if self._painter is not None and scaled is frame:  # the decoder and other rungs need it as it is
            scaled = copied(frame)
        scaled.color_primaries, scaled.color_trc, scaled.colorspace, scaled.color_range = colour
        scaled.pts, scaled.time_base = self.written, 1 / self.rate
        scaled.pict_type = PictureType.NONE
        for ready in [scaled] if self._painter is None else self._painter.put(scaled, number):
            self._encoder.write(ready)
        self.written += 1

    def close(self) -> None:
        """Flush the encoder and finish the file. :raises DiskFullError, EncodeError: it cannot be finished"""
        if self._painter is not None:
            for ready in self._painter.rest():
                self._encoder.write(ready)
            self._painter.close()
        self._encoder.close()
        needs_boxes = self.look.encoding.hdr_option is None
        try:
            annotate(
                self.part,
                languages={number: track.language for number, track in enumerate(self.media.audio, start=1) if track.language},
                mastering_display=self.video.mastering_display if needs_boxes else None,
                content_light=self.video.content_light if needs_boxes else None,
            )
        except OSError as error:
            raise write_error(error, self.product.path) from error
        except (ValueError, struct.error) as error:
            raise EncodeError("was written, but its movie box cannot be read back", path=self.product.path) from error

    def abandon(self) -> None:
        """Let go of the file after an error; whoever made ``part`` removes it."""
        if self._painter is not None:
            self._painter.close()
        with suppress(AttributeError):  # it was not opened
            self._encoder.abandon()


def start_timecode(media: MediaInfo, product: Product, rate: FrameRate) -> str | None:
    """Label of the product's first frame; ``None`` where neither the source has one nor the range asks for one.

    A used range of a source without timecode is labelled from 00:00:00:00 on: editors count such sources so.
    """
    start = product.source_range.start
    if media.start_timecode is None and start == 0:
        return None
    try:
        return shifted_timecode(media.start_timecode, start, rate)
    except ValueError:  # a label that does not exist at this rate: the comparison says so
        return None


def require_opaque(frame: VideoFrame, product: Product) -> None:
    """:raises ContractError: a pixel of ``frame`` is not fully opaque, or its alpha was dropped by the decoder."""
    if any(component.is_alpha for component in frame.format.components) or frame.format.has_palette:
        alpha = frame.reformat(format="yuva420p").planes[3]
        samples = np.frombuffer(memoryview(alpha), np.uint8).reshape(alpha.height, alpha.line_size)[:, : alpha.width]
        if samples.min() == 255:
            return
    raise ContractError(
        f"has transparent pixels, which {product.recipe.codec} cannot keep",
        path=product.source_path,
        hint="Take --codec prores_4444",
    )


def colour_numbers(colour: ColourTags) -> tuple[int, int, int, int]:
    """Primaries, transfer, matrix and range as FFmpeg numbers them."""
    primaries, transfer, matrix = (
        names.get(name or "", _UNSPECIFIED)
        for names, name in zip(_NUMBER_OF, (colour.primaries, colour.transfer, colour.matrix), strict=True)
    )
    return primaries, transfer, matrix, {"tv": _TV, "pc": _PC}.get(colour.range or "", 0)


def hdr_parameters(encoder: str, light: Light) -> str:
    """HDR10 tags as encoder parameters; ``mastering_display`` is in the very notation of x265."""
    mastering, content = {"libx264": ("mastering-display", "cll"), "libx265": ("master-display", "max-cll")}[encoder]
    text = f":{mastering}={light.mastering_display}" if light.mastering_display else ""
    return text + (f":{content}={light.content_light}" if light.content_light else "")
