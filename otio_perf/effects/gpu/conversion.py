"""Colour spaces as a Taichi kernel, by the same tables as the processor's. Defined by ``effects.conversion``."""

# No "from __future__ import annotations" in modules of kernels: Taichi reads the annotations as they stand.
from typing import Any

import taichi as ti

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
from otio_perf.effects.gpu.kernels import NUMBERS, PIXELS
from otio_perf.effects.gpu.memory import empty, kept

_BY_VALUE = VALUE_STEPS / MOST_VALUE
_BELOW, _STEP = (1 << BITS_BELOW_STEP) - 1, 2.0**-BITS_BELOW_STEP
_MATRIX = ti.types.ndarray(dtype=ti.f32, ndim=2)


def converted(pixels: Any, conversion: Conversion) -> Any:
    """As ``effects.conversion.converted``, on the device."""
    t = tables(conversion)
    height, width = pixels.shape
    target = empty(width, height)
    numbers = t.lights, t.gain_before, t.before, t.matrix, t.gain_tone, t.gain_after, t.after, t.values
    _convert(pixels, target, *map(kept, numbers))
    return target


@ti.func
def _light(value: ti.f32, lights: ti.template(), steps: ti.i32) -> ti.f32:  # type: ignore[valid-type]
    light = ti.min(ti.abs(value), ti.f32(MOST_LIGHT))
    if steps > 1:
        at = ti.min(ti.abs(value) * _BY_VALUE, VALUE_STEPS - 0.001)
        first = ti.i32(at)
        light = lights[first] + (at - first) * (lights[first + 1] - lights[first])
    return ti.select(value < 0, -light, light)


@ti.func
def _by_light(light: ti.f32, table: ti.template()) -> ti.f32:  # type: ignore[valid-type]
    bits = ti.min(ti.max(ti.bit_cast(light, ti.i32), LEAST_BITS), MOST_BITS - 1) - LEAST_BITS
    first = bits >> BITS_BELOW_STEP
    return table[first] + ti.f32(bits & _BELOW) * _STEP * (table[first + 1] - table[first])


@ti.func
def _value(light: ti.f32, values: ti.template()) -> ti.f32:  # type: ignore[valid-type]
    value = _by_light(ti.abs(light), values)
    return ti.select(light < 0, -value, value)


@ti.kernel
def _convert(
    source: PIXELS,
    target: PIXELS,
    lights: NUMBERS,
    gain_before: NUMBERS,
    before: NUMBERS,
    matrix: _MATRIX,
    gain_tone: NUMBERS,
    gain_after: NUMBERS,
    after: NUMBERS,
    values: NUMBERS,
):
    for y, x in source:
        pixel = source[y, x]
        a = pixel[3]
        part = 0.0
        if a > 0:
            part = 1 / a
        c = ti.Vector([0.0, 0.0, 0.0])
        for i in ti.static(range(3)):
            c[i] = _light(pixel[i] * part, lights, lights.shape[0])
        if gain_before.shape[0] > 1:
            c *= _by_light(ti.max(before[0] * c[0] + before[1] * c[1] + before[2] * c[2], 0.0), gain_before)
        d = ti.Vector([0.0, 0.0, 0.0])
        for i in ti.static(range(3)):
            d[i] = matrix[i, 0] * c[0] + matrix[i, 1] * c[1] + matrix[i, 2] * c[2]
        if gain_tone.shape[0] > 1:
            most = ti.max(d[0], d[1], d[2], 0.0)
            d *= _by_light(most, gain_tone) * (TABLE_LIGHT / ti.max(most, TABLE_LIGHT))
        if gain_after.shape[0] > 1:
            d *= _by_light(ti.max(after[0] * d[0] + after[1] * d[1] + after[2] * d[2], 0.0), gain_after)
        for i in ti.static(range(3)):
            pixel[i] = _value(d[i], values) * a
        target[y, x] = pixel
