"""Keys against hand-computed values and FFmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step, premultiplied, straightened
from otio_perf.effects.registry import Picture, View, registry

Pictures = Callable[..., Picture]

# Rec. ITU-R BT.709, full range, offset 128
TO_YUV = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.5], [0.5, -0.7152 / 1.5748, -0.0722 / 1.5748]]
)


def rendered(engine: Engine, name: str, source: Picture, *, is_opaque: bool = True, **values: Any) -> Picture:
    effect = registry().effect(name)
    view = View(width=source.shape[1], height=source.shape[0])
    return engine.download(
        engine.apply(engine.upload(source, is_opaque=is_opaque), [Step(effect, effect.checked(values))], view)
    )


def solid(*colour: float) -> Picture:
    return np.full((3, 4, 4), (*colour, 1), np.float32)


def patches(seed: int) -> tuple[np.ndarray, Picture]:
    """Eight by eight flat colours, as YUV 4:4:4 of eight bits, and as the picture that those bytes are."""
    random = np.random.default_rng(seed)
    colours = np.round(random.uniform(0, 1, (8, 12, 3)) @ TO_YUV.T * 255 + [0, 128, 128]).clip(0, 255).astype(np.uint8)
    yuv = colours.repeat(8, axis=0).repeat(8, axis=1)
    picture = np.ones((*yuv.shape[:2], 4), np.float32)
    picture[..., :3] = (yuv.astype(np.float64) - [0, 128, 128]) / 255 @ np.linalg.inv(TO_YUV).T
    return yuv, picture


def ffmpeg_alpha(yuv: np.ndarray, chain: str) -> np.ndarray:
    height, width = yuv.shape[:2]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv444p"]
    command += [
        "-s",
        f"{width}x{height}",
        "-i",
        "-",
        "-vf",
        f"format=yuva444p,{chain}",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuva444p",
        "-",
    ]
    planes = np.ascontiguousarray(yuv.transpose(2, 0, 1)).tobytes()
    answer = subprocess.run(command, input=planes, capture_output=True, check=True)
    return np.frombuffer(answer.stdout, np.uint8).reshape(4, height, width)[3]


@pytest.mark.parametrize("tolerance, softness", [(0.05, 0.2), (0.15, 0.05), (0.3, 0.3)])
def test_the_matte_is_that_of_ffmpeg(engine: Engine, reference: Engine, tolerance: float, softness: float) -> None:
    """``chromakey`` on full-range bytes, in the middle of flat patches (it looks at nine pixels), within two of 255."""
    yuv, source = patches(5)
    y, u, v = yuv[20, 20]
    chain = f"chromakey=color=0x{y:02x}{u:02x}{v:02x}:yuv=1:similarity={tolerance}:blend={softness}"
    wanted = ffmpeg_alpha(yuv, chain)[3::8, 3::8]
    assert 0 < np.count_nonzero(wanted == 0) < np.count_nonzero(wanted < 255)
    key = tuple(float(c) for c in np.clip(source[20, 20, :3], 0, 1))
    for one in (engine, reference):
        got = rendered(one, "chroma_key", source, color=key, tolerance=tolerance, softness=softness)[3::8, 3::8, 3] * 255
        assert np.abs(got - wanted).max() <= 2


@pytest.mark.parametrize("invert", [False, True])
def test_the_luma_matte_is_that_of_ffmpeg(engine: Engine, reference: Engine, invert: bool) -> None:
    """``lumakey`` around 0 up to the threshold, within two of 255."""
    yuv, source = patches(6)
    wanted = ffmpeg_alpha(yuv, "lumakey=threshold=0:tolerance=0.3:softness=0.4").astype(np.float32)
    for one in (engine, reference):
        got = rendered(one, "luma_key", source, threshold=0.3, softness=0.4, invert=invert)[..., 3] * 255
        assert np.abs(got - (255 - wanted if invert else wanted)).max() <= 2


def test_a_green_screen_is_gone_and_skin_stays(engine: Engine) -> None:
    assert np.array_equal(rendered(engine, "chroma_key", solid(0, 1, 0)), np.zeros((3, 4, 4), np.float32))
    assert np.array_equal(rendered(engine, "chroma_key", solid(0, 0.5, 0), tolerance=0.3)[..., 3], np.zeros((3, 4)))
    assert np.allclose(rendered(engine, "chroma_key", solid(0.9, 0.7, 0.6), spill=1), solid(0.9, 0.7, 0.6), atol=1e-6)


def test_the_ramp_is_where_it_is_said_to_be(engine: Engine) -> None:
    """Grey is √((Cb² + Cr²) / 2) of the key away: for green √((0.38543² + 0.45415²) / 2) = 0.42119."""
    got = rendered(engine, "chroma_key", solid(0.5, 0.5, 0.5), tolerance=0.4, softness=0.1)
    assert np.allclose(got, [0.5 * 0.2119, 0.5 * 0.2119, 0.5 * 0.2119, 0.2119], atol=1e-4)


def test_spill_goes_and_luma_stays(engine: Engine) -> None:
    """Of the key's own hue nothing but grey is left; half of it where half is wanted."""
    source = solid(0.3, 0.6, 0.3)
    luma = 0.2126 * 0.3 + 0.7152 * 0.6 + 0.0722 * 0.3
    gone = rendered(engine, "chroma_key", source, tolerance=0, softness=0.01, spill=1)
    assert np.allclose(gone, solid(luma, luma, luma), atol=1e-5)
    half = rendered(engine, "chroma_key", source, tolerance=0, softness=0.01, spill=0.5)
    assert np.allclose(half, (gone + source) / 2, atol=1e-5)


def test_a_grey_key_has_no_spill(engine: Engine, picture: Pictures) -> None:
    source = picture()
    got = rendered(engine, "chroma_key", source, color=(0.5, 0.5, 0.5), tolerance=0, softness=0.001, spill=1)
    assert np.allclose(straightened(got)[..., :3], np.where(got[..., 3:] > 0, source[..., :3], 0), atol=1e-5)


@pytest.mark.parametrize("name", ["chroma_key", "luma_key"])
def test_a_key_takes_of_the_alpha_that_is_there(engine: Engine, picture: Pictures, name: str) -> None:
    straight = picture()
    whole = rendered(engine, name, straight)
    straight[..., 3] = 0.5
    got = rendered(engine, name, premultiplied(straight), is_opaque=False)
    assert np.allclose(got, whole * 0.5, atol=1e-5)


def test_a_luma_step_without_softness_is_a_step(engine: Engine) -> None:
    source = np.concatenate([solid(0.5, 0.5, 0.5), solid(0.503, 0.503, 0.503)])
    got = rendered(engine, "luma_key", source, threshold=0.501, softness=0)[..., 3]
    assert np.array_equal(got, np.repeat([0, 1], [3, 3])[:, None] * np.ones((6, 4)))
