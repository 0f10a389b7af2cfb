"""A LUT on stored pictures: Y'CbCr → R'G'B' → LUT → Y'CbCr, strip by strip, so that what is in between stays small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.cpu.pixels import from_picture
from otio_perf.effects.engine import Step
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import View, registry

#: Rows of a strip, and those above and below that its chroma is made of as well.
_STRIP_ROWS, _NEIGHBOURS = 128, 8


class ViewingLut:
    """The LUT of a file, for pictures as ``coding`` says.

    :param has_fields: rows belong to two fields in turn, each of which has chroma of its own.
    :raises EffectError: the file is not there, or no LUT.
    """

    def __init__(self, path: str, coding: Coding, *, has_fields: bool = False) -> None:
        effect = registry().effect("lut")
        self._step = Step(effect, effect.checked({"path": path}))
        self._coding, self._has_fields, self._engine = coding, has_fields, CpuEngine()
        effect.reference(np.zeros((1, 1, 4), np.float32), self._step.values, View(width=1, height=1))

    def apply(self, planes: Sequence[NDArray[Any]]) -> None:
        """Change ``planes`` (those of ``coding.layout``), in place."""
        fields = [[plane[first::2] for plane in planes] for first in range(2)] if self._has_fields else [list(planes)]
        for field in fields:
            self._apply(field)

    def _apply(self, planes: list[NDArray[Any]]) -> None:
        height, width = planes[0].shape
        done: list[NDArray[Any]] = []
        for top in range(0, height, _STRIP_ROWS):
            first, stop = max(0, top - _NEIGHBOURS), min(height, top + _STRIP_ROWS + _NEIGHBOURS)
            image = self._engine.read(self._rows(planes, first, stop), self._coding)
            image = self._engine.apply(image, [self._step], View(width=width, height=stop - first))
            stored = from_picture(image.pixels, self._coding)
            if done:  # the strip above is no longer anybody's neighbour
                self._store(planes, done, top - _STRIP_ROWS, top)
            done = self._rows(stored, top - first, min(height, top + _STRIP_ROWS) - first)
        self._store(planes, done, height - len(done[0]), height)

    def _rows(self, planes: Sequence[NDArray[Any]], first: int, stop: int) -> list[NDArray[Any]]:
        """These rows of the picture, in every plane."""
        down = self._coding.layout.down
        halves = (0, down, down, 0)
        return [plane[first >> half : -(-stop >> half)] for plane, half in zip(planes, halves, strict=False)]

    def _store(self, planes: Sequence[NDArray[Any]], done: Sequence[NDArray[Any]], first: int, stop: int) -> None:
        for rows, new in zip(self._rows(planes, first, stop), done, strict=True):
            rows[:] = new
