"""Spans: maximal runs of timeline frames in which the set of layers, effects and transitions does not change."""

from __future__ import annotations

from dataclasses import dataclass

from otio_perf.model.timing import FrameRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``uses`` and ``transitions`` are indices into the survey; ``uses`` holds video uses only, bottom layer first."""

    position: FrameRange
    uses: tuple[int, ...]
    transitions: tuple[int, ...] = ()
