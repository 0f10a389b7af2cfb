"""Blend modes: how a layer is put on what is below. All premultiplied; formulas: W3C, Compositing and Blending Level 1."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.registry import Blend, Picture


def _over(below: Picture, above: Picture) -> Picture:
    """Porter and Duff 1984: ``above + below · (1 − alpha above)``."""
    result: Picture = above + below * (np.float32(1) - above[..., 3:])
    return result


EFFECTS = (Blend(name="over", title="Normal", reference=_over),)
