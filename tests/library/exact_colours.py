"""Pictures of a movie beside those of a contact sheet, without the rounding and the bias of FFmpeg's quick conversion to R'G'B'
(1.6 codes of 255 darker, found with 10 bits in 4:2:2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np


def pictures(path: Path) -> Iterator[Any]:
    """Each picture of a movie in BT.709 of limited range, in planes of 16 bits, as R'G'B' of 0 to 255.

    Chroma that is sampled at every other column lies on the even ones (ITU-R BT.709), and runs in a line between them.
    """
    with av.open(str(path)) as movie:
        for frame in movie.decode(video=0):
            codes = 1 << (frame.format.components[0].bits - 8)
            planes = [np.frombuffer(bytes(p), np.uint16).reshape(p.height, -1)[:, : p.width] for p in frame.planes[:3]]
            y = (planes[0] / codes - 16) / 219
            cb, cr = ((plane / codes - 128) / 224 for plane in planes[1:])
            if cb.shape != y.shape:
                cb, cr = _doubled(cb), _doubled(cr)
            red, blue = y + 1.5748 * cr, y + 1.8556 * cb
            green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
            yield 255 * np.clip(np.stack([red, green, blue], axis=2), 0, 1)


def _doubled(chroma: Any) -> Any:
    following = np.concatenate([chroma[:, 1:], chroma[:, -1:]], axis=1)
    return np.stack([chroma, (chroma + following) / 2], axis=2).reshape(chroma.shape[0], -1)


def cells(path: Path, count: int, size: tuple[int, int]) -> list[Any]:
    """The pictures of a contact sheet of ``count`` frames of ``size``, narrow enough not to be made smaller."""
    with av.open(str(path)) as still:
        sheet = next(still.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    columns = math.ceil(math.sqrt(count))
    across, down = size[0] + 12, (sheet.shape[0] - 12) // -(-count // columns)
    places = [(12 + down * (number // columns), 12 + across * (number % columns)) for number in range(count)]
    return [sheet[top : top + size[1], left : left + size[0]] for top, left in places]


def psnr(one: Any, other: Any) -> float:
    """In dB, of values of 0 to 255."""
    return float(10 * np.log10(255**2 / ((one - other) ** 2).mean()))
