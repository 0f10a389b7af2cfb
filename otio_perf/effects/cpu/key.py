"""Keys by numba."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.cpu.jit import compiled
from otio_perf.effects.key import CB_SPAN, CR_SPAN, LUMA, SPILL_TANGENT
from otio_perf.effects.registry import Packed, Picture

_RED, _GREEN, _BLUE = (np.float32(v) for v in LUMA)
_ZERO, _ONE = np.float32(0), np.float32(1)
_HALF_SQUARE = np.float32(0.5)
_CB_SPAN, _CR_SPAN = np.float32(CB_SPAN), np.float32(CR_SPAN)
_TO_CB, _TO_CR = np.float32(1 / CB_SPAN), np.float32(1 / CR_SPAN)
_TO_SPILL = np.float32(1 / SPILL_TANGENT)
_RED_TO_GREEN, _BLUE_TO_GREEN = np.float32(LUMA[0] / LUMA[1]), np.float32(LUMA[2] / LUMA[1])


@compiled
def chroma_key(rows: Picture, packed: Packed, top: int) -> None:
    key_cb, key_cr, tolerance, factor = packed[0], packed[1], packed[2], packed[3]
    hue_cb, hue_cr, spill = packed[4], packed[5], packed[6]
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            red, green, blue = rows[y, x, 0], rows[y, x, 1], rows[y, x, 2]
            luma = _RED * red + _GREEN * green + _BLUE * blue
            cb, cr = (blue - luma) * _TO_CB, (red - luma) * _TO_CR
            distance = np.sqrt(((cb - key_cb) * (cb - key_cb) + (cr - key_cr) * (cr - key_cr)) * _HALF_SQUARE)
            along, across = cb * hue_cb + cr * hue_cr, cr * hue_cb - cb * hue_cr
            excess = max(along - abs(across) * _TO_SPILL, _ZERO) * spill
            less_red, less_blue = excess * hue_cr * _CR_SPAN, excess * hue_cb * _CB_SPAN
            rows[y, x, 0] = red - less_red
            rows[y, x, 1] = green + less_red * _RED_TO_GREEN + less_blue * _BLUE_TO_GREEN
            rows[y, x, 2] = blue - less_blue
            rows[y, x, 3] *= min(max((distance - tolerance) * factor, _ZERO), _ONE)


@compiled
def luma_key(rows: Picture, packed: Packed, top: int) -> None:
    factor, term = packed[0], packed[1]
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            luma = _RED * rows[y, x, 0] + _GREEN * rows[y, x, 1] + _BLUE * rows[y, x, 2]
            rows[y, x, 3] *= min(max(luma * factor + term, _ZERO), _ONE)


POINTS = {"chroma_key": chroma_key, "luma_key": luma_key}
