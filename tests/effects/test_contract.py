"""Every effect, blend mode and transition, on every engine, against its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks._contract import ALPHA_FORMATS, FORMATS, planes_apart, values_of
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.cpu.planar.tolerance import Apart, allowed
from otio_perf.effects.cpu.planar.value import Planar
from otio_perf.effects.engine import Engine, Image, Step
from otio_perf.effects.pixels import Coding, from_picture
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
            return e.download(e.blend(under, over, blend, opacity, View(width=67, height=45)))

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


# -- from the planes of a file, to the planes of a file


Work = Callable[[Engine, Image, Image], Image]


def held_to(engine: Engine, reference: Engine, work: Work, coding: Coding, sources: list[Picture], told: Apart) -> Apart | None:
    """What ``work`` makes of stored pictures. Of what stays in planes: how far Y' and chroma are apart; what does not is the
    reference's, also as it is stored."""
    planes = [from_picture(source, coding) for source in sources]
    height, width = planes[0][0].shape
    ours, wanted = (work(e, *(e.read([plane.copy() for plane in one], coding) for one in planes)) for e in (engine, reference))
    assert ours.is_opaque >= wanted.is_opaque  # a punch-in that hides what is below is known by its geometry
    right = reference.download(wanted)
    if isinstance(ours.pixels, Planar):
        assert isinstance(engine, NativeEngine)
        found = planes_apart(engine, ours, right, coding)
        assert all(one <= most for one, most in zip(found, told, strict=True)), (found, told)
        if told == allowed("") and not ours.pixels.is_averaged:
            assert errors(engine.download(ours), right)[0] <= engine.tolerance
        return found
    largest, mean = errors(engine.download(ours), right)
    assert largest <= engine.tolerance
    assert mean <= engine.tolerance / 10
    layout = coding.layout
    most = engine.tolerance if layout.is_float else 1 + round(engine.tolerance * (1 << layout.bits))
    stored, kept = engine.store(ours, coding, width, height), reference.store(wanted, coding, width, height)
    for a, b in zip(stored, kept, strict=True):
        assert a.dtype == b.dtype
        # where hardly anything covers, colours are divided by hardly anything
        there = slice(None) if not layout.has_alpha else kept[-1] > (0.05 if layout.is_float else 1 << (layout.bits - 4))
        assert np.abs(a[there].astype(np.float64) - b[there]).max(initial=0) <= most
    return None


#: What the engine that keeps planes does to them, with the values that are tried.
DONE_TO_PLANES = {
    "adjust",
    "code_gain",
    "exposure",
    "flip",
    "gaussian_blur",
    "greyscale",
    "invert",
    "sepia",
    "sharpen",
    "transform",
    "unsharp",
    "vignette",
}


@pytest.mark.parametrize("name", sorted(FOUND.effects))
def test_effects_from_stored_pictures(rendering_engine: Engine, reference: Engine, picture: Pictures, name: str) -> None:
    """In every format, with colours as far as the file holds them."""
    effect = FOUND.effect(name)
    keeps = isinstance(rendering_engine, NativeEngine)
    stayed = []
    for coding in (FORMATS | ALPHA_FORMATS).values():
        for number, drawn in enumerate(values_of(name, effect.parameters, 5 if keeps else 2)):
            steps = [Step(effect, effect.checked(drawn))]
            if effect.is_identity(steps[0].values):
                continue
            shared = (
                (coding.layout.across, coding.layout.down) if number % 2 else (0, 0)
            )  # as fine as it will be stored, or finer
            view = View(width=67, height=45, scale=(1.0, 0.5, 2.0)[number % 3], subsampling=shared)

            def work(e: Engine, image: Image, steps: list[Step] = steps, view: View = view) -> Image:
                return e.apply(image, steps, view)

            source = picture(alpha=coding.layout.has_alpha)
            stayed.append(held_to(rendering_engine, reference, work, coding, [source], allowed(name)) is not None)
    assert any(stayed) if keeps and name in DONE_TO_PLANES else keeps or not any(stayed)


@pytest.mark.parametrize("name", [*sorted(FOUND.blends), *sorted(FOUND.transitions)])
def test_two_stored_pictures(rendering_engine: Engine, reference: Engine, picture: Pictures, name: str) -> None:
    def blended(e: Engine, below: Image, above: Image) -> Image:
        return e.blend(below, above, FOUND.blend(name), 0.6, View(width=67, height=45))

    def mixed(e: Engine, outgoing: Image, incoming: Image) -> Image:
        transition = FOUND.transition(name)
        return e.mix(outgoing, incoming, transition, 0.3, transition.checked({}), View(width=67, height=45))

    work = blended if name in FOUND.blends else mixed
    keeps = isinstance(rendering_engine, NativeEngine) and name in ("over", "dissolve", "dip_to_colour")
    for coding in (FORMATS | ALPHA_FORMATS).values():
        sources = [picture(alpha=coding.layout.has_alpha, seed=seed) for seed in (1, 2)]
        found = held_to(rendering_engine, reference, work, coding, sources, allowed(name))
        assert (found is not None) == (keeps and not coding.layout.has_alpha)


#: After several effects, some of them not linear: what was sharpened in planes is other chroma to these, and so other Y'.
AFTER_SEVERAL = Apart(20.0, 40.0, 4.0)


def test_chains_from_stored_pictures(reference: Engine, picture: Pictures) -> None:
    engine, names, random, stayed = NativeEngine(), sorted(FOUND.effects), np.random.default_rng(7), 0
    for coding in (FORMATS["4:2:0, 8 bits, limited"], FORMATS["4:2:2, 10 bits, limited"], FORMATS["4:4:4, 8 bits, full"]):
        subsampling = coding.layout.across, coding.layout.down
        view = View(width=67, height=45, subsampling=subsampling)
        planes = from_picture(picture(), coding)
        for number in range(1, 41):
            chain = [FOUND.effect(str(name)) for name in random.choice(names, 4)]
            steps = [Step(effect, effect.checked(values_of(effect.name, effect.parameters, 6)[number % 6])) for effect in chain]
            ours, wanted = (e.apply(e.read(planes, coding), steps, view) for e in (engine, reference))
            if not isinstance(ours.pixels, Planar):
                continue
            stayed += 1
            right = reference.download(wanted)
            found, brightest = planes_apart(engine, ours, right, coding), max(1.0, float(np.abs(right).max()))
            allowed_here = (most * brightest for most in AFTER_SEVERAL)
            assert all(one <= most for one, most in zip(found, allowed_here, strict=True)), (
                [s.effect.name for s in steps],
                found,
            )
    assert stayed >= 12
