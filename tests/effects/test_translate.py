"""Tables from the hosts' effects to ours: every row makes something that exists, and numbers are those that hosts mean."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.effects.registry import registry
from otio_perf.effects.translate import aaf, cdl, fcp7, mlt, resolve
from otio_perf.effects.translate.dialects import in_order, translated, translated_transition
from otio_perf.effects.wipes import NAME_OF_CODE
from otio_perf.model.frames import Applied, Fidelity, Moment, Translated
from otio_perf.model.uses import EffectUse
from otio_perf.timeline.effects import ALWAYS_THERE
from otio_perf.timeline.files import Document
from otio_perf.timeline.survey import gather

CANVAS, RATE = (1920, 1080), Fraction(25)
EXACT, APPROXIMATE, UNKNOWN, NOTHING = Fidelity.EXACT, Fidelity.APPROXIMATE, Fidelity.UNKNOWN, Fidelity.NOTHING

Given = dict[str, Any]


def asked(
    dialect: str,
    name: str,
    given: Given | None = None,
    frame: float | Fraction = 0,
    length: int = 100,
    inner: int | None = None,
) -> Translated:
    use = EffectUse(dialect=dialect, name=name, label=name, parameters=tuple((given or {}).items()))
    at = Fraction(frame)
    moment = Moment(frame=at, length=Fraction(length), inner=at if inner is None else Fraction(inner))
    return translated(use, moment, CANVAS, RATE)


def only(said: Translated) -> dict[str, Any]:
    """Values of the one effect that there is."""
    (one,) = said.applied
    return {"": one.name, **dict(one.values)}


#: What brings every row to make something, by dialect and name.
EXAMPLES: dict[tuple[str, str], Given] = {
    ("aaf", "Flip"): {},
    ("aaf", "Flop"): {},
    ("aaf", "Flip-Flop"): {},
    ("cdl", "asc_cdl"): {
        "asc_sat": 0.9,
        "asc_sop": (("slope", (1.1, 1.0, 0.9)), ("offset", (0.0, 0.1, 0.0)), ("power", (1.0, 1.0, 1.2))),
    },
    ("fcp7", "basic"): {"scale": "50"},
    ("fcp7", "compositemode"): {"mode": "Soft Light"},
    ("fcp7", "crop"): {"left": "10", "edgefeather": "5"},
    ("fcp7", "opacity"): {"opacity": "40"},
    ("fcp7", "Gaussian Blur"): {"radius": "10"},
    ("fcp7", "GaussianBlur"): {"1": "25."},
    ("mlt", "affine"): {"transition.rect": "10 20 960 540 0.5"},
    ("mlt", "avfilter.avgblur"): {"av.sizeX": "3"},
    ("mlt", "avfilter.boxblur"): {"av.lr": "3", "av.lp": "1"},
    ("mlt", "avfilter.colorlevels"): {"av.rimin": "0.1"},
    ("mlt", "avfilter.curves"): {"av.master": "0/0 0.5/0.6 1/1"},
    ("mlt", "avfilter.exposure"): {"av.exposure": "0.5"},
    ("mlt", "avfilter.lut1d"): {"av.file": str(Path("/luts/line.cube").absolute())},
    ("mlt", "avfilter.median"): {"av.radius": "2"},
    ("mlt", "avfilter.negate"): {},
    ("mlt", "avfilter.unsharp"): {"av.la": "0,5"},
    ("mlt", "avfilter.eq"): {"av.contrast": "1.2"},
    ("mlt", "avfilter.gblur"): {"av.sigma": "10", "av.sigmaV": "5"},
    ("mlt", "avfilter.hflip"): {},
    ("mlt", "avfilter.hue"): {"av.h": "30"},
    ("mlt", "avfilter.lut3d"): {"av.file": str(Path("/luts/film.cube").absolute())},
    ("mlt", "avfilter.vflip"): {},
    ("mlt", "box_blur"): {"hradius": "0=0;10=100", "vradius": "3"},
    ("mlt", "brightness"): {"level": "0.5"},
    ("mlt", "cairoblend_mode"): {"mode": "multiply"},
    ("mlt", "chroma"): {"key": "#00ff00"},
    ("mlt", "crop"): {"left": "100"},
    ("mlt", "frei0r.brightness"): {"Brightness": "0.7"},
    ("mlt", "frei0r.contrast0r"): {"Contrast": "0,6"},
    ("mlt", "frei0r.c0rners"): {"0": "0.36", "6": "0.36", "12": "1"},
    ("mlt", "frei0r.flippo"): {"X axis": "1"},
    ("mlt", "frei0r.hueshift0r"): {"Hue": "0.1"},
    ("mlt", "frei0r.invert0r"): {},
    ("mlt", "frei0r.levels"): {"Gamma": "0.3", "Show histogram": "0"},
    ("mlt", "frei0r.saturat0r"): {"Saturation": "112=0,21"},
    ("mlt", "frei0r.sharpness"): {"Amount": "0.5"},
    ("mlt", "frei0r.squareblur"): {"Kernel size": "0.05"},
    ("mlt", "frei0r.transparency"): {"0": "0.5"},
    ("mlt", "gamma"): {"gamma": "1.4"},
    ("mlt", "greyscale"): {},
    ("mlt", "grayscale"): {},
    ("mlt", "invert"): {},
    ("mlt", "lift_gamma_gain"): {"lift_r": "0.1"},
    ("mlt", "lumakey"): {"threshold": "100", "slope": "20"},
    ("mlt", "mirror"): {"mirror": "flip"},
    ("mlt", "qtblend"): {"rect": "00:00:00.000=10 20 960 540 0.5", "rotation": "0=0", "rotate_center": "1"},
    ("mlt", "qtblend_mode"): {"mode": "14"},
    ("mlt", "qtcrop"): {"rect": "10%/10%:50%x50%"},
    ("mlt", "sepia"): {"u": "75", "v": "150"},
    ("mlt", "vignette"): {"radius": "0.3"},
    ("resolve", "Transform"): {"transformationZoomX": 2.0, "transformationFlipX": True},
    ("resolve", "Cropping"): {"cropLeft": 0.1},
    ("resolve", "Composite"): {"opacity": 50.0},
    ("resolve", "Video Faders"): {"videoFaderIn": 10.0},
}
#: What is read, for it to be named: nothing of ours is the same.
OF_THE_HOST = {"timeremap", "frameblending", "filter range", "Speed ramp"}
TABLES = {"aaf": aaf.EFFECTS, "cdl": cdl.EFFECTS, "fcp7": fcp7.EFFECTS, "mlt": mlt.EFFECTS, "resolve": resolve.EFFECTS}
ROWS = [(dialect, name) for dialect, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("dialect", "name"), ROWS, ids=str)
def test_every_row_makes_what_exists(dialect: str, name: str) -> None:
    """``effect.checked`` has taken the values, and taking them again gives the same."""
    example = EXAMPLES.get((dialect, name))
    said = asked(dialect, name, example)
    if example is None:  # sound, untouched blocks, speed
        assert said.fidelity is (UNKNOWN if name in OF_THE_HOST else NOTHING), said.why
        return
    assert said.fidelity in (EXACT, APPROXIMATE), said.why
    assert said.applied or said.opacity is not None or said.blend is not None
    assert (said.fidelity is APPROXIMATE) == bool(said.why)
    for one in said.applied:
        effect = registry().effect(one.name)
        assert (one.version, dict(one.values)) == (effect.version, effect.checked(dict(one.values)))
    if said.blend is not None:
        assert registry().blend(said.blend)


#: Effects of ours that no host's words lead to, and why.
OURS_ALONE = {
    "white_balance": "hosts name a colour that is to be grey, or mix R'G'B' by a matrix",
    "directional_blur": "FFmpeg's dblur is a recursion with a tail on both sides",
    "bilateral": "FFmpeg's bilateral is a recursion that shows other pictures",
}


def test_every_effect_has_a_hosts_word_or_a_reason_why_not() -> None:
    reached = {one.name for (dialect, name), given_ in EXAMPLES.items() for one in asked(dialect, name, given_).applied}
    assert reached | OURS_ALONE.keys() == set(registry().effects)
    assert not reached & OURS_ALONE.keys()


@pytest.mark.parametrize("name", [*fcp7.TRANSITIONS, *aaf.TRANSITIONS])
def test_every_transition_makes_what_exists(name: str) -> None:
    ours, fidelity, why = translated_transition(name, "")
    assert ours is not None
    found = registry().transition(ours.name)
    assert dict(ours.values) == found.checked(dict(ours.values))
    assert (fidelity is APPROXIMATE) == bool(why)


# ------------------------------------------------------------------------------------------------------------------- MLT


def test_fades_of_kdenlive_are_opacity() -> None:
    fade = {"level": "1", "alpha": "00:00:00.000=0;00:00:01.000=1", "out": "00:00:01.000"}
    assert asked("mlt", "brightness", fade, 5) == Translated(opacity=0.2)
    assert asked("mlt", "brightness", fade, 25) == Translated(fidelity=NOTHING)
    assert asked("mlt", "brightness", fade, 26).fidelity is NOTHING  # beyond its out
    early = {"in": "00:00:-0.033", "out": "5", "alpha": "0=0;6=1"}  # Kdenlive writes such times
    assert asked("mlt", "brightness", early, 2) == Translated(opacity=0.5)
    away = {"in": "75", "out": "99", "alpha": "0=1;-1=0"}
    assert asked("mlt", "brightness", away, 74).fidelity is NOTHING
    assert asked("mlt", "brightness", away, 87) == Translated(opacity=0.5)


def test_key_frames_of_mlt_count_in_the_medium() -> None:
    """A clip that starts at frame 20 of its medium."""
    level = {"level": "20=0.5;30=0.7"}
    assert only(asked("mlt", "brightness", level, 0, inner=20))["level"] == 0.5
    assert only(asked("mlt", "brightness", level, 5, inner=25))["level"] == pytest.approx(0.6)


def test_qtblend_places_the_picture() -> None:
    said = asked("mlt", "qtblend", {"rect": "960 540 960 540 1", "rotation": "90", "rotate_center": "1"})
    values = only(said)
    assert values["position"] == pytest.approx((480, 270))
    assert (values["scale"], values["rotation"], said.opacity) == ((0.5, 0.5), 90, None)
    # turned about the corner of the rectangle, a quarter clockwise: the middle goes to its left
    values = only(asked("mlt", "qtblend", {"rect": "960 0 1920 1080 1", "rotation": "90"}))
    assert values["position"] == pytest.approx((960 - 540 - 960, 960 - 540))
    about = {"rect": "960 0 1920 1080 1", "rotation": "90", "rotate_anchor": "0 0"}
    assert only(asked("mlt", "qtblend", about))["position"] == pytest.approx(values["position"])
    # as wide as it is high: the picture stands in its middle, or is stretched
    square = {"rect": "0 0 540 540 1"}
    assert only(asked("mlt", "qtblend", square))["scale"] == pytest.approx((540 / 1920,) * 2)
    assert only(asked("mlt", "qtblend", {**square, "distort": "1"}))["scale"] == pytest.approx((540 / 1920, 0.5))


def test_what_mlt_leaves_where_it_is_is_nothing() -> None:
    assert asked("mlt", "qtblend", {"rect": "0=0 0 1920 1080 1", "rotation": "0=0"}).fidelity is NOTHING
    assert asked("mlt", "affine", {"transition.rect": "0%/0%:100%x100%:100%"}).fidelity is NOTHING
    assert asked("mlt", "brightness", {"level": "1"}).fidelity is NOTHING
    assert asked("mlt", "brightness", {"level": "0.5", "disable": "1"}).fidelity is NOTHING
    assert asked("mlt", "avfilter.eq", {"av.contrast": "1"}).fidelity is NOTHING
    assert asked("mlt", "box_blur", {"hradius": "0", "vradius": "0"}).fidelity is NOTHING
    assert asked("mlt", "ladspa.1049").fidelity is NOTHING


def test_moves_by_whole_pixels_are_exact() -> None:
    assert asked("mlt", "qtblend", {"rect": "100 -40 1920 1080 1"}).fidelity is EXACT
    assert asked("mlt", "qtblend", {"rect": "100.5 -40 1920 1080 1"}).fidelity is APPROXIMATE


@pytest.mark.parametrize(
    ("name", "given_", "why"),
    [
        ("mask_start", {}, "mask_start"),
        ("mirror", {"mirror": "horizontal"}, "horizontal mirror"),
        ("brightness", {"level": "x"}, "'x' is not a number"),
        ("brightness", {"level": "0=0;-1=1"}, "end that is not known"),
        ("brightness", {"level": "1e9"}, "level is 1e+09"),
        ("qtcrop", {"radius": "0.5"}, "round"),
        ("affine", {"transition.shear_x": "3"}, "shear_x"),
        ("avfilter.eq", {"av.gamma_r": "2"}, "av.gamma_r"),
        ("avfilter.lut3d", {"av.file": "film.csp"}, "no format"),
        ("chroma", {"key": "green"}, "not a colour"),
        ("qtblend", {"rect": "0 0 1e308 1e308 1", "rotation": "1e308"}, "qtblend"),
        ("brightness", {"level": "1e999"}, "beyond all measure"),
        ("brightness", {"level": "9999999999999999999999999999=1"}, "no time"),
        ("brightness", {"in": "0:1.0e99999999"}, "not a time"),
        ("crop", {"left": "1920"}, "nothing is left"),
        ("qtblend", {"rect": "0 0 0 0 1"}, "rectangle is empty"),
        ("avfilter.eq", {"av.contrast": "1.2", "av.enable": "between(t,0,1)"}, "its av.enable is 'between(t,0,1)'"),
        ("avfilter.gblur", {"av.sigma": "3", "av.planes": "1"}, "av.planes is 1: not all of them"),
        ("greyscale", {"strength": "0.5"}, "its strength is '0.5'"),
        ("avfilter.hflip", {"av.enable": "0"}, "av.enable"),
        ("affine", {"transition.rect": "0 0 960 540", "producer.resource": "0x000000ff"}, "producer.resource"),
        ("avfilter.curves", {"av.preset": "vintage"}, "av.preset"),
        ("avfilter.curves", {"av.red": "0.5/0.5"}, "two points"),
        ("avfilter.colorlevels", {"av.rimin": "-0.1"}, "finds in the picture"),
        ("avfilter.median", {"av.radius": "9"}, "radius"),
        ("avfilter.chromakey", {"av.color": "0x00ff00ff"}, "is not translated"),
        ("frei0r.levels", {"Gamma": "0.3"}, "histogram"),
        ("frei0r.c0rners", {"0": "0.36", "12": "1"}, "bends"),
        ("frei0r.c0rners", {"0": "0.36", "6": "0.36"}, "black around"),
    ],
)
def test_what_cannot_be_followed_is_unknown_by_name(name: str, given_: Given, why: str) -> None:
    said = asked("mlt", name, given_)
    assert said.fidelity is UNKNOWN
    assert not said.applied
    assert name in said.why
    assert why in said.why


def test_a_composition_blends_with_what_is_below_and_the_filter_of_that_name_does_not() -> None:
    rect = {"rect": "100 40 1920 1080 1", "compositing": "14"}
    said = asked("mlt", "qtblend", rect)
    assert (said.fidelity, said.blend) == (EXACT, None)
    said = asked("mlt", "qtblend", {**rect, "composition": "1", "a_track": "1", "b_track": "3"})
    assert (said.fidelity, said.blend, len(said.applied)) == (APPROXIMATE, "screen", 1)
    assert asked("mlt", "qtblend", {**rect, "composition": "1", "compositing": "23"}).fidelity is UNKNOWN  # exclusion
    assert asked("mlt", "qtblend", {"composition": "1", "a_track": "1"}).fidelity is NOTHING


def test_filters_of_rgb_are_exact_where_mlt_was_seen_to_come_back_the_way_it_went() -> None:
    stops = {"av.exposure": "0.5"}
    versions = ["7.42.0", "8.0.0", "7.12.0", "7.4.0", "", "x.y"]
    said = [asked("mlt", "avfilter.exposure", {**stops, "_mlt_version": version}).fidelity for version in versions]
    assert said == [EXACT, EXACT, *[APPROXIMATE] * 4]


# --------------------------------------------------------------------------------------------------------- other dialects


def test_resolve_counts_in_parts_of_the_canvas() -> None:
    """Pan −35 and tilt −1836 on 1080 × 1920 are −0.0324 and −0.95625 in its exports."""
    given_ = {"transformationPan": -0.25, "transformationTilt": 0.5, "transformationRotationAngle": 10.0}
    values = only(asked("resolve", "Transform", given_))
    assert (values["position"], values["rotation"], values["scale"]) == ((-480, -540), -10, (1, 1))
    assert only(asked("resolve", "Cropping", {"cropTop": 0.25}))["top"] == 270


def test_key_frames_of_resolve_count_from_the_cut() -> None:
    keys = (("98", (("Value", 100.0),)), ("73", (("Value", 0.0),)), ("316", (("Value", 100.0),)))
    assert asked("resolve", "Composite", {"opacity": keys}, 73, inner=500) == Translated(opacity=0)
    assert asked("resolve", "Composite", {"opacity": keys}, Fraction(73 + 5), inner=500) == Translated(opacity=0.2)
    assert asked("resolve", "Composite", {"opacity": keys}, 200).fidelity is NOTHING
    eased = (
        ("0", (("OutBez", (("OutBez", (5.0, 0.0)),)), ("Value", 0.0))),
        ("10", (("InBez", (("InBez", (-5.0, 0.0)),)), ("Value", 100.0))),
    )
    assert asked("resolve", "Composite", {"opacity": eased}, 5).opacity == pytest.approx(0.5)
    assert (asked("resolve", "Composite", {"opacity": eased}, 2).opacity or 0) < 0.15
    assert [asked("resolve", "Composite", {"opacity": k}, 5).fidelity for k in (eased, keys)] == [APPROXIMATE, EXACT]


def test_frames_beyond_all_measure_cost_nothing() -> None:
    """A fraction of so many digits would fill the memory."""
    for frame in ("1e999999999", "9" * 5000, "nan"):
        assert asked("resolve", "Composite", {"opacity": ((frame, (("Value", 1.0),)),)}).fidelity is UNKNOWN
        assert asked("fcp7", "opacity", {"opacity": (("when", frame), ("value", "3"))}).fidelity is UNKNOWN
        keys = (("keys", ((frame, 1.0),)),)
        assert asked("otio", "exposure", {"otio_perf": (("stops", keys),)}).fidelity is UNKNOWN


def test_resolve_works_in_its_own_order() -> None:
    names = ("Transform", "Composite", "Cropping")
    uses = [EffectUse(dialect="resolve", name=n, label=n) for n in names]
    assert [use.name for use in in_order(uses)] == ["Cropping", "Transform", "Composite"]
    ours = [EffectUse(dialect="mlt", name=n, label=n) for n in names]
    assert in_order(ours) == tuple(ours)


def test_changed_blocks_that_we_do_not_know_are_unknown() -> None:
    assert asked("resolve", "Lens Correction").fidelity is NOTHING
    said = asked("resolve", "Lens Correction", {"distortion": 0.5})
    assert (said.fidelity, said.why) == (UNKNOWN, "Lens Correction: distortion is not translated")
    assert asked("resolve", "Composite", {"composite mode": 5}).fidelity is UNKNOWN


def test_blocks_that_are_always_there_are_those_that_have_rows() -> None:
    assert resolve.EFFECTS.keys() == ALWAYS_THERE | {"Speed ramp"}


def test_faders_of_resolve() -> None:
    given_ = {"videoFaderIn": 10.0, "videoFaderOut": 20.0}
    assert [asked("resolve", "Video Faders", given_, frame).opacity for frame in (0, 5, 50, 90)] == [0, 0.5, None, 0.5]


def test_final_cut_says_per_cent() -> None:
    moved = {"scale": "50", "center": (("horiz", "0.25"), ("vert", "-0.5")), "rotation": "10"}
    values = only(asked("fcp7", "basic", moved))
    assert (values["position"], values["scale"], values["rotation"]) == ((480, -540), (0.5, 0.5), 10)
    still = {"scale": "100", "rotation": "0", "center": (("horiz", "0"), ("vert", "0")), "antiflicker": "0"}
    assert asked("fcp7", "basic", still).fidelity is NOTHING
    assert asked("fcp7", "opacity", {"opacity": "100"}).fidelity is NOTHING
    keys = ((("when", "10"), ("value", "0")), (("when", "20"), ("value", "100")))
    assert asked("fcp7", "opacity", {"opacity": keys}, 0, inner=15) == Translated(opacity=0.5)
    assert asked("fcp7", "opacity", {"opacity": (("when", "10"), ("value", "30"))}, 0) == Translated(opacity=0.3)
    said = asked("fcp7", "basic", {"scale": "-100"})
    assert (said.fidelity, said.why) == (UNKNOWN, "basic: scale is -100, below 0")


def test_eases_of_final_cut_are_not_exact() -> None:
    """They are taken for lines: ``FCPCurve`` with a key, or handles."""

    def opacity(last: str, **said: Any) -> Translated:
        keys = tuple((("when", w), ("value", v), *said.items()) for w, v in (("0", "0"), ("20", last)))
        return asked("fcp7", "opacity", {"opacity": keys}, 0, inner=10)

    def curve(name: str) -> Given:
        return {"interpolation": (("name", name),)}

    assert opacity("80") == opacity("80", **curve("linear")) == opacity("80", **curve("Linear")) == Translated(opacity=0.4)
    assert opacity("80", **curve("hold")) == Translated(opacity=0)
    eased = opacity("80", **curve("FCPCurve"))
    assert (eased.fidelity, eased.opacity) == (APPROXIMATE, 0.4)
    assert "eases" in eased.why
    assert opacity("80", inbez=(("horiz", "-4"), ("vert", "0"))).fidelity is APPROXIMATE
    assert opacity("0", **curve("FCPCurve")) == Translated(opacity=0)  # it stands still
    assert "eases" in asked("fcp7", "basic", {"scale": _eased_keys()}).why
    assert "eases" not in asked("fcp7", "basic", {"scale": "50"}).why


def _eased_keys() -> tuple[Any, ...]:
    return tuple((("when", w), ("value", v), ("interpolation", (("name", "FCPCurve"),))) for w, v in (("0", "20"), ("9", "50")))


@pytest.mark.parametrize("name", ["subtract", "Travel Matte - Alpha"])
def test_composite_modes_that_are_not_ours_are_unknown(name: str) -> None:
    said = asked("fcp7", "compositemode", {"mode": name})
    assert (said.fidelity, said.blend) == (UNKNOWN, None)
    assert repr(name) in said.why


def test_cdl_is_the_asc_s() -> None:
    values = only(asked("cdl", "asc_cdl", EXAMPLES["cdl", "asc_cdl"]))
    assert (values["slope"], values["offset"], values["saturation"]) == ((1.1, 1.0, 0.9), (0.0, 0.1, 0.0), 0.9)
    assert asked("cdl", "asc_cdl", {"asc_sat": 1.0}).fidelity is NOTHING
    assert asked("cdl", "asc_cdl", {"asc_sop": 3}).fidelity is UNKNOWN


def test_curves_and_choices_have_key_frames() -> None:
    """The points of a curve run, a choice holds, as a switch does; keys of another number of points cannot be."""

    def keyed(name: str, parameter: str, frame: float, *keys: Any) -> Translated:
        return asked("otio", name, {"otio_perf": ((parameter, (("keys", keys),)),)}, frame)

    bent, straight = ((0.0, 0.0), (0.5, 0.7), (1.0, 1.0)), ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))
    values = only(keyed("curves", "master", 5, (0, bent), (10, straight)))
    assert values["master"] == ((0.0, 0.0), (0.5, pytest.approx(0.6)), (1.0, 1.0))
    said = keyed("curves", "master", 5, (0, bent), (10, straight[::2]))
    assert said.fidelity is UNKNOWN
    assert "not of one kind and length" in said.why
    flips = [keyed("flip", "horizontal", frame, (0, False), (10, True)).fidelity for frame in (-3, 0, 9.5, 10, 20)]
    assert flips == [NOTHING, NOTHING, NOTHING, EXACT, EXACT]
    slopes = only(keyed("asc_cdl", "slope", 5, (0, (1.0, 1.0, 1.0)), (10, (1.5, 1.0, 0.5))))
    assert slopes["slope"] == (1.25, 1.0, 0.75)


def test_our_own_effects_go_by_their_names() -> None:
    keys = (("keys", ((0, 1.0), (10, 3.0, "hold"), (20, 9.0))),)
    assert only(asked("otio", "gaussian_blur", {"otio_perf": (("sigma", keys),)}, 5))["sigma"] == 2
    assert only(asked("otio", "gaussian_blur", {"otio_perf": (("sigma", keys),)}, 15))["sigma"] == 3
    assert asked("otio", "opacity", {"otio_perf": (("opacity", 0.5),)}) == Translated(opacity=0.5)
    assert asked("otio", "blend", {"otio_perf": (("mode", "screen"),)}) == Translated(blend="screen")
    assert asked("otio", "gaussian_blur", {"otio_perf": (("sigma", -1),)}).fidelity is UNKNOWN
    assert asked("otio", "gaussian_blur", {"otio_perf": (("size", 1),)}).fidelity is UNKNOWN
    whole = {"otio_perf": (("sigma", (("keys", ((0, 1.0), (10, (1.0, 2.0)))),)),)}
    assert "not of one kind and length" in asked("otio", "gaussian_blur", whole).why
    said = asked("otio", "wipe", {"otio_perf": (("pattern", "clock_three"), ("softness", 0.1))})
    assert only(said) == {"": "wipe", "pattern": "clock_three", "softness": 0.1, "reverse": False}


# ----------------------------------------------------------------------------------------------------------- transitions


def test_transitions() -> None:
    def use(dialect: str, name: str, **given_: Any) -> EffectUse:
        return EffectUse(dialect=dialect, name=name, label=name, parameters=tuple(given_.items()))

    def kind(ours: Applied | None) -> str | None:
        return None if ours is None else ours.name

    assert translated_transition("x", "SMPTE_Dissolve")[1] is EXACT
    assert translated_transition("x", "Custom_Transition") == (
        None,
        UNKNOWN,
        "x: nothing of ours is known to be the same",
    )
    assert kind(translated_transition("", "", use("mlt", "luma", resource=""))[0]) == "dissolve"
    assert translated_transition("", "", use("mlt", "luma", resource="luma01.pgm"))[1] is UNKNOWN
    known = {"resource": "/usr/share/kdenlive/lumas/HD/linear_x.pgm", "softness": "0,1"}
    ours, fidelity, _ = translated_transition("", "", use("mlt", "luma", **known, invert="1"))
    assert ours is not None
    assert (fidelity, dict(ours.values)) == (
        APPROXIMATE,
        {"pattern": "bar_left_to_right", "softness": 0.1, "reverse": True},
    )
    for changed in ({"resource": "/home/me/linear_x.pgm"}, {"fill": "0"}, {"news": "1"}, {"invert": "1", "reverse": "1"}):
        assert translated_transition("", "", use("mlt", "luma", **{**known, **changed}))[1] is UNKNOWN, changed
    # a host's word counts more than OTIO's, which all adapters set to a dissolve
    assert kind(translated_transition("", "SMPTE_Dissolve", use("fcp7", "Dip to White"))[0]) == "dip_to_colour"
    assert translated_transition("", "SMPTE_Dissolve", use("fcp7", "Page Peel"))[1] is UNKNOWN
    assert kind(translated_transition("", "", use("aaf", "FadeUp_2", ClassName="Transition"))[0]) == "dissolve"
    assert translated_transition("", "", use("aaf", "Dip_2"))[1] is UNKNOWN  # an effect on a clip
    code = use("otio", "SMPTE_Wipe", cmx_3600=(("transition", "W001"), ("transition_duration", 10.0)))
    assert only(asked("otio", code.name, dict(code.parameters)))["pattern"] == NAME_OF_CODE[1]
    other = use("otio", "SMPTE_Wipe", cmx_3600=(("transition", "W999"),))
    assert "999" in translated_transition("", "SMPTE_Wipe", other)[2]


# -------------------------------------------------------------------------------------------------------------- hostility

_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_subnormal=False)
    | st.sampled_from(["", "0=1;5=2", "1 2 3 4", "#ffffff", "x", "50%", "0=;=1"]),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)
_NAMES = sorted({name for example in EXAMPLES.values() for name in example})


@given(st.sampled_from(ROWS), st.dictionaries(st.sampled_from(_NAMES), _PLAIN, max_size=4), st.fractions(-100, 1000))
def test_whatever_a_file_says_is_answered(row: tuple[str, str], given_: Given, frame: Fraction) -> None:
    said = asked(*row, given_, frame)
    assert (said.fidelity in (APPROXIMATE, UNKNOWN)) == bool(said.why)
    assert said.opacity is None or 0 <= said.opacity <= 1
    hash(said)


# -------------------------------------------------------------------------------------------------------------- test data


def _kdenlive(path: Path) -> list[EffectUse]:
    """Filters of a Kdenlive project as the survey would write them; those on every track are Kdenlive's own."""
    uses = []
    for element in ElementTree.parse(path).getroot().iter("filter"):
        said = {p.get("name", ""): p.text or "" for p in element.findall("property")}
        if said.get("internal_added") == "237" or "mlt_service" not in said:
            continue
        said |= {name: element.get(name, "") for name in ("in", "out") if element.get(name)}
        name = said["mlt_service"]
        uses.append(EffectUse(dialect="mlt", name=name, label=name, parameters=tuple(said.items())))
    return uses


def _uses(folder: Path, readable: dict[Path, Document]) -> list[EffectUse]:
    found = [use for document in readable.values() for uses in gather(document).effects for use in uses]
    for path in sorted((folder / "timelines").rglob("*")):
        if path.suffix.lower() in (".kdenlive", ".mlt") and path.name != "entity.mlt":  # no reader of ours opens that one
            found += _kdenlive(path)
    return found


@pytest.mark.testdata
def test_effects_of_the_test_data(testdata: Path, readable: dict[Path, Document]) -> None:
    """Every effect of every timeline is answered, at several moments, and more of those on pictures are known than not."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for use in _uses(testdata, readable):
        worst = Fidelity.NOTHING
        for frame in range(0, 50, 7):
            moment = Moment(frame=Fraction(frame), length=Fraction(50), inner=Fraction(frame))
            said = translated(use, moment, CANVAS, RATE)
            worst = max(worst, said.fidelity, key=(NOTHING, EXACT, APPROXIMATE, UNKNOWN).index)
        counts[use.dialect, use.name, worst] += 1
    unknown = {name for _, name, fidelity in counts if fidelity == UNKNOWN}
    common = {"brightness", "greyscale", "sepia", "avfilter.eq", "qtblend", "Transform", "Composite", "basic", "opacity"}
    assert common.isdisjoint(unknown)
    of_pictures = Counter({f: sum(n for (_, _, g), n in counts.items() if g == f) for f in Fidelity})
    assert of_pictures[UNKNOWN] < of_pictures[EXACT] + of_pictures[APPROXIMATE]
