"""Keys: what looks like this becomes transparent. They work on straight colours and multiply the alpha that is there."""

from __future__ import annotations

import math

import numpy as np

from otio_perf.effects.parameters import Number, Numbers, Switch, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View

#: Luma of R'G'B', and what Cb and Cr divide the differences from it by: Rec. ITU-R BT.709-6, items 3.2 and 3.3.
LUMA = (0.2126, 0.7152, 0.0722)
CB_SPAN, CR_SPAN = 1.8556, 1.5748

#: Tangent of half the angle around the key's hue in which there is spill: 120 degrees in all.
SPILL_TANGENT = math.sqrt(3)

#: Softer than this is a step; a true step would make noise of rounding.
_LEAST_SOFTNESS = 1 / 1024


def _chroma(red: float, green: float, blue: float) -> tuple[float, float]:
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return (blue - luma) / CB_SPAN, (red - luma) / CR_SPAN


def _chroma_key(picture: Picture, values: Values, view: View) -> Picture:
    """Distance from the key in Cb and Cr, over √2 (as in FFmpeg's ``chromakey``): transparent up to ``tolerance``, from there
    a ramp of ``softness``.

    Spill, after K. Jack, Video Demystified, "Chroma Keying": with X the chroma along the key's hue and Z across it,
    ``X − |Z| / tan 60°`` of it, where positive, comes from the key; so much times ``spill`` is taken away. Luma stays.
    """
    weights = np.array(LUMA, np.float32)
    luma = picture[..., :3] @ weights
    cb, cr = (picture[..., 2] - luma) / np.float32(CB_SPAN), (picture[..., 0] - luma) / np.float32(CR_SPAN)
    key_cb, key_cr = (np.float32(v) for v in _chroma(*values["color"]))
    distance = np.hypot(cb - key_cb, cr - key_cr) / np.float32(math.sqrt(2))
    matte = np.clip((distance - np.float32(values["tolerance"])) / np.float32(max(values["softness"], _LEAST_SOFTNESS)), 0, 1)

    result = picture.copy()
    strength = math.hypot(key_cb, key_cr)
    if strength > 0:  # grey has no hue, and no spill
        hue_cb, hue_cr = np.float32(key_cb / strength), np.float32(key_cr / strength)
        along, across = cb * hue_cb + cr * hue_cr, cr * hue_cb - cb * hue_cr
        excess = np.maximum(along - np.abs(across) / np.float32(SPILL_TANGENT), 0) * np.float32(values["spill"])
        less_blue, less_red = excess * hue_cb * np.float32(CB_SPAN), excess * hue_cr * np.float32(CR_SPAN)
        result[..., 0] -= less_red
        result[..., 1] += (less_red * weights[0] + less_blue * weights[2]) / weights[1]
        result[..., 2] -= less_blue
    result[..., 3] *= matte
    return result


def _pack_chroma_key(values: Values, view: View) -> Packed:
    """Key in Cb, Cr; tolerance; 1 / softness; unit vector of the key's hue (0, 0 for grey); spill."""
    cb, cr = _chroma(*values["color"])
    strength = math.hypot(cb, cr)
    hue = (cb / strength, cr / strength) if np.float32(strength) > 0 else (0.0, 0.0)
    softness = max(values["softness"], _LEAST_SOFTNESS)
    return np.array([cb, cr, values["tolerance"], 1 / softness, *hue, values["spill"]], np.float32)


def _luma_key(picture: Picture, values: Values, view: View) -> Picture:
    """Transparent up to a luma of ``threshold``, from there a ramp of ``softness``; the other way round if inverted."""
    luma = picture[..., :3] @ np.array(LUMA, np.float32)
    matte = np.clip((luma - np.float32(values["threshold"])) / np.float32(max(values["softness"], _LEAST_SOFTNESS)), 0, 1)
    result = picture.copy()
    result[..., 3] *= 1 - matte if values["invert"] else matte
    return result


def _pack_luma_key(values: Values, view: View) -> Packed:
    """Factor and term of the ramp ``luma · factor + term``, which is then clipped: inverted, it falls."""
    factor = 1 / max(values["softness"], _LEAST_SOFTNESS)
    term = -values["threshold"] * factor
    return np.array([-factor, 1 - term] if values["invert"] else [factor, term], np.float32)


_SOFTNESS = Number(name="softness", default=0.1, least=0, most=10, usual=(0.02, 0.4), help="From transparent to opaque")

EFFECTS = (
    Effect(
        name="chroma_key",
        title="Chroma key",
        family="key",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=(
            Numbers(
                name="color",
                default=(0.0, 1.0, 0.0),
                least=0,
                most=1,
                usual=(0, 1),
                help="What becomes transparent",
                is_colour=True,
            ),
            Number(name="tolerance", default=0.1, least=0, most=1, usual=(0, 0.3), help="Distance in chroma that is still it"),
            _SOFTNESS,
            Number(name="spill", default=0, least=0, most=1, usual=(0, 1), help="How much of its light on the rest is removed"),
        ),
        reference=_chroma_key,
        pack=_pack_chroma_key,
        cost=3.3,
        keeps_opaque=lambda values: False,
    ),
    Effect(
        name="luma_key",
        title="Luma key",
        family="key",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=(
            Number(name="threshold", default=0.1, least=-1, most=2, usual=(0, 0.8), help="Luma that is still transparent"),
            _SOFTNESS,
            Switch(name="invert", default=False, help="What is bright becomes transparent"),
        ),
        reference=_luma_key,
        pack=_pack_luma_key,
        cost=2.2,
        keeps_opaque=lambda values: False,
    ),
)
