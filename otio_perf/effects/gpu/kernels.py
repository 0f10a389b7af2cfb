"""Kernels made of the functions of the families: one for each sequence of effects, each blend mode and each transition."""

# No "from __future__ import annotations" in modules of kernels: Taichi reads the annotations as they stand.
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import taichi as ti

from otio_perf.effects.engine import FAMILIES

#: A picture on the device.
PIXELS = ti.types.ndarray(dtype=ti.math.vec4, ndim=2)
NUMBERS = ti.types.ndarray(dtype=ti.f32, ndim=1)


@cache
def table(name: str) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for family in FAMILIES:
        found |= getattr(import_module(f"otio_perf.effects.gpu.{family}"), name, {})
    return found


@cache
def chain(names: tuple[str, ...], places: tuple[int, ...]) -> Any:
    """The kernel that does the effects ``names``, whose numbers begin at ``places``, in one pass."""
    functions = [table("POINTS")[name] for name in names]

    @ti.kernel
    def pass_over(source: PIXELS, target: PIXELS, packed: NUMBERS):
        for y, x in source:
            c = source[y, x]
            for i in ti.static(range(len(functions))):
                c = ti.static(functions[i])(c, packed, ti.static(places[i]), x, y)
            target[y, x] = c

    return pass_over


@cache
def blend(name: str) -> Any:
    function = table("BLENDS")[name]

    @ti.kernel
    def pass_over(below: PIXELS, above: PIXELS, opacity: ti.f32, target: PIXELS):
        for y, x in below:
            target[y, x] = function(below[y, x], above[y, x] * opacity)

    return pass_over


@cache
def mix(name: str) -> Any:
    function = table("MIXES")[name]

    @ti.kernel
    def pass_over(outgoing: PIXELS, incoming: PIXELS, packed: NUMBERS, target: PIXELS):
        for y, x in outgoing:
            target[y, x] = function(outgoing, incoming, packed, x, y, outgoing.shape[1], outgoing.shape[0])

    return pass_over
