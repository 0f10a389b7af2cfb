"""Regions on the grid of a host that shows what is rendered ahead in pieces of one length: whole cells, or none. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from otio_perf.model.frames import FramePlan
from otio_perf.model.timing import FrameRange
from otio_perf.planning.prerenders import Chosen, Growing, Left, PlanOf, Seen


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

    :param whole: the timeline, which the last cell ends with; :param plan_of, fidelity, tick: as for ``prerenders.looked_at``
    """
    known: dict[int, FramePlan] = {}
    for region in chosen.regions:
        known.update(zip(range(region.position.start, region.position.stop), region.plans, strict=True))
    costs = [cost for region in chosen.regions for cost in region.costs]  # in order, none overlaps another
    first = 0  # of them that may reach into the cell
    found: list[Growing] = []
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
            left += [Left(position=part, barred=barred) for part in _of_regions(position, chosen)]
            continue
        while first < len(costs) and costs[first].span.position.stop <= cell:
            first += 1
        there = []
        for cost in islice(costs, first, None):
            if cost.span.position.start >= position.stop:
                break
            there.append(cost)
        if not (found and found[-1].stop == cell):
            found.append(Growing(cell))
        elif there and found[-1].costs and there[0] is found[-1].costs[-1]:
            del there[0]
        found[-1].grow(position.stop, there, seen.plans)
    regions = tuple(one.region(whole.rate) for one in found)
    return Chosen(regions=regions, left=tuple(sorted((*chosen.left, *left), key=lambda one: one.position.start)))


def _of_regions(cell: FrameRange, chosen: Chosen) -> list[FrameRange]:
    """What of ``cell`` was to be rendered."""
    return [r.position.within(cell) for r in chosen.regions if _meet(r.position, cell)]


def _meet(one: FrameRange, other: FrameRange) -> bool:
    return one.start < other.stop and other.start < one.stop
