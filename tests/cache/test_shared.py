"""Products of other workspaces: used as they were made or not at all, and never touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from otio_perf.cache import housekeeping
from otio_perf.cache.index import Index
from otio_perf.cache.renders import Render, RenderKind
from otio_perf.cache.shared import Shared
from otio_perf.model.plans import ADOPTED, Product

Make = Callable[..., Product]


class Digest:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: Path) -> str:
        self.asked.append(path.name)
        content = path.read_bytes()
        return str(len(content)) + content[:8].hex()


@pytest.fixture
def digest() -> Digest:
    return Digest()


@pytest.fixture
def other(tmp_path: Path, make_product: Make) -> Path:
    """A workspace with the product ``aaaaaaaa``."""
    root = tmp_path / "other"
    with Index.open(root) as index:
        index.products.put(make_product("aaaaaaaa", root=root))
    return root


def entries(root: Path) -> dict[str, tuple[int, int]]:
    return {str(p.relative_to(root)): (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*") if p.is_file()}


def test_a_product_of_another_is_used_where_it_lies(tmp_path: Path, other: Path, digest: Digest) -> None:
    before = entries(other)
    with Index.open(tmp_path / "own") as own:
        for _ in range(2):  # its bytes are read once, and that is remembered
            found = Shared(own, [tmp_path / "no" / "such", other], digest).product("aaaaaaaa")
            assert found is not None
            assert found.path == str(other / "proxies" / "aaaaaaaa.mov")
            assert digest.asked == ["aaaaaaaa.mov"]
        assert own.products.get("aaaaaaaa") is None
        assert own.products.key_at(found.path) is None
    with Index.open(tmp_path / "own") as again:
        shared = Shared(again, [other], digest)
        assert shared.product("aaaaaaaa") == found
        assert shared.product("bbbbbbbb") is None
        assert digest.asked == ["aaaaaaaa.mov"]
    assert entries(other) == before


@pytest.mark.parametrize("change", ["gone", "longer", "other bytes", "cleared", "manifest damaged", "manifest of another"])
def test_what_is_not_as_it_was_made_is_not_used(
    tmp_path: Path, other: Path, digest: Digest, make_product: Make, change: str
) -> None:
    path = other / "proxies" / "aaaaaaaa.mov"
    manifest = other / "products" / "aaaaaaaa.json"
    stat = path.stat()
    if change == "gone":
        path.unlink()
    elif change == "longer":
        path.write_bytes(b"proxy and more")
    elif change == "other bytes":
        path.write_bytes(b"prOxy")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    elif change == "cleared":
        with Index.open(other) as index:
            housekeeping.clear(index, "proxies")
    elif change == "manifest damaged":
        manifest.write_bytes(manifest.read_bytes()[:-40])
    else:
        with Index.open(other) as index:
            index.products.put(make_product("bbbbbbbb", root=other))
        shutil.copy(other / "products" / "bbbbbbbb.json", manifest)
    before = entries(other)
    with Index.open(tmp_path / "own") as own:
        assert Shared(own, [other], digest).product("aaaaaaaa") is None
    assert entries(other) == before


def test_what_was_checked_and_changed_since_is_checked_again(tmp_path: Path, other: Path, digest: Digest) -> None:
    path = other / "proxies" / "aaaaaaaa.mov"
    with Index.open(tmp_path / "own") as own:
        assert Shared(own, [other], digest).product("aaaaaaaa") is not None
        stat = path.stat()
        path.write_bytes(b"prOxy")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))  # within what file systems round
        assert Shared(own, [other], digest).product("aaaaaaaa") is None
        assert digest.asked == ["aaaaaaaa.mov"] * 2


def test_of_several_the_first_that_is_whole_serves(tmp_path: Path, other: Path, digest: Digest, make_product: Make) -> None:
    second = tmp_path / "second"
    with Index.open(second) as index:
        index.products.put(make_product("aaaaaaaa", root=second))
    (other / "proxies" / "aaaaaaaa.mov").unlink()
    with Index.open(tmp_path / "own") as own:
        found = Shared(own, [other, second], digest).product("aaaaaaaa")
    assert found is not None
    assert found.path == str(second / "proxies" / "aaaaaaaa.mov")


def test_what_cameras_made_is_not_handed_on(tmp_path: Path, digest: Digest, make_product: Make) -> None:
    root = tmp_path / "other"
    with Index.open(root) as index:
        index.products.put(make_product(f"{ADOPTED}x", root=root, name="camera.LRV"))
    with Index.open(tmp_path / "own") as own:
        assert Shared(own, [root], digest).product(f"{ADOPTED}x") is None


def test_each_workspace_knows_its_own_copy_of_the_medium(tmp_path: Path, other: Path, digest: Digest) -> None:
    with Index.open(tmp_path / "own") as own:
        found = Shared(own, [other], digest).product("aaaaaaaa")
        assert found is not None
        assert own.products.original_of(found.path) is None
        for source in (tmp_path / "A001.mp4", tmp_path / os.fsdecode(b"\xe9.mp4")):
            own.products.put_original(found.path, str(source))
            assert own.products.original_of(found.path) == str(source)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "own", tmp_path / "elsewhere" / "own")
    with Index.open(tmp_path / "elsewhere" / "own") as moved:  # what lies beside it moves with it
        assert moved.products.original_of(found.path) == str(tmp_path / "elsewhere" / os.fsdecode(b"\xe9.mp4"))
    with Index.open(other) as theirs:
        assert theirs.products.original_of(found.path) == "/rushes/A001.mp4"


def test_what_another_rendered_is_used_where_it_lies(tmp_path: Path, digest: Digest) -> None:
    keys = {RenderKind.CHUNK: "ab" * 16, RenderKind.REGION: "cd" * 16}
    with Index.open(tmp_path / "other") as index:
        for kind, key in keys.items():
            path = index.renders.chunk_path(key) if kind is RenderKind.CHUNK else index.renders.folder / "cut_48.mov"
            path.write_bytes(b"frames")
            said = "6" + b"frames".hex()
            index.renders.put(Render(key=key, kind=kind, path=str(path), frames=48, size_bytes=6, digest=said))
        rendered = index.renders.present()
    before = entries(tmp_path / "other")
    with Index.open(tmp_path / "own") as own:
        for _ in range(2):  # read once
            shared = Shared(own, [tmp_path / "none", tmp_path / "other"], digest)
            assert [shared.render(render.key) for render in rendered] == list(rendered)
        assert sorted(digest.asked) == sorted(Path(render.path).name for render in rendered)
        assert shared.render("ef" * 16) is None
        assert entries(tmp_path / "other") == before
        path = Path(rendered[0].path)
        path.write_bytes(b"FRAMES")
        assert Shared(own, [tmp_path / "other"], digest).render(rendered[0].key) is None
