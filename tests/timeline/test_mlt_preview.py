"""Kdenlive's timeline preview in the text of a project: put in, found again after Kdenlive has saved it, taken off."""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from otio_perf.errors import HostileTimelineError, UnwritableTimelineError
from otio_perf.timeline.mlt import overlay, preview, reading
from otio_perf.timeline.mlt.preview import Chunk, Preview, Shown
from otio_perf.timeline.mlt.storage import cache_folders, storage_of

UUID = "{39758f09-7112-44b7-95b3-537f85089ba5}"
HEAD = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" root="/edits" version="7.12.0">
 <profile width="1280" height="720" frame_rate_num="25" frame_rate_den="1" progressive="1"/>
 <producer id="shot" in="0" out="299">
  <property name="length">300</property>
  <property name="resource">shot.mp4</property>
  <property name="mlt_service">avformat-novalidate</property>
 </producer>
 <playlist id="playlist0"><entry producer="shot" in="0" out="299"/></playlist>
 <tractor id="tractor0"><track hide="audio" producer="playlist0"/></tractor>
"""
FLAT = (
    HEAD
    + """ <playlist id="main_bin">
  <property name="kdenlive:docproperties.documentid">12</property>
  <property name="kdenlive:docproperties.previewextension"/>
  <property name="kdenlive:docproperties.version">1.04</property>
  <property name="kdenlive:docproperties.kdenliveversion">22.12.3</property>
  <entry producer="shot"/>
 </playlist>
 <tractor id="tractor4" in="0" out="299">
  <track producer="tractor0"/>
 </tractor>
</mlt>
"""
)
SEQUENCES = (
    HEAD
    + f""" <tractor id="{UUID}" in="0" out="299">
  <property name="kdenlive:uuid">{UUID}</property>
  <property name="kdenlive:sequenceproperties.zonein">10</property>
  <property name="kdenlive:sequenceproperties.zoneout">60</property>
  <track producer="tractor0"/>
 </tractor>
 <playlist id="main_bin">
  <property name="kdenlive:docproperties.documentid">12</property>
  <property name="kdenlive:docproperties.uuid">{UUID}</property>
  <property name="kdenlive:docproperties.version">1.1</property>
  <entry producer="shot"/>
  <entry producer="{UUID}"/>
 </playlist>
 <tractor id="tractor5" in="0" out="299"><track producer="{UUID}"/></tractor>
</mlt>
"""
)
GENERATIONS = pytest.mark.parametrize("text", [FLAT, SEQUENCES], ids=["22.12", "23.04"])
OFF = Preview(removes_all=True)


def chunks(*starts: int) -> tuple[Chunk, ...]:
    return tuple(Chunk(start=s, frames=25, path=f"/cache/a & b/{s}.mov", key=f"key {s}") for s in starts)


def put(text: str, wanted: Preview) -> str:
    return preview.with_preview(text.encode(), "x.kdenlive", wanted).decode()


def shown(text: str) -> Shown:
    return preview.shown(text.encode(), "x.kdenlive")


def listed(text: str) -> tuple[str, str]:
    found = [re.search(rf'properties\.{name}">([^<]*)<', text) for name in ("previewchunks", "dirtypreviewchunks")]
    return found[0][1] if found[0] else "", found[1][1] if found[1] else ""


def as_kdenlive_saves(text: str, rendered: str, dirty: str, gone: tuple[int, ...] = ()) -> str:
    """The lists in its own spelling, chunks that an edit has made red without a producer, times as it writes them."""
    text = re.sub(r'(properties\.previewchunks">)[^<]*', rf"\g<1>{rendered}", text)
    text = re.sub(r'(properties\.dirtypreviewchunks">)[^<]*', rf"\g<1>{dirty}", text)
    for start in gone:
        name = re.search(rf'id="(otio_perf_preview\w*_{start})"', text)
        assert name
        text = re.sub(rf' *<producer id="{name[1]}".*?</producer>\n', "", text, flags=re.DOTALL)
        text = re.sub(rf'<entry producer="{name[1]}"[^>]*>', '<blank length="00:00:01.000"/>', text)
    return re.sub(r'(<entry producer="otio_perf_preview\w*") in="0" out="24"', r'\1 in="00:00:00.000" out="00:00:00.960"', text)


@GENERATIONS
def test_put_in_and_taken_off_byte_for_byte(text: str) -> None:
    wanted = Preview(chunks=chunks(50, 75, 200), dirty=(100, 125), extension="mov", parameters="vcodec=x")
    changed = put(text, wanted)
    assert listed(changed) == ("50,75,200", "100,125")
    removed = [line for line in difflib.ndiff(text.splitlines(), changed.splitlines()) if line.startswith("- ")]
    assert all("previewextension" in line for line in removed)
    assert put(changed, wanted) == changed
    assert put(changed, OFF) == text
    assert put(put(changed, Preview(chunks=chunks(0), extension="mov", parameters="vcodec=x")), OFF) == text
    assert put(changed, Preview()) == text
    assert reading.read(changed.encode(), "x.kdenlive") == reading.read(text.encode(), "x.kdenlive")
    assert preview.chunk_paths(changed.encode(), "x") == tuple(f"/cache/a & b/{s}.mov" for s in (50, 75, 200))
    assert shown(changed).ours == {50: "key 50", 75: "key 75", 200: "key 200"}
    assert shown(changed).own == ()


@GENERATIONS
def test_what_kdenlive_rendered_itself_stays(text: str) -> None:
    first = put(text, Preview(chunks=chunks(0, 25), extension="mkv", parameters="vcodec=x"))
    own = re.sub(r" *<property name=.kdenlive:docproperties.otio_perf[^\n]*\n", "", first).replace("otio_perf_preview", "chunk")
    assert shown(own).own == (0, 25)
    changed = put(own, Preview(chunks=chunks(100), dirty=(50,), extension="mkv", parameters="vcodec=x"))
    assert listed(changed) == ("0,25,100", "50")
    assert put(changed, OFF) == own


@GENERATIONS
def test_after_kdenlive_has_saved(text: str) -> None:
    changed = put(text, Preview(chunks=chunks(0, 25, 50, 150), dirty=(100,), extension="mov", parameters="vcodec=x"))
    saved = as_kdenlive_saves(changed, "0-25,150", "50,100,200", gone=(50,))  # an edit at 60; he wants 200 rendered
    back = put(saved, OFF)
    assert listed(back) == ("", "200")
    assert "/cache/" not in back
    assert "timeline_preview" not in back
    assert "otio_perf" not in back
    again = put(saved, Preview(chunks=chunks(0, 50), extension="mov", parameters="vcodec=x"))
    assert listed(again) == ("0,50", "200")
    sequence = shown(saved).sequence
    kept = put(saved, replace(OFF, taken_over={sequence: (25,)}))  # he had it rendered
    assert listed(kept) == ("25", "200")
    assert preview.chunk_paths(kept.encode(), "x") == ()
    assert kept.count("/cache/a &amp; b/25.mov") == 1
    assert 'previewextension">mov<' in kept


def test_the_zone_and_the_place_of_chunks(tmp_path: Path) -> None:
    assert shown(SEQUENCES).zone == (10, 60)
    assert shown(FLAT).zone is None
    assert shown(SEQUENCES).is_main
    other = SEQUENCES.replace(f'docproperties.uuid">{UUID}', 'docproperties.uuid">{00000000-0000-0000-0000-000000000000}')
    assert not shown(other).is_main

    caches = cache_folders(tmp_path, {"XDG_CACHE_HOME": str(tmp_path / "c")}, "linux")
    assert caches[:2] == (tmp_path / "c" / "kdenlive", tmp_path / ".cache" / "kdenlive")
    assert caches[3] == tmp_path / "snap" / "kdenlive" / "common" / ".cache" / "kdenlive"
    properties = preview.document_properties(FLAT.encode(), "x")
    assert storage_of(properties, tmp_path / "x.kdenlive", caches).previews() == caches[0] / "12" / "preview"
    flatpak = tmp_path / ".var" / "app" / "org.kde.kdenlive" / "cache" / "kdenlive"
    (flatpak / "12").mkdir(parents=True)
    found = storage_of(properties, tmp_path / "x.kdenlive", caches)
    assert found.previews(UUID) == flatpak / "12" / "preview" / hashlib.md5(UUID.encode()).hexdigest()
    assert found.proxies == flatpak / "proxy"
    own = {**properties, "kdenlive:docproperties.storagefolder": "cachefiles/12"}
    assert storage_of(own, tmp_path / "x.kdenlive", caches).previews() == tmp_path / "cachefiles" / "12" / "preview"
    with pytest.raises(UnwritableTimelineError, match="document id"):
        storage_of({}, tmp_path / "x.kdenlive", caches)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (FLAT.replace("1.04", "1.2"), "newer than any"),
        (FLAT.replace("22.12.3", "26.12.0"), "newer than any"),
        (FLAT.replace('name="kdenlive:docproperties.version"', 'name="x"'), "no project of Kdenlive"),
    ],
)
def test_what_is_not_changed(text: str, why: str) -> None:
    with pytest.raises(UnwritableTimelineError, match=why):
        put(text, Preview(chunks=chunks(0)))


GOOD = (
    '{"sequences": {"": {"chunks": {"0": "k"}, "dirty": [], "said": {},'
    ' "before": {"previewchunks": null, "dirtypreviewchunks": null}}}, "document": {}}'
)
DAMAGE = [
    *('{"sequences": {"": 3}}', "[]", "{", '{"sequences": {}}', '{"sequences": {"": {"chunks": []}}}'),
    GOOD.replace('"dirty": []', '"dirty": 5'),
    GOOD.replace('"dirty": []', '"dirty": ["5"]'),
    GOOD.replace('"previewchunks": null', '"x": null'),
    GOOD.replace('"previewchunks": null', '"previewchunks": 1'),
    GOOD.replace('"previewchunks": null', '"previewchunks": "<property"'),
    GOOD.replace('"0": "k"', '"0": 1'),
    GOOD.replace('"0": "k"', '"%s": "k"' % ("9" * 5000)),
    GOOD.replace('"document": {}', '"document": {"x": {"said": "", "before": "</playlist>"}}'),
    "[" * 100_000,
    "9" * 5000,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_note_is_none(damage: str) -> None:
    changed = put(FLAT, Preview(chunks=chunks(0), extension="mov", parameters="x"))
    damaged = re.sub(r'(otio_perf\.preview">)[^<]*', lambda found: found[1] + escape(damage), changed)
    assert shown(damaged).ours == {}
    assert put(damaged, OFF) == damaged


def test_a_note_that_is_none_of_these_is_read() -> None:
    changed = put(FLAT, Preview(chunks=chunks(0), extension="mov", parameters="x"))
    assert shown(re.sub(r'(otio_perf\.preview">)[^<]*', lambda found: found[1] + GOOD, changed)).ours == {0: "k"}


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE mlt [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><mlt>&b;</mlt>',
        "<mlt>" + "<playlist>" * 5000 + "</playlist>" * 5000 + "</mlt>",
    ],
    ids=["entities", "deep"],
)
def test_what_is_hostile_is_refused(text: str) -> None:
    with pytest.raises(HostileTimelineError):
        shown(text)
    with pytest.raises(HostileTimelineError):
        overlay.require_possible(text.encode(), "x.mlt")


@pytest.mark.parametrize("many", [",".join(["0-9999999"] * 50), ",".join(["0-999999999999999999"] * 50_000)])
def test_absurd_lists_of_chunks_are_hostile(many: str) -> None:
    """A kilobyte would take a gigabyte."""
    changed = put(FLAT, Preview(chunks=chunks(0), extension="mov", parameters="x"))
    for name in ("previewchunks", "dirtypreviewchunks"):
        with pytest.raises(HostileTimelineError, match="more than 400,000 chunks"):
            shown(re.sub(rf'(properties\.{name}">)[^<]*', rf"\g<1>{many}", changed))


@pytest.mark.parametrize("text", [FLAT, SEQUENCES])
def test_numbers_that_python_does_not_read(text: str) -> None:
    nines = "9" * 5000
    changed = put(text, Preview(chunks=chunks(0), dirty=(25,), extension="mov", parameters="x"))
    odd = re.sub(
        r'(properties\.(?:dirty)?previewchunks">|zonein">|zoneout">|kdenliveversion">)[^<]*', rf"\g<1>{nines}", changed
    )
    odd = re.sub(r'((?:in|out|length)=")[^"]*', rf"\g<1>{nines}", odd)
    found = shown(odd)
    assert (found.own, found.zone) == ((), None)
    put(odd, OFF)
    reading.read(odd.encode(), "x.kdenlive")


@pytest.mark.testdata
def test_every_project_of_the_test_data(testdata: Path) -> None:
    projects = sorted((testdata / "timelines").rglob("*.kdenlive"))
    assert projects
    for path in projects:
        text = path.read_bytes()
        try:
            before = preview.shown(text, path)
        except UnwritableTimelineError as e:
            assert "no timeline preview" in str(e)
            continue
        wanted = Preview(chunks=chunks(1000, 1050), dirty=(1025,), extension="mov", parameters="x")
        changed = preview.with_preview(text, path, wanted)
        assert preview.shown(changed, path).own == before.own
        assert reading.read(changed, str(path)) == reading.read(text, str(path))
        assert preview.with_preview(changed, path, OFF) == text
