"""The filters of ``otio-perf convert``, compared with otiotool's own where it has the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest
from opentimelineio.console import otiotool

from otio_perf.errors import SettingsError, UnwritableTimelineError
from otio_perf.model.plans import Product
from otio_perf.timeline import convert, files
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.relink import relink
from otio_perf.timeline.survey import survey

Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]


@pytest.fixture
def mixed(edit: Edit) -> otio.schema.Timeline:
    timeline = edit([("a.mov", 0, 10)], [("b.mov", 0, 20)], [("c.mov", 0, 30)])
    for track, (name, kind) in zip(timeline.tracks, [("V1", "Video"), ("V2", "Video"), ("A1", "Audio")], strict=True):
        track.name, track.kind = name, kind
    return timeline


def same(document: Document, expected: otio.schema.Timeline) -> bool:
    return document.to_json_string() == expected.to_json_string()


def test_video_and_audio_only(mixed: otio.schema.Timeline, save: Save) -> None:
    path = save(mixed)
    before = path.read_text()
    for ours, theirs in (
        (convert.video_only, otiotool.keep_only_video_tracks),
        (convert.audio_only, otiotool.keep_only_audio_tracks),
    ):
        expected = mixed.clone()
        theirs(expected)
        assert same(ours(files.read(path)), expected)
    assert path.read_text() == before


@pytest.mark.parametrize(("names", "indexes"), [(["V2"], []), ([], [1, 3]), (["V1", "A1"], [3]), (["V1"], [1])])
def test_only_some_tracks(mixed: otio.schema.Timeline, save: Save, names: list[str], indexes: list[int]) -> None:
    found = convert.only_tracks(files.read(save(mixed)), names=names, indexes=indexes)
    (expected,) = otiotool.filter_tracks(names, indexes, [mixed])
    assert same(found, expected)


def test_no_track_left_is_an_error(mixed: otio.schema.Timeline, save: Save) -> None:
    with pytest.raises(SettingsError, match="'V9', 7"):
        convert.only_tracks(files.read(save(mixed)), names=["V9"], indexes=[7])


def test_several_inputs(mixed: otio.schema.Timeline, edit: Edit, save: Save, tmp_path: Path) -> None:
    other = edit([("d.mov", 0, 7)])
    paths = [save(mixed, "one.otio"), save(other, "two.otio")]
    output = tmp_path / "out.otio"
    documents = [files.read(p) for p in paths]
    assert same(convert.stack(documents, output), otiotool.stack_timelines([mixed, other]))
    joined = convert.concatenate(documents, output)
    expected = otiotool.concatenate_timelines([mixed, other])
    assert joined.to_otio().is_equivalent_to(expected)
    found = survey(joined, Locator(output))
    assert len(found.duration) == 37
    assert [u.position.start for u in found.uses] == [0, 0, 0, 30]


def test_relative_urls_lead_to_the_same_files_from_elsewhere(edit: Edit, save: Save, tmp_path: Path) -> None:
    path = save(edit([("media/a.mov", 0, 10), ("/abs/b.mov", 0, 10), ("file:///m/c.mov", 0, 10)]), "cuts/one.otio")
    moved = convert.moved_to(files.read(path), tmp_path / "out" / "x.otio")
    urls = [c.media_reference.target_url for c in moved.to_otio().find_clips()]
    assert urls == ["../cuts/media/a.mov", "/abs/b.mov", "file:///m/c.mov"]
    assert convert.moved_to(files.read(path), path.parent / "y.otio").to_json_string() == path.read_text()


def test_switching_between_proxies_and_originals(edit: Edit, save: Save, product: Callable[..., Product]) -> None:
    path = save(edit([("/m/a.mov", 0, 10), ("/m/b.mov", 0, 10)]))
    products = {"/m/a.mov": tuple(product("/m/a.mov", f"/ws/{r}.mov", rung=r) for r in ("1080p", "720p"))}
    done = relink(files.read(path), products, {}, active="otio_perf:1080p", output_path=path, locator=Locator(path)).document
    small = convert.use_reference(done, "720p")
    assert small.changed == 1
    assert [c.active_media_reference_key for c in small.document.to_otio().find_clips()] == ["otio_perf:720p", "DEFAULT_MEDIA"]
    none = convert.use_reference(done, "half")
    assert (none.changed, len(none.left_alone)) == (0, 1)
    originals = convert.use_reference(small.document, None)
    assert originals.changed == 1
    assert [c.media_reference.target_url for c in originals.document.to_otio().find_clips()] == ["/m/a.mov", "/m/b.mov"]


def test_urls_are_remapped(edit: Edit, save: Save, tmp_path: Path) -> None:
    path = save(edit([("D:\\rushes\\a.mov", 0, 10), ("/old/b.mov", 0, 10), ("c.mov", 0, 10), ("http://h/d.mov", 0, 10)]))
    locator = Locator(path, maps=(("D:\\rushes", "/mnt/r"), ("/old", "/new")))
    done = convert.remap_urls(files.read(path), locator)
    urls = [c.media_reference.target_url for c in done.document.to_otio().find_clips()]
    assert urls == ["/mnt/r/a.mov", "/new/b.mov", "c.mov", "http://h/d.mov"]
    assert done.changed == 2
    assert [p.clip for p in done.left_alone] == ["http://h/d.mov"]


@pytest.mark.parametrize("suffix", [".xml", ".fcpxml", ".edl"])
def test_what_an_adapter_cannot_hold_is_said_in_words(tmp_path: Path, suffix: str) -> None:
    film = files.read(Path(__file__).parents[2] / "sample_timelines" / "short_film.otio", canonical=True)
    with pytest.raises(UnwritableTimelineError, match=r"cannot hold .*image sequences \(clip '.*several video tracks") as error:
        files.write(film, tmp_path / f"film{suffix}")
    assert ".otio" in str(error.value.hint)
