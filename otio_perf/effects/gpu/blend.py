"""Blend modes as Taichi functions: ``f(below, above)``, both premultiplied."""

import taichi as ti


@ti.func
def over(below, above):
    return above + below * (1 - above[3])


BLENDS = {"over": over}
