"""The tree of what a timeline shows has the times of the survey, and keeps what the survey flattens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.errors import UnreadableTimelineError
from otio_perf.model.composition import Composition, Group, Placed, Shot
from otio_perf.model.uses import TargetKind
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.survey import survey


def span(start: float, duration: float, rate: float = 24) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(duration, rate))


def document(item: otio.core.SerializableObject) -> Document:
    return Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=json.loads(item.to_json_string()))


def composed(item: otio.core.SerializableObject) -> Composition:
    return compose(document(item), Locator("/t/x.otio"))


def clip(name: str, start: float = 100, frames: float = 50, rate: float = 24) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(f"/m/{name}.mov", span(100, 500, rate))
    return otio.schema.Clip(name, reference, span(start, frames, rate))


def track(*children: Any) -> otio.schema.Track:
    return otio.schema.Track("V", children=list(children), kind="Video")


def timeline(*tracks: Any) -> otio.schema.Timeline:
    return otio.schema.Timeline("t", tracks=list(tracks), global_start_time=otio.opentime.RationalTime(0, 24))


def shots(item: Placed) -> Iterator[Placed]:
    if isinstance(item.content, Shot):
        yield item
    else:
        for lane in item.content.lanes:
            for inner in lane.items:
                yield from shots(inner)


@given(
    st.lists(
        st.tuples(st.sampled_from([24.0, 25.0, 24000 / 1001, 30000 / 1001, 50.0]), st.integers(1, 200), st.booleans()),
        min_size=1,
    )
)
def test_cuts_lie_on_the_frames_of_the_survey(parts: list[tuple[float, int, bool]]) -> None:
    children = [
        otio.schema.Gap(source_range=span(0, frames, rate)) if is_gap else clip(str(i), 100, frames, rate)
        for i, (rate, frames, is_gap) in enumerate(parts)
    ]
    edit = timeline(track(*children))
    found = survey(document(edit), Locator("/t/x.otio"))
    composition = composed(edit)
    assert composition.duration == found.duration
    assert [(p.name, p.start, p.stop) for p in shots(composition.root)] == [
        (u.clip, u.position.start, u.position.stop) for u in found.uses if len(u.position)
    ]


def test_members_of_a_collection_follow_one_another() -> None:
    collection = otio.schema.SerializableCollection("c", [timeline(track(clip("a"))), timeline(track(clip("b", 120, 20)))])
    composition = composed(collection)
    assert len(composition.duration) == 70
    assert isinstance(composition.root.content, Group)
    (lane,) = composition.root.content.lanes
    assert [(i.start, i.stop, next(shots(i)).name) for i in lane.items] == [(0, 50, "a"), (50, 70, "b")]


def test_a_lone_clip_is_a_timeline_and_a_marker_is_none() -> None:
    (shot,) = shots(composed(clip("a", 110, 20)).root)
    assert (shot.start, shot.stop, shot.inner_start, shot.speed) == (0, 20, 110, 1)
    with pytest.raises(UnreadableTimelineError, match="a Marker is no timeline"):
        composed(otio.schema.Marker("m"))


def test_sound_is_left_out() -> None:
    sound = otio.schema.Track("A", children=[clip("s")], kind="Audio")
    nest = otio.schema.Stack(children=[track(clip("a")), sound.deepcopy()])
    assert [p.name for p in shots(composed(timeline(track(nest), sound)).root)] == ["a"]


def test_transitions_that_cannot_be_are_named_and_left_out() -> None:
    def mix(name: str, before: float, after: float) -> otio.schema.Transition:
        return otio.schema.Transition(name, "SMPTE_Dissolve", span(0, before).duration, span(0, after).duration)

    negative = mix("negative", 3, 4)
    edit = timeline(track(clip("a"), negative, clip("b", 100, 10), mix("early", 20, 2), clip("c"), mix("good", 2, 2)))
    root = json.loads(edit.to_json_string())
    children = root["tracks"]["children"][0]["children"]
    children.insert(1, json.loads(mix("first", 2, 3).to_json_string()))
    children[-1]["in_offset"]["value"] = -3
    found = compose(Document(path="/t/x.otio", format="otio_json", base="/t", digest="", root=root), Locator("/t/x.otio"))
    assert isinstance(found.root.content, Group)
    (lane,) = found.root.content.lanes
    assert [(j.name, j.start, j.stop, j.outgoing, j.incoming) for j in lane.joins] == [("first", 48, 53, 0, 1)]
    assert [(p.clip, p.reason.split(" (")[0]) for p in found.problems] == [
        ("negative", "a second transition at the same cut"),
        ("early", "it begins before the transition before it"),
        ("good", "a negative duration"),
    ]


def test_what_is_said_of_a_generator_is_kept() -> None:
    own = otio.schema.GeneratorReference("g", "SolidColor", parameters={"color": "#102030"})
    final_cut = otio.schema.GeneratorReference("g", "Color")
    value = {"alpha": "0", "blue": "55", "green": "66", "red": "77"}
    final_cut.metadata["fcp_xml"] = {"parameter": {"parameterid": "fillcolor", "value": value}}
    edit = timeline(track(otio.schema.Clip("a", own, span(0, 5)), otio.schema.Clip("b", final_cut, span(0, 5))))
    first, second = composed(edit).shots()
    assert first.target.kind is second.target.kind is TargetKind.GENERATOR
    assert first.parameters == (("color", "#102030"),)
    assert dict(second.parameters)["fillcolor"] == tuple(value.items())


@pytest.mark.parametrize(
    ("kind", "name", "metadata", "expected"),
    [
        ("SMPTE_Dissolve", "Mix", {}, ("otio", "SMPTE_Dissolve", "Mix")),
        ("Custom_Transition", "", {}, ("otio", "Custom_Transition", "Custom_Transition")),
        ("SMPTE_Dissolve", "Page Peel", {"fcp_xml": {"alignment": "center"}}, ("fcp7", "Page Peel", "Page Peel")),
        ("SMPTE_Wipe", "w", {"cmx_3600": {"transition": "W001"}}, ("otio", "SMPTE_Wipe", "w")),
        ("SMPTE_Dissolve", "t", {"AAF": {"OperationGroup": {"Operation": {"Name": "Dip_2"}}}}, ("aaf", "Dip_2", "t")),
        ("SMPTE_Dissolve", "t", {"AAF": {"OperationGroup": 3}}, ("otio", "SMPTE_Dissolve", "t")),
    ],
)
def test_transitions_go_by_the_hosts_name(kind: str, name: str, metadata: Any, expected: tuple[str, str, str]) -> None:
    offset = span(0, 5).duration
    transition = otio.schema.Transition(name, kind, offset, offset, metadata)
    composition = composed(timeline(track(clip("a", 150), transition, clip("b", 150))))
    assert isinstance(composition.root.content, Group)
    (join,) = composition.root.content.lanes[0].joins
    assert (join.effect.dialect, join.effect.name, join.effect.label) == expected
    assert join.kind == kind


# ---- what the survey learned from it


def test_a_reversed_stack_is_surveyed_from_its_end() -> None:
    nest = otio.schema.Stack(children=[track(clip("a", 100, 10), clip("b", 100, 30))], source_range=span(5, 20))
    nest.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1))
    found = survey(document(timeline(track(nest))), Locator("/t/x.otio"))
    assert [(u.clip, u.position.start, u.position.stop) for u in found.uses] == [("a", 15, 20), ("b", 0, 15)]
    assert [(u.source.start, u.source.stop) for u in found.uses] == [(105, 110), (100, 115)]


def test_effects_on_the_whole_timeline_reach_every_use() -> None:
    edit = timeline(track(clip("a")))
    edit.tracks.effects.append(otio.schema.Effect(effect_name="grade"))
    (use,) = survey(document(edit), Locator("/t/x.otio")).uses
    assert [e.name for e in use.effects] == ["grade"]
    edit.tracks.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    (use,) = survey(document(edit), Locator("/t/x.otio")).uses
    assert (use.source.start, use.source.stop) == (100, 125)


@pytest.mark.parametrize("speed", [-0.5, -1.0, -2.0, 0.5, 3.0])
@pytest.mark.parametrize("remapped", [False, True])
def test_the_survey_claims_every_frame_that_is_shown(speed: float, remapped: bool) -> None:
    shot = clip("a", 140, 30)
    if remapped:
        rows = [
            {"parameterid": "speed", "value": str(abs(speed) * 100)},
            {"parameterid": "reverse", "value": "TRUE" if speed < 0 else "FALSE"},
        ]
        shot.effects.append(otio.schema.Effect("r", metadata={"fcp_xml": {"effectid": "timeremap", "parameter": rows}}))
    else:
        shot.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    edit = timeline(track(shot))
    (use,) = survey(document(edit), Locator("/t/x.otio")).uses
    (shown,) = shots(composed(edit).root)
    assert shown.speed == Fraction(speed)
    for frame in range(30):
        assert use.source.start <= shown.inner(frame) < use.source.stop
