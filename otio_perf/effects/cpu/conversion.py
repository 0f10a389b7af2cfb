"""Colour spaces by numba: curves are looked up, a matrix, gains where there are any. Defined by ``effects.conversion``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.conversion import (
    BITS_BELOW_STEP,
    LEAST_BITS,
    MOST_BITS,
    MOST_LIGHT,
    MOST_VALUE,
    TABLE_LIGHT,
    VALUE_STEPS,
    Conversion,
    tables,
)
from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.registry import Picture

Line = NDArray[np.float32]
_ZERO, _ONE = np.float32(0), np.float32(1)
_BY_VALUE = np.float32(VALUE_STEPS / MOST_VALUE)
_LAST_VALUE = np.float32(VALUE_STEPS - 0.001)
_LEAST_BITS, _LAST_BITS = np.int32(LEAST_BITS), np.int32(MOST_BITS - 1)
_SHIFT, _BELOW, _STEP = np.int32(BITS_BELOW_STEP), np.int32((1 << BITS_BELOW_STEP) - 1), np.float32(2.0**-BITS_BELOW_STEP)
_MOST_LIGHT, _TABLE_LIGHT = np.float32(MOST_LIGHT), np.float32(TABLE_LIGHT)


def converted(picture: Picture, conversion: Conversion, *, is_opaque: bool) -> Picture:
    """As ``effects.conversion.converted``."""
    t = tables(conversion)
    result = np.empty_like(picture)
    _convert(
        picture, result, is_opaque, t.lights, t.gain_before, t.before, t.matrix, t.gain_tone, t.gain_after, t.after, t.values
    )
    return result


@compiled
def _light(value: np.float32, lights: Line) -> np.float32:
    size = abs(value)
    if len(lights) == 1:
        light: np.float32 = min(size, _MOST_LIGHT)
    else:
        at = min(size * _BY_VALUE, _LAST_VALUE)
        first = np.int32(at)
        light = lights[first] + (at - np.float32(first)) * (lights[first + 1] - lights[first])
    return light if value >= _ZERO else -light


@compiled
def _by_light(light: np.float32, table: Line) -> np.float32:
    bits = min(max(np.float32(light).view(np.int32), _LEAST_BITS), _LAST_BITS) - _LEAST_BITS
    first = bits >> _SHIFT
    found: np.float32 = table[first] + np.float32(bits & _BELOW) * _STEP * (table[first + 1] - table[first])
    return found


@compiled
def _value(light: np.float32, values: Line) -> np.float32:
    value = _by_light(abs(light), values)
    return value if light >= _ZERO else -value


@compiled
def _convert(
    picture: Picture,
    result: Picture,
    is_opaque: bool,
    lights: Line,
    gain_before: Line,
    before: Line,
    matrix: NDArray[np.float32],
    gain_tone: Line,
    gain_after: Line,
    after: Line,
    values: Line,
) -> None:
    height, width = picture.shape[:2]
    for y in range(height):
        for x in range(width):
            a = picture[y, x, 3]
            part = _ONE
            if not is_opaque:
                part = _ONE / a if a > _ZERO else _ZERO
            r = _light(picture[y, x, 0] * part, lights)
            g = _light(picture[y, x, 1] * part, lights)
            b = _light(picture[y, x, 2] * part, lights)
            if len(gain_before) > 1:
                gain = _by_light(max(before[0] * r + before[1] * g + before[2] * b, _ZERO), gain_before)
                r, g, b = r * gain, g * gain, b * gain
            r, g, b = (
                matrix[0, 0] * r + matrix[0, 1] * g + matrix[0, 2] * b,
                matrix[1, 0] * r + matrix[1, 1] * g + matrix[1, 2] * b,
                matrix[2, 0] * r + matrix[2, 1] * g + matrix[2, 2] * b,
            )
            if len(gain_tone) > 1:
                most = max(r, g, b, _ZERO)
                gain = _by_light(most, gain_tone) * (_TABLE_LIGHT / max(most, _TABLE_LIGHT))
                r, g, b = r * gain, g * gain, b * gain
            if len(gain_after) > 1:
                gain = _by_light(max(after[0] * r + after[1] * g + after[2] * b, _ZERO), gain_after)
                r, g, b = r * gain, g * gain, b * gain
            share = _ONE if is_opaque else a
            result[y, x, 0] = _value(r, values) * share
            result[y, x, 1] = _value(g, values) * share
            result[y, x, 2] = _value(b, values) * share
            result[y, x, 3] = a
