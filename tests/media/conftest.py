"""Small real media, made with PyAV or with the ffmpeg command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest


def _write_movie(
    path: Path,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (128, 96),
    frames: int = 12,
    rate: Fraction = Fraction(25),
    container_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    timecode: str | None = None,
    metadata: dict[str, str] | None = None,
    stamps: list[int] | None = None,
    time_base: Fraction | None = None,
    audio_tracks: int = 0,
    prepare: Callable[[Any], None] | None = None,
) -> Path:
    """A movie whose pictures get brighter by one step a frame; ``stamps`` are in ``time_base``."""
    with av.open(str(path), "w", options=container_options or {}) as output:
        output.metadata.update(metadata or {})
        stream = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.time_base = time_base or 1 / rate
        if timecode:
            stream.metadata["timecode"] = timecode
        if prepare:
            prepare(stream)
        sounds = [output.add_stream("aac", rate=48000, layout="stereo") for _ in range(audio_tracks)]
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 40 + 10 * (number % 20), np.uint8)
            picture[: size[1] // 2, : size[0] // 4] = 250
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)
            frame.pts = stamps[number] if stamps else number
            frame.time_base = time_base or 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        for sound in sounds:
            samples = np.zeros((2, int(frames / rate * 48000)), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
            frame.sample_rate, frame.pts = 48000, 0
            output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return path


@pytest.fixture(scope="session")
def write_movie() -> Callable[..., Path]:
    """``write_movie(path, codec=…, frames=…, …)`` writes a small movie and returns its path."""
    return _write_movie


@pytest.fixture(scope="session")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ordinary movie: 12 frames of H.264 at 25 fps with one stereo track. Never change it: copy it."""
    return _write_movie(tmp_path_factory.mktemp("movie") / "movie.mp4", audio_tracks=1)


@pytest.fixture(scope="session")
def write_picture() -> Callable[..., Path]:
    """``write_picture(path, width, height)`` writes one PNG (the size tells which file was opened)."""

    def write(path: Path, width: int = 32, height: int = 16, value: int = 128) -> Path:
        picture = av.VideoFrame.from_ndarray(np.full((height, width, 3), value, np.uint8), "rgb24")
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "rgb24", Fraction(1, 25)
        path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)]))
        return path

    return write


@pytest.fixture
def make(ffmpeg: Path, tmp_path: Path) -> Callable[..., Path]:
    """``make("name.mov", "-f", "lavfi", …)`` runs the ffmpeg command line and returns the file."""

    def run(name: str, *arguments: str) -> Path:
        path = tmp_path / name
        command = [str(ffmpeg), "-nostdin", "-v", "error", "-y", *arguments, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return path

    return run
