"""Blend modes as Taichi functions: ``f(below, above)``, both premultiplied. Formulas: ``effects/blend.py``."""

from collections.abc import Callable
from typing import Any

import taichi as ti


@ti.func
def over(below, above):
    return above + below * (1 - above[3])


@ti.func
def add(below, above):
    c = below + above
    c[3] = above[3] + below[3] * (1 - above[3])
    return c


@ti.func
def _straight(c):
    scale = 0.0
    if c[3] > 0:
        scale = 1 / c[3]
    return ti.Vector([c[0], c[1], c[2]]) * scale


@ti.func
def _clamped(v):
    return ti.min(ti.max(v, 0.0), 1.0)


# Modes: functions of one straight colour below and one above.


@ti.func
def _multiply(b, a):
    return b * a


@ti.func
def _screen(b, a):
    return ti.select(b <= 1 and a <= 1, b + a - b * a, ti.max(b, a))


@ti.func
def _hard_light(below, above):
    b, a = _clamped(below), _clamped(above)
    twice = 2 * a - 1
    return ti.select(a <= 0.5, b * (2 * a), b + twice - b * twice)


@ti.func
def _overlay(b, a):
    return _hard_light(a, b)


@ti.func
def _soft_light(below, above):
    b, a = _clamped(below), _clamped(above)
    lifted = ti.select(b <= 0.25, ((16 * b - 12) * b + 4) * b, ti.sqrt(b))
    twice = 2 * a - 1
    return ti.select(a <= 0.5, b + twice * b * (1 - b), b + twice * (lifted - b))


@ti.func
def _darken(b, a):
    return ti.min(b, a)


@ti.func
def _lighten(b, a):
    return ti.max(b, a)


@ti.func
def _difference(b, a):
    return ti.abs(b - a)


@ti.func
def _color_dodge(below, above):
    b, a = _clamped(below), _clamped(above)
    light = 1.0
    if a < 1:
        light = ti.min(b, 1 - a) / (1 - a)
    return ti.select(b > 0, light, 0.0)


@ti.func
def _color_burn(below, above):
    b, a = _clamped(below), _clamped(above)
    dark = 1.0
    if a > 0:
        dark = ti.min(1 - b, a) / a
    return ti.select(b < 1, 1 - dark, 1.0)


def _with(mode: Any) -> Callable[..., Any]:
    @ti.func
    def blend(below, above):
        b, a = _straight(below), _straight(above)
        result = over(below, above)
        both = above[3] * below[3]
        for c in ti.static(range(3)):
            result[c] = (1 - below[3]) * above[c] + (1 - above[3]) * below[c] + both * mode(b[c], a[c])
        return result

    return blend


BLENDS = {
    "over": over,
    "add": add,
    "multiply": _with(_multiply),
    "screen": _with(_screen),
    "overlay": _with(_overlay),
    "soft_light": _with(_soft_light),
    "hard_light": _with(_hard_light),
    "darken": _with(_darken),
    "lighten": _with(_lighten),
    "difference": _with(_difference),
    "color_dodge": _with(_color_dodge),
    "color_burn": _with(_color_burn),
}
