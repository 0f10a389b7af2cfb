"""What one decoded frame tells about its stream: colour, alpha, turning, fields, HDR."""

from __future__ import annotations

import re
import struct
import threading
from fractions import Fraction
from functools import cache
from math import atan2, degrees

import av
import av.logging
from av.container import InputContainer
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from otio_perf.model.media import ColourTags

# Names and numbers of ITU-T H.273, spelt as FFmpeg spells them (libavutil/pixdesc.c). 2 is "unspecified".
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
    15: "ipt-c2",
}
RANGES = {1: "tv", 2: "pc"}

#: AVFieldOrder. FFmpeg and cameras write "tb" for interleaved fields with the top one first, "bt" for the bottom one.
FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}

_CHROMA_LOCATIONS = ("left", "center", "topleft", "top", "bottomleft", "bottom")
_DUMPED_VIDEO = re.compile(r"Stream #0:(?P<index>\d+)[^\n]*?: Video: (?P<rest>[^\n]*)")
_dump_lock = threading.Lock()

SideData = dict[Type, bytes]

#: Codecs whose side data PyAV 18.1 must not be asked for: what an ICC profile is called (PNG) it frees twice, and the
#: program dies at the next garbage collection. They carry nothing there that is needed: EXIF turning has its own way.
_PICTURE_CODECS = frozenset("png apng mjpeg jpegls jpegxl jpegxl_anim webp tiff psd bmp gif heif".split())


def chroma_locations(container: InputContainer) -> dict[int, str]:
    """Where chroma samples sit, by stream index, for the streams that say.

    PyAV has no property for it; FFmpeg's own description of the container does, at log level "verbose". The log is
    switched on for the moment and caught: it reaches neither the terminal nor Python's logging.
    """
    with _dump_lock:
        level = av.logging.get_level()
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.INFO)
        try:
            dump: str = container.dumps_format()  # type: ignore[attr-defined]
        finally:
            av.logging.set_level(level)
            av.logging.set_libav_level(av.logging.INFO)
    found = {}
    for match in _DUMPED_VIDEO.finditer(dump):
        rest = re.sub(r"(top|bottom)( coded)? first", "", match["rest"])  # field order: not where chroma sits
        words = re.findall(r"[a-z]+", " ".join(re.findall(r"\(([^()]*)\)", rest)))
        location = next((word for word in words if word in _CHROMA_LOCATIONS), None)
        if location:
            found[int(match["index"])] = location
    return found


def colour_tags(stream: VideoStream, frame: VideoFrame, chroma_location: str | None) -> ColourTags:
    """As the stream says; where it is silent, as its first frame does."""
    context = stream.codec_context

    def name(names: dict[int, str], of_stream: int, of_frame: int) -> str | None:
        return names.get(int(of_stream)) or names.get(int(of_frame))

    is_full = frame.format.name.startswith("yuvj")  # these formats are full range by definition
    return ColourTags(
        primaries=name(PRIMARIES, context.color_primaries, frame.color_primaries),
        transfer=name(TRANSFERS, context.color_trc, frame.color_trc),
        matrix=name(MATRICES, context.colorspace, frame.colorspace),
        range="pc" if is_full else name(RANGES, context.color_range, frame.color_range),
        chroma_location=chroma_location if is_chroma_subsampled(frame.format) else None,
    )


def is_chroma_subsampled(pixels: VideoFormat) -> bool:
    return (pixels.chroma_width(16), pixels.chroma_height(16)) != (16, 16)


def bit_depth(pixels: VideoFormat) -> int:
    return max((component.bits for component in pixels.components), default=8)


def has_alpha(codec: str, pixels: VideoFormat, metadata: dict[str, str]) -> bool:
    """An alpha plane, a palette that may hold transparency, or VP8/VP9's separate alpha (``alpha_mode`` in Matroska)."""
    if any(component.is_alpha for component in pixels.components):
        return True
    if pixels.has_palette and codec in ("png", "apng", "gif", "webp", "tiff"):
        return True
    return any(key.lower() == "alpha_mode" and value == "1" for key, value in metadata.items())


def side_data(frame: VideoFrame, codec: str) -> SideData:
    """What rides on a frame, by kind. Nothing on pictures: see below."""
    if codec in _PICTURE_CODECS:
        return {}
    _name_unknown_side_data()
    return {item.type: bytes(memoryview(item)) for item in frame.side_data}  # type: ignore[attr-defined, arg-type]


def notes(frame: VideoFrame) -> dict[str, str]:
    """The text that travels in a picture's header; nothing where it is not UTF-8 (PyAV reads it strictly)."""
    try:
        return dict(frame.metadata)
    except UnicodeDecodeError:
        return {}


def turning(frame: VideoFrame, data: SideData) -> tuple[int, bool]:
    """Of the display matrix: clockwise degrees (0, 90, 180, 270), then whether it is mirrored left to right *after* that.

    ISO/IEC 14496-12 section 8.3.2: ``x' = a·x + c·y``, ``y' = b·x + d·y``, rows (a b u)(c d v)(x y w), 16.16 fixed point.
    """
    matrix = data.get(Type.DISPLAYMATRIX, b"")
    if len(matrix) < 36:
        return round(-frame.rotation / 90) * 90 % 360, False  # pictures: of their EXIF, and 0 without
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    if not (a or b):
        return 0, False
    angle = degrees(atan2(b, a))
    is_mirrored = a * d - b * c < 0
    turned = 180 - angle if is_mirrored else angle
    return round(turned / 90) * 90 % 360, is_mirrored


def field_order(stream: VideoStream, frame: VideoFrame) -> str:
    """FFmpeg's name. Where the container says nothing (or "progressive") but the frame is interlaced, the frame decides."""
    said = FIELD_ORDERS.get(stream.codec_context.field_order, "unknown")
    if said not in ("unknown", "progressive") or not frame.interlaced_frame:
        return said
    return "tt" if _passes(frame, "eq(interlace_type,TOPFIRST)") else "bb"


def mastering_display(data: SideData) -> str | None:
    """``G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`` in units of 0.00002 and 0.0001 cd/m² (SMPTE ST 2086, as x265 writes it)."""
    packed = data.get(Type.MASTERING_DISPLAY_METADATA, b"")
    if len(packed) < 88:
        return None
    numbers = struct.unpack("=22i", packed[:88])
    values = [Fraction(n, d) if d else Fraction(0) for n, d in zip(numbers[:20:2], numbers[1:20:2], strict=True)]
    has_primaries, has_luminance = numbers[20:22]
    text = ""
    if has_primaries:
        x_y = [round(value * 50_000) for value in values[:8]]
        red, green, blue, white = (x_y[i : i + 2] for i in (0, 2, 4, 6))
        text += "".join(f"{key}({x},{y})" for key, (x, y) in (("G", green), ("B", blue), ("R", red), ("WP", white)))
    if has_luminance:
        least, most = (round(value * 10_000) for value in values[8:10])
        text += f"L({most},{least})"
    return text or None


def content_light(data: SideData) -> str | None:
    """``MaxCLL,MaxFALL`` in cd/m² (CTA-861.3)."""
    packed = data.get(Type.CONTENT_LIGHT_LEVEL, b"")
    if len(packed) < 8:
        return None
    most, average = struct.unpack("=2I", packed[:8])
    return f"{most},{average}" if most or average else None


@cache
def _name_unknown_side_data() -> None:
    """Keep PyAV 18.1 alive: ``frame.side_data`` of a kind that its ``Type`` lacks (EXIF in a PNG or JPEG) ends in SIGSEGV."""

    def unknown(cls: type[Type], value: int) -> Type:
        member = object.__new__(cls)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value  # type: ignore[assignment]
        return member

    if not any(kind.name == "EXIF" for kind in Type):
        Type._missing_ = classmethod(unknown)  # type: ignore[method-assign, assignment]


def _passes(frame: VideoFrame, expression: str) -> bool:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )
    graph.link_nodes(source, graph.add("select", expr=expression), graph.add("buffersink")).configure()
    graph.push(frame)
    graph.push(None)
    try:
        graph.pull()
    except (av.error.EOFError, av.error.BlockingIOError):
        return False
    return True
