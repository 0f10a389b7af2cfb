"""How a source of any size comes onto the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otio_perf.effects.registry import Picture
from otio_perf.effects.sampling import Interpolation, Taps, resampled, taps
from otio_perf.model.frames import Fit


@dataclass(frozen=True, slots=True)
class Placing:
    """The source's columns and rows, as they fill ``[left, right) × [top, bottom)`` of a canvas; beyond is nothing."""

    left: int
    top: int
    right: int
    bottom: int
    columns: Taps
    rows: Taps


def placed(
    width: int,
    height: int,
    canvas_width: int,
    canvas_height: int,
    fit: Fit,
    *,
    sample_aspect: float = 1.0,
    interpolation: Interpolation = Interpolation.BICUBIC,
    scale: float = 1.0,
) -> Placing | None:
    """Where a source of ``width`` × ``height`` pixels goes; ``None``: exactly onto the canvas, nothing is to be done.

    As editors do it: the source gets a size in whole pixels (its edges stay sharp) and stands in the middle, half a pixel
    further left or up where the difference is odd.

    :param sample_aspect: how much wider than high a pixel of the source is.
    :param scale: under ``Fit.NONE``, canvas pixels for each row of the source: 1 for originals on a full-size canvas, ½ on a
        canvas of half the size, 2 for a proxy of half the size.
    """
    shown = width * float(sample_aspect)
    across, down = canvas_width / shown, canvas_height / height
    across, down = {
        Fit.CONTAIN: (min(across, down),) * 2,
        Fit.NONE: (scale, scale),
    }[fit]
    new_width, new_height = max(1, round(shown * across)), max(1, round(height * down))
    if (new_width, new_height) == (width, height) == (canvas_width, canvas_height):
        return None
    left, top = (canvas_width - new_width) // 2, (canvas_height - new_height) // 2
    right, bottom = min(canvas_width, left + new_width), min(canvas_height, top + new_height)
    return Placing(
        left=max(0, left),
        top=max(0, top),
        right=right,
        bottom=bottom,
        columns=taps(width, new_width, interpolation, max(0, -left), right - left),
        rows=taps(height, new_height, interpolation, max(0, -top), bottom - top),
    )


def laid(picture: Picture, placing: Placing, canvas_width: int, canvas_height: int) -> Picture:
    canvas = np.zeros((canvas_height, canvas_width, 4), np.float32)
    canvas[placing.top : placing.bottom, placing.left : placing.right] = resampled(picture, placing.columns, placing.rows)
    return canvas


def covers(placing: Placing | None, canvas_width: int, canvas_height: int) -> bool:
    """Whether the source leaves none of the canvas free: an opaque one stays opaque."""
    return placing is None or (placing.left, placing.top, placing.right, placing.bottom) == (0, 0, canvas_width, canvas_height)
