"""Blend modes: how a layer is put on what is below.

All premultiplied; formulas: W3C, Compositing and Blending Level 1 (https://www.w3.org/TR/compositing-1/), sections 5 and 10.1.
With straight colours ``b`` (below) and ``a`` (above), their alphas ``β`` and ``α``, and a mode ``B``::

    colour = (1 − β) · α · a + (1 − α) · β · b + α · β · B(b, a)        alpha = α + β − α · β

Colours below 0 and above 1 are kept by the modes that are sums, products and choices. ``screen`` takes the lighter of two
colours where one is beyond 1 (the formula would turn around); the others, defined for 0 to 1 only, clamp what they are given.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from otio_perf.effects.registry import Blend, Picture

_Mode = Callable[[Picture, Picture], Picture]
"""``B(b, a)``: straight colours below and above; their mix."""

_ONE = np.float32(1)


def _over(below: Picture, above: Picture) -> Picture:
    """Porter and Duff 1984: ``above + below · (1 − alpha above)``."""
    result: Picture = above + below * (_ONE - above[..., 3:])
    return result


def _with(mode: _Mode) -> Callable[[Picture, Picture], Picture]:
    def reference(below: Picture, above: Picture) -> Picture:
        beta, alpha = below[..., 3:], above[..., 3:]
        mixed = mode(_straight(below), _straight(above))
        result = _over(below, above)
        result[..., :3] = (_ONE - beta) * above[..., :3] + (_ONE - alpha) * below[..., :3] + alpha * beta * mixed
        return result

    return reference


def _straight(picture: Picture) -> Picture:
    alpha = picture[..., 3:]
    straight: Picture = np.divide(picture[..., :3], alpha, out=np.zeros_like(picture[..., :3]), where=alpha > 0)
    return straight


def _clamped(mode: _Mode) -> _Mode:
    return lambda b, a: mode(np.clip(b, 0, 1), np.clip(a, 0, 1))


def _add(b: Picture, a: Picture) -> Picture:
    """Editors' "add" or "linear dodge": with both alphas it comes to the sum of the premultiplied colours."""
    return b + a


def _multiply(b: Picture, a: Picture) -> Picture:
    return b * a


def _screen(b: Picture, a: Picture) -> Picture:
    return np.where((b <= 1) & (a <= 1), b + a - b * a, np.maximum(b, a))


def _hard_light(b: Picture, a: Picture) -> Picture:
    return np.where(a <= 0.5, b * (2 * a), b + (2 * a - 1) - b * (2 * a - 1))


def _overlay(b: Picture, a: Picture) -> Picture:
    return _hard_light(a, b)


def _soft_light(b: Picture, a: Picture) -> Picture:
    lifted = np.where(b <= 0.25, ((16 * b - 12) * b + 4) * b, np.sqrt(b))
    return np.where(a <= 0.5, b - (1 - 2 * a) * b * (1 - b), b + (2 * a - 1) * (lifted - b))


def _difference(b: Picture, a: Picture) -> Picture:
    distance: Picture = np.abs(b - a)
    return distance


def _color_dodge(b: Picture, a: Picture) -> Picture:
    """Black below stays black; otherwise white above makes white."""
    light = np.minimum(b, 1 - a)
    quotient = np.divide(light, 1 - a, out=np.ones_like(b), where=a < 1)
    return np.where(b == 0, 0, quotient)


def _color_burn(b: Picture, a: Picture) -> Picture:
    """White below stays white; otherwise black above makes black."""
    dark = np.minimum(1 - b, a)
    quotient = np.divide(dark, a, out=np.ones_like(b), where=a > 0)
    return np.where(b == 1, 1, 1 - quotient)


EFFECTS = (
    Blend(name="over", title="Normal", reference=_over, cost=1.5),
    Blend(name="add", title="Add", reference=_with(_add), cost=1.5),
    Blend(name="multiply", title="Multiply", reference=_with(_multiply), cost=2.0),
    Blend(name="screen", title="Screen", reference=_with(_screen), cost=3.2),
    Blend(name="overlay", title="Overlay", reference=_with(_clamped(_overlay)), cost=5.0),
    Blend(name="soft_light", title="Soft light", reference=_with(_clamped(_soft_light)), cost=6.9),
    Blend(name="hard_light", title="Hard light", reference=_with(_clamped(_hard_light)), cost=4.7),
    Blend(name="darken", title="Darken", reference=_with(np.minimum), cost=2.4),
    Blend(name="lighten", title="Lighten", reference=_with(np.maximum), cost=2.4),
    Blend(name="difference", title="Difference", reference=_with(_difference), cost=2.3),
    Blend(name="color_dodge", title="Colour dodge", reference=_with(_clamped(_color_dodge)), cost=5.1),
    Blend(name="color_burn", title="Colour burn", reference=_with(_clamped(_color_burn)), cost=5.0),
)
