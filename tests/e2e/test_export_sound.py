"""``otio-perf render``: how many channels a movie has, and what becomes of the pitch of what is played faster."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from av.audio.resampler import AudioResampler

Command = Callable[..., Any]
Time, Range = otio.opentime.RationalTime, otio.opentime.TimeRange


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder with a timeline of two seconds: a picture, and a tone of 440 Hz, left only, half as fast again."""
    with av.open(str(tmp_path / "shot.mov"), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000, layout="stereo")
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), 90 + number, np.uint8), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = 16000 * np.sin(2 * np.pi * 440 * np.arange(4 * 48000) / 48000)
        samples = np.stack([tone, np.zeros_like(tone)], 1).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux([*sound.encode(frame), *sound.encode(None)])
    timeline = otio.schema.Timeline("cut", global_start_time=Time(0, 25))
    for kind in ("Video", "Audio"):
        reference = otio.schema.ExternalReference("shot.mov", Range(Time(0, 25), Time(100, 25)))
        clip = otio.schema.Clip("shot", reference, Range(Time(0, 25), Time(50, 25)))
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=1.5))
        timeline.tracks.append(otio.schema.Track(kind, children=[clip], kind=kind))
    otio.adapters.write_to_file(timeline, str(tmp_path / "cut.otio"))
    return tmp_path


def heard(film: Path, otio_perf: Command, output: str, *words: str) -> np.ndarray:
    done = otio_perf("render", "cut.otio", "-o", output, "--json", "-", *words, cwd=film)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    with av.open(str(film / output)) as movie:
        layout = movie.streams.audio[0].codec_context.layout
        assert layout.name.removesuffix("(side)") == answer["sound"]["layout"]
        packed = AudioResampler(format="flt", layout=layout, rate=48000)
        frames = [part.to_ndarray() for frame in movie.decode(audio=0) for part in packed.resample(frame)]
    return np.concatenate(frames, axis=1).reshape(-1, layout.nb_channels)


def pitch(samples: np.ndarray) -> float:
    cut = samples[4800:91200]
    return float(np.abs(np.fft.rfft(cut * np.hanning(len(cut)))).argmax() * 48000 / len(cut))


def test_the_pitch_follows_or_is_kept(film: Path, otio_perf: Command) -> None:
    followed, kept = heard(film, otio_perf, "a.mov"), heard(film, otio_perf, "b.mov", "--pitch", "keep")
    assert len(followed) == len(kept) == 96000
    assert pitch(followed[:, 0]) == pytest.approx(660, abs=1)
    assert pitch(kept[:, 0]) == pytest.approx(440, abs=1)


CHANNELS = [("mono", "a.mov", 1), pytest.param("5.1", "b.mov", 6, marks=pytest.mark.slow), ("7.1", "c.mp4", 8)]


@pytest.mark.parametrize(("words", "output", "channels"), CHANNELS)
def test_as_many_channels_as_are_asked_for(words: str, output: str, channels: int, film: Path, otio_perf: Command) -> None:
    found = heard(film, otio_perf, output, "--audio", words)
    assert found.shape[1] == channels
    peaks = np.abs(found).max(axis=0)
    assert peaks[0] == pytest.approx(0.25 if channels == 1 else 0.488, abs=0.03)
    assert (peaks[1:] < 0.01).all()


def test_words_that_are_none_are_refused(film: Path, otio_perf: Command) -> None:
    for words in (["--audio", "quad"], ["--pitch", "up"]):
        assert otio_perf("render", "cut.otio", "-o", "a.mov", *words, cwd=film).returncode == 2


def test_sound_that_is_damaged_is_named_by_its_file(film: Path, otio_perf: Command) -> None:
    hiss = film / "hiss.flac"
    samples = np.random.default_rng(1).integers(-9000, 9000, (1, 2 * 96000), np.int16)
    with av.open(str(hiss), "w") as container:
        stream = container.add_stream("flac", rate=48000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    data = bytearray(hiss.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 60000] = bytes(60000)
    hiss.write_bytes(data)
    timeline = otio.adapters.read_from_file(str(film / "cut.otio"))
    reference = otio.schema.ExternalReference("hiss.flac", Range(Time(0, 25), Time(50, 25)))
    timeline.tracks[1][:] = [otio.schema.Clip("hiss", reference, Range(Time(0, 25), Time(50, 25)))]
    otio.adapters.write_to_file(timeline, str(film / "cut.otio"))
    done = otio_perf("render", "cut.otio", "-o", "a.mov", cwd=film)
    assert done.returncode != 0
    assert "hiss.flac: the sound of hiss" in " ".join(done.stderr.split())
    assert not (film / "a.mov").exists()
