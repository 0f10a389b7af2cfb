"""Every frame of a timeline shows the right source frame: read off the decoded pictures, compared with OTIO and with melt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.effects.translate.dialects import translated
from otio_perf.media.decode import Reader, constant_rate, total_frames
from otio_perf.media.probe import probe
from otio_perf.model.composition import Composition
from otio_perf.model.frames import (
    Applied,
    Fidelity,
    Fit,
    FramePlan,
    Generated,
    Layer,
    Mix,
    Moment,
    SourceFrame,
    Stacked,
    Translated,
)
from otio_perf.model.media import MediaInfo, MediaKind
from otio_perf.model.stand_ins import StandIn
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import EffectUse, TargetKind
from otio_perf.model.wire import from_json, to_json
from otio_perf.render.plan import canvas_size, frame_plan
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.survey import survey
from sample_timelines.make_media import CLIPS, make, read_number

Composed = Callable[[otio.core.SerializableObject], Composition]
Footage = dict[str, MediaInfo]
RATE = 25.0


def time(value: float, rate: float = RATE) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(value, rate)


def span(start: float, duration: float, rate: float = RATE) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(time(start, rate), time(duration, rate))


def gap(frames: float) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=span(0, frames))


def mix(before: float, after: float) -> otio.schema.Transition:
    return otio.schema.Transition("mix", "SMPTE_Dissolve", time(before), time(after))


def track(*children: Any, **fields: Any) -> otio.schema.Track:
    return otio.schema.Track(children=list(children), kind="Video", **fields)


def stack(*children: Any, **fields: Any) -> otio.schema.Stack:
    return otio.schema.Stack(children=list(children), **fields)


def timeline(*tracks: Any, rate: float = RATE, start: float = 0) -> otio.schema.Timeline:
    found = otio.schema.Timeline("t", global_start_time=time(start, rate))
    found.tracks.extend([t if isinstance(t, otio.core.Composition) else track(t) for t in tracks])
    return found


@pytest.fixture(scope="session")
def clip(footage: Footage) -> Callable[..., otio.schema.Clip]:
    """A clip of a name in ``footage``."""

    def build(
        name: str, start: float, frames: float, *, rate: float = RATE, first: float | None = 0, speed: float | None = None
    ) -> otio.schema.Clip:
        info = footage[name]
        reference = otio.schema.ExternalReference(info.path)
        if first is not None:
            picture = info.picture
            assert picture
            own = float(picture.frame_rate)
            reference.available_range = span(first, picture.frame_count, own)
        found = otio.schema.Clip(name, reference, span(start, frames, rate))
        if speed is not None:
            found.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed) if speed else otio.schema.FreezeFrame())
        return found

    return build


@pytest.fixture(scope="session")
def pictured(footage: Footage) -> dict[str, list[int]]:
    """The numbers in the pictures of each medium, in the order in which ``Reader`` gives them."""
    return {info.path: numbers_in(info) for info in footage.values()}


def numbers_in(info: MediaInfo, rate: Fraction = Fraction(25)) -> list[int]:
    counted = constant_rate(info, rate)
    whole = FrameRange(0, total_frames(info, counted), counted)
    picture = info.picture
    assert picture
    return [read_number(f.to_ndarray(format="gray"), picture.rotation) for _, f in Reader(info, counted, 1).frames([whole])]


def untranslated(use: EffectUse, moment: Moment) -> Translated:
    return Translated(fidelity=Fidelity.UNKNOWN)


@pytest.fixture
def shows(footage: Footage, composed: Composed, pictured: dict[str, list[int]]) -> Callable[..., list[Any]]:
    """What is to be read in the picture of each frame: the topmost number, or (outgoing, incoming) in a transition."""
    media = {info.path: info for info in footage.values()}

    def read(edit: otio.core.SerializableObject) -> list[Any]:
        composition = composed(edit)
        plans = [frame_plan(composition, f, media, untranslated) for f in range(len(composition.duration))]
        assert not any(plan.missing or plan.unknown for plan in plans)
        return [seen(plan.root, pictured) for plan in plans]

    return read


def seen(content: Any, pictured: Mapping[str, list[int]]) -> Any:
    match content:
        case Stacked(layers=layers):
            return seen(layers[-1].content, pictured) if layers else None
        case Mix(outgoing=outgoing, incoming=incoming):
            return tuple(None if side is None else seen(side.content, pictured) for side in (outgoing, incoming))
        case SourceFrame(medium=medium, number=number):
            return pictured[medium][number]
        case Generated(kind=kind):
            return kind
    raise AssertionError(content)


def test_cuts_gaps_and_what_is_disabled(clip: Any, shows: Any) -> None:
    hidden = clip("b.mov", 0, 5)
    hidden.enabled = False
    above = track(gap(4), clip("b.mov", 20, 2))
    off = track(clip("fast.mov", 0, 10))
    off.enabled = False
    edit = timeline(track(clip("a.mov", 10, 6), gap(2), hidden, clip("b.mov", 0, 3)), above, off)
    assert shows(edit) == [1010, 1011, 1012, 1013, 2020, 2021, *[None] * 7, 2000, 2001, 2002]


def test_a_transition_shows_the_handles_of_both(clip: Any, shows: Any, composed: Composed, footage: Footage) -> None:
    edit = timeline(track(clip("a.mov", 10, 10), mix(3, 2), clip("b.mov", 20, 8)))
    assert shows(edit) == [
        *range(1010, 1017),
        *((1017 + i, 2017 + i) for i in range(5)),
        *range(2022, 2028),
    ]
    composition = composed(edit)
    media = {info.path: info for info in footage.values()}
    mixes = [frame_plan(composition, f, media, untranslated).root.layers[0].content for f in range(7, 12)]
    assert [m.progress for m in mixes if isinstance(m, Mix)] == [0, 0.2, 0.4, 0.6, 0.8]
    assert {m.transition.name for m in mixes if isinstance(m, Mix)} == {"dissolve"}


def test_transitions_at_the_ends_and_beside_gaps_fade(clip: Any, shows: Any) -> None:
    edit = timeline(track(mix(0, 2), clip("a.mov", 10, 5), mix(2, 1), gap(3), mix(1, 1), clip("b.mov", 10, 4), mix(2, 1)))
    assert shows(edit) == [
        (None, 1010), (None, 1011), 1012, (1013, None), (1014, None), (1015, None), None,
        (None, 2009), (None, 2010), 2011, (2012, None), (2013, None), (2014, None),
    ]  # fmt: skip


def test_transitions_that_overlap_mix_what_the_first_leaves(clip: Any, shows: Any) -> None:
    edit = timeline(track(clip("a.mov", 10, 5), mix(1, 2), clip("b.mov", 10, 3), mix(2, 1), clip("a.mov", 40, 4)))
    assert shows(edit)[4:10] == [(1014, 2009), (1015, 2010), ((1016, 2011), 1038), (2012, 1039), (2013, 1040), 1041]


#: The first frames, and the last, that Avid Media Composer shows of a 120-frame medium:
#: github.com/jminor/otio-time-warp-test-suite, time_warp_test.baseline.ocr_results.txt. In-points of retimed clips
#: are rounded there; 49.5 and 69.3 are what they were.
AVID = [
    (0, 120, 1.0, [0, 1, 2, 3], 119),
    (50, 10, 0.0, [50, 50, 50, 50], 50),
    (0, 120, 0.99, [0, 0, 1, 2, 3], 117),
    (0, 120, 0.9, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11], 107),
    (0, 100, 0.33, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4], 32),
    (0, 120, 1.1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14], 119),
    (0, 120, 10.0, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 119, 119], 119),
    (0, 33, 100 / 33, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39], 96),
    (0, 9, 100 / 9, [0, 11, 22, 33, 44, 55, 66, 77, 88], 88),
    (0, 100, -1.0, [99, 98, 97, 96], 0),
    (49.5, 100, -0.5, [99, 98, 98, 97, 97, 96, 96, 95, 95, 94, 94, 93, 93, 92], 49),
    (69.3, 100, -0.3, [99, 98, 98, 98, 97, 97, 97, 96, 96, 96, 96, 95, 95, 95], 69),
]


@pytest.mark.parametrize(("start", "frames", "speed", "first", "last"), AVID)
def test_retimes_are_those_of_avid(
    clip: Any, shows: Any, start: float, frames: int, speed: float, first: list[int], last: int
) -> None:
    shot = clip("long.mov", 86400 + start, frames, rate=24, first=86400, speed=speed)
    shown = shows(timeline(track(shot), rate=24))
    assert len(shown) == frames
    assert shown[: len(first)] == first
    assert shown[-1] == last


def test_handles_and_retimes_hold_the_last_frame(clip: Any, shows: Any) -> None:
    edit = timeline(track(clip("a.mov", 55, 5), mix(1, 3), clip("b.mov", 1, 6)))
    assert shows(edit) == [
        1055, 1056, 1057, 1058, (1059, 2000), (1059, 2001), (1059, 2002), (1059, 2003), 2004, 2005, 2006,
    ]  # fmt: skip
    edit = timeline(track(clip("a.mov", 0, 4, speed=-2.0), clip("b.mov", 50, 5, speed=3.0)))
    assert shows(edit) == [1006, 1004, 1002, 1000, 2050, 2053, 2056, 2059, 2059]


def test_two_retimes_multiply(clip: Any, shows: Any) -> None:
    shot = clip("a.mov", 10, 5, speed=3.0)
    shot.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    assert shows(timeline(track(shot))) == [1010, 1011, 1013, 1014, 1016]


def test_nested_stacks_and_tracks(clip: Any, shows: Any) -> None:
    inner = stack(
        track(clip("a.mov", 0, 10), clip("b.mov", 0, 10)),
        track(gap(8), clip("fast.mov", 0, 1), source_range=span(4, 6)),
        source_range=span(2, 16),
    )
    whole = [1002, 1003, 3000, *range(1005, 1010), *range(2000, 2008)]
    assert shows(timeline(track(inner))) == whole

    def retimed(speed: float, frames: int) -> otio.schema.Timeline:
        nest = inner.deepcopy()
        nest.source_range = span(2, frames)
        nest.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed) if speed else otio.schema.FreezeFrame())
        return timeline(track(gap(1), nest))

    assert shows(retimed(2.0, 8)) == [None, *whole[::2]]
    assert shows(retimed(0.5, 8)) == [None, 1002, 1002, 1003, 1003, 3000, 3001, 1005, 1005]  # 3001: the medium has 50 fps
    assert shows(retimed(-1.0, 16)) == [None, *reversed(whole)]
    assert shows(retimed(0.0, 3)) == [None, 1002, 1002, 1002]


def test_a_transition_into_a_nested_stack_shows_its_handle(clip: Any, shows: Any) -> None:
    nest = stack(track(clip("a.mov", 0, 20)), source_range=span(5, 6))
    assert shows(timeline(track(clip("b.mov", 30, 4), mix(2, 2), nest))) == [
        2030, 2031, (2032, 1003), (2033, 1004), (2034, 1005), (2035, 1006), *range(1007, 1011),
    ]  # fmt: skip


def test_a_bare_clip_in_a_stack_and_a_track_in_a_track(clip: Any, shows: Any) -> None:
    edit = timeline(stack(clip("a.mov", 3, 4), clip("b.mov", 5, 2)), track(gap(5), track(clip("a.mov", 40, 2))))
    assert shows(edit) == [2005, 2006, 1005, 1006, None, 1040, 1041]


def test_media_of_other_rates_are_met_by_time(clip: Any, shows: Any) -> None:
    assert shows(timeline(track(clip("fast.mov", 10, 4, rate=50), clip("fast.mov", 11, 4, rate=50)))) == [
        3010, 3012, 3011, 3013,
    ]  # fmt: skip
    # ten frames of 1001/24000 s are 10.43 of 1/25 s: frame i shows what is on screen at i/25 s
    expected = [4000 + int((i / Fraction(25) + 5 / Fraction(24000, 1001)) * Fraction(24000, 1001)) for i in range(20)]
    assert shows(timeline(track(clip("ntsc.mov", 5, 20 * 24 / 25 * 1000 / 1001, rate=24000 / 1001)))) == expected
    assert shows(timeline(track(clip("fast.mov", 10, 2, rate=50, speed=0.5), clip("fast.mov", 0, 6, rate=50, speed=-1.0)))) == [
        3010, 3004, 3002, 3000,
    ]  # fmt: skip
    assert shows(timeline(track(clip("a.mov", 5, 6)), rate=50)) == [
        n for n in range(1005, 1011) for _ in range(2)
    ]  # a 25 fps medium on a timeline of 50


def test_cuts_between_frames_fall_on_the_nearest_and_begin_with_the_in_point(clip: Any, shows: Any) -> None:
    shots = [clip("ntsc.mov", 10 * i, 5, rate=24000 / 1001) for i in range(4)]  # 5.2 frames of the timeline each
    shown = shows(timeline(track(*shots)))
    assert [shown[n] for n in (0, 5, 10, 16)] == [4000, 4010, 4020, 4030]
    assert len(shown) == 21


@pytest.mark.parametrize("first", [0, 90000, None])
def test_start_timecodes(clip: Any, shows: Any, first: float | None) -> None:
    """Of the timeline, of the reference, and of the file where the reference does not say."""
    edit = timeline(track(clip("label.mov", (90000 if first is None else first) + 7, 3, first=first)), start=86400)
    assert shows(edit) == [5007, 5008, 5009]


def test_final_cut_counts_its_in_point_in_retimed_frames(clip: Any, shows: Any) -> None:
    def remapped(speed: str, reverse: str) -> otio.schema.Timeline:
        shot = clip("long.mov", 4, 3, rate=24)
        rows = [{"parameterid": "speed", "value": speed}, {"parameterid": "reverse", "value": reverse}]
        notes = {"fcp_xml": {"effectid": "timeremap", "parameter": rows}}
        shot.effects.append(otio.schema.Effect("Time Remap", metadata=notes))
        return timeline(track(shot), rate=24)

    assert shows(remapped("500", "FALSE")) == [20, 25, 30]
    assert shows(remapped("50", "FALSE")) == [2, 2, 3]
    assert shows(remapped("200", "TRUE")) == [111, 109, 107]


def test_pictures_in_numbered_files_and_alone(footage: Footage, composed: Composed) -> None:
    still = footage["still"]
    folder = str(Path(still.path).parent)
    reference = otio.schema.ImageSequenceReference(folder, "plate.", ".png", 101, 1, 25.0, 4, available_range=span(0, 12))
    edit = timeline(
        track(
            otio.schema.Clip("sequence", reference, span(2, 4)),
            otio.schema.Clip("still", otio.schema.ExternalReference(still.path, span(0, 1)), span(0, 3)),
        )
    )
    composition = composed(edit)
    target = next(composition.shots()).target
    media = {target.medium: probe(target.sequence, sequence_rate=Fraction(25)), still.path: still}
    pictured = {name: numbers_in(info) if info.kind is not MediaKind.STILL else [6105] for name, info in media.items()}
    plans = [frame_plan(composition, f, media, untranslated) for f in range(7)]
    assert [seen(plan.root, pictured) for plan in plans] == [6103, 6104, 6105, 6106, 6105, 6105, 6105]


def test_media_of_variable_rate_are_counted_at_the_timelines(tmp_path: Path, composed: Composed) -> None:
    from dataclasses import replace

    source = replace(CLIPS["PHONE_0001.mp4"], width=320, height=180, frames=60, bit_rate=2_000_000, audio=(), rotation=0)
    info = probe(str(make(source, tmp_path)))
    assert info.picture
    assert info.picture.is_vfr
    shot = otio.schema.Clip("phone", otio.schema.ExternalReference(info.path, span(0, 60, 30)), span(10, 40, 30))
    composition = composed(timeline(track(shot)))
    pictured = {info.path: numbers_in(info)}
    starts = source.times()
    for frame in range(len(composition.duration)):
        plan = frame_plan(composition, frame, {info.path: info}, untranslated)
        content = plan.root.layers[0].content
        assert isinstance(content, SourceFrame)
        assert content.rate == 25
        shown = seen(plan.root, pictured)
        asked = Fraction(10, 30) + Fraction(frame, 25)
        # on screen somewhere in the frame's twenty-fifth of a second, or half of one before
        assert starts[shown] - Fraction(1, 25) <= asked < starts[shown + 1] + Fraction(1, 25)


# ---- media that are not there, and what is no medium


def test_what_is_missing_is_a_slate_with_its_name(composed: Composed, paper: Any) -> None:
    shots = [
        otio.schema.Clip("gone", otio.schema.ExternalReference("/m/gone.mov", span(0, 9)), span(0, 1)),
        otio.schema.Clip("nothing", otio.schema.MissingReference(), span(0, 1)),
        otio.schema.Clip("web", otio.schema.ExternalReference("http://h/web.mov"), span(0, 1)),
        otio.schema.Clip("outside", otio.schema.ExternalReference("/m/there.mov", span(0, 500)), span(900, 1)),
        otio.schema.Clip("bars", otio.schema.GeneratorReference(generator_kind="SMPTEBars"), span(0, 1)),
        otio.schema.Clip(
            "red", otio.schema.GeneratorReference(generator_kind="SolidColor", parameters={"color": "0xff000080"}), span(0, 1)
        ),
        otio.schema.Clip("title", otio.schema.GeneratorReference(generator_kind="GraphicAndType"), span(0, 1)),
    ]
    composition = composed(timeline(track(*shots)))
    plans = [
        frame_plan(composition, f, {"/m/there.mov": paper("/m/there.mov", rate=Fraction(25))}, untranslated) for f in range(7)
    ]
    pictures = [plan.root.layers[0].content for plan in plans]
    assert all(isinstance(p, Generated) for p in pictures)
    assert [p.kind for p in pictures] == ["slate"] * 4 + ["bars", "solid", "slate"]
    texts = [dict(p.values).get("text", "") for p in pictures]
    for text, name in zip(texts, ["gone.mov", "nothing", "web.mov", "there.mov"], strict=False):
        assert name in text
    assert "a http: URL" in texts[2]
    assert "not 900 to 900" in texts[3]
    assert [plan.missing for plan in plans] == [("gone.mov",), ("nothing",), ("web.mov",), ("there.mov",), (), (), ()]
    assert dict(pictures[5].values) == {"colour": (1.0, 0.0, 0.0), "alpha": 128 / 255}
    assert plans[6].unknown == ("GraphicAndType",)


def test_a_clip_with_an_impossible_speed_is_a_slate(composed: Composed) -> None:
    shot = otio.schema.Clip("bad", otio.schema.ExternalReference("/m/a.mov", span(0, 9)), span(0, 2))
    shot.effects.append(otio.schema.LinearTimeWarp(time_scalar=1e300))
    composition = composed(timeline(track(shot)))
    assert [p.clip for p in composition.problems] == ["bad"]
    plan = frame_plan(composition, 1, {}, untranslated)
    assert (plan.missing, plan.unusable) == ((), ("bad",))
    assert dict(plan.why) == {"bad": "speed 1e+300 is not a usable number"}
    assert "speed 1e+300" in dict(plan.root.layers[0].content.values)["text"]  # type: ignore[union-attr]


def test_a_group_with_an_impossible_speed_is_a_slate(composed: Composed) -> None:
    nest = stack(track(otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov", span(0, 9)), span(0, 5))))
    nest.name = "nest"
    nest.effects.append(otio.schema.LinearTimeWarp(time_scalar=float("nan")))
    plan = frame_plan(composed(timeline(track(gap(5), nest, gap(5)))), 7, {}, untranslated)
    assert (plan.missing, plan.unusable) == ((), ("nest",))
    assert "speed nan" in dict(plan.root.layers[0].content.values)["text"]  # type: ignore[union-attr]


def test_frames_that_are_not_there_are_refused(composed: Composed) -> None:
    composition = composed(timeline(track(gap(5))))
    assert frame_plan(composition, 4, {}, untranslated).root == Stacked(layers=())
    for frame in (-1, 5):
        with pytest.raises(ValueError, match="of a timeline of 5 frames"):
            frame_plan(composition, frame, {}, untranslated)


def test_the_canvas_is_that_of_the_first_picture(composed: Composed, paper: Any) -> None:
    shot = otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov", span(0, 9)), span(0, 2))
    composition = composed(timeline(track(shot)))
    assert canvas_size(composition, {}) == (1920, 1080)
    assert canvas_size(composition, {"/m/a.mov": paper("/m/a.mov")}) == (1280, 720)


# ---- effects


def test_effects_stand_where_the_host_put_them(composed: Composed, paper: Any) -> None:
    def effect(name: str) -> otio.schema.Effect:
        return otio.schema.Effect(name=name, effect_name=name)

    asked: dict[str, Moment] = {}

    def translate(use: EffectUse, moment: Moment) -> Translated:
        asked[use.name] = moment
        match use.name:
            case "odd":
                return Translated(fidelity=Fidelity.UNKNOWN, why="odd: nobody knows it")
            case "screen":
                return Translated(blend="screen", opacity=0.5)
            case "idle":
                return Translated(fidelity=Fidelity.NOTHING)
        near = Fidelity.APPROXIMATE if use.name == "near" else Fidelity.EXACT
        return Translated(applied=(Applied(name=use.name, version=1),), fidelity=near)

    shot = otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov", span(100, 500)), span(120, 20))
    for name in ("one", "odd", "near", "idle"):
        shot.effects.append(effect(name))
    over = otio.schema.Clip("d", otio.schema.ExternalReference("/m/b.mov", span(0, 500)), span(0, 20))
    over.effects.append(effect("screen"))
    nest = stack(track(shot), track(over))
    nest.effects.append(effect("stack"))
    lane = track(gap(5), nest)
    lane.effects.append(effect("track"))
    edit = timeline(lane)
    edit.tracks.effects.append(effect("whole"))
    media = {path: paper(path, rate=Fraction(25)) for path in ("/m/a.mov", "/m/b.mov")}
    plan = frame_plan(composed(edit), 12, media, translate)
    (top,) = plan.root.layers
    assert [e.name for e in top.effects] == ["stack", "track", "whole"]
    assert isinstance(top.content, Stacked)
    low, high = top.content.layers
    assert [e.name for e in low.effects] == ["one", "near"]
    assert (high.blend, high.opacity, high.effects) == ("screen", 0.5, ())
    assert (plan.unknown, plan.approximate) == (("odd",), ("near",))
    assert dict(plan.why) == {"odd": "nobody knows it"}
    assert asked["one"] == Moment(frame=Fraction(7), length=Fraction(20), inner=Fraction(27))
    assert asked["stack"] == Moment(frame=Fraction(7), length=Fraction(20), inner=Fraction(7))
    assert asked["track"].frame == asked["whole"].frame == 12


def test_a_blend_in_a_group_stays_in_the_group(composed: Composed, paper: Any) -> None:
    shot = otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov", span(0, 500)), span(0, 20))
    above = shot.deepcopy()
    above.effects.append(otio.schema.Effect(effect_name="screen"))
    media = {"/m/a.mov": paper("/m/a.mov")}
    translate = lambda use, moment: Translated(blend=use.name)  # noqa: E731
    flat = frame_plan(composed(timeline(track(shot.deepcopy()), track(above.deepcopy()))), 0, media, translate)
    nest = timeline(track(shot.deepcopy()), track(stack(track(above.deepcopy()))))
    nested = frame_plan(composed(nest), 0, media, translate)
    plain = timeline(track(shot.deepcopy()), track(stack(track(shot.deepcopy()))))
    assert [layer.blend for layer in _opened(flat)] == ["over", "screen"]
    assert [layer.blend for layer in nested.root.layers] == ["over", "over"]
    assert isinstance(nested.root.layers[1].content, Stacked)
    assert len(frame_plan(composed(plain), 0, media, translate).root.layers) == 2


def _opened(plan: FramePlan) -> tuple[Layer, ...]:
    (only,) = plan.root.layers
    assert isinstance(only.content, Stacked)
    return only.content.layers


def test_unknown_transitions_are_named_and_dissolve_meanwhile(composed: Composed, paper: Any) -> None:
    shots = [otio.schema.Clip(n, otio.schema.ExternalReference(f"/m/{n}.mov", span(0, 500)), span(50, 20)) for n in "ab"]
    wipe = otio.schema.Transition("Stars", "Custom_Transition", time(4), time(4))
    named = otio.schema.Transition("Dip", "SMPTE_Dissolve", time(4), time(4), {"fcp_xml": {"alignment": "center"}})
    media = {f"/m/{n}.mov": paper(f"/m/{n}.mov") for n in "ab"}

    def at_cut(transition: Any, translate: Any) -> FramePlan:
        edit = timeline(track(shots[0].deepcopy(), transition.deepcopy(), shots[1].deepcopy()))
        return frame_plan(composed(edit), 20, media, translate)

    def dip(use: EffectUse, moment: Moment) -> Translated:
        assert (use.dialect, use.name, moment.frame, moment.length) == ("fcp7", "Dip", 4, 8)
        return Translated(applied=(Applied(name="dip_to_colour", version=1),))

    unknown, host, exact = at_cut(wipe, untranslated), at_cut(named, untranslated), at_cut(named, dip)
    assert (unknown.unknown, unknown.approximate) == (("Stars",), ())
    assert (host.unknown, host.approximate) == (("Dip",), ())
    assert (exact.unknown, exact.approximate) == ((), ())
    names = [p.root.layers[0].content.transition.name for p in (unknown, host, exact)]  # type: ignore[union-attr]
    assert names == ["dissolve", "dissolve", "dip_to_colour"]


# ---- OpenTimelineIO as an oracle

FILM = 24.0
names = st.integers(0, 10**6).map(str)


@st.composite
def clips(draw: st.DrawFn) -> otio.schema.Clip:
    first = draw(st.sampled_from([0, 86400]))
    reference = otio.schema.ExternalReference(f"/m/{draw(st.integers(0, 3))}.mov", span(first, 500, FILM))
    shot = otio.schema.Clip(name=draw(names), media_reference=reference)
    if draw(st.booleans()):
        shot.source_range = span(first + draw(st.integers(10, 100)), draw(st.integers(30, 100)), FILM)
    shot.enabled = draw(st.integers(0, 9)) > 0
    return shot


@st.composite
def tracks(draw: st.DrawFn, depth: int) -> otio.schema.Track:
    made = otio.schema.Track(name=draw(names), kind=draw(st.sampled_from(["Video", "Video", "Audio"])))
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 6 if depth else 5))
        if kind == 5:
            made.append(otio.schema.Gap(source_range=span(0, draw(st.integers(20, 40)), FILM)))
        elif kind == 6:
            made.append(draw(stacks(depth - 1)))
        else:
            if len(made) and kind == 4:
                before, after = draw(st.integers(1, 8)), draw(st.integers(1, 8))
                made.append(otio.schema.Transition(in_offset=time(before, FILM), out_offset=time(after, FILM)))
            made.append(draw(clips()))
    if draw(st.integers(0, 4)) == 0 and len(made):
        made.source_range = span(draw(st.integers(0, 20)), draw(st.integers(20, 60)), FILM)
    return made


@st.composite
def stacks(draw: st.DrawFn, depth: int) -> otio.schema.Stack:
    made = otio.schema.Stack(name=draw(names), children=draw(st.lists(tracks(depth), min_size=1, max_size=3)))
    if draw(st.integers(0, 3)) == 0:
        made.source_range = span(draw(st.integers(0, 15)), draw(st.integers(20, 60)), FILM)
    return made


@st.composite
def timelines(draw: st.DrawFn) -> otio.schema.Timeline:
    made = otio.schema.Timeline("made", global_start_time=time(0, FILM))
    made.tracks.extend(draw(st.lists(tracks(2), min_size=1, max_size=3)))
    return made


def shown_by_otio(item: otio.core.Item, at: otio.opentime.RationalTime, windowed: bool = True) -> list[tuple[str, float]]:
    """(url, frames since the medium's first), lowest layer first, of what an item shows at ``at`` of its own time."""
    if not item.enabled or isinstance(item, otio.schema.Gap):
        return []
    if isinstance(item, otio.schema.Clip):
        return [(item.media_reference.target_url, (at - item.available_range().start_time).value)]
    if isinstance(item, otio.schema.Stack):
        found = []
        for child in item:
            inside = item.transformed_time(at, child)
            if isinstance(child, otio.schema.Track) and (not child.source_range or child.trimmed_range().contains(inside)):
                found += shown_by_otio(child, inside)
        return found
    if item.kind != "Video":
        return []
    ranges = item.range_of_all_children()
    sides = []
    for number, child in enumerate(item):
        if isinstance(child, otio.schema.Transition) and ranges[child].contains(at):
            sides = [item[number - 1], item[number + 1]]
    if not sides:
        here = item.child_at_time(at, shallow_search=True)
        sides = [here] if here is not None else []
    return [shown for side in sides for shown in shown_by_otio(side, item.transformed_time(at, side))]


def leaves(content: Any) -> list[tuple[str, float]]:
    match content:
        case Stacked(layers=layers):
            return [leaf for layer in layers for leaf in leaves(layer.content)]
        case Mix(outgoing=outgoing, incoming=incoming):
            return [leaf for side in (outgoing, incoming) if side is not None for leaf in leaves(side.content)]
        case SourceFrame(medium=medium, number=number):
            return [(medium, number)]
    raise AssertionError(content)


@settings(max_examples=examples(150))
@given(edit=timelines())
def test_every_frame_is_that_of_opentimelineio(edit: otio.schema.Timeline, paper: Any, footage: Footage) -> None:
    root = json.loads(edit.to_json_string())
    document = Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=root)
    composition = compose(document, Locator("/t/x.otio"))
    media = {f"/m/{n}.mov": paper(f"/m/{n}.mov") for n in range(4)}
    assert composition.problems == ()
    assert len(composition.duration) == edit.duration().to_frames()
    for frame in range(0, len(composition.duration), 3):
        plan = frame_plan(composition, frame, media, untranslated)
        wanted = [(url, min(max(n, 0), 499)) for url, n in shown_by_otio(edit.tracks, time(frame, FILM))]
        assert leaves(plan.root) == wanted, frame
        assert from_json(FramePlan, to_json(plan)) == plan


# ---- the test data


@pytest.mark.testdata
def test_all_test_data_compose_and_agree_with_the_survey(readable: dict[Path, Document], paper: Any) -> None:
    composed_ones, compared = 0, 0
    for path, document in readable.items():
        composition, found = compose(document, Locator(path)), survey(document, Locator(path))
        composed_ones += 1
        assert (composition.frame_rate, composition.duration, composition.start_frame) == (
            found.frame_rate,
            found.duration,
            found.start_frame,
        ), path
        media = {}
        for use in found.uses:
            if use.target.kind in (TargetKind.FILE, TargetKind.SEQUENCE):
                frames = use.available_frames or 10**9
                media.setdefault(use.target.medium, paper(use.target.medium, frames=frames, rate=use.source.rate))
        uses = [u for u in found.uses if u.track_kind == "video" and len(u.position)]
        step = max(1, len(found.duration) // 40)
        for frame in range(0, len(found.duration), step):
            plan = frame_plan(composition, frame, media, untranslated)
            assert frame_plan(composition, frame, {}, untranslated).root.layers or not plan.root.layers
            here = [u for u in uses if u.position.start <= frame < u.position.stop]
            wanted = sorted(u.target.medium for u in here if u.target.medium in media)
            layers = [leaf for leaf in _all_leaves(plan.root) if isinstance(leaf, SourceFrame)]
            assert sorted(s.medium for s in layers) == wanted, (path, frame)
            compared += len(wanted)
            for shown in layers:
                ranges = [u for u in here if u.target.medium == shown.medium]
                first = [u.source.start - (u.available_start or 0) - 1 for u in ranges]
                stop = [u.source.stop - (u.available_start or 0) + 1 for u in ranges]
                assert any(a <= shown.number < max(b, a + 2) for a, b in zip(first, stop, strict=True)), (path, frame)
    assert composed_ones > 50
    assert compared > 500


def _all_leaves(content: Any) -> list[Any]:
    match content:
        case Stacked(layers=layers):
            return [leaf for layer in layers for leaf in _all_leaves(layer.content)]
        case Mix(outgoing=outgoing, incoming=incoming):
            return [leaf for side in (outgoing, incoming) if side is not None for leaf in _all_leaves(side.content)]
    return [content]


# ---- melt as an oracle

PROFILE = """\
description=small
frame_rate_num={rate.numerator}
frame_rate_den={rate.denominator}
width=320
height=180
progressive=1
sample_aspect_num=1
sample_aspect_den=1
display_aspect_num=16
display_aspect_den=9
colorspace=709
"""


@pytest.fixture
def melted(tmp_path: Path, melted_by: Callable[..., None]) -> Callable[..., list[np.ndarray[Any, Any]]]:
    """Luma planes of what ``melt`` renders of its command line words."""
    melt = shutil.which("melt") or shutil.which("melt-7")
    if melt is None:
        pytest.skip("NO MELT: the command line tool melt is not installed")

    def render(*words: object, rate: Fraction = Fraction(25)) -> list[np.ndarray[Any, Any]]:
        (tmp_path / "profile").write_text(PROFILE.format(rate=rate))
        out = tmp_path / "out.mkv"
        command = [melt, "-profile", str(tmp_path / "profile"), *map(str, words), "-consumer", f"avformat:{out}"]
        command += ["vcodec=ffv1", "pix_fmt=yuv422p", "an=1", "real_time=0"]
        melted_by(command)
        with av.open(str(out)) as container:
            return [f.to_ndarray(format="gray") for f in container.decode(video=0)]

    return render


def level(picture: np.ndarray[Any, Any]) -> float:
    return float(picture[100:170, 10:310].mean())


def test_cuts_and_a_dissolve_are_those_of_melt(
    melted: Any, clip: Any, shows: Any, composed: Composed, footage: Footage
) -> None:
    a, b = footage["a.mov"].path, footage["b.mov"].path
    pictures = melted(
        a,
        "in=10",
        "out=29",
        b,
        "in=5",
        "out=24",
        "-mix",
        10,
        "-mixer",
        "luma",
        "color:black",
        "in=0",
        "out=3",
        a,
        "in=50",
        "out=54",
    )
    edit = timeline(track(clip("a.mov", 10, 15), mix(5, 5), clip("b.mov", 10, 15), gap(4), clip("a.mov", 50, 5)))
    composition = composed(edit)
    media = {info.path: info for info in footage.values()}
    shown = shows(edit)
    assert len(pictures) == len(shown)
    for frame, (picture, number) in enumerate(zip(pictures, shown, strict=True)):
        if isinstance(number, tuple):
            content = frame_plan(composition, frame, media, untranslated).root.layers[0].content
            assert isinstance(content, Mix)
            mixed = (level(picture) - level(pictures[0])) / (level(pictures[20]) - level(pictures[0]))
            assert mixed == pytest.approx(content.progress, abs=0.01)
        elif number is None:
            assert level(picture) < 1
        else:
            assert read_number(picture) == number


@pytest.mark.parametrize(
    ("speed", "start", "frames"),
    [
        (2.0, 0, 30),
        (3.0, 0, 20),
        (-1.0, 0, 60),
        (-1.0, 0, 20),
        (-2.0, 0, 14),
        (0.0, 17, 5),
    ],  # at broken speeds melt takes the nearest frame
)
def test_retimes_are_those_of_melt(
    melted: Any, clip: Any, shows: Any, footage: Footage, speed: float, start: int, frames: int
) -> None:
    path = footage["a.mov"].path
    if speed:
        pictures = melted(f"timewarp:{speed}:{path}", "in=0", f"out={frames - 1}")
    else:
        pictures = melted(f"hold:{path}", f"frame={start}", "in=0", f"out={frames - 1}")
    assert [read_number(p) for p in pictures] == shows(timeline(track(clip("a.mov", start, frames, speed=speed))))


def test_media_of_other_rates_are_those_of_melt(melted: Any, clip: Any, shows: Any, footage: Footage) -> None:
    shown = shows(timeline(track(clip("fast.mov", 0, 50))))
    assert [read_number(p) for p in melted(footage["fast.mov"].path, "in=0", "out=24")] == shown[:25]


# ---- media of another size than the canvas


@pytest.mark.parametrize(
    ("motion", "expected"),
    [
        (None, (Fit.NONE, 1.0, None)),
        ({"scale": "75"}, (Fit.NONE, 0.75, None)),
        ({"scale": "150"}, (Fit.NONE, 1.5, None)),
        ({"scale": "75", "rotation": "10"}, (Fit.CONTAIN, 1.0, (1.5, 1.5))),  # whole on the canvas, which halves it
    ],
)
def test_final_cut_counts_a_mediums_size_in_its_own_pixels(
    motion: dict[str, str] | None,
    expected: tuple[Fit, float, tuple[float, float] | None],
    composed: Composed,
    paper: Callable[..., MediaInfo],
) -> None:
    """Of 1280 × 720 on a canvas of half the size, and of 640 × 360 for a proxy in its place."""
    clip = otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov", span(0, 500, 24)), span(0, 10, 24))
    clip.metadata["fcp_xml"] = {"id": "clipitem-1"}
    if motion is not None:
        parameters = [{"parameterid": name, "value": value} for name, value in motion.items()]
        effect = {"effectid": "basic", "name": "Basic Motion", "parameter": parameters}
        clip.effects.append(otio.schema.Effect(name="Basic Motion", effect_name="basic", metadata={"fcp_xml": effect}))
    composition = composed(otio.schema.Timeline("t", tracks=[track(clip)]))
    info = paper("/m/a.mov")
    translate = partial(translated, canvas=(640, 360), frame_rate=composition.frame_rate)
    plan = frame_plan(composition, 0, {"/m/a.mov": info}, translate, size=(640, 360))
    (layer,) = plan.root.layers
    scale = next((dict(one.values)["scale"] for one in layer.effects), None)
    assert (layer.fit, layer.magnified, scale) == expected
    assert "size of a.mov" in plan.approximate
    half = replace(info.video[0], width=640, height=360)
    part = FrameRange(0, 500, Fraction(24))
    proxy = StandIn(medium="/p/a.mov", info=replace(info, path="/p/a.mov", video=(half,)), source_range=part)
    known = {"/m/a.mov": info, "/p/a.mov": proxy.info}
    plan = frame_plan(composition, 0, known, translate, size=(640, 360), stand_ins={"/m/a.mov": (proxy,)})
    (layer,) = plan.root.layers
    assert layer.magnified == (expected[1] * 2 if expected[0] is Fit.NONE else 1)
    same = frame_plan(composition, 0, {"/m/a.mov": info}, translate, size=(1280, 720))
    assert "size of a.mov" not in same.approximate
    assert same.root.layers[0].fit is Fit.CONTAIN


def test_all_others_show_it_whole(composed: Composed, paper: Callable[..., MediaInfo]) -> None:
    clip = otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov", span(0, 500, 24)), span(0, 10, 24))
    composition = composed(otio.schema.Timeline("t", tracks=[track(clip)]))
    plan = frame_plan(composition, 0, {"/m/a.mov": paper("/m/a.mov")}, lambda *_: Translated(), size=(640, 360))
    assert (plan.root.layers[0].fit, plan.approximate) == (Fit.CONTAIN, ())
