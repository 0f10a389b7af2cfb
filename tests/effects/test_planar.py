"""Pictures that stay Y'CbCr: beside the reference, which makes R'G'B' of everything.

Two tolerances are stated. Where samples stay in their places (``SAME``), the picture that the planes stand for is the
reference's but for the rounding of what is stored: half a code. Where they are made anew (``NEAR``), Y' is within a code, and
so are Cb and Cr but for the outermost samples that ``planar`` tells of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.cpu.planar.value import Planar
from otio_perf.effects.engine import Engine, Image, Step
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import View, registry
from otio_perf.model.frames import Fit
from otio_perf.model.pixels import Layout

WIDTH, HEIGHT = 96, 64
VIEW = View(width=WIDTH, height=HEIGHT)
#: What goes into a file of 4:2:0.
STORED = View(width=WIDTH, height=HEIGHT, subsampling=(1, 1))
#: Of R'G'B' from 0 to 1: half a code of Y', and of Cb or Cr, whichever counts most.
HALF_A_CODE = {8: 0.5 / 219 + 1.8556 * 0.5 / 224, 10: (0.5 / 219 + 1.8556 * 0.5 / 224) / 4}


def coding(sampling: str = "420", bits: int = 8, **fields: Any) -> Coding:
    across, down = {"420": (1, 1), "422": (1, 0), "444": (0, 0)}[sampling]
    return Coding(layout=Layout(is_rgb=False, is_grey=False, bits=bits, across=across, down=down), **fields)


def planes(of: Coding, seed: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Smooth shapes with some grain, away from the ends of the codes."""
    random = np.random.default_rng(seed)
    layout, found = of.layout, []
    for number in range(3):
        w, h = (width, height) if number == 0 else (-(-width >> layout.across), -(-height >> layout.down))
        y, x = np.mgrid[0:h, 0:w] / [[[h]], [[w]]]
        shape = 128 + 50 * np.sin(7 * x + seed + number) * np.cos(5 * y - number) + random.normal(0, 2, (h, w))
        codes = np.round(shape * (1 << (layout.bits - 8)))
        found.append(codes.astype(np.uint8 if layout.bits == 8 else np.uint16))
    return found


def step(name: str, **values: Any) -> Step:
    effect = registry().effect(name)
    return Step(effect, effect.checked(values))


Work = Callable[[Engine, Image, Image], Image]


def after(*steps: Step) -> Work:
    return lambda engine, first, second: engine.apply(first, steps, VIEW)


def dissolved(engine: Engine, first: Image, second: Image) -> Image:
    return engine.mix(first, second, registry().transition("dissolve"), 0.3, {}, VIEW)


def dipped(engine: Engine, first: Image, second: Image) -> Image:
    transition = registry().transition("dip_to_colour")
    return engine.mix(first, second, transition, 0.3, transition.checked({"colour": (0.2, 0.5, 0.1)}), VIEW)


def over(engine: Engine, first: Image, second: Image) -> Image:
    return engine.blend(first, second, registry().blend("over"), 0.6, VIEW)


def graded_dissolve(engine: Engine, first: Image, second: Image) -> Image:
    bright = engine.apply(first, [step("exposure", stops=0.4)], VIEW)
    return over(engine, dissolved(engine, bright, second), first)


#: Samples stay where they are.
SAME: dict[str, Work] = {
    "nothing": lambda engine, first, second: first,
    "dissolve": dissolved,
    "dip to colour": dipped,
    "over": over,
    "exposure": after(step("exposure", stops=-0.5)),
    "adjust": after(step("adjust", contrast=1.2, brightness=-0.05, saturation=0.7)),
    "adjust, hue": after(step("adjust", hue=25, saturation=1.2)),
    "adjust, luma": after(step("adjust", contrast=1.2, brightness=0.05, saturation=1.3, space="luma")),
    "adjust, gamma of luma": after(step("adjust", gamma=1.3, contrast=0.9, hue=10, space="luma")),
    "brightness of codes": after(step("code_gain", level=0.8)),
    "invert": after(step("invert")),
    "greyscale": after(step("greyscale")),
    "sepia": after(step("sepia")),
    "several": after(step("exposure", stops=0.3), step("invert"), step("adjust", saturation=0.5)),
    "graded, mixed, laid over": graded_dissolve,
    "upside down": after(step("flip", vertical=True)),
}
#: Samples are made anew.
NEAR: dict[str, Work] = {
    "blur": after(step("gaussian_blur", sigma=2.0, quality="exact")),
    "blur, clamped, one way": after(step("gaussian_blur", sigma=1.5, vertical=0, edges="clamp")),
    "punch-in": after(step("transform", scale=(1.3, 1.3), position=(5.0, -3.0))),
    "punch-in, bilinear": after(step("transform", scale=(1.2, 1.4), interpolation="bilinear")),
}
#: Chroma samples stay as sharp as they were.
SHARP: dict[str, Work] = {
    "sharper": after(step("sharpen", amount=1.0)),
    "sharper, clearly": after(step("unsharp", sigma=1.0, amount=0.5)),
    "darker at the edges": after(step("vignette", amount=0.8)),
    "mirrored": after(step("flip", horizontal=True)),
}


def both(work: Work, of: Coding) -> tuple[NativeEngine, Image, Image]:
    """The picture in planes, and the reference's."""
    native, reference = NativeEngine(), ReferenceEngine()
    given = planes(of, 1), planes(of, 2)
    ours = work(native, *(native.read(p, of) for p in given))
    return native, ours, work(reference, *(reference.read(p, of) for p in given))


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("sampling", ["420", "422", "444"])
@pytest.mark.parametrize("name", SAME)
def test_the_same_picture(name: str, sampling: str, bits: int) -> None:
    of = coding(sampling, bits)
    native, ours, wanted = both(SAME[name], of)
    assert isinstance(ours.pixels, Planar)
    assert ours.is_opaque
    assert native.download(ours) == pytest.approx(wanted.pixels, abs=3e-6)
    stored = native.store(ours, of, WIDTH, HEIGHT)
    assert np.abs(to_picture(stored, of) - wanted.pixels).max() <= HALF_A_CODE[bits] + 1e-5


@pytest.mark.parametrize("sampling", ["420", "422", "444"])
@pytest.mark.parametrize("name", NEAR)
def test_nearly_the_same_picture(name: str, sampling: str) -> None:
    of = coding(sampling)
    native, ours, wanted = both(NEAR[name], of)
    assert isinstance(ours.pixels, Planar)
    stored, right = native.store(ours, of, WIDTH, HEIGHT), ReferenceEngine().store(wanted, of, WIDTH, HEIGHT)
    apart = [np.abs(a.astype(int) - b) for a, b in zip(stored, right, strict=True)]
    assert apart[0].max() <= 1
    for chroma in apart[1:]:
        assert chroma.mean() <= 0.25
        assert chroma[4:-4, 4:-4].max() <= 1


@pytest.mark.parametrize("sampling", ["420", "422", "444"])
@pytest.mark.parametrize("name", SHARP)
def test_as_sharp_as_it_was(name: str, sampling: str) -> None:
    """As the reference, once chroma was brought to full size and back, as the reference has done."""
    of = coding(sampling)
    native, ours, wanted = both(SHARP[name], of)
    assert isinstance(ours.pixels, Planar)
    again = from_picture(to_picture(native.store(ours, of, WIDTH, HEIGHT), of), of)
    right = ReferenceEngine().store(wanted, of, WIDTH, HEIGHT)
    apart = [np.abs(a.astype(int) - b) for a, b in zip(again, right, strict=True)]
    assert apart[0].max() <= 1
    for chroma in apart[1:]:
        assert chroma.mean() <= 0.5


def test_what_nothing_is_done_to_is_handed_through() -> None:
    of = coding()
    engine, given = NativeEngine(), planes(of, 1)
    image = engine.fit(engine.read(given, of), WIDTH, HEIGHT, Fit.CONTAIN)
    for plane, same in zip(given, engine.store(image, of, WIDTH, HEIGHT), strict=True):
        assert plane is same


@pytest.mark.parametrize("size", [(192, 128), (150, 100), (48, 32)])
def test_other_sizes(size: tuple[int, int]) -> None:
    of = coding()
    given = planes(of, 3, *size)
    native, reference = NativeEngine(), ReferenceEngine()
    ours, wanted = (engine.fit(engine.read(given, of), WIDTH, HEIGHT, Fit.CONTAIN) for engine in (native, reference))
    assert isinstance(ours.pixels, Planar)
    stored, right = native.store(ours, of, WIDTH, HEIGHT), reference.store(wanted, of, WIDTH, HEIGHT)
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(stored, right, strict=True)) <= 1


@pytest.mark.parametrize("siting", ["left", "center", "topleft", "bottomleft"])
@pytest.mark.parametrize("sampling", ["420", "422"])
def test_half_the_size_wherever_chroma_sits(siting: str, sampling: str) -> None:
    of = coding(sampling, siting=siting)
    given = planes(of, 6, 2 * WIDTH, 2 * HEIGHT)
    native, reference = NativeEngine(), ReferenceEngine()
    ours, wanted = (engine.fit(engine.read(given, of), WIDTH, HEIGHT, Fit.CONTAIN) for engine in (native, reference))
    assert isinstance(ours.pixels, Planar)
    stored, right = native.store(ours, of, WIDTH, HEIGHT), reference.store(wanted, of, WIDTH, HEIGHT)
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(stored, right, strict=True)) <= 1


@pytest.mark.parametrize("name", ["dissolve", "wipe"])
def test_at_its_ends_a_transition_is_one_of_the_two_pictures(name: str) -> None:
    engine, of = NativeEngine(), coding()
    first, second = (engine.read(planes(of, seed), of) for seed in (1, 2))
    transition = registry().transition(name)
    for progress, same in ((0, first), (1, second)):
        assert engine.mix(first, second, transition, progress, transition.checked({}), VIEW) is same


@pytest.mark.parametrize(("scale", "hides"), [(1.2, True), (0.9, False)])
def test_a_punch_in_hides_what_is_below(scale: float, hides: bool) -> None:
    """Of a picture that is R'G'B' by then."""
    engine, of = NativeEngine(), coding()
    steps = [step("white_balance", temperature=4500), step("transform", scale=(scale, scale))]
    image = engine.apply(engine.read(planes(of, 1), of), steps, VIEW)
    assert image.is_opaque is hides
    assert bool((engine.download(image)[..., 3] > 0.999).all()) is hides


@pytest.mark.parametrize("opacity", [1.0, 0.8])
def test_a_smaller_picture_over_another(opacity: float) -> None:
    """Put onto chroma samples; where its edge is, the reference's chroma is a mixture of both sides."""
    of = coding()

    def work(engine: Engine, first: Image, second: Image) -> Image:
        small = engine.apply(second, [step("transform", scale=(0.5, 0.5), position=(12.0, -8.0))], VIEW)
        assert not small.is_opaque
        return engine.blend(first, small, registry().blend("over"), opacity, STORED)

    native, ours, wanted = both(work, of)
    assert isinstance(ours.pixels, Planar)
    stored, right = native.store(ours, of, WIDTH, HEIGHT), ReferenceEngine().store(wanted, of, WIDTH, HEIGHT)
    assert np.abs(stored[0].astype(int) - right[0]).max() <= 1
    inside = slice(8 // 2 + 2, (8 + 32) // 2 - 2), slice(36 // 2 + 2, (36 + 48) // 2 - 2)
    for a, b in zip(stored[1:], right[1:], strict=True):
        assert np.abs(a[inside].astype(int) - b[inside]).max() <= (1 if opacity == 1 else 3)


@pytest.mark.parametrize("sampling", ["420", "422"])
def test_a_smaller_picture_on_black(sampling: str) -> None:
    """As the compositor lays it on its canvas, and as it is stored without one: its chroma is averaged once."""
    of, engine, reference = coding(sampling), NativeEngine(), ReferenceEngine()
    moved = [step("transform", position=(4.0, 2.0))]
    ours, wanted = (e.apply(e.read(planes(of, 2), of), moved, VIEW) for e in (engine, reference))
    canvas = engine.upload(np.full((HEIGHT, WIDTH, 4), (0, 0, 0, 1), np.float32), is_opaque=True)
    laid = engine.blend(canvas, ours, registry().blend("over"), 1.0, STORED)
    assert isinstance(laid.pixels, Planar)
    assert laid.is_opaque
    right = reference.store(wanted, of, WIDTH, HEIGHT)
    for image in (laid, ours):
        for a, b in zip(engine.store(image, of, WIDTH, HEIGHT), right, strict=True):
            assert np.abs(a[4:, 4:].astype(int) - b[4:, 4:]).max() <= 1
    shown = engine.download(canvas)
    assert not shown[..., :3].any()
    assert (shown[..., 3] == 1).all()


@pytest.mark.parametrize("work", [dissolved, over])
def test_what_was_averaged_stays_so_in_a_mix(work: Work) -> None:
    """Whichever of the two it was, or a blur that follows would soften chroma once more."""
    of, engine = coding(), NativeEngine()
    fresh = engine.read(planes(of, 1), of)
    blurred = engine.apply(engine.read(planes(of, 2), of), [step("gaussian_blur", sigma=1.0)], VIEW)
    assert [work(engine, *pair).pixels.is_averaged for pair in ((fresh, blurred), (blurred, fresh), (fresh, fresh))] == [
        True,
        True,
        False,
    ]


def test_edges_are_sharp_where_all_chroma_is_seen() -> None:
    """In a still: chroma samples of 4:2:0 are two pixels wide, and so would the edge be."""
    of = coding()
    small = planes(of, 2, WIDTH // 2, HEIGHT // 2)
    made = []
    for engine in (NativeEngine(), ReferenceEngine()):
        below, above = engine.read(planes(of, 1), of), engine.fit(engine.read(small, of), WIDTH, HEIGHT, Fit.NONE)
        made.append(engine.download(engine.blend(below, above, registry().blend("over"), 1.0, VIEW)))
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[HEIGHT // 4 : HEIGHT * 3 // 4, WIDTH // 4 : WIDTH * 3 // 4] = False
    assert made[0][outside] == pytest.approx(made[1][outside], abs=1e-5)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (coding("420"), coding("422", 10)),
        (coding("422", 10), coding("420")),
        (coding("420"), coding("444")),
        (coding("420", siting="topleft"), coding("420", siting="left")),
        (coding("420"), coding("420", is_full_range=True)),
        (coding("444", 10), coding("420")),
    ],
)
def test_into_other_codings(given: Coding, wanted: Coding) -> None:
    native, reference = NativeEngine(), ReferenceEngine()
    shown = planes(given, 4)
    ours = native.store(native.read(shown, given), wanted, WIDTH, HEIGHT)
    right = reference.store(reference.read(shown, given), wanted, WIDTH, HEIGHT)
    code = 1 << (wanted.layout.bits - 8)
    assert [plane.dtype for plane in ours] == [plane.dtype for plane in right]
    assert np.abs(ours[0].astype(int) - right[0]).max() <= 1
    again = to_picture(ours, wanted)
    assert np.abs(again - to_picture(shown, given)).mean() <= 0.01  # what chroma loses on the way, and no shift
    for a, b in zip(ours[1:], right[1:], strict=True):
        assert np.abs(a.astype(int) - b).mean() <= 1.5 * code


#: Between them are effects of R'G'B'.
CHAINS: dict[str, tuple[Step, ...]] = {
    "graded, blurred": (step("white_balance", temperature=4500), step("gaussian_blur", sigma=1.5)),
    "graded": (step("asc_cdl", slope=(1.1, 1.0, 0.9), power=(0.9, 1.0, 1.1)),),
    "graded, sharpened, mirrored, zoomed": (
        step("white_balance", temperature=4500),
        step("unsharp", sigma=1.0, amount=0.5),
        step("flip", horizontal=True),
        step("vignette", amount=0.8),
        step("transform", scale=(1.3, 1.3)),
    ),
    "blurred, graded, blurred": (
        step("gaussian_blur", sigma=1.5),
        step("white_balance", temperature=4500),
        step("gaussian_blur", sigma=1.5),
    ),
}


@pytest.mark.parametrize("sampling", ["420", "422", "444"])
@pytest.mark.parametrize("name", CHAINS)
def test_planes_come_back_after_a_grade(name: str, sampling: str) -> None:
    """Where nobody will see finer chroma, and not where somebody would."""
    of = coding(sampling)
    view = replace(VIEW, subsampling=(of.layout.across, of.layout.down))
    native, reference = NativeEngine(), ReferenceEngine()
    ours, wanted = (engine.apply(engine.read(planes(of, 1), of), CHAINS[name], view) for engine in (native, reference))
    assert isinstance(ours.pixels, Planar)
    stored, right = native.store(ours, of, WIDTH, HEIGHT), reference.store(wanted, of, WIDTH, HEIGHT)
    apart = [np.abs(a.astype(int) - b) for a, b in zip(stored, right, strict=True)]
    assert apart[0].max() <= 1
    for chroma in apart[1:]:
        assert chroma.mean() <= 0.75


def test_no_chroma_is_lost_that_the_file_would_hold() -> None:
    of = coding("420")
    for subsampling in ((0, 0), (1, 0)):
        engine, view = NativeEngine(), replace(VIEW, subsampling=subsampling)
        found = engine.apply(engine.read(planes(of, 1), of), [step("white_balance", temperature=4500)], view)
        assert not isinstance(found.pixels, Planar)


NOT_LINEAR: dict[str, Work] = {
    "white balance": after(step("white_balance", temperature=4500)),
    "gamma of R'G'B'": after(step("adjust", gamma=1.4)),
    "turned": after(step("transform", rotation=10)),
    "between chroma samples": after(step("transform", scale=(0.5, 0.5), position=(11.0, 0.0))),
    "blur over its edge": after(step("gaussian_blur", sigma=2, edges="transparent")),
    "another matrix": lambda engine, first, second: engine.blend(
        first,
        engine.read(planes(coding(matrix="smpte170m"), 5), coding(matrix="smpte170m")),
        registry().blend("over"),
        0.5,
        VIEW,
    ),
    "another blend": lambda engine, first, second: engine.blend(first, second, registry().blend("multiply"), 1.0, VIEW),
    "a wipe": lambda engine, first, second: engine.mix(
        first, second, registry().transition("wipe"), 0.4, registry().transition("wipe").checked({}), VIEW
    ),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_what_is_not_linear_goes_by_rgb(name: str) -> None:
    native, ours, wanted = both(NOT_LINEAR[name], coding())
    assert not isinstance(ours.pixels, Planar)
    assert ours.is_opaque == wanted.is_opaque
    assert native.download(ours) == pytest.approx(wanted.pixels, abs=native.tolerance)


def test_alpha_rgb_and_grey_go_by_rgb() -> None:
    layouts = (
        Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1, has_alpha=True),
        Layout(is_rgb=True, is_grey=False, bits=8),
        Layout(is_rgb=False, is_grey=True, bits=8),
    )
    for layout in layouts:
        of = Coding(layout=layout)
        count = 1 if layout.is_grey else 3
        given = planes(coding("444" if layout.is_rgb else "420"), 6)[:count]
        if layout.has_alpha:
            given.append(np.full((HEIGHT, WIDTH), 200, np.uint8))
        assert not isinstance(NativeEngine().read(given, of).pixels, Planar)
