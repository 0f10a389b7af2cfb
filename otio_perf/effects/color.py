"""Colour, pixel by pixel."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.parameters import Number, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View


def _exposure(picture: Picture, values: Values, view: View) -> Picture:
    result = picture.copy()
    result[..., :3] *= np.float32(2.0 ** values["stops"])
    return result


def _pack_exposure(values: Values, view: View) -> Packed:
    return np.array([2.0 ** values["stops"]], np.float32)


EFFECTS = (
    Effect(
        name="exposure",
        title="Exposure",
        family="color",
        shape=Shape.POINT,
        alpha=Alpha.PREMULTIPLIED,  # a gain is the same on both
        parameters=(Number(name="stops", default=0, least=-20, most=20, usual=(-3, 3), unit="stops", help="One stop doubles"),),
        reference=_exposure,
        pack=_pack_exposure,
        is_identity=lambda values: values["stops"] == 0,
    ),
)
