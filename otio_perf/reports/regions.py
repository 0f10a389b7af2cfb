"""The spans of an analysis, gathered for the eye: stretches that stutter, and cells of equal length for drawing."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from otio_perf.model.analysis import Analysis, SpanCost

#: Above this share of the budget a span plays, but with little to spare.
_CLOSE = 0.8

#: Above this factor a stretch is far too slow.
_SLOWER = 2.0
#: A stretch counts as slow as a whole when this share of it is.
_MOSTLY = 0.5

STATES = ("empty", "smooth", "close", "offline", "slow")  # mildest first
COLOURS = (*STATES, "slower")


def state_of(cost: SpanCost) -> str:
    """One of ``STATES``."""
    if cost.factor > 1:
        return "slow"
    if cost.offline:
        return "offline"
    if not cost.span.uses:
        return "empty"
    return "close" if cost.factor > _CLOSE else "smooth"


def colour_of(cost: SpanCost) -> str:
    """One of ``COLOURS``: the state, with what is far too slow told apart."""
    return "slower" if cost.factor > _SLOWER else state_of(cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A run of touching spans that stutter. ``worst`` is the costliest of them, ``frames`` long is the run."""

    start: int
    stop: int
    worst: SpanCost
    with_proxy_factor: float | None  # of the span that is worst with proxies
    lost_seconds: float  # how much longer than real time it takes to play


def regions(analysis: Analysis) -> tuple[Region, ...]:
    """Every stretch that stutters, most time lost first."""
    rate = float(analysis.survey.frame_rate)
    runs: list[list[SpanCost]] = []
    for cost in analysis.spans:
        if cost.factor <= 1:
            continue
        if runs and runs[-1][-1].span.position.stop == cost.span.position.start:
            runs[-1].append(cost)
        else:
            runs.append([cost])
    found = [
        Region(
            start=run[0].span.position.start,
            stop=run[-1].span.position.stop,
            worst=max(run, key=lambda c: c.factor),
            with_proxy_factor=_after(run),
            lost_seconds=sum((c.factor - 1) * len(c.span.position) for c in run) / rate,
        )
        for run in runs
    ]
    return tuple(sorted(found, key=lambda r: -r.lost_seconds))


def _after(run: Sequence[SpanCost]) -> float | None:
    if all(c.with_proxy_factor is None for c in run):
        return None
    return max(c.factor if c.with_proxy_factor is None else c.with_proxy_factor for c in run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A stretch of the timeline as it is drawn: all of what is in it, and the worst."""

    start: int  # frames
    stop: int
    shares: tuple[tuple[str, float], ...]  # colours (see ``colour_of``) and their share of the frames, mildest first
    worst: SpanCost | None  # None: no span there
    spans: int

    @property
    def state(self) -> str:
        """One of ``STATES``: ``slow`` where half of the stretch is, ``close`` where less of it is."""
        shares = dict(self.shares)
        slow = shares.get("slow", 0.0) + shares.get("slower", 0.0)
        if slow:
            return "slow" if slow >= _MOSTLY else "close"
        return state_of(self.worst) if self.worst else "empty"


def cells(analysis: Analysis, count: int) -> tuple[Cell, ...]:
    """``count`` cells of (nearly) equal length that cover the timeline; fewer where it has fewer frames."""
    length = analysis.survey.duration.stop
    count = max(1, min(count, length)) if length else 0
    edges = [length * i // count for i in range(count + 1)] if count else []
    found = []
    spans, first = analysis.spans, 0
    for start, stop in itertools.pairwise(edges):
        while first < len(spans) and spans[first].span.position.stop <= start:
            first += 1
        inside, index = [], first
        frames: Counter[str] = Counter()
        while index < len(spans) and spans[index].span.position.start < stop:
            position = spans[index].span.position
            frames[colour_of(spans[index])] += min(stop, position.stop) - max(start, position.start)
            inside.append(spans[index])
            index += 1
        found.append(
            Cell(
                start=start,
                stop=stop,
                shares=tuple((colour, frames[colour] / (stop - start)) for colour in COLOURS if frames[colour]),
                worst=max(inside, key=lambda c: (STATES.index(state_of(c)), c.factor), default=None),
                spans=len(inside),
            )
        )
    return tuple(found)
