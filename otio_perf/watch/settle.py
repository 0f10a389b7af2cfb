"""When a file has settled: the same size and time for ``settle_seconds`` by a clock that never jumps, and it is not empty.

Pure. Time stamps of files are compared for being equal only: they may lie in the future, or in 1970. That its container opens,
and with a sane duration, is found out by whoever is told; who finds that it does not says so (``refused``), and the file waits
until it changes: it was allocated in full before it was filled, or the copy stalled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Stage(StrEnum):
    SETTLING = "settling"
    SETTLED = "settled"
    WAITING = "waiting"  # quiet, but not whole: until it changes


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a medium: a file, or all numbered pictures of one name."""

    path: str  # of the file; of pictures, the first
    files: int
    size_bytes: int  # together
    mtime_ns: int  # the latest
    inode: int  # of pictures, of the first: who replaces a file by another of its size and time is noticed


@dataclass(frozen=True, slots=True)
class Settling:
    seen: Seen
    since: float  # by the monotonic clock: unchanged since this look
    stage: Stage = Stage.SETTLING


def looked(before: Settling | None, seen: Seen, now: float) -> Settling:
    """After a look at it. What has changed begins anew."""
    return before if before is not None and before.seen == seen else Settling(seen, now)


def may_settle(one: Settling) -> bool:
    """By itself: not what is empty, or not whole, which must change first."""
    return one.stage is Stage.SETTLING and one.seen.size_bytes > 0


def is_due(one: Settling, now: float, settle_seconds: float) -> bool:
    """Would it be settled, if it turned out to be unchanged now?"""
    return may_settle(one) and now - one.since >= settle_seconds


def settled(one: Settling) -> Settling:
    return replace(one, stage=Stage.SETTLED)


def refused(one: Settling, seen: Seen) -> Settling:
    """Whoever opened it as it was ``seen`` found that it is not whole. If it has changed since, that says nothing."""
    return replace(one, stage=Stage.WAITING) if one.seen == seen and one.stage is Stage.SETTLED else one
