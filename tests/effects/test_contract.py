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
    for number in range(6):
        view = View(width=source.shape[1], height=source.shape[0], scale=(1.0, 0.5, 2.0)[number % 3])
        steps = [Step(effect, effect.checked(draw(effect.parameters, number)))]
        got, wanted = (e.download(e.apply(e.upload(source, is_opaque=not alpha), steps, view)) for e in (engine, reference))
        largest, mean = errors(got, wanted)
        assert largest <= engine.tolerance, (steps[0].values, largest)
        assert mean <= engine.tolerance / 10, (steps[0].values, mean)
        assert np.array_equal(source, kept)
        assert np.all(got[..., 3] >= -1e-6)
        assert np.all(got[..., 3] <= 1 + 1e-6)


@pytest.mark.parametrize("name", sorted(FOUND.effects))
def test_what_is_said_to_stay_opaque_does(engine: Engine, reference: Engine, picture: Pictures, draw: Draw, name: str) -> None:
    """And what is said not to, whatever the values, makes a hole with some of them: nothing is left to be guessed."""
    effect = FOUND.effect(name)
    source = picture()
    view = View(width=source.shape[1], height=source.shape[0])
    said, holes = set(), False
    for number in range(12):
        steps = [Step(effect, effect.checked(draw(effect.parameters, number)))]
        if effect.is_identity(steps[0].values):
            continue
        stays = effect.keeps_opaque(steps[0].values)
        for one in (engine, reference):
            image = one.apply(one.upload(source, is_opaque=True), steps, view)
            assert image.is_opaque == stays
            least = float(one.download(image)[..., 3].min())
            assert not stays or least >= 1 - 1e-5, (steps[0].values, least)
            holes |= least < 1 - 1e-5
        said.add(stays)
    assert False not in said or holes


@pytest.mark.parametrize("edges", ["mirror", "clamp", "transparent"])
@pytest.mark.parametrize("name", ["gaussian_blur", "box_blur", "directional_blur", "transform"])
def test_a_picture_stays_opaque_by_its_edges(engine: Engine, picture: Pictures, name: str, edges: str) -> None:
    effect = FOUND.effect(name)
    values = {"position": (9, 4), "rotation": 20.0} if name == "transform" else {}
    step = Step(effect, effect.checked({**values, "edges": edges}))
    image = engine.apply(engine.upload(picture(), is_opaque=True), [step], View(width=67, height=45))
    assert image.is_opaque == (edges != "transparent")
    assert (engine.download(image)[..., 3].min() > 1 - 1e-5) == image.is_opaque


#: What makes an effect dearer.
SIZES = {"gaussian_blur": "sigma", "directional_blur": "length", "bilateral": "sigma", "median": "radius", "unsharp": "sigma"}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_larger_ones_cost_more(name: str) -> None:
    effect = FOUND.effect(name)
    costs = [effect.cost_with(effect.checked({SIZES[name]: value})) for value in (1, 2, 3)]
    assert 0 < costs[0] <= costs[1] <= costs[2] > costs[0]


@pytest.mark.parametrize("name", sorted(FOUND.effects))
def test_the_cost_of_an_effect_is_that_of_its_defaults(name: str) -> None:
    effect = FOUND.effect(name)
    assert effect.cost_with(effect.checked({})) == pytest.approx(effect.cost, rel=0.02)


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
    for below_alpha, above_alpha in ((False, False), (False, True), (True, True)):
        below, above = picture(alpha=below_alpha, seed=2), picture(alpha=above_alpha, seed=3)

        def blended(e: Engine, below: Picture = below, above: Picture = above) -> Picture:
            under, over = e.upload(below, is_opaque=not below_alpha), e.upload(above, is_opaque=not above_alpha)  # noqa: B023
            return e.download(e.blend(under, over, blend, opacity))

        got, wanted = blended(engine), blended(reference)
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
