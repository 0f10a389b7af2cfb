"""Colour, pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import stages
from otio_perf.effects.luma import MATRIX, luma, to_ycc, weights
from otio_perf.effects.parameters import Choice, Number, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View

_ONES = np.ones(3)
_NEUTRAL_KELVIN = 6500.0

#: One step of tint in distance from the curve of black bodies (CIE 1960 u, v): Adobe's DNG specification counts so.
_TINT_STEP = 1 / 3000

#: Linear light with BT.709 primaries from CIE XYZ (IEC 61966-2-1, equation 7).
_FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])

_DISPLAY_GAMMA = 2.4  # ITU-R BT.1886

#: 8-bit limited range: black, and codes from black to white.
_BLACK, _STEPS = 16.0, 219.0


def _exposure(picture: Picture, values: Values, view: View) -> Picture:
    result = picture.copy()
    result[..., :3] *= np.float32(2.0 ** values["stops"])
    return result


def _pack_exposure(values: Values, view: View) -> Packed:
    return np.array([2.0 ** values["stops"]], np.float32)


def _adjust(picture: Picture, values: Values, view: View) -> Picture:
    """Contrast and brightness (``(v − pivot) · contrast + pivot + brightness``), then gamma (``v ^ (1 / gamma)``), both of
    R', G', B' or of Y' alone; then Cb and Cr are turned by ``hue`` (from Cb towards Cr) and multiplied by ``saturation``.

    FFmpeg's ``hue`` is this with space=luma. Its ``eq`` too, with pivot (127.5 − 16) / 219 and its brightness · 255 / 219; its
    gamma is near, since it takes the power of code values.
    """
    matrix, by_luma = values["matrix"], values["space"] == "luma"
    colour = picture[..., :3]
    old = luma(picture, matrix) if by_luma else colour
    pivot = np.float32(values["pivot"])
    new = (old - pivot) * np.float32(values["contrast"]) + pivot + np.float32(values["brightness"])
    if values["gamma"] != 1:
        new = np.clip(new, np.float32(0), np.float32(stages.HEADROOM)) ** np.float32(1 / values["gamma"])
    graded = colour + (new - old)
    result = picture.copy()
    result[..., :3] = graded @ _chroma_turned(values).astype(np.float32).T
    return result


def _chroma_turned(values: Values) -> NDArray[np.float64]:
    """The matrix by which R'G'B' comes to other Cb and Cr."""
    angle = np.radians(values["hue"])
    cos, sin = np.cos(angle) * values["saturation"], np.sin(angle) * values["saturation"]
    to = to_ycc(values["matrix"])
    result: NDArray[np.float64] = np.linalg.inv(to) @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ to
    return result


def _pack_adjust(values: Values, view: View) -> Packed:
    """Which gamma (0 none, 1 of R'G'B', 2 of Y'), its exponent, three weights, the affine map before and the one after it."""
    weight = weights(values["matrix"])
    contrast, by_luma = values["contrast"], values["space"] == "luma"
    before = np.eye(3) + (contrast - 1) * np.outer(_ONES, weight) if by_luma else contrast * np.eye(3)
    constant = (values["pivot"] * (1 - contrast) + values["brightness"]) * _ONES
    after = _chroma_turned(values)
    if values["gamma"] == 1:
        before, constant, after = after @ before, after @ constant, np.eye(3)
        kind = 0
    else:
        kind = 2 if by_luma else 1
    head = np.array([kind, 1 / values["gamma"], *weight], np.float32)
    return np.concatenate([head, stages.affine(before, constant), stages.affine(after)])


def _white_balance(picture: Picture, values: Values, view: View) -> Picture:
    result = picture.copy()
    result[..., :3] *= white_balance_gains(values)
    return result


def white_balance_gains(values: Values) -> NDArray[np.float32]:
    """Gains of R', G', B' after which a grey that was lit by ``temperature`` and ``tint`` is grey.

    The light's chromaticity is that of a black body (Krystek 1985, Color Research & Application 10, CIE 1960 u, v), moved by
    ``tint / 3000`` at right angles to that curve, towards green. Gains are those between that light and one of 6500 K in
    linear BT.709 light, such that the luminance of white stays; since screens raise to 2.4 (BT.1886), a gain g of light is
    g ^ (1 / 2.4) of the signal.
    """
    gains = _light(_NEUTRAL_KELVIN, 0) / _light(values["temperature"], values["tint"])
    gains /= gains @ weights("bt709")
    return (gains ** (1 / _DISPLAY_GAMMA)).astype(np.float32)


def _light(kelvin: float, tint: float) -> NDArray[np.float64]:
    """Linear R, G, B of a light, the largest 1; never less than 0.01, so that no gain is beyond measure."""

    def black_body(t: float) -> NDArray[np.float64]:
        u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t)
        v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t)
        return np.array([u, v])

    along = black_body(kelvin + 1) - black_body(kelvin - 1)  # towards blue: u and v fall
    across = np.array([along[1], -along[0]]) / np.hypot(*along)  # towards green: v rises
    u, v = black_body(kelvin) + tint * _TINT_STEP * across
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
    rgb = _FROM_XYZ @ np.array([x / y, 1, (1 - x - y) / y])
    result: NDArray[np.float64] = np.maximum(rgb / rgb.max(), 0.01)
    return result


def _pack_white_balance(values: Values, view: View) -> Packed:
    return white_balance_gains(values)


def _invert(picture: Picture, values: Values, view: View) -> Picture:
    """``1 − c``, which is ``alpha − c`` of premultiplied colours."""
    result = picture.copy()
    result[..., :3] = picture[..., 3:] - picture[..., :3]
    return result


def _greyscale(picture: Picture, values: Values, view: View) -> Picture:
    """Y' without colour."""
    result = picture.copy()
    result[..., :3] = luma(picture, values["matrix"])
    return result


def _pack_greyscale(values: Values, view: View) -> Packed:
    return stages.affine(np.outer(_ONES, weights(values["matrix"])))


def _sepia(picture: Picture, values: Values, view: View) -> Picture:
    """Y' with one colour all over: what MLT's ``sepia`` does, whose ``u`` and ``v`` are 224 · cb + 128 and 224 · cr + 128."""
    result = picture.copy()
    result[..., :3] = luma(picture, values["matrix"]) + picture[..., 3:] * _tint(values).astype(np.float32)
    return result


def _tint(values: Values) -> NDArray[np.float64]:
    """What Cb and Cr add to R', G', B'."""
    result: NDArray[np.float64] = np.linalg.inv(to_ycc(values["matrix"])) @ np.array([0, values["cb"], values["cr"]])
    return result


def _pack_sepia(values: Values, view: View) -> Packed:
    return stages.affine(np.outer(_ONES, weights(values["matrix"])), _tint(values))


def _code_gain(picture: Picture, values: Values, view: View) -> Picture:
    """MLT's ``brightness``: 8-bit limited-range code values are multiplied, the foot of 16 included, and limited to 16 to 235
    (Cb and Cr around 128, to 16 to 240). With Y' = (code − 16) / 219 that is ``level · Y' + 16 · (level − 1) / 219``.

    MLT cuts fractions of a code off, here they stay: up to one code of 8 bits lies between the two.
    """
    level, matrix = np.float32(values["level"]), values["matrix"]
    to = to_ycc(matrix).astype(np.float32)
    ycc = picture[..., :3] @ to.T * level
    ycc[..., 0] = np.clip(ycc[..., 0] + np.float32(_foot(values)), 0, 1)
    ycc[..., 1:] = np.clip(ycc[..., 1:], -0.5, 0.5)
    result = picture.copy()
    result[..., :3] = ycc @ np.linalg.inv(to_ycc(matrix)).astype(np.float32).T
    return result


def _foot(values: Values) -> float:
    foot: float = _BLACK * (values["level"] - 1) / _STEPS
    return foot


def _pack_code_gain(values: Values, view: View) -> Packed:
    """To Y'CbCr, level and foot multiplied in; and back."""
    to = to_ycc(values["matrix"])
    return np.concatenate(
        [stages.affine(to * values["level"], np.array([_foot(values), 0, 0])), stages.affine(np.linalg.inv(to))]
    )


_ADJUST = (
    Number(name="brightness", default=0, least=-10, most=10, usual=(-0.3, 0.3), help="Added; 1 is from black to white"),
    Number(name="contrast", default=1, least=-10, most=100, usual=(0.5, 2), help="Multiplies the distance from the pivot"),
    Number(name="pivot", default=0.5, least=-1, most=2, usual=(0.3, 0.7), help="What contrast leaves as it is"),
    Number(name="gamma", default=1, least=0.1, most=10, usual=(0.5, 2), help="Above 1 lifts the middle tones"),
    Number(name="saturation", default=1, least=-10, most=10, usual=(0, 2), help="0 is grey"),
    Number(name="hue", default=0, least=-36000, most=36000, usual=(-180, 180), unit="degrees", help="Turns Cb towards Cr"),
    Choice(
        name="space",
        default="rgb",
        options=("rgb", "luma"),
        help="What brightness, contrast and gamma change: R', G' and B', or Y' alone",
    ),
    MATRIX,
)


def _is_default(given: Mapping[str, Any], *, but: tuple[str, ...]) -> bool:
    return all(given[p.name] == p.default for p in _ADJUST if p.name not in but)


EFFECTS = (
    Effect(
        name="exposure",
        title="Exposure",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.PREMULTIPLIED,  # a gain is the same on both
        parameters=(Number(name="stops", default=0, least=-20, most=20, usual=(-3, 3), unit="stops", help="One stop doubles"),),
        reference=_exposure,
        pack=_pack_exposure,
        is_identity=lambda values: values["stops"] == 0,
    ),
    Effect(
        name="adjust",
        title="Brightness, contrast, gamma, saturation, hue",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=_ADJUST,
        reference=_adjust,
        pack=_pack_adjust,
        cost=1.1,
        cost_of=lambda v: 1.1 if v["gamma"] == 1 else 3.7,
        is_identity=lambda values: _is_default(values, but=("pivot", "space", "matrix")),
    ),
    Effect(
        name="white_balance",
        title="White balance",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(
                name="temperature",
                default=_NEUTRAL_KELVIN,
                least=2000,
                most=15000,
                usual=(3000, 9000),
                unit="K",
                help="Of the light in which it was shot: more makes the picture warmer",
            ),
            Number(
                name="tint", default=0, least=-150, most=150, usual=(-50, 50), help="How green the light was: more is magenta"
            ),
        ),
        reference=_white_balance,
        pack=_pack_white_balance,
        cost=1.0,
        is_identity=lambda values: values["temperature"] == _NEUTRAL_KELVIN and values["tint"] == 0,
    ),
    Effect(
        name="invert",
        title="Invert",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(),
        reference=_invert,
        pack=lambda values, view: stages.affine(-np.eye(3), 1.0),
        cost=1.0,
    ),
    Effect(
        name="greyscale",
        title="Greyscale",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(MATRIX,),
        reference=_greyscale,
        pack=_pack_greyscale,
        cost=1.0,
    ),
    Effect(
        name="sepia",
        title="Sepia",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Number(name="cb", default=-53 / 224, least=-0.5, most=0.5, usual=(-0.3, 0.3)),
            Number(name="cr", default=22 / 224, least=-0.5, most=0.5, usual=(-0.3, 0.3)),
            MATRIX,
        ),
        reference=_sepia,
        pack=_pack_sepia,
        cost=1.0,
    ),
    Effect(
        name="code_gain",
        title="Brightness of code values (MLT)",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=(Number(name="level", default=1, least=0, most=100, usual=(0, 2), help="1 leaves it as it is"), MATRIX),
        reference=_code_gain,
        pack=_pack_code_gain,
        cost=2.1,
        is_identity=lambda values: values["level"] == 1,
    ),
)
