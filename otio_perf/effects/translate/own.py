"""Our own effects, written into a timeline by their names: ``effect_name`` is the name in the registry.

Values stand in ``metadata["otio_perf"]`` by parameter. One that changes over time is ``{"keys": [[frame, value], …]}``, with
``"hold"``, ``"smooth"`` or another curve of ``effects.keyframes`` as third of a key; frames count from the item's start.
Besides effects there is ``opacity`` (``opacity``) and ``blend`` (``mode``); of sound, ``volume`` (``decibels``) and ``balance``
(``position``, −1 to 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otio_perf.effects.keyframes import (
    EASES,
    HOLD,
    LINEAR,
    SMOOTH,
    SMOOTH_NATURAL,
    SMOOTH_TIGHT,
    Key,
    Number,
    frame_of,
    sampled,
)
from otio_perf.effects.registry import registry
from otio_perf.effects.translate.answers import NOTHING, Asked, Row, UntranslatableError, effect, exact, nothing, transition
from otio_perf.model.frames import Applied, Translated

_CURVES = {HOLD, LINEAR, SMOOTH, SMOOTH_NATURAL, SMOOTH_TIGHT, *EASES}


def row_of(name: str) -> Row | None:
    """``None``: we have none called so."""
    if name in registry().effects:
        return lambda asked: exact(effect(name, **values_of(asked)))
    return _LAYER.get(name)


def transition_of(name: str, asked: Asked) -> Applied | None:
    return transition(name, **values_of(asked)) if name in registry().transitions else None


def _opacity(asked: Asked) -> Translated:
    value = values_of(asked).get("opacity", 1.0)
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UntranslatableError(f"opacity is {value!r}, not 0 to 1")
    return exact(opacity=float(value))


def _blend(asked: Asked) -> Translated:
    mode = registry().blend(values_of(asked).get("mode", "over")).name
    return NOTHING if mode == "over" else exact(blend=mode)


_LAYER: dict[str, Row] = {"opacity": _opacity, "blend": _blend, "volume": nothing, "balance": nothing}


def values_of(asked: Asked) -> dict[str, Any]:
    given = asked.parameters.get("otio_perf", ())
    try:
        return {name: _now(value, asked) for name, value in dict(given).items()}
    except (TypeError, ValueError) as error:
        raise UntranslatableError(f"its values cannot be read ({error})") from error


def _now(value: Any, asked: Asked) -> Any:
    """``_plain`` of the survey has made pairs of dicts: ``(("keys", (…)),)``."""
    if isinstance(value, Mapping):
        value = tuple(value.items())
    if not (isinstance(value, tuple) and value and isinstance(value[0], tuple) and value[0][:1] == ("keys",)):
        return value
    keys = {frame_of(frame): Key(frame_of(frame), _number(v), _curve(*curve)) for frame, v, *curve in value[0][1]}
    if not keys:
        raise UntranslatableError("it has key frames, but none is there")
    return sampled([keys[frame] for frame in sorted(keys)], asked.moment.frame)


def _number(value: Any) -> Number:
    return tuple(float(v) for v in value) if isinstance(value, (tuple, list)) else float(value)


def _curve(name: str = LINEAR) -> str:
    if name not in _CURVES:
        raise UntranslatableError(f"there is no curve called {name!r}")
    return name
