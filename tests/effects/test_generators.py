"""Generators: exact values, FFmpeg's bars, and letters that can be read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects import lettering
from otio_perf.effects.registry import Generator, Picture, Registry, View, registry
from otio_perf.errors import EffectError

Draw = Callable[..., dict[str, Any]]
HD = View(width=448, height=240)  # 28 and 12 parts: bars end between pixels


def drawn(name: str, view: View = HD, **values: Any) -> Picture:
    generator = registry().generator(name)
    return generator.draw(generator.checked(values), view)


@pytest.mark.parametrize("name", sorted(registry().generators))
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (67, 45), (160, 90)])
def test_generators_make_pictures_of_any_size(draw: Draw, name: str, size: tuple[int, int]) -> None:
    for number in range(5):
        values = draw(registry().generator(name).parameters, number)
        got = drawn(name, View(width=size[0], height=size[1]), **values)
        assert got.shape == (size[1], size[0], 4)
        assert got.dtype == np.float32
        assert np.isfinite(got).all()
        assert np.all(got[..., :3] <= got[..., 3:] + 1e-6)  # premultiplied


def test_solid() -> None:
    assert np.allclose(drawn("solid", colour=(0.2, 0.4, 0.6)), (0.2, 0.4, 0.6, 1))
    assert np.allclose(drawn("solid", colour=(0.2, 0.4, 0.6), alpha=0.5), (0.1, 0.2, 0.3, 0.5))


def test_gradients() -> None:
    view = View(width=100, height=50)
    level = drawn("gradient", view)[..., 0]
    assert np.allclose(level, (np.arange(100) + 0.5) / 100, atol=1e-6)
    down = drawn("gradient", view, angle=90, start=(1, 0, 0), end=(0, 1, 0))
    assert np.allclose(down[:, 7, 1], (np.arange(50) + 0.5) / 50, atol=1e-6)
    assert np.allclose(down[..., 0] + down[..., 1], 1)
    slanted = drawn("gradient", view, angle=45)[..., 0]
    assert slanted[0, 0] < 0.01
    assert slanted[-1, -1] > 0.99
    assert slanted[24:26, 49:51].mean() == pytest.approx(0.5, abs=1e-4)
    radial = drawn("gradient", view, shape="radial")[..., 0]
    assert radial[24:26, 49:51].max() < 0.02
    assert radial[0, 0] > 0.98


BARS_75 = [(0.75, 0.75, 0), (0, 0.75, 0.75), (0, 0.75, 0), (0.75, 0, 0.75), (0.75, 0, 0), (0, 0, 0.75)]


@pytest.mark.parametrize(("standard", "level"), [("ebu_75", 0.75), ("ebu_100", 1.0)])
def test_ebu_bars(standard: str, level: float) -> None:
    got = drawn("bars", View(width=80, height=3), standard=standard)
    wanted = [(1, 1, 1), *(tuple(v / 0.75 * level for v in c) for c in BARS_75), (0, 0, 0)]
    assert np.allclose(got[..., :3], np.repeat(np.array(wanted), 10, axis=0)[None])


def test_rp_219_is_that_of_ffmpeg() -> None:
    """FFmpeg's ``smptehdbars`` has 8-bit Y'CbCr and its own roundings of places; it takes −I and +Q where the standard leaves a
    choice, and its ramp runs through all 256 codes, not from black to white. Compared in the middle of each field."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "smptehdbars=s=1920x1080", "-frames:v", "1"]
    scale = "scale=in_color_matrix=bt709:in_range=tv:out_range=pc,format=gbrp"
    raw = subprocess.run([*command, "-vf", scale, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    theirs = (np.frombuffer(raw, np.uint8).reshape(3, 1080, 1920)[[2, 0, 1]].transpose(1, 2, 0) / 255).astype(np.float32)
    ours = np.clip(drawn("bars", View(width=1920, height=1080)), 0, 1)[..., :3]
    bar, side = 1920 * 3 / 28, 240
    rows = [
        (300, [60, *(side + bar * (i + 0.5) for i in range(7)), 1860]),
        (675, [120, side + bar * 2, side + bar * 4, 1800]),
        (765, [120, side + bar * 6.5, 1800]),
        (945, [120, *(side + bar * i for i in (0.75, 2.5, 3.9)), side + bar * 6.5, 1800]),
        (945, [side + bar * (13 / 3 + (i + 0.5) / 3) for i in range(5)]),
    ]
    for y, places in rows:
        for x in map(round, places):
            # Roundings of 8-bit Y'CbCr come to 0.013.
            assert np.abs(ours[y, x] - theirs[y, x]).max() < 0.015, (x, y, ours[y, x], theirs[y, x])
    ramp = ours[765, round(side + bar) : round(side + bar * 6), 0]
    assert np.allclose(ramp, np.linspace(0, 1, len(ramp)), atol=1e-6)
    assert drawn("bars", View(width=1920, height=1080))[945, round(side + bar * 4.5), 0] == pytest.approx(-0.02)


def test_a_slate_is_clear_and_says_which_file() -> None:
    """Read back by looking for the letters' dots."""
    picture = drawn("slate", View(width=640, height=360), text="A001_C004.mov")
    assert np.all(picture[..., 3] == 1)
    ink = picture[..., 1] > 0.9
    assert picture[..., 0].min() > 0.2  # never black
    for text in ("MEDIA OFFLINE", "A001_C004.mov"):
        assert _is_written(ink, text), text
    assert not _is_written(ink, "A001_C005.mov")


def _is_written(ink: np.ndarray, text: str) -> bool:
    for size in range(1, 20):
        dots = np.kron(lettering.line(text), np.ones((size, size), bool))
        if dots.shape[0] > ink.shape[0] or dots.shape[1] > ink.shape[1]:
            break
        windows = np.lib.stride_tricks.sliding_window_view(ink, (dots.shape[0], ink.shape[1]))[:, 0]
        left = (ink.shape[1] - dots.shape[1]) // 2
        if any(np.array_equal(window[:, left : left + dots.shape[1]], dots) for window in windows):
            return True
    return False


def test_long_names_lose_their_middle_and_keep_their_ends() -> None:
    lines = lettering.wrapped("/a/very/long/path/to/some/where/" + "x" * 200 + "/A001_C004.mov", 20, 3)
    assert [len(line) for line in lines] == [20, 20, 20]
    assert lines[0].startswith("/a/very/long/path")
    assert lines[-1].endswith("/A001_C004.mov")
    assert "..." in "".join(lines)
    assert lettering.wrapped("", 20, 3) == []
    said = lettering.wrapped("A001_C004.mov is offline: the file is not there", 20, 3)
    assert said == ["A001_C004.mov is", "offline: the file is", "not there"]
    said = lettering.wrapped("interview " * 20 + "A001_C004.mov", 20, 3)
    assert len(said) == 3
    assert said[-1].endswith("A001_C004.mov")
    assert drawn("slate", View(width=9, height=9), text="x" * 1000).shape == (9, 9, 4)


def test_letters_differ_and_accents_are_dropped() -> None:
    glyphs = {chr(c): lettering.line(chr(c)).tobytes() for c in range(32, 127)}
    assert len(set(glyphs.values())) == 95
    assert np.array_equal(lettering.line("Überé"), lettering.line("Ubere"))
    assert lettering.line("日本").sum() == 2 * (2 * 7 + 2 * 3)  # boxes: nothing is lost in silence
    dots = ["".join("#" if on else "." for on in row[:5]) for row in lettering.line("R")]
    assert dots == ["####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"]


def test_the_shelf_refuses_twins_and_names_what_is_missing() -> None:
    shelf = Registry()
    row = registry().generator("solid")
    shelf.add(row)
    with pytest.raises(EffectError, match="two called 'solid'"):
        shelf.add(row)
    with pytest.raises(EffectError, match="no generator called 'noise'"):
        shelf.generator("noise")
    with pytest.raises(EffectError, match="text is 3, not a text"):
        registry().generator("slate").checked({"text": 3})
    assert isinstance(row, Generator)
