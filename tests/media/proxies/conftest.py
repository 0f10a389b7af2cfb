"""Sources whose pictures carry their frame number, proxies of them, and eyes to read both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import Flags

from otio_perf.media.decode import constant_rate, total_frames
from otio_perf.media.probe import probe
from otio_perf.media.transcode import Transcoded, transcode
from otio_perf.model.media import MediaInfo, Sequence
from otio_perf.model.plans import Product
from otio_perf.model.recipes import BurnIn, Codec, Lut, ProxyRecipe
from otio_perf.model.tasks import ProxyTask
from otio_perf.model.timing import FrameRange
from otio_perf.tasks.painting import paint_for
from sample_timelines.make_media import draw_number, read_number


@dataclass(frozen=True, kw_only=True)
class Track:
    """Sound: a tone of 30 ms at every ``beep_every`` frames, in the first channel only."""

    codec: str = "pcm_s16le"
    layout: str = "stereo"
    rate: int = 48000
    start: float = 0.0  # seconds after the first frame
    seconds: float | None = None  # None: as long as the picture
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A movie to be made. ``times`` in seconds for variable rates; otherwise frame ``i`` is shown at ``i / rate``."""

    suffix: str = ".mov"
    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = (320, 180)
    rate: Fraction = Fraction(25)
    frames: int = 40
    times: tuple[Fraction, ...] | None = None
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast"})
    context: dict[str, Any] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    timecode: str | None = None
    reel: str | None = None
    turn: tuple[int, bool] | None = None  # counter-clockwise degrees, then mirrored
    is_transparent: bool = False
    is_bare: bool = False  # grey, without a number
    is_coloured: bool = False  # below the numbers all colours, the same in each picture
    beep_every: int = 25
    fields: bool = False  # even lines white, odd lines black in the lower half
    start: Fraction = Fraction(0)


LONG_GOP = {"preset": "veryfast", "g": "12", "bf": "3", "x264-params": "open-gop=1:b-pyramid=normal:scenecut=0"}


def _picture(source: Source, number: int) -> av.VideoFrame:
    width, height = source.size
    luma = np.tile((np.arange(width) // 2 + number) % 160 + 40, (height, 1)).astype(np.uint8)
    if source.is_bare:
        luma[:] = 120
    if source.fields:
        luma[height // 2 :: 2], luma[height // 2 + 1 :: 2] = 220, 30
    if not source.is_bare:
        draw_number(luma, number)
    if source.is_coloured:
        return _coloured(luma, source)
    if "a" in source.pixels.removeprefix("gr"):
        picture = np.stack([luma, luma, luma, np.full_like(luma, 255)], axis=-1)
        if source.is_transparent:
            picture[height // 2 :, :, 3] = 100
        return av.VideoFrame.from_ndarray(picture, "rgba").reformat(format=source.pixels)
    return av.VideoFrame.from_ndarray(luma, "gray").reformat(format=source.pixels, src_color_range=1, dst_color_range=1)


def _coloured(luma: np.ndarray, source: Source) -> av.VideoFrame:
    height, width = luma.shape
    down, across = np.mgrid[0 : 1 : 1j * height, 0 : 1 : 1j * width]
    colours = np.round(np.stack([across, down, 1 - across], axis=-1) * 255).astype(np.uint8)
    top = height // 4
    colours[:top] = luma[:top, :, None]
    matrix = {1: 1, 9: 9}.get(source.context.get("colorspace", 1), 5)  # swscale's numbers: 5 is BT.601
    is_full = source.context.get("color_range") == 2
    return av.VideoFrame.from_ndarray(colours, "rgb24").reformat(
        format=source.pixels, dst_colorspace=matrix, dst_color_range=2 if is_full else 1
    )


def _sound(track: Track, source: Source) -> np.ndarray:
    seconds = track.seconds if track.seconds is not None else float(source.frames / source.rate)
    samples = np.zeros((int(seconds * track.rate), len(av.AudioLayout(track.layout).channels)), np.int16)
    tone = (np.sin(np.arange(int(0.03 * track.rate)) * 2 * np.pi * 1000 / track.rate) * 20000).astype(np.int16)
    for beep in range(0, source.frames, source.beep_every):
        at = round((float(beep / source.rate) - track.start) * track.rate)
        if 0 <= at < len(samples) - len(tone):
            samples[at : at + len(tone), 0] = tone
    return samples


def write_source(source: Source, path: Path) -> Path:
    """Write it with PyAV, pictures and sound interleaved by the muxer."""
    tick = Fraction(1, 90000) if source.times else 1 / source.rate
    with av.open(str(path), "w") as output:
        stream = output.add_stream(source.codec, rate=source.rate, options=source.options)
        stream.width, stream.height = source.size
        stream.pix_fmt = source.pixels
        stream.codec_context.time_base = tick
        for name, value in source.context.items():
            setattr(stream.codec_context, name, value)
        if source.fields:
            stream.codec_context.flags |= Flags.interlaced_dct
        if source.timecode:
            stream.metadata["timecode"] = source.timecode
        if source.reel:
            stream.metadata["reel_name"] = source.reel
        if source.turn:
            stream.set_display_rotation(source.turn[0], hflip=source.turn[1])
        sounds = []
        for track in source.tracks:
            sound = output.add_stream(track.codec, rate=track.rate, layout=track.layout)
            if track.language:
                sound.metadata["language"] = track.language
            sounds.append(sound)
        for number in range(source.frames):
            frame = _picture(source, number)
            at = source.times[number] if source.times else number / source.rate
            frame.pts, frame.time_base = round((at + source.start) / tick), tick
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        for track, sound in zip(source.tracks, sounds, strict=True):
            samples = _sound(track, source)
            resampler = av.AudioResampler(format=sound.codec_context.format, layout=track.layout, rate=track.rate)
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", track.layout)
            frame.sample_rate, frame.time_base = track.rate, Fraction(1, track.rate)
            at_sample = round((Fraction(track.start) + source.start) * track.rate)
            fifo = av.AudioFifo()
            for part in resampler.resample(frame):
                part.pts = None
                fifo.write(part)
            size = sound.codec_context.frame_size or 1024
            while piece := fifo.read(size) or fifo.read(size, partial=True):
                piece.pts, piece.time_base = at_sample, Fraction(1, track.rate)
                at_sample += piece.samples
                output.mux(sound.encode(piece))
            output.mux(sound.encode(None))
    return path


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``source(Source(…))`` → path; equal sources are made once a session. Never change the file: copy it."""
    folder = tmp_path_factory.mktemp("sources")
    made: dict[str, Path] = {}

    def make(spec: Source) -> Path:
        key = repr(spec)
        if key not in made:
            made[key] = write_source(spec, folder / f"clip{len(made)}{spec.suffix}")
        return made[key]

    return make


@dataclass(frozen=True)
class Made:
    task: ProxyTask
    result: Transcoded

    @property
    def paths(self) -> list[Path]:
        return [Path(product.path) for product in self.result.products]


def plan(
    medium: Path | Sequence | MediaInfo,
    folder: Path,
    *,
    rungs: tuple[str, ...] = ("half",),
    codec: Codec = Codec.H264,
    quality: int = 60,
    ranges: tuple[tuple[int, int], ...] | None = None,
    rate: Fraction | None = None,
    lut: Lut | None = None,
    burn_in: tuple[BurnIn, ...] = (),
) -> ProxyTask:
    """What the planner would ask for."""
    media = medium if isinstance(medium, MediaInfo) else probe(medium if isinstance(medium, Sequence) else str(medium))
    video = media.picture
    assert video
    at = constant_rate(media, rate)
    products = []
    for rung in rungs:
        recipe = ProxyRecipe(rung=rung, codec=codec, quality=quality, lut=lut, burn_in=burn_in)
        width, height = recipe.size_for(video.width, video.height, rotation=video.rotation, sample_aspect=video.sample_aspect)
        for start, stop in ranges or ((0, total_frames(media, at)),):
            name = f"{Path(media.path).stem}_{rung}_{codec}_{start}.mov"
            products.append(
                Product(
                    key=f"{name}:{media.fingerprint}",
                    source_path=media.path,
                    source_fingerprint=media.fingerprint,
                    recipe=recipe,
                    path=str(folder / name),
                    source_range=FrameRange(start, stop, at),
                    width=width,
                    height=height,
                )
            )
    return ProxyTask(media=media, products=tuple(products), constant_rate=rate, workspace=str(folder))


@pytest.fixture
def proxies(tmp_path: Path) -> Callable[..., Made]:
    """``proxies(path, rungs=…, codec=…, ranges=…)`` plans and makes proxies in a fresh folder."""

    def make(medium: Any, **options: Any) -> Made:
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        task = plan(medium, folder, **options)
        return Made(task, transcode(task, progress=lambda done: None, cancelled=lambda: False, paint_for=paint_for))

    return make


@pytest.fixture(scope="session")
def new_plan() -> Callable[..., ProxyTask]:
    return plan


@pytest.fixture(scope="session")
def new_source() -> type[Source]:
    return Source


@pytest.fixture(scope="session")
def new_track() -> type[Track]:
    return Track


@pytest.fixture(scope="session")
def long_gop() -> Source:
    """H.264 with B-frame pyramid and open GOPs of 12: what cameras and hosts deliver."""
    return Source(options=LONG_GOP, frames=60)


@pytest.fixture(scope="session")
def variant() -> Callable[..., Source]:
    return replace


@pytest.fixture(scope="session")
def numbers() -> Callable[[Path], list[int]]:
    """The number in every picture of a file, in presentation order."""

    def read(path: Path) -> list[int]:
        with av.open(str(path)) as container:
            found = []
            for frame in container.decode(video=0):
                gray = frame.reformat(format="gray").planes[0]
                luma = np.frombuffer(memoryview(gray), np.uint8).reshape(gray.height, gray.line_size)[:, : gray.width]
                found.append(read_number(luma))
            return found

    return read


@pytest.fixture(scope="session")
def beeps() -> Callable[..., list[float]]:
    """Seconds, after the first frame, at which tones begin in the first channel of audio track ``track``."""

    def hear(path: Path, track: int = 0) -> list[float]:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            origin = float((video.start_time or 0) * video.time_base)
            sound = container.streams.audio[track]
            rate = sound.codec_context.sample_rate
            loud: list[float] = []
            resampler = av.AudioResampler(format="s16", layout=sound.codec_context.layout, rate=rate)
            channels = sound.codec_context.channels
            for frame in container.decode(sound):
                at = float(frame.pts * frame.time_base)
                for part in resampler.resample(frame):
                    first = np.abs(part.to_ndarray().reshape(-1, channels)[:, 0].astype(int))
                    loud += [at + i / rate for i in np.flatnonzero(first > 6000)]
            starts = [t for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.1]
            return [start - origin for start in starts]

    return hear
