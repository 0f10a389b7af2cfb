"""Where the time of a task went: plain values that travel back with its outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum


class TimingKind(StrEnum):
    STAGE = "stage"  # decode, encode, verify …
    EFFECT = "effect"
    BLEND = "blend"
    TRANSITION = "transition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """All calls of one kind of work in one thread of a task together.

    Effects that share a pass over the picture share its time by what they are said to cost.
    """

    kind: TimingKind
    name: str  # of a stage, or as the registry has it
    thread: int  # 1 is the first that did anything
    count: int  # calls
    milliseconds: float  # by the clock, together
    #: Processor milliseconds that a megapixel took for each unit of the registry's ``cost``: the median of the calls in all
    #: threads but the first of each, where code is compiled. 0: no cost is known, or too little was measured.
    unit_ms: float = 0.0


Timed = Callable[[str], AbstractContextManager[None]]
"""Measures a block as the stage of that name."""


def untimed(stage: str) -> AbstractContextManager[None]:
    """A ``Timed`` for those who do not want to know."""
    del stage
    return nullcontext()
