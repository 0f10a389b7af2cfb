"""Regions in whole cells of a host's grid."""

from __future__ import annotations

from fractions import Fraction

from otio_perf.model.analysis import SpanCost
from otio_perf.model.frames import FramePlan, Layer, SourceFrame, Stacked
from otio_perf.model.spans import Span
from otio_perf.model.timing import FrameRange
from otio_perf.planning.cells import Cells, widened
from otio_perf.planning.prerenders import Barred, Chosen, Left, Region

RATE = Fraction(25)
PLAIN = Layer(content=SourceFrame(medium="a", fingerprint="f", number=0))


def plan(*, width: int = 100, unknown: tuple[str, ...] = ()) -> FramePlan:
    return FramePlan(width=width, height=100, root=Stacked(layers=(PLAIN,)), unknown=unknown)


def span(start: int, stop: int) -> FrameRange:
    return FrameRange(start, stop, RATE)


def cost(start: int, stop: int, reason: str) -> SpanCost:
    position = Span(position=span(start, stop), uses=(0,))
    return SpanCost(span=position, frame_ms=80, factor=2.0, reasons=(reason,), parts_ms=(), with_proxy_factor=None)


def region(start: int, stop: int) -> Region:
    costs = (cost(start, stop, f"heavy at {start}"),)
    return Region(position=span(start, stop), costs=costs, plans=tuple(plan(width=n + 1) for n in range(start, stop)))


def grown(
    *regions: Region, left: tuple[Left, ...] = (), taken: frozenset[int] = frozenset(), barred: tuple[int, ...] = ()
) -> Chosen:
    return widened(
        Chosen(regions=regions, left=left),
        Cells(frames=25, taken=taken),
        span(0, 110),
        lambda n: plan(width=1000, unknown=("Glow",)) if n in barred else plan(width=1000),
        fidelity="exact",
        tick=lambda: None,
    )


def edges(found: Chosen) -> list[tuple[int, int]]:
    return [(one.position.start, one.position.stop) for one in found.regions]


def test_what_else_lies_in_a_cell_is_rendered_with_it() -> None:
    found = grown(region(20, 30), region(60, 70))
    assert edges(found) == [(0, 75)]
    widths = [one.width for one in found.regions[0].plans]
    assert widths == [*[1000] * 20, *range(21, 31), *[1000] * 30, *range(61, 71), *[1000] * 5]
    assert found.regions[0].reasons(0, 25) == ("heavy at 20",)
    assert found.regions[0].reasons(0, 75) == ("heavy at 20", "heavy at 60")
    assert edges(grown(region(101, 105))) == [(100, 110)]  # the last cell ends with the timeline
    assert edges(grown(region(25, 50))) == [(25, 50)]
    assert edges(grown()) == []


def test_a_cell_with_a_frame_that_is_left_to_the_host_is_left() -> None:
    before = Left(position=span(80, 90), barred=Barred("unknown"))
    found = grown(region(20, 60), left=(before,), barred=(5, 74))
    assert edges(found) == [(25, 50)]
    assert [(one.position.start, one.position.stop) for one in found.left] == [(20, 25), (50, 60), (80, 90)]
    assert found.left[0].barred.effects == ("Glow",)


def test_what_the_host_has_filled_is_left_out() -> None:
    found = grown(region(20, 60), taken=frozenset({25}))
    assert edges(found) == [(0, 25), (50, 75)]
    assert found.left == ()
    assert Cells(frames=25).touched([span(20, 30), span(49, 51)]) == [0, 25, 50]
