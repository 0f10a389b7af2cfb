"""The mixed sound of timelines: every sample where its frame is, as loud as its effects say."""

from __future__ import annotations

import json
import math
import subprocess
import wave
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.effects.translate.sound import curve_of, heard
from otio_perf.errors import OtioPerfError
from otio_perf.media.probe import probe
from otio_perf.model.sound import Pitch, Silence, SoundPlan, SoundReport
from otio_perf.model.timing import snap_rate
from otio_perf.render.sound import Mixer
from otio_perf.render.sound_plan import sound_plan
from otio_perf.timeline import files
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.sound import compose_sound

RATES = [24000 / 1001, 24.0, 25.0, 30000 / 1001, 50.0, 60000 / 1001]


def sample_of(frame: Fraction | int, rate: float, sample_rate: int = 48000) -> int:
    return math.floor(Fraction(frame) / snap_rate(rate) * sample_rate + Fraction(1, 2))


class Mixed:
    """A timeline with its sound."""

    def __init__(
        self,
        item: otio.core.SerializableObject,
        sample_rate: int = 48000,
        *,
        layout: str = "stereo",
        pitch: Pitch = Pitch.FOLLOW,
        format: str = "otio_json",
        within: tuple[int, int] | None = None,
    ) -> None:
        root = json.loads(item.to_json_string())
        document = Document(path="/t/x.otio", format=format, base="/t", digest="", root=root)
        soundtrack = compose_sound(document, Locator("/t/x.otio"), sample_rate)
        self.hear = partial(heard, frame_rate=soundtrack.frame_rate)
        self.media = {}
        for medium in {shot.target.medium for shot in soundtrack.tree.shots()}:
            try:
                self.media[medium] = probe(medium)
            except OtioPerfError:
                continue  # offline
        self.plan: SoundPlan = sound_plan(
            soundtrack, self.media, self.hear, curve_of, layout=layout, pitch=pitch, within=within
        )
        self.report: SoundReport | None = None

    def samples(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        with Mixer(self.plan, self.media, self.hear) as mixer:
            blocks = list(mixer.blocks(start, self.plan.samples if stop is None else stop))
            self.report = mixer.report()
        assert all(len(block) <= self.plan.sample_rate and block.dtype == np.float32 for block in blocks)
        return np.concatenate(blocks)


def span(start: float, frames: float, rate: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(frames, rate))


def clip(path: Path, start: float, frames: float, rate: float = 25, *, effects: Any = ()) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(str(path), span(0, round(20 * rate), rate))
    return otio.schema.Clip(path.stem, reference, span(start, frames, rate), effects=list(effects))


def gap(frames: float, rate: float = 25) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=span(0, frames, rate))


def timeline(*tracks: Any, rate: float = 25) -> otio.schema.Timeline:
    edit = otio.schema.Timeline("t", global_start_time=otio.opentime.RationalTime(0, rate))
    for number, children in enumerate(tracks, 1):
        is_made = isinstance(children, otio.core.Composable)
        edit.tracks.append(children if is_made else otio.schema.Track(f"A{number}", children=list(children), kind="Audio"))
    return edit


def own(name: str, **values: Any) -> otio.schema.Effect:
    return otio.schema.Effect(name, name, {"otio_perf": values})


def transition(before: float, after: float, rate: float = 25, name: str = "", **metadata: Any) -> otio.schema.Transition:
    at = otio.opentime.RationalTime
    return otio.schema.Transition(name, "SMPTE_Dissolve", at(before, rate), at(after, rate), metadata)


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A WAV file of 16 bits of these samples: integers, one column a channel."""
    folder = tmp_path_factory.mktemp("sounds")

    def make(name: str, samples: np.ndarray, rate: int = 48000) -> Path:
        path = folder / f"{name}.wav"
        data = samples.reshape(len(samples), -1).astype("<i2")
        with wave.open(str(path), "wb") as file:
            file.setnchannels(data.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(data.tobytes())
        return path

    return make


@pytest.fixture
def make(ffmpeg: Path, tmp_path: Path) -> Callable[..., Path]:
    """``make("name.mov", "-f", "lavfi", …)`` runs the ffmpeg command line and returns the file."""

    def run(name: str, *arguments: str) -> Path:
        path = tmp_path / name
        subprocess.run([str(ffmpeg), "-nostdin", "-v", "error", "-y", *arguments, str(path)], check=True, timeout=60)
        return path

    return run


@pytest.fixture(scope="session")
def noise(write: Callable[..., Path]) -> tuple[Path, np.ndarray]:
    """Ten seconds, two channels, and its samples as they should come out."""
    samples = (np.random.default_rng(0).standard_normal((480000, 2)) * 4000).astype(np.int16)
    return write("noise", samples), samples.astype(np.float32) / 32768


@pytest.fixture(scope="session")
def steady(write: Callable[..., Path]) -> Path:
    """Twenty seconds that stand at 1/4 on the left and 1/8 on the right."""
    return write("steady", np.tile(np.array([8192, 4096]), (20 * 48000, 1)))


# --------------------------------------------------------------------------------------------------------------------- cuts


@pytest.mark.parametrize("sample_rate", [48000, 44100])
@pytest.mark.parametrize("rate", RATES)
def test_cuts_lie_on_the_sample_of_their_frame(rate: float, sample_rate: int, write: Callable[..., Path]) -> None:
    samples = (np.random.default_rng(1).standard_normal((10 * sample_rate, 2)) * 4000).astype(np.int16)
    path = write(f"cuts{sample_rate}", samples, sample_rate)
    parts = [(0, 31), (77, 30), (None, 7), (107, 15), (122, 41)]  # the last two are one piece, cut through
    children = [gap(frames, rate) if start is None else clip(path, start, frames, rate) for start, frames in parts]
    mixed = Mixed(timeline(children, rate=rate), sample_rate).samples()
    expected = np.zeros((sample_of(124, rate, sample_rate), 2), np.float32)
    at = 0
    for start, frames in parts:
        first, stop = sample_of(at, rate, sample_rate), sample_of(at + frames, rate, sample_rate)
        if start is not None:
            source = first + sample_of(start - at, rate, sample_rate)
            expected[first:stop] = samples[source : source + stop - first] / np.float32(32768)
        at += frames
    assert mixed.shape == expected.shape
    assert (mixed == expected).all()


def test_an_hour_of_drop_frame_ends_on_its_sample(steady: Path) -> None:
    frames = 107892  # 01:00:00;00
    edit = timeline([gap(frames - 10, 30000 / 1001), clip(steady, 0, 10, 30000 / 1001)], rate=30000 / 1001)
    mixed = Mixed(edit)
    assert mixed.plan.samples == sample_of(frames, 30000 / 1001) == 172799827
    first = sample_of(frames - 10, 30000 / 1001)
    found = mixed.samples(first - 10, mixed.plan.samples + 5)[:, 0]
    assert not found[:10].any()
    assert (found[10:-5] == 0.25).all()
    assert not found[-5:].any()


def test_cuts_in_samples_stay_there(noise: tuple[Path, np.ndarray]) -> None:
    """Ranges at a sample rate, as some programs write sound, on a timeline of pictures."""
    path, samples = noise
    reference = otio.schema.ExternalReference(str(path), span(0, 480000, 48000))
    parts = [otio.schema.Clip("a", reference, span(start, count, 48000)) for start, count in ((12345, 777), (1, 5001))]
    found = Mixed(timeline(parts)).samples()
    assert (found == np.concatenate([samples[12345:13122], samples[1:5002]])).all()


@settings(max_examples=6)
@given(cuts=st.lists(st.integers(0, 6 * 48000), min_size=1, max_size=4), speed=st.sampled_from([None, 1.5, -0.5]))
def test_mixing_is_the_same_from_wherever_it_begins(
    cuts: list[int], speed: float | None, noise: tuple[Path, np.ndarray]
) -> None:
    path, _ = noise
    warp = [otio.schema.LinearTimeWarp(time_scalar=speed)] if speed else []
    faded = clip(path, 40, 70, effects=[own("volume", decibels={"keys": [[0, -30], [50, 6]]})])
    edit = timeline([clip(path, 10, 33, effects=warp), transition(5, 9), faded], [gap(20), clip(path, 100, 50)])
    mixed = Mixed(edit)
    whole = mixed.samples(0, 6 * 48000)
    for start in cuts:
        stop = min(start + 3000, len(whole))
        if start < stop:
            assert np.abs(mixed.samples(start, stop) - whole[start:stop]).max() < 1e-6


def test_an_hour_takes_no_more_memory_than_a_minute(write: Callable[..., Path]) -> None:
    path = write("low", np.tile(np.array([100, -100], np.int16), 8000 * 5), 8000)
    mixed = Mixed(timeline([clip(path, 25, 25 * 9) for _ in range(400)]), 8000, layout="mono")
    process = psutil.Process()
    with Mixer(mixed.plan, mixed.media, mixed.hear) as mixer:
        blocks = mixer.blocks(0, mixed.plan.samples)
        samples = sum(len(block) for block in islice(blocks, 60))
        after_a_minute = process.memory_info().rss
        samples += sum(len(block) for block in blocks)
        grown = process.memory_info().rss - after_a_minute
    assert samples == 3600 * 8000
    assert grown < 4 << 20  # a minute of this is 1.8 MB


def test_two_tracks_are_melts_sum(
    noise: tuple[Path, np.ndarray], tmp_path: Path, melted_by: Callable[..., None], ffmpeg: Path
) -> None:
    path, _ = noise
    filters = [{"mlt_service": "volume", "level": "0=-20;50=0"}, {"mlt_service": "volume", "gain": "0.5"}]
    tracks: list[list[Any]] = [[clip(path, 10, 60)], [gap(25), clip(path, 100, 50)]]
    for children, properties in zip(tracks, filters, strict=True):
        children[-1].effects.append(otio.schema.Effect("volume", "volume", {"mlt": properties}))
    size = 'width="64" height="48" sample_aspect_num="1" sample_aspect_den="1" display_aspect_num="4" display_aspect_den="3"'
    rows = ["".join(f'<property name="{k}">{v}</property>' for k, v in one.items()) for one in filters]
    entries = [
        f'<entry producer="a" in="10" out="69"><filter>{rows[0]}</filter></entry>',
        f'<blank length="25"/><entry producer="a" in="100" out="149"><filter>{rows[1]}</filter></entry>',
    ]
    playlists = "".join(f'<playlist id="p{n}">{entry}</playlist>' for n, entry in enumerate(entries))
    added = {"a_track": 0, "b_track": 1, "mlt_service": "mix", "sum": 1, "always_active": 1}
    mix = "".join(f'<property name="{k}">{v}</property>' for k, v in added.items())
    (tmp_path / "x.mlt").write_text(
        f'<mlt><profile {size} frame_rate_num="25" frame_rate_den="1" progressive="1" colorspace="601"/>'
        f'<producer id="a"><property name="resource">{path}</property></producer>{playlists}'
        f'<tractor><track producer="p0"/><track producer="p1"/><transition>{mix}</transition></tractor></mlt>'
    )
    target = ["-consumer", f"avformat:{tmp_path}/x.wav", "acodec=pcm_f32le", "ar=48000", "channels=2", "vn=1", "real_time=-1"]
    melted_by(["melt", str(tmp_path / "x.mlt"), *target])
    done = subprocess.run(
        [ffmpeg, "-v", "error", "-i", tmp_path / "x.wav", "-f", "f32le", "-"], capture_output=True, check=True
    )
    expected = np.frombuffer(done.stdout, "<f4").reshape(-1, 2)
    found = Mixed(timeline(*tracks)).samples()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4  # melt's own sound has 16 bits


# ------------------------------------------------------------------------------------------------------------ levels, fades


def test_decibels_are_factors_of_amplitude(noise: tuple[Path, np.ndarray]) -> None:
    path, samples = noise
    found = Mixed(timeline([clip(path, 0, 50, effects=[own("volume", decibels=-6)])])).samples()
    assert np.abs(found - samples[:96000] * 10 ** (-6 / 20)).max() < 1e-6


def test_levels_run_in_a_line_between_frames_and_hold_outside_their_keys(steady: Path) -> None:
    keys = {"keys": [[10, -20], [20, 0, "hold"], [30, -6]]}
    found = Mixed(timeline([clip(steady, 0, 50, effects=[own("volume", decibels=keys)])])).samples()[:, 0] / 0.25
    assert found[0] == found[10 * 1920] == pytest.approx(0.1, abs=1e-6)
    for frame in (12, 15, 19):
        assert found[frame * 1920] == pytest.approx(10 ** ((frame - 20) * 2 / 20), rel=1e-5)
    middle = (10 ** (-16 / 20) + 10 ** (-14 / 20)) / 2
    assert found[12 * 1920 + 960] == pytest.approx(middle, rel=1e-5)
    assert found[25 * 1920] == pytest.approx(1)
    assert found[-1] == pytest.approx(10 ** (-6 / 20), rel=1e-5)


def test_a_level_on_a_track_counts_from_its_start_and_one_on_a_stack_works_on_all(steady: Path) -> None:
    track = otio.schema.Track("A1", children=[gap(10), clip(steady, 0, 40)], kind="Audio")
    track.effects.append(own("volume", decibels={"keys": [[20, 0, "hold"], [21, -20]]}))
    inner = otio.schema.Stack("nested", children=[track], effects=[own("balance", position=-1)])
    outer = otio.schema.Track("A", children=[inner], kind="Audio")
    found = Mixed(timeline(outer)).samples()
    assert (found[: 10 * 1920] == 0).all()
    assert found[15 * 1920, 0] == 0.25
    assert found[30 * 1920, 0] == pytest.approx(0.025)
    assert not found[:, 1].any()


@pytest.mark.parametrize(("name", "ffmpegs"), [("Cross Fade (0dB)", "tri"), ("Cross Fade (+3dB)", "qsin"), ("", "qsin")])
def test_crossfades_are_ffmpegs(name: str, ffmpegs: str, noise: tuple[Path, np.ndarray], ffmpeg: Path) -> None:
    """12 frames each side of the cut: a clip of 62 frames that overlaps one of 62 by 24."""
    path, _ = noise
    metadata = {"fcp_xml": {"alignment": "center"}} if name else {}
    found = Mixed(timeline([clip(path, 0, 50), transition(12, 12, name=name, **metadata), clip(path, 112, 50)])).samples()
    parts = [f"atrim=end_sample={62 * 1920}", f"atrim=start_sample={100 * 1920}:end_sample={162 * 1920}"]
    graph = (
        f"[0:a]{parts[0]}[a];[0:a]{parts[1]},asetpts=PTS-STARTPTS[b];[a][b]acrossfade=ns={24 * 1920}:c1={ffmpegs}:c2={ffmpegs}"
    )
    command = [str(ffmpeg), "-v", "error", "-i", str(path), "-filter_complex", graph, "-f", "f32le", "-c:a", "pcm_f32le", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    expected = np.frombuffer(done.stdout, "<f4").reshape(-1, 2)
    assert len(found) == 100 * 1920 == len(expected)
    assert np.abs(found - expected).max() < 2e-4  # its sound has 16 bits


def test_a_transition_beside_nothing_is_a_fade(steady: Path) -> None:
    edit = timeline([transition(0, 10, name="Constant Gain", fcp_xml={}), clip(steady, 25, 50), transition(20, 0), gap(5)])
    found = Mixed(edit).samples()[:, 0] / 0.25
    fade_in = np.arange(10 * 1920) / (10 * 1920)
    assert np.abs(found[: 10 * 1920] - fade_in).max() < 1e-6
    assert (found[10 * 1920 : 30 * 1920] == 1).all()
    fade_out = np.cos(np.arange(20 * 1920) / (20 * 1920) * np.pi / 2)
    assert np.abs(found[30 * 1920 : 50 * 1920] - fade_out).max() < 1e-6
    assert not found[50 * 1920 :].any()


def test_what_is_over_full_scale_is_kept_and_reported(steady: Path) -> None:
    mixed = Mixed(timeline([gap(1), clip(steady, 0, 2, effects=[own("volume", decibels=20)])]))
    found = mixed.samples()
    assert found.max() == pytest.approx(2.5)
    assert mixed.report is not None
    assert mixed.report.peak == pytest.approx(2.5)
    assert mixed.report.over_samples == 3840


# ------------------------------------------------------------------------------------------------------------------- speeds


@pytest.mark.parametrize("speed", [2.0, 0.5, 1.1])
def test_speed_moves_the_pitch(speed: float, write: Callable[..., Path]) -> None:
    time = np.arange(10 * 48000) / 48000
    path = write("tone", 16384 * np.sin(2 * np.pi * 300 * time))
    retimed = clip(path, 25, 50, effects=[otio.schema.LinearTimeWarp(time_scalar=speed)])
    found = Mixed(timeline([gap(10), retimed])).samples()[10 * 1920 :, 0]
    expected = 0.5 * np.sin(2 * np.pi * 300 * (1 + np.arange(96000) / 48000 * speed))
    within_half_a_sample = 0.5 * 2 * np.pi * 300 / 48000 * speed / 2  # in points that fall between samples are rounded
    assert np.abs(found - expected)[50:-50].max() < within_half_a_sample


def test_a_kept_pitch_stays(write: Callable[..., Path]) -> None:
    path = write("tone440", 16384 * np.sin(2 * np.pi * 440 * np.arange(10 * 48000) / 48000))
    retimed = clip(path, 25, 75, effects=[otio.schema.LinearTimeWarp(time_scalar=1.25)])
    mixed = Mixed(timeline([retimed, clip(path, 0, 5)]), pitch=Pitch.KEEP)
    found = mixed.samples()
    spectrum = np.abs(np.fft.rfft(found[: 3 * 48000, 0] * np.hanning(3 * 48000)))
    assert spectrum.argmax() / 3 == pytest.approx(440, abs=1)
    assert np.abs(found[3 * 48000 :, 0] - 0.5 * np.sin(2 * np.pi * 440 * np.arange(9600) / 48000)).max() < 1e-4
    assert (mixed.samples(70000, 71000) == found[70000:71000]).all()


def test_backwards_is_the_range_from_its_end(noise: tuple[Path, np.ndarray]) -> None:
    path, samples = noise
    found = Mixed(timeline([clip(path, 10, 60, effects=[otio.schema.LinearTimeWarp(time_scalar=-1)])])).samples()
    assert (found == samples[10 * 1920 : 70 * 1920][::-1]).all()


def test_final_cuts_backwards_counts_from_the_mediums_end(write: Callable[..., Path]) -> None:
    samples = (np.random.default_rng(2).standard_normal((20 * 48000, 2)) * 4000).astype(np.int16)
    path = write("to_its_end", samples)
    rows = [{"parameterid": "speed", "value": "200"}, {"parameterid": "reverse", "value": "TRUE"}]
    remap = otio.schema.Effect("Time Remap", "", {"fcp_xml": {"effectid": "timeremap", "parameter": rows}})
    found = Mixed(timeline([clip(path, 0, 50, effects=[remap])]), layout="mono").samples()[:, 0]
    twice = Mixed(timeline([clip(path, 400, 50, effects=[otio.schema.LinearTimeWarp(time_scalar=2)])]), layout="mono")
    assert np.abs(found[100:-100] - twice.samples()[::-1, 0][100:-100]).max() < 2e-2  # other phases of the same


def test_a_nested_sequence_backwards_and_fast_is_what_is_in_it(noise: tuple[Path, np.ndarray]) -> None:
    path, samples = noise
    inner = otio.schema.Track("inner", children=[clip(path, 0, 20), gap(4), clip(path, 100, 26)], kind="Audio")
    stack = otio.schema.Stack("nested", children=[inner], source_range=span(10, 30, 25))
    stack.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1))
    found = Mixed(timeline([gap(3), stack])).samples()
    flat = np.concatenate([samples[: 20 * 1920], np.zeros((4 * 1920, 2)), samples[100 * 1920 : 126 * 1920]])
    assert (found[3 * 1920 :] == flat[10 * 1920 : 40 * 1920][::-1]).all()


def test_a_frozen_frame_is_silent(steady: Path) -> None:
    mixed = Mixed(timeline([clip(steady, 10, 20, effects=[otio.schema.FreezeFrame()])]))
    assert not mixed.samples().any()
    assert not mixed.plan.silent


# ----------------------------------------------------------------------------------------------------------------- channels


def picked(clip: otio.schema.Clip, *channels: tuple[int, int]) -> otio.schema.Clip:
    """As Resolve writes it: (stream, channel)."""
    listed = [{"Source Track ID": stream, "Source Channel ID": channel} for stream, channel in channels]
    clip.metadata["Resolve_OTIO"] = {"Channels": listed}
    return clip


def test_mono_is_as_loud_on_both_sides_and_two_are_halved_into_one(write: Callable[..., Path], steady: Path) -> None:
    mono = write("mono", np.full(48000, 8192))
    assert (Mixed(timeline([clip(mono, 0, 5)])).samples() == 0.25).all()
    assert (Mixed(timeline([clip(steady, 0, 5)]), layout="mono").samples() == (0.25 + 0.125) / 2).all()


def test_surround_comes_to_stereo_by_itus_coefficients(make: Callable[..., Path]) -> None:
    parts = "|".join(f"{value}" for value in (0.1, 0.2, 0.3, 0.9, 0.05, 0.04))
    path = make("surround.wav", "-f", "lavfi", "-i", f"aevalsrc={parts}:c=5.1:s=48000:d=2", "-c:a", "pcm_f32le")
    found = Mixed(timeline([clip(path, 0, 10)])).samples()
    half = math.sqrt(0.5)
    assert found[0] == pytest.approx((0.1 + half * 0.3 + half * 0.05, 0.2 + half * 0.3 + half * 0.04), abs=1e-6)
    kept = Mixed(timeline([clip(path, 0, 10)]), layout="5.1").samples()
    assert kept[0] == pytest.approx((0.1, 0.2, 0.3, 0.9, 0.05, 0.04), abs=1e-6)


@pytest.fixture
def four(make: Callable[..., Path]) -> Path:
    """As a camera records: a picture, and four streams of one channel, 0.1 … 0.4."""
    inputs = [part for n in range(1, 5) for part in ("-f", "lavfi", "-i", f"aevalsrc={n / 10}:s=48000:d=4")]
    maps = [part for n in range(5) for part in ("-map", f"{n}")]
    pictures = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=4"]
    return make("camera.mov", *pictures, *inputs, *maps, "-c:a", "pcm_s24le", "-c:v", "mpeg4")


def levels(found: np.ndarray) -> tuple[float, float]:
    return round(float(found[100, 0]), 4), round(float(found[100, 1]), 4)


def test_one_clip_of_several_streams_plays_the_first(four: Path) -> None:
    assert levels(Mixed(timeline([clip(four, 5, 20)])).samples()) == (0.1, 0.1)


def test_linked_clips_play_a_stream_each(four: Path) -> None:
    mixed = Mixed(timeline(*[[gap(3), clip(four, 5, 20)] for _ in range(3)]))
    assert sorted(voice.stream_index for voice in mixed.plan.voices) == [1, 2, 3]
    assert levels(mixed.samples()[3 * 1920 :]) == pytest.approx((0.6, 0.6))


def test_linked_clips_of_one_stream_are_its_channels_in_their_places(steady: Path) -> None:
    assert levels(Mixed(timeline([clip(steady, 5, 20)], [clip(steady, 5, 20)])).samples()) == (0.25, 0.125)
    assert levels(Mixed(timeline([clip(steady, 5, 20)], [gap(1), clip(steady, 5, 20)])).samples()) == (0.25, 0.125)


def test_resolves_channels_are_taken_at_their_word(four: Path, steady: Path) -> None:
    assert levels(Mixed(timeline([picked(clip(four, 0, 20), (2, 0))])).samples()) == (0.3, 0.3)
    assert levels(Mixed(timeline([picked(clip(four, 0, 20), (3, 0), (1, 0))])).samples()) == (0.4, 0.2)
    assert levels(Mixed(timeline([picked(clip(steady, 0, 20), (0, 1))])).samples()) == (0.125, 0.125)
    lost = Mixed(timeline([picked(clip(four, 0, 20), (9, 0))]))
    assert not lost.samples().any()
    assert [problem.reason for problem in lost.plan.silent] == ["does not have the channels that the timeline asks for"]


def test_final_cuts_source_tracks_are_channels(four: Path, steady: Path) -> None:
    def sourced(path: Path, index: int, kind: str | None = None) -> otio.schema.Clip:
        made = clip(path, 0, 20)
        made.metadata["fcp_xml"] = {"sourcetrack": {"mediatype": "audio", "trackindex": str(index)}}
        if kind:
            made.metadata["fcp_xml"]["@premiereChannelType"] = kind
        return made

    assert levels(Mixed(timeline([sourced(four, 3)])).samples()) == (0.3, 0.3)
    assert levels(Mixed(timeline([sourced(steady, 2)])).samples()) == (0.125, 0.125)
    assert levels(Mixed(timeline([sourced(steady, 1, "stereo")])).samples()) == (0.25, 0.125)
    assert levels(Mixed(timeline([sourced(four, 3, "stereo")])).samples()) == (0.3, 0.4)
    tracks = [otio.schema.Track(f"A{n}", children=[sourced(steady, n)], kind="Audio") for n in (1, 2)]
    for number, track in enumerate(tracks, 1):
        track.metadata["fcp_xml"] = {"outputchannelindex": str(number)}
    assert levels(Mixed(timeline(*tracks)).samples()) == (0.25, 0.125)


def test_tracks_of_an_edl_are_channels(steady: Path) -> None:
    both = timeline([clip(steady, 0, 20)], [clip(steady, 0, 20)])
    assert levels(Mixed(both, format="cmx_3600").samples()) == (0.25, 0.125)
    second = otio.schema.Track("A2", children=[clip(steady, 0, 20)], kind="Audio")
    assert levels(Mixed(timeline(second), format="cmx_3600").samples()) == (0, 0.125)


def test_an_edl_is_heard_by_its_channels(steady: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    line = (
        "AX       {channels}    C        00:00:01:00 00:00:02:00 00:00:0{at}:00 00:00:0{to}:00\n* FROM CLIP NAME: steady.wav\n"
    )
    events = [("AA ", 0, 1), ("A2 ", 1, 2), ("A  ", 2, 3)]
    text = "".join(f"00{n}  {line.format(channels=c, at=at, to=to)}" for n, (c, at, to) in enumerate(events, 1))
    path.write_text("TITLE: cut\nFCM: NON-DROP FRAME\n\n" + text)
    document = files.read(path)
    soundtrack = compose_sound(document, Locator(str(path)), 48000)
    media = {shot.target.medium: probe(str(steady)) for shot in soundtrack.tree.shots()}
    hear = partial(heard, frame_rate=soundtrack.frame_rate)
    plan = sound_plan(soundtrack, media, hear, curve_of)
    with Mixer(plan, media, hear) as mixer:
        found = np.concatenate(list(mixer.blocks(0, 3 * 48000)))
    assert [levels(found[second * 48000 :]) for second in range(3)] == [(0.25, 0.125), (0, 0.125), (0.25, 0)]


# ------------------------------------------------------------------------------------------------------ what is not heard


def test_a_speed_at_which_nothing_is_heard_is_named(steady: Path) -> None:
    mixed = Mixed(timeline([clip(steady, 0, 10, effects=[otio.schema.LinearTimeWarp(time_scalar=500)])]))
    assert not mixed.samples().any()
    assert "faster than 100 times" in mixed.plan.silent[0].reason


def test_a_clip_of_which_the_timeline_says_what_makes_no_sense_is_silent_where_it_lies(steady: Path) -> None:
    wrong = clip(steady, 0, 10, effects=[otio.schema.LinearTimeWarp(time_scalar=float("nan"))])
    wrong.name = "wrong"
    mixed = Mixed(timeline([clip(steady, 0, 10), wrong, clip(steady, 0, 10)]))
    found = mixed.samples()[:, 0]
    assert (found[: 10 * 1920] == 0.25).all()
    assert not found[10 * 1920 : 20 * 1920].any()
    assert (found[20 * 1920 :] == 0.25).all()
    expected = Silence(clip="wrong", reason="speed nan is not a usable number", start=19200, stop=38400, is_unusable=True)
    assert mixed.plan.silent == (expected,)


def test_what_is_offline_or_has_no_sound_is_silent_and_named(make: Callable[..., Path], steady: Path) -> None:
    mute = make("mute.mp4", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=1")
    edit = timeline([clip(Path("/t/gone.wav"), 0, 10), clip(mute, 0, 10), clip(steady, 0, 10), clip(steady, 2000, 10)])
    mixed = Mixed(edit)
    found = mixed.samples()[:, 0]
    assert not found[: 20 * 1920].any()
    assert (found[20 * 1920 : 30 * 1920] == 0.25).all()
    assert [(problem.clip, problem.reason) for problem in mixed.plan.silent] == [
        ("gone.wav", "is offline"),
        ("mute.mp4", "has no sound"),
        ("steady.wav", "has no sound in the part that is used"),
    ]


def test_what_breaks_while_it_is_read_is_silent_and_named(write: Callable[..., Path]) -> None:
    path = write("breaks", np.full(96000, 8192))
    mixed = Mixed(timeline([clip(path, 0, 50)]))
    path.unlink()
    assert not mixed.samples().any()
    assert mixed.report is not None
    assert [problem.clip for problem in mixed.report.damaged] == ["breaks.wav"]


def test_a_plan_of_a_part_says_nothing_of_the_rest(steady: Path) -> None:
    edit = timeline([clip(Path("/t/gone.wav"), 0, 10), clip(steady, 0, 10), clip(Path("/t/lost.wav"), 0, 10)])
    mixed = Mixed(edit, within=(10 * 1920, 20 * 1920 + 1))
    assert [problem.clip for problem in mixed.plan.silent] == ["lost.wav"]
    assert (mixed.samples(10 * 1920, 20 * 1920)[:, 0] == 0.25).all()
    assert mixed.plan.samples == 30 * 1920


def test_disabled_tracks_and_clips_are_silent(steady: Path) -> None:
    off = clip(steady, 0, 10)
    off.enabled = False
    muted = otio.schema.Track("A2", children=[clip(steady, 0, 20)], kind="Audio")
    muted.enabled = False
    found = Mixed(timeline([off, clip(steady, 0, 10)], muted)).samples()[:, 0]
    assert not found[: 10 * 1920].any()
    assert (found[10 * 1920 :] == 0.25).all()


def test_unknown_effects_are_named_and_left_out(steady: Path) -> None:
    reverb = otio.schema.Effect("Big Hall", "reverb")
    blur = otio.schema.Effect("soft", "gaussian_blur", {"otio_perf": {"sigma": 3}})
    mixed = Mixed(timeline([clip(steady, 0, 10, effects=[reverb, blur, own("volume", decibels=float("1e9"))])]))
    assert mixed.plan.unknown == ("Big Hall", "volume")
    assert dict(mixed.plan.why)["Big Hall"] == "nothing of ours is known to be the same"
    assert dict(mixed.plan.why)["volume"] == "its numbers are beyond all measure"
    assert (mixed.samples()[:, 0] == 0.25).all()
