"""What a chain of effects costs on the CPU engine, in exposures: times what an exposure takes there."""

from __future__ import annotations

from collections.abc import Sequence

from otio_perf.effects.engine import Step, runs

#: Part of ``exposure`` that is reading and writing the picture: paid once by effects that share one pass over it. Measured at
#: 1080p: one, three, five, eight exposures in a row take 1, 2.0, 2.7, 3.5 times as long as one.
SHARED = 0.6


def costs(steps: Sequence[Step]) -> tuple[float, ...]:
    """Of each step, in order: 0 where its values change nothing."""
    found = dict.fromkeys(range(len(steps)), 0.0)
    numbers = iter(n for n, step in enumerate(steps) if not step.effect.is_identity(step.values))
    for fused, run in runs(steps, lambda effect: effect.pack is not None):
        for place, step in enumerate(run):
            saved = SHARED if fused and place else 0.0
            found[next(numbers)] = max(0.0, step.effect.cost_with(step.values) - saved)
    return tuple(found.values())
