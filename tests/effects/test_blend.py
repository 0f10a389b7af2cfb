"""Blend modes against the formulas of W3C's Compositing and Blending Level 1, worked out for single pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from otio_perf.effects.engine import Engine
from otio_perf.effects.registry import Picture, View, registry


def pixel(colour: float, alpha: float) -> Picture:
    return np.array([[[colour * alpha] * 3 + [alpha]]], np.float32)


def mixed(engine: Engine, name: str, below: Picture, above: Picture, opacity: float = 1) -> list[float]:
    images = [engine.upload(p, is_opaque=False) for p in (below, above)]
    got = engine.download(engine.blend(*images, registry().blend(name), opacity, View(width=1, height=1)))
    return [float(v) for v in got[0, 0]]


#: ``B(below, above)`` of W3C, by hand.
BY_HAND = [
    ("over", 0.3, 0.8, 0.8),
    ("add", 0.3, 0.8, 1.1),
    ("multiply", 0.3, 0.8, 0.24),
    ("screen", 0.3, 0.8, 0.86),
    ("overlay", 0.3, 0.8, 0.48),  # 2 · 0.3 · 0.8
    ("overlay", 0.7, 0.8, 0.88),  # screen(0.8, 0.4)
    ("hard_light", 0.3, 0.8, 0.72),  # screen(0.3, 0.6)
    ("hard_light", 0.3, 0.2, 0.12),
    ("soft_light", 0.3, 0.2, 0.3 - 0.6 * 0.3 * 0.7),
    ("soft_light", 0.16, 0.75, 0.16 + 0.5 * (((16 * 0.16 - 12) * 0.16 + 4) * 0.16 - 0.16)),
    ("soft_light", 0.64, 0.75, 0.64 + 0.5 * (0.8 - 0.64)),
    ("darken", 0.3, 0.8, 0.3),
    ("lighten", 0.3, 0.8, 0.8),
    ("difference", 0.3, 0.8, 0.5),
    ("color_dodge", 0.3, 0.5, 0.6),
    ("color_dodge", 0.3, 0.8, 1.0),
    ("color_dodge", 0.0, 1.0, 0.0),
    ("color_dodge", 0.1, 1.0, 1.0),
    ("color_burn", 0.7, 0.6, 0.5),
    ("color_burn", 0.3, 0.6, 0.0),
    ("color_burn", 1.0, 0.0, 1.0),
    ("color_burn", 0.9, 0.0, 0.0),
]


def test_every_mode_is_worked_out_by_hand() -> None:
    assert {name for name, *_ in BY_HAND} == set(registry().blends)


@pytest.mark.parametrize(("name", "below", "above", "wanted"), BY_HAND)
def test_modes(engine: Engine, name: str, below: float, above: float, wanted: float) -> None:
    assert mixed(engine, name, pixel(below, 1), pixel(above, 1)) == pytest.approx([wanted] * 3 + [1], abs=1e-5)


@pytest.mark.parametrize(("name", "below", "above", "wanted"), BY_HAND)
def test_modes_with_both_alphas(engine: Engine, name: str, below: float, above: float, wanted: float) -> None:
    """``co = (1 − αb) · αs · Cs + (1 − αs) · αb · Cb + αs · αb · B(Cb, Cs)``, ``αo = αs + αb − αs · αb``; opacity is in αs."""
    beta, alpha, opacity = 0.75, 0.5, 0.8
    shown = alpha * opacity
    colour = (1 - beta) * shown * above + (1 - shown) * beta * below + shown * beta * wanted
    got = mixed(engine, name, pixel(below, beta), pixel(above, alpha), opacity)
    assert got == pytest.approx([colour] * 3 + [shown + beta - shown * beta], abs=1e-5)


@pytest.mark.parametrize("name", sorted(registry().blends))
def test_transparent_layers_change_nothing_and_hide_nothing(engine: Engine, name: str) -> None:
    some, nothing = pixel(0.6, 0.4), pixel(0, 0)
    assert mixed(engine, name, some, nothing) == pytest.approx([0.24] * 3 + [0.4], abs=1e-6)
    assert mixed(engine, name, nothing, some) == pytest.approx([0.24] * 3 + [0.4], abs=1e-6)
    assert mixed(engine, name, some, some, opacity=0) == pytest.approx([0.24] * 3 + [0.4], abs=1e-6)
    assert mixed(engine, name, nothing, nothing) == [0, 0, 0, 0]


@pytest.mark.parametrize("name", sorted(registry().blends))
def test_colours_beyond_black_and_white_stay_numbers(engine: Engine, name: str) -> None:
    for below in (-0.5, 0, 1, 7):
        for above in (-2, 0, 1, 3):
            for alpha in (1e-6, 0.5, 1):
                got = mixed(engine, name, pixel(below, alpha), pixel(above, alpha))
                assert all(map(math.isfinite, got))
                assert abs(got[0]) < 25


def test_screen_never_turns_around(engine: Engine) -> None:
    """The bare formula makes 1.5 on 1.5 darker than either: 0.75."""
    assert mixed(engine, "screen", pixel(1.5, 1), pixel(1.5, 1))[0] == pytest.approx(1.5)
