"""The reader of Kdenlive's, Shotcut's and MLT's projects: what their words become, and what is refused."""

from __future__ import annotations

import difflib
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.errors import HostileTimelineError, OtioPerfError, UnreadableTimelineError, UnwritableTimelineError
from otio_perf.timeline import files
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.mlt import proxied
from otio_perf.timeline.mlt.reading import read
from otio_perf.timeline.mlt.spell import Speller
from otio_perf.timeline.mlt.tree import Times
from otio_perf.timeline.survey import survey
from otio_perf.timeline.tree import clips_of

PROFILE = '<profile width="1280" height="720" frame_rate_num="30000" frame_rate_den="1001"/>'


def project(inside: str, attributes: str = "") -> Any:
    text = f'<?xml version="1.0"?><mlt {attributes}>{PROFILE}{inside}</mlt>'
    found = read(text.encode(), "/p/edit.mlt")
    spelled = otio.core.deserialize_json_from_string(json.dumps(found))
    assert json.loads(spelled.to_json_string()) == found  # as OpenTimelineIO itself spells it
    return spelled


def words(**values: Any) -> str:
    return "".join(f'<property name="{name.replace("__", ":")}">{value}</property>' for name, value in values.items())


def track_of(entries: str, producers: str) -> Any:
    found = project(f'{producers}<playlist id="p">{entries}</playlist><tractor id="m"><track producer="p"/></tractor>')
    return found.tracks[0]


@pytest.mark.parametrize(
    ("text", "rate", "frames"),
    [
        ("49", Fraction(25), 49),
        ("00:00:01.960", Fraction(25), 49),
        ("00:00:01,960", Fraction(25), 49),  # of a program that runs in Czech
        ("00:01:00.000", Fraction(30000, 1001), 1798),
        ("0:01.5", Fraction(24), 36),
        ("00:00:02:12", Fraction(25), 62),
        ("-3", Fraction(25), -3),
        ("", Fraction(25), 7),
        ("rubbish", Fraction(25), 7),
    ],
)
def test_times(text: str, rate: Fraction, frames: int) -> None:
    assert Times(rate).frames(text, 7) == frames


@given(st.integers(0, 10_000_000), st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)]))
def test_times_that_mlt_writes_come_back(frames: int, rate: Fraction) -> None:
    milliseconds = round(frames / rate * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
    assert Times(rate).frames(text) == frames


def test_a_proxy_that_is_shown_is_not_what_the_cut_is_made_of() -> None:
    proxied = words(resource="/c/proxy/1.mkv", kdenlive__proxy="/c/proxy/1.mkv", kdenlive__originalurl="/m/a.mp4", length=50)
    (clip,) = track_of('<entry producer="a" in="5" out="14"/>', f'<producer id="a">{proxied}</producer>')
    assert clip.media_reference.target_url == "/m/a.mp4"
    assert clip.source_range == otio.opentime.TimeRange(
        otio.opentime.RationalTime(5, 30000 / 1001), otio.opentime.RationalTime(10, 30000 / 1001)
    )


@pytest.mark.parametrize(
    ("values", "url", "speed"),
    [
        ({"resource": "2,05:videa/closing.mp4", "mlt_service": "timewarp"}, "videa/closing.mp4", 2.05),
        ({"resource": "15.000000:x.mp4", "mlt_service": "timewarp"}, "x.mp4", 15.0),
        ({"resource": "x.mp4?0.5", "mlt_service": "framebuffer"}, "x.mp4", 0.5),
        ({"resource": "-1:a.mp4", "mlt_service": "timewarp", "warp_speed": "-1", "warp_resource": "a.mp4"}, "a.mp4", -1.0),
        ({"resource": r"D:\x\a.mp4", "mlt_service": "avformat"}, r"D:\x\a.mp4", None),
        ({"resource": "odd:name.mp4", "mlt_service": "avformat"}, "odd:name.mp4", None),
    ],
)
def test_the_speed_is_no_part_of_the_path(values: dict[str, str], url: str, speed: float | None) -> None:
    found = f'<producer id="a">{words(**values, length=100)}</producer>'
    (clip,) = track_of('<entry producer="a" in="0" out="9"/>', found)
    assert clip.media_reference.target_url == url
    assert [e.time_scalar for e in clip.effects] == ([] if speed is None else [speed])


def test_what_mlt_makes_itself_is_a_generator() -> None:
    colour = f'<producer id="c">{words(mlt_service="color", resource="#ff102030", length=50)}</producer>'
    title = (
        f'<producer id="t">{words(mlt_service="kdenlivetitle", resource="", length=50, kdenlive__clipname="End")}</producer>'
    )
    clips = track_of('<entry producer="c" in="0" out="9"/><entry producer="t" in="0" out="9"/>', colour + title)
    assert [c.media_reference.generator_kind for c in clips] == ["SolidColor", "kdenlivetitle"]
    assert clips[0].media_reference.parameters["color"] == "#ff102030"
    assert clips[1].name == "End"


def test_filters_keep_their_words_and_what_kdenlive_adds_itself_is_switched_off() -> None:
    named = {"mlt_service": "avfilter.gblur", "kdenlive_id": "avfilter.gblur", "av.sigma": "0=1;9=5"}
    blur = f'<filter in="3">{words(**named)}</filter>'
    off = f"<filter>{words(mlt_service='sepia', disable=1)}</filter>"
    a = f'<producer id="a">{words(resource="a.mp4", length=50)}</producer>'
    (clip,) = track_of(f'<entry producer="a" in="0" out="9">{blur}{off}</entry>', a)
    first, second = clip.effects
    assert (first.effect_name, first.enabled) == ("avfilter.gblur", True)
    assert dict(first.metadata["mlt"]) == {
        "mlt_service": "avfilter.gblur",
        "kdenlive_id": "avfilter.gblur",
        "av.sigma": "0=1;9=5",
        "in": "3",
    }
    assert (second.effect_name, second.enabled) == ("sepia", False)


def test_what_a_clip_is_told_about_its_pictures_is_an_effect_below_its_filters() -> None:
    told = words(resource="a.mp4", length=50, force_fps=50, video_index=1, **{"meta.media.0.stream.type": "video"})
    link = f"<link>{words(mlt_service='timeremap', map='0=0;1=1.8')}</link>"
    blur = f"<filter>{words(mlt_service='box_blur')}</filter>"
    first = words(
        resource="b.mp4",
        length=50,
        video_index=1,
        **{f"meta.media.{n}.stream.type": k for n, k in ((0, "audio"), (1, "video"))},
    )
    media = f'<chain id="a">{told}{link}</chain><producer id="b">{first}</producer>'
    found = track_of(f'<entry producer="a" in="0" out="9">{blur}</entry><entry producer="b" in="0" out="9"/>', media)
    assert [[e.effect_name for e in clip.effects] for clip in found] == [
        ["force_fps", "video_index", "timeremap", "box_blur"],
        [],
    ]


def test_which_mlt_wrote_a_filter_of_ffmpegs_is_noted() -> None:
    """Some of them show other pictures in older ones; of MLT's own none does."""
    filters = "".join(f"<filter>{words(mlt_service=name)}</filter>" for name in ("avfilter.lut3d", "sepia"))
    found = project(
        f'<producer id="a">{words(resource="a.mp4", length=50)}</producer><playlist id="p"><entry producer="a" in="0" out="9">'
        f'{filters}</entry></playlist><tractor id="m"><track producer="p"/></tractor>',
        'version="7.42.0"',
    )
    (clip,) = found.tracks[0]
    assert [dict(e.metadata["mlt"]).get("_mlt_version") for e in clip.effects] == ["7.42.0", None]


def test_guides_and_markers() -> None:
    guides = '[{"comment": "Act 2", "pos": 30, "type": 7}, {"pos": "no"}, 3]'
    bin_clip = words(
        resource="a.mp4", length=50, kdenlive__id=4, kdenlive__markers='[{"comment": "here", "pos": 12, "type": 2}]'
    )
    cut_clip = words(resource="a.mp4", length=50, kdenlive__id=4)
    found = project(
        f'<producer id="b">{bin_clip}</producer><producer id="a">{cut_clip}</producer>'
        f'<playlist id="main_bin">{words(**{"kdenlive:docproperties.guides": guides})}<entry producer="b"/></playlist>'
        '<playlist id="p"><entry producer="a" in="10" out="19"/><entry producer="a" in="20" out="29"/></playlist>'
        '<tractor id="m"><track producer="p" hide="audio"/></tractor>',
        'producer="main_bin"',
    )
    (guide,) = found.tracks.markers
    assert (guide.name, guide.marked_range.start_time.value, guide.color) == ("Act 2", 30, "RED")
    assert [[m.name for m in clip.markers] for clip in found.tracks[0]] == [["here"], []]


def test_the_open_sequence_is_read_and_others_by_name() -> None:
    def sequence(number: int) -> str:
        name = words(kdenlive__uuid=f"{{{number}}}", kdenlive__clipname=f"Sequence {number}")
        return f'<tractor id="{{{number}}}">{name}<track producer="p{number}" hide="audio"/></tractor>'

    playlists = "".join(f'<playlist id="p{n}"><entry producer="a" in="{n}" out="9"/></playlist>' for n in (1, 2))
    bin_ = f'<playlist id="main_bin">{words(**{"kdenlive:docproperties.activetimeline": "{1}"})}</playlist>'
    text = (
        f'<mlt producer="main_bin">{PROFILE}<producer id="a">{words(resource="a.mp4", length=50)}</producer>'
        f'{playlists}{sequence(1)}{sequence(2)}{bin_}<tractor id="project"><track producer="{{1}}"/></tractor></mlt>'
    ).encode()
    found = read(text, "/p/e.kdenlive")
    assert found["name"] == "Sequence 1"
    assert found["metadata"]["mlt"]["sequences"] == ["Sequence 2"]
    assert (
        read(text, "/p/e.kdenlive", "Sequence 2")["tracks"]["children"][0]["children"][0]["source_range"]["start_time"]["value"]
        == 2
    )
    with pytest.raises(UnreadableTimelineError, match="no sequence 'X'"):
        read(text, "/p/e.kdenlive", "X")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no XML"),
        (b"<mlt><tractor></mlt>", "no XML"),
        (b'<!DOCTYPE mlt [<!ENTITY a "b">]><mlt/>', "entities"),
        (b"<mlt/>", "nothing that is played"),
        (b'<mlt><profile frame_rate_num="25" frame_rate_den="0"/><producer id="a"/></mlt>', "frame rate"),
        (b'<mlt><playlist id="a"><entry producer="a"/></playlist></mlt>', "plays itself"),
        (
            b'<mlt><playlist id="a"><entry producer="b"/></playlist><playlist id="b"><entry producer="a"/></playlist></mlt>',
            "itself",
        ),
        (b"<mlt>" + b"<a>" * 100 + b"</a>" * 100 + b"</mlt>", "nested"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line(text: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.kdenlive"
    path.write_bytes(text)
    with pytest.raises((UnreadableTimelineError, HostileTimelineError), match=reason) as caught:
        files.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(OtioPerfError):
        read(b"<mlt>" + data, "/p/x.mlt")


#: Clips and transitions in all tracks, sequences within counted; or why not.
VERDICTS = {
    "kdenlive_suite/alpha.kdenlive": (2, 0),
    "kdenlive_suite/audio-mix.kdenlive": (5, 1),
    "kdenlive_suite/avfilter-colorbalance.kdenlive": (1, 0),
    "kdenlive_suite/avfilter-curves.kdenlive": (1, 0),
    "kdenlive_suite/avfilter-eq.kdenlive": (1, 0),
    "kdenlive_suite/avfilter-fade.kdenlive": (2, 0),
    "kdenlive_suite/avfilter-gblur.kdenlive": (1, 0),
    "kdenlive_suite/effect-zones.kdenlive": (3, 0),
    "kdenlive_suite/footage/smpte-colors.mlt": (2, 0),
    "kdenlive_suite/mix-luma.kdenlive": (3, 2),
    "kdenlive_suite/mlt-core-video-effects.kdenlive": (29, 0),
    "kdenlive_suite/qtblend-freeze.kdenlive": (4, 0),
    "kdenlive_suite/qtblend-media.kdenlive": (10, 0),
    "kdenlive_suite/sequences.kdenlive": (5, 0),
    "kdenlive_suite/transform.kdenlive": (1, 0),
    "kdenlive_suite/typewriter-effect.kdenlive": (1, 0),
    "kdenlive_user_booktrailer/video.kdenlive": (103, 5),
    "mlt/entity.mlt": "declares XML entities",
    "mlt/new.mlt": (24, 0),
    "otio_history/kdenlive_example_v221170.kdenlive": (11, 0),
}


@pytest.mark.testdata
def test_every_project_of_others_is_read_or_refused_with_the_reason(testdata: Path) -> None:
    folder = testdata / "timelines"
    there = sorted(p for p in folder.rglob("*") if p.suffix in (".kdenlive", ".mlt"))
    assert {str(p.relative_to(folder)) for p in there} == set(VERDICTS)
    for path in there:
        verdict = VERDICTS[str(path.relative_to(folder))]
        if isinstance(verdict, str):
            with pytest.raises(HostileTimelineError, match=verdict):
                files.read(path)
            continue
        document = files.read(path)
        timeline = document.to_otio()
        counted = len(timeline.find_clips()), len(timeline.find_children(descended_from_type=otio.schema.Transition))
        assert counted == verdict, path
        assert not survey(document, Locator(path)).problems, path


def proxied_and_back(data: bytes, path: Path) -> tuple[bytes, bytes]:
    changed = proxied.with_proxies(data, path, lambda original: shown(f"/ws/proxies/{Path(original).name} & co.mkv"))
    return changed, proxied.with_originals(changed, path)


def shown(path: str) -> proxied.Shown:
    return proxied.Shown(path, "otio_perf:720p", Speller(25.0).external(path, 10, {"a": "<&>"}))


@pytest.mark.testdata
def test_proxies_change_their_properties_alone_and_go_byte_for_byte(testdata: Path) -> None:
    changed_projects = 0
    for path in sorted((testdata / "timelines").rglob("*.kdenlive")):
        data = path.read_bytes()
        changed, back = proxied_and_back(data, path)
        assert back == data, path
        if changed == data:
            continue
        changed_projects += 1
        plain, found = (read(text, str(path)) for text in (data, changed))
        assert {c["active_media_reference_key"] for c in clips_of(found)} == {"DEFAULT_MEDIA", "otio_perf:720p"}, path
        for clip in clips_of(found):  # the edit, and the originals, are what they were
            clip["media_references"].pop("otio_perf:720p", None)
            clip["active_media_reference_key"] = "DEFAULT_MEDIA"
        assert plain == found, path
        lines = [line.strip() for line in difflib.ndiff(data.decode().splitlines(), changed.decode().splitlines())]
        names = {m[1] for line in lines if line[:2] in ("+ ", "- ") and (m := re.search(r'property name="([^"]+)"', line))}
        known = {
            "resource",
            "warp_resource",
            "kdenlive:proxy",
            "kdenlive:originalurl",
            "otio_perf:proxy",
            "otio_perf:reference",
        }
        of_document = {f"kdenlive:docproperties.{name}" for name in ("enableproxy", "otio_perf.enableproxy")}
        assert {n.removeprefix("otio_perf:before:") for n in names} <= known | of_document, path
    assert changed_projects >= 4


def test_a_proxy_that_the_user_switches_off_stays_off_and_one_of_kdenlives_comes_back() -> None:
    def one(name: str, **values: str) -> str:
        return f'<producer id="{name}">\n {words(mlt_service="avformat", **values)}\n</producer>'

    off = one("off", resource="/m/off.mp4", kdenlive__proxy="-")
    other = one("other", resource="/c/1.mkv", kdenlive__proxy="/c/1.mkv", kdenlive__originalurl="/m/a.mp4")
    slow = f'<producer id="slow">{words(mlt_service="timewarp", resource="0,5:/m/a.mp4", warp_resource="/m/a.mp4")}</producer>'
    data = f'<?xml version="1.0"?>\n<mlt>\n{PROFILE}\n<!-- kept -->{off}\n{other}\n{slow}\n</mlt>\n'.encode()
    changed, back = proxied_and_back(data, Path("/p/x.kdenlive"))
    assert back == data
    assert b"0,5:/ws/proxies/a.mp4 &amp; co.mkv" in changed
    assert b"off.mp4 &amp; co.mkv" not in changed
    again = proxied.with_proxies(changed, "x", lambda original: shown("/ws/proxies/b.mkv"))
    assert b"/ws/proxies/b.mkv" in again
    assert proxied.with_originals(again, "x") == data
    toggled = changed.replace(b'name="kdenlive:proxy">/ws/proxies/a.mp4 &amp; co.mkv', b'name="kdenlive:proxy">-')
    assert b"otio_perf" not in proxied.with_originals(toggled, "x")


def test_a_project_that_its_program_saved_in_between_gets_its_originals_as_they_are_now() -> None:
    """What Kdenlive 22.12 makes of our notes (seen): relative paths, a copy without notes, a clip that was relinked."""

    def one(name: str, **values: str) -> str:
        return f'<chain id="{name}">{words(mlt_service="avformat-novalidate", **values)}</chain>'

    main = '<playlist id="main_bin"><property name="kdenlive:docproperties.enableproxy">0</property></playlist>'
    chains = one("a", resource="/p/a.mov") + one("b", resource="/p/b.mov") + one("c", resource="c.mov")
    data = f'<mlt root="/p">{PROFILE}{chains}{main}</mlt>'.encode()
    changed = proxied.with_proxies(data, "x.kdenlive", lambda original: shown(f"/p/.otio_perf/proxies/{Path(original).name}"))
    assert proxied.with_originals(changed, "x.kdenlive") == data
    saved = changed.replace(b">/p/.otio_perf", b">.otio_perf").replace(b'originalurl">/p/', b'originalurl">')
    saved = saved.replace(b'originalurl">b.mov', b'originalurl">/q/relinked.mov')
    copied = one("d", resource=".otio_perf/proxies/a.mov") + one("e", resource=".otio_perf/proxies/other.mov")
    saved = saved.replace(b"<playlist", copied.encode() + b"<playlist")
    elsewhere = saved.replace(b'kdenlive:proxy">.otio_perf', b'kdenlive:proxy">/p/.otio_perf')  # "Save as" in another folder
    expected = one("a", resource="a.mov") + one("b", resource="/q/relinked.mov") + one("c", resource="c.mov")
    for project in (saved, elsewhere):
        back = proxied.with_originals(project, "x.kdenlive").decode()
        assert expected in back
        assert main in back  # its proxy switch, too, is as it was
        assert one("e", resource=".otio_perf/proxies/other.mov") in back
    assert one("d", resource="a.mov") in proxied.with_originals(saved, "x.kdenlive").decode()


def test_old_spellings_of_properties_come_back() -> None:
    plain = (
        '<property name="resource" value="/m/a &amp; b.mov"/><property name="mlt_service">avformat</property>'
        '<property name="kdenlive:proxy"/><property name="kdenlive:originalurl"></property>'
    )
    data = f'<mlt>{PROFILE}<producer id="a">{plain}</producer></mlt>'.encode()
    changed, back = proxied_and_back(data, Path("x.mlt"))
    assert b"a &amp; b.mov &amp; co.mkv" in changed
    assert back == data


def test_a_note_that_is_no_element_is_none() -> None:
    plain = '<property name="resource" value="/m/a.mov"/><property name="mlt_service">avformat</property>'
    data = f'<mlt>{PROFILE}<producer id="a">{plain}</producer></mlt>'.encode()
    changed, _ = proxied_and_back(data, Path("x.mlt"))
    note = re.search(rb'otio_perf:spelled:resource">([^<]*)<', changed)
    assert note
    for rubbish in (b"", b"rubbish", b"&lt;a>", b"9" * 5000, b"&lt;!DOCTYPE a [&lt;!ENTITY b 'c'>]>&lt;a/>"):
        back = proxied.with_originals(changed.replace(note[1], rubbish), "x.mlt")
        assert b'<property name="resource">/m/a.mov</property>' in back
        assert b"otio_perf" not in back


def test_other_encodings_are_not_changed() -> None:
    with pytest.raises(UnwritableTimelineError, match="iso-8859-1"):
        proxied.with_proxies(b'<?xml version="1.0" encoding="iso-8859-1"?><mlt/>', "x.mlt", lambda _: None)
