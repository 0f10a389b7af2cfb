"""Transitions: from one picture to another. All premultiplied."""

from __future__ import annotations

import numpy as np

from otio_perf.effects.parameters import Values
from otio_perf.effects.registry import Packed, Picture, Transition, View


def _dissolve(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    mix = np.float32(progress)
    result: Picture = outgoing * (np.float32(1) - mix) + incoming * mix
    return result


def _pack_dissolve(progress: float, values: Values, view: View) -> Packed:
    return np.array([progress], np.float32)


EFFECTS = (Transition(name="dissolve", title="Cross dissolve", parameters=(), reference=_dissolve, pack=_pack_dissolve),)
