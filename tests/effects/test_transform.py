"""Geometry against OpenCV and against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.effects.sampling import Interpolation
from otio_perf.model.frames import Fit

Pictures = Callable[..., Picture]
FULL = View(width=67, height=45)
CV = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
BORDERS = {"transparent": cv2.BORDER_CONSTANT, "clamp": cv2.BORDER_REPLICATE, "mirror": cv2.BORDER_REFLECT}


def applied(engine: Engine, name: str, source: Picture, view: View = FULL, **values: Any) -> Picture:
    effect = registry().effect(name)
    opaque = bool(np.all(source[..., 3] == 1))
    steps = [Step(effect, effect.checked(values))]
    return engine.download(engine.apply(engine.upload(source, is_opaque=opaque), steps, view))


def forward(x: float, y: float, sx: float, sy: float, degrees: float, width: int = 67, height: int = 45) -> np.ndarray:
    """OpenCV's matrix, pixel centres at whole numbers: scaled and turned clockwise about the middle, then moved."""
    angle = np.deg2rad(degrees)
    linear = np.array([[np.cos(angle) * sx, -np.sin(angle) * sy], [np.sin(angle) * sx, np.cos(angle) * sy]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    return np.column_stack([linear, middle + np.array([x, y]) - linear @ middle])


# Places at multiples of 1/32 of a pixel: OpenCV's cubic and Lanczos tables are that fine.
@pytest.mark.parametrize("edges", BORDERS)
@pytest.mark.parametrize("interpolation", CV)
@pytest.mark.parametrize("move", [(3.25, -1.5, 1, 1, 0), (0, 0, 2, 4, 0), (0.5, 0.25, 1, 1, 90), (-7.75, 2, 2, 1, 180)])
def test_transform_is_opencv_s_warp(
    engine: Engine, picture: Pictures, interpolation: str, edges: str, move: tuple[float, ...]
) -> None:
    x, y, across, down, degrees = move
    source = picture()
    source[..., 3] = source[..., 0]  # a fourth channel with something in it
    values = {"position": (x, y), "scale": (across, down), "rotation": degrees}
    got = applied(engine, "transform", source, interpolation=interpolation, edges=edges, **values)
    wanted = cv2.warpAffine(source, forward(*move), (67, 45), flags=CV[interpolation], borderMode=BORDERS[edges])
    assert np.abs(got[..., :3] - wanted[..., :3]).max() < 2e-3
    assert np.abs(got[..., 3] - wanted[..., 3].clip(0, 1)).max() < 2e-3


@pytest.mark.parametrize("degrees", [10, -33.3, 200])
def test_transform_turns_as_opencv_does(engine: Engine, picture: Pictures, degrees: float) -> None:
    source = picture()
    got = applied(engine, "transform", source, rotation=degrees, scale=(1.3, 0.8), interpolation="bilinear")
    wanted = cv2.warpAffine(source, forward(0, 0, 1.3, 0.8, degrees), (67, 45), flags=cv2.INTER_LINEAR)
    # OpenCV before 5.0 rounds places to 1/32 of a pixel: of an edge from black to white that is 0.016.
    assert np.abs(got - wanted).max() < 0.04
    assert np.abs(got - wanted).mean() < 2e-3


def test_a_quarter_turn_clockwise_is_exact(engine: Engine) -> None:
    source = np.zeros((9, 9, 4), np.float32)
    source[0, 2] = (1, 0.5, 0.25, 1)
    got = applied(engine, "transform", source, View(width=9, height=9), rotation=90)
    assert np.allclose(got[2, 8], (1, 0.5, 0.25, 1), atol=1e-5)
    assert abs(float(got.sum()) - 2.75) < 1e-4


def test_the_anchor_stays(engine: Engine, picture: Pictures) -> None:
    source = picture()
    got = applied(engine, "transform", source, anchor=(-13.5, 7.5), scale=(2, 2), rotation=77, interpolation="bilinear")
    # The anchor is the corner of four pixels; their mean is what bilinear reads between them.
    x, y = 33 - 13, 22 + 8
    wanted = source[y - 1 : y + 1, x - 1 : x + 1].mean(axis=(0, 1))
    around = got[y - 1 : y + 1, x - 1 : x + 1].mean(axis=(0, 1))
    assert np.abs(around - wanted).max() < 0.02


def test_a_canvas_of_half_the_size_shows_the_same_move(engine: Engine, picture: Pictures) -> None:
    """A smooth picture, so that both sizes can show it."""
    y, x = np.mgrid[0:90, 0:134].astype(np.float32)
    large = np.stack([x / 133, y / 89, 0.5 + 0 * x, 1 + 0 * x], axis=2)
    small = cv2.resize(large, (67, 45), interpolation=cv2.INTER_AREA)
    values = {"position": (12, -6), "scale": (1.5, 1.5), "rotation": 20.0, "anchor": (10, 4), "edges": "clamp"}
    of_large = applied(engine, "transform", large, View(width=134, height=90), **values)
    of_small = applied(engine, "transform", small, View(width=67, height=45, scale=0.5), **values)
    assert np.abs(cv2.resize(of_large, (67, 45), interpolation=cv2.INTER_AREA) - of_small).max() < 0.01


def test_a_picture_made_small_is_averaged_not_picked(engine: Engine) -> None:
    """A chessboard of single pixels, at a quarter of its size, is grey."""
    source = np.ones((64, 64, 4), np.float32)
    source[..., :3] = (np.indices((64, 64)).sum(axis=0) % 2)[..., None]
    got = applied(engine, "transform", source, View(width=64, height=64), scale=(0.25, 0.25), rotation=30)
    assert np.abs(got[30:34, 30:34, :3] - 0.5).max() < 1e-3
    assert np.array_equal(got[0, 0], np.zeros(4))


def test_nothing_is_left_of_a_picture_of_no_size(engine: Engine, picture: Pictures) -> None:
    for edges in BORDERS:
        assert not applied(engine, "transform", picture(), scale=(0, 1), edges=edges).any()
    assert np.isfinite(applied(engine, "transform", picture(), scale=(1e-7, 1e-7), edges="mirror")).all()
    assert np.isfinite(applied(engine, "transform", picture(), scale=(1e-7, 100), position=(1e5, -1e5))).all()


@pytest.mark.parametrize("interpolation", CV)
def test_corner_pin_is_opencv_s_perspective(engine: Engine, interpolation: str) -> None:
    y, x = np.mgrid[0:45, 0:67].astype(np.float32)
    source = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11), 0 * x], axis=2) / 2 + 0.5
    source[..., 3] = 1
    moves = {"top_left": (6, 5), "top_right": (-11, 3), "bottom_right": (-4, -8), "bottom_left": (2, -3)}
    got = applied(engine, "corner_pin", source, interpolation=interpolation, **moves)
    corners = np.array([[0, 0], [67, 0], [67, 45], [0, 45]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners - 0.5, corners + np.array(list(moves.values()), np.float32) - 0.5)
    wanted = cv2.warpPerspective(source, matrix, (67, 45), flags=CV[interpolation])
    assert np.abs(got - wanted)[..., :3].max() < 0.04  # the edge, where OpenCV rounds to 1/32 pixel
    assert np.abs(got - wanted)[15:30, 20:45, :3].max() < 6e-3
    assert got[0, 0, 3] == 0
    assert abs(got[22, 33, 3] - 1) < 1e-4


def test_a_corner_pin_that_folds_over_shows_nothing(engine: Engine, picture: Pictures) -> None:
    assert not applied(engine, "corner_pin", picture(), top_left=(200, 0)).any()
    assert not applied(engine, "corner_pin", picture(), top_left=(67, 0)).any()
    mirrored = {"top_left": (67, 0), "top_right": (-67, 0), "bottom_right": (-67, 0), "bottom_left": (67, 0)}
    got = applied(engine, "corner_pin", picture(), interpolation="bilinear", **mirrored)
    assert np.allclose(got, picture()[:, ::-1], atol=2e-3)


def test_flip(engine: Engine, picture: Pictures) -> None:
    source = picture(alpha=True)
    assert np.array_equal(applied(engine, "flip", source, horizontal=True), source[:, ::-1])
    assert np.array_equal(applied(engine, "flip", source, vertical=True), source[::-1])
    assert np.array_equal(applied(engine, "flip", source, horizontal=True, vertical=True), source[::-1, ::-1])


def test_crop_cuts_whole_pixels_sharply_and_others_by_their_part(engine: Engine, picture: Pictures) -> None:
    source = picture()
    got = applied(engine, "crop", source, left=3, top=2, right=5.25, bottom=1)
    wanted = np.zeros_like(source)
    wanted[2:44, 3:62] = source[2:44, 3:62]
    wanted[2:44, 61] *= 0.75
    assert np.allclose(got, wanted, atol=1e-5)
    on_a_rung = applied(engine, "crop", source, View(width=67, height=45, scale=0.5), left=6)
    assert np.allclose(on_a_rung[:, 3:], source[:, 3:])
    assert not on_a_rung[:, :3].any()


def test_a_soft_crop_fades_inside_the_cut_sides_only(engine: Engine) -> None:
    got = applied(engine, "crop", np.ones((45, 67, 4), np.float32), left=10, softness=5)
    assert np.allclose(got[20, :17, 3], [0] * 10 + [0.2, 0.4, 0.6, 0.8, 1, 1, 1], atol=1e-5)
    assert np.allclose(got[:, 60:], 1)
    assert not applied(engine, "crop", np.ones((45, 67, 4), np.float32), left=40, right=40).any()


# ---- sources onto the canvas


def fit_by(engine: Engine, source: Picture, width: int, height: int, fit: Fit, **options: Any) -> tuple[Picture, bool]:
    opaque = bool(np.all(source[..., 3] == 1))
    image = engine.fit(engine.upload(source, is_opaque=opaque), width, height, fit, **options)
    return engine.download(image), image.is_opaque


@pytest.mark.parametrize("size", [(33, 22), (134, 90), (40, 90), (134, 20), (67, 45), (48, 31)])
@pytest.mark.parametrize("interpolation", CV)
def test_stretching_is_opencv_s_resize(engine: Engine, picture: Pictures, size: tuple[int, int], interpolation: str) -> None:
    """Each direction by itself: area means where it shrinks, interpolation where it grows."""
    source = picture(alpha=True)
    aspect = size[0] / size[1] * 45 / 67  # pixels of another shape fill it exactly
    got, _ = fit_by(engine, source, *size, Fit.CONTAIN, sample_aspect=aspect, interpolation=Interpolation(interpolation))
    wanted = source
    for new in ((size[0], 45), size):
        shrinks = new[0] < wanted.shape[1] or new[1] < wanted.shape[0]
        wanted = cv2.resize(wanted, new, interpolation=cv2.INTER_AREA if shrinks else CV[interpolation])
    wanted[..., 3] = wanted[..., 3].clip(0, 1)
    assert np.abs(got - wanted).max() < 2e-3


@pytest.mark.parametrize(
    ("source", "aspect", "fit", "box"),
    [
        ((640, 480), 1, Fit.CONTAIN, (20, 0, 140, 90)),  # pillars
        ((720, 576), 64 / 45, Fit.CONTAIN, (0, 0, 160, 90)),  # PAL, wide: 1024 × 576
        ((1000, 100), 1, Fit.CONTAIN, (0, 37, 160, 53)),  # letterbox
        ((100, 40), 1, Fit.NONE, (30, 25, 130, 65)),
        ((101, 41), 1, Fit.NONE, (29, 24, 130, 65)),  # odd: half a pixel to the left and up
        ((400, 400), 1, Fit.NONE, (0, 0, 160, 90)),
        ((8, 4), 8 / 9, Fit.CONTAIN, (0, 0, 160, 90)),
        ((64, 36), 1, Fit.CONTAIN, (0, 0, 160, 90)),  # grows too
    ],
)
def test_where_a_source_stands(
    engine: Engine, source: tuple[int, int], aspect: float, fit: Fit, box: tuple[int, int, int, int]
) -> None:
    white = np.ones((source[1], source[0], 4), np.float32)
    got, is_opaque = fit_by(engine, white, 160, 90, fit, sample_aspect=aspect)
    wanted = np.zeros((90, 160, 4), np.float32)
    left, top, right, bottom = box
    wanted[top:bottom, left:right] = 1
    assert np.allclose(got, wanted, atol=1e-5)  # sharp edges: whole pixels
    assert is_opaque == (box == (0, 0, 160, 90))


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("interpolation", Interpolation)
def test_engines_fit_as_it_is_defined(
    engine: Engine, reference: Engine, picture: Pictures, fit: Fit, interpolation: Interpolation
) -> None:
    random = np.random.default_rng(5)
    for alpha in (False, True):
        source = picture(alpha=alpha)
        for _ in range(5):
            width, height = map(int, random.integers(1, 150, 2))
            options = {"sample_aspect": random.uniform(0.5, 2), "scale": random.uniform(0.3, 2), "interpolation": interpolation}
            made = [e.fit(e.upload(source, is_opaque=not alpha), width, height, fit, **options) for e in (engine, reference)]
            assert made[0].is_opaque == made[1].is_opaque
            got, wanted = (e.download(image) for e, image in zip((engine, reference), made, strict=True))
            assert got.shape == (height, width, 4)
            assert np.abs(got - wanted).max() <= engine.tolerance


def test_pixel_for_pixel_is_of_the_original_not_of_its_proxy(engine: Engine, picture: Pictures) -> None:
    source = picture()
    got, _ = fit_by(engine, source, 67, 45, Fit.NONE)
    assert np.array_equal(got, source)
    proxy = cv2.resize(source, (34, 22), interpolation=cv2.INTER_AREA)
    got, _ = fit_by(engine, proxy, 100, 60, Fit.NONE, scale=2)
    assert np.count_nonzero(got[30, :, 3]) == 68
    assert np.count_nonzero(got[:, 50, 3]) == 44


def test_a_source_of_the_canvas_s_size_is_not_copied(engine: Engine, picture: Pictures) -> None:
    image = engine.upload(picture(), is_opaque=True)
    assert engine.fit(image, 67, 45, Fit.CONTAIN) is image
