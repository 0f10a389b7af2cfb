"""Sound by sample number: what FFmpeg decodes, at the same place from wherever reading begins."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.errors import MediaError
from otio_perf.media.probe import probe
from otio_perf.media.sound import SoundReader, Stretched
from otio_perf.model.media import MediaInfo

RATE = 48000
SECONDS = 8


def reader(info: MediaInfo, *, rate: int = RATE, speed: Fraction = Fraction(1)) -> SoundReader:
    return SoundReader(info, info.audio[0].stream_index, rate, speed=speed)


def whole(info: MediaInfo, count: int, *, rate: int = RATE, speed: Fraction = Fraction(1)) -> np.ndarray:
    """The first ``count`` samples, in the blocks in which a mixer asks."""
    source = reader(info, rate=rate, speed=speed)
    parts = [source.read(first, min(rate, count - first)) for first in range(0, count, rate)]
    source.close()
    return np.concatenate(parts)


def decoded(ffmpeg: Path, path: Path, *filters: str) -> np.ndarray:
    """All sound of a file, as the ffmpeg command line has it."""
    command = [str(ffmpeg), "-nostdin", "-v", "error", "-i", str(path), "-map", "0:a:0", *filters, "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    channels = probe(str(path)).audio[0].channels
    return np.frombuffer(done.stdout, "<f4").reshape(-1, channels)


@pytest.fixture(scope="module")
def chirp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rising tone with noise in it: no two places are alike. Floats, two channels that differ."""
    time = np.arange(SECONDS * RATE) / RATE
    noise = np.random.default_rng(1).standard_normal(len(time))
    left = 0.3 * np.sin(2 * np.pi * (200 + 40 * time) * time) + 0.05 * noise
    path = tmp_path_factory.mktemp("chirp") / "chirp.f32"
    np.stack([left, 0.8 * np.roll(left, 777)], 1).astype("<f4").tofile(path)
    return path


PICTURES = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate=25:duration={SECONDS}"]
#: Name, encoder and its options, and by how much random access may differ from reading through: decoders of AC-3 fill empty
#: bands with noise of their own, others carry rounding over.
FORMATS = [
    ("a.wav", ["pcm_s16le"], 0),
    ("a24.wav", ["pcm_s24le"], 0),
    ("a32.wav", ["pcm_f32le"], 0),
    ("a8.wav", ["pcm_u8"], 0),
    ("a.aiff", ["pcm_s16be"], 0),
    ("a.flac", ["flac"], 0),
    ("a.wv", ["wavpack"], 0),
    ("a.m4a", ["aac", "-aac_pns", "0"], 1e-6),
    ("a.mp3", ["libmp3lame", "-q:a", "4"], 1e-6),
    ("a.opus", ["libopus"], 1e-6),
    ("a.ogg", ["libvorbis"], 1e-6),
    ("a.ac3", ["ac3"], 0.15),
    ("v.mov", ["pcm_s16le"], 0),
    ("v.mp4", ["aac", "-aac_pns", "0"], 1e-6),
    ("v.mxf", ["pcm_s16le"], 0),
    ("v.avi", ["pcm_s16le"], 0),
    ("v.ts", ["mp2"], 1e-4),
    ("v.mkv", ["pcm_s16le"], 0),
    ("va.mkv", ["aac", "-aac_pns", "0"], 1e-6),
    ("vf.mkv", ["flac"], 0),
    ("vo.mkv", ["libopus"], 1e-6),
]


@pytest.mark.parametrize(("name", "codec", "tolerance"), FORMATS, ids=[name for name, _, _ in FORMATS])
def test_a_sample_is_the_same_from_wherever_reading_begins(
    name: str, codec: list[str], tolerance: float, chirp: Path, make: Callable[..., Path], ffmpeg: Path
) -> None:
    raw = ["-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", str(chirp)]
    pictures = [*PICTURES, "-c:v", "mpeg2video" if name.endswith((".mxf", ".ts")) else "mpeg4"] if name[0] == "v" else []
    inputs = [*PICTURES, *raw, *pictures[len(PICTURES) :]] if pictures else raw
    path = make(name, *inputs, "-c:a", *codec)
    info = probe(str(path))
    through = whole(info, (SECONDS + 1) * RATE)
    expected = decoded(ffmpeg, path)
    begins = round((info.audio[0].start_time - (info.picture.start_time if info.picture else info.audio[0].start_time)) * RATE)
    cut = max(0, -begins)
    shared = min(len(expected) - cut, len(through) - max(0, begins))
    assert shared > (SECONDS - 1) * RATE
    assert np.abs(through[max(0, begins) :][:shared] - expected[cut:][:shared]).max() < 1e-6
    jumps = random.Random(3)
    source = reader(info)
    for _ in range(8):
        first, count = jumps.randrange(0, (SECONDS - 1) * RATE), jumps.randrange(1, 4000)
        assert np.abs(source.read(first, count) - through[first : first + count]).max() <= tolerance
    source.close()
    assert not source.damage


def test_there_is_silence_around_a_stream(make: Callable[..., Path]) -> None:
    path = make("a.wav", "-f", "lavfi", "-i", "aevalsrc=0.5:s=48000:d=1")
    source = reader(probe(str(path)))
    samples = source.read(-100, 48200)[:, 0]
    assert not samples[:100].any()
    assert (samples[100:48100] == 0.5).all()
    assert not samples[48100:].any()
    assert not source.read(10**9, 10).any()
    assert not source.damage


def test_sound_that_begins_after_the_pictures_is_in_sync(make: Callable[..., Path], ffmpeg: Path) -> None:
    tone = ["-itsoffset", "0.5", "-f", "lavfi", "-i", "aevalsrc=0.5:s=48000:d=1"]
    path = make("late.mov", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=2", *tone, "-c:a", "pcm_s16le")
    samples = whole(probe(str(path)), 2 * RATE)[:, 0]
    assert not samples[:24000].any()
    assert (samples[24000:72000] == 0.5).all()
    assert not samples[72000:].any()


def test_a_gap_in_the_stamps_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start in [*range(0, RATE, 4800), *range(2 * RATE, 3 * RATE, 4800)]:
            frame = av.AudioFrame.from_ndarray(np.full((1, 4800), 16384, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples = whole(probe(str(path)), 3 * RATE)[:, 0]
    assert (samples[:RATE] == 0.5).all()
    assert not samples[RATE : 2 * RATE].any()
    assert (samples[2 * RATE :] == 0.5).all()


def test_what_is_no_number_is_silent(tmp_path: Path) -> None:
    samples = np.full(4800, 0.5, "<f4")
    samples[[10, 20, 30]] = np.nan, np.inf, -np.inf
    path = tmp_path / "odd.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    found = whole(probe(str(path)), 4800)[:, 0]
    assert np.flatnonzero(found != 0.5).tolist() == [10, 20, 30]
    assert not found[[10, 20, 30]].any()


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mka", "libmp3lame")])
def test_damaged_sound_does_not_shift_what_follows(name: str, codec: str, chirp: Path, make: Callable[..., Path]) -> None:
    path = make(name, "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", str(chirp), "-c:a", codec)
    info = probe(str(path))
    good = whole(info, SECONDS * RATE)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = random.Random(1).randbytes(3000)
    path.write_bytes(data)
    found = whole(info, SECONDS * RATE)
    wrong = np.flatnonzero((np.abs(found - good) > 1e-3).any(axis=1))
    assert len(wrong) > 0
    assert wrong.max() - wrong.min() < 2 * RATE


def test_what_is_damaged_in_the_middle_is_silent_and_named(chirp: Path, make: Callable[..., Path], tmp_path: Path) -> None:
    path = make("a.flac", "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", str(chirp))
    good = whole(probe(str(path)), SECONDS * RATE)
    broken = tmp_path / "broken.flac"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20000] = random.Random(1).randbytes(20000)
    broken.write_bytes(data)
    source = reader(probe(str(broken)))
    found = np.concatenate([source.read(first, RATE) for first in range(0, SECONDS * RATE, RATE)])
    source.close()
    wrong = np.flatnonzero((found != good).any(axis=1))
    assert 0 < len(wrong) < RATE
    assert not found[wrong].any()
    assert any("damaged" in what or "has nothing" in what for what in source.damage)


def test_a_file_that_breaks_off_is_silent_from_there_and_named(make: Callable[..., Path]) -> None:
    path = make("a.wav", "-f", "lavfi", "-i", "aevalsrc=0.5:s=48000:d=4")
    info = probe(str(path))
    with path.open("r+b") as file:
        file.truncate(2 * RATE * 2)
    source = reader(info)
    found = source.read(0, 4 * RATE)[:, 0]
    assert (found[: 2 * RATE - 100] == 0.5).all()
    assert not found[2 * RATE :].any()
    assert any("breaks off" in what for what in source.damage)


def test_sixteen_channels_stay_apart(testdata: Path) -> None:
    info = probe(str(testdata / "media/torchcodec/sine_16ch_s16.wav"))
    rate = info.audio[0].sample_rate
    samples = whole(info, rate, rate=rate)
    other = whole(info, rate * 3, rate=rate * 3)[::3]
    assert samples.shape == (rate, 16)
    assert np.abs(samples[500:-500] - other[500:-500]).max() < 2e-3


@pytest.mark.testdata
def test_real_sound_is_the_same_from_wherever_reading_begins(testdata: Path) -> None:
    jumps, streams = random.Random(1), 0
    for path in sorted((testdata / "media").rglob("*")):
        if path.suffix.lower() not in (".mp4", ".mov", ".mkv", ".webm", ".wav", ".mp3", ".ogg", ".ogv", ".ts", ".flv", ".m4v"):
            continue
        try:
            info = probe(str(path))
        except MediaError:
            continue
        for audio in info.audio:
            rate = audio.sample_rate
            count = min(int(audio.duration * rate) + rate, 20 * rate)
            source = SoundReader(info, audio.stream_index, rate)
            through = np.concatenate([source.read(first, min(rate, count - first)) for first in range(0, count, rate)])
            for _ in range(3):
                first = jumps.randrange(0, count - rate // 2)
                found = source.read(first, 1000)
                is_vague = audio.codec == "vorbis" and path.suffix == ".webm"  # stamped by milliseconds, roughly
                reach = rate // 200 if is_vague else 0
                near = range(max(0, first - reach), first + reach + 1)
                worst = min(np.abs(found - through[start : start + 1000]).max() for start in near)
                assert worst < 2e-3, f"{path.name} {audio.codec}: {worst} at {first}"  # AAC's decoder makes noise of its own
            source.close()
            streams += 1
    assert streams > 20


@pytest.mark.testdata
def test_single_wrong_stamps_tear_no_hole(testdata: Path) -> None:
    """A recording of which some packets are stamped 10 ms late, and the next ones rightly again."""
    path = testdata / "media/simpl/animalSounds.ogv"
    info = probe(str(path))
    rate = info.audio[0].sample_rate
    source = reader(info, rate=rate)
    count = int(info.audio[0].duration * rate)
    found = np.concatenate([source.read(first, min(rate, count - first)) for first in range(0, count, rate)])
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray().T for frame in container.decode(audio=0)]
    expected = np.concatenate(frames)[:count]
    assert np.abs(found[: len(expected)] - expected).max() < 1e-6
    assert not source.damage


@pytest.mark.parametrize("codec", ["aac", "flac", "libvorbis"])
def test_many_planes_are_read_whole(codec: str, make: Callable[..., Path]) -> None:
    """FFmpeg decodes these into a plane for each of eight channels; each channel has a level of its own."""
    levels = "|".join(f"{(n + 1) / 20}*sin(2*PI*440*t)" for n in range(8))
    path = make("many.mka", "-f", "lavfi", "-i", f"aevalsrc={levels}:c=7.1:s=48000:d=1", "-c:a", codec, "-b:a", "800k")
    peaks = np.abs(whole(probe(str(path)), 40000)[8000:]).max(axis=0)
    kept = [n for n in range(8) if (codec, n) != ("aac", 3)]  # AAC has no such tones in its channel of low frequencies
    assert np.abs(peaks - np.arange(1, 9) / 20)[kept].max() < 0.02


# --------------------------------------------------------------------------------------------------------- rates and speeds


@settings(max_examples=examples(25))
@given(
    data=st.data(),
    rate=st.sampled_from([8000, 44100, 48000, 96000]),
    speed=st.sampled_from([Fraction(1), Fraction(2), Fraction(1, 3), Fraction(1001, 1000), Fraction(25, 24), Fraction(7, 5)]),
)
def test_other_rates_and_speeds_do_not_depend_on_where_reading_begins(
    data: st.DataObject, rate: int, speed: Fraction, chirp_wav: MediaInfo
) -> None:
    through = whole(chirp_wav, int(3 * rate / speed), rate=rate, speed=speed)
    source = reader(chirp_wav, rate=rate, speed=speed)
    for _ in range(3):
        first = data.draw(st.integers(0, len(through) - 1))
        count = data.draw(st.integers(1, min(5000, len(through) - first)))
        assert np.abs(source.read(first, count) - through[first : first + count]).max() < 1e-6
    source.close()


@pytest.fixture(scope="module")
def chirp_wav(chirp: Path, ffmpeg: Path) -> MediaInfo:
    path = chirp.with_suffix(".wav")
    command = [ffmpeg, "-v", "error", "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", chirp, "-c:a", "pcm_f32le", path]
    subprocess.run(command, check=True)
    return probe(str(path))


@pytest.mark.parametrize("rate", [44100, 96000, 32000])
def test_another_rate_is_what_ffmpeg_makes_of_it(rate: int, chirp_wav: MediaInfo, ffmpeg: Path) -> None:
    expected = decoded(ffmpeg, Path(chirp_wav.path), "-ar", str(rate))
    found = whole(chirp_wav, len(expected), rate=rate)
    assert np.abs(found[1000:-1000] - expected[1000:-1000]).max() < 1e-5


@pytest.mark.parametrize("speed", [Fraction(2), Fraction(1, 2), Fraction(24, 25), Fraction(1001, 1000), Fraction(1, 7)])
def test_a_tone_played_faster_is_higher_and_in_its_place(speed: Fraction, make: Callable[..., Path]) -> None:
    path = make("tone.wav", "-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*440*t):s=44100:d=4", "-c:a", "pcm_f32le")
    found = whole(probe(str(path)), int(3 * RATE / speed), speed=speed)[1000:, 0]
    time = (np.arange(len(found)) + 1000) / RATE * float(speed)
    assert np.abs(found - 0.5 * np.sin(2 * np.pi * 440 * time)).max() < 1e-3


@pytest.mark.parametrize("tempo", [0.25, 0.8, 1.25, 3.0])
def test_a_stretched_tone_keeps_its_pitch(tempo: float, make: Callable[..., Path]) -> None:
    path = make("tone.wav", "-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*440*t):s=48000:d=6", "-c:a", "pcm_f32le")
    stretched = Stretched(reader(probe(str(path))), RATE, 0, tempo)
    count = int(min(5 / tempo, 5) * RATE)
    found = np.concatenate([stretched.read(n) for n in (count // 3, count - count // 3)])[:, 0]
    assert len(found) == count
    spectrum = np.abs(np.fft.rfft(found[4800:] * np.hanning(count - 4800)))
    assert spectrum.argmax() * RATE / (count - 4800) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(found[4800:] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


def test_stretching_is_ffmpegs(chirp_wav: MediaInfo, ffmpeg: Path) -> None:
    expected = decoded(ffmpeg, Path(chirp_wav.path), "-af", "atempo=1.25")
    found = Stretched(reader(chirp_wav), RATE, 0, 1.25).read(4 * RATE)
    assert np.abs(found - expected[: 4 * RATE]).max() < 1e-5


def test_an_absurd_tempo_is_refused(chirp_wav: MediaInfo) -> None:
    with pytest.raises(MediaError, match="times as fast") as caught:
        Stretched(reader(chirp_wav), RATE, 0, 1e9)
    assert caught.value.path == chirp_wav.path


def test_a_medium_that_is_gone_says_so(chirp_wav: MediaInfo, tmp_path: Path) -> None:
    copy = tmp_path / "gone.wav"
    shutil.copy(chirp_wav.path, copy)
    info = probe(str(copy))
    copy.unlink()
    with pytest.raises(MediaError, match=r"gone\.wav"):
        reader(info).read(0, 10)
