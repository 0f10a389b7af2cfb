"""Sound effects of hosts as levels: by definition, and as melt plays them."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest

from otio_perf.effects.translate.sound import curve_of, heard
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.sound import Curve, Heard, Level
from otio_perf.model.uses import EffectUse
from otio_perf.timeline.effects import read_effects, read_transition

RATE = Fraction(25)


def asked(use: EffectUse, frame: int = 0, *, inner: int = 0, length: int = 100) -> Heard:
    def at(number: int) -> Moment:
        return Moment(frame=Fraction(number), length=Fraction(length), inner=Fraction(inner + number))

    return heard(use, range(frame, frame + 1), at, frame_rate=RATE)[0]


def use(metadata: dict[str, Any], **fields: Any) -> EffectUse:
    """The effect as the survey reads it."""
    found = read_effects([{"OTIO_SCHEMA": "Effect.1", "metadata": metadata, **fields}]).uses
    return found[0]


def mlt(**properties: Any) -> EffectUse:
    return use({"mlt": {name.replace("__", "."): str(value) for name, value in properties.items()}})


def fcp7(effect: str, parameter: str, value: str, keys: list[tuple[int, str]] | None = None) -> EffectUse:
    row: dict[str, Any] = {"parameterid": parameter, "value": value}
    if keys:
        row["keyframe"] = [{"when": str(when), "value": level} for when, level in keys]
    return use({"fcp_xml": {"effectid": effect, "parameter": row}}, name=effect)


def resolve(block: str, **changed: Any) -> EffectUse:
    rows = [
        {"Parameter ID": name, "Default Parameter Value": None, "Parameter Value": value, "Key Frames": {}}
        if not isinstance(value, dict)
        else {"Parameter ID": name, "Default Parameter Value": None, "Parameter Value": 0, "Key Frames": value}
        for name, value in changed.items()
    ]
    return use({"Resolve_OTIO": {"Effect Name": block, "Enabled": True, "Parameters": rows}})


# ------------------------------------------------------------------------------------------------------------- definitions


def test_final_cuts_levels_are_factors() -> None:
    found = asked(fcp7("audiolevels", "level", "0.5"))
    assert found.fidelity is Fidelity.EXACT
    assert found.first == found.last == Level(gain=0.5)
    assert asked(fcp7("audiolevels", "level", "1")).fidelity is Fidelity.NOTHING
    keyed = fcp7("audiolevels", "level", "1", [(110, "0"), (120, "1")])
    found = asked(keyed, 5, inner=110)
    assert (found.first.gain, found.last.gain) == pytest.approx((0.5, 0.6))
    assert found.fidelity is Fidelity.APPROXIMATE


def test_final_cuts_pan_is_exact_at_the_sides_alone() -> None:
    left = asked(fcp7("audiopan", "pan", "-1"))
    assert (left.first.stereo, left.fidelity) == ((1.0, 0.0, 0.0, 0.0), Fidelity.EXACT)
    half = asked(fcp7("audiopan", "pan", "0.5"))
    assert (half.first.stereo, half.fidelity) == ((0.5, 0.0, 0.0, 1.0), Fidelity.APPROXIMATE)
    assert asked(fcp7("audiopan", "pan", "0")).fidelity is Fidelity.NOTHING


def test_resolves_volume_is_decibels_and_keys_count_from_the_clips_start() -> None:
    block = "Fairlight Clip Volume and Fades"
    assert asked(resolve(block, volume=-17.0)).first.gain == pytest.approx(10 ** (-17 / 20))
    assert asked(resolve(block, volume=-100.0)).first.gain == 0
    keys = {"10": {"Value": 0.0}, "20": {"Value": -20.0}}
    assert asked(resolve(block, volume=keys), 15).first.gain == pytest.approx(10 ** (-10 / 20))
    assert asked(resolve(block, volume=keys), 15).fidelity is Fidelity.APPROXIMATE
    assert asked(resolve(block, fadeIn=12)).fidelity is Fidelity.UNKNOWN


def test_resolves_blocks_that_are_changed_are_unknown() -> None:
    assert asked(resolve("Fairlight Clip Equaliser", gain=3)).fidelity is Fidelity.UNKNOWN
    assert asked(EffectUse(dialect="resolve", name="Fairlight Clip Pitch", label="")).fidelity is Fidelity.NOTHING


def test_avids_gain_is_a_ratio_or_keys_over_the_length() -> None:
    def avid(**parameters: Any) -> EffectUse:
        return use({"AAF": {"Operation": {"Name": "Mono Audio Gain"}, "Parameters": parameters}}, name="Mono Audio Gain")

    assert asked(avid(**{"Amplitude multiplier": "50000000/100000000"})).first.gain == 0.5
    assert asked(avid(**{"Amplitude multiplier": "100000000/100000000"})).fidelity is Fidelity.NOTHING
    keyed = {"_aaf_keyframed_property": True, "keyframe_values": [[0.0, 0.0], [1.0, 1.0]]}
    assert asked(avid(**{"Amplitude multiplier": keyed}), 25).first.gain == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("name", "values"), [("volume", {"decibels": "loud"}), ("volume", {}), ("volume", {"decibels": 1e6}), ("balance", {})]
)
def test_our_own_words_without_sense_are_unknown(name: str, values: dict[str, Any]) -> None:
    found = asked(use({"otio_perf": values}, effect_name=name, name=name))
    assert found.fidelity is Fidelity.UNKNOWN
    assert name in found.why


def test_pictures_effects_do_nothing_to_sound_and_unknown_ones_are_unknown() -> None:
    assert asked(mlt(mlt_service="brightness", level="0.5")).fidelity is Fidelity.NOTHING
    assert asked(fcp7("opacity", "opacity", "50")).fidelity is Fidelity.NOTHING
    assert asked(mlt(mlt_service="audiolevel")).fidelity is Fidelity.NOTHING
    for service in ("ladspa.1197", "sox.reverb", "loudness", "rbpitch", "avfilter.acompressor", "never_heard_of"):
        assert asked(mlt(mlt_service=service)).fidelity is Fidelity.UNKNOWN, service


def test_avids_pan_of_a_track_is_known_in_stereo() -> None:
    def avid(**parameters: Any) -> EffectUse:
        return use({"AAF": {"Operation": {"Name": "Audio Pan"}, "Parameters": parameters}}, name="Audio Pan")

    middle = {"keyframe_values": [[0.0, 0.5], [1.0, 0.5]]}
    assert asked(avid(AvidPannerKind="AvidPannerKind_Stereo", Pan=middle)).fidelity is Fidelity.NOTHING
    left = asked(avid(AvidPannerKind="AvidPannerKind_Stereo", Pan="0/1"))
    assert (left.first.stereo, left.fidelity) == ((1.0, 0.0, 0.0, 0.0), Fidelity.APPROXIMATE)
    assert asked(avid(AvidPannerKind="AvidPannerKind_51", Pan=middle)).fidelity is Fidelity.UNKNOWN
    assert asked(avid(Pan=middle)).fidelity is Fidelity.UNKNOWN


@pytest.mark.parametrize(
    "properties",
    [
        {"level": "nan"},
        {"level": "0=x"},
        {"level": "1e999"},
        {"gain": "normalise"},
        {"gain": "0", "end": "1"},
        {"level": "9999"},
    ],
)
def test_a_volume_that_makes_no_sense_is_unknown(properties: dict[str, str]) -> None:
    assert asked(mlt(mlt_service="volume", **properties)).fidelity is Fidelity.UNKNOWN


@pytest.mark.parametrize(
    ("name", "metadata", "curve", "fidelity"),
    [
        ("Cross Fade (+3dB)", {"fcp_xml": {}}, Curve.EQUAL_POWER, Fidelity.EXACT),
        ("Cross Fade ( 0dB)", {"fcp_xml": {}}, Curve.LINEAR, Fidelity.EXACT),
        ("Constant Gain", {"fcp_xml": {}}, Curve.LINEAR, Fidelity.EXACT),
        ("Constant Power", {"fcp_xml": {}}, Curve.EQUAL_POWER, Fidelity.EXACT),
        ("Exponential Fade", {"fcp_xml": {}}, Curve.EQUAL_POWER, Fidelity.APPROXIMATE),
        ("", {"Resolve_OTIO": {"Effect Name": "Cross Fade 0 dB"}}, Curve.LINEAR, Fidelity.EXACT),
        ("", {"Resolve_OTIO": {"Effect Name": "Cross Fade +3 dB"}}, Curve.EQUAL_POWER, Fidelity.EXACT),
        ("Dissolve", {}, Curve.EQUAL_POWER, Fidelity.EXACT),
        ("", {}, Curve.EQUAL_POWER, Fidelity.EXACT),
    ],
)
def test_names_of_crossfades(name: str, metadata: dict[str, Any], curve: Curve, fidelity: Fidelity) -> None:
    read = read_transition({"name": name, "transition_type": "SMPTE_Dissolve", "metadata": metadata})
    assert curve_of(read) == (curve, fidelity)


# --------------------------------------------------------------------------------------------------------------------- melt

_IN, _FRAMES, _SPF = 10, 50, 1920


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds that stand at 1/4 on the left and 1/8 on the right."""
    path = tmp_path_factory.mktemp("steady") / "steady.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(np.tile(np.array([8192, 4096], "<i2"), (5 * 48000, 1)).tobytes())
    return path


_PROFILE = (
    '<profile width="64" height="48" progressive="1" sample_aspect_num="1" sample_aspect_den="1" display_aspect_num="4" '
    'display_aspect_den="3" frame_rate_num="25" frame_rate_den="1" colorspace="601"/>'
)


LEVELS = [
    {"mlt_service": "volume", "level": "-6"},
    {"mlt_service": "volume", "level": "0=-20;20=0;40=-60"},
    {"mlt_service": "volume", "level": "0=-20;20~=0;40=-60", "in": "15", "out": "50"},
    {"mlt_service": "volume", "level": "10"},
    {"mlt_service": "volume", "level": "20", "max_gain": "6dB"},
    {"mlt_service": "volume", "gain": "-6dB"},
    {"mlt_service": "volume", "gain": "0", "end": "1", "in": "10", "out": "16", "max_gain": "20dB"},
    {"mlt_service": "volume", "gain": "1", "end": "0", "in": "50", "out": "59"},
    {"mlt_service": "volume", "gain": "0.5", "in": "30", "out": "40"},
    {"mlt_service": "volume", "gain": "0.5", "disable": "1"},
    {"mlt_service": "panner", "start": "0.2"},
    {"mlt_service": "panner", "start": "0.8"},
    {"mlt_service": "panner", "start": "0.3", "channel": "0"},
    {"mlt_service": "panner", "start": "0.3", "channel": "1"},
    {"mlt_service": "panner", "start": "0.5", "split": "0=0;20=1"},
    {"mlt_service": "channelcopy", "from": "0", "to": "1"},
    {"mlt_service": "channelcopy", "from": "1", "to": "0"},
    {"mlt_service": "channelcopy", "from": "0", "to": "1", "swap": "1"},
    {"mlt_service": "mono"},
]


@pytest.fixture(scope="module")
def melted(
    steady: Path, tmp_path_factory: pytest.TempPathFactory, melted_by: Callable[..., None], ffmpeg: Path
) -> list[np.ndarray]:
    """What melt plays of a clip of 50 frames that begins at frame 10 of its medium, with each of them: one after the other."""
    folder, entries = tmp_path_factory.mktemp("melted"), ""
    for properties in LEVELS:
        reach = "".join(f" {name}={quoteattr(properties[name])}" for name in ("in", "out") if name in properties)
        rows = "".join(
            f"<property name={quoteattr(name)}>{value}</property>"
            for name, value in properties.items()
            if name not in ("in", "out")
        )
        entries += f'<entry producer="a" in="{_IN}" out="{_IN + _FRAMES - 1}"><filter{reach}>{rows}</filter></entry>'
    medium = f'<producer id="a"><property name="resource">{steady}</property></producer>'
    (folder / "x.mlt").write_text(f'<mlt>{_PROFILE}{medium}<playlist id="p">{entries}</playlist></mlt>')
    target = ["-consumer", f"avformat:{folder}/x.wav", "acodec=pcm_f32le", "ar=48000", "channels=2", "vn=1", "real_time=-1"]
    melted_by(["melt", str(folder / "x.mlt"), *target])
    done = subprocess.run([ffmpeg, "-v", "error", "-i", folder / "x.wav", "-f", "f32le", "-"], capture_output=True, check=True)
    return list(np.frombuffer(done.stdout, "<f4").reshape(len(LEVELS), -1, 2))


@pytest.mark.parametrize(
    "number", range(len(LEVELS)), ids=[" ".join(f"{name}={value}" for name, value in level.items()) for level in LEVELS]
)
def test_levels_are_melts(number: int, melted: list[np.ndarray]) -> None:
    """Sample by sample."""
    found = melted[number]
    at = [Moment(frame=Fraction(n), length=Fraction(_FRAMES), inner=Fraction(_IN + n)) for n in range(_FRAMES)]
    frames = heard(mlt(**LEVELS[number]), range(_FRAMES), at.__getitem__, frame_rate=RATE)
    assert {frame.fidelity for frame in frames} <= {Fidelity.EXACT, Fidelity.NOTHING}
    expected = np.concatenate([_ramped(frame) for frame in frames])
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 3e-4 * max(1.0, float(expected.max()))  # melt's own sound has 16 bits


def _ramped(frame: Heard) -> np.ndarray:
    def out(level: Level) -> np.ndarray:
        a, b, c, d = level.stereo
        return level.gain * np.array([a * 0.25 + b * 0.125, c * 0.25 + d * 0.125])

    progress = np.arange(_SPF)[:, None] / _SPF
    return out(frame.first) + (out(frame.last) - out(frame.first)) * progress
