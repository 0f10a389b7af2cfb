"""Every effect, blend mode and transition, on every engine, against its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.registry import Picture, View, registry

Pictures = Callable[..., Picture]
Draw = Callable[..., dict[str, Any]]
FOUND = registry()


def errors(got: Picture, wanted: Picture) -> tuple[float, float]:
    """Largest and mean difference."""
    assert got.shape == wanted.shape
    assert got.dtype == np.float32
    difference = np.abs(got - wanted)
    return float(difference.max()), float(difference.mean())


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("name", sorted(FOUND.effects))
def test_effects_are_what_they_are_defined_to_be(
    engine: Engine, reference: Engine, picture: Pictures, draw: Draw, name: str, alpha: bool
) -> None:
    effect = FOUND.effect(name)
    source = picture(alpha=alpha)
    kept = source.copy()
    view = View(width=source.shape[1], height=source.shape[0])
    for number in range(6):
        steps = [Step(effect, effect.checked(draw(effect.parameters, number)))]
        got, wanted = (e.download(e.apply(e.upload(source, is_opaque=not alpha), steps, view)) for e in (engine, reference))
        largest, mean = errors(got, wanted)
        assert largest <= engine.tolerance, (steps[0].values, largest)
        assert mean <= engine.tolerance / 10, (steps[0].values, mean)
        assert np.array_equal(source, kept)
        assert np.all(got[..., 3] >= -1e-6)
        assert np.all(got[..., 3] <= 1 + 1e-6)


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
def test_chains_are_one_effect_after_the_other(
    engine: Engine, reference: Engine, picture: Pictures, draw: Draw, alpha: bool
) -> None:
    source = picture(alpha=alpha)
    view = View(width=source.shape[1], height=source.shape[0])
    names = sorted(FOUND.effects)
    random = np.random.default_rng(7)
    for number in range(1, 9):
        chain = [FOUND.effect(str(n)) for n in random.choice(names, 4)]
        steps = [Step(effect, effect.checked(draw(effect.parameters, number))) for effect in chain]
        got, wanted = (e.download(e.apply(e.upload(source, is_opaque=not alpha), steps, view)) for e in (engine, reference))
        largest, _ = errors(np.clip(got, 0, 1), np.clip(wanted, 0, 1))
        assert largest <= 20 * engine.tolerance, ([s.effect.name for s in steps], largest)


@pytest.mark.parametrize("opacity", [1.0, 0.4])
@pytest.mark.parametrize("name", sorted(FOUND.blends))
def test_blend_modes_are_what_they_are_defined_to_be(
    engine: Engine, reference: Engine, picture: Pictures, name: str, opacity: float
) -> None:
    blend = FOUND.blend(name)
    for below_alpha in (False, True):
        below, above = picture(alpha=below_alpha, seed=2), picture(alpha=True, seed=3)
        got, wanted = (
            e.download(e.blend(e.upload(below, is_opaque=not below_alpha), e.upload(above, is_opaque=False), blend, opacity))
            for e in (engine, reference)
        )
        assert errors(got, wanted)[0] <= engine.tolerance


@pytest.mark.parametrize("name", sorted(FOUND.transitions))
def test_transitions_are_what_they_are_defined_to_be(
    engine: Engine, reference: Engine, picture: Pictures, draw: Draw, name: str
) -> None:
    transition = FOUND.transition(name)
    outgoing, incoming = picture(seed=4), picture(alpha=True, seed=5)
    view = View(width=outgoing.shape[1], height=outgoing.shape[0])
    for number in range(4):
        values = transition.checked(draw(transition.parameters, number))
        for progress in (0.0, 0.3, 0.5, 1.0):
            got, wanted = (
                e.download(
                    e.mix(
                        e.upload(outgoing, is_opaque=True),
                        e.upload(incoming, is_opaque=False),
                        transition,
                        progress,
                        values,
                        view,
                    )
                )
                for e in (engine, reference)
            )
            assert errors(got, wanted)[0] <= engine.tolerance, (values, progress)
            if progress == 0:
                assert np.allclose(wanted, outgoing, atol=1e-6)
            if progress == 1:
                assert np.allclose(wanted, incoming, atol=1e-6)
