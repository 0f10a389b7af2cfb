"""The index: what was made is found again, after moves, changes, damage and crashes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otio_perf.cache import housekeeping
from otio_perf.cache.housekeeping import Freed
from otio_perf.cache.index import Index
from otio_perf.cache.renders import Render, RenderKind
from otio_perf.errors import CacheError
from otio_perf.model.media import MediaInfo
from otio_perf.model.plans import Product

Make = Callable[..., Product]
MakeMedia = Callable[..., MediaInfo]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "ws"


def seen(contents: dict[str, str] | None = None, asked: list[str] | None = None) -> Callable[[str, object], str | None]:
    """What is where by now: fingerprints by path."""

    def content_of(path: str, pictures: object) -> str | None:
        assert pictures is None
        if asked is not None:
            asked.append(path)
        return (contents or {}).get(path)

    return content_of


def digest(path: Path) -> str:
    content = path.read_bytes()
    return str(len(content)) + content[:8].hex()


def test_a_product_is_found_by_key_source_and_proxy_path(root: Path, make_product: Make) -> None:
    with Index.open(root) as index:
        made = make_product("aaaaaaaa")
        index.products.put(made)
        assert index.products.get("aaaaaaaa") == made
        assert index.products.get("bbbbbbbb") is None
        assert index.products.all() == (made,)
        assert index.products.of_path("/rushes/A001.mp4") == (made,)
        assert index.products.original_of(made.path) == "/rushes/A001.mp4"
        assert index.products.original_of("/elsewhere.mov") is None
    with Index.open(root) as again:
        assert again.products.get("aaaaaaaa") == made
        assert again.notices == ()


def test_a_product_that_was_not_made_is_refused(root: Path, make_product: Make) -> None:
    with Index.open(root) as index:
        made = make_product("aaaaaaaa")
        with pytest.raises(CacheError, match="5 bytes, not 6"):
            index.products.put(replace(made, size_bytes=6))
        Path(made.path).unlink()
        with pytest.raises(CacheError, match="not there"):
            index.products.put(made)
        assert index.products.all() == ()


@pytest.mark.parametrize("change", ["gone", "longer", "touched"])
def test_a_product_whose_file_changed_is_not_returned_until_it_is_back(root: Path, make_product: Make, change: str) -> None:
    with Index.open(root) as index:
        made = make_product("aaaaaaaa")
        index.products.put(made)
        path, stat = Path(made.path), Path(made.path).stat()
        if change == "gone":
            path.rename(path.with_suffix(".away"))
        elif change == "longer":
            path.write_bytes(b"proxy+")
        else:
            os.utime(path, (0, 0))
        assert index.products.get("aaaaaaaa") is None
        assert index.products.all() == index.products.of_path(made.source_path) == ()
        assert housekeeping.status(index, seen()).missing == 1
        if change == "gone":
            path.with_suffix(".away").rename(path)
        path.write_bytes(b"proxy")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert index.products.get("aaaaaaaa") == made
        assert housekeeping.status(index, seen()).missing == 0


def test_a_moved_source_keeps_its_proxy_and_a_moved_workspace_its_products(root: Path, make_product: Make) -> None:
    made = make_product("aaaaaaaa")
    with Index.open(root) as index:
        index.products.put(made)
        index.products.put(replace(made, source_path="/archive/A001.mp4"))
        assert [p.key for p in index.products.of_path("/archive/A001.mp4")] == ["aaaaaaaa"]
        assert [p.key for p in index.products.of_path("/rushes/A001.mp4")] == ["aaaaaaaa"]
        assert index.products.original_of(made.path) == "/archive/A001.mp4"
    moved = root.with_name("moved")
    root.rename(moved)
    with Index.open(moved) as index:
        found = index.products.get("aaaaaaaa")
        assert found and found.path == str(moved / "proxies" / "aaaaaaaa.mov")
        assert index.products.original_of(found.path) == "/archive/A001.mp4"


def test_the_original_that_still_exists_is_preferred(root: Path, tmp_path: Path, make_product: Make) -> None:
    here = tmp_path / "here.mp4"
    here.write_bytes(b"x")
    with Index.open(root) as index:
        made = make_product("aaaaaaaa", source=str(here))
        index.products.put(made)
        index.products.put(replace(made, source_path="/unmounted/here.mp4"))
        assert index.products.original_of(made.path) == str(here)


def test_a_changed_source_makes_its_products_stale(root: Path, make_product: Make, make_media: MakeMedia) -> None:
    with Index.open(root) as index:
        made = make_product("aaaaaaaa")
        index.products.put(made)
        index.probes.put((made.source_path, 10, 1), make_media(made.source_path, "f1"))
        assert index.products.of_path(made.source_path) == (made,)
        index.probes.put((made.source_path, 11, 2), make_media(made.source_path, "f2"))
        assert index.products.of_path(made.source_path) == ()
        assert index.products.get("aaaaaaaa") == made  # by content it is still right
        index.probes.put(("/copy.mp4", 10, 1), make_media("/copy.mp4", "f1"))
        index.products.put(replace(made, source_path="/copy.mp4"))
        assert [p.key for p in index.products.of_path(made.source_path)] == ["aaaaaaaa"]


def test_status_looks_at_every_source_once(root: Path, make_product: Make, make_media: MakeMedia) -> None:
    """No other command has to have looked at the media before."""
    with Index.open(root) as index:
        for key in ("aaaaaaaa", "bbbbbbbb"):  # two rungs of one source
            index.products.put(make_product(key))
        index.products.put(make_product("cccccccc", source="/rushes/B001.mp4", fingerprint="f2"))
        index.probes.put(("/rushes/A001.mp4", 10, 1), make_media("/rushes/A001.mp4", "f1"))  # as it was once
        asked: list[str] = []

        def states(contents: dict[str, str]) -> tuple[int, int]:
            asked.clear()
            status = housekeeping.status(index, seen(contents, asked))
            assert status.proxies == 3
            return status.stale, status.sources_gone

        assert states({"/rushes/A001.mp4": "f1", "/rushes/B001.mp4": "f2"}) == (0, 0)
        assert sorted(asked) == ["/rushes/A001.mp4", "/rushes/B001.mp4"]
        assert states({"/rushes/A001.mp4": "other", "/rushes/B001.mp4": "f2"}) == (2, 0)
        assert states({"/rushes/A001.mp4": "f1"}) == (0, 1)
        assert states({}) == (0, 3)
        index.products.add_source("cccccccc", "/archive/B001.mp4")  # it was moved, and something else is in its old place
        assert states({"/rushes/A001.mp4": "f1", "/rushes/B001.mp4": "new", "/archive/B001.mp4": "f2"}) == (0, 0)


def test_probes_are_kept_until_the_medium_changes(root: Path, make_media: MakeMedia) -> None:
    hostile = os.fsdecode(b"/m\xe9dia/\xffa\nb.wav")
    with Index.open(root) as index:
        media = make_media(hostile)
        index.probes.put((hostile, 10, 123), media)
    with Index.open(root) as index:
        assert index.probes.get((hostile, 10, 123)) == media
        assert index.probes.get((hostile, 11, 123)) is None
        assert index.probes.get((hostile, 10, 124)) is None


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "empty": lambda p: p.write_bytes(b""),
    "cut at 100 bytes": lambda p: os.truncate(p, 100),
    "cut in half": lambda p: os.truncate(p, p.stat().st_size // 2),
    "zeroed": lambda p: p.write_bytes(bytes(p.stat().st_size)),
    "garbage": lambda p: p.write_bytes(os.urandom(20_000)),
    "another database": lambda p: (p.unlink(), sqlite3.connect(p).executescript("CREATE TABLE t(x);").connection.close()),
    "a page zeroed": lambda p: _overwrite(p, 4096, bytes(4096)),
    "last page overwritten": lambda p: _overwrite(p, p.stat().st_size - 4096, b"\xa5" * 4096),
    "a version of no meaning": lambda p: _overwrite(p, 60, b"\0\0\7\7"),
}


def _overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as f:
        f.seek(offset)
        f.write(data)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_index_is_moved_aside_and_rebuilt_from_the_manifests(
    root: Path, make_product: Make, damage: Callable[[Path], object]
) -> None:
    made = [make_product(f"{i:08x}") for i in range(40)]
    with Index.open(root) as index:
        for product in made:
            index.products.put(product)
    damage(root / "index.sqlite")
    with Index.open(root) as index:
        assert index.products.all() == tuple(made)
        assert index.products.original_of(made[3].path) == made[3].source_path
        (notice,) = index.notices
        assert "40 products" in notice
    with Index.open(root) as index:
        assert index.notices == ()
    assert list(root.glob("index.corrupt-*")) or "missing" in notice


def test_no_flipped_byte_crashes_or_invents_anything(root: Path, make_product: Make, make_media: MakeMedia) -> None:
    made = [make_product(f"{i:08x}", source=f"/rushes/{i}.mp4") for i in range(12)]
    with Index.open(root) as index:
        for product in made:
            index.products.put(product)
            index.probes.put((product.source_path, 10, 1), make_media(product.source_path))
    database = root / "index.sqlite"
    whole = database.read_bytes()
    for offset in range(7, len(whole), len(whole) // 150):
        flipped = bytearray(whole)
        flipped[offset] ^= 0x41
        for side in root.glob("index.*"):
            side.unlink()
        database.write_bytes(flipped)
        with Index.open(root) as index:
            assert [index.products.get(p.key) for p in made] == made, offset
            for product in made:
                assert index.probes.get((product.source_path, 10, 1)) in (make_media(product.source_path), None), offset


def test_damage_that_shows_while_the_index_is_open_is_healed(root: Path, make_product: Make) -> None:
    with Index.open(root) as index:
        for i in range(40):
            index.products.put(make_product(f"{i:08x}"))
    with Index.open(root) as index:
        _overwrite(root / "index.sqlite", 4096, b"\xa5" * (root / "index.sqlite").stat().st_size)
        assert len(index.products.all()) == 40
        index.products.put(make_product("ffffffff"))
        assert index.products.get("ffffffff")


def test_an_index_replaced_by_another_process_is_opened_again(root: Path, make_product: Make) -> None:
    with Index.open(root) as first:
        first.products.put(make_product("aaaaaaaa"))
        (root / "index.sqlite").write_bytes(b"garbage" * 1000)
        with Index.open(root) as second:
            assert second.products.get("aaaaaaaa")
            second.products.put(make_product("bbbbbbbb"))
            first.products.put(make_product("cccccccc"))
            assert first.products.get("bbbbbbbb")
            assert second.products.get("cccccccc")


def test_a_newer_index_is_refused_in_one_line(root: Path) -> None:
    Index.open(root).close()
    connection = sqlite3.connect(root / "index.sqlite")
    connection.executescript("PRAGMA user_version = 99; UPDATE meta SET value = '99' WHERE name = 'schema_version';")
    connection.close()
    with pytest.raises(CacheError, match=r"version 99.*--workspace") as refused:
        Index.open(root)
    assert "\n" not in str(refused.value)
    assert not list(root.glob("index.corrupt-*"))


def test_a_product_whose_process_died_before_the_index_was_written_is_there(root: Path, make_product: Make) -> None:
    with Index.open(root) as index:
        index.products.put(make_product("aaaaaaaa"))
        shutil.copy(root / "index.sqlite", root / "before.sqlite")
        with Index.open(root) as running:
            index.products.put(make_product("bbbbbbbb"))
            assert running.products.get("bbbbbbbb")
    for side in root.glob("index.sqlite*"):
        side.unlink()
    (root / "before.sqlite").rename(root / "index.sqlite")
    with Index.open(root) as index:
        assert [p.key for p in index.products.all()] == ["aaaaaaaa", "bbbbbbbb"]


def test_verify_finds_and_repairs(root: Path, make_product: Make) -> None:
    with Index.open(root) as index:
        good, flipped, gone, touched = (make_product(k * 8, content=k.encode() * 9) for k in "abcd")
        for product in (good, flipped, gone, touched):
            index.products.put(product)
        Path(flipped.path).write_bytes(b"bxbbbbbbb")
        Path(gone.path).unlink()
        os.utime(touched.path, (0, 0))
        found = {Path(f.path).name: f.reason for f in housekeeping.verify(index, digest)}
        assert found.keys() == {"bbbbbbbb.mov", "cccccccc.mov", "dddddddd.mov"}
        assert "content" in found["bbbbbbbb.mov"]
        assert "time" in found["dddddddd.mov"]
        assert housekeeping.verify(index, digest, repair=True)
        assert housekeeping.verify(index, digest) == ()
        assert [p.key for p in index.products.all()] == ["aaaaaaaa", "dddddddd"]
        assert not Path(flipped.path).exists()
    with Index.open(root) as index:
        assert [p.key for p in index.products.all()] == ["aaaaaaaa", "dddddddd"]


def test_clear_frees_what_is_ours(root: Path, tmp_path: Path, make_product: Make, make_media: MakeMedia) -> None:
    with Index.open(root) as index:
        inside = make_product("aaaaaaaa")
        beside = make_product("bbbbbbbb", root=tmp_path / "rushes")
        replaced = make_product("cccccccc", root=tmp_path / "rushes")
        for product in (inside, beside, replaced):
            index.products.put(product)
        Path(replaced.path).write_bytes(b"made by somebody else")
        index.probes.put(("/a.wav", 10, 1), make_media("/a.wav"))
        (root / "analysis" / "survey-1.index").write_text("12345")
        (root / "analysis" / "edit.prproj").write_text("mine")
        status = housekeeping.status(index, seen())
        assert (status.proxies, status.proxy_bytes, status.missing) == (2, 10, 1)
        assert (status.analysis_files, status.analysis_bytes, status.probes) == (1, 5, 1)
        predicted = housekeeping.clear(index, "proxies", dry_run=True), housekeeping.clear(index, "analysis", dry_run=True)
        assert Path(inside.path).exists()
        assert index.probes.get(("/a.wav", 10, 1)) is not None
        assert predicted == (Freed(proxies=2, sources=1, size_bytes=10), Freed(size_bytes=5))
        assert (housekeeping.clear(index, "proxies"), housekeeping.clear(index, "analysis")) == predicted
        assert (root / "analysis" / "edit.prproj").exists()
        assert Path(replaced.path).exists()
        assert not Path(beside.path).exists()
        assert index.probes.get(("/a.wav", 10, 1)) is None
        with pytest.raises(ValueError, match="everything"):
            housekeeping.clear(index, "everything")
    with Index.open(root) as index:
        assert index.products.all() == ()


def test_renders_are_told_and_cleared(root: Path) -> None:
    with Index.open(root) as index:
        for number, kind in enumerate((RenderKind.CHUNK, RenderKind.CHUNK, RenderKind.REGION)):
            path = index.renders.folder / f"{number}.mov"
            path.write_bytes(b"frames")
            index.renders.put(
                Render(key=f"{number:08x}", kind=kind, path=str(path), frames=5, size_bytes=6, digest=digest(path))
            )
        (index.renders.folder / "0.mov").unlink()
        expected = Freed(renders=1, chunks=1, size_bytes=12)
        assert housekeeping.clear(index, "renders", dry_run=True) == expected
        assert (index.renders.folder / "2.mov").exists()
        assert housekeeping.clear(index, "renders") == expected
        assert index.renders.recorded() == 0
        assert housekeeping.clear(index, "renders") == Freed()


WRITER = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    from otio_perf.cache.index import Index
    from otio_perf.model import wire
    from otio_perf.model.plans import Product
    root, template, mine = Path(sys.argv[1]), wire.loads(Product, sys.argv[2]), sys.argv[3]
    with Index.open(root) as index:
        for i in range(60):
            path = root / "proxies" / f"{mine}{i:07x}.mov"
            path.write_bytes(b"proxy")
            index.products.put(replace(template, key=f"{mine}{i:07x}", path=str(path)))
        print(len(index.products.all()))
"""


def test_several_processes_write_at_once_also_at_the_first_opening(root: Path, make_product: Make) -> None:
    from otio_perf.model import wire

    template = wire.dumps(make_product("00000000"))
    Path(root / "proxies" / "00000000.mov").unlink()
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(root), template]
    writers = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in "abcd"]
    for writer in writers:
        out, err = writer.communicate(timeout=100)
        assert (writer.returncode, err) == (0, "")
        assert int(out) >= 60
    with Index.open(root) as index:
        assert len(index.products.all()) == 240
        assert index.notices == ()


def test_proxies_that_timelines_play_stay(root: Path, make_product: Make) -> None:
    with Index.open(root) as index:
        played, other = make_product("aaaaaaaa"), make_product("bbbbbbbb")
        for product in (played, other):
            index.products.put(product)
        players = {played.path: ("/b.otio", "/a.otio"), "/elsewhere.mov": ("/c.otio",)}
        planned = housekeeping.clear(index, "proxies", played=players, dry_run=True)
        assert (planned.proxies, planned.kept_proxies, planned.players) == (1, 1, ("/a.otio", "/b.otio"))
        assert housekeeping.clear(index, "proxies", played=players) == planned
        assert (Path(played.path).exists(), Path(other.path).exists()) == (True, False)
        assert housekeeping.clear(index, "proxies").proxies == 1
