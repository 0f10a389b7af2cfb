"""Frames of a timeline as codecs take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.pixels import from_picture
from otio_perf.effects.pixels import coding_of
from otio_perf.effects.registry import Picture
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import ColourTags
from otio_perf.model.pixels import Layout
from otio_perf.model.timings import Timed, untimed
from otio_perf.render.compositor import Compositor


def stored(
    compositor: Compositor,
    plan: FramePlan,
    layout: Layout,
    colour: ColourTags,
    size: tuple[int, int],
    *,
    timed: Timed = untimed,
) -> list[NDArray[Any]]:
    """The picture of ``plan`` as planes of ``layout``, each sample as ``colour`` says: on black, or with its alpha where
    ``layout`` has one.

    :param size: stored width and height. They may differ by a pixel from the picture's, which codecs want even: what is too
        much is cut off, what is missing repeats the edge.
    :param timed: hears of ``store``: from pixels to planes.
    :raises MediaError, EffectError: see ``Compositor.picture``.
    """
    picture = compositor.overlay(plan) if layout.has_alpha else compositor.picture(plan)
    width, height = size
    with timed("store"):
        return from_picture(_sized(picture, width, height), coding_of(layout, colour, height))


def _sized(picture: Picture, width: int, height: int) -> Picture:
    cut = picture[:height, :width]
    missing = height - cut.shape[0], width - cut.shape[1]
    return np.pad(cut, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge") if any(missing) else cut
