"""What is remembered of one timeline from one save to the next: of what did not change, nothing is planned anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from otio_perf.optimizer.frame_memory import FrameMemory
from otio_perf.planning.cost import CostMemory


@dataclass(frozen=True, slots=True)
class PlanMemory:
    """Of one timeline that is followed, used by one thread."""

    frames: FrameMemory = field(default_factory=FrameMemory)
    costs: CostMemory = field(default_factory=CostMemory)
