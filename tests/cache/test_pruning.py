"""What goes from a workspace, when, and what never does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.cache.index import Index
from otio_perf.cache.pruning import GRACE_DAYS, Item, Limits, Pruned, choose, prune, pruned_keys
from otio_perf.cache.renders import Render, RenderKind
from otio_perf.model.plans import Product

DAY = 86_400.0
NO_LIMITS = Limits()

items = st.lists(
    st.builds(
        Item,
        key=st.uuids().map(str),
        kind=st.sampled_from(["proxy", "region", "chunk"]),
        path=st.uuids().map(str),
        size_bytes=st.integers(1, 100),
        idle_days=st.floats(0, 100),
        source=st.sampled_from(["", "its source is gone"]),
        source_days=st.floats(0, 20),
        players=st.sampled_from([(), (), ("/edit.perf.otio",)]),
    ),
    max_size=20,
)
limits = st.builds(
    Limits,
    max_bytes=st.none() | st.integers(0, 1000),
    min_free_bytes=st.none() | st.integers(0, 1000),
    idle_days=st.none() | st.integers(1, 100),
)


@given(items, limits, st.integers(0, 1000))
def test_limits_are_kept_or_what_is_missing_is_told_and_what_is_played_stays(
    items: list[Item], limits: Limits, free: int
) -> None:
    going, spared, over = choose(items, limits, free_bytes=free)
    gone = [item for item, _ in going]
    assert len({item.key for item in gone}) == len(gone)
    assert not [item for item in gone if item.players]
    assert {item.key for item in spared} <= {item.key for item in items if item.players}
    freed = sum(item.size_bytes for item in gone)
    total = sum(item.size_bytes for item in items)
    missing = [0]
    if limits.max_bytes is not None:
        missing.append(total - freed - limits.max_bytes)
    if limits.min_free_bytes is not None:
        missing.append(limits.min_free_bytes - free - freed)
    assert over == max(missing)
    left = [item for item in items if item not in gone]
    if over:
        assert all(item.players for item in left), "something could still go"
    for item in left:
        due = item.source and item.source_days >= GRACE_DAYS
        due = due or (limits.idle_days is not None and item.idle_days >= limits.idle_days)
        assert not due or item.players


@given(items)
def test_without_limits_only_what_is_of_no_use_goes(items: list[Item]) -> None:
    going, _, over = choose(items, NO_LIMITS, free_bytes=0)
    assert over == 0
    assert all(item.source and item.source_days >= GRACE_DAYS for item, _ in going)


def test_beyond_the_limit_the_longest_unused_goes_first_and_no_more_than_needed() -> None:
    def item(name: str, idle: float, **more: Any) -> Item:
        return Item(key=name, kind="proxy", path=name, size_bytes=10, idle_days=idle, **more)

    there = [item("new", 0), item("old", 50), item("played", 90, players=("/e.otio",)), item("orphan", 1, source="gone")]
    going, spared, over = choose(there, Limits(max_bytes=25), free_bytes=0)
    assert [one.key for one, _ in going] == ["orphan", "old"]
    assert over == 0
    assert [one.key for one in spared] == ["played"]


# -- a workspace on disk -----------------------------------------------------------------------------------------------


class Kept:
    """A workspace whose clock and sources the test decides."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.now = 1_700_000_000.0
        self.contents: dict[str, str | None] = {}
        self.played: dict[str, tuple[str, ...]] = {}

    def prune(self, days: float = 0.0, *, dry_run: bool = False, **limits: Any) -> Pruned:
        self.now += days * DAY
        return prune(
            self.index,
            Limits(**limits),
            content_of=lambda path, pictures: self.contents.get(path),
            now=self.now,
            free_bytes=10**12,
            is_part=lambda name: name.endswith(".part"),
            played=self.played,
            dry_run=dry_run,
        )

    def live(self, days: int, **limits: Any) -> list[str]:
        """The workspace is looked after every day; paths of what went."""
        return [Path(one.path).name for _ in range(days) for one in self.prune(1.0, **limits).removed]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def put_proxy(index: Index, tmp_path: Path, make_product: Callable[..., Product]) -> Callable[[str], Product]:
    (tmp_path / "rushes").mkdir()

    def put(name: str) -> Product:
        product = make_product(name * 4, source=str(tmp_path / "rushes" / f"{name}.mov"), fingerprint=f"content of {name}")
        index.products.put(product)
        return product

    return put


@pytest.fixture
def put_render(index: Index) -> Callable[..., Render]:
    def put(kind: str, *, name: str = "one") -> Render:
        key = (kind + name) * 4
        path = index.renders.chunk_path(key) if kind == "chunk" else index.renders.folder / f"{name}.mov"
        path.write_bytes(b"frames")
        render = Render(key=key, kind=RenderKind(kind), path=str(path), frames=24, size_bytes=6, digest="d")
        index.renders.put(render)
        return render

    return put


@pytest.fixture
def kept(index: Index, put_proxy: Callable[..., Any], tmp_path: Path) -> Kept:
    """Three proxies, of sources that are there."""
    workspace = Kept(index)
    for number in range(3):
        product = put_proxy(f"clip{number}")
        workspace.contents[product.source_path] = product.source_fingerprint
    return workspace


def names(kept: Kept) -> list[str]:
    return sorted(Path(product.path).name for product in kept.index.products.all())


def test_nothing_goes_without_a_reason(kept: Kept) -> None:
    assert kept.live(60) == []
    assert len(names(kept)) == 3


def test_what_is_used_stays_and_what_is_not_goes_after_its_days(kept: Kept) -> None:
    used = kept.index.products.all()[0]
    gone = []
    for _ in range(40):
        gone += [Path(one.path).name for one in kept.prune(1.0, idle_days=30).removed]
        record = kept.index.manifests.path_of(used.key)
        os.utime(record, (1, 1))  # an hour or a year ago, whatever the clock says
        assert kept.index.products.get(used.key) is not None
    assert len(gone) == 2
    assert names(kept) == [Path(used.path).name]


@pytest.mark.parametrize("jump_days", [400, -400])
def test_a_clock_that_jumps_makes_nothing_old(kept: Kept, jump_days: int) -> None:
    kept.prune(idle_days=30)
    assert not kept.prune(jump_days, idle_days=30).removed
    assert not kept.prune(-jump_days, idle_days=30).removed
    assert kept.live(25, idle_days=30) == []
    assert len(kept.live(10, idle_days=30)) == 3


def test_proxies_of_sources_that_changed_or_went_stay_for_a_week(kept: Kept) -> None:
    changed, gone, _ = kept.index.products.all()
    kept.contents[changed.source_path] = "another"
    kept.contents[gone.source_path] = None
    assert kept.live(GRACE_DAYS) == []
    assert sorted(kept.live(2)) == sorted(Path(p.path).name for p in (changed, gone))


def test_a_source_that_came_back_in_time_keeps_its_proxy(kept: Kept) -> None:
    product = kept.index.products.all()[0]
    kept.contents[product.source_path] = None
    kept.live(GRACE_DAYS - 1)
    kept.contents[product.source_path] = product.source_fingerprint
    kept.live(1)
    kept.contents[product.source_path] = None
    assert kept.live(GRACE_DAYS - 1) == []


def test_a_disk_that_is_not_here_takes_no_proxies_with_it(kept: Kept, tmp_path: Path) -> None:
    for product in kept.index.products.all():
        kept.contents[product.source_path] = None
    Path(kept.index.products.all()[0].source_path).parent.rename(tmp_path / "unmounted")
    assert kept.live(30) == []


def test_what_a_timeline_plays_stays_and_is_told(kept: Kept) -> None:
    first, *_ = kept.index.products.all()
    kept.played[first.path] = ("/edits/film.perf.otio",)
    done = kept.prune(max_bytes=0)
    assert names(kept) == [Path(first.path).name]
    assert (done.kept, done.players) == (1, ("/edits/film.perf.otio",))
    assert done.over_bytes == done.size_bytes == first.size_bytes


def test_a_dry_run_says_the_same_and_deletes_nothing(kept: Kept) -> None:
    said = kept.prune(max_bytes=0, dry_run=True)
    assert len(names(kept)) == 3
    assert kept.prune(max_bytes=0).removed == said.removed
    assert names(kept) == []


def test_what_went_is_remembered_until_it_is_made_again(kept: Kept, put_proxy: Callable[..., Any]) -> None:
    keys = {product.key for product in kept.index.products.all()}
    kept.prune(max_bytes=0)
    root = kept.index.workspace.root
    assert pruned_keys(root) == keys
    again = put_proxy("clip0")
    kept.contents[again.source_path] = again.source_fingerprint
    kept.prune()
    assert pruned_keys(root) == keys - {again.key}


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version": 1}', b"\xff\xfe", b'{"version": 99}'])
def test_a_damaged_record_of_ages_makes_nothing_old(kept: Kept, damage: bytes) -> None:
    kept.live(29, idle_days=30)
    (kept.index.workspace.root / "ages.json").write_bytes(damage)
    assert kept.live(20, idle_days=30) == []


def test_parts_that_killed_runs_left_go(kept: Kept) -> None:
    part = kept.index.workspace.proxies / ".clip.x7.part"
    part.write_bytes(b"1")
    assert kept.prune(dry_run=True).parts == 1
    assert part.exists()
    assert kept.prune().parts == 1
    assert not part.exists()


def test_prerenders_go_by_the_same_rules(kept: Kept, put_render: Callable[..., Any]) -> None:
    region, chunk = put_render("region"), put_render("chunk")
    kept.played = {region.path: ("/edits/film.perf.otio",)}
    kept.prune(max_bytes=0)
    assert Path(region.path).exists()
    assert not Path(chunk.path).exists()
    assert kept.index.renders.get(chunk.key) is None


def test_used_prerenders_are_young(kept: Kept, put_render: Callable[..., Any]) -> None:
    used, unused = put_render("chunk", name="used"), put_render("chunk", name="unused")
    for product in kept.index.products.all():
        kept.index.products.forget(product.key)
    for _ in range(20):
        kept.prune(1.0, idle_days=10)
        os.utime(kept.index.renders.record_path(used.key), (1, 1))
        kept.index.renders.get(used.key)
    assert Path(used.path).exists()
    assert not Path(unused.path).exists()
