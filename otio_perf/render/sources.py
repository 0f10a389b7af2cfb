"""Frames of media as pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from otio_perf.effects.conversion import USUAL_PEAK_NITS, Meaning, conversion_to, meaning_of, peak_nits_of
from otio_perf.effects.engine import Engine, Image
from otio_perf.effects.pixels import Coding, coding_of
from otio_perf.media.access import FrameAccess
from otio_perf.media.planes import Plane
from otio_perf.model.colour import ColourSpace
from otio_perf.model.frames import SourceFrame
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.pixels import Layout
from otio_perf.model.timing import FrameRate

#: Media that are kept open: each holds decoder threads and the frames that they work on.
_MOST_OPEN = 8

#: Codecs that hold colours multiplied by alpha, by their specification (OpenEXR's technical introduction). All others have them
#: straight: PNG (section 6.2), ProRes 4444 as FFmpeg reads it, TIFF and TGA as editors write them.
_PREMULTIPLIED = ("exr",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A source frame as it is stored: to be turned clockwise by ``turn`` degrees, then mirrored, for its picture to be upright.

    ``sample_aspect`` is that of the upright picture: its pixels may not be square. ``peak_nits``: of HDR, the brightest that
    its makers saw.
    """

    planes: Sequence[Plane]
    coding: Coding
    meaning: Meaning
    peak_nits: float
    turn: int
    is_mirrored: bool
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
        hardware: Collection[str] = (),
    ) -> None:
        """:param hardware: decoders for ``FrameAccess``"""
        self._media, self._rate, self._cores, self._tick, self._hardware = media, frame_rate, cores, tick, hardware
        self._open: OrderedDict[str, FrameAccess] = OrderedDict()

    def read(self, frame: SourceFrame) -> Shown:
        """:raises OfflineMediaError, CorruptMediaError, UnsupportedMediaError: it cannot be had; the others can."""
        access = self._open.pop(frame.medium, None)
        if access is None:
            access = FrameAccess(self._media[frame.medium], self._rate, self._cores, self._tick, self._hardware)
        self._open[frame.medium] = access
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return _shown(*access.planes(frame.number), access.video, self._media[frame.medium].path)

    def close(self) -> None:
        for access in self._open.values():
            access.close()
        self._open.clear()

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shown(layout: Layout, planes: Sequence[Plane], video: VideoInfo, path: str) -> Shown:
    is_premultiplied = video.codec in _PREMULTIPLIED
    return Shown(
        planes=planes,
        coding=coding_of(layout, video.colour, video.height, is_premultiplied=is_premultiplied, path=path),
        meaning=meaning_of(video.colour, is_float=layout.is_float),
        peak_nits=peak_nits_of(video),
        turn=video.rotation,
        is_mirrored=video.is_mirrored,
        sample_aspect=1 / video.sample_aspect if video.rotation in (90, 270) else video.sample_aspect,
    )


def image_of(shown: Shown, engine: Engine, colour: ColourSpace = ColourSpace.BT709) -> Image:
    """Upright, in the colours of a timeline, where ``engine`` keeps its pictures."""
    return in_colours(_upright(shown, engine), engine, shown.meaning, colour, peak_nits=shown.peak_nits)


def in_colours(
    image: Image, engine: Engine, meaning: Meaning, colour: ColourSpace, *, peak_nits: float = USUAL_PEAK_NITS
) -> Image:
    """``image``, whose values mean ``meaning``, in a timeline's ``colour``."""
    conversion = conversion_to(colour, meaning, peak_nits)
    return engine.convert(image, conversion) if conversion else image


def _upright(shown: Shown, engine: Engine) -> Image:
    image = engine.read(shown.planes, shown.coding)
    if not shown.turn and not shown.is_mirrored:
        return image
    return engine.turned(image, shown.turn, is_mirrored=shown.is_mirrored)
