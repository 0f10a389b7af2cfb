"""Proxies where an editing program itself looks for them: what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otio_perf.model.results import ProxyReport


class Placing(StrEnum):
    PLACED = "placed"
    THERE = "there"  # from an earlier run, and still right
    LEFT = "left"  # none is possible, or the program has one of its own
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One file, for one source in one folder of a program. ``reason``: why it was left, or failed; a clause for people.

    ``path``: ``""`` where none could be named. ``size_bytes``: of the file that is there, or that went.
    """

    source: str
    path: str
    placing: Placing
    reason: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceReport:
    """Answer of ``hosts.place``. ``proxies``: what was made first; ``None`` where files were taken away."""

    host: str
    folders: tuple[str, ...]
    placed: tuple[Placed, ...]
    proxies: ProxyReport | None
    notices: tuple[str, ...] = ()

    def with_placing(self, placing: Placing) -> tuple[Placed, ...]:
        return tuple(one for one in self.placed if one.placing is placing)
