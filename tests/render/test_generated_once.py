"""Pictures that are made, not read, are drawn once for as long as they stay the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from otio_perf.effects import registry as effects
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.model import wire
from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import FramePlan, Generated, Layer, Stacked
from otio_perf.render.compositor import Compositor


def solid(red: float, *, opacity: float = 1.0) -> Layer:
    values = (("alpha", 1.0), ("colour", (red, 0.4, 0.1)))
    return Layer(content=Generated(kind="solid", version=1, values=values), opacity=opacity)


def plan(*layers: Layer) -> FramePlan:
    """As it comes to a worker."""
    found: FramePlan = wire.loads(FramePlan, wire.dumps(FramePlan(width=32, height=18, root=Stacked(layers=layers))))
    return found


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    row = effects.registry().generator("solid")
    calls: list[Any] = []

    def draw(values: Any, view: Any) -> Any:
        calls.append(values["colour"])
        return row.draw(values, view)

    monkeypatch.setitem(effects.registry().generators, "solid", replace(row, draw=draw))
    return calls


def test_what_stays_the_same_is_drawn_once(drawn: list[Any]) -> None:
    compositor = Compositor(NativeEngine())
    pictures = [compositor.reading(None).picture(plan(solid(0.2), solid(0.8, opacity=0.5))) for _ in range(3)]  # type: ignore[arg-type]
    assert len(drawn) == 2
    assert np.array_equal(pictures[0], pictures[2])
    assert np.allclose(pictures[0][0, 0], (0.5, 0.4, 0.1, 1), atol=1e-6)


def test_what_changes_is_drawn_anew_and_little_is_kept(drawn: list[Any]) -> None:
    compositor = Compositor(NativeEngine())
    for red in (0.1, 0.2, 0.3, 0.3, 0.1):
        assert np.allclose(compositor.picture(plan(solid(red)))[0, 0, 0], red, atol=1e-6)
    assert len(drawn) == 4
    other = replace(plan(solid(0.1)), colour=ColourSpace.BT2020_PQ)
    assert not np.allclose(compositor.picture(other)[0, 0, :3], (0.1, 0.4, 0.1), atol=1e-3)
