"""Regions on the grid of a host that shows what is rendered ahead in pieces of one length: whole cells, or none. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from otio_perf.model.frames import FramePlan
from otio_perf.model.timing import FrameRange
from otio_perf.planning.prerenders import Chosen, Left, PlanOf, Region, Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Cells of ``frames`` each, the first from frame 0 on; a cell is named by its first frame. ``taken``: those that the host
    has filled itself."""

    frames: int
    taken: frozenset[int] = frozenset()

    def touched(self, positions: Iterable[FrameRange]) -> list[int]:
        """The cells that any frame of ``positions`` lies in, in order."""
        step = self.frames
        return sorted({cell for p in positions for cell in range(p.start // step * step, p.stop, step)})


def widened(
    chosen: Chosen, cells: Cells, whole: FrameRange, plan_of: PlanOf, *, fidelity: str, tick: Callable[[], None]
) -> Chosen:
    """``chosen`` in whole cells: what else lies in a cell of a region is rendered with it.

    A cell with a frame that is left to the host is left as a whole, and a cell that is taken is left out.

    :param whole: the timeline, which the last cell ends with; :param plan_of, fidelity, tick: as for ``prerenders.choose``
    """
    known: dict[int, FramePlan] = {}
    for region in chosen.regions:
        known.update(zip(range(region.position.start, region.position.stop), region.plans, strict=True))
    found: list[Region] = []
    left: list[Left] = []
    for cell in cells.touched(region.position for region in chosen.regions):
        if cell in cells.taken:
            continue
        position = FrameRange(cell, min(cell + cells.frames, whole.stop), whole.rate)
        seen = Seen()
        for number in range(position.start, position.stop):
            tick()
            seen.add(known[number] if number in known else plan_of(number))
        barred = seen.barred(fidelity)
        if barred is not None:
            reason, effects = barred
            left += [Left(position=part, reason=reason, effects=effects) for part in _of_regions(position, chosen)]
            continue
        costs = tuple(c for region in chosen.regions for c in region.costs if _meet(c.span.position, position))
        plans = tuple(seen.plans)
        if found and found[-1].position.stop == cell:
            before = found.pop()
            costs = before.costs + tuple(c for c in costs if c not in before.costs)
            position, plans = replace(position, start=before.position.start), before.plans + plans
        found.append(Region(position=position, costs=costs, plans=plans))
    return Chosen(regions=tuple(found), left=tuple(sorted((*chosen.left, *left), key=lambda one: one.position.start)))


def _of_regions(cell: FrameRange, chosen: Chosen) -> list[FrameRange]:
    """What of ``cell`` was to be rendered."""
    return [r.position.within(cell) for r in chosen.regions if _meet(r.position, cell)]


def _meet(one: FrameRange, other: FrameRange) -> bool:
    return one.start < other.stop and other.start < one.stop
