"""Each clause of the contract, broken one at a time, is named; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from otio_perf.media.contract import compare, shifted_timecode
from otio_perf.media.probe import probe
from otio_perf.model.media import ColourTags, MediaInfo
from otio_perf.model.timing import FrameRange

NTSC = Fraction(30000, 1001)


@pytest.fixture
def source(movie: Path) -> MediaInfo:
    """A rich source: drop-frame timecode, reel, two tracks, HDR, interlaced, turned."""
    media = probe(str(movie))
    assert media.picture is not None
    video = replace(
        media.picture,
        width=3840,
        height=2160,
        frame_rate=NTSC,
        frame_count=300,
        duration=300 / NTSC,
        rotation=90,
        field_order="tt",
        colour=ColourTags(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc", range="tv", chroma_location="left"),
        mastering_display="G(1,2)B(3,4)R(5,6)WP(7,8)L(9,0)",
        content_light="1000,400",
        has_alpha=False,
    )
    sound = replace(media.audio[0], duration=300 / NTSC)
    audio = (sound, replace(sound, channels=6, layout="5.1"))
    return replace(media, video=(video,), audio=audio, start_timecode="01:00:00;02", reel="A001")


def proxy_of(source: MediaInfo, **changes: Any) -> MediaInfo:
    """A faithful proxy in 1920x1080, with ``changes`` made to its picture."""
    assert source.picture is not None
    return replace(source, path="/p.mov", video=(replace(source.picture, **{"width": 1920, "height": 1080, **changes}),))


def fields(source: MediaInfo, proxy: MediaInfo, **options: Any) -> list[str]:
    return [difference.field for difference in compare(source, proxy, **options)]


def test_a_faithful_proxy_passes(source: MediaInfo) -> None:
    assert compare(source, proxy_of(source), expected_size=(1920, 1080)) == ()
    assert compare(source, source) == ()


BROKEN_PICTURES = [
    ({"frame_count": 299}, "frame_count"),
    ({"frame_rate": Fraction(30)}, "frame_rate"),
    ({"is_vfr": True}, "is_vfr"),
    ({"width": 1918}, "size"),
    ({"sample_aspect": Fraction(4, 3)}, "sample_aspect"),
    ({"rotation": 0}, "rotation"),
    ({"is_mirrored": True}, "is_mirrored"),
    ({"field_order": "bb"}, "field_order"),
    ({"field_order": "bt"}, "field_order"),
    ({"field_order": "progressive"}, "field_order"),
    ({"colour": ColourTags(primaries="bt709", transfer="smpte2084", matrix="bt2020nc", range="tv")}, "colour_primaries"),
    ({"colour": ColourTags(primaries="bt2020", transfer=None, matrix="bt2020nc", range="tv")}, "colour_transfer"),
    ({"colour": ColourTags(primaries="bt2020", transfer="smpte2084", matrix="bt709", range="tv")}, "colour_matrix"),
    ({"colour": ColourTags(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc", range="pc")}, "colour_range"),
    (
        {
            "colour": ColourTags(
                primaries="bt2020", transfer="smpte2084", matrix="bt2020nc", range="tv", chroma_location="center"
            )
        },
        "chroma_location",
    ),
    ({"mastering_display": None}, "mastering_display"),
    ({"content_light": "1000,401"}, "content_light"),
]


@pytest.mark.parametrize(("changes", "field"), BROKEN_PICTURES, ids=[f"{row[1]}-{i}" for i, row in enumerate(BROKEN_PICTURES)])
def test_each_clause_of_the_picture(source: MediaInfo, changes: dict[str, Any], field: str) -> None:
    found = compare(source, proxy_of(source, **changes), expected_size=(1920, 1080))
    assert [difference.field for difference in found] == [field]
    assert found[0].source != found[0].proxy
    assert "should be" in found[0].text


def test_each_clause_of_the_rest(source: MediaInfo) -> None:
    proxy = proxy_of(source)
    stereo, surround = proxy.audio
    cases: list[tuple[dict[str, Any], str]] = [
        ({"start_timecode": "01:00:00:02"}, "drop_frame"),
        ({"start_timecode": "01:00:00;03"}, "start_timecode"),
        ({"start_timecode": None}, "start_timecode"),
        ({"reel": None}, "reel"),
        ({"audio": (stereo,)}, "audio"),
        ({"audio": (surround, stereo)}, "audio_1_layout"),
        ({"audio": (stereo, replace(surround, sample_rate=44100))}, "audio_2_sample_rate"),
        ({"audio": (stereo, replace(surround, duration=Fraction(9)))}, "audio_2_duration"),
        ({"video": ()}, "video"),
    ]
    for changes, field in cases:
        assert field in fields(source, replace(proxy, **changes)), field
    alpha = replace(source, video=(replace(source.video[0], has_alpha=True),))
    assert fields(alpha, proxy) == ["alpha"]
    with pytest.raises(ValueError, match="no picture"):
        compare(replace(source, video=()), proxy)


def test_sides_may_be_rounded_to_even_numbers(source: MediaInfo) -> None:
    odd = replace(source, video=(replace(source.video[0], width=1437, height=1081),))
    half = replace(odd, video=(replace(odd.video[0], width=718, height=540),))
    assert compare(odd, half) == ()
    assert fields(odd, replace(odd, video=(replace(odd.video[0], width=640, height=540),))) == ["sample_aspect"]


def test_a_used_range_starts_at_its_own_timecode(source: MediaInfo) -> None:
    part = FrameRange(100, 160, NTSC)
    proxy = replace(proxy_of(source, frame_count=60, duration=60 / NTSC), start_timecode="01:00:03;12")
    shorter = tuple(replace(audio, duration=60 / NTSC) for audio in source.audio)
    assert compare(source, replace(proxy, audio=shorter), expected_range=part) == ()
    assert fields(source, proxy_of(source, frame_count=60), expected_range=part) == ["start_timecode"]


def test_timecode_labels() -> None:
    assert shifted_timecode("00:00:59;28", 2, NTSC) == "00:01:00;02"  # 00:01:00;00 and ;01 do not exist
    assert shifted_timecode("00:00:59:28", 2, NTSC) == "00:01:00:00"
    assert shifted_timecode("23:59:59:24", 1, Fraction(25)) == "00:00:00:00"
    assert shifted_timecode(None, 30, Fraction(25)) == "00:00:01:05"
    assert shifted_timecode("01:00:00:45", 0, Fraction(25)) == "01:00:00:45"  # counts at another rate: left alone
    with pytest.raises(ValueError, match="does not exist"):
        shifted_timecode("01:00:00:45", 1, Fraction(25))


def test_a_source_without_timecode_may_get_its_frame_number(source: MediaInfo) -> None:
    bare = replace(source, start_timecode=None)
    assert compare(bare, replace(proxy_of(source), start_timecode=None)) == ()
    assert compare(bare, replace(proxy_of(source), start_timecode="00:00:00:00")) == ()
    assert fields(bare, replace(proxy_of(source), start_timecode="01:00:00:00")) == ["start_timecode"]


def test_a_variable_rate_becomes_constant(source: MediaInfo) -> None:
    vfr = replace(source, video=(replace(source.video[0], is_vfr=True, frame_count=287),))
    proxy = proxy_of(source, frame_count=300)
    wanted = FrameRange(0, 300, NTSC)
    assert compare(vfr, proxy, expected_range=wanted, constant_rate=NTSC) == ()
    assert fields(vfr, proxy_of(source, frame_rate=Fraction(25)), expected_range=wanted, constant_rate=NTSC) == ["frame_rate"]


def test_the_weaker_rule_of_camera_proxies(source: MediaInfo) -> None:
    plain = ColourTags(range="pc", transfer="smpte2084")
    camera = replace(proxy_of(source, colour=plain, mastering_display=None, content_light=None), reel=None)
    assert compare(source, camera, adopted=True) == ()
    assert compare(source, camera) != ()
    assert fields(source, replace(camera, audio=camera.audio[:1]), adopted=True) == ["audio"]
    assert fields(source, replace(camera, audio=camera.audio[:1]), adopted=True, audio="any") == []
    assert fields(source, replace(camera, audio=()), adopted=True, audio="any") == ["audio"]
    sdr = replace(camera, video=(replace(camera.video[0], colour=ColourTags(transfer="bt709")),))
    assert fields(source, sdr, adopted=True) == ["colour_transfer"]
    short = replace(camera, video=(replace(camera.video[0], frame_count=299),))
    assert fields(source, short, adopted=True) == ["frame_count"]


def test_silence_about_colour_may_be_filled_in_with_the_usual(source: MediaInfo) -> None:
    silent = replace(source, video=(replace(source.video[0], colour=ColourTags(), mastering_display=None, content_light=None),))
    usual = ColourTags(primaries="bt709", transfer="bt709", matrix="bt709", range="tv", chroma_location="left")
    assert compare(silent, proxy_of(silent, colour=usual)) == ()
    assert fields(silent, proxy_of(silent, colour=replace(usual, transfer="smpte2084"))) == ["colour_transfer"]
