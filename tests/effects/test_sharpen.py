"""Sharpening against OpenCV and FFmpeg."""

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


def rendered(engine: Engine, name: str, source: Picture, *, is_opaque: bool = True, **values: Any) -> Picture:
    effect = registry().effect(name)
    view = View(width=source.shape[1], height=source.shape[0])
    return engine.download(
        engine.apply(engine.upload(source, is_opaque=is_opaque), [Step(effect, effect.checked(values))], view)
    )


@pytest.mark.parametrize("amount", [0.3, 1.0, 2.5])
def test_sharpen_is_a_kernel_of_three_by_three(engine: Engine, picture: Pictures, amount: float) -> None:
    source = picture()
    kernel = -amount * np.outer([1, 2, 1], [1, 2, 1]) / 16
    kernel[1, 1] += 1 + amount
    wanted = cv2.filter2D(source, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REPLICATE)
    got = rendered(engine, "sharpen", source, amount=amount)
    assert np.abs(got[..., :3] - wanted[..., :3]).max() <= 1e-5
    assert np.array_equal(got[..., 3], source[..., 3])


@pytest.mark.parametrize("amount", [0.5, 1.5])
def test_sharpen_is_that_of_ffmpeg(engine: Engine, picture: Pictures, amount: float) -> None:
    """``unsharp=3:3`` of eight bits, to the edges: the mean is rounded, then multiplied; the result is cut off."""
    plane = np.round(picture()[..., 0] * 255).astype(np.uint8)
    height, width = plane.shape
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv444p"]
    command += ["-s", f"{width}x{height}", "-i", "-", "-vf", f"unsharp=3:3:{amount}", "-f", "rawvideo", "-"]
    answer = subprocess.run(command, input=plane.tobytes() * 3, capture_output=True, check=True)
    wanted = np.frombuffer(answer.stdout, np.uint8).reshape(3, height, width)[0].astype(np.float32)
    source = np.ones((height, width, 4), np.float32)
    source[..., :3] = plane[..., None] / np.float32(255)
    got = np.clip(rendered(engine, "sharpen", source, amount=amount)[..., 0] * 255, 0, 255)
    assert np.abs(got - wanted).max() <= amount / 2 + 1.01


@pytest.mark.parametrize("sigma", [0.7, 3.0])
def test_unsharp_is_that_of_opencv(engine: Engine, picture: Pictures, sigma: float) -> None:
    source = picture()
    size = 2 * int(np.ceil(3 * sigma)) + 1
    wanted = cv2.addWeighted(source, 1.8, cv2.GaussianBlur(source, (size, size), sigma, borderType=cv2.BORDER_REFLECT), -0.8, 0)
    got = rendered(engine, "unsharp", source, sigma=sigma, amount=0.8)
    assert np.abs(got[..., :3] - wanted[..., :3]).max() <= 1e-5


def test_a_threshold_leaves_small_differences_alone(engine: Engine) -> None:
    """A step of 0.1 is less than 0.05 away from its mean; one of 0.6 loses that much of what is added."""
    source = np.ones((9, 40, 4), np.float32)
    source[..., :3] = 0.2
    source[:, 10:, :3] = 0.3
    source[:, 30:, :3] = 0.9
    all_of_it = rendered(engine, "unsharp", source, sigma=1, amount=1)
    got = rendered(engine, "unsharp", source, sigma=1, amount=1, threshold=0.05)
    assert np.allclose(got[:, :20], source[:, :20], atol=1e-6)
    assert np.isclose(all_of_it[4, 30, 0] - got[4, 30, 0], 0.05, atol=1e-6)
    assert got[4, 30, 0] > 0.9


@pytest.mark.parametrize("name", ["sharpen", "unsharp"])
def test_a_cut_out_gets_no_rim(engine: Engine, name: str) -> None:
    """A constant colour behind a soft matte stays that colour."""
    source = np.zeros((20, 40, 4), np.float32)
    source[..., 3] = np.clip((np.arange(40) - 10) / 10, 0, 1)
    source[..., :3] = source[..., 3:] * np.array([0.8, 0.3, 0.1], np.float32)
    assert np.abs(rendered(engine, name, source, is_opaque=False, amount=2) - source).max() <= 2e-6


@pytest.mark.parametrize("name", ["sharpen", "unsharp"])
def test_what_is_constant_stays_so(engine: Engine, name: str) -> None:
    source = np.full((12, 17, 4), (0.1, 0.5, 1.5, 1), np.float32)
    assert np.allclose(rendered(engine, name, source, amount=3), source, atol=5e-6)
