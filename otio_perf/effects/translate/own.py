"""Our own effects, written into a timeline by their names: ``effect_name`` is the name in the registry.

Values stand in ``metadata["otio_perf"]`` by parameter. One that changes over time is ``{"keys": [[frame, value], …]}``, with
``"hold"``, ``"smooth"`` or another curve of ``effects.keyframes`` as third of a key; frames count from the item's start.
Numbers, colours and the points of curves (as many at each key) run from key to key; choices, switches and names hold.
Besides effects there is ``opacity`` (``opacity``) and ``blend`` (``mode``); of sound, ``volume`` (``decibels``) and ``balance``
(``position``, −1 to 1).
"""

from __future__ import annotations

from bisect import bisect_right
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
    rows = {frame_of(frame): (v, _curve(*curve)) for frame, v, *curve in value[0][1]}
    if not rows:
        raise UntranslatableError("it has key frames, but none is there")
    shapes = {_shape(v) for v, _ in rows.values()}
    if len(shapes) > 1:
        raise UntranslatableError("its key frames are not of one kind and length")
    (shape,) = shapes
    frames = sorted(rows)
    if shape == _WORD:  # nothing lies between two of these
        return rows[frames[max(bisect_right(frames, asked.moment.frame) - 1, 0)]][0]
    found = sampled([Key(frame, _numbers(rows[frame][0]), rows[frame][1]) for frame in frames], asked.moment.frame)
    if not isinstance(shape, tuple):
        return found
    assert isinstance(found, tuple)
    return tuple(zip(*[iter(found)] * shape[1], strict=True)) if shape[1] else found


_WORD, _NUMBER = "word", "number"


def _shape(value: Any) -> str | tuple[int, int]:
    """Of a list: how many there are, and how many numbers each of them has, 0 where they are numbers themselves."""
    if isinstance(value, (str, bool)):
        return _WORD
    if not isinstance(value, (tuple, list)):
        return _NUMBER
    inner = {len(v) if isinstance(v, (tuple, list)) else 0 for v in value}
    if len(inner) > 1:
        raise UntranslatableError("its key frames are not of one kind and length")
    return len(value), max(inner, default=0)


def _numbers(value: Any) -> Number:
    if not isinstance(value, (tuple, list)):
        return float(value)
    return tuple(float(v) for point in value for v in (point if isinstance(point, (tuple, list)) else (point,)))


def _curve(name: str = LINEAR) -> str:
    if name not in _CURVES:
        raise UntranslatableError(f"there is no curve called {name!r}")
    return name
