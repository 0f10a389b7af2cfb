"""Generators of hosts: read for certain, or not taken for one of ours."""

from __future__ import annotations

from typing import Any

import pytest

from otio_perf.render.generated import difference, generated, solid_values


@pytest.mark.parametrize(
    ("value", "colour", "alpha"),
    [
        ("#ff8000", (1.0, 128 / 255, 0.0), 1.0),
        ("#80ff8000", (1.0, 128 / 255, 0.0), 128 / 255),
        ("0xff800080", (1.0, 128 / 255, 0.0), 128 / 255),
        ("4278190335", (1.0, 0.0, 0.0), 1.0),  # melt 7.12 shows red
        ((1, 0.5, 0), (1.0, 0.5, 0.0), 1.0),
        ((1, 0.5, 0, 0.25), (1.0, 0.5, 0.0), 0.25),
        ((("r", 1.0), ("g", 0.5), ("b", 0.0), ("a", 1.0)), (1.0, 0.5, 0.0), 1.0),
        ((("alpha", "0"), ("red", "255"), ("green", "51"), ("blue", "0")), (1.0, 0.2, 0.0), 1.0),
        (" Red ", (1, 0, 0), None),
    ],
)
def test_colours_that_hosts_write(value: Any, colour: tuple[float, ...], alpha: float | None) -> None:
    expected = {"colour": colour} | ({} if alpha is None else {"alpha": alpha})
    assert solid_values(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "orange",
        "#f80",  # melt 7.12 shows 000f80
        "0xff8000",  # melt 7.12 shows 00ff80, transparent
        "rgb(255,128,0)",
        (255, 128, 0),
        (0, 0, float("nan")),
        (1, 0),
        (("r", 1.0),),
        (("red", "x"), ("green", "0"), ("blue", "0")),
        (("red", "256"), ("green", "0"), ("blue", "0")),
        None,
        "",
        3,
    ],
)
def test_colours_that_cannot_be_read_are_not_black(value: Any) -> None:
    assert solid_values(value) is None
    assert generated("SolidColor", (("color", value),)) is None


def test_what_a_solid_is_told() -> None:
    def values(kind: str, **given: Any) -> dict[str, Any] | None:
        found = generated(kind, tuple(given.items()))
        return None if found is None else dict(found.values)

    red = {"colour": (1.0, 0.0, 0.0), "alpha": 1.0}
    assert values("SolidColor", Color="#ff0000") == red
    assert values("solid", colour=(1, 0, 0), alpha=0.5) == {**red, "alpha": 0.5}
    assert values("solid") == {"colour": (0, 0, 0), "alpha": 1}
    assert values("Slug", color="anything") == {"colour": (0, 0, 0), "alpha": 1}
    assert values("SolidColor") is None
    assert values("SolidColor", rgb=(1, 0, 0)) is None
    assert values("solid", colour=(1, 0, 0), alpha=7) is None


def test_a_hosts_gradient_is_not_ours() -> None:
    assert generated("gradient", (("angle", 90), ("note", "mine"))) is not None
    assert generated("Gradient", (("angle", 90),)) is not None
    assert generated("Gradient", (("angle", 90), ("startcolor", "red"))) is None
    assert generated("gradient", (("start", "red"),)) is None


def test_bars_of_no_standard_are_near() -> None:
    assert difference("Bars and Tone")
    assert not difference("SMPTEBars")
    assert not difference("bars")
    assert generated("Bars and Tone", ()) == generated("bars", ())
