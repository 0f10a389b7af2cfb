"""LUTs: files as OpenColorIO reads them, engines as the definition, and files that are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from otio_perf.effects.engine import Engine, Step
from otio_perf.effects.lut_files import digest, read_lut
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.errors import EffectError

Pictures = Callable[..., Picture]
LUT = registry().effect("lut")

#: OpenColorIO reckons in float32 as well, in another order, and with its own rounding of table places.
OCIO_TOLERANCE = 2e-5


def rows(values: np.ndarray) -> str:
    return "".join(" ".join(f"{v:.7f}" for v in row) + "\n" for row in values.reshape(-1, values.shape[-1]))


def cube_entries(size: int, seed: int = 1) -> np.ndarray:
    """Red fastest: a colour for each corner, nothing like the identity."""
    return np.random.default_rng(seed).uniform(-0.1, 1.2, (size, size, size, 3))


def curve_entries(size: int) -> np.ndarray:
    x = np.linspace(0, 1, size)
    return np.stack([x**0.5, x**2, 1 - x], axis=1)


def three_dl(size: int, shaper: list[int]) -> str:
    values = np.random.default_rng(2).integers(0, 4096, (size**3, 3))
    values[-1] = 4095
    return " ".join(map(str, shaper)) + "\n" + "".join(f"{a} {b} {c}\n" for a, b, c in values)


def spi3d(size: int) -> str:
    values = cube_entries(size)
    lines = [
        f"{r} {g} {b} " + " ".join(f"{v:.6f}" for v in values[b, g, r])
        for r in range(size)
        for g in range(size)
        for b in range(size)
    ]
    return f"SPILUT 1.0\n3 3\n{size} {size} {size}\n" + "\n".join(lines) + "\n"


def spi1d(size: int, components: int) -> str:
    body = rows(curve_entries(size)[:, :components])
    return f"Version 1\nFrom -0.25 1.5\nLength {size}\nComponents {components}\n{{\n{body}}}\n"


#: What a file is called, and what is in it.
FILES = {
    "cube.cube": f'TITLE "a cube"\n# said by nobody\nLUT_3D_SIZE 5\n{rows(cube_entries(5))}',
    "domain.cube": f"LUT_3D_SIZE 4\nDOMAIN_MIN -0.2 0 0.1\nDOMAIN_MAX 1.5 0.9 1\n{rows(cube_entries(4))}",
    "curve.cube": f"LUT_1D_SIZE 33\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1.5 1\n{rows(curve_entries(33))}",
    "resolve.cube": f"LUT_1D_SIZE 16\nLUT_1D_INPUT_RANGE -0.5 1.5\nLUT_3D_SIZE 6\nLUT_3D_INPUT_RANGE 0.1 0.8\n"
    f"{rows(curve_entries(16))}{rows(cube_entries(6))}",
    "flame.3dl": three_dl(5, [0, 256, 512, 767, 1023]),
    "shaped.3dl": three_dl(4, [0, 100, 300, 1023]),
    "grey.spi1d": spi1d(20, 1),
    "colour.spi1d": spi1d(20, 3),
    "cube.spi3d": spi3d(5),
}


@pytest.fixture
def lut_file(tmp_path: Path) -> Callable[[str, str], str]:
    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def applied(path: str, source: Picture, interpolation: str = "tetrahedral") -> Picture:
    values = LUT.checked({"path": path, "interpolation": interpolation})
    return LUT.reference(source, values, View(width=source.shape[1], height=source.shape[0]))


@pytest.mark.parametrize("interpolation", ["tetrahedral", "trilinear"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_luts_are_what_opencolorio_makes_of_them(
    name: str, interpolation: str, lut_file: Callable[[str, str], str], picture: Pictures
) -> None:
    ocio = pytest.importorskip("PyOpenColorIO", reason="PyOpenColorIO is not installed: LUTs are not compared with it")
    path = lut_file(name, FILES[name])
    source = picture()
    source[..., :3] = source[..., :3] * 1.6 - 0.3  # also what lies outside the tables
    steps = {"tetrahedral": ocio.INTERP_TETRAHEDRAL, "trilinear": ocio.INTERP_LINEAR}
    config = ocio.Config.CreateRaw()
    transform = ocio.FileTransform(path, interpolation=steps[interpolation])
    wanted = source.copy()
    config.getProcessor(transform).getOptimizedCPUProcessor(ocio.OPTIMIZATION_NONE).applyRGBA(wanted)
    got = applied(path, source, interpolation)
    assert np.abs(got - wanted).max() <= OCIO_TOLERANCE
    assert np.abs(got[..., :3] - source[..., :3]).max() > 0.1


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("interpolation", ["tetrahedral", "trilinear"])
@pytest.mark.parametrize("name", ["domain.cube", "curve.cube", "resolve.cube"])
def test_engines_apply_luts_as_they_are_defined(
    name: str,
    interpolation: str,
    alpha: bool,
    engine: Engine,
    reference: Engine,
    lut_file: Callable[[str, str], str],
    picture: Pictures,
) -> None:
    source = picture(alpha=alpha)
    view = View(width=source.shape[1], height=source.shape[0])
    exposure = registry().effect("exposure")
    values = LUT.checked({"path": lut_file(name, FILES[name]), "interpolation": interpolation})
    steps = [Step(LUT, values), Step(exposure, exposure.checked({"stops": 0.5})), Step(LUT, values)]
    for chain in (steps[:1], steps):
        got, wanted = (e.download(e.apply(e.upload(source, is_opaque=not alpha), chain, view)) for e in (engine, reference))
        # A table this wild, twice: what is off by a hair in the first place is off by five hairs in the second.
        assert np.abs(got - wanted).max() <= (engine.tolerance if len(chain) == 1 else 5 * engine.tolerance)


def test_a_cube_that_changes_nothing_changes_nothing(lut_file: Callable[[str, str], str], picture: Pictures) -> None:
    axis = np.linspace(0, 1, 65)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    path = lut_file("identity.cube", f"LUT_3D_SIZE 65\n{rows(np.stack([red, green, blue], axis=-1))}")
    source = picture()
    for interpolation in ("tetrahedral", "trilinear"):
        assert np.abs(applied(path, source, interpolation) - source).max() <= 1e-6
    assert LUT.pack is not None
    first, again = (LUT.pack(LUT.checked({"path": path}), View(width=67, height=45)) for _ in range(2))
    assert first is again, "the table is made again for each frame"


def test_two_entries_by_hand(lut_file: Callable[[str, str], str]) -> None:
    corners = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n.5 .5 .5\n"
    path = lut_file("hand.cube", f"LUT_3D_SIZE 2\n{corners}")
    source = np.array([[[0.75, 0.5, 0.25, 1]]], np.float32)
    # ¼ black + ¼ red + ¼ yellow + ¼ of (½, ½, ½)
    assert applied(path, source)[0, 0] == pytest.approx([0.625, 0.375, 0.125, 1])
    # every corner is itself but white, which has ¾ · ½ · ¼ and is ½ too dark
    assert applied(path, source, "trilinear")[0, 0] == pytest.approx([0.703125, 0.453125, 0.203125, 1])


def test_mesh_says_how_many_bits_a_dark_3dl_has(lut_file: Callable[[str, str], str]) -> None:
    dark = "".join(f"{1000 * r} 0 0\n" for r in (0, 1) for _ in range(4))
    path = lut_file("dark.3dl", f"#Tokens\n3DMESH\nMesh 1 12\n{dark}\nLUT8\ngamma 1.0\n")
    white = np.ones((1, 1, 4), np.float32)
    assert applied(path, white)[0, 0] == pytest.approx([1000 / 4095, 0, 0, 1])


def test_without_a_file_nothing_happens(engine: Engine, picture: Pictures) -> None:
    source = picture()
    step = Step(LUT, LUT.checked({}))
    got = engine.download(engine.apply(engine.upload(source, is_opaque=True), [step], View(width=67, height=45)))
    assert np.array_equal(got, source)


def test_a_file_that_is_changed_is_read_again_and_has_another_digest(
    lut_file: Callable[[str, str], str], picture: Pictures
) -> None:
    path = lut_file("a.cube", FILES["cube.cube"])
    first, known = applied(path, picture()), digest(path)
    assert read_lut(path) is read_lut(path)
    assert digest(lut_file("b.cube", FILES["cube.cube"])) == known
    lut_file("a.cube", FILES["domain.cube"])
    assert digest(path) != known
    assert not np.array_equal(applied(path, picture()), first)


GOOD = "LUT_3D_SIZE 2\n" + "0 0 0\n" * 8
BAD = {
    "huge.cube": ("LUT_3D_SIZE 1000000000\n0 0 0\n", "line 1: '1000000000' is no size from 2 to 129"),
    "digits.cube": (f"LUT_3D_SIZE {'9' * 5000}\n", "line 1: "),
    "curve.cube": ("LUT_1D_SIZE 70000\n", "line 1: "),
    "one.cube": ("LUT_3D_SIZE 1\n0 0 0\n", "line 1: "),
    "nan.cube": (GOOD.replace("0 0 0\n", "0 nan 0\n", 1), "line 2: '0 nan 0'"),
    "infinite.cube": ("LUT_3D_SIZE 2\n" + "0 0 0\n" * 7 + "inf 0 0\n", "line 9: 'inf 0 0'"),
    "overflow.cube": ("LUT_3D_SIZE 2\n" + "0 0 0\n" * 7 + "1e39 0 0\n", "line 9: "),
    "short.cube": (GOOD[:-6], "line 8: the LUT ends after 7 of 8 rows"),
    "long.cube": (GOOD + "1 1 1\n", "line 10: more than the 8 rows"),
    "ragged.cube": (GOOD.replace("0 0 0\n0 0 0\n", "0 0 0 0\n0 0\n", 1), "line 2: 4 numbers where 3 belong"),
    "words.cube": ("LUT_3D_SIZE 2\n" + "0 0 0\n" * 7 + "0 zero 0\n", "line 9: '0 zero 0'"),
    "nothing.cube": ("", "line 1: neither"),
    "headless.cube": ("0 0 0\n" * 8, "neither LUT_1D_SIZE nor LUT_3D_SIZE"),
    "keyword.cube": (f"LUT_IN_VIDEO_RANGE\n{GOOD}", "line 1: 'LUT_IN_VIDEO_RANGE' is not understood"),
    "domain.cube": (f"DOMAIN_MIN 1 0 0\n{GOOD}", "a domain that ends before it begins"),
    "both.cube": (f"DOMAIN_MAX 2 2 2\nLUT_1D_SIZE 2\n{GOOD}", "do not say which of the tables"),
    "binary.cube": ("\x00\x01\x02\x1b[31m\n", "line 1: "),
    "rows.3dl": ("0 256 512 1023\n" + "1 2 3\n" * 9, "9 rows make no cube"),
    "empty.3dl": ("", "0 rows make no cube"),
    "floats.3dl": ("0 512 1023 1\n" + "0.1 0.2 0.3\n" * 8, "which are no code values"),
    "twice.3dl": ("0 1 2 1023\n0 1 2 1023\n" + "0 0 1023\n" * 7, "4 numbers where 3 belong"),
    "a.spi1d": ("Version 1\nLength 3\nComponents 1\n{\n0\n1\n}\n", "the LUT ends after 2 of 3 rows"),
    "b.spi1d": ("Version 2\n", "line 1: only version 1"),
    "c.spi1d": ("Version 1\nLength 3\n", "ends too early"),
    "d.spi1d": ("Version 1\nLength 2\nComponents 2\n{\n", "Components"),
    "a.spi3d": ("SPILUT 1.0\n3 3\n900000 900000 900000\n", "line 3: '900000' is no size"),
    "b.spi3d": ("SPILUT 1.0\n3 3\n2 2 2\n" + "0 0 0 1 1 1\n" * 8, "twice"),
    "c.spi3d": ("SPILUT 1.0\n3 3\n2 2 2\n" + "0 0 2 1 1 1\n" * 8, "line 4: an entry outside"),
    "what.lut": (GOOD, ".lut is no LUT format"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_damaged_files_are_refused_by_name_and_line(name: str, lut_file: Callable[[str, str], str]) -> None:
    assert read_lut(lut_file("good.cube", GOOD)).cube is not None  # what most are damaged copies of
    text, said = BAD[name]
    path = lut_file(name, text)
    with pytest.raises(EffectError) as caught:
        read_lut(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(caught.value.message) < 160


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(EffectError, match=r"gone\.cube: the LUT cannot be read"):
        applied(str(tmp_path / "gone.cube"), np.zeros((1, 1, 4), np.float32))
    with pytest.raises(EffectError, match="no regular file"):
        read_lut(str(tmp_path))
    with pytest.raises(EffectError, match="cannot be read"):
        digest("a\0b.cube")
    large = tmp_path / "large.cube"
    with large.open("wb") as file:
        os.truncate(file.fileno(), 200 * 1024 * 1024)  # sparse: takes no room
    with pytest.raises(EffectError, match="209715200 bytes, more than"):
        read_lut(str(large))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.cube")
        with pytest.raises(EffectError, match="no regular file"):
            digest(str(tmp_path / "pipe.cube"))
