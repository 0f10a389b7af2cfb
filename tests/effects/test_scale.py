"""Levels of detail: a picture rendered at half the size is the half-size of the one rendered in full, whatever the effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step, premultiplied
from otio_perf.effects.registry import Effect, Picture, View, registry

Draw = Callable[..., dict[str, Any]]
FOUND = registry()
WIDTH, HEIGHT = 160, 120
LUT = Path(__file__).parents[2] / "sample_timelines" / "warm.cube"

#: Mean difference. More is allowed where values decide between black and white, or count whole pixels.
TOLERANCE = 0.006
LOOSER = {
    "luma_key": 0.02,
    "median": 0.02,
    "bilateral": 0.01,
    "transform": 0.012,
    "corner_pin": 0.012,
    "crop": 0.012,
    "push": 0.01,
    "slide": 0.01,
}


def source(seed: int, *, alpha: bool) -> Picture:
    """Areas with soft edges, four pixels wide: half as many pixels still show them."""
    areas = np.random.default_rng(seed).uniform(0, 1, (HEIGHT // 8, WIDTH // 8, 4)).astype(np.float32)
    picture = cv2.GaussianBlur(cv2.resize(areas, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), (0, 0), 2.0)
    picture[..., 3] = np.clip(picture[..., 3] * 3 - 1, 0, 1) if alpha else 1
    return premultiplied(picture)


def half(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return picture.reshape(height // 2, 2, width // 2, 2, 4).mean((1, 3), dtype=np.float32)


def difference(one: Picture, other: Picture) -> float:
    return float(np.abs(np.clip(one, 0, 1) - np.clip(other, 0, 1)).mean())


def in_full(picture: Picture) -> View:
    return View(width=picture.shape[1], height=picture.shape[0])


def at_half(picture: Picture, scale: float = 0.5) -> View:
    return View(width=picture.shape[1], height=picture.shape[0], scale=scale)


def drawn(effect: Effect, draw: Draw, number: int) -> dict[str, Any]:
    values = draw(effect.parameters, number)
    return effect.checked(values | {"path": str(LUT)} if effect.name == "lut" else values)


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("name", sorted(FOUND.effects))
def test_effects_at_half_size(reference: Engine, draw: Draw, name: str, alpha: bool) -> None:
    effect = FOUND.effect(name)

    def shown(picture: Picture, values: dict[str, Any], view: View) -> Picture:
        image = reference.upload(picture, is_opaque=not alpha)
        return reference.download(reference.apply(image, [Step(effect, values)], view))

    scaled, unscaled = [], []
    for number in range(8):
        picture, values = source(number, alpha=alpha), drawn(effect, draw, number)
        small = half(picture)
        wanted = half(shown(picture, values, in_full(picture)))
        scaled.append(difference(shown(small, values, at_half(small)), wanted))
        unscaled.append(difference(shown(small, values, at_half(small, 1.0)), wanted))
        assert scaled[-1] <= LOOSER.get(name, TOLERANCE), values
    if any(getattr(p, "unit", "") in ("px", "pixels") for p in effect.parameters):
        assert np.mean(unscaled) > 2 * np.mean(scaled)  # and lengths are seen to be scaled


@pytest.mark.parametrize("name", sorted(FOUND.transitions))
def test_transitions_at_half_size(reference: Engine, draw: Draw, name: str) -> None:
    transition = FOUND.transition(name)

    def shown(outgoing: Picture, incoming: Picture, progress: float, values: dict[str, Any], view: View) -> Picture:
        old, new = reference.upload(outgoing, is_opaque=True), reference.upload(incoming, is_opaque=False)
        return reference.download(reference.mix(old, new, transition, progress, values, view))

    for number in range(8):
        outgoing, incoming = source(number, alpha=False), source(number + 50, alpha=True)
        values = transition.checked(draw(transition.parameters, number))
        for progress in (0.3, 0.5, 0.71):
            wanted = half(shown(outgoing, incoming, progress, values, in_full(outgoing)))
            small, smaller = half(outgoing), half(incoming)
            got = shown(small, smaller, progress, values, at_half(small))
            assert difference(got, wanted) <= LOOSER.get(name, TOLERANCE), (values, progress)


@pytest.mark.parametrize("name", sorted(FOUND.blends))
def test_blend_modes_at_half_size(reference: Engine, name: str) -> None:
    for number in range(4):
        below, above = (reference.upload(source(n, alpha=True), is_opaque=False) for n in (number, number + 50))
        wanted = half(reference.download(reference.blend(below, above, FOUND.blend(name), 0.7, in_full(below.pixels))))
        small, smaller = (reference.upload(half(image.pixels), is_opaque=False) for image in (below, above))
        got = reference.download(reference.blend(small, smaller, FOUND.blend(name), 0.7, at_half(small.pixels)))
        assert difference(got, wanted) <= TOLERANCE


@pytest.mark.parametrize("name", sorted(FOUND.generators))
def test_generators_at_half_size(draw: Draw, name: str) -> None:
    generator = FOUND.generator(name)
    words = {"title": "OFFLINE", "text": "A001.mov"} if name == "slate" else {}
    for number in range(4):
        values = generator.checked(words or draw(generator.parameters, number))
        full = generator.draw(values, View(width=640, height=360))
        small = generator.draw(values, View(width=320, height=180, scale=0.5))
        assert difference(half(full), small) <= 2 * TOLERANCE
