"""Effects as the hosts write them: which name to go by, which parameters count, and what is a change of speed.

One row a dialect in ``_DIALECTS``: the key under which a host keeps its own data in ``metadata``, and who reads it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from otio_perf.model.uses import EffectUse
from otio_perf.timeline.references import Json, schema_of

Parameters = tuple[tuple[str, Any], ...]
Reading = tuple[str, str, Parameters, Fraction | None]  # name, label, parameters, speed


class UnusableEffectError(ValueError):
    """An effect that says something impossible, in a clause for people."""


def read_effects(effects: list[Json], clip_metadata: Json | None = None) -> tuple[tuple[EffectUse, ...], Fraction | None, bool]:
    """Effects that change the picture, the speed (``None``: as it is), and whether the in-point counts retimed frames.

    Disabled effects and those that a host writes on every clip with default values are no effects.

    :raises UnusableEffectError: a speed that is not a number.
    """
    found: list[EffectUse] = []
    speed: Fraction | None = None
    retimed_in_point = False
    for effect in effects:
        if not isinstance(effect, dict) or effect.get("enabled") is False:
            continue
        dialect, (name, label, parameters, factor) = _read(effect)
        if factor is not None:
            speed = factor if speed is None else speed * factor
            retimed_in_point |= dialect == "fcp7"
        elif name:
            found.append(EffectUse(dialect=dialect, name=name, label=label or name, parameters=parameters))
    cdl = clip_metadata.get("cdl") if clip_metadata else None
    if isinstance(cdl, dict) and cdl:
        found.append(EffectUse(dialect="cdl", name="asc_cdl", label="ASC CDL", parameters=_plain_items(cdl)))
    return tuple(found), speed, retimed_in_point


def effects_of(clip: Json) -> tuple[tuple[EffectUse, ...], Fraction | None, bool]:
    """``read_effects`` of a clip, with the CDL that an EDL's adapter leaves beside them. :raises UnusableEffectError"""
    metadata = clip.get("metadata")
    cdl = metadata if isinstance(metadata, dict) and "cdl" in metadata else None
    listed = clip.get("effects")
    return read_effects(listed or [], cdl) if listed or cdl else ((), None, False)


def read_transition(transition: Json) -> EffectUse:
    """What a host calls a transition; without its word, OTIO's ``transition_type``."""
    metadata = transition.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kind, label = _text(transition.get("transition_type")), _text(transition.get("name"))
    for key, (dialect, keys) in _TRANSITIONS.items():
        own = metadata.get(key)
        if isinstance(own, dict):
            found: Any = own
            for inner in keys:
                found = found.get(inner) if isinstance(found, dict) else None
            if name := _text(found) if keys else label:
                return EffectUse(dialect=dialect, name=name, label=label or name, parameters=_plain_items(own))
    return EffectUse(dialect="otio", name=kind, label=label or kind, parameters=_plain_items(metadata))


def generator_parameters(reference: Json) -> Parameters:
    """Of a generator: OTIO's own, and those that Final Cut Pro's adapter leaves in its metadata."""
    own = reference.get("parameters")
    metadata = reference.get("metadata")
    host = metadata.get("fcp_xml") if isinstance(metadata, dict) else None
    rows = host.get("parameter") if isinstance(host, dict) else None
    rows = rows if isinstance(rows, list) else [rows]
    noted = [(_text(r.get("parameterid")), _plain(r.get("value"))) for r in rows if isinstance(r, dict)]
    return (_plain_items(own) if isinstance(own, dict) else ()) + tuple(noted)


def exact_speed(value: object) -> Fraction:
    """A speed factor: 0.5 → 1/2, 0.3333333333333333 → 1/3. :raises UnusableEffectError"""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > 1e6:
        raise UnusableEffectError(f"speed {value!r} is not a usable number")
    return Fraction(value).limit_denominator(1_000_000)


def _read(effect: Json) -> tuple[str, Reading]:
    metadata = effect.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    schema = schema_of(effect)
    for key, (dialect, reader) in _DIALECTS.items():
        own = metadata.get(key)
        if isinstance(own, dict):
            name, label, parameters, speed = reader(effect, own)
            if schema in ("LinearTimeWarp", "FreezeFrame"):  # the adapter has translated it
                speed = exact_speed(effect.get("time_scalar", 0.0))
            return dialect, (name, label, parameters, speed)
    if schema in ("LinearTimeWarp", "FreezeFrame"):
        return "otio", ("", "", (), exact_speed(effect.get("time_scalar", 0.0)))
    name = _text(effect.get("effect_name")) or _text(effect.get("name")) or schema
    return "otio", (name, _text(effect.get("name")) or name, _plain_items(metadata), None)


def _resolve(effect: Json, own: Json) -> Reading:
    """Transform, Composite, … stand on every clip of Resolve's: only a changed or keyframed parameter makes an effect."""
    if "Speed Ratio" in own:
        return "", "", (), exact_speed(own["Speed Ratio"])
    name = _text(own.get("Effect Name")) or _text(effect.get("effect_name"))
    changed = []
    for parameter in own.get("Parameters") or ():
        if not isinstance(parameter, dict):
            continue
        frames, value = parameter.get("Key Frames"), parameter.get("Parameter Value")
        if frames:
            changed.append((_text(parameter.get("Parameter ID")), _plain(frames)))
        elif value != parameter.get("Default Parameter Value"):
            changed.append((_text(parameter.get("Parameter ID")), _plain(value)))
    untouched = own.get("Enabled") is False or (bool(own.get("Parameters")) and not changed)
    return ("" if untouched else name), _text(own.get("Name")) or name, tuple(changed), None


def _fcp7(effect: Json, own: Json) -> Reading:
    """Final Cut Pro 7 XML: a change of speed is a filter called ``timeremap``, in per cent."""
    name = _text(own.get("effectid")) or _text(effect.get("effect_name")) or _text(effect.get("name"))
    rows = own.get("parameter")
    rows = rows if isinstance(rows, list) else [rows]
    values = [(_text(r.get("parameterid") or r.get("name")), _plain(r.get("value"))) for r in rows if isinstance(r, dict)]
    keyed = [(_text(r.get("parameterid")), _plain(r["keyframe"])) for r in rows if isinstance(r, dict) and "keyframe" in r]
    if name == "timeremap":
        given = dict(values)
        if _text(given.get("variablespeed")) not in ("1", "TRUE"):
            try:
                speed = exact_speed(float(_text(given.get("speed")) or "100") / 100)
            except ValueError as e:
                raise UnusableEffectError(f"speed {given.get('speed')!r} is not a usable number") from e
            reverse = _text(given.get("reverse")).upper() == "TRUE"
            return "", "", (), -speed if reverse and speed > 0 else speed
    return name, _text(effect.get("name")) or name, tuple(values + keyed), None


def _aaf(effect: Json, own: Json) -> Reading:
    operation = own.get("Operation")
    name = (_text(operation.get("Name")) if isinstance(operation, dict) else "") or _text(effect.get("name"))
    parameters = own.get("Parameters")
    return name, _text(effect.get("name")) or name, _plain_items(parameters) if isinstance(parameters, dict) else (), None


def _mlt(effect: Json, own: Json) -> Reading:
    if str(own.get("internal_added")) == "237":  # Kdenlive's own fades and track defaults
        return "", "", (), None
    name = _text(own.get("mlt_service")) or _text(effect.get("effect_name")) or _text(own.get("kdenlive_id"))
    return name, _text(effect.get("name")) or name, _plain_items(own), None


_DIALECTS: dict[str, tuple[str, Callable[[Json, Json], Reading]]] = {
    "Resolve_OTIO": ("resolve", _resolve),
    "fcp_xml": ("fcp7", _fcp7),
    "AAF": ("aaf", _aaf),
    "mlt": ("mlt", _mlt),
    "kdenlive": ("mlt", _mlt),
}


#: As ``_DIALECTS``: where hosts say which transition it is. Final Cut's adapter keeps no more than the transition's name.
_TRANSITIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Resolve_OTIO": ("resolve", ("Effect Name",)),
    "fcp_xml": ("fcp7", ()),
    "AAF": ("aaf", ("OperationGroup", "Operation", "Name")),
    "mlt": ("mlt", ("mlt_service",)),
}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _plain(value: Any) -> Any:
    """Hashable: lists and dicts become tuples. Twelve digits of a number: OpenTimelineIO's reader may be off in the last."""
    if isinstance(value, dict):
        return tuple((k, _plain(v)) for k, v in value.items())
    if isinstance(value, list):
        return tuple(_plain(v) for v in value)
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _plain_items(values: Json) -> Parameters:
    return tuple((key, _plain(value)) for key, value in values.items())
