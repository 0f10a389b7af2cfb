"""Proxies in, originals out: byte for byte where nothing was touched, with the edits where something was."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_perf.model.media import ColourTags, Gop, MediaInfo, MediaKind, VideoInfo
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Scope
from otio_perf.model.uses import Survey
from otio_perf.timeline import files
from otio_perf.timeline.files import Document
from otio_perf.timeline.linked import linked
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.relink import Relinked, relink
from otio_perf.timeline.restore import Restored, restore
from otio_perf.timeline.survey import survey

Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]
Make = Callable[..., Product]
KEY = "otio_perf:1080p"


def nobody(path: str) -> None:
    return None


def optimize(
    document: Document,
    products: list[Product],
    *,
    active: str | None = KEY,
    output: Path | None = None,
    medium: str | None = None,
) -> Relinked:
    by_source: dict[str, list[Product]] = {}
    for product in products:
        by_source.setdefault(medium or product.source_path, []).append(product)
    path = output or Path(document.path).with_suffix(".perf.otio")
    return relink(document, by_source, {}, active=active, output_path=path, locator=Locator(document.path))


def sources(document: Document) -> list[str]:
    return [t.path for t in survey(document, Locator(document.path)).targets if t.path]


def content(found: Survey) -> list[Any]:
    return [
        (u.clip, u.track, u.target.path, u.position, u.source, u.available_start, u.available_frames, u.retime, u.effects)
        for u in found.uses
    ]


def reread(document: Document, path: Path) -> Document:
    files.write(document, path)
    return files.read(path)


@pytest.mark.testdata
def test_every_timeline_comes_back_byte_for_byte(readable: dict[Path, Document], product: Make, tmp_path: Path) -> None:
    for path, document in readable.items():
        expected = document.to_json_string()
        if path.suffix == ".otio":
            assert expected == otio.core.deserialize_json_from_string(path.read_text(encoding="utf-8")).to_json_string()
        # every second source gets a proxy, every fourth in two sizes; written in another folder
        chosen = [product(s, f"/ws/.otio_perf/{i}.mov") for i, s in enumerate(sources(document)) if i % 2 == 0]
        chosen += [product(p.source_path, f"{p.path}720", rung="720p") for p in chosen[::2]]
        done = optimize(document, chosen, output=tmp_path / "sub" / "out.otio")
        (tmp_path / "sub").mkdir(exist_ok=True)
        optimized = reread(done.document, tmp_path / "sub" / "out.otio")
        back = restore(optimized, original_of=nobody)
        files.write(back.document, tmp_path / "back.otio")
        assert (tmp_path / "back.otio").read_text(encoding="utf-8") == expected, path
        assert back.not_found == ()
        if path.suffix != ".otioz":  # its media stay inside the bundle
            assert content(survey(optimized, Locator(optimized.path))) == content(survey(document, Locator(path))), path
        # OpenTimelineIO itself reads what we wrote, and sees the proxies
        item = otio.core.deserialize_json_from_string((tmp_path / "sub" / "out.otio").read_text(encoding="utf-8"))
        active = [c.active_media_reference_key for c in item.find_clips()] if not isinstance(item, otio.schema.Clip) else []
        assert active.count(KEY) == done.relinked


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_any_choice_of_proxies_comes_back(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    number = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
    timeline = otio.schema.Timeline("x", metadata={"n": data.draw(number)})
    track = otio.schema.Track(kind="Video")
    urls = ["a.mov", "sub/b.mov", "./c.mov", "../d.mov", f"file://{folder}/e%20e.mov", "/abs/f.mov", "http://h/g.mov", ""]
    for i, url in enumerate(data.draw(st.lists(st.sampled_from(urls), max_size=6))):
        available = otio.opentime.TimeRange(otio.opentime.RationalTime(100, 25), otio.opentime.RationalTime(200, 25))
        references = {
            key: otio.schema.ExternalReference(u, available, metadata={"n": data.draw(number)})
            for key, u in {"DEFAULT_MEDIA": url, "other": "z.mov"}.items()
        }
        clip = otio.schema.Clip(f"c{i}", source_range=available, metadata={"k": data.draw(st.text(max_size=5))})
        clip.set_media_references(references, data.draw(st.sampled_from(["DEFAULT_MEDIA", "other"])))
        track.append(clip)
    timeline.tracks.append(track)
    path = folder / "in.otio"
    path.write_text(timeline.to_json_string(), encoding="utf-8")
    expected = otio.core.deserialize_json_from_string(path.read_text(encoding="utf-8")).to_json_string()
    document = files.read(path)
    products = []
    for i, source in enumerate(sources(document)):
        for rung in data.draw(st.sets(st.sampled_from(["1080p", "720p", "half"]))):
            products.append(_product(source, str(folder / ".otio_perf" / f"{i}_{rung}.mov"), rung))
    output = folder / data.draw(st.sampled_from(["out.otio", "x/out.otio"]))
    output.parent.mkdir(exist_ok=True)
    done = optimize(document, products, active=data.draw(st.sampled_from([KEY, "otio_perf:720p", None])), output=output)
    back = restore(reread(done.document, output), original_of=nobody).document
    assert back.to_json_string() == expected


def _product(source: str, path: str, rung: str) -> Product:
    from otio_perf.model.recipes import ProxyRecipe
    from otio_perf.model.timing import FrameRange

    recipe = ProxyRecipe(rung=rung)
    frames = FrameRange(0, 200, Fraction(25))
    return Product(
        key=path, source_path=source, source_fingerprint="f", recipe=recipe, path=path, source_range=frames, width=2, height=2
    )


def test_proxies_stand_beside_the_original(save: Save, edit: Edit, product: Make, tmp_path: Path) -> None:
    path = save(edit([("rushes/a.mov", 86500, 10), ("rushes/a.mov", 86600, 10), ("b.mov", 86400, 10)], first=86400))
    document = files.read(path)
    before = copy.deepcopy(document.root)
    a = str(tmp_path / "rushes" / "a.mov")
    proxies = [product(a, str(tmp_path / ".otio_perf" / f"a_{r}.mov"), rung=r) for r in ("1080p", "720p")]
    done = optimize(document, proxies)
    assert document.root == before
    assert (done.relinked, done.sources, done.left_alone) == (2, 1, ())
    clips = list(done.document.to_otio().find_clips())
    for clip in clips[:2]:
        assert sorted(clip.media_references()) == ["DEFAULT_MEDIA", KEY, "otio_perf:720p"]
        assert clip.active_media_reference_key == KEY
        assert clip.media_reference.target_url == ".otio_perf/a_1080p.mov"  # relative as the original: the folder can move
        assert clip.media_reference.available_range.start_time == otio.opentime.RationalTime(86400, 24)
        assert clip.media_reference.available_range.duration == otio.opentime.RationalTime(1000, 24)
        notes = clip.media_reference.metadata["otio_perf"]
        assert notes["original_path"] == a
        assert notes["rung"] == "1080p"
        assert notes["original_key"] == clip.metadata["otio_perf"]["original_key"] == "DEFAULT_MEDIA"
        assert clip.media_references()["DEFAULT_MEDIA"].target_url == "rushes/a.mov"
    assert sorted(clips[2].media_references()) == ["DEFAULT_MEDIA"]
    assert dict(clips[2].metadata) == {}


@pytest.mark.parametrize("style", ["file", "absolute", "relative"])
def test_urls_keep_their_manner(save: Save, edit: Edit, product: Make, tmp_path: Path, style: str) -> None:
    source = tmp_path / "media" / "a b.mov"
    url = {"file": source.as_uri(), "absolute": str(source), "relative": "media/a b.mov"}[style]
    proxy = tmp_path / ".otio_perf" / "a b_1080p.mov"
    path = save(edit([(url, 0, 10)]))
    (clip,) = optimize(files.read(path), [product(str(source), str(proxy))]).document.to_otio().find_clips()
    expected = {"file": proxy.as_uri(), "absolute": str(proxy), "relative": ".otio_perf/a b_1080p.mov"}[style]
    assert clip.media_reference.target_url == expected


def test_a_moved_folder_still_plays(save: Save, edit: Edit, product: Make, tmp_path: Path) -> None:
    project = tmp_path / "project"
    path = save(edit([("rushes/a.mov", 0, 10)]), "project/cuts/edit.otio")
    source = project / "cuts" / "rushes" / "a.mov"
    proxy = project / "cuts" / ".otio_perf" / "a.mov"
    for file in (source, proxy):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
    done = optimize(files.read(path), [product(str(source), str(proxy))], output=project / "perf" / "edit.otio")
    (project / "perf").mkdir()
    files.write(done.document, project / "perf" / "edit.otio")
    shutil.move(project, tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / "perf" / "edit.otio"
    item = otio.adapters.read_from_file(str(moved))
    (clip,) = item.find_clips()
    for reference in clip.media_references().values():
        assert (moved.parent / reference.target_url).exists()
    back = restore(files.read(moved), original_of=nobody)
    assert (
        back.document.to_json_string()
        == files.read(tmp_path / "elsewhere" / "cuts" / "edit.otio", canonical=True).to_json_string()
    )


def test_ranges_are_linked_to_the_clips_that_use_them(save: Save, edit: Edit, product: Make) -> None:
    path = save(edit([("/m/a.mov", 86410, 10), ("/m/a.mov", 86700, 20), ("/m/a.mov", 87000, 20)], first=86400))
    ranges = [(0, 40), (290, 50)]
    used = [
        product("/m/a.mov", f"/ws/a_{s}.mov", start=s, frames=n, scope=Scope.USED) for s, n in ranges
    ]  # fmt: skip
    done = optimize(files.read(path), used)
    first, second, third = done.document.to_otio().find_clips()
    assert first.media_reference.target_url == "/ws/a_0.mov"
    assert second.media_reference.target_url == "/ws/a_290.mov"
    assert second.media_reference.available_range.start_time.value == 86690
    assert second.media_reference.available_range.duration.value == 50
    assert second.source_range == list(files.read(path).to_otio().find_clips())[1].source_range
    assert third.active_media_reference_key == "DEFAULT_MEDIA"
    (left,) = done.left_alone
    assert "covers" in left.reason


def test_a_clip_that_is_not_seen_gets_a_range_only_where_it_holds_its_frames(save: Save, edit: Edit, product: Make) -> None:
    timeline = edit([("/m/a.mov", 10, 10), ("/m/a.mov", 60, 10), ("/m/a.mov", 12, 5)])
    for clip in timeline.tracks[0][1:]:
        clip.enabled = False
    document = files.read(save(timeline))
    part = product("/m/a.mov", "/ws/a_8.mov", start=8, frames=14, scope=Scope.USED)
    done = optimize(document, [part])
    active = [c.active_media_reference_key for c in done.document.to_otio().find_clips()]
    assert active == [KEY, "DEFAULT_MEDIA", KEY]
    assert done.left_alone == ()
    whole = optimize(document, [part, product("/m/a.mov", "/ws/a.mov")])
    assert [c.media_reference.target_url for c in whole.document.to_otio().find_clips()] == ["/ws/a.mov"] * 3


@pytest.mark.parametrize(("start", "first"), [(90, 0), (90 + 86400, 86400), (-3, 0)])
def test_a_clip_that_reaches_beyond_its_medium_has_the_range_that_was_made(
    save: Save, edit: Edit, product: Make, start: int, first: int
) -> None:
    path = save(edit([("/m/a.mov", start, 10)], first=first))
    part = product("/m/a.mov", "/ws/a.mov", start=0 if start < 0 else 88, frames=8, scope=Scope.USED)
    stream = VideoInfo(
        stream_index=0, codec="h264", profile=None, width=320, height=180, pixel_format="yuv420p", bit_depth=8,
        has_alpha=False, frame_rate=Fraction(24), is_vfr=False, frame_count=96, duration=Fraction(4), start_time=Fraction(0),
        sample_aspect=Fraction(1), rotation=0, is_mirrored=False, field_order="progressive", colour=ColourTags(),
        gop=Gop(longest=12, mean=12.0, has_b_frames=False), bits_per_second=1,
    )  # fmt: skip
    info = MediaInfo(
        path="/m/a.mov", kind=MediaKind.VIDEO, container="mov", size_bytes=1, fingerprint="f", duration=Fraction(4),
        video=(stream,), audio=(), other_streams=0, start_timecode=None, reel=None,
    )  # fmt: skip
    products = {"/m/a.mov": [part]}
    done = relink(files.read(path), products, {"/m/a.mov": info}, active=KEY, output_path=path, locator=Locator(path))
    assert (done.relinked, done.left_alone) == (1, ())


def test_sequences_get_movies(product: Make, save: Save) -> None:
    available = otio.opentime.TimeRange(otio.opentime.RationalTime(1001, 24), otio.opentime.RationalTime(100, 24))
    reference = otio.schema.ImageSequenceReference("/m/seq", "f.", ".exr", 1001, 1, 24.0, 4, available_range=available)
    timeline = otio.schema.Timeline("s")
    timeline.tracks.append(otio.schema.Track(children=[otio.schema.Clip("c", reference)], kind="Video"))
    document = files.read(save(timeline))
    (medium,) = survey(document, Locator(document.path)).targets
    done = optimize(document, [product("/m/seq/f.1001.exr", "/ws/f.mov", frames=100)], medium=medium.medium)
    (clip,) = done.document.to_otio().find_clips()
    assert isinstance(clip.media_reference, otio.schema.ExternalReference)
    assert clip.media_reference.available_range == available
    back = restore(done.document, original_of=nobody).document
    assert back.to_json_string() == files.canonical(document).to_json_string()


@pytest.mark.parametrize(
    ("timecode", "start", "expected"), [("01:00:00:00", 86450, 86400), ("01:00:00:00", 5, 0), (None, 5, 0)]
)
def test_without_available_range_the_files_numbering_is_found(
    save: Save, product: Make, timecode: str | None, start: int, expected: int
) -> None:
    source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(10, 24))
    clip = otio.schema.Clip("c", otio.schema.ExternalReference("/m/a.mov"), source_range)
    timeline = otio.schema.Timeline("t")
    timeline.tracks.append(otio.schema.Track(children=[clip], kind="Video"))
    path = save(timeline)
    info = MediaInfo(
        path="/m/a.mov", kind=MediaKind.VIDEO, container="mov", size_bytes=1, fingerprint="f", duration=Fraction(1000, 24),
        video=(), audio=(), other_streams=0, start_timecode=timecode, reel=None,
    )  # fmt: skip
    products = {"/m/a.mov": [product("/m/a.mov", "/ws/a.mov")]}
    done = relink(files.read(path), products, {"/m/a.mov": info}, active=KEY, output_path=path, locator=Locator(path))
    (clip,) = done.document.to_otio().find_clips()
    assert clip.media_reference.available_range.start_time.value == expected
    assert restore(done.document, original_of=nobody).document.to_json_string() == path.read_text()


def test_optimizing_twice_is_optimizing_once(save: Save, edit: Edit, product: Make) -> None:
    path = save(edit([("/m/a.mov", 0, 10)]))
    once = optimize(files.read(path), [product("/m/a.mov", "/ws/a.mov")])
    again = reread(once.document, path)
    twice = optimize(again, [product("/m/a.mov", "/ws/a.mov")], output=path)
    assert twice.document.to_json_string() == once.document.to_json_string()
    fewer = optimize(again, [product("/m/a.mov", "/ws/a720.mov", rung="720p")], active="otio_perf:720p", output=path)
    (clip,) = fewer.document.to_otio().find_clips()
    assert sorted(clip.media_references()) == ["DEFAULT_MEDIA", "otio_perf:720p"]


def test_originals_can_stay_active(save: Save, edit: Edit, product: Make) -> None:
    path = save(edit([("/m/a.mov", 0, 10)]))
    (clip,) = optimize(files.read(path), [product("/m/a.mov", "/ws/a.mov")], active=None).document.to_otio().find_clips()
    assert clip.active_media_reference_key == "DEFAULT_MEDIA"
    assert KEY in clip.media_references()


# ---- after somebody has worked on it


def worked_on(done: Relinked, work: Callable[[otio.schema.Timeline], None], folder: Path) -> Document:
    item = done.document.to_otio()
    work(item)
    path = folder / "worked.otio"
    otio.adapters.write_to_file(item, str(path))
    return files.read(path)


def test_edits_stay(save: Save, edit: Edit, product: Make, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 100, 50), ("b.mov", 0, 20), ("c.mov", 0, 20)]))
    proxies = [product(str(tmp_path / f"{n}.mov"), str(tmp_path / f".otio_perf/{n}.mov")) for n in "ab"]

    def work(timeline: otio.schema.Timeline) -> None:
        track = timeline.tracks[0]
        track[0].source_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(110, 24), otio.opentime.RationalTime(30, 24)
        )  # trim
        copied = track[0].clone()
        copied.name = "split"
        track.insert(1, copied)
        track.append(track[2].clone())  # duplicate b
        del track[2]
        new = otio.schema.Clip("new", otio.schema.ExternalReference("d.mov"), track[0].source_range)
        track.insert(0, new)
        timeline.metadata["host"] = {"kept": 1}

    back = restore(worked_on(optimize(files.read(path), proxies), work, tmp_path), original_of=nobody)
    assert back.not_found == ()
    item = back.document.to_otio()
    assert [c.name for c in item.find_clips()] == ["new", "shot0", "split", "shot2", "shot1"]
    assert [c.media_reference.target_url for c in item.find_clips()] == ["d.mov", "a.mov", "a.mov", "c.mov", "b.mov"]
    assert [c.source_range.start_time.value for c in item.find_clips()] == [110, 110, 110, 0, 0]
    assert "otio_perf" not in item.to_json_string()
    assert item.metadata["host"]["kept"] == 1


def drop_all_but_active(timeline: otio.schema.Timeline, *, metadata: bool) -> None:
    """What a host does that knows one reference a clip."""
    for clip in timeline.find_clips():
        reference = clip.media_reference.clone()
        if not metadata:
            reference.metadata.clear()
            clip.metadata.clear()
        clip.set_media_references({"DEFAULT_MEDIA": reference}, "DEFAULT_MEDIA")
    if not metadata:
        timeline.metadata.clear()


def test_a_host_that_keeps_one_reference_and_its_metadata(save: Save, edit: Edit, product: Make, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 100, 50)]))
    proxy = product(str(tmp_path / "a.mov"), str(tmp_path / ".otio_perf/a.mov"))
    done = optimize(files.read(path), [proxy])
    found = worked_on(done, lambda t: drop_all_but_active(t, metadata=True), tmp_path)
    assert content(survey(found, Locator(found.path))) == content(survey(files.read(path), Locator(path)))
    back = restore(found, original_of=nobody)
    assert (back.restored, back.not_found) == (1, ())
    assert back.document.to_json_string() == path.read_text()


def from_index(products: list[Product], document: Document) -> Restored:
    by_path = {p.path: p for p in products}
    sources_of = {p.path: p.source_path for p in products}
    return restore(document, original_of=sources_of.get, product_of=by_path.get)


def test_a_host_that_drops_everything_is_helped_by_the_index(save: Save, edit: Edit, product: Make, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 100, 50), ("b.mov", 0, 10)]))
    for name in ("a.mov", "b.mov"):
        (tmp_path / name).touch()
    proxies = [product(str(tmp_path / f"{n}.mov"), str(tmp_path / f".otio_perf/{n}.mov")) for n in "ab"]
    found = worked_on(optimize(files.read(path), proxies), lambda t: drop_all_but_active(t, metadata=False), tmp_path)
    back = from_index(proxies[:1], found)
    assert back.restored == 1
    # absolute, for it may be written to any folder
    assert next(c.media_reference.target_url for c in back.document.to_otio().find_clips()) == str(tmp_path / "a.mov")
    (lost,) = back.not_found
    assert lost.clip == "shot1"
    spelled = path.read_text().replace('"a.mov"', f'"{tmp_path}/a.mov"').replace('"b.mov"', f'"{tmp_path}/b.mov"')
    assert from_index(proxies, found).document.to_json_string() == spelled


@pytest.mark.parametrize("change", ["medium", "url", "sequence"])
@pytest.mark.parametrize("key", ["DEFAULT_MEDIA", "camera"])
def test_a_medium_put_in_the_place_of_a_proxy_is_the_clips_own(
    save: Save, edit: Edit, product: Make, tmp_path: Path, change: str, key: str
) -> None:
    timeline = edit([("/m/a.mov", 10, 30)])
    (clip,) = timeline.find_clips()
    clip.set_media_references({key: clip.media_reference.clone()}, key)
    proxy = product("/m/a.mov", "/ws/.otio_perf/a.mov")
    available = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(500, 24))

    def work(timeline: otio.schema.Timeline) -> None:
        (clip,) = timeline.find_clips()
        assert clip.active_media_reference_key == KEY
        if change == "url":
            clip.media_reference.target_url = "/new/b.mov"
        elif change == "medium":
            clip.media_reference = otio.schema.ExternalReference("/new/b.mov", available)
        else:
            clip.media_reference = otio.schema.ImageSequenceReference(
                "/new/", "b.", ".exr", 1, 1, 24.0, 4, available_range=available
            )

    edited = worked_on(optimize(files.read(save(timeline)), [proxy]), work, tmp_path)
    (path,) = sources(edited)
    assert path.startswith("/new/b.")
    back = restore(edited, original_of={proxy.path: "/m/a.mov"}.get)
    assert (back.restored, back.not_found) == (1, ())
    (clip,) = back.document.to_otio().find_clips()
    assert clip.active_media_reference_key == key
    assert list(clip.media_references()) == [key]
    assert "/new/" in back.document.to_json_string()
    assert "otio_perf" not in back.document.to_json_string()
    again = optimize(edited, [product("/new/b.mov", "/ws/.otio_perf/b.mov")])
    (clip,) = again.document.to_otio().find_clips()
    assert "/m/a.mov" not in again.document.to_json_string()
    assert clip.active_media_reference_key == (key if change == "sequence" else KEY)


@pytest.mark.parametrize("name", ["100%25.mov", "a b.mov", "100%.mov", "e\u0301.mov"])
def test_a_proxy_is_known_by_its_name_however_it_is_spelled(save: Save, edit: Edit, product: Make, name: str) -> None:
    path = save(edit([("/m/a.mov", 10, 30), ("file:///m/a.mov", 10, 30)]))
    done = optimize(files.read(path), [product("/m/a.mov", f"/ws/{name}")])
    assert done.relinked == 2
    assert restore(done.document, original_of=nobody).document.to_json_string() == path.read_text()


@pytest.mark.parametrize(
    ("start", "expected", "is_doubtful"), [(10, 10, False), (0, 6, False), (7, 7, True), (86410, 86410, True)]
)
def test_a_range_without_available_range_is_counted_as_the_clip_fits(
    save: Save, product: Make, start: int, expected: int, is_doubtful: bool
) -> None:
    frames = otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(30 if start in (10, 0) else 10, 24)
    )
    clip = otio.schema.Clip("R", otio.schema.ExternalReference("/ws/a_6-43.mov"), frames)
    path = save(otio.schema.Timeline("t", tracks=[otio.schema.Track(children=[clip], kind="Video")]))
    back = from_index([product("/m/a.mov", "/ws/a_6-43.mov", start=6, frames=38, scope=Scope.USED)], files.read(path))
    (clip,) = back.document.to_otio().find_clips()
    assert clip.media_reference.target_url == "/m/a.mov"
    assert clip.source_range.start_time.value == expected
    assert [p.clip for p in back.not_found if "in-point" in p.reason] == (["R"] if is_doubtful else [])


@pytest.mark.parametrize("host_counts_from", [0, 86690])
def test_ranges_get_their_numbering_back(save: Save, edit: Edit, product: Make, tmp_path: Path, host_counts_from: int) -> None:
    path = save(edit([("/m/a.mov", 86700, 20)], first=86400))
    proxy = product("/m/a.mov", "/ws/a_290.mov", start=290, frames=50, scope=Scope.USED)

    def host(timeline: otio.schema.Timeline) -> None:
        drop_all_but_active(timeline, metadata=False)
        (clip,) = timeline.find_clips()

        def moved(r: otio.opentime.TimeRange) -> otio.opentime.TimeRange:
            start = otio.opentime.RationalTime(r.start_time.value - 86690 + host_counts_from, 24)
            return otio.opentime.TimeRange(start, r.duration)

        clip.media_reference.available_range = moved(clip.media_reference.available_range)
        clip.source_range = moved(clip.source_range)

    (clip,) = (
        from_index([proxy], worked_on(optimize(files.read(path), [proxy]), host, tmp_path)).document.to_otio().find_clips()
    )
    assert clip.media_reference.target_url == "/m/a.mov"
    # frame 300 of the file: by timecode 86700 stays, counted from 0 the 10th frame of the range is number 300
    assert clip.source_range.start_time.value == (300 if host_counts_from == 0 else 86700)


def test_a_sequence_is_found_again_by_its_first_picture(product: Make, tmp_path: Path) -> None:
    timeline = otio.schema.Timeline("s")
    available = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(100, 24))
    clip = otio.schema.Clip("c", otio.schema.ExternalReference("/ws/f.mov", available))
    timeline.tracks.append(otio.schema.Track(children=[clip], kind="Video"))
    path = tmp_path / "x.otio"
    otio.adapters.write_to_file(timeline, str(path))
    (back,) = (
        from_index([product("/m/seq/f.0101.exr", "/ws/f.mov", frames=100)], files.read(path)).document.to_otio().find_clips()
    )
    reference = back.media_reference
    assert isinstance(reference, otio.schema.ImageSequenceReference)
    assert reference.target_url_for_image_number(0) == "/m/seq/f.0101.exr"
    assert reference.number_of_images_in_sequence() == 100


def test_restoring_what_was_never_ours_changes_nothing(save: Save, edit: Edit) -> None:
    path = save(edit([("a.mov", 0, 10)]))
    back = restore(files.read(path), original_of=nobody)
    assert (back.restored, back.not_found) == (0, ())
    assert json.loads(back.document.to_json_string()) == json.loads(path.read_text())


def test_earlier_proxies_stay_where_no_new_one_serves(save: Save, edit: Edit, product: Make) -> None:
    path = save(edit([("/m/a.mov", 0, 10), ("/m/b.mov", 0, 10)]))
    a, b = "/m/a.mov", "/m/b.mov"
    first = {m: (product(m, f"/ws/{m[3]}_720p.mov", rung="720p"),) for m in (a, b)}
    done = relink(files.read(path), first, {}, active="otio_perf:720p", output_path=path, locator=Locator(path)).document
    second = {a: (product(a, "/ws/a_1080p.mov"),)}  # that of b failed
    again = relink(done, second, {}, active=KEY, output_path=path, locator=Locator(path), earlier=first)
    one, other = again.document.to_otio().find_clips()
    assert set(one.media_references()) == {"DEFAULT_MEDIA", "otio_perf:720p", KEY}
    assert one.active_media_reference_key == KEY
    assert set(other.media_references()) == {"DEFAULT_MEDIA", "otio_perf:720p"}
    assert other.active_media_reference_key == "otio_perf:720p"
    assert again.left_alone == ()
    shown = relink(done, second, {}, active=None, output_path=path, locator=Locator(path), earlier=first).document
    assert [c.active_media_reference_key for c in shown.to_otio().find_clips()] == ["DEFAULT_MEDIA"] * 2
    dropped = relink(done, second, {}, active=KEY, output_path=path, locator=Locator(path)).document
    assert [len(c.media_references()) for c in dropped.to_otio().find_clips()] == [2, 1]
    new = product(a, "/ws/a_new.mov", rung="720p")
    replaced = relink(
        done, {a: (new,)}, {}, active="otio_perf:720p", output_path=path, locator=Locator(path), earlier=first
    ).document
    assert [c.media_reference.target_url for c in replaced.to_otio().find_clips()] == ["/ws/a_new.mov", "/ws/b_720p.mov"]


def test_a_medium_put_in_a_proxys_place_is_no_proxy(save: Save, edit: Edit, product: Make) -> None:
    path = save(edit([("/m/a.mov", 0, 10)]))
    products = {"/m/a.mov": tuple(product("/m/a.mov", f"/ws/a_{r}.mov", rung=r) for r in ("1080p", "720p"))}
    done = relink(files.read(path), products, {}, active=KEY, output_path=path, locator=Locator(path)).document
    assert [p.proxy.path for p in linked(done, Locator(path))] == ["/ws/a_1080p.mov", "/ws/a_720p.mov"]
    timeline = done.to_otio()
    (clip,) = timeline.find_clips()
    clip.media_reference = otio.schema.ExternalReference("/m/replacement.mov")
    assert [p.proxy.path for p in linked(files.read(save(timeline)), Locator(path))] == ["/ws/a_720p.mov"]
