"""Vignette: darker towards the edge."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.parameters import Choice, Number, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View

#: An edge is at least a pixel of this share of the width wide: no division by nothing.
_NARROWEST = 1e-4


def _vignette(picture: Picture, values: Values, view: View) -> Picture:
    """Colours are multiplied by 1 inside of ``radius − softness``, by ``1 − amount`` outside of ``radius + softness``, and by
    what lies between on the way, along a straight line or the first quarter of a sine cubed, which has no edge at either end.

    MLT's ``vignette`` is this (``smooth`` · 100 pixels are ``softness``), but multiplies code values, so that it darkens
    black as well, and its ``opacity`` is a floor.
    """
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    distance = np.hypot(x - np.float32(values["x"] * width), y - np.float32(values["y"] * height)) / np.float32(width)
    softness = max(values["softness"], _NARROWEST)
    edge = (np.float32(values["radius"] + softness) - distance) / np.float32(2 * softness)
    inside = np.clip(edge, np.float32(0), np.float32(1))
    if values["falloff"] == "smooth":
        inside = np.sin(inside * np.float32(np.pi / 2)) ** 3
    gain = 1 - np.float32(values["amount"]) * (1 - inside)
    result = picture.copy()
    result[..., :3] *= gain[..., None]
    return result


def _pack_vignette(values: Values, view: View) -> Packed:
    """Centre in pixels (whole numbers are centres of pixels), where it is darkest, how many pixels from there to where it
    begins, amount, whether it is smooth."""
    softness = max(values["softness"], _NARROWEST)
    return np.array(
        [
            values["x"] * view.width - 0.5,
            values["y"] * view.height - 0.5,
            (values["radius"] + softness) * view.width,
            2 * softness * view.width,
            values["amount"],
            values["falloff"] == "smooth",
        ],
        np.float32,
    )


EFFECTS = (
    Effect(
        name="vignette",
        title="Vignette",
        family="vignette",
        shape=Shape.PLACE,
        alpha=Alpha.PREMULTIPLIED,  # a gain is the same on both
        parameters=(
            Number(
                name="radius", default=0.5, least=0, most=4, usual=(0.2, 0.6), unit="widths", help="To the middle of the edge"
            ),
            Number(name="softness", default=0.25, least=0, most=4, usual=(0.05, 0.4), unit="widths", help="Half of the edge"),
            Number(name="x", default=0.5, least=-4, most=5, usual=(0.3, 0.7), unit="widths", help="Centre"),
            Number(name="y", default=0.5, least=-4, most=5, usual=(0.3, 0.7), unit="heights", help="Centre"),
            Number(name="amount", default=1, least=0, most=1, usual=(0, 1), help="1 is black outside"),
            Choice(name="falloff", default="smooth", options=("smooth", "linear")),
        ),
        reference=_vignette,
        pack=_pack_vignette,
        cost=1.3,
        is_identity=lambda values: values["amount"] == 0,
    ),
)
