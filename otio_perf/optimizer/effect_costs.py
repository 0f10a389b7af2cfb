"""What effects cost, for the analysis: those that we can render, by what rendering them takes."""

from __future__ import annotations

from fractions import Fraction

from otio_perf.errors import EffectError
from otio_perf.model.frames import Fidelity, Moment
from otio_perf.model.machine import MachineProfile
from otio_perf.model.uses import Use
from otio_perf.planning.effect_times import correction


def effect_costs(use: Use, canvas: tuple[int, int], machine: MachineProfile) -> tuple[float | None, ...]:
    """A ``planning.cost.EffectCosts``: relative to ``exposure`` (``MachineProfile.effect_ms_per_megapixel``); ``None`` where
    the host's effect is none that we know.

    What rendering has taught on ``machine`` (``planning.effect_times``) counts for more than what the registry says.
    Effects that change over time are taken as they are in the middle of the clip. Where an installed package breaks the
    registry nothing is known: a prediction goes by words then, whatever renders names the package.
    """
    from otio_perf.effects.cost import costs
    from otio_perf.effects.engine import Step
    from otio_perf.effects.registry import registry
    from otio_perf.effects.translate.dialects import translated

    try:
        registry()
    except EffectError:
        return (None,) * len(use.effects)
    moment = middle(use)
    said = [translated(effect, moment, canvas, use.position.rate) for effect in use.effects]
    known = [one if one.fidelity is not Fidelity.UNKNOWN else None for one in said]
    steps = [Step(registry().effect(a.name), dict(a.values)) for one in known if one for a in one.applied]
    each = (said * correction(machine, step.effect.name) for said, step in zip(costs(steps), steps, strict=True))
    found: list[float | None] = []
    for one in known:
        if one is None:
            found.append(None)
            continue
        total = sum(next(each) for _ in one.applied)
        if one.blend is not None or one.opacity is not None:  # it has to be laid over what is below
            total += registry().blend(one.blend or "over").cost
        found.append(total)
    return tuple(found)


def middle(use: Use) -> Moment:
    """The frame in the middle of a clip."""
    length = Fraction(len(use.position))
    inner = Fraction(use.source.start - (use.available_start or 0)) + Fraction(len(use.source), 2)
    return Moment(frame=length / 2, length=length, inner=inner)
