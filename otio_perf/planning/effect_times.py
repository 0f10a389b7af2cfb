"""What rendering teaches of effects, for the next prediction. Pure.

The registry says what an effect costs beside an exposure, as it was measured on one machine. Processors differ: what rendering
takes here is better, where there is enough of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from otio_perf.model.machine import EffectTime, MachineProfile
from otio_perf.model.timings import Timing, TimingKind

#: Fewer frames than that teach nothing: one chunk of film.
LEAST_FRAMES = 24
#: What is older than that many frames fades: programs and machines change.
MOST_FRAMES = 500
#: What rendering says is believed up to that many times what the registry says, and down to its inverse: beyond, something
#: else was measured.
MOST_TIMES = 4.0


def learnt(machine: MachineProfile, timings: Iterable[Timing]) -> MachineProfile:
    """``machine`` with what ``timings`` of the processor's engine say of effects: a mean in which the past counts for at most
    ``MOST_FRAMES`` frames."""
    effects = dict(machine.effects)
    for timing in timings:
        if timing.kind is not TimingKind.EFFECT or not timing.unit_ms:
            continue
        seen = _believed(machine, timing.unit_ms / machine.cores)  # with every core at a frame of its own
        before = effects.get(timing.name, EffectTime(unit_ms=seen, frames=0))
        past = _believed(machine, before.unit_ms)
        weight = timing.count / (before.frames + timing.count)
        effects[timing.name] = EffectTime(
            unit_ms=past + weight * (seen - past),
            frames=min(before.frames + timing.count, MOST_FRAMES),
        )
    return replace(machine, effects=effects)


def correction(machine: MachineProfile, effect: str) -> float:
    """How many times as dear as the registry says ``effect`` is on ``machine``; 1 where too little is known."""
    known = machine.effects.get(effect)
    if known is None or known.frames < LEAST_FRAMES or not machine.effect_ms_per_megapixel:
        return 1.0
    return _believed(machine, known.unit_ms) / machine.effect_ms_per_megapixel


def _believed(machine: MachineProfile, unit_ms: float) -> float:
    said = machine.effect_ms_per_megapixel
    return min(max(unit_ms, said / MOST_TIMES), said * MOST_TIMES) if said else unit_ms
