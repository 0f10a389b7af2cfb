"""Transitions: their ends, FFmpeg's own where the definitions are the same, and the shapes of the SMPTE wipes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from otio_perf.effects.engine import Engine
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.effects.wipes import NAME_OF_CODE, WIPES, field

Pictures = Callable[..., Picture]
Draw = Callable[..., dict[str, Any]]
WIDTH, HEIGHT, FRAMES = 80, 40, 8  # FFmpeg's steps are whole pixels, exact in its single precision


def mixed(engine: Engine, name: str, outgoing: Picture, incoming: Picture, progress: float, **values: Any) -> Picture:
    transition = registry().transition(name)
    height, width = outgoing.shape[:2]
    images = [engine.upload(p, is_opaque=bool(np.all(p[..., 3] == 1))) for p in (outgoing, incoming)]
    view = View(width=width, height=height)
    return engine.download(engine.mix(*images, transition, progress, transition.checked(values), view))


def ffmpeg(folder: Path, graph: str, *pictures: Picture) -> np.ndarray:
    """``FRAMES`` pictures that a filter graph makes of stills, as R'G'B'."""
    inputs = []
    for number, still in enumerate(pictures):
        raw = folder / f"{number}.raw"
        samples = np.round(still[..., [1, 2, 0]] * 65535).astype("<u2")  # gbrp16: green, blue, red
        raw.write_bytes(np.ascontiguousarray(samples.transpose(2, 0, 1)).tobytes() * (FRAMES + 1))
        inputs += ["-f", "rawvideo", "-pix_fmt", "gbrp16le", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", str(raw)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, "-filter_complex", f"{graph},format=gbrp16le"]
    command += ["-frames:v", str(FRAMES), "-f", "rawvideo", "-"]
    answer = subprocess.run(command, capture_output=True, check=True)
    samples = np.frombuffer(answer.stdout, "<u2").reshape(FRAMES, 3, HEIGHT, WIDTH)
    return (samples[:, [2, 0, 1]].transpose(0, 2, 3, 1) / 65535).astype(np.float32)


@pytest.mark.parametrize("name", sorted(registry().transitions))
def test_ends_are_exactly_the_outgoing_and_the_incoming_picture(
    engine: Engine, picture: Pictures, draw: Draw, name: str
) -> None:
    outgoing, incoming = picture(alpha=True, seed=4), picture(seed=5)
    transition = registry().transition(name)
    view = View(width=outgoing.shape[1], height=outgoing.shape[0])
    for number in range(30 if name == "wipe" else 6):
        values = transition.checked(draw(transition.parameters, number))
        for progress, wanted in ((0.0, outgoing), (1.0, incoming)):
            assert np.array_equal(transition.reference(outgoing, incoming, progress, values, view), wanted), values
            assert np.array_equal(mixed(engine, name, outgoing, incoming, progress, **values), wanted), values


MOVES = {f"slide{way}": ("push", {"direction": way}) for way in ("left", "right", "up", "down")}
MOVES |= {f"cover{way}": ("slide", {"direction": way}) for way in ("left", "right", "up", "down")}
MOVES |= {f"reveal{way}": ("slide", {"direction": way, "moves": "outgoing"}) for way in ("left", "right", "up", "down")}


@pytest.mark.parametrize("theirs", MOVES)
def test_moves_are_those_of_ffmpeg(engine: Engine, picture: Pictures, tmp_path: Path, theirs: str) -> None:
    """Exact but for the 16 bits. (Its first picture, at progress 0, has already one line of the incoming one.)"""
    outgoing, incoming = picture(WIDTH, HEIGHT, seed=1), 1 - picture(WIDTH, HEIGHT, seed=2)
    incoming[..., 3] = 1
    wanted = ffmpeg(tmp_path, f"[0][1]xfade=transition={theirs}:duration={FRAMES / 25}:offset=0", outgoing, incoming)
    name, values = MOVES[theirs]
    for number in range(1, FRAMES):
        got = mixed(engine, name, outgoing, incoming, number / FRAMES, **values)
        assert np.abs(got[..., :3] - wanted[number]).max() < 2e-5, number


BARS_AND_BOXES = {
    "wiperight": ("bar_left_to_right", False),
    "wipeleft": ("bar_left_to_right", True),
    "wipedown": ("bar_top_to_bottom", False),
    "wipeup": ("bar_top_to_bottom", True),
    "wipetl": ("box_top_left", True),
    "wipetr": ("box_top_right", True),
    "wipebl": ("box_bottom_left", True),
    "wipebr": ("box_bottom_right", True),
}


@pytest.mark.parametrize("theirs", BARS_AND_BOXES)
def test_wipes_are_those_of_ffmpeg(engine: Engine, picture: Pictures, tmp_path: Path, theirs: str) -> None:
    """The same but for two pixels at the edge, which is sharp there and one pixel wide here."""
    outgoing, incoming = np.zeros((HEIGHT, WIDTH, 4), np.float32), np.ones((HEIGHT, WIDTH, 4), np.float32)
    outgoing[..., 3] = 1
    wanted = ffmpeg(tmp_path, f"[0][1]xfade=transition={theirs}:duration={FRAMES / 25}:offset=0", outgoing, incoming)
    pattern, reverse = BARS_AND_BOXES[theirs]
    for number in range(1, FRAMES):
        got = mixed(engine, "wipe", outgoing, incoming, number / FRAMES, pattern=pattern, reverse=reverse)
        differs = np.abs(got[..., :3] - wanted[number]).max(axis=2) > 1e-3
        assert not _away_from_edges(differs, wanted[number][..., 0]).any(), number


def _away_from_edges(differs: np.ndarray, mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 2, mode="edge")
    around = [padded[j : j + HEIGHT, i : i + WIDTH] for j in range(5) for i in range(5)]
    flat = np.max(around, axis=0) == np.min(around, axis=0)
    return differs & flat


@pytest.mark.parametrize("colour", ["black", "white", "red"])
def test_a_dip_is_a_fade_out_and_a_fade_in(engine: Engine, picture: Pictures, tmp_path: Path, colour: str) -> None:
    outgoing, incoming = picture(WIDTH, HEIGHT, seed=1), picture(WIDTH, HEIGHT, seed=2)
    rgb = {"black": (0, 0, 0), "white": (1, 1, 1), "red": (1, 0, 0)}[colour]
    for kind, still, first in (("out", outgoing, 0.0), ("in", incoming, 0.5)):
        wanted = ffmpeg(tmp_path, f"[0]format=gbrp,fade=t={kind}:s=0:n={FRAMES}:c={colour}", still)
        for number in range(FRAMES):
            got = mixed(engine, "dip_to_colour", outgoing, incoming, first + number / FRAMES / 2, colour=rgb)
            assert np.abs(got[..., :3] - wanted[number]).max() < 2.5 / 255, (kind, number)  # FFmpeg fades 8 bits


def test_a_dip_passes_through_its_colour(engine: Engine, picture: Pictures) -> None:
    got = mixed(engine, "dip_to_colour", picture(alpha=True), picture(seed=3), 0.5, colour=(0.2, 0.4, 0.6))
    assert np.allclose(got, (0.2, 0.4, 0.6, 1))


def test_moves_between_whole_pixels_are_smooth(engine: Engine) -> None:
    """A quarter of a pixel: a mix of two neighbours, and at the seam of both pictures."""
    black, white = np.zeros((4, 10, 4), np.float32), np.ones((4, 10, 4), np.float32)
    assert np.allclose(mixed(engine, "push", black, white, 0.325)[0, :, 0], [0] * 6 + [0.25] + [1] * 3, atol=1e-5)
    assert np.allclose(mixed(engine, "slide", black, white, 0.325, direction="down")[:, 0, 0], [1, 0.3, 0, 0], atol=1e-5)


# ---- shapes


def test_fields_run_from_the_first_pixel_to_the_last(picture: Pictures) -> None:
    for name in WIPES:
        turns = field(name, 160, 90)
        assert turns.shape == (90, 160)
        assert 0 <= turns.min() < 0.03, name
        assert 0.97 < turns.max() <= 1, name


#: Where each wipe begins and where it ends (``x, y`` in parts of the picture), from the drawings of SMPTE ST 258.
ENDS = {
    1: ((0, 0.5), (1, 0.5)),
    2: ((0.5, 0), (0.5, 1)),
    3: ((0, 0), (1, 1)),
    4: ((1, 0), (0, 1)),
    5: ((1, 1), (0, 0)),
    6: ((0, 1), (1, 0)),
    7: ((0, 0), (0.5, 0.5)),
    8: ((0.25, 0.75), (0.5, 0.5)),
    21: ((0.5, 0), (0, 1)),
    22: ((0, 0.5), (1, 0)),
    23: ((0.5, 0), (0, 0)),
    24: ((1, 0.5), (0, 0.5)),
    25: ((0.5, 1), (0.5, 0)),
    26: ((0, 0.5), (1, 0.5)),
    41: ((0, 0), (1, 1)),
    42: ((1, 0), (0, 1)),
    43: ((0.5, 0), (0, 0.5)),
    44: ((0, 0.5), (0.5, 1)),
    45: ((1, 0), (0, 0)),
    46: ((0, 0), (1, 0)),
    47: ((0.25, 0.75), (0.5, 0)),
    48: ((0.75, 0.25), (0, 0)),
    61: ((0.5, 0), (0, 1)),
    62: ((1, 0.5), (0, 0)),
    63: ((0.5, 1), (1, 0)),
    64: ((0, 0.5), (1, 0)),
    65: ((0.5, 1), (0.5, 0)),
    66: ((0, 0.5), (1, 0.5)),
    67: ((0.5, 0), (0.5, 1)),
    68: ((1, 0.5), (0, 0.5)),
    101: ((0.5, 0.5), (0, 0.5)),
    102: ((0.5, 0.5), (0, 0)),
    103: ((0.5, 0.5), (0, 0)),
    104: ((0.5, 0.5), (1, 0)),
    105: ((0.5, 0.5), (0, 1)),
    106: ((0.5, 0.5), (0, 0)),
    119: ((0.5, 0.5), (0, 1)),
    120: ((0.5, 0.5), (1, 1)),
    121: ((0.5, 0.5), (1, 0)),
    201: ((0.51, 0), (0.49, 0)),
    202: ((1, 0.51), (1, 0.49)),
    203: ((0.49, 1), (0.51, 1)),
    204: ((0, 0.49), (0, 0.51)),
    205: ((0.51, 0), (0.51, 1)),
    206: ((1, 0.51), (1, 0.49)),
    207: ((1, 0.51), (1, 0.49)),
    211: ((0.51, 0), (0.5, 1)),
    212: ((1, 0.5), (0, 0.5)),
    213: ((0.5, 1), (0, 0.5)),
    214: ((0, 0.5), (0.5, 0)),
    221: ((1, 0), (0, 0)),
    222: ((1, 1), (1, 0)),
    223: ((0, 1), (1, 1)),
    224: ((0, 0), (0, 1)),
    225: ((1, 0), (0.51, 1)),
    226: ((0, 0), (1, 0.49)),
    227: ((1, 1), (0, 0)),
    228: ((0, 0), (0, 1)),
    231: ((0.5, 1), (0, 0)),
    232: ((0, 0.5), (1, 0)),
    233: ((0.5, 0), (1, 1)),
    234: ((1, 0.5), (0, 0)),
    235: ((0.5, 0.3), (0, 0)),
    236: ((0.3, 0.5), (0, 0)),
    241: ((1, 0), (0, 1)),
    242: ((1, 1), (0, 0)),
    243: ((0, 1), (1, 0)),
    244: ((0, 0), (1, 1)),
    251: ((0.5, 0), (1, 1)),
    252: ((0, 0.5), (1, 0)),
    253: ((0.5, 1), (0, 0)),
    254: ((1, 0.5), (0, 1)),
}


def test_every_wipe_begins_and_ends_where_smpte_draws_it() -> None:
    assert set(ENDS) == set(NAME_OF_CODE)
    size = 200
    for code, (first, last) in ENDS.items():
        turns = field(NAME_OF_CODE[code], size, size)
        begins, ends = (turns[tuple(min(size - 1, int(v * size)) for v in (y, x))] for x, y in (first, last))
        assert begins < 0.06, (code, begins)
        assert ends > 0.94, (code, ends)


def test_circles_are_round_and_clocks_tell_the_time_in_wide_pictures(engine: Engine) -> None:
    black, white = np.zeros((90, 160, 4), np.float32), np.ones((90, 160, 4), np.float32)
    circle = mixed(engine, "wipe", black, white, 0.4, pattern="ellipse_circle")[..., 0]
    across, down = circle[45].sum(), circle[:, 80].sum()
    assert across == pytest.approx(down, abs=1)
    clock = mixed(engine, "wipe", black, white, 1 / 8, pattern="clock_twelve")[..., 0]
    assert clock[10, 95] == 1  # 33 right and 35 up of the middle is before half past one …
    assert clock[10, 120] == 0  # … 40 right and 35 up is after


def test_softness_is_a_part_of_the_way(engine: Engine) -> None:
    black, white = np.zeros((2, 100, 4), np.float32), np.ones((2, 100, 4), np.float32)
    edge = mixed(engine, "wipe", black, white, 0.5, softness=0.2)[0, :, 0]
    x = (np.arange(100) + 0.5) / 100
    assert np.allclose(edge, np.clip((0.5 * 1.2 - x) / 0.2, 0, 1), atol=1e-5)
    turned = mixed(engine, "wipe", black, white, 0.5, softness=0.2, reverse=True)[0, :, 0]
    assert np.allclose(turned, edge[::-1], atol=1e-5)
