"""Renders on record: found while they are what they were, never under another's name, forgotten and cleared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from otio_perf.cache import housekeeping
from otio_perf.cache.index import Index
from otio_perf.cache.orphans import orphans
from otio_perf.cache.players import Players
from otio_perf.cache.renders import Render, RenderKind, Renders
from otio_perf.cache.workspace import Workspace
from otio_perf.errors import CacheError


@pytest.fixture
def renders(tmp_path: Path) -> Renders:
    return Renders(Workspace.open(tmp_path / "ws"))


@pytest.fixture
def made(renders: Renders) -> Callable[..., Render]:
    """A small file, on record."""

    def make(key: str, *, kind: RenderKind = RenderKind.CHUNK, content: bytes = b"frames", name: str = "") -> Render:
        path = renders.folder / name if name else renders.chunk_path(key)
        path.write_bytes(content)
        render = Render(key=key, kind=kind, path=str(path), frames=24, size_bytes=len(content), digest=content.hex())
        renders.put(render)
        return render

    return make


def identified(path: Path, kind: RenderKind) -> Render | None:
    """A file that says its key, as those of otio_perf do: ``key:frames``."""
    key, _, rest = path.read_bytes().partition(b":")
    if not rest:
        return None
    size = path.stat().st_size
    return Render(key=key.decode(), kind=kind, path=str(path), frames=24, size_bytes=size, digest=path.read_bytes().hex())


def digest(path: Path) -> str:
    return path.read_bytes().hex()


def test_what_was_made_is_found_also_where_the_folder_moved(renders: Renders, made: Callable[..., Render]) -> None:
    render = made("ab" * 16)
    assert renders.get(render.key) == render
    assert renders.get("cd" * 16) is None
    moved = Path(shutil.move(renders.workspace.root, renders.workspace.root.with_name("moved")))
    found = Renders(Workspace.open(moved)).get(render.key)
    assert found is not None
    assert found.path == str(moved / "renders" / "chunks" / f"{render.key}.mov")


@pytest.mark.parametrize("change", ["gone", "shorter", "touched"])
def test_what_has_changed_is_not_found(renders: Renders, made: Callable[..., Render], change: str) -> None:
    render = made("ab" * 16)
    path = Path(render.path)
    if change == "gone":
        path.unlink()
    elif change == "shorter":
        path.write_bytes(b"fra")
    else:
        os.utime(path, ns=(1, 1))
    assert renders.get(render.key) is None
    assert renders.present() == ()
    ((named, reason, done),) = renders.faults(digest, repair=True)
    assert named == render.path
    assert reason
    assert done == ("taken back" if change == "touched" else "will be made anew")
    assert (renders.get(render.key) is None) == (change != "touched")
    assert not list(renders.faults(digest, repair=False))


def test_other_bytes_of_the_same_size_are_a_fault(renders: Renders, made: Callable[..., Render]) -> None:
    path = Path(made("ab" * 16).path)
    stat = path.stat()
    path.write_bytes(b"FRAMES")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    ((_, reason, done),) = renders.faults(digest, repair=False)
    assert "content" in reason
    assert done is None


def test_a_region_never_takes_the_name_of_another(renders: Renders, made: Callable[..., Render]) -> None:
    def named(key: str, timeline: str = "My film: part 1") -> str:
        return renders.region_names().path(timeline, "01:00:02;00", 48, key=key).name

    first = named("ab" * 16)
    assert first == "My film_ part 1_01-00-02-00_48.mov"
    made("ab" * 16, kind=RenderKind.REGION, name=first)
    assert named("ab" * 16) == first
    other = named("cd" * 16)
    assert other != first
    assert other.startswith("My film_ part 1_01-00-02-00_48_")
    (renders.folder / "b_01-00-02-00_48.mov").write_bytes(b"not ours")
    assert named("ab" * 16, "b") != "b_01-00-02-00_48.mov"
    assert named("ab" * 16, "../../x/..").count("/") == 0
    several = renders.region_names()  # none of which is made yet
    assert len({several.path("c", "01:00:02;00", 48, key=key * 16).name for key in ("ab", "cd", "ab")}) == 2


def test_only_finished_files_are_recorded(renders: Renders, made: Callable[..., Render]) -> None:
    render = made("ab" * 16)
    Path(render.path).write_bytes(b"fra")
    with pytest.raises(CacheError, match="3 bytes"):
        renders.put(render)
    Path(render.path).unlink()
    with pytest.raises(CacheError, match="not there"):
        renders.put(render)


def test_a_record_cannot_lead_out_of_the_folder(renders: Renders, made: Callable[..., Render], tmp_path: Path) -> None:
    precious = tmp_path / "original.mov"
    precious.write_bytes(b"frames")
    render = made("ab" * 16)
    record = renders.folder / "records" / f"{render.key}.json"
    name = Path(render.path).name
    record.write_text(record.read_text().replace(f"chunks/{name}", "../../original.mov"))
    assert renders.get(render.key) is None
    renders.clear()
    assert precious.exists()


def test_the_index_counts_verifies_and_clears_them(renders: Renders, made: Callable[..., Render]) -> None:
    made("ab" * 16)
    made("cd" * 16, kind=RenderKind.REGION, name="film_01-00-00-00_24.mov", content=b"0123456789")
    gone = made("ef" * 16)
    Path(gone.path).unlink()
    with Index.open(renders.workspace.root) as index:
        (fault,) = housekeeping.verify(index, digest)
        assert fault.path == gone.path
        housekeeping.clear(index, "renders")
        assert index.renders.recorded() == 0
    assert [p.name for p in renders.folder.rglob("*.mov")] == []


def test_damaged_records_are_as_if_they_were_not_there(renders: Renders, made: Callable[..., Render]) -> None:
    render = made("ab" * 16)
    (renders.folder / "records" / f"{render.key}.json").write_bytes(b"\x00{")
    assert renders.get(render.key) is None
    assert renders.present() == ()


# ---- what killed runs leave


def test_what_killed_runs_leave_is_found_and_put_right(renders: Renders, made: Callable[..., Render]) -> None:
    kept = made("00" * 16)
    chunk, region, odd = "ab" * 16, "cd" * 16, "ef" * 16
    renders.chunk_path(chunk).write_bytes(f"{chunk}:frames".encode())
    renders.chunk_path(odd).write_bytes(f"{chunk}:frames".encode())  # not what it is called
    (renders.folder / "film_01-00-00-00_24.mov").write_bytes(f"{region}:frames".encode())
    (renders.folder / "holiday.mov").write_bytes(b"the user's own")
    (renders.workspace.chunks / ".part of a chunk").write_bytes(b"fra")
    (renders.folder / "records" / ".x.json.12345678.tmp").write_bytes(b"{")
    lost = made("12" * 16, content=("12" * 16).encode() + b":frames")
    (renders.folder / "records" / f"{lost.key}.json").write_bytes(b"{")

    def found(*, repair: bool) -> dict[str, str | None]:
        faults = orphans(renders, is_part=lambda name: name.startswith(".part"), identify=identified, repair=repair)
        return {Path(fault.path).name: fault.repair for fault in faults}

    said = found(repair=False)
    assert said == dict.fromkeys(
        [
            ".part of a chunk",
            ".x.json.12345678.tmp",
            f"{lost.key}.json",
            f"{chunk}.mov",
            f"{odd}.mov",
            f"{lost.key}.mov",
            "film_01-00-00-00_24.mov",
            "holiday.mov",
        ]
    )
    with renders.workspace.writing():  # these parts may have an owner
        assert not {name for name in found(repair=False) if name.startswith(".")}
    assert found(repair=True) == {
        ".part of a chunk": "deleted",
        ".x.json.12345678.tmp": "deleted",
        f"{lost.key}.json": "deleted",
        f"{chunk}.mov": "taken back",
        f"{odd}.mov": "deleted",
        f"{lost.key}.mov": "taken back",
        "film_01-00-00-00_24.mov": "taken back",
        "holiday.mov": "left alone: it is nothing that otio-perf made",
    }
    for key in (kept.key, chunk, region, lost.key):
        assert renders.get(key) is not None
    assert (renders.folder / "holiday.mov").exists()
    assert found(repair=False) == {"holiday.mov": None}


# ---- who plays them


def test_what_a_timeline_plays_is_not_cleared(renders: Renders, made: Callable[..., Render], tmp_path: Path) -> None:
    names = ["my film_01-00-00-00_24.mov", "é_01-00-00-00_24.mov", "old_01-00-00-00_24.mov"]
    for number, name in enumerate(names):
        made(f"{number}" * 32, kind=RenderKind.REGION, name=name)
    made("ab" * 16)
    files = [renders.folder / name for name in names]
    cut, other, gone = (tmp_path / name for name in ("cut.otio", "other.otio", "gone.otio"))
    players = Players(renders.workspace.root)
    cut.write_text('{"target_url": "ws/renders/my%20film_01-00-00-00_24.mov"}')
    other.write_text('{"target_url": "ws/renders/\\u00e9_01-00-00-00_24.mov"}')
    for timeline in (cut, other, gone):
        players.note(timeline, [*files, tmp_path / "elsewhere.mov"])
    played = players.played()
    assert played == {str(files[0]): (str(cut),), str(files[1]): (str(other),)}
    with Index.open(renders.workspace.root) as index:
        planned = housekeeping.clear(index, "renders", played=played, dry_run=True)
        assert (planned.renders, planned.chunks, planned.kept, planned.players) == (1, 1, 2, (str(cut), str(other)))
        assert housekeeping.clear(index, "renders", played=played) == planned
        assert sorted(p.name for p in renders.folder.rglob("*.mov")) == sorted(names[:2])
        cut.write_text("{}")  # restored, or edited since
        assert housekeeping.clear(index, "renders", played=players.played()).players == (str(other),)
        players.note(other, [])
        assert housekeeping.clear(index, "renders", played=players.played()).kept == 0
        assert index.renders.recorded() == 0
