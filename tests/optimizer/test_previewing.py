"""Where chunks of Kdenlive's preview go, whatever a project says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otio_perf.cache.players import Players
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError, SettingsError
from otio_perf.model.results import PreviewChunk
from otio_perf.optimizer import places, previewing
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.mlt import preview
from otio_perf.timeline.mlt.preview import Chunk, Preview

PROJECT = """<mlt producer="main_bin"><profile width="1280" height="720" frame_rate_num="25" frame_rate_den="1"/>
 <playlist id="playlist0"/>
 <playlist id="main_bin">
  <property name="kdenlive:docproperties.documentid">77</property>
  <property name="kdenlive:docproperties.version">1.04</property>
  <property name="kdenlive:docproperties.previewextension">{extension}</property>
  <property name="kdenlive:docproperties.previewchunks">0,25</property>
  <property name="kdenlive:docproperties.zonein">5</property>
  <property name="kdenlive:docproperties.zoneout">{out}</property>
 </playlist>
 <tractor id="tractor0"><track producer="playlist0"/></tractor></mlt>
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def written(folder: Path, *, extension: str = "mov", out: int = 30) -> Path:
    path = folder / "edit.kdenlive"
    path.write_text(PROJECT.format(extension=extension, out=out), encoding="utf-8")
    return path


@pytest.mark.parametrize(("extension", "suffix"), [("mkv", ".mkv"), ("", ".mov"), ("../../x", ".mov"), ("a/b", ".mov")])
def test_chunks_lie_in_the_folder_of_the_document(folder: Path, extension: str, suffix: str) -> None:
    project = written(folder, extension=extension)
    into = previewing.folder_of(project, project.with_name("out.kdenlive"), Limits())
    assert into is not None
    assert into.path(25) == folder / "cache" / "kdenlive" / "77" / "preview" / f"25{suffix}"
    assert into.cells.taken == set()  # what the project lists is not there
    assert previewing.folder_of(project, project.with_name("out.otio"), Limits()) is None
    assert previewing.folder_of(project, None, Limits()) is None


def test_what_kdenlive_has_rendered_is_taken(folder: Path) -> None:
    project = written(folder)
    saved = project.stat().st_mtime_ns
    previews = folder / "cache" / "kdenlive" / "77" / "preview"
    previews.mkdir(parents=True)
    ages = {"25": -1, "50": -1, "75": 1, "100": 1}  # 25 is listed, 75 and 100 came since
    for name, age in ages.items():
        path = previews / f"{name}.mov"
        path.write_bytes(b"x")
        os.utime(path, ns=(saved, saved + age * 10**9))
    into = previewing.folder_of(project, project, Limits())
    assert into is not None
    assert into.cells.taken == {25, 75, 100}


def test_the_zone_and_what_has_none(folder: Path) -> None:
    assert previewing.zone(written(folder), Limits()) == (5, 30)
    with pytest.raises(SettingsError, match="has no zone"):
        previewing.zone(written(folder, out=5), Limits())
    with pytest.raises(SettingsError, match="has no zone"):
        previewing.zone(folder / "cut.otio", Limits())


def test_a_folder_is_made_or_named(folder: Path) -> None:
    previewing.require_writable(folder / "a" / "b")
    assert (folder / "a" / "b").is_dir()
    (folder / "file").write_text("")
    with pytest.raises(CacheError, match="Kdenlive looks for its preview there"):
        previewing.require_writable(folder / "file" / "preview")


def test_chunks_are_deleted_where_no_project_lists_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one that is restored, if it is still there, and none that another workspace knows."""
    monkeypatch.setattr(previewing, "key_in", lambda path: Path(path).stem)
    previews = folder / "cache" / "kdenlive" / "77" / "preview"
    previews.mkdir(parents=True)
    chunks = [Chunk(start=n, frames=25, path=str(previews / f"{n}.mov"), key=str(n)) for n in (0, 25, 50)]
    found = [PreviewChunk(start=one.start, stop=one.start, path=one.path, key=one.key) for one in chunks]
    for one in chunks:
        Path(one.path).write_bytes(b"x")
    plain = written(folder)
    showing = folder / "showing.kdenlive", folder / "other.kdenlive"
    for path, played in zip(showing, (chunks[:1], chunks[1:2]), strict=True):
        path.write_bytes(preview.with_preview(plain.read_bytes(), plain, Preview(chunks=tuple(played), extension="mov")))
    elsewhere = Workspace.open(folder / "elsewhere" / ".otio_perf").root
    places.remember(elsewhere)
    Players(elsewhere).note(showing[1], [Path(one.path) for one in chunks])  # of which it lists one now

    assert previewing.delete(found, showing[0], []) == 1
    assert [path.name for path in sorted(previews.iterdir())] == ["0.mov", "25.mov"]
    showing[0].write_bytes(plain.read_bytes())  # as a host's own is replaced
    assert previewing.delete(found, showing[0], []) == 1
    showing[1].write_bytes(showing[1].read_bytes()[:-20])  # nobody can tell what it plays
    assert previewing.delete(found, showing[0], []) == 0
    showing[1].unlink()
    assert previewing.delete(found, showing[0], []) == 1
    assert not list(previews.iterdir())
