"""Denoise against OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.registry import Picture, View, registry

Pictures = Callable[..., Picture]


def rendered(engine: Engine, name: str, source: Picture, scale: float = 1.0, **values: Any) -> Picture:
    effect = registry().effect(name)
    view = View(width=source.shape[1], height=source.shape[0], scale=scale)
    return engine.download(engine.apply(engine.upload(source, is_opaque=True), [Step(effect, effect.checked(values))], view))


@pytest.mark.parametrize("radius", [1, 2])
def test_a_median_is_that_of_opencv(engine: Engine, reference: Engine, picture: Pictures, radius: int) -> None:
    source = picture(alpha=True)
    wanted = cv2.medianBlur(source, 2 * radius + 1)
    for one in (engine, reference):
        assert np.array_equal(rendered(one, "median", source, radius=radius), wanted)


def test_a_large_median_is_that_of_opencv(engine: Engine, reference: Engine, picture: Pictures) -> None:
    """OpenCV's is of eight bits from 7 × 7 on."""
    bytes_ = np.round(picture(131, 45) * 255).astype(np.uint8)
    wanted = cv2.medianBlur(bytes_, 7)
    for one in (engine, reference):
        got = rendered(one, "median", bytes_.astype(np.float32) / np.float32(255), radius=3)
        assert np.array_equal(np.round(got * 255).astype(np.uint8), wanted)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_medians_are_values_of_the_picture_whatever_they_are(
    engine: Engine, reference: Engine, picture: Pictures, radius: int
) -> None:
    """Negative, huge, tiny and equal ones; floats next to each other; to the last bit."""
    source = picture(150, 40)
    source[:10] *= 1e30
    source[10:20] -= 0.5
    source[20:25] = 0.25
    source[25:30] = np.nextafter(np.float32(0.25), np.float32([0, 1, 0, 1]))
    source[::2, 30:34] = 1e-38
    assert np.array_equal(*(rendered(e, "median", source, radius=radius) for e in (engine, reference)))


def test_a_median_takes_single_pixels_away(engine: Engine) -> None:
    source = np.full((9, 11, 4), 0.5, np.float32)
    source[4, 5] = 1
    source[0, 0] = 0
    assert np.array_equal(rendered(engine, "median", source), np.full_like(source, 0.5))


def test_a_median_too_small_to_see_changes_nothing(engine: Engine, picture: Pictures) -> None:
    source = picture()
    assert np.array_equal(rendered(engine, "median", source, scale=0.25, radius=1), source)


@pytest.mark.parametrize("difference", [0.05, 0.3])
@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_a_bilateral_filter_is_that_of_opencv(
    engine: Engine, reference: Engine, picture: Pictures, sigma: float, difference: float
) -> None:
    """Within 1e-3: OpenCV takes its weights from a table."""
    source = picture()
    wanted = cv2.bilateralFilter(np.ascontiguousarray(source[..., :3]), -1, difference, sigma, borderType=cv2.BORDER_REFLECT)
    for one in (engine, reference):
        got = rendered(one, "bilateral", source, sigma=sigma, difference=difference)
        assert np.abs(got[..., :3] - wanted).max() <= 1e-3
        assert np.allclose(got[..., 3], 1, atol=1e-6)


def test_a_bilateral_filter_takes_noise_away_and_leaves_edges(engine: Engine) -> None:
    random = np.random.default_rng(3)
    clean = np.ones((40, 60, 4), np.float32)
    clean[:, :30, :3], clean[:, 30:, :3] = 0.2, 0.8
    noisy = clean.copy()
    noisy[..., :3] += random.normal(0, 0.02, (40, 60, 3)).astype(np.float32)
    got = rendered(engine, "bilateral", noisy, sigma=3, difference=0.2)
    assert (got - clean)[..., :3].std() < 0.4 * (noisy - clean)[..., :3].std()
    assert got[:, 29, 0].max() < 0.3
    assert got[:, 30, 0].min() > 0.7


def test_a_very_bright_pixel_does_not_spread(engine: Engine) -> None:
    """Distances beyond what the fast exponential is made for weigh nothing."""
    source = np.full((15, 15, 4), (0.2, 0.2, 0.2, 1), np.float32)
    source[7, 7, :3] = 1000
    got = rendered(engine, "bilateral", source, difference=0.001)
    assert np.allclose(got, source, atol=1e-3)
