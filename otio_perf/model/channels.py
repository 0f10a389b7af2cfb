"""Loudspeakers: which channels a layout has, and how one comes into another.

Where the loudspeaker of a channel is missing, its neighbours take it, at −3 dB: ITU-R BS.775-4, annex 4, table 2. A single
channel stays as loud as it is on both sides of a stereo output, as in MLT; two become one at half. Low frequency effects are
left out where there is no loudspeaker for them. Nothing is scaled down to make room: that is for the ears of the mixer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: FFmpeg's names of layouts → its names of their channels, in order (``libavutil/channel_layout.c``).
LAYOUTS: dict[str, tuple[str, ...]] = {
    "mono": ("FC",),
    "stereo": ("FL", "FR"),
    "downmix": ("FL", "FR"),
    "2.1": ("FL", "FR", "LFE"),
    "3.0": ("FL", "FR", "FC"),
    "3.0(back)": ("FL", "FR", "BC"),
    "4.0": ("FL", "FR", "FC", "BC"),
    "quad": ("FL", "FR", "BL", "BR"),
    "quad(side)": ("FL", "FR", "SL", "SR"),
    "3.1": ("FL", "FR", "FC", "LFE"),
    "5.0": ("FL", "FR", "FC", "BL", "BR"),
    "5.0(side)": ("FL", "FR", "FC", "SL", "SR"),
    "4.1": ("FL", "FR", "FC", "LFE", "BC"),
    "5.1": ("FL", "FR", "FC", "LFE", "BL", "BR"),
    "5.1(side)": ("FL", "FR", "FC", "LFE", "SL", "SR"),
    "6.0": ("FL", "FR", "FC", "BC", "SL", "SR"),
    "6.1": ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    "7.0": ("FL", "FR", "FC", "BL", "BR", "SL", "SR"),
    "7.1": ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}

#: The usual layout of so many channels that nobody has named.
_USUAL = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}

_HALF_POWER = math.sqrt(0.5)
#: Who takes a channel for which there is no loudspeaker: the first of these that are all there.
_STAND_INS: dict[str, list[tuple[tuple[str, ...], float]]] = {
    "FL": [(("FC",), 0.5)],
    "FR": [(("FC",), 0.5)],
    "FC": [(("FL", "FR"), _HALF_POWER)],
    "SL": [(("BL",), 1.0), (("BC",), _HALF_POWER), (("FL",), _HALF_POWER), (("FC",), 0.5 * _HALF_POWER)],
    "SR": [(("BR",), 1.0), (("BC",), _HALF_POWER), (("FR",), _HALF_POWER), (("FC",), 0.5 * _HALF_POWER)],
    "BL": [(("SL",), 1.0), (("BC",), _HALF_POWER), (("FL",), _HALF_POWER), (("FC",), 0.5 * _HALF_POWER)],
    "BR": [(("SR",), 1.0), (("BC",), _HALF_POWER), (("FR",), _HALF_POWER), (("FC",), 0.5 * _HALF_POWER)],
    "BC": [(("BL", "BR"), _HALF_POWER), (("SL", "SR"), _HALF_POWER), (("FL", "FR"), 0.5), (("FC",), 0.5)],
    "LFE": [],
}

Matrix = tuple[tuple[float, ...], ...]


def named(layout: str, channels: int) -> tuple[str, ...]:
    """The channels of a stream; of a layout that is not known, the usual ones, else numbers, which have no place."""
    found = LAYOUTS.get(layout) or LAYOUTS.get(_USUAL.get(channels, ""), ())
    return found if len(found) == channels else tuple(str(number) for number in range(channels))


def matrix(inputs: Sequence[str], outputs: Sequence[str]) -> Matrix:
    """A row for each of ``outputs``, a factor for each of ``inputs``. Channels without a place go to the output of the same
    number; those beyond are left out."""
    rows = [[0.0] * len(inputs) for _ in outputs]
    at = {name: number for number, name in enumerate(outputs)}
    for column, name in enumerate(inputs):
        if name.isdecimal():
            if column < len(rows):
                rows[column][column] = 1.0
        elif len(inputs) == 1 and name == "FC" and "FC" not in at and {"FL", "FR"} <= at.keys():
            rows[at["FL"]][0] = rows[at["FR"]][0] = 1.0
        else:
            for output, factor in _places(name, at):
                rows[output][column] = factor
    return tuple(map(tuple, rows))


def _places(name: str, at: dict[str, int]) -> list[tuple[int, float]]:
    if name in at:
        return [(at[name], 1.0)]
    for group, factor in _STAND_INS.get(name, ()):
        if all(one in at for one in group):
            return [(at[one], factor) for one in group]
    return []
