"""The overlay: laid on top, frame for frame; no part of the edit; taken off again byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.errors import UnwritableTimelineError
from otio_perf.model.plans import Product
from otio_perf.timeline import files
from otio_perf.timeline.composition import compose
from otio_perf.timeline.files import Document
from otio_perf.timeline.lay import Laid, require_possible, with_overlay
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.overlay import TRACK_NAME, without_overlay
from otio_perf.timeline.relink import AS_BEFORE, relink
from otio_perf.timeline.restore import Restored, restore
from otio_perf.timeline.survey import survey

Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]
Make = Callable[..., Product]


def nobody(path: str) -> None:
    return None


def taken_off(document: Document) -> Restored:
    return restore(document, original_of=nobody)


def region(start: int, stop: int, *, folder: Path = Path("/ws/.otio_perf"), first: int = 0) -> Laid:
    path = folder / "renders" / f"edit_{start}.mov"
    return Laid(start=start, stop=stop, path=str(path), first=first + start, key=f"{start}-{stop}")


def written(document: Document, path: Path) -> Document:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(document, path)
    return files.read(path)


def overlay_of(path: Path) -> otio.schema.Track:
    timeline = otio.adapters.read_from_file(str(path))
    return timeline.tracks[-1]


# -- what is laid ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [24, 25, 29.97, 23.976, 30000 / 1001, 59.94, 50])
def test_a_region_lies_where_its_frames_are(save: Save, edit: Edit, tmp_path: Path, rate: float) -> None:
    path = save(edit([("a.mov", 10, 100), ("b.mov", 20, 100)], rate=rate))
    document = files.read(path)
    done = with_overlay(document, [region(150, 170), region(30, 40), region(40, 45)], output_path=tmp_path / "out.otio")
    files.write(done, tmp_path / "out.otio")
    track = overlay_of(tmp_path / "out.otio")
    assert (track.name, track.kind) == (TRACK_NAME, "Video")
    assert [type(item) for item in track] == [
        otio.schema.Gap,
        otio.schema.Clip,
        otio.schema.Clip,
        otio.schema.Gap,
        otio.schema.Clip,
    ]
    ranges = [track.range_of_child(clip) for clip in track.find_clips()]
    assert [(r.start_time.value, r.duration.value) for r in ranges] == [(30, 10), (40, 5), (150, 20)]
    assert {r.start_time.rate for r in ranges} == {rate}  # spelled as the clips below spell it
    for clip in track.find_clips():
        assert clip.source_range == clip.media_reference.available_range
    below = otio.adapters.read_from_file(str(path)).tracks[0]
    edge = below.range_of_child(below[1]).start_time
    assert track.transformed_time(edge, track) == edge


def test_a_regions_file_starts_at_its_timecode(save: Save, edit: Edit, tmp_path: Path) -> None:
    timeline = edit([("a.mov", 0, 100)])
    timeline.global_start_time = otio.opentime.RationalTime(86400, 24)
    path = save(timeline)
    done = with_overlay(files.read(path), [region(10, 20, first=86400)], output_path=path.with_name("out.otio"))
    (clip,) = done.to_otio().tracks[-1].find_clips()
    assert clip.source_range.start_time == otio.opentime.RationalTime(86410, 24)
    assert clip.source_range.start_time.to_timecode() == "01:00:00:10"


def test_no_regions_no_overlay(save: Save, edit: Edit, tmp_path: Path) -> None:
    document = files.read(save(edit([("a.mov", 0, 100)])), canonical=True)
    laid = with_overlay(document, [region(10, 20)], output_path=tmp_path / "out.otio")
    assert with_overlay(laid, [], output_path=tmp_path / "out.otio").root == document.root


def test_regions_that_overlap_are_a_mistake(save: Save, edit: Edit, tmp_path: Path) -> None:
    document = files.read(save(edit([("a.mov", 0, 100)])))
    with pytest.raises(ValueError, match="still runs"):
        with_overlay(document, [region(10, 20), region(19, 30)], output_path=tmp_path / "out.otio")


def test_a_new_overlay_takes_the_place_of_the_old_one(save: Save, edit: Edit, tmp_path: Path) -> None:
    document = files.read(save(edit([("a.mov", 0, 100)])), canonical=True)
    output = tmp_path / "out.otio"
    once = with_overlay(document, [region(10, 20)], output_path=output)
    again = with_overlay(written(once, output), [region(50, 60)], output_path=output)
    assert again.root == with_overlay(document, [region(50, 60)], output_path=output).root


@pytest.mark.parametrize(
    ("own", "render", "wanted"),
    [
        ("a.mov", "film/.otio_perf", "../film/.otio_perf/renders/edit_1.mov"),
        ("/abs/a.mov", "film/.otio_perf", "{}/film/.otio_perf/renders/edit_1.mov"),
        ("file:///abs/a.mov", "film/.otio_perf", "file://{}/film/.otio_perf/renders/edit_1.mov"),
        ("a.mov", None, "/elsewhere/renders/edit_1.mov"),
    ],
)
def test_urls_in_the_manner_of_the_timeline(
    save: Save, edit: Edit, tmp_path: Path, own: str, render: str | None, wanted: str
) -> None:
    document = files.read(save(edit([(own, 0, 100)]), "film/edit.otio"))
    folder = Path("/elsewhere") if render is None else tmp_path / render
    done = with_overlay(document, [region(1, 2, folder=folder)], output_path=tmp_path / "out" / "out.otio")
    (clip,) = done.to_otio().tracks[-1].find_clips()
    assert clip.media_reference.target_url == wanted.format(tmp_path)


def test_a_trimmed_stack_is_covered_where_it_is_seen(save: Save, edit: Edit, tmp_path: Path) -> None:
    timeline = edit([("a.mov", 0, 100)])
    timeline.tracks.source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(40, 24), otio.opentime.RationalTime(20, 24)
    )
    document = files.read(save(timeline))
    done = with_overlay(document, [region(5, 10)], output_path=tmp_path / "out.otio")
    stack = done.to_otio().tracks
    (clip,) = stack[-1].find_clips()
    assert clip.transformed_time(clip.source_range.start_time, stack).value == 45
    assert taken_off(done).document.root == files.canonical(document).root


def test_what_cannot_carry_an_overlay_says_so(save: Save, edit: Edit) -> None:
    timeline = edit([("a.mov", 0, 100)])
    with pytest.raises(UnwritableTimelineError, match="Track"):
        require_possible(files.read(save(timeline.tracks[0].clone(), "track.otio")))
    timeline.tracks.effects.append(otio.schema.Effect(effect_name="Blur"))
    with pytest.raises(UnwritableTimelineError, match="once more"):
        require_possible(files.read(save(timeline, "graded.otio")))


# -- no part of the edit -----------------------------------------------------------------------------------------------


@pytest.mark.testdata
def test_every_timeline_with_an_overlay_is_the_same_edit_and_comes_back(readable: dict[Path, Document], tmp_path: Path) -> None:
    laid = 0
    for path, document in readable.items():
        where = Locator(document.path)
        before = survey(document, where)
        frames = before.duration.stop
        try:
            require_possible(document)
        except UnwritableTimelineError:
            continue
        if frames < 4:
            continue
        laid += 1
        regions = [region(0, frames // 4), region(frames // 2, frames)]
        done = with_overlay(document, regions, output_path=path)
        assert taken_off(done).document.to_json_string() == document.to_json_string(), path
        after = survey(done, where)
        assert (after.duration, after.layers, after.targets) == (before.duration, before.layers, before.targets), path
        assert tuple(after.uses) == tuple(before.uses), path
        assert compose(done, where) == compose(document, where), path
        out = tmp_path / "out.otio"
        files.write(done, out)
        track = overlay_of(out)
        spans = [track.range_of_child(clip) for clip in track.find_clips()]
        assert [round(s.duration.to_seconds() * float(before.frame_rate)) for s in spans] == [len_of(r) for r in regions], path
    assert laid > 40


def len_of(laid: Laid) -> int:
    return laid.stop - laid.start


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_proxies_and_overlay_come_off_together(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In any folder, with any choice of proxies below, prerendered once or twice, before or after the proxies were linked."""
    folder = tmp_path_factory.mktemp("both")
    timeline = otio.schema.Timeline("x", metadata={"k": data.draw(st.text(max_size=5))})
    track = otio.schema.Track(kind="Video")
    for url in data.draw(st.lists(st.sampled_from(["a.mov", "sub/b.mov", "/abs/f.mov"]), min_size=1, max_size=5)):
        available = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(40, 25))
        track.append(otio.schema.Clip(url, otio.schema.ExternalReference(url, available), available))
    timeline.tracks.append(track)
    path = folder / "in.otio"
    path.write_text(timeline.to_json_string(), encoding="utf-8")
    document = files.read(path, canonical=True)
    expected = document.to_json_string()
    places = [folder / name for name in data.draw(st.lists(st.sampled_from(["a.otio", "s/b.otio"]), min_size=1, max_size=3))]
    products = _products(survey(document, Locator(path)).targets, folder)
    frames = survey(document, Locator(path)).duration.stop
    edges = sorted(data.draw(st.sets(st.integers(0, frames), min_size=2, max_size=4)))
    regions = [region(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    for output in places:
        linked = relink(
            document,
            products if data.draw(st.booleans()) else {},
            {},
            active=data.draw(st.sampled_from(["otio_perf:720p", None, AS_BEFORE])),
            output_path=output,
            locator=Locator(document.path),
        ).document
        if data.draw(st.booleans()):
            linked = with_overlay(linked, regions, output_path=output)
        document = written(linked, output)
    assert taken_off(document).document.to_json_string() == expected


def _products(targets: Any, folder: Path) -> dict[str, list[Product]]:
    from otio_perf.model.recipes import ProxyRecipe
    from otio_perf.model.timing import FrameRange

    return {
        t.medium: [
            Product(
                key=t.path,
                source_path=t.path,
                source_fingerprint="f",
                recipe=ProxyRecipe(rung="720p"),
                path=str(folder / ".otio_perf" / f"{i}.mov"),
                source_range=FrameRange(0, 40, Fraction(25)),
                width=2,
                height=2,
            )
        ]
        for i, t in enumerate(targets)
    }


def test_relinking_keeps_the_overlay_and_its_notes(save: Save, edit: Edit, tmp_path: Path) -> None:
    document = files.read(save(edit([("a.mov", 0, 100)]), "film/edit.otio"))
    folder = tmp_path / "film" / ".otio_perf"
    laid = with_overlay(document, [region(10, 20, folder=folder)], output_path=document.path)
    assert laid.to_otio().tracks[-1][1].media_reference.target_url == ".otio_perf/renders/edit_10.mov"
    moved = relink(
        laid, {}, {}, active=None, output_path=tmp_path / "other" / "out.otio", locator=Locator(document.path)
    ).document
    (clip,) = moved.to_otio().tracks[-1].find_clips()
    assert clip.media_reference.target_url == "../film/.otio_perf/renders/edit_10.mov"
    assert clip.metadata["otio_perf"]["render"] == "edit_10.mov"


def test_as_before_keeps_what_is_active(save: Save, edit: Edit, product: Make, tmp_path: Path) -> None:
    document = files.read(save(edit([("a.mov", 0, 100)])))
    source = str(tmp_path / "a.mov")
    products = {source: [product(source, "/ws/a.mov"), product(source, "/ws/b.mov", rung="720p")]}
    where, output = Locator(document.path), tmp_path / "out.otio"
    for active in ("otio_perf:720p", None):
        linked = relink(document, products, {}, active=active, output_path=output, locator=where).document
        again = relink(linked, {}, {}, active=AS_BEFORE, output_path=output, locator=where, earlier=products).document
        assert again.root == linked.root


# -- after hosts and editors -------------------------------------------------------------------------------------------


@pytest.fixture
def laid(save: Save, edit: Edit, tmp_path: Path) -> Path:
    document = files.read(save(edit([("a.mov", 10, 50), ("b.mov", 20, 50)])))
    path = tmp_path / "laid.otio"
    files.write(with_overlay(document, [region(10, 30), region(60, 90)], output_path=path), path)
    return path


def test_edits_below_stay(laid: Path) -> None:
    timeline = otio.adapters.read_from_file(str(laid))
    del timeline.tracks[0][0]
    otio.adapters.write_to_file(timeline, str(laid))
    back = taken_off(files.read(laid)).document.to_otio()
    del timeline.tracks[-1]
    assert json.loads(back.to_json_string()) == json.loads(timeline.to_json_string())


@pytest.mark.parametrize("dropped", ["nothing", "notes", "name"])
def test_a_host_may_drop_notes_or_name_and_move_the_track(laid: Path, dropped: str) -> None:
    timeline = otio.adapters.read_from_file(str(laid))
    track = timeline.tracks[-1].clone()
    if dropped == "notes":
        track.metadata.clear()
        for clip in track.find_clips():
            clip.metadata.clear()
    if dropped == "name":
        track.name = "V2"
    del timeline.tracks[-1]
    timeline.tracks.insert(0, track)
    otio.adapters.write_to_file(timeline, str(laid))
    back = taken_off(files.read(laid)).document.to_otio()
    assert [[c.name for c in t] for t in back.tracks] == [["shot0", "shot1"]]


def test_what_a_user_put_on_the_overlay_stays_where_it_is(laid: Path) -> None:
    timeline = otio.adapters.read_from_file(str(laid))
    title = otio.schema.Clip("title", otio.schema.ExternalReference("title.mov"), otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(5, 24)))  # fmt: skip
    timeline.tracks[-1].append(title)
    otio.adapters.write_to_file(timeline, str(laid))
    document = files.read(laid)
    assert [u.clip for u in survey(document, Locator(laid)).uses] == ["shot0", "shot1", "title"]
    track = taken_off(document).document.to_otio().tracks[-1]
    assert [c.name for c in track.find_clips()] == ["title"]
    assert track.range_of_child(track[-1]).start_time.value == 90
    assert "otio_perf" not in track.metadata


def test_a_prerender_moved_to_another_track_is_told_of(laid: Path) -> None:
    timeline = otio.adapters.read_from_file(str(laid))
    timeline.tracks[0].append(timeline.tracks[-1][1].clone())
    otio.adapters.write_to_file(timeline, str(laid))
    (problem,) = taken_off(files.read(laid)).not_found
    assert problem.clip == "edit_10"
    assert "prerendered" in problem.reason


def test_overlays_of_nested_timelines_come_off_too(laid: Path) -> None:
    inner = files.read(laid).root["tracks"]
    track = {"OTIO_SCHEMA": "Track.1", "name": "", "kind": "Video", "children": [inner]}
    root = {"OTIO_SCHEMA": "Timeline.1", "name": "", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [track]}}
    assert TRACK_NAME in json.dumps(root)
    bare = without_overlay(root)
    assert TRACK_NAME not in json.dumps(bare)
    assert bare["tracks"]["children"][0]["children"][0]["children"] == inner["children"][:1]
