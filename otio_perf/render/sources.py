"""Frames of media as pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from otio_perf.effects import pixels
from otio_perf.effects.registry import Picture
from otio_perf.media.access import FrameAccess
from otio_perf.media.planes import Plane
from otio_perf.model.frames import SourceFrame
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.pixels import Layout
from otio_perf.model.timing import FrameRate

#: Media that are kept open: each holds decoder threads and the frames that they work on.
_MOST_OPEN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A source frame upright, as stored otherwise: its pixels may not be square."""

    picture: Picture
    is_opaque: bool
    sample_aspect: Fraction


class Sources:
    """Reads frames of ``media`` (by ``Target.medium``) for a timeline at ``frame_rate``."""

    def __init__(
        self,
        media: Mapping[str, MediaInfo],
        frame_rate: FrameRate,
        *,
        cores: int = 1,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._media, self._rate, self._cores, self._tick = media, frame_rate, cores, tick
        self._open: OrderedDict[str, FrameAccess] = OrderedDict()

    def read(self, frame: SourceFrame) -> Shown:
        """:raises OfflineMediaError, CorruptMediaError: it cannot be had; the others can."""
        access = self._open.pop(frame.medium, None)
        if access is None:
            access = FrameAccess(self._media[frame.medium], self._rate, self._cores, self._tick)
        self._open[frame.medium] = access
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return _shown(*access.planes(frame.number), access.video)

    def close(self) -> None:
        for access in self._open.values():
            access.close()
        self._open.clear()

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shown(layout: Layout, planes: Sequence[Plane], video: VideoInfo) -> Shown:
    picture = pixels.to_picture(planes, pixels.coding_of(layout, video.colour, video.height))
    aspect = video.sample_aspect
    if video.rotation:
        picture = np.rot90(picture, -video.rotation // 90)
        aspect = 1 / aspect if video.rotation in (90, 270) else aspect
    if video.is_mirrored:
        picture = picture[:, ::-1]
    return Shown(picture=np.ascontiguousarray(picture), is_opaque=not layout.has_alpha, sample_aspect=aspect)
