"""Kernels of effects that look at a pixel's neighbours: with and without tiles, from one definition.

With tiles, a block of threads copies its part of the picture, and a border around it, into the memory that it shares, and reads
each pixel there as often as it likes. Whether that is faster depends on the device, its caches and the reach: ``tiles`` knows.
The pictures are the same, to the last bit. On Taichi's CPU arch there is no shared memory.
"""

# No "from __future__ import annotations" in modules of kernels: Taichi reads the annotations as they stand.
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import taichi as ti
from numpy.typing import NDArray

from otio_perf.effects.blur import PADDING
from otio_perf.effects.gpu import tiles
from otio_perf.effects.gpu.kernels import NUMBERS, PIXELS
from otio_perf.effects.gpu.memory import empty, kept

#: Of what is beyond the edges.
EDGES = {name: number for number, name in enumerate(PADDING)}
MIRROR, CLAMP = EDGES["mirror"], EDGES["clamp"]

Stencil = Callable[[Any], Any]
"""Makes the Taichi function of one pixel, ``f(place, x, y, numbers, value)``, given the one that reads pixels, ``read(place, x,
y)``: of the picture, or of a tile."""

_PIXEL_BYTES = 16
#: Shared memory that each block has on every device.
_MOST_BYTES = 48 << 10
#: Kernels are made for borders of these widths: a narrower one is part of the next.
_BORDERS = (0, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Tile:
    """Of ``across`` × ``down`` pixels, one a thread, with a border."""

    across: int
    down: int
    border_x: int
    border_y: int

    @property
    def width(self) -> int:
        return self.across + 2 * self.border_x

    @property
    def height(self) -> int:
        return self.down + 2 * self.border_y


def tile_for(reach_x: int, reach_y: int) -> Tile | None:
    """A tile for a stencil that reads so far; ``None``: no block has the memory. Rows are read in long runs, which devices
    want; columns eight abreast, 128 bytes."""
    across, down = (128, 1) if reach_y == 0 else (8, 16) if reach_x == 0 else (16, 16)
    border_x, border_y = (next((one for one in _BORDERS if one >= reach), -1) for reach in (reach_x, reach_y))
    tile = Tile(across, down, border_x, border_y)
    is_possible = min(border_x, border_y) >= 0 and tile.width * tile.height * _PIXEL_BYTES <= _MOST_BYTES
    return tile if is_possible else None


def applied(
    stencil: Stencil, source: Any, numbers: NDArray[np.float32], value: float, edges: int, reach: tuple[int, int]
) -> Any:
    """``stencil`` on each pixel of ``source``; a new picture.

    :param reach: columns and rows that it looks at beyond its own; never more.
    """
    height, width = source.shape
    target = empty(width, height)
    tile = tile_for(*reach)
    on_device = kept(numbers)

    def launch(in_tiles: bool) -> Any:
        kernel = with_tiles(stencil, edges, tile) if in_tiles and tile else without_tiles(stencil, edges)
        kernel(source, target, on_device, value)
        return target

    is_worth_it = tile is not None and width * height >= tiles.LEAST_PIXELS
    return launch(is_worth_it and tiles.are_faster(f"{stencil.__name__} {tile}", launch))


@ti.func
def _inside(at, count, edges: ti.template()):
    """The number of the pixel that stands for number ``at``; ``-1``: none."""
    result = at
    if at < 0 or at >= count:
        if ti.static(edges == MIRROR):
            turn = at % (2 * count)
            if turn < 0:  # the remainder has the sign of the dividend on some devices
                turn += 2 * count
            result = ti.min(turn, 2 * count - 1 - turn)
        elif ti.static(edges == CLAMP):
            result = ti.min(ti.max(at, 0), count - 1)
        else:
            result = -1
    return result


@ti.func
def pixel(source: ti.template(), x, y, edges: ti.template()):
    """Of a place inside the picture or beyond it."""
    found = ti.Vector([0.0, 0.0, 0.0, 0.0])
    x_inside, y_inside = _inside(x, source.shape[1], edges), _inside(y, source.shape[0], edges)
    if x_inside >= 0 and y_inside >= 0:
        found = source[y_inside, x_inside]
    return found


@cache
def without_tiles(stencil: Stencil, edges: int) -> Any:
    @ti.func
    def read(source: ti.template(), x, y):
        return pixel(source, x, y, ti.static(edges))

    of = stencil(read)

    @ti.kernel
    def pass_over(source: PIXELS, target: PIXELS, numbers: NUMBERS, value: ti.f32):
        for y, x in target:
            target[y, x] = of(source, x, y, numbers, value)

    return pass_over


@cache
def with_tiles(stencil: Stencil, edges: int, tile: Tile) -> Any:
    across, down, border_x, border_y = tile.across, tile.down, tile.border_x, tile.border_y
    width, count, threads = tile.width, tile.width * tile.height, tile.across * tile.down

    @ti.func
    def read(shared: ti.template(), x, y):
        at = y * width + x
        return ti.Vector([shared[at], shared[count + at], shared[2 * count + at], shared[3 * count + at]])

    of = stencil(read)

    @ti.kernel
    def pass_over(source: PIXELS, target: PIXELS, numbers: NUMBERS, value: ti.f32):
        columns, rows = (source.shape[1] + across - 1) // across, (source.shape[0] + down - 1) // down
        ti.loop_config(block_dim=threads)
        for i in range(columns * rows * threads):  # whole blocks: each of its threads comes to each barrier
            # channel by channel: neighbours lie in different banks; Vulkan's compiler in Taichi knows no vectors here
            shared = ti.simt.block.SharedArray((4 * count,), ti.f32)
            thread, block = i % threads, i // threads
            left, top = block % columns * across, block // columns * down
            for k in ti.static(range((count + threads - 1) // threads)):
                at = thread + k * threads
                if at < count:
                    there = pixel(source, left - border_x + at % width, top - border_y + at // width, ti.static(edges))
                    for c in ti.static(range(4)):
                        shared[c * count + at] = there[c]
            ti.simt.block.sync()
            x, y = thread % across, thread // across
            if left + x < source.shape[1] and top + y < source.shape[0]:
                target[top + y, left + x] = of(shared, x + border_x, y + border_y, numbers, value)
            ti.simt.block.sync()

    return pass_over
