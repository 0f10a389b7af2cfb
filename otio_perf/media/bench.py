"""Bench primitives: how long this machine takes to decode, scale, composite, filter and encode.

Footage is synthetic and deterministic: textures with the 1/f spectrum of natural pictures that move at fractions of a
pixel in three directions, with film grain. Clips live in memory as packets, so that no disk disturbs the timing. Encoder
settings are those of camera and delivery files (entropy coding, deblocking and B-frames on), since these decide what
decoding costs. ``tasks.calibrate`` turns the readings into a machine profile.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import av.error
import numpy as np
from av.codec import Capabilities
from av.filter import Graph
from numpy.typing import NDArray

from otio_perf.media.encodings import ENCODINGS
from otio_perf.model.recipes import Codec

_RATE = Fraction(25)
#: Textures are made once at this size; smaller clips are cut from them. Clips may be up to 1/1.1 of it.
_TEXTURE = (2880, 1620)
_TILES = (7, 5)  # across, down
#: Sub-pixel phases (x, y) of the moving texture: motion compensation by whole pixels is cheaper than real motion.
_PHASES = ((0.0, 0.0), (0.5, 0.25), (0.25, 0.75), (0.75, 0.5))

#: What an encoder raises that this build of FFmpeg lacks, or that refuses.
UNAVAILABLE: tuple[type[Exception], ...] = (av.error.FFmpegError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchCodec:
    """One kind of media to measure; ``options`` are the encoder's for each quality, best first."""

    key: str  # of MachineProfile.decode
    encoder: str
    decoder: str
    pixel_format: str
    gop: int
    clips: tuple[tuple[int, int, int, int], ...]  # width, height, frames and quality: they tell pixels from bits
    options: tuple[dict[str, str], ...]


def _crf(best: int, worse: int, **fixed: str) -> tuple[dict[str, str], ...]:
    return tuple({"crf": str(crf), **fixed} for crf in (best, worse))


def _quantiser(best: int, worse: int, **fixed: str) -> tuple[dict[str, str], ...]:
    return tuple({"qmin": str(q), "qmax": str(q), "b": "2000000000", **fixed} for q in (best, worse))


def _x265(best: int, worse: int) -> tuple[dict[str, str], ...]:
    fixed = "sao=1:ref=2:bframes=2:b-adapt=0:rc-lookahead=3:log-level=none"
    return tuple({"preset": "superfast", "x265-params": f"crf={crf}:{fixed}"} for crf in (best, worse))


def _proxy(codec: Codec) -> tuple[dict[str, str], ...]:
    """All-intra, as this package makes its proxies: without the loop filters of camera files it decodes much faster."""
    return tuple(ENCODINGS[codec].options(quality) for quality in (80, 50))


_X264 = _crf(19, 28, preset="superfast", bf="2", refs="2", **{"rc-lookahead": "3"})
_X265 = _x265(20, 30)
_VP9 = _crf(30, 48, deadline="realtime", b="0", **{"cpu-used": "8", "row-mt": "1", "lag-in-frames": "0"})
_AV1 = _crf(32, 48, preset="11", **{"svtav1-params": "lookahead=0"})
_MPEG = _quantiser(3, 10, bf="2")
_PRORES = ({"profile": "3"}, {"profile": "0"})
_DNXHR = ({"profile": "dnxhr_hq"}, {"profile": "dnxhr_lb"})
_EXR = ({"compression": "zip16", "format": "half"},) * 2
_J2K = ({"layer_rates": "8"}, {"layer_rates": "24"})

# A small clip of both qualities gives the price of a bit, a large one that of a pixel: large frames outgrow the caches.
_GROUPS = ((640, 360, 12, 0), (640, 360, 12, 1), (2560, 1440, 5, 1))  # closed groups of pictures
_INTRA = ((640, 360, 4, 0), (640, 360, 4, 1), (1920, 1080, 3, 1))
_STILL = ((320, 180, 3, 0), (320, 180, 3, 1), (640, 360, 3, 1))

#: The commonest and the cheapest to measure first: a busy machine does not get to the end. VP9 and AV1 encode at their
#: fastest speed: what decoding costs follows pixels and bits.
CODECS: tuple[BenchCodec, ...] = tuple(
    BenchCodec(key=key, encoder=encoder, decoder=decoder, pixel_format=form, gop=gop, clips=clips, options=options)
    for key, encoder, decoder, form, gop, clips, options in (
        ("h264", "libx264", "h264", "yuv420p", 12, _GROUPS, _X264),
        ("hevc:10", "libx265", "hevc", "yuv420p10le", 12, _GROUPS, _X265),
        ("prores", "prores_aw", "prores", "yuv422p10le", 1, _INTRA, _PRORES),
        ("h264:intra", "libx264", "h264", "yuv420p", 1, _INTRA, _proxy(Codec.H264)),
        ("dnxhd", "dnxhd", "dnxhd", "yuv422p", 1, _INTRA, _DNXHR),
        ("mjpeg", "mjpeg", "mjpeg", "yuvj420p", 1, _INTRA, _quantiser(2, 8)),
        ("mpeg2video", "mpeg2video", "mpeg2video", "yuv420p", 12, _GROUPS, _MPEG),
        ("exr", "exr", "exr", "gbrpf32le", 1, _STILL, _EXR),
        ("hevc", "libx265", "hevc", "yuv420p", 12, _GROUPS, _X265),
        ("h264:10", "libx264", "h264", "yuv420p10le", 12, _GROUPS, _X264),
        ("png", "png", "png", "rgb24", 1, _STILL, ({"compression_level": "3"},) * 2),
        ("vp9", "libvpx-vp9", "vp9", "yuv420p", 12, _GROUPS, _VP9),
        ("av1", "libsvtav1", "libdav1d", "yuv420p10le", 12, _GROUPS, _AV1),
        ("mpeg4", "mpeg4", "mpeg4", "yuv420p", 12, _GROUPS, _MPEG),
        ("jpeg2000", "jpeg2000", "jpeg2000", "rgb24", 1, _STILL[:2], _J2K),
        ("hevc:intra", "libx265", "hevc", "yuv420p", 1, _INTRA, _proxy(Codec.HEVC)),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A short clip in memory. ``packets`` is one closed GOP (or all frames of an intra codec)."""

    codec: BenchCodec
    width: int
    height: int
    packets: tuple[bytes, ...]
    extradata: bytes | None

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def megabits(self) -> float:
        """Mean megabits of a frame."""
        return sum(map(len, self.packets)) * 8e-6 / len(self.packets)

    @property
    def keyframe(self) -> Clip:
        """The first picture alone."""
        return replace(self, packets=self.packets[:1])


@functools.cache
def _textures() -> tuple[tuple[NDArray[np.int16], ...], NDArray[np.int8]]:
    """Luma-like textures (one a phase, 10-bit values) and a tile of grain."""
    width, height = _TEXTURE
    random = np.random.default_rng(20)
    fx = np.fft.rfftfreq(width).astype(np.float32)[None, :]
    fy = np.fft.fftfreq(height).astype(np.float32)[:, None]
    radius = np.sqrt(fx * fx + fy * fy)
    radius[0, 0] = 1
    shape = radius.shape
    spectrum = (random.standard_normal(shape, np.float32) + 1j * random.standard_normal(shape, np.float32)) / radius**1.15
    planes = []
    for px, py in _PHASES:
        shift = np.exp(2j * np.pi * (fx * px + fy * py)).astype(np.complex64)
        plane = np.fft.irfft2(spectrum * shift, s=(height, width)).astype(np.float32)
        plane /= plane.std()
        planes.append(np.clip(np.tanh(plane * 1.2) * 280 + np.sign(np.sin(plane * 2.2)) * 56 + 480, 64, 940).astype(np.int16))
    grain = np.clip(np.round(random.standard_normal((_TEXTURE[1], _TEXTURE[0]), np.float32) * 8), -60, 60).astype(np.int8)
    return tuple(planes), grain


def footage(width: int, height: int, frames: int, pixel_format: str) -> Iterator[av.VideoFrame]:
    """``frames`` pictures of moving texture with grain.

    :raises ValueError: larger than the texture they are cut from.
    """
    if width * 1.1 > _TEXTURE[0] or height * 1.1 > _TEXTURE[1]:
        raise ValueError(f"bench footage of {width}x{height} is larger than {_TEXTURE[0]}x{_TEXTURE[1]}")
    textures, grain = _textures()
    for index in range(frames):
        luma = np.empty((height, width), np.int16)
        # tiles that move each their own way, as the parts of a scene do when the camera moves
        for tile in range(_TILES[0] * _TILES[1]):
            row, column = divmod(tile, _TILES[0])
            top, bottom = height * row // _TILES[1], height * (row + 1) // _TILES[1]
            left, right = width * column // _TILES[0], width * (column + 1) // _TILES[0]
            x = left + (40 + (tile * 5 % 13 - 6) * index) % (_TEXTURE[0] - width)
            y = top + (9 + (tile * 3 % 7 - 3) * index) % (_TEXTURE[1] - height)
            texture = textures[(index * (1 + tile % 3) + tile) % len(textures)]
            luma[top:bottom, left:right] = texture[y : y + bottom - top, x : x + right - left]
        x, y = index * 37 % (_TEXTURE[0] - width), index * 61 % (_TEXTURE[1] - height)
        luma += grain[y : y + height, x : x + width]
        chroma = [luma[off::2, off::2] // 4 + 384 for off in (0, 1)]
        planes = [luma, *chroma]
        frame = av.VideoFrame(width, height, "yuv420p10le")
        for plane, target in zip(planes, frame.planes, strict=True):
            view = np.frombuffer(memoryview(target), np.uint16).reshape(target.height, target.line_size // 2)
            view[:, : plane.shape[1]] = plane
        frame.pts = index
        frame.time_base = 1 / _RATE
        yield frame if pixel_format == frame.format.name else _converted(frame, pixel_format, index)


def _converted(frame: av.VideoFrame, pixel_format: str, pts: int) -> av.VideoFrame:
    other = frame.reformat(format=pixel_format, interpolation="FAST_BILINEAR")
    other.pts, other.time_base = pts, 1 / _RATE
    return other


def encode_clip(codec: BenchCodec, width: int, height: int, *, quality: int, frames: int) -> Clip:
    """A clip of ``frames`` pictures.

    :raises UNAVAILABLE: this build of FFmpeg lacks the encoder, or it refuses.
    """
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes its settings to standard error otherwise
    encoder = _encoder(codec.encoder, width, height, codec.pixel_format, codec.gop, codec.options[quality])
    packets = [bytes(p) for frame in footage(width, height, frames, codec.pixel_format) for p in encoder.encode(frame)]
    packets += [bytes(p) for p in encoder.encode(None)]
    return Clip(codec=codec, width=width, height=height, packets=tuple(p for p in packets if p), extradata=encoder.extradata)


def _encoder(name: str, width: int, height: int, pixel_format: str, gop: int, options: dict[str, str]) -> av.VideoCodecContext:
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixel_format
    encoder.time_base, encoder.framerate, encoder.gop_size = 1 / _RATE, _RATE, gop
    encoder.options = options
    return encoder


def encode_cpu_ms_per_megapixel(*, quality: int = 60) -> dict[str, float]:
    """Processor milliseconds to encode a megapixel, by proxy codec; codecs that this FFmpeg lacks are left out."""
    width, height, frames = 1280, 720, 8
    found = {}
    for codec, row in ENCODINGS.items():
        pictures = list(footage(width, height, frames, row.pixel_format))
        try:
            encoder = _encoder(row.encoder, width, height, row.pixel_format, 1, {**row.extra, **row.options(quality)})
            encoder.open()

            def work(encoder: av.VideoCodecContext = encoder, pictures: list[av.VideoFrame] = pictures) -> int:
                for picture in [*pictures, None]:
                    encoder.encode(picture)
                return frames

            found[codec.value] = _reading(work).cpu_ms / (width * height / 1e6)
        except UNAVAILABLE:
            continue
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Milliseconds per frame: wall clock, and processor time summed over all threads."""

    wall_ms: float
    cpu_ms: float
    frames: int


def _reading(work: Callable[[], int]) -> Reading:
    """``work`` returns how many frames it did."""
    cpu, wall = time.process_time(), time.perf_counter()
    done = max(1, work())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Reading(wall_ms=wall * 1e3 / done, cpu_ms=cpu * 1e3 / done, frames=done)


def typical_parallel(codec: BenchCodec, cores: int) -> float:
    """Cores that this decoder keeps busy in playback, by the kind of threads it has.

    Seen on two cores: frame threads 0.86–0.98 of them, dav1d 0.82, slices alone 0.73; MJPEG has no threads.
    """
    capabilities = av.Codec(codec.decoder, "r").capabilities
    for kind, share in (
        (Capabilities.frame_threads, 0.93),
        (Capabilities.auto_threads, 0.82),
        (Capabilities.slice_threads, 0.75),
    ):
        if capabilities & kind:
            return max(1.0, share * cores)
    return 1.0


def decode(clip: Clip, *, seconds: float) -> Reading:
    """Sequential playback with as many threads as FFmpeg chooses, which is how editors open media.

    The clip is played round and round, at least twice, until ``seconds`` have passed.
    """
    decoder = av.CodecContext.create(clip.codec.decoder, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_type, decoder.thread_count = "AUTO", 0
    decoder.width, decoder.height = clip.width, clip.height
    if clip.extradata:
        decoder.extradata = clip.extradata
    packets = [av.Packet(p) for p in clip.packets]

    def play() -> int:
        done, rounds, end = 0, 0, time.perf_counter() + seconds
        while rounds < 2 or time.perf_counter() < end:
            rounds += 1
            for packet in packets:
                done += len(decoder.decode(packet))
        return done + len(decoder.decode(None))

    return _reading(play)


def scale_ms_per_megapixel() -> float:
    """Area scaling to half size, per megapixel of the source."""
    width, height = 1920, 1080
    (frame,) = footage(width, height, 1, "yuv420p")
    return _best(lambda: frame.reformat(width // 2, height // 2, interpolation="AREA")) / (width * height / 1e6)


def filter_ms_per_megapixel(description: str, *, layers: int) -> float:
    """One pass of a libavfilter graph over full-size layers, per megapixel of the canvas.

    :param description: the filter between the sources and the sink, such as ``"overlay"``.
    """
    width, height = 1280, 720
    graph = Graph()
    pictures = list(footage(width, height, layers, "yuv420p"))
    sources = [
        graph.add_buffer(width=width, height=height, format=av.VideoFormat("yuv420p", width, height), time_base=1 / _RATE)
        for _ in pictures
    ]
    name, _, arguments = description.partition("=")
    node, sink = graph.add(name, arguments), graph.add("buffersink")
    for pad, source in enumerate(sources):
        source.link_to(node, 0, pad)
    node.link_to(sink)
    graph.configure()
    counter = iter(range(1 << 30))

    def once() -> None:
        pts = next(counter)
        for source, picture in zip(sources, pictures, strict=True):
            picture.pts = pts
            source.push(picture)
        graph.pull()

    once()
    return _best(once) / (width * height / 1e6)


def _best(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of several calls: each is short enough to slip between other programs' time slices."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) * 1e3
