"""Blurs against hand-computed values, OpenCV and FFmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.registry import Picture, View, registry

Pictures = Callable[..., Picture]

BORDERS = {"mirror": cv2.BORDER_REFLECT, "clamp": cv2.BORDER_REPLICATE, "transparent": cv2.BORDER_CONSTANT}
BLURS = ("gaussian_blur", "box_blur", "directional_blur")


def rendered(engine: Engine, name: str, source: Picture, scale: float = 1.0, **values: Any) -> Picture:
    effect = registry().effect(name)
    view = View(width=source.shape[1], height=source.shape[0], scale=scale)
    return engine.download(engine.apply(engine.upload(source, is_opaque=True), [Step(effect, effect.checked(values))], view))


def ffmpeg(plane: np.ndarray, chain: str, pixel_format: str) -> np.ndarray:
    """One grey plane through a filter of FFmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", pixel_format]
    command += ["-s", f"{plane.shape[1]}x{plane.shape[0]}", "-i", "-", "-vf", chain, "-f", "rawvideo"]
    answer = subprocess.run([*command, "-pix_fmt", pixel_format, "-"], input=plane.tobytes(), capture_output=True, check=True)
    return np.frombuffer(answer.stdout, plane.dtype).reshape(plane.shape)


def dot(width: int = 9, height: int = 7) -> Picture:
    result = np.zeros((height, width, 4), np.float32)
    result[height // 2, width // 2] = 1
    return result


@pytest.mark.parametrize("edges", BORDERS)
@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.3, 12.0])
def test_a_gaussian_is_that_of_opencv(reference: Engine, picture: Pictures, sigma: float, edges: str) -> None:
    source = picture(alpha=True)
    size = 2 * int(np.ceil(3 * sigma)) + 1
    wanted = cv2.GaussianBlur(source, (size, size), sigma, borderType=BORDERS[edges])
    got = rendered(reference, "gaussian_blur", source, sigma=sigma, edges=edges, quality="exact")
    assert np.abs(got - wanted).max() <= 2e-6


def test_a_gaussian_of_two_strengths_is_that_of_opencv(reference: Engine, picture: Pictures) -> None:
    source = picture()
    wanted = cv2.GaussianBlur(source, (25, 7), 4.0, sigmaY=1.0, borderType=cv2.BORDER_REFLECT)
    got = rendered(reference, "gaussian_blur", source, sigma=4, vertical=0.25, quality="exact")
    assert np.abs(got - wanted).max() <= 2e-6


def test_a_gaussian_of_half_a_picture_is_half_as_wide(reference: Engine, picture: Pictures) -> None:
    source = picture()
    half = rendered(reference, "gaussian_blur", source, scale=0.5, sigma=8)
    assert np.array_equal(half, rendered(reference, "gaussian_blur", source, sigma=4))


@pytest.mark.parametrize("sigma", [2.0, 6.0])
def test_a_gaussian_is_near_to_that_of_ffmpeg(reference: Engine, picture: Pictures, sigma: float) -> None:
    """Within 0.01: FFmpeg's is recursive (L. Alvarez and L. Mazorra 1994), six steps of it are as near as it gets, and at
    the edges it has its own way."""
    source = picture(160, 120)
    got = rendered(reference, "gaussian_blur", source, sigma=sigma)[..., 0]
    wanted = ffmpeg(np.ascontiguousarray(source[..., 0]), f"gblur=sigma={sigma}:steps=6", "grayf32le")
    inner = np.s_[30:-30, 30:-30]
    assert np.abs(got - wanted)[inner].max() <= 0.01


@pytest.mark.parametrize("edges", BORDERS)
@pytest.mark.parametrize("sigma", [4.0, 5.5, 8.0, 12.0, 15.3, 20.0, 41.5, 60.0])
def test_a_fast_gaussian_is_within_its_tolerance(reference: Engine, picture: Pictures, sigma: float, edges: str) -> None:
    """What the parameter says: 0.003 at the worst pixel, of pictures with full edges and of sizes that no cell divides."""
    step = picture(101, 83, alpha=True)
    step[:, 50:] = 0
    for source in (step, picture(203, 67), np.ascontiguousarray(step.transpose(1, 0, 2))):
        exact = rendered(reference, "gaussian_blur", source, sigma=sigma, edges=edges, quality="exact")
        fast = rendered(reference, "gaussian_blur", source, sigma=sigma, edges=edges, quality="fast")
        difference = np.abs(exact - fast)
        assert 0 < difference.max() <= 3e-3
        assert difference.mean() <= 1e-3


def test_a_small_fast_gaussian_is_the_exact_one(reference: Engine, picture: Pictures) -> None:
    source = picture()
    exact, fast = (rendered(reference, "gaussian_blur", source, sigma=3.9, quality=q) for q in ("exact", "fast"))
    assert np.array_equal(exact, fast)


@pytest.mark.parametrize("edges", BORDERS)
@pytest.mark.parametrize("radius", [1, 4, 30])
def test_a_box_is_that_of_opencv(engine: Engine, reference: Engine, picture: Pictures, radius: int, edges: str) -> None:
    source = picture(alpha=True)
    wanted = cv2.blur(source, (2 * radius + 1, 2 * radius + 1), borderType=BORDERS[edges])
    for one in (engine, reference):
        assert np.abs(rendered(one, "box_blur", source, radius=radius, edges=edges) - wanted).max() <= 2e-6


def test_a_box_is_near_to_that_of_ffmpeg(reference: Engine, picture: Pictures) -> None:
    """Within one of 65535, beyond the edges: FFmpeg cuts the fraction off."""
    plane = np.round(picture()[..., 0] * 65535).astype(np.uint16)
    source = np.repeat(plane[..., None] / np.float32(65535), 4, axis=2).astype(np.float32)
    got = rendered(reference, "box_blur", source, radius=3)[..., 0] * 65535
    wanted = ffmpeg(plane, "avgblur=sizeX=3", "gray16le")
    assert np.abs(got - wanted)[3:-3, 3:-3].max() <= 1.02


def test_a_box_of_a_radius_and_a_half_takes_half_of_the_outermost_pixels(engine: Engine) -> None:
    got = rendered(engine, "box_blur", dot(), radius=1.5, vertical=0)[3, :, 0]
    assert np.allclose(got, np.array([0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]) / 4, atol=1e-7)


@pytest.mark.parametrize("radius", [11.25, 40.0])
def test_a_large_box_of_part_of_a_pixel_adds_nothing_up_wrongly(engine: Engine, reference: Engine, radius: float) -> None:
    """Running sums: a very bright pixel leaves nothing behind it."""
    source = np.zeros((90, 120, 4), np.float32)
    source[10, 10] = 60000
    got, wanted = (rendered(e, "box_blur", source, radius=radius + 0.25) for e in (engine, reference))
    assert np.allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_a_box_at_half_size_covers_the_same_part_of_the_canvas(reference: Engine) -> None:
    got = rendered(reference, "box_blur", dot(), scale=0.5, radius=2.5, vertical=0)[3, :, 0]  # six pixels of the canvas
    assert np.allclose(got, np.array([0, 0, 0, 1, 1, 1, 0, 0, 0]) / 3, atol=1e-7)


def test_motion_between_pixels_is_interpolated(engine: Engine) -> None:
    """Two pixels long: three pieces, the outer ones two thirds of a pixel away."""
    got = rendered(engine, "directional_blur", dot(), length=2, angle=0)
    assert np.allclose(got[3, :, 0], np.array([0, 0, 0, 2, 5, 2, 0, 0, 0]) / 9)


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0, -135.0])
def test_motion_is_the_mean_along_a_line(engine: Engine, picture: Pictures, angle: float) -> None:
    """Against OpenCV, which moves the picture along the line in many small steps."""
    source = picture(alpha=True)
    length, steps = 11.0, 11
    wanted = np.zeros_like(source)
    for t in ((np.arange(steps) + 0.5) / steps - 0.5) * length:
        x, y = t * np.cos(np.radians(angle)), t * np.sin(np.radians(angle))
        moved = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        size = (source.shape[1], source.shape[0])
        wanted += cv2.warpAffine(source, moved, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT) / steps
    assert np.abs(rendered(engine, "directional_blur", source, length=length, angle=angle) - wanted).max() <= 0.02


def test_motion_downwards_leaves_rows_apart(engine: Engine) -> None:
    got = rendered(engine, "directional_blur", dot(), length=5, angle=90)
    assert np.allclose(got[:, 4, 0], [0, 0.2, 0.2, 0.2, 0.2, 0.2, 0])
    assert np.count_nonzero(got[:, [0, 1, 2, 3, 5, 6, 7, 8]]) == 0


@pytest.mark.parametrize("edges", ["mirror", "clamp"])
@pytest.mark.parametrize("name", BLURS)
def test_what_is_constant_stays_so_up_to_the_edge(engine: Engine, name: str, edges: str) -> None:
    source = np.full((40, 50, 4), (0.1, 0.5, 1.5, 1), np.float32)
    sizes = {"gaussian_blur": [{"sigma": 3}, {"sigma": 30}, {"sigma": 30, "quality": "fast"}]}
    sizes |= {"box_blur": [{"radius": 4}, {"radius": 33.3}], "directional_blur": [{"length": 90, "angle": 20}]}
    for size in sizes[name]:
        assert np.allclose(rendered(engine, name, source, edges=edges, **size), source, atol=2e-6)


@pytest.mark.parametrize("name", BLURS)
def test_beyond_a_transparent_edge_there_is_nothing(engine: Engine, name: str) -> None:
    values = {"gaussian_blur": {"sigma": 4}, "box_blur": {"radius": 5}, "directional_blur": {"length": 10}}[name]
    got = rendered(engine, name, np.ones((31, 41, 4), np.float32), edges="transparent", **values)
    assert 0.45 < got[15, 0, 3] < 0.6
    assert np.allclose(got[15, 20], 1, atol=1e-6)


@pytest.mark.parametrize("name", BLURS)
def test_what_is_transparent_lends_no_colour(engine: Engine, name: str) -> None:
    """Half of the picture is red, half is not there: after the blur all that is there is still as red."""
    source = np.zeros((20, 40, 4), np.float32)
    source[:, :20] = (1, 0, 0, 1)
    got = rendered(engine, name, source)
    assert 0 < got[10, 20, 3] < 1
    assert np.allclose(got[..., 0], got[..., 3], atol=1e-6)


@pytest.mark.parametrize("values", [{"sigma": 200}, {"sigma": 200, "quality": "fast"}, {"sigma": 0.0001}])
def test_radii_beyond_the_picture_and_below_a_pixel_work(
    engine: Engine, reference: Engine, picture: Pictures, values: dict[str, Any]
) -> None:
    source = picture(13, 5)
    for edges in BORDERS:
        got, wanted = (rendered(e, "gaussian_blur", source, edges=edges, **values) for e in (engine, reference))
        assert np.abs(got - wanted).max() <= engine.tolerance
