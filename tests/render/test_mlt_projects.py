"""Projects of Kdenlive and MLT as we read them, beside melt's own pictures of them: every frame by the number in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.translate import mlt_lumas
from otio_perf.effects.translate.dialects import translated
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import MediaInfo
from otio_perf.model.pixels import Layout
from otio_perf.render.compositor import Compositor
from otio_perf.render.plan import frame_plan
from otio_perf.render.sources import Sources
from otio_perf.render.storing import stored
from otio_perf.timeline import files
from otio_perf.timeline.composition import compose
from otio_perf.timeline.locate import Locator
from sample_timelines.make_media import read_number

PROFILE = (
    '<profile width="320" height="180" frame_rate_num="25" frame_rate_den="1" progressive="1" sample_aspect_num="1"'
    ' sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" colorspace="709"/>'
)
LAYOUT = Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1)
SIZE = (320, 180)
Footage = dict[str, MediaInfo]


def producer(name: str, resource: str, length: int, service: str = "avformat-novalidate", **more: Any) -> str:
    words = {"length": length, "eof": "pause", "resource": resource, "mlt_service": service, "set.test_audio": 1, **more}
    inside = "".join(f'<property name="{k}">{v}</property>' for k, v in words.items())
    return f'<producer id="{name}" in="0" out="{length - 1}">{inside}</producer>'


def kdenlive_track(number: int, one: str, other: str = "", mixes: str = "") -> str:
    """As Kdenlive writes one from 19.08 on: two playlists in a tractor."""
    return (
        f'<playlist id="p{number}">{one}</playlist><playlist id="q{number}">{other}</playlist><tractor id="t{number}" in="0">'
        f'<property name="kdenlive:track_name">V{number}</property><track hide="audio" producer="p{number}"/>'
        f'<track hide="audio" producer="q{number}"/>{mixes}</tractor>'
    )


MIX = (
    '<transition in="{0}" out="{1}"><property name="a_track">{2}</property><property name="b_track">{3}</property>'
    '<property name="mlt_service">luma</property><property name="kdenlive:mixcut">{4}</property>{5}</transition>'
)
ABOVE = (
    '<transition><property name="a_track">0</property><property name="b_track">{0}</property><property name="mlt_service">'
    'qtblend</property><property name="always_active">1</property><property name="internal_added">237</property></transition>'
)


def project(*parts: str, tracks: str, uuid: str = "") -> str:
    main = f'<tractor id="main" in="0"><track producer="black"/>{tracks}</tractor>'
    black = producer("black", "black", 1000, "color")
    return f'<?xml version="1.0"?><mlt LC_NUMERIC="C" producer="main">{PROFILE}{black}{"".join(parts)}{main}</mlt>'


def mixed(media: Callable[[str], str]) -> str:
    """Two clips on one track, ten frames of which mix, as Kdenlive does it; a gap, and one more."""
    one = '<entry producer="a" in="5" out="34"/><blank length="26"/><entry producer="a" in="00:00:00.400" out="00:00:00.760"/>'
    other = '<blank length="20"/><entry producer="b" in="12" out="41"/>'
    mixes = MIX.format(20, 29, 0, 1, 4, "")
    return project(
        producer("a", media("a.mov"), 60),
        producer("b", media("b.mov"), 60),
        kdenlive_track(1, one, other, mixes),
        tracks='<track producer="t1"/>',
    )


def speeds(media: Callable[[str], str]) -> str:
    """Twice as fast, backwards, and backwards at three times the speed."""
    entries = '<entry producer="f" in="3" out="17"/><entry producer="r" in="5" out="24"/><entry producer="s" in="1" out="9"/>'
    a = media("a.mov")
    return project(
        producer("f", f"2:{a}", 30, "timewarp", warp_speed=2, warp_resource=a),
        producer("s", f"-3:{a}", 20, "timewarp", warp_speed="-3", warp_resource=a),
        producer("r", f"-1:{a}", 60, "timewarp", warp_speed=-1, warp_resource=a),
        kdenlive_track(1, entries),
        tracks='<track producer="t1"/>',
    )


def nested(media: Callable[[str], str]) -> str:
    """A sequence in a sequence, cut."""
    inner = '<tractor id="inner" in="0" out="39"><track producer="p8"/></tractor>'
    eight = '<playlist id="p8"><entry producer="a" in="0" out="19"/><entry producer="b" in="30" out="49"/></playlist>'
    entries = '<entry producer="b" in="0" out="9"/><entry producer="inner" in="15" out="29"/>'
    return project(
        producer("a", media("a.mov"), 60),
        producer("b", media("b.mov"), 60),
        eight,
        inner,
        kdenlive_track(1, entries),
        tracks='<track producer="t1"/>',
    )


def layers(media: Callable[[str], str]) -> str:
    """A clip above another that it hides while it is there, and fades in from it (a composition)."""
    fade = (
        '<transition in="20" out="29"><property name="a_track">1</property><property name="b_track">2</property>'
        '<property name="mlt_service">luma</property><property name="kdenlive_id">dissolve</property></transition>'
    )
    return project(
        producer("a", media("a.mov"), 60),
        producer("b", media("b.mov"), 60),
        kdenlive_track(1, '<entry producer="a" in="0" out="59"/>'),
        kdenlive_track(2, '<blank length="20"/><entry producer="b" in="10" out="39"/>'),
        tracks='<track producer="t1"/><track producer="t2"/>' + ABOVE.format(1) + fade + ABOVE.format(2),
    )


def flat(media: Callable[[str], str]) -> str:
    """MLT by hand: no groups of tracks, a filter on the clip."""
    half = '<filter><property name="mlt_service">brightness</property><property name="level">0.5</property></filter>'
    entries = f'<entry producer="a" in="7" out="26"/><blank length="5"/><entry producer="b" in="0" out="9">{half}</entry>'
    return project(
        producer("a", media("a.mov"), 60),
        producer("b", media("b.mov"), 60),
        f'<playlist id="l">{entries}</playlist>',
        tracks='<track producer="l" hide="audio"/>',
    )


def test_half_the_speed_is_melts_within_half_a_frame(footage: Footage, tmp_path: Path, melted_by: Callable[..., None]) -> None:
    """Between two frames MLT takes the one that comes, we the one that is there."""
    need_melt()
    a = footage["a.mov"].path
    slow = producer("s", f"0.5:{a}", 120, "timewarp", warp_speed="0.5", warp_resource=a)
    path = tmp_path / "edit.mlt"
    path.write_text(project(slow, kdenlive_track(1, '<entry producer="s" in="10" out="29"/>'), tracks='<track producer="t1"/>'))
    ours = [read_number(picture) for picture in seen_by_us(path)]
    theirs = [read_number(picture) for picture in seen_by_melt(path, tmp_path, melted_by)[: len(ours)]]
    assert ours == [1000 + number // 2 for number in range(10, 30)]
    assert all(a <= b <= a + 1 for a, b in zip(ours, theirs, strict=True)), theirs


LUMAS = Path("/usr/share/kdenlive/lumas/PAL")


@pytest.mark.parametrize("is_swapped", [False, True], ids=["a-b", "b-a"])
@pytest.mark.parametrize("invert", [0, 1])
def test_wipes_of_kdenlives_are_near_melts(
    invert: int, is_swapped: bool, footage: Footage, tmp_path: Path, melted_by: Callable[..., None]
) -> None:
    """Each of the pictures that we know; where the incoming clip is in the first playlist, Kdenlive writes ``reverse``."""
    need_melt()
    if not LUMAS.is_dir():
        pytest.skip("KDENLIVE IS NOT INSTALLED: its pictures of wipes are not compared")
    if invert and is_swapped:
        pytest.skip("inverted and reversed: unknown")
    names = sorted(mlt_lumas.PATTERNS)
    one, other, mixes = "", "", ""
    for number, name in enumerate(names):
        start = 30 * number  # a for 20 frames, b from 10 to 30: ten frames of both
        one += '<entry producer="a" in="0" out="19"/><blank length="10"/>'
        other += '<blank length="10"/><entry producer="b" in="0" out="19"/>'
        words = {"resource": LUMAS / f"{name}.pgm", "softness": "0.2", "invert": invert, "reverse": int(is_swapped)}
        said = "".join(f'<property name="{k}">{v}</property>' for k, v in words.items())
        mixes += MIX.format(start + 10, start + 19, 0, 1, 5, said)
    if is_swapped:
        one, other = other, one
    media = [producer("a", "#ff204060", 20, "color"), producer("b", "#ffe0c080", 20, "color")]
    path = tmp_path / "edit.mlt"
    path.write_text(project(*media, kdenlive_track(1, one, other, mixes), tracks='<track producer="t1"/>'))
    _, plans = plans_of(path)
    theirs = seen_by_melt(path, tmp_path, melted_by)
    with Sources({}, Fraction(25)) as sources:
        compositor = Compositor(NativeEngine(), sources)
        for number, name in enumerate(names):
            for frame in (30 * number + 13, 30 * number + 17):
                assert (plans[frame].unknown, plans[frame].approximate) == ((), (name,)), plans[frame].unknown
                ours = stored(compositor, plans[frame], LAYOUT, ColourSpace.BT709.tags, SIZE)[0]
                difference = np.abs(ours.astype(int) - theirs[frame]).mean()
                assert difference < 15, (name, frame, difference)  # of 125 between the two clips


#: What a clip can be told in Kdenlive and Shotcut: properties of its producer, or a link; by the name under which it is left.
TOLD = {
    "rotate": ({"rotate": 90}, ""),
    "force_aspect_ratio": ({"force_aspect_ratio": 2}, ""),
    "force_fps": ({"force_fps": 50}, ""),
    "set.force_full_luma": ({"set.force_full_luma": 1}, ""),
    "timeremap": ({}, "00:00:00.000=0;00:00:01.000=1.8"),
}


def test_what_a_clip_is_told_about_its_file_is_left_by_name(
    footage: Footage, tmp_path: Path, melted_by: Callable[..., None]
) -> None:
    """melt shows something else than the file's frame 20, so we say that we do not follow."""
    need_melt()
    a = footage["a.mov"].path
    chains = [producer("plain", a, 60)]
    for number, (told, times) in enumerate(TOLD.values()):
        one = producer(f"c{number}", a, 60, **told).replace("producer", "chain")
        words = f'<property name="mlt_service">timeremap</property><property name="map">{times}</property>'
        chains.append(one.replace("</chain>", f"<link>{words}</link></chain>") if times else one)
    entries = "".join(
        f'<entry producer="{name}" in="20" out="20"/>' for name in ("plain", *(f"c{n}" for n in range(len(TOLD))))
    )
    path = tmp_path / "edit.mlt"
    path.write_text(project(*chains, kdenlive_track(1, entries), tracks='<track producer="t1"/>'))
    plans = plans_of(path)[1]
    assert [plan.unknown for plan in plans] == [(), *((name,) for name in TOLD)]
    plain, *theirs = (picture.astype(int) for picture in seen_by_melt(path, tmp_path, melted_by))
    for name, picture in zip(TOLD, theirs, strict=False):
        assert np.abs(picture - plain).mean() > 2, name


def need_melt() -> None:
    if shutil.which("melt") is None:
        pytest.skip("MELT IS NOT INSTALLED: apt-get install melt")


def seen_by_melt(path: Path, folder: Path, melted_by: Callable[..., None]) -> list[np.ndarray]:
    out = folder / "melt.mkv"
    words = ["vcodec=ffv1", "pix_fmt=yuv420p", "an=1", "real_time=-1"]
    melted_by(["melt", "-silent", f"xml:{path}", "-consumer", f"avformat:{out}", *words], cwd=folder)
    with av.open(str(out)) as container:
        return [planes_of(frame)[1][0].copy() for frame in container.decode(video=0)]


def plans_of(path: Path) -> tuple[Footage, list[FramePlan]]:
    composition = compose(files.read(path), Locator(path))
    media = {shot.target.medium: probe(str(shot.target.path)) for shot in composition.shots() if shot.target.path}

    def translate(use: Any, moment: Any) -> Any:
        return translated(use, moment, SIZE, composition.frame_rate)

    assert (composition.canvas, composition.frame_rate) == (SIZE, 25)
    return media, [frame_plan(composition, n, media, translate) for n in range(len(composition.duration))]


def seen_by_us(path: Path) -> list[np.ndarray]:
    media, plans = plans_of(path)
    with Sources(media, Fraction(25)) as sources:
        compositor = Compositor(NativeEngine(), sources)
        assert not any(plan.unknown or plan.missing or plan.approximate for plan in plans)
        return [stored(compositor, plan, LAYOUT, ColourSpace.BT709.tags, SIZE)[0] for plan in plans]


@pytest.mark.parametrize("build", [mixed, speeds, nested, layers, flat], ids=lambda build: build.__name__)
def test_every_frame_is_melts(
    build: Callable[..., str], footage: Footage, tmp_path: Path, melted_by: Callable[..., None]
) -> None:
    need_melt()
    path = tmp_path / "edit.mlt"
    path.write_text(build(lambda name: footage[name].path))
    ours, theirs = seen_by_us(path), seen_by_melt(path, tmp_path, melted_by)
    theirs = theirs[: len(ours)]  # melt plays the black background on
    assert len(ours) == len(theirs)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        difference = np.abs(a.astype(int) - b.astype(int))
        # melt works in 4:2:2 and mixes in steps of its own: a code or two, and no other picture
        assert difference.mean() < 1.5, (number, difference.mean(), difference.max())
    assert len({read_number(picture) for picture in theirs if picture.std() > 5}) > 10
