"""What is worth rendering ahead, what stays with the host, and what the work costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from otio_perf.model.analysis import SpanCost
from otio_perf.model.frames import Applied, FramePlan, Layer, Mix, SourceFrame, Stacked
from otio_perf.model.recipes import ChunkCodec, PrerenderRecipe
from otio_perf.model.spans import Span
from otio_perf.model.timing import FrameRange
from otio_perf.planning.prerenders import Chosen, Seen, choose, looked_at, size_bytes, work_seconds

RATE = Fraction(25)
PLAIN = Layer(content=SourceFrame(medium="a", fingerprint="f", number=0))
BLURRED = replace(PLAIN, effects=(Applied(name="gaussian_blur", version=1),))


def plan(*layers: Layer, **names: tuple[str, ...]) -> FramePlan:
    return FramePlan(width=1920, height=1080, root=Stacked(layers=layers), **names)


def cost(start: int, stop: int, factor: float, *, uses: tuple[int, ...] = (0,), reasons: tuple[str, ...] = ()) -> SpanCost:
    return SpanCost(
        span=Span(position=FrameRange(start, stop, RATE), uses=uses),
        frame_ms=factor * 40,
        factor=factor,
        reasons=reasons,
        parts_ms=(),
        with_proxy_factor=None,
    )


@pytest.fixture
def chosen(build: SimpleNamespace) -> Callable[..., Chosen]:
    """Choose among ``costs``, where each frame looks as ``plans`` say by its number, or plain."""
    found, _ = build.survey([build.use(build.target(), 0, 70), build.use(build.target(), 0, 70, track=1)])

    def run(
        costs: list[SpanCost], plans: dict[int, FramePlan] | None = None, *, mode: str = "auto", fidelity: str = "exact"
    ) -> Chosen:
        seen = plans or {}

        def seen_of(position: FrameRange) -> Seen:
            return looked_at(lambda n: seen.get(n, plan(PLAIN)), position, fidelity=fidelity, tick=lambda: None)

        return choose(found, costs, seen_of, mode=mode, fidelity=fidelity)

    return run


def edges(found: tuple[Any, ...]) -> list[tuple[int, int]]:
    return [(one.position.start, one.position.stop) for one in found]


def test_what_does_not_play_is_joined_with_its_neighbours(chosen: Callable[..., Chosen]) -> None:
    costs = [
        cost(0, 10, 0.9),
        cost(10, 20, 1.1, reasons=("4K", "blur")),
        cost(20, 30, 3.0, reasons=("blur", "two layers")),
        cost(30, 40, 1.0),
        cost(40, 50, 1.2),
        cost(50, 60, 9.0, uses=()),
    ]
    found = chosen(costs)
    assert edges(found.regions) == [(10, 30), (40, 50)]
    assert found.regions[0].reasons(10, 30) == ("4K", "blur", "two layers")
    assert found.regions[0].reasons(10, 20) == ("4K", "blur")  # where only a part of it can be rendered
    assert found.regions[0].reasons(20, 25) == ("blur", "two layers")
    assert found.left == ()


def test_what_is_unknown_or_missing_stays_with_the_host(chosen: Callable[..., Chosen]) -> None:
    costs = [cost(0, 10, 2.0), cost(10, 20, 2.0), cost(20, 30, 2.0), cost(30, 40, 2.0), cost(40, 50, 2.0)]
    plans = {
        9: plan(PLAIN, unknown=("Glow",), why=(("Glow", "nobody knows it"),)),
        15: plan(PLAIN, unknown=("Glow",), why=(("Glow", "nobody knows it"),)),
        25: plan(BLURRED, approximate=("Gaussian Blur",)),
        35: plan(PLAIN, missing=("x.mov",)),
    }
    found = chosen(costs, plans)
    assert edges(found.regions) == [(40, 50)]
    assert edges(found.left) == [(0, 20), (20, 30), (30, 40)]
    assert [left.barred.effects for left in found.left] == [("Glow",), ("Gaussian Blur",), ()]
    assert found.left[0].barred.reason == "not rendered here: Glow (nobody knows it)"
    assert found.left[0].barred.why == (("Glow", "nobody knows it"),)
    assert "x.mov" in found.left[2].barred.reason
    assert "--fidelity approximate" in found.left[1].barred.reason
    nearer = chosen(costs, plans, fidelity="approximate")
    assert edges(nearer.regions) == [(20, 30), (40, 50)]


def test_a_span_without_end_is_not_even_looked_at(chosen: Callable[..., Chosen]) -> None:
    found = chosen([cost(0, 10, 2.0), cost(10, 10**12, 2.0)])
    assert edges(found.regions) == [(0, 10)]
    assert "longer than a day" in found.left[0].barred.reason


def test_all_is_what_is_more_than_one_picture(chosen: Callable[..., Chosen]) -> None:
    mix = Layer(content=Mix(transition=Applied(name="dissolve", version=1), progress=0.5, outgoing=PLAIN, incoming=None))
    costs = [cost(start, start + 10, 0.1, uses=(0, 1)) for start in range(0, 60, 10)] + [cost(60, 70, 5.0)]
    plans = {0: plan(BLURRED), 15: plan(PLAIN, PLAIN), 25: plan(mix), 35: plan(replace(PLAIN, opacity=0.5))}
    found = chosen(costs, plans, mode="all")
    assert edges(found.regions) == [(0, 40)]  # 40 to 60: what two clips say comes to one plain picture
    assert edges(chosen(costs, plans, mode="auto").regions) == [(60, 70)]


def test_work_is_playing_and_encoding(build: SimpleNamespace) -> None:
    profile = build.machine()
    recipe = PrerenderRecipe(codec=ChunkCodec.H264)
    encode = profile.encode_ms_per_megapixel["h264"] * 2.0736
    costs = [cost(0, 10, 1.0), cost(10, 30, 2.0), cost(30, 40, 0.0)]
    parts = [FrameRange(20, 35, RATE), FrameRange(5, 15, RATE)]  # in any order
    seconds = work_seconds(costs, parts, recipe, (1920, 1080), profile)
    assert seconds == pytest.approx((10 * 80 + 5 * 0 + 5 * 40 + 5 * 80 + 25 * encode) / 1e3)


@pytest.mark.parametrize("codec", ChunkCodec)
def test_size_grows_with_pixels_frames_and_quality(codec: ChunkCodec) -> None:
    recipe = PrerenderRecipe(codec=codec, quality=60)
    one = size_bytes(25, recipe, (1920, 1080))
    assert (1e6 if codec.is_intra else 1e5) < one < 100e6
    assert size_bytes(50, recipe, (960, 1080)) == pytest.approx(one, rel=0.01)
    better = size_bytes(25, replace(recipe, quality=80), (1920, 1080))
    assert better >= one
    assert (better == one) == codec.startswith("dnxhr")
