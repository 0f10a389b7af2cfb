"""Keeping a workspace within its limits: what is of no use goes first, then what was unused for longest. What a written
timeline plays stays, whatever the limits say, and is told.

Ages are counted by a clock of the workspace's own, that moves by a day at most from one look to the next: clocks that jump,
and machines that were off for a year, make nothing old.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from otio_perf.cache.housekeeping import ContentOf, source_states
from otio_perf.cache.index import Index
from otio_perf.cache.manifests import Record
from otio_perf.cache.workspace import write_whole
from otio_perf.errors import CacheError

_AGES_FILE = "ages.json"
_AGES_VERSION = 1
_DAY_SECONDS = 86_400.0
#: So many of those that were pruned are remembered.
_MOST_PRUNED = 20_000
#: A proxy whose source has changed, or is gone, is kept for so long: cards and disks come back.
GRACE_DAYS = 7
_STALE, _ORPHAN, _IDLE, _LIMIT, _DISK = (
    "its source has changed",
    "its source is gone",
    "it was not used for long",
    "the workspace is larger than it may be",
    "the disk is too full",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``None``: there is none."""

    max_bytes: int | None = None  # of all products
    min_free_bytes: int | None = None  # on the disk
    idle_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product, as far as keeping it is concerned. Days by the workspace's clock."""

    key: str
    kind: str  # proxy, region, chunk
    path: str
    size_bytes: int
    idle_days: float  # since it was used last
    source: str = ""  # why it is of no use: its source has changed, or is gone; "" where it is as it was
    source_days: float = 0.0  # for so long
    players: tuple[str, ...] = ()  # timelines that play it


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    kind: str
    path: str
    size_bytes: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What ``prune`` deleted, or would."""

    removed: tuple[Removed, ...] = ()
    parts: int = 0  # files that killed runs left
    kept: int = 0  # products that would have gone, but timelines play them
    players: tuple[str, ...] = ()  # these timelines
    size_bytes: int = 0  # what is left
    over_bytes: int = 0  # by which that is still more than it may be

    @property
    def freed_bytes(self) -> int:
        return sum(one.size_bytes for one in self.removed)


def choose(items: Sequence[Item], limits: Limits, *, free_bytes: int) -> tuple[list[tuple[Item, str]], list[Item], int]:
    """Which of ``items`` go, and why; which stay only because timelines play them; by how many bytes it is still too much.

    Pure. What is of no use goes when its time is over; within limits nothing else does. Beyond them it goes at once, then
    what was unused for longest, the pieces of prerenders before proxies of the same age.
    """
    going: list[tuple[Item, str]] = []
    spared: list[Item] = []
    left: list[Item] = []
    for item in items:
        if item.source and item.source_days >= GRACE_DAYS:
            reason = item.source
        elif limits.idle_days is not None and item.idle_days >= limits.idle_days:
            reason = _IDLE
        else:
            left.append(item)
            continue
        if item.players:
            spared.append(item)
        else:
            going.append((item, reason))
    freed = sum(item.size_bytes for item, _ in going)
    total = sum(item.size_bytes for item in items)
    order = sorted(left, key=lambda item: (not item.source, -item.idle_days, item.kind != "chunk", item.path))
    for over, reason in (
        (0 if limits.max_bytes is None else total - limits.max_bytes, _LIMIT),
        (0 if limits.min_free_bytes is None else limits.min_free_bytes - free_bytes, _DISK),
    ):
        waiting, order = order, []
        for item in waiting:
            if freed >= over:
                order.append(item)
            elif item.players:
                spared.append(item)
                order.append(item)
            else:
                going.append((item, item.source or reason))
                freed += item.size_bytes
    still = max(
        0 if limits.max_bytes is None else total - freed - limits.max_bytes,
        0 if limits.min_free_bytes is None else limits.min_free_bytes - free_bytes - freed,
        0,
    )
    return going, list({item.key: item for item in spared}.values()), still


def prune(
    index: Index,
    limits: Limits,
    *,
    content_of: ContentOf,
    now: float,
    free_bytes: int,
    is_part: Callable[[str], bool],
    played: Mapping[str, tuple[str, ...]],
    dry_run: bool = False,
) -> Pruned:
    """Bring the workspace of ``index`` within ``limits``.

    :param now: seconds since the epoch, wherever that clock may be
    :param is_part: whether a file name is that of an unfinished file (``media.publish.is_part``)
    :param played: timelines that play a file, by its path
    """
    parts = index.workspace.dead_parts(is_part)
    with index.workspace.lock("prune"):
        ages = _Ages.read(index.workspace.root / _AGES_FILE)
        ages.tick(now)
        items = list(_items(index, ages, content_of, played))
        going, spared, over = choose(items, limits, free_bytes=free_bytes)
        removed = []
        for item, reason in going:
            freed = item.size_bytes if dry_run else _forget(index, item)
            if freed is not None:
                removed.append(Removed(kind=item.kind, path=item.path, size_bytes=freed, reason=reason))
                ages.prune(item.key)
        if not dry_run:
            for path in parts:
                path.unlink(missing_ok=True)
            ages.write(index.workspace.root / _AGES_FILE)
    return Pruned(
        removed=tuple(removed),
        parts=len(parts),
        kept=len(spared),
        players=tuple(sorted({player for item in spared for player in item.players})),
        size_bytes=sum(item.size_bytes for item in items) - sum(one.size_bytes for one in removed),
        over_bytes=over,
    )


def pruned_keys(workspace_root: Path) -> frozenset[str]:
    """Keys of products that went to keep the workspace within its limits: who makes things ahead of need leaves them alone."""
    return frozenset(_Ages.read(workspace_root / _AGES_FILE).pruned)


def _items(index: Index, ages: _Ages, content_of: ContentOf, played: Mapping[str, tuple[str, ...]]) -> Iterator[Item]:
    """All that was made here; ``ages`` learns which of it was used, and which lost its source."""
    proxies = [record for record in index.products.present() if not record.product.is_adopted]
    for record, state in zip(proxies, source_states(index, proxies, content_of), strict=True):
        key, path = record.product.key, index.manifests.absolute(record.product.path)
        reason = _reason(index, record, state)
        ages.pruned.pop(key, None)  # it was made again
        yield Item(
            key=key,
            kind="proxy",
            path=path,
            size_bytes=record.product.size_bytes,
            idle_days=ages.idle_days(key, _time(index.manifests.path_of(key))),
            source=reason,
            source_days=ages.source_days(key, is_lost=bool(reason)),
            players=played.get(path, ()),
        )
    for render in index.renders.present():
        yield Item(
            key=render.key,
            kind=str(render.kind),
            path=render.path,
            size_bytes=render.size_bytes,
            idle_days=ages.idle_days(render.key, _time(index.renders.record_path(render.key))),
            players=played.get(render.path, ()),
        )


def _reason(index: Index, record: Record, state: str) -> str:
    """Why it is of no use. Of a source whose folder is gone, too, nobody knows: its disk may not be here."""
    if state == "changed":
        return _STALE
    folders = (Path(index.manifests.absolute(path)).parent for path in record.source_paths)
    return _ORPHAN if state == "gone" and any(folder.is_dir() for folder in folders) else ""


def _forget(index: Index, item: Item) -> int | None:
    """Bytes that became free; ``None``: its file is still there."""
    if item.kind == "proxy":
        return index.products.forget(item.key)
    index.renders.forget(item.key)
    return None if Path(item.path).exists() else item.size_bytes


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@dataclass(slots=True)
class _Ages:
    """What is known of ages, in a small file of the workspace. Where it is lost, everything begins to age anew."""

    seconds: float = 0.0  # age of the workspace, by its own clock
    looked_at: float | None = None  # seconds since the epoch: when it moved last
    used: dict[str, tuple[float, int]] = field(default_factory=dict)  # age at the last use, and the record's time then
    lost: dict[str, float] = field(default_factory=dict)  # age at which the source was first not as it was
    pruned: dict[str, None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> _Ages:
        try:
            said = json.loads(path.read_bytes())
            if said["version"] != _AGES_VERSION:
                return cls()
            return cls(
                seconds=float(said["seconds"]),
                looked_at=float(said["looked_at"]),
                used={str(key): (float(age), int(token)) for key, (age, token) in said["used"].items()},
                lost={str(key): float(age) for key, age in said["lost"].items()},
                pruned=dict.fromkeys(map(str, said["pruned"])),
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return cls()

    def write(self, path: Path) -> None:
        """:raises CacheError"""
        document = {
            "version": _AGES_VERSION,
            "seconds": self.seconds,
            "looked_at": self.looked_at,
            "used": self.used,
            "lost": self.lost,
            "pruned": list(islice(reversed(self.pruned), _MOST_PRUNED))[::-1],
        }
        try:
            write_whole(path, json.dumps(document) + "\n")
        except OSError as e:
            raise CacheError(f"cannot be written: {e.strerror}", path=path, hint="make room: otio-perf cache clear") from e

    def tick(self, now: float) -> None:
        """Move the workspace's clock: by the time since the last look, but never back, and by a day at most."""
        if self.looked_at is not None:
            self.seconds += min(max(now - self.looked_at, 0.0), _DAY_SECONDS)
        self.looked_at = now

    def idle_days(self, key: str, token: int) -> float:
        """Since ``key`` was used last. Its record's time says nothing but that it was used, when it is another than before."""
        age, before = self.used.get(key, (self.seconds, token - 1))
        if before != token:
            age = self.seconds
        self.used[key] = age, token
        return (self.seconds - age) / _DAY_SECONDS

    def source_days(self, key: str, *, is_lost: bool) -> float:
        """Since its source is not as it was."""
        if not is_lost:
            self.lost.pop(key, None)
            return 0.0
        return (self.seconds - self.lost.setdefault(key, self.seconds)) / _DAY_SECONDS

    def prune(self, key: str) -> None:
        self.used.pop(key, None)
        self.lost.pop(key, None)
        self.pruned.pop(key, None)
        self.pruned[key] = None
