"""Frames of a timeline as codecs take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from otio_perf.effects.pixels import coding_of
from otio_perf.model.frames import FramePlan
from otio_perf.model.media import ColourTags
from otio_perf.model.pixels import Layout
from otio_perf.render.compositor import Compositor


def stored(
    compositor: Compositor,
    plan: FramePlan,
    layout: Layout,
    colour: ColourTags,
    size: tuple[int, int],
) -> list[NDArray[Any]]:
    """The picture of ``plan`` as planes of ``layout``, each sample as ``colour`` says: on black, or with its alpha where
    ``layout`` has one.

    :param size: stored width and height. They may differ by a pixel from the picture's, which codecs want even: what is too
        much is cut off, what is missing repeats the edge.
    :raises MediaError, EffectError: see ``Compositor.picture``.
    """
    return storing(compositor, plan, layout, colour, size)()


def storing(
    compositor: Compositor,
    plan: FramePlan,
    layout: Layout,
    colour: ColourTags,
    size: tuple[int, int],
) -> Callable[[], list[NDArray[Any]]]:
    """``stored`` in two halves: a device may be at work when this comes back; what comes back waits for the planes."""
    image = compositor.image(plan, on_black=not layout.has_alpha, subsampling=(layout.across, layout.down))
    width, height = size
    return compositor.engine.storing(image, coding_of(layout, colour, height), width, height)
