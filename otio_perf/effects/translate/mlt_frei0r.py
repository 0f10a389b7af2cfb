"""frei0r's filters as MLT writes them: ``frei0r.NAME``, parameters by their names or by their numbers."""

from __future__ import annotations

import math
from typing import Any

from otio_perf.effects.translate.answers import Asked, Row, UntranslatableError, approximate, effect, exact
from otio_perf.effects.translate.mlt_values import number, text
from otio_perf.model.frames import Translated

_STEPS = "frei0r works in 8 bits of R'G'B'"


def _parameter(asked: Asked, name: str, index: int, default: float) -> float:
    """Kdenlive writes names, Shotcut numbers."""
    return number(asked, str(index) if text(asked, str(index)) else name, default)


def _is_on(asked: Asked, name: str, index: int, default: bool = False) -> bool:
    return _parameter(asked, name, index, float(default)) > 0.5


def _brightness(asked: Asked) -> Translated:
    """Below a half it multiplies, above it mixes with white."""
    amount = 2 * _parameter(asked, "Brightness", 0, 0.5) - 1
    if amount < 0:
        return approximate(_STEPS, effect("levels", white_out=(1 + amount,) * 3))
    return approximate(_STEPS, effect("levels", black_out=(amount,) * 3))


def _contrast(asked: Asked) -> Translated:
    amount = 2 * _parameter(asked, "Contrast", 0, 0.5) - 1
    contrast = 1 + amount if amount < 0 else 1 / max(1 - amount, 1 / 64)
    return approximate(_STEPS, effect("adjust", contrast=contrast, pivot=128 / 255))


def _saturation(asked: Asked) -> Translated:
    return approximate(_STEPS, effect("adjust", saturation=8 * _parameter(asked, "Saturation", 0, 1 / 8), matrix="smpte170m"))


def _hue(asked: Asked) -> Translated:
    turn = 360 * _parameter(asked, "Hue", 0, 0)
    return approximate(f"its turn is one of R'G'B'; {_STEPS}", effect("adjust", hue=turn))


def _invert(asked: Asked) -> Translated:
    return exact(effect("invert"))


_LEVELS = ("Input black level", "Input white level", "Gamma", "Black output", "White output")


def _levels(asked: Asked) -> Translated:
    if _is_on(asked, "Show histogram", 6, default=True):
        raise UntranslatableError("it draws its histogram into the picture")
    channel = round(10 * _parameter(asked, "Channel", 0, 0.3))
    if channel not in range(4):
        raise UntranslatableError(f"Channel is {channel / 10:g}")
    defaults = {"black_in": 0.0, "white_in": 1.0, "gamma": 1.0, "black_out": 0.0, "white_out": 1.0}
    values: dict[str, Any] = {}
    for index, (ours, name) in enumerate(zip(defaults, _LEVELS, strict=True), 1):
        value = _parameter(asked, name, index, 0.25 if ours == "gamma" else defaults[ours])
        value *= 4 if ours == "gamma" else 1
        values[ours] = tuple(value if channel in (one, 3) else defaults[ours] for one in range(3))
    return approximate(_STEPS, effect("levels", **values))


def _sharpness(asked: Asked) -> Translated:
    """MPlayer's ``unsharp``, as FFmpeg has it: the matrix of n × n has a variance of (n − 1) / 4."""
    amount = 5 * _parameter(asked, "Amount", 0, 0.3) - 1.5
    size = 3 + 8 * _parameter(asked, "Size", 1, 0)
    size = 2 * int(size / 2) + 1
    if abs(amount) < 1e-6:
        return exact()
    why = f"it sharpens luma only; {_STEPS}"
    if size == 3:
        return approximate(why, effect("sharpen", amount=amount))
    return approximate(why, effect("unsharp", sigma=math.sqrt(size - 1) / 2, amount=amount, quality="exact"))


def _square_blur(asked: Asked) -> Translated:
    size = _parameter(asked, "Kernel size", 0, 0)
    radius = float(int(max(asked.canvas) / 2 * size))
    return approximate("its kernel gets smaller towards the edges", effect("box_blur", radius=radius, edges="clamp"))


def _flip(asked: Asked) -> Translated:
    vertical = _is_on(asked, "Y axis", 1)
    flipped = effect("flip", horizontal=_is_on(asked, "X axis", 0), vertical=vertical)
    return approximate("frei0r 1.8 shifts what it turns upside down by a pixel", flipped) if vertical else exact(flipped)


def _transparency(asked: Asked) -> Translated:
    return exact(opacity=min(1.0, max(0.0, _parameter(asked, "Transparency", 0, 1))))


_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
_CORNER_NAMES = tuple(f"Corner {n} {axis}" for n in (1, 2, 3, 4) for axis in "XY")
#: Of these the first and the last have to be as they are, and the second; the others say how edges are drawn.
_OF_CORNERS: tuple[str, ...] = ("Enable Stretch", "Transparent Background", "Alpha operation")
_OF_CORNERS += ("Stretch X", "Stretch Y", "Interpolator", "Feather Alpha")


def _corners(asked: Asked) -> Translated:
    """From −1 to 2 widths and heights; a third is 0."""
    if _is_on(asked, "Enable Stretch", 8) or not _is_on(asked, "Transparent Background", 12):
        raise UntranslatableError("it is stretched, or black around")
    if _parameter(asked, "Alpha operation", 14, 0):
        raise UntranslatableError("it does more with alpha than to write it")
    values: dict[str, tuple[float, ...]] = {}
    for place, corner in enumerate(_CORNERS):
        stands = (float("right" in corner), float("bottom" in corner))
        numbers = (2 * place, 2 * place + 1)
        at = [3 * _parameter(asked, _CORNER_NAMES[n], n, (1 + s) / 3) - 1 for n, s in zip(numbers, stands, strict=True)]
        values[corner] = tuple((a - b) * size for a, b, size in zip(at, stands, asked.canvas, strict=True))
    (a, b), (c, d), (e, f), (g, h) = values.values()
    if math.hypot(a - c + e - g, b - d + f - h) > 1:
        raise UntranslatableError("it bends the picture, and not as in perspective")
    return approximate("its edges and its interpolation are its own", effect("corner_pin", interpolation="bilinear", **values))


#: By name, with the parameters that its row looks at; numbers stand for names everywhere.
ROWS: dict[str, tuple[Row, tuple[str, ...]]] = {
    "brightness": (_brightness, ("Brightness",)),
    "c0rners": (_corners, (*_CORNER_NAMES, *_OF_CORNERS)),
    "contrast0r": (_contrast, ("Contrast",)),
    "flippo": (_flip, ("X axis", "Y axis")),
    "hueshift0r": (_hue, ("Hue",)),
    "invert0r": (_invert, ()),
    "levels": (_levels, ("Channel", *_LEVELS, "Show histogram", "Histogram position")),
    "saturat0r": (_saturation, ("Saturation",)),
    "sharpness": (_sharpness, ("Amount", "Size")),
    "squareblur": (_square_blur, ("Kernel size",)),
    "transparency": (_transparency, ("Transparency",)),
}
