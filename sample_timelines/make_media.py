"""Makes the media of the sample timelines: ``python sample_timelines/make_media.py [--only NAME …] [--out DIR]``.

Every clip shows a camera-like scene (1/f texture under a sub-pixel pan with hand shake, moving objects, grain) and carries
its frame number twice: as digits for people, and as a barcode that survives scaling and lossy encodes (``draw_number``,
``read_number``; also used by tests and benchmarks). A beep at every whole second lets sound be checked against picture.

The same clip is made of the same pictures on every run. A clip appears whole or not at all, and is skipped when it is there.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

Plane = npt.NDArray[Any]

MEDIA = Path(__file__).resolve().parent / "media"
SAMPLE_RATE = 48_000
BEEP_SECONDS = 0.05

# -- numbers in the picture --------------------------------------------------------------------------------------------

_COLUMNS = 16  # the barcode: two rows of cells across the whole width, in a band at the top of height ÷ _BAND
_BAND = 12  # the digits stand in a second band below it
_NUMBER_BITS = 20  # 32 cells: marker 1 0, the number, its CRC-8, marker 0 1
_DIGITS = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71122", "75757", "75717")
"""3 × 5 pixels a digit, one octal figure a row, top first."""


def draw_number(luma: Plane, number: int, *, black: float = 16, white: float = 235) -> None:
    """Draw ``number`` into a luma plane (height × width, upright, any dtype), in place: barcode above, digits below it.

    :param black: sample value of black (limited range, 8 bits: 16; 10 bits: 64).
    :param white: sample value of white (235; 940).
    :raises ValueError: not in [0, 2**20), or the picture is too small (less than 64 × 48).
    """
    if not 0 <= number < 1 << _NUMBER_BITS:
        raise ValueError(f"frame number {number} does not fit in {_NUMBER_BITS} bits")
    height, width = luma.shape
    if width < 4 * _COLUMNS or height < 4 * _BAND:
        raise ValueError(f"{width}x{height} is too small for a readable number")
    word = 0b10 << 30 | number << 10 | _crc8(number) << 2 | 0b01
    band = height // _BAND
    cells = np.array([word >> (31 - i) & 1 for i in range(32)]).reshape(2, _COLUMNS)
    rows = np.arange(band) * 2 // band
    columns = np.arange(width) * _COLUMNS // width
    luma[:band] = np.where(cells[rows][:, columns], white, black)
    scale = max(1, band // 7)
    text = np.zeros((7, 4 * 6 + 1))
    for i, digit in enumerate(f"{number:06d}"[-6:]):
        for y, bits in enumerate(_DIGITS[int(digit)]):
            text[1 + y, 1 + 4 * i : 4 + 4 * i] = [int(bits, 8) >> (2 - x) & 1 for x in range(3)]
    pixels = np.kron(text, np.ones((scale, scale)))[: height - band, :width]
    luma[band : band + pixels.shape[0], : pixels.shape[1]] = np.where(pixels, white, black)


def read_number(luma: Plane, rotation: int = 0) -> int:
    """The number that ``draw_number`` drew, from a decoded luma (or grey) plane of any size, range or bit depth.

    :param rotation: clockwise degrees that turn the stored picture upright (``VideoInfo.rotation``): 0, 90, 180 or 270.
    :raises ValueError: no readable number.
    """
    upright = np.rot90(luma, -rotation // 90)
    height, width = upright.shape
    # the band keeps its share of the height when the picture is scaled; only whole lines were drawn, hence the margins
    band = height / _BAND
    means = np.empty(32)
    for i in range(32):
        row, column = divmod(i, _COLUMNS)
        top, left = band * (row + 0.3) / 2, width * (column + 0.3) / _COLUMNS
        bottom, right = band * (row + 0.7) / 2, width * (column + 0.7) / _COLUMNS
        cell = upright[int(top) : max(int(bottom), int(top) + 1), int(left) : max(int(right), int(left) + 1)]
        means[i] = cell.mean()
    white, black = (means[0] + means[31]) / 2, (means[1] + means[30]) / 2
    if not white > black or abs(means[0] - means[31]) > (white - black) / 2:
        raise ValueError("no frame number in the picture: the corner marks are missing")
    word = sum(1 << (31 - i) for i in range(32) if means[i] > (white + black) / 2)
    number, crc = word >> 10 & 0xFFFFF, word >> 2 & 0xFF
    if crc != _crc8(number):
        raise ValueError("no frame number in the picture: the checksum does not fit")
    return int(number)


def _crc8(number: int) -> int:
    """CRC-8 (polynomial 0x07, start 0xFF) of the number's three bytes: finds every single and double wrong cell."""
    crc = 0xFF
    for byte in number.to_bytes(3, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


# -- the scene ---------------------------------------------------------------------------------------------------------


class Scene:
    """An endless shot over a periodic 1/f texture. ``planes(t)`` gives the picture at time ``t``, in frames.

    :param width: upright luma size; chroma is ``1 >> shift`` of it, ``shift`` as (x, y), (1, 1) for 4:2:0.
    :param bit_depth: 8, or 10 (uint16 samples).
    """

    _PHASES = 4  # the pan moves in quarter pixels; the shifted textures are exact (Fourier shift theorem)

    def __init__(self, seed: int, width: int, height: int, *, shift: tuple[int, int] = (1, 1), bit_depth: int = 8) -> None:
        self.width, self.height, self._shift = width, height, shift
        self._seed = seed
        self._dtype: type[np.unsignedinteger[Any]] = np.uint8 if bit_depth == 8 else np.uint16
        self._unit = 1 << (bit_depth - 8)
        side = 2048 if width > 1280 else 512
        rng = np.random.default_rng(seed)
        # luma 40–200 and ± 9 of grain stay inside 16–235, so that plain unsigned addition never wraps
        self._luma = [self._samples(t, 118, 26, 40, 200) for t in _texture(rng, side, 1.1, self._PHASES)]
        self._chroma = [self._samples(_texture(rng, side, 1.6, 1)[0], 128, 14, 80, 176) for _ in range(2)]
        noise = np.clip(rng.standard_normal((side, side), dtype=np.float32) * 3, -9, 9) * self._unit
        self._grain = noise.round().astype(np.int16).astype(self._dtype)  # modulo 2**bits: adding it subtracts
        angle = rng.uniform(0, 2 * math.pi)
        speed = width / 640  # pixels a frame: six at 4K
        self._velocity = (speed * math.sin(angle) * 0.5, speed * math.cos(angle))
        self._objects = [rng.uniform(size=6) for _ in range(6)]

    def planes(self, t: float) -> tuple[Plane, Plane, Plane]:
        """Luma, Cb, Cr at time ``t`` (frames; fractions for the second field of an interlaced frame)."""
        shake = self.width / 1500
        y = self._velocity[0] * t + shake * math.sin(t * 0.31)
        x = self._velocity[1] * t + shake * math.sin(t * 0.23 + 1)
        quarter = math.floor(x * self._PHASES)
        luma = np.empty((self.height, self.width), self._dtype)
        _fill(luma, self._luma[quarter % self._PHASES], math.floor(y), quarter // self._PHASES)
        sx, sy = self._shift
        chroma = [np.empty((-(-self.height >> sy), -(-self.width >> sx)), self._dtype) for _ in range(2)]
        for plane, tile in zip(chroma, self._chroma, strict=True):
            _fill(plane, tile, math.floor(y) >> sy, math.floor(x) >> sx)
        for thing in self._objects:
            self._draw_object(thing, t, luma, *chroma)
        offset = np.random.default_rng([self._seed, round(t * 2)]).integers(0, len(self._grain), 2)
        _fill(luma, self._grain, int(offset[0]), int(offset[1]), add=True)
        band = 2 * (self.height // _BAND) >> sy
        for plane in chroma:
            plane[:band] = 128 * self._unit
        return luma, chroma[0], chroma[1]

    def _draw_object(self, thing: Plane, t: float, luma: Plane, cb: Plane, cr: Plane) -> None:
        """A flat disc that swings across the picture."""
        radius = self.height * (0.03 + 0.05 * thing[0])
        cy = self.height * (0.55 + 0.35 * math.sin(thing[1] * 6.3 + t * (0.02 + 0.05 * thing[2])))
        cx = self.width * (0.5 + 0.45 * math.sin(thing[3] * 6.3 + t * (0.02 + 0.05 * thing[4])))
        colours = (60 + 130 * thing[5], 90 + 76 * thing[0], 90 + 76 * thing[1])
        for plane, colour, (sx, sy) in zip((luma, cb, cr), colours, ((0, 0), self._shift, self._shift), strict=True):
            x, y, rx, ry = cx / (1 << sx), cy / (1 << sy), radius / (1 << sx), radius / (1 << sy)
            top, left = max(0, int(y - ry)), max(0, int(x - rx))
            part = plane[top : max(0, int(y + ry) + 1), left : max(0, int(x + rx) + 1)]
            rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
            part[((rows - y) / ry) ** 2 + ((columns - x) / rx) ** 2 < 1] = round(colour) * self._unit

    def _samples(self, texture: Plane, mean: float, deviation: float, low: float, high: float) -> Plane:
        scaled = np.clip(texture * deviation + mean, low, high) * self._unit
        return np.asarray(scaled.round().astype(self._dtype))


def _texture(rng: np.random.Generator, side: int, power: float, phases: int) -> list[Plane]:
    """Periodic noise with a 1/f**power spectrum, mean 0 and deviation 1; phase i is shifted left by i/phases pixels."""
    spectrum = np.fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
    fx = np.fft.rfftfreq(side)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], fx)
    frequency[0, 0] = math.inf
    spectrum = spectrum / np.maximum(frequency, 1 / 256) ** power  # flat below 256 pixels, or all would be clouds
    deviation = np.fft.irfft2(spectrum).std()
    return [np.fft.irfft2(spectrum * np.exp(2j * math.pi * fx * i / phases)) / deviation for i in range(phases)]


def _fill(plane: Plane, tile: Plane, top: int, left: int, *, add: bool = False) -> None:
    """Copy (or add) the periodic ``tile``, seen from ``top``, ``left``, over the whole plane."""
    side = len(tile)
    y = 0
    while y < plane.shape[0]:
        from_y = (top + y) % side
        rows = min(side - from_y, plane.shape[0] - y)
        x = 0
        while x < plane.shape[1]:
            from_x = (left + x) % side
            columns = min(side - from_x, plane.shape[1] - x)
            part, source = plane[y : y + rows, x : x + columns], tile[from_y : from_y + rows, from_x : from_x + columns]
            if add:
                part += source
            else:
                part[:] = source
            x += columns
        y += rows


# -- the clips ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    codec: str
    channels: int
    tone_hz: int  # of the beep


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One medium to make. ``width`` × ``height`` are the stored pixels."""

    name: str  # file name; for a sequence the folder, its pictures are NAME/NAME.1001.exr
    container: str  # FFmpeg's name of the muxer; "exr" for a sequence
    codec: str
    pixel_format: str
    width: int
    height: int
    rate: Fraction
    frames: int
    seed: int
    options: dict[str, str] = field(default_factory=dict)
    gop: int = 0
    b_frames: int = 0
    bit_rate: int = 0
    tag: str = ""
    audio: tuple[Audio, ...] = ()
    timecode: str = ""
    colour: tuple[int, int, int] = (1, 1, 1)  # primaries, transfer, matrix (ITU-T H.273); 1: BT.709
    full_range: bool = False
    rotation: int = 0  # clockwise degrees that turn the stored picture upright
    interlaced: bool = False  # top field first
    variable_rate: bool = False
    first_number: int = 1001  # of a sequence

    @property
    def bit_depth(self) -> int:
        return 10 if "10" in self.pixel_format else 8

    def times(self) -> list[Fraction]:
        """Presentation times of the frames in seconds, and the end as one more."""
        if not self.variable_rate:
            return [n / self.rate for n in range(self.frames + 1)]
        # what phones do in changing light: the interval breathes by a quarter, and now and then a frame is late.
        # It averages to the nominal rate over the clip.
        ticks = 90_000 / self.rate
        intervals = [round(ticks * (1 + math.sin(n * 0.7) / 4 + (0.8 if n % 29 == 13 else 0))) for n in range(self.frames)]
        surplus = sum(intervals) - round(ticks * self.frames)
        intervals = [t - (surplus * (n + 1) // self.frames - surplus * n // self.frames) for n, t in enumerate(intervals)]
        return [Fraction(sum(intervals[:n]), 90_000) for n in range(self.frames + 1)]


_STEREO_AAC = (Audio(codec="aac", channels=2, tone_hz=1000),)
_FILM = Fraction(24)
_LONG_GOP = {"preset": "superfast", "sc_threshold": "0"}
_X265 = {"preset": "ultrafast", "x265-params": "log-level=error:frame-threads=2:scenecut=0:open-gop=0:info=0"}
_UHD: dict[str, Any] = {"width": 3840, "height": 2160, "rate": _FILM}

CLIPS: dict[str, Clip] = {
    clip.name: clip
    for clip in (
        *(
            Clip(
                name=name, container="mp4", codec="libx264", pixel_format="yuv420p", frames=frames, seed=seed,
                options=_LONG_GOP, gop=60, b_frames=3, bit_rate=60_000_000, audio=_STEREO_AAC, **_UHD,
            )
            for name, frames, seed in (("A001_C001.mp4", 120, 1), ("A001_C002.mp4", 96, 2))
        ),
        Clip(  # HLG, as cameras record it
            name="B001_C001.mp4", container="mp4", codec="libx265", pixel_format="yuv420p10le", frames=60, seed=3,
            options=_X265, gop=48, bit_rate=50_000_000, tag="hvc1", colour=(9, 18, 9), audio=_STEREO_AAC, **_UHD,
        ),
        Clip(
            name="C001_C001.mov", container="mov", codec="prores_aw", pixel_format="yuv422p10le", width=1920, height=1080,
            rate=_FILM, frames=48, seed=4, options={"profile": "3", "vendor": "apl0"}, timecode="01:00:00:00",
            audio=tuple(Audio(codec="pcm_s24le", channels=1, tone_hz=500 * (i + 1)) for i in range(4)),
        ),
        Clip(
            name="D001_C001.mp4", container="mp4", codec="libx265", pixel_format="yuv420p", width=7680, height=4320, rate=_FILM,
            frames=16, seed=5, options=_X265, gop=16, bit_rate=120_000_000, tag="hvc1",
        ),
        Clip(
            name="PHONE_0001.mp4", container="mp4", codec="libx264", pixel_format="yuv420p", width=1920, height=1080,
            rate=Fraction(30), frames=90, seed=6, options=_LONG_GOP, gop=30, bit_rate=16_000_000, audio=_STEREO_AAC,
            full_range=True, rotation=90, variable_rate=True,
        ),
        Clip(
            name="NEWS_0001.mxf", container="mxf", codec="mpeg2video", pixel_format="yuv422p", width=1920, height=1080,
            rate=Fraction(25), frames=75, seed=7, gop=12, b_frames=2, bit_rate=50_000_000, interlaced=True,
            audio=tuple(Audio(codec="pcm_s16le", channels=1, tone_hz=1000) for _ in range(2)), timecode="10:00:00:00",
        ),
        Clip(
            name="plate", container="exr", codec="exr", pixel_format="gbrpf32le", width=1920, height=1080, rate=_FILM,
            frames=24, seed=8, options={"compression": "zip16", "format": "half"},
        ),
    )
}  # fmt: skip


def make(clip: Clip, folder: Path = MEDIA) -> Path:
    """Make ``clip`` in ``folder`` unless it is there. Returns its path (of the folder, for a sequence)."""
    target = folder / clip.name
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        half_done = workplace / clip.name
        (_write_sequence if clip.container == "exr" else _write_file)(clip, half_done)
        try:
            half_done.replace(target)
        except OSError:
            if not target.exists():  # else another process made the same folder meanwhile
                raise
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return target


def pictures(clip: Clip) -> Iterator[tuple[Plane, ...]]:
    """Yield the (luma, Cb, Cr) planes of each frame of ``clip`` as they are stored: numbered, turned, fields woven."""
    shift = (1, 0) if "422" in clip.pixel_format else (1, 1)
    turned = clip.rotation in (90, 270)
    size = (clip.height, clip.width) if turned else (clip.width, clip.height)
    scene = Scene(clip.seed, *size, shift=shift, bit_depth=clip.bit_depth)
    black, white = (0, 255) if clip.full_range else (16 << clip.bit_depth - 8, 235 << clip.bit_depth - 8)
    for n in range(clip.frames):
        planes = scene.planes(n)
        if clip.interlaced:  # the bottom field is half a frame later
            for plane, later in zip(planes, scene.planes(n + 0.5), strict=True):
                plane[1::2] = later[1::2]
        draw_number(planes[0], n, black=black, white=white)
        yield tuple(np.rot90(plane, clip.rotation // 90) for plane in planes)


def _write_file(clip: Clip, path: Path) -> None:
    with av.open(str(path), "w", format=clip.container) as out:
        video = out.add_stream(clip.codec, rate=clip.rate, options=clip.options)
        assert isinstance(video, av.VideoStream)
        _configure(clip, video)
        sounds = []
        for audio in clip.audio:
            stream = out.add_stream(audio.codec, rate=SAMPLE_RATE, layout="mono" if audio.channels == 1 else "stereo")
            assert isinstance(stream, av.AudioStream)
            sounds.append((audio, stream))
        times = clip.times()
        marker = av.filter.Graph()
        if clip.interlaced:  # PyAV cannot flag a frame as interlaced, the setfield filter can
            pixels = av.VideoFormat(clip.pixel_format)
            source = marker.add_buffer(width=clip.width, height=clip.height, format=pixels, time_base=1 / clip.rate)
            marker.link_nodes(source, marker.add("setfield", "tff"), marker.add("buffersink")).configure()
        durations = dict(zip(times, (b - a for a, b in pairwise(times)), strict=False))

        def mux_pictures(packets: list[Any]) -> None:
            for packet in packets:
                if clip.variable_rate:  # or the last frame's duration would be guessed
                    assert packet.pts is not None
                    packet.duration = int(durations[packet.pts * packet.time_base] / packet.time_base)
                out.mux(packet)

        for n, planes in enumerate(pictures(clip)):
            frame = _frame(clip, planes)
            frame.time_base = Fraction(1, 90_000) if clip.variable_rate else 1 / clip.rate
            frame.pts = int(times[n] / frame.time_base)
            if clip.interlaced:
                marker.push(frame)
                frame = marker.vpull()
            mux_pictures(video.encode(frame))
            for audio, stream in sounds:
                out.mux(stream.encode(_sound(audio, times[n], times[n + 1])))
        mux_pictures(video.encode(None))
        for _, stream in sounds:
            out.mux(stream.encode(None))


def _configure(clip: Clip, video: av.VideoStream) -> None:
    context = video.codec_context
    context.width, context.height, context.pix_fmt = clip.width, clip.height, clip.pixel_format
    context.time_base = Fraction(1, 90_000) if clip.variable_rate else 1 / clip.rate
    context.thread_count = 4  # fixed: the thread count shapes x264's decisions, and so the bytes
    context.gop_size, context.max_b_frames = clip.gop, clip.b_frames
    if clip.bit_rate:
        context.bit_rate = clip.bit_rate
    if clip.tag:
        context.codec_tag = clip.tag
    context.color_primaries, context.color_trc, context.colorspace = clip.colour
    context.color_range = 2 if clip.full_range else 1
    if clip.interlaced:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        context.field_order = 2  # AV_FIELD_TT
    if clip.timecode:
        video.metadata["timecode"] = clip.timecode
    if clip.rotation:
        video.set_display_rotation(-clip.rotation)  # PyAV counts counter-clockwise


def _frame(clip: Clip, planes: tuple[Plane, ...]) -> av.VideoFrame:
    frame = av.VideoFrame(clip.width, clip.height, clip.pixel_format)
    for target, source in zip(frame.planes, planes, strict=True):
        samples = np.frombuffer(memoryview(target), source.dtype).reshape(target.height, -1)
        samples[:, : target.width] = source
    # ProRes writes the tags of the frame, the others those of the encoder
    frame.color_primaries, frame.color_trc, frame.colorspace = clip.colour
    frame.color_range = 2 if clip.full_range else 1
    return frame


def _sound(audio: Audio, start: Fraction, stop: Fraction) -> av.AudioFrame:
    """A beep at every whole second over faint noise, from ``start`` to ``stop`` seconds."""
    first, last = round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE)
    n = np.arange(first, last)
    beep = (n % SAMPLE_RATE < BEEP_SECONDS * SAMPLE_RATE) * 0.5 * np.sin(2 * math.pi * audio.tone_hz / SAMPLE_RATE * n)
    noise = np.random.default_rng([audio.tone_hz, first]).standard_normal(len(n)) * 0.002
    samples = np.repeat(np.round((beep + noise) * 32767).astype(np.int16), audio.channels)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono" if audio.channels == 1 else "stereo")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
    return frame


def _write_sequence(clip: Clip, folder: Path) -> None:
    """One OpenEXR file a picture, scene-linear: display value ** 2.2 with black at 0 and white at 1."""
    folder.mkdir()
    context = av.CodecContext.create(clip.codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = clip.width, clip.height, clip.pixel_format
    context.time_base, context.options = 1 / clip.rate, clip.options
    context.thread_count, context.thread_type = 4, "FRAME"  # several pictures at a time: this encoder knows no other way
    linear = np.clip((np.arange(256, dtype=np.float32) - 16) / 219, 0, 1) ** 2.2
    tint = (1.0, 0.94, 0.97)  # G, B, R: a touch of green, so that swapped channels show

    def write(packets: list[Any]) -> None:
        for packet in packets:
            (folder / f"{clip.name}.{clip.first_number + packet.pts:04d}.exr").write_bytes(bytes(packet))

    for n, (luma, *_) in enumerate(pictures(clip)):
        grey = linear[luma]
        frame = _frame(clip, tuple(grey * np.float32(t) for t in tint))
        frame.pts = n
        write(context.encode(frame))
    write(context.encode(None))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the media of the sample timelines.")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=CLIPS, help=f"of: {', '.join(CLIPS)}")
    parser.add_argument("--out", type=Path, default=MEDIA, metavar="DIR", help="default: media/ beside this script")
    options = parser.parse_args(arguments)
    names = options.only or list(CLIPS)
    for number, name in enumerate(names, 1):
        clip, there = CLIPS[name], (options.out / name).exists()
        print(f"[{number}/{len(names)}] {name}: {_summary(clip)} … ", end="", flush=True)
        started = time.monotonic()
        make(clip, options.out)
        print("is there" if there else f"{time.monotonic() - started:.1f} s", flush=True)
    return 0


def _summary(clip: Clip) -> str:
    codec = clip.codec.removeprefix("lib").removesuffix("video").removesuffix("_ks")
    return f"{clip.width}x{clip.height} {codec}, {clip.frames} frames at {clip.rate} fps"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
