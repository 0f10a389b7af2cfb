"""The spans of an analysis, gathered for the eye: stretches that stutter, and cells of equal length for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otio_perf.model.analysis import Analysis, SpanCost

#: Above this share of the budget a span plays, but with little to spare.
_CLOSE = 0.8

STATES = ("empty", "smooth", "close", "offline", "slow")  # mildest first


def state_of(cost: SpanCost) -> str:
    """One of ``STATES``."""
    if cost.factor > 1:
        return "slow"
    if cost.offline:
        return "offline"
    if not cost.span.uses:
        return "empty"
    return "close" if cost.factor > _CLOSE else "smooth"


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
    """A stretch of the timeline as it is drawn: the worst of what is in it."""

    start: int  # frames
    stop: int
    state: str
    worst: SpanCost | None  # None: no span there
    spans: int


def cells(analysis: Analysis, count: int) -> tuple[Cell, ...]:
    """``count`` cells of (nearly) equal length that cover the timeline; fewer where it has fewer frames."""
    length = analysis.survey.duration.stop
    count = max(1, min(count, length)) if length else 0
    edges = [length * i // count for i in range(count + 1)] if count else []
    found = []
    spans, first = analysis.spans, 0
    for start, stop in zip(edges, edges[1:], strict=False):
        while first < len(spans) and spans[first].span.position.stop <= start:
            first += 1
        inside, index = [], first
        while index < len(spans) and spans[index].span.position.start < stop:
            inside.append(spans[index])
            index += 1
        worst = max(inside, key=lambda c: (STATES.index(state_of(c)), c.factor), default=None)
        found.append(Cell(start=start, stop=stop, state=state_of(worst) if worst else "empty", worst=worst, spans=len(inside)))
    return tuple(found)
