"""When a proxy is needed, and which rung is active: the thresholds, by purpose. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from otio_perf.model.machine import MachineProfile
from otio_perf.model.recipes import ProxyRecipe, Purpose
from otio_perf.model.uses import Survey


class Prefer(Enum):
    LARGEST = "largest"  # the sharpest picture that still plays
    SMALLEST = "smallest"  # the quickest one


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A span needs help above ``factor`` (frame time ÷ frame budget); among rungs below it, ``prefer`` chooses."""

    factor: float
    prefer: Prefer


#: Editing means scrubbing and jumping: it wants headroom. Effects are judged by eye: they want the sharpest picture.
THRESHOLDS: dict[Purpose, Threshold] = {
    Purpose.PLAYBACK: Threshold(factor=1.0, prefer=Prefer.LARGEST),
    Purpose.EDITING: Threshold(factor=0.5, prefer=Prefer.SMALLEST),
    Purpose.EFFECTS: Threshold(factor=1.5, prefer=Prefer.LARGEST),
}

#: Below this a machine counts as small and gets smaller proxies.
_SMALL_CORES, _SMALL_MEMORY_BYTES = 2, 9 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the planner decides.

    :param oversize: a source is proxied when its longer side is more than this many times that of the proxy, even where
        it plays (Shotcut's rule, which tests both sides and so never proxies portrait clips; the longer one is enough).
    :param force: make proxies whether needed or not (``--all``); nothing is ever scaled up.
    :param join_gap_seconds: used ranges closer than this become one proxy.
    """

    purpose: Purpose = Purpose.PLAYBACK
    oversize: float = 1.3
    force: bool = False
    join_gap_seconds: float = 2.0

    @property
    def threshold(self) -> Threshold:
        return THRESHOLDS[self.purpose]


def choose_rung(surveys: Sequence[Survey], machine: MachineProfile) -> tuple[str, str]:
    """The rung where none was asked for, and why."""
    canvases = [s.canvas for s in surveys if s.canvas]
    longer = max((max(c) for c in canvases), default=0)
    if machine.cores <= _SMALL_CORES and machine.memory_bytes < _SMALL_MEMORY_BYTES:
        return "720p", f"this machine is small ({machine.cores} cores, {machine.memory_bytes / 2**30:.0f} GB)"
    if 0 < longer <= 1280:
        return "720p", f"the timeline is {longer} pixels wide"
    if not surveys:
        return "1080p", "the usual size; --proxy chooses others"
    usual = "the usual size, for the timeline does not say how large its picture is; --proxy chooses others"
    return "1080p", f"the timeline is {longer} pixels wide" if longer else usual


def active_recipe(recipes: Sequence[ProxyRecipe], factors: Mapping[str, float], policy: Policy) -> ProxyRecipe:
    """Which of several rungs the timeline should show.

    :param factors: by rung, the factor of the slowest spans with that rung (``suggestions.factor_with``).
    :raises ValueError: no recipes.
    """
    if not recipes:
        raise ValueError("no rungs to choose from")
    by_size = sorted(recipes, key=lambda r: factors.get(r.rung, float("inf")), reverse=True)
    playing = [r for r in by_size if factors.get(r.rung, float("inf")) <= policy.threshold.factor]
    if not playing:
        return by_size[-1]
    return playing[0] if policy.threshold.prefer is Prefer.LARGEST else playing[-1]
