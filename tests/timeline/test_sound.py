"""What is heard of a timeline: which tracks, which nested ones, at which samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf.model.composition import Pick, Placed, Shot
from otio_perf.model.sound import Soundtrack
from otio_perf.model.uses import TargetKind
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.sound import compose_sound


def span(start: float, duration: float, rate: float = 24) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(duration, rate))


def clip(name: str, start: float = 100, frames: float = 50, rate: float = 24) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(f"/m/{name}.wav", span(100, 500, rate))
    return otio.schema.Clip(name, reference, span(start, frames, rate))


def track(*children: Any, kind: str = "Audio", name: str = "A1") -> otio.schema.Track:
    return otio.schema.Track(name, children=list(children), kind=kind)


def timeline(*tracks: Any, rate: float = 24) -> otio.schema.Timeline:
    return otio.schema.Timeline("t", tracks=list(tracks), global_start_time=otio.opentime.RationalTime(0, rate))


def soundtrack(item: otio.core.SerializableObject, sample_rate: int = 48000, format: str = "otio_json") -> Soundtrack:
    root = json.loads(item.to_json_string())
    return compose_sound(
        Document(path="/t/x.otio", format=format, base="/t", digest="", root=root), Locator("/t/x.otio"), sample_rate
    )


def shots(item: Placed) -> Iterator[Placed]:
    if isinstance(item.content, Shot):
        yield item
    else:
        for lane in item.content.lanes:
            for inner in lane.items:
                yield from shots(inner)


def heard(item: otio.core.SerializableObject) -> list[str]:
    return [placed.name for placed in shots(soundtrack(item).tree.root)]


def test_clips_on_audio_tracks_are_heard_and_others_not() -> None:
    edit = timeline(track(clip("picture"), kind="Video", name="V1"), track(clip("a")), track(clip("b"), clip("c"), name="A2"))
    edit.tracks[2][1].enabled = False
    assert heard(edit) == ["a", "b"]


def test_places_are_samples_and_positions_frames_of_the_medium() -> None:
    rate = 30000 / 1001
    found = soundtrack(timeline(track(clip("a", 100, 1, rate), clip("b", 117, 2, rate)), rate=rate))
    assert found.frame_rate == Fraction(30000, 1001)
    assert found.tree.frame_rate == 48000
    assert len(found.tree.duration) == 4805  # 3 frames of 1601.6 samples, to the nearest
    a, b = shots(found.tree.root)
    assert (a.start, a.stop, b.start, b.stop) == (0, 1602, 1602, 4805)
    assert a.inner_start == 100
    assert b.inner_start == 117 + Fraction(2, 5) / Fraction(8008, 5)  # the cut lies 0.4 samples after the frame


def test_of_nested_stacks_the_audio_is_heard() -> None:
    inner = otio.schema.Stack("s", children=[track(clip("v"), kind="Video"), track(clip("a"))])
    assert heard(timeline(track(inner))) == ["a"]


def test_what_is_nested_in_video_is_heard_unless_an_audio_track_has_it_too() -> None:
    def nested() -> otio.schema.Stack:
        return otio.schema.Stack("s", children=[track(clip("v"), kind="Video"), track(clip("a"))])

    video = track(clip("picture"), nested(), kind="Video")
    assert heard(timeline(video, track(clip("music")))) == ["a", "music"]
    assert heard(timeline(video.deepcopy(), track(nested(), clip("music")))) == ["a", "music"]


def test_a_collection_is_heard_one_after_another() -> None:
    collection = otio.schema.SerializableCollection("c", [timeline(track(clip("a"))), timeline(track(clip("b", 120, 20)))])
    found = soundtrack(collection)
    assert [placed.start for placed in found.tree.root.content.lanes[0].items] == [0, 100000]  # type: ignore[union-attr]
    assert len(found.tree.duration) == 140000


def test_a_clip_without_length_or_time_is_a_problem_and_no_more() -> None:
    edit = timeline(track(otio.schema.Clip("x"), clip("a"), clip("b", float("nan"), 10)))
    found = soundtrack(edit)
    assert [placed.name for placed in shots(found.tree.root)] == ["a"]
    assert sorted(problem.clip for problem in found.tree.problems) == ["b", "x"]


def test_channels_that_make_no_sense_are_not_taken() -> None:
    odd: list[Any] = [
        None,
        3,
        {},
        {"Source Track ID": -1, "Source Channel ID": 0},
        {"Source Track ID": 0, "Source Channel ID": 1},
    ]
    resolve, final_cut, no_list = clip("a"), clip("b"), clip("c")
    resolve.metadata["Resolve_OTIO"] = {"Channels": odd}
    final_cut.metadata["fcp_xml"] = {"sourcetrack": {"mediatype": "audio", "trackindex": "9999999"}}
    no_list.metadata["Resolve_OTIO"] = {"Channels": "all"}
    picks = [placed.content.picks for placed in shots(soundtrack(timeline(track(resolve, final_cut, no_list))).tree.root)]  # type: ignore[union-attr]
    assert picks == [(Pick(stream=0, channel=1),), (), ()]


def test_tracks_of_an_edl_are_channels_by_their_names_alone() -> None:
    edit = timeline(track(clip("a"), name="A1"), track(clip("b"), name="A2"), track(clip("c"), name="Atmo"))
    placed = list(shots(soundtrack(edit, format="cmx_3600").tree.root))
    assert [item.content.picks for item in placed] == [(Pick(channel=0),), (Pick(channel=1),), ()]  # type: ignore[union-attr]
    assert [len(item.effects) for item in placed] == [1, 1, 0]


@pytest.mark.testdata
def test_every_real_timeline_has_a_soundtrack_of_its_length(readable: dict[Path, Document]) -> None:
    with_sound = 0
    for path, document in readable.items():
        locator = Locator(str(path))
        pictures, found = compose(document, locator), soundtrack_of(document, locator)
        assert found.frame_rate == pictures.frame_rate, path
        length = len(pictures.duration) / pictures.frame_rate * 48000
        assert abs(len(found.tree.duration) - length) <= 48000 / pictures.frame_rate / 2 + 1, path
        items = list(shots(found.tree.root))
        assert all(item.start < item.stop for item in items), path
        with_sound += bool(items)
        assert not any(
            item.content.target.kind is TargetKind.MISSING and item.content.target.reason is None  # type: ignore[union-attr]
            for item in items
        ), path
    assert with_sound > 15


def soundtrack_of(document: Document, locator: Locator) -> Soundtrack:
    return compose_sound(document, locator, 48000)
