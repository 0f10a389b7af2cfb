"""Lookup tables as Taichi functions. ``packed`` as ``effects.lut.numbers`` makes it."""

import taichi as ti

_HEAD = 16


@ti.func
def place(v, packed: ti.template(), at, size):
    """Where a value lies in a table: ``at`` is the place of its channel's low end."""
    return ti.min(ti.max((v - packed[at]) * packed[at + 3], 0.0), ti.cast(size - 1, ti.f32))


@ti.func
def along(c, packed: ti.template(), at, size):
    result = c
    for i in ti.static(range(3)):
        p = place(c[i], packed, at + 3 + i, size)
        entry = ti.min(ti.cast(p, ti.i32), size - 2)
        o = at + _HEAD + 4 * entry + i
        result[i] = packed[o] + (packed[o + 4] - packed[o]) * (p - ti.cast(entry, ti.f32))
    return result


@ti.func
def within(c, packed: ti.template(), at, start, size):
    result = c
    r, g, b = place(c[0], packed, at + 9, size), place(c[1], packed, at + 10, size), place(c[2], packed, at + 11, size)
    i, j, k = (
        ti.min(ti.cast(r, ti.i32), size - 2),
        ti.min(ti.cast(g, ti.i32), size - 2),
        ti.min(ti.cast(b, ti.i32), size - 2),
    )
    r, g, b = r - ti.cast(i, ti.f32), g - ti.cast(j, ti.f32), b - ti.cast(k, ti.f32)
    red, green, blue = 4, 4 * size, 4 * size * size
    first = start + red * i + green * j + blue * k
    across = red + green + blue
    if packed[at] != 0:
        furthest, nearest = ti.max(r, g, b), ti.min(r, g, b)
        middle = ti.max(ti.min(r, g), ti.min(ti.max(r, g), b))
        go, come = blue, red
        if r == furthest:
            go = red
        elif g == furthest:
            go = green
        if b == nearest:
            come = blue
        elif g == nearest:
            come = green
        for n in ti.static(range(3)):
            result[n] = (
                (1 - furthest) * packed[first + n]
                + (furthest - middle) * packed[first + go + n]
                + (middle - nearest) * packed[first + across - come + n]
                + nearest * packed[first + across + n]
            )
    else:
        for n in ti.static(range(3)):
            o = first + n
            v00 = packed[o] + r * (packed[o + red] - packed[o])
            v10 = packed[o + green] + r * (packed[o + green + red] - packed[o + green])
            v01 = packed[o + blue] + r * (packed[o + blue + red] - packed[o + blue])
            v11 = packed[o + blue + green] + r * (packed[o + across] - packed[o + blue + green])
            v00 += g * (v10 - v00)
            v01 += g * (v11 - v01)
            result[n] = v00 + b * (v01 - v00)
    return result


@ti.func
def lut(c, packed: ti.template(), at, x, y):
    curve, cube = ti.cast(packed[at + 1], ti.i32), ti.cast(packed[at + 2], ti.i32)
    result = c
    if curve > 0:
        result = along(result, packed, at, curve)
    if cube > 0:
        result = within(result, packed, at, at + _HEAD + 4 * curve, cube)
    return result


POINTS = {"lut": lut, "curves": lut}
