"""Keys as Taichi functions: ``f(c, packed, at, x, y)``, ``packed[at]`` being the first of the effect's numbers."""

import taichi as ti

from otio_perf.effects.key import CB_SPAN, CR_SPAN, LUMA, SPILL_TANGENT

RED, GREEN, BLUE = LUMA


@ti.func
def chroma_key(c, packed: ti.template(), at, x, y):
    luma = RED * c[0] + GREEN * c[1] + BLUE * c[2]
    cb, cr = (c[2] - luma) / CB_SPAN, (c[0] - luma) / CR_SPAN
    from_cb, from_cr = cb - packed[at], cr - packed[at + 1]
    distance = ti.sqrt((from_cb * from_cb + from_cr * from_cr) * 0.5)
    matte = ti.min(ti.max((distance - packed[at + 2]) * packed[at + 3], 0.0), 1.0)
    hue_cb, hue_cr = packed[at + 4], packed[at + 5]
    along, across = cb * hue_cb + cr * hue_cr, cr * hue_cb - cb * hue_cr
    excess = ti.max(along - ti.abs(across) / SPILL_TANGENT, 0.0) * packed[at + 6]
    less_red, less_blue = excess * hue_cr * CR_SPAN, excess * hue_cb * CB_SPAN
    return ti.Vector(
        [c[0] - less_red, c[1] + (less_red * RED + less_blue * BLUE) / GREEN, c[2] - less_blue, c[3] * matte],
    )


@ti.func
def luma_key(c, packed: ti.template(), at, x, y):
    luma = RED * c[0] + GREEN * c[1] + BLUE * c[2]
    matte = ti.min(ti.max(luma * packed[at] + packed[at + 1], 0.0), 1.0)
    return ti.Vector([c[0], c[1], c[2], c[3] * matte])


POINTS = {"chroma_key": chroma_key, "luma_key": luma_key}
