"""Blend modes by numba: one pass, the layer's opacity multiplied in on the way. Formulas: ``effects/blend.py``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba.extending import register_jitable

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Picture

_ZERO, _ONE, _HALF, _TWO = np.float32(0), np.float32(1), np.float32(0.5), np.float32(2)
_QUARTER, _FOUR, _TWELVE, _SIXTEEN = np.float32(0.25), np.float32(4), np.float32(12), np.float32(16)

_Fast = Callable[[Picture, Picture, float, bool], Picture]
"""``f(below, above, opacity, is_opaque)``: whether both pictures are."""


@compiled
def _over(below: Picture, above: Picture, opacity: np.float32, result: Picture) -> None:
    for y in range(below.shape[0]):
        for x in range(below.shape[1]):
            rest = _ONE - above[y, x, 3] * opacity
            for c in range(4):
                result[y, x, c] = above[y, x, c] * opacity + below[y, x, c] * rest


def over(below: Picture, above: Picture, opacity: float, is_opaque: bool) -> Picture:
    result = np.empty_like(below)
    _over(below, above, np.float32(opacity), result)
    return result


@compiled
def _add(below: Picture, above: Picture, opacity: np.float32, result: Picture) -> None:
    for y in range(below.shape[0]):
        for x in range(below.shape[1]):
            for c in range(3):
                result[y, x, c] = below[y, x, c] + above[y, x, c] * opacity
            alpha = above[y, x, 3] * opacity
            result[y, x, 3] = alpha + below[y, x, 3] * (_ONE - alpha)


def add(below: Picture, above: Picture, opacity: float, is_opaque: bool) -> Picture:
    result = np.empty_like(below)
    _add(below, above, np.float32(opacity), result)
    return result


# Modes as plain functions of a straight colour below and one above. A kernel is compiled for each, kept on the disk.


@register_jitable
def _multiply(b, a):  # type: ignore[no-untyped-def]
    return b * a


@register_jitable
def _screen(b, a):  # type: ignore[no-untyped-def]
    return b + a - b * a if b <= _ONE and a <= _ONE else max(b, a)


@register_jitable
def _clamped(v):  # type: ignore[no-untyped-def]
    return min(max(v, _ZERO), _ONE)


@register_jitable
def _hard_light(b, a):  # type: ignore[no-untyped-def]
    b, a = _clamped(b), _clamped(a)
    twice = _TWO * a - _ONE
    dark, light = b * (_TWO * a), b + twice - b * twice
    return dark if a <= _HALF else light


@register_jitable
def _overlay(b, a):  # type: ignore[no-untyped-def]
    return _hard_light(a, b)


@register_jitable
def _soft_light(b, a):  # type: ignore[no-untyped-def]
    b, a = _clamped(b), _clamped(a)
    low, high = ((_SIXTEEN * b - _TWELVE) * b + _FOUR) * b, np.sqrt(b)
    lifted = low if b <= _QUARTER else high
    change = b * (_ONE - b) if a <= _HALF else lifted - b
    return b + (_TWO * a - _ONE) * change


@register_jitable
def _darken(b, a):  # type: ignore[no-untyped-def]
    return min(b, a)


@register_jitable
def _lighten(b, a):  # type: ignore[no-untyped-def]
    return max(b, a)


@register_jitable
def _difference(b, a):  # type: ignore[no-untyped-def]
    return abs(b - a)


@register_jitable
def _color_dodge(b, a):  # type: ignore[no-untyped-def]
    b, a = _clamped(b), _clamped(a)
    rest = _ONE - a
    light = min(b, rest) / rest if rest > _ZERO else _ONE
    return light if b > _ZERO else _ZERO


@register_jitable
def _color_burn(b, a):  # type: ignore[no-untyped-def]
    b, a = _clamped(b), _clamped(a)
    dark = min(_ONE - b, a) / a if a > _ZERO else _ONE
    return _ONE - dark if b < _ONE else _ONE


def _with(mode: Callable[..., object]) -> _Fast:
    leaves_one = mode(_ONE, _ONE) == _ONE

    @compiled
    def kernel(below: Picture, above: Picture, opacity: np.float32, result: Picture) -> None:
        for y in range(below.shape[0]):
            for x in range(below.shape[1]):
                beta, alpha = below[y, x, 3], above[y, x, 3]
                of_below = _ONE / beta if beta > _ZERO else _ZERO
                of_above = _ONE / alpha if alpha > _ZERO else _ZERO
                shown = alpha * opacity
                for c in range(3):
                    b, a = below[y, x, c], above[y, x, c]
                    mixed = mode(b * of_below, a * of_above)
                    result[y, x, c] = (_ONE - beta) * (a * opacity) + (_ONE - shown) * b + shown * beta * mixed
                result[y, x, 3] = shown + beta * (_ONE - shown)

    @compiled
    def opaque(below: Picture, above: Picture, opacity: np.float32, result: Picture) -> None:
        """Nothing to divide by: number by number, alpha too, of which most modes make 1 as well."""
        shares = np.array([opacity, opacity, opacity, _ZERO], np.float32)
        for y in range(below.shape[0]):
            under, over_it, row = below[y].reshape(-1), above[y].reshape(-1), result[y].reshape(-1)
            if leaves_one:
                for i in range(row.size):
                    row[i] = under[i] + (mode(under[i], over_it[i]) - under[i]) * opacity
            else:
                for x in range(below.shape[1]):
                    for c in range(4):
                        i = 4 * x + c
                        row[i] = under[i] + (mode(under[i], over_it[i]) - under[i]) * shares[c]

    def blend(below: Picture, above: Picture, opacity: float, is_opaque: bool) -> Picture:
        result = np.empty_like(below)
        (opaque if is_opaque else kernel)(below, above, np.float32(opacity), result)
        return result

    return blend


BLENDS: dict[str, _Fast] = {
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
