"""Effects as the hosts write them: which name to go by, which parameters count, and what is a change of speed.

One row a dialect in ``_DIALECTS``: the key under which a host keeps its own data in ``metadata``, and who reads it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from otio_perf.model.uses import EffectUse
from otio_perf.timeline.describe import FINAL_CUT, host_data
from otio_perf.timeline.final_cut import filtered, is_true, rows_of, speed_varies
from otio_perf.timeline.references import Json, schema_of

Parameters = tuple[tuple[str, Any], ...]

#: Blocks that stand on every clip of Resolve's: untouched, they are no effect. Any other that stands there is one, whatever
#: its values: a film grain of the factory's is a film grain. ``effects.translate.resolve`` has a row for each (and for ramps).
ALWAYS_THERE = frozenset(
    {
        "Transform",
        "Cropping",
        "Composite",
        "Video Faders",
        "Dynamic Zoom",
        "Lens Correction",
        "Retime and Scaling",
        "Stabilization",
        "Fairlight Clip Volume and Fades",
        "Fairlight Clip Pan",
        "Fairlight Clip Pitch",
        "Fairlight Clip Equaliser",
        "Fairlight Equaliser Band",
    }
)


class UnusableEffectError(ValueError):
    """An effect that says something impossible, in a clause for people."""


class Effects(NamedTuple):
    """What the effects of an item come to.

    ``speed``: ``None``, as it is. ``retimed_in_point``: the in-point counts retimed frames. ``speed_varies``: ``speed`` is at
    best its mean, and ``uses`` says so by name.
    """

    uses: tuple[EffectUse, ...] = ()
    speed: Fraction | None = None
    retimed_in_point: bool = False
    speed_varies: bool = False


class _Reading(NamedTuple):
    """One effect: what it is to translate by, a speed, or both; neither: it does nothing."""

    name: str = ""
    label: str = ""
    parameters: Parameters = ()
    speed: Fraction | None = None
    speed_varies: bool = False


def effects_of(item: Json) -> Effects:
    """Effects of a clip, stack or track that change the picture or the sound, and its speed.

    Disabled effects and those that a host writes on every clip with default values are no effects. What hosts keep beside
    their effects counts with them: the CDL of an edit list, Final Cut's composite mode and the switches of its filters.

    :raises UnusableEffectError: a speed that is not a number.
    """
    listed = item.get("effects") or []
    metadata = item.get("metadata")
    if not listed and not metadata:
        return Effects()
    final_cut = host_data(item, FINAL_CUT)
    if "filter" in final_cut:
        listed = filtered(listed, rows_of(final_cut["filter"]), item)
    found = read_effects(listed)
    uses = list(found.uses)
    is_retimed = found.speed is not None and abs(found.speed) not in (0, 1)
    if is_retimed and is_true(final_cut.get("@frameBlend")) and _FRAME_BLENDING not in uses:
        uses.append(_FRAME_BLENDING)
    mode = _text(final_cut.get("compositemode")).strip()
    if mode and mode.lower() != "normal":
        uses.append(
            EffectUse(dialect="fcp7", name="compositemode", label=f"Composite mode {mode}", parameters=(("mode", mode),))
        )
    if cdl := host_data(item, "cdl"):
        uses.append(EffectUse(dialect="cdl", name="asc_cdl", label="ASC CDL", parameters=_plain_items(cdl)))
    return found._replace(uses=tuple(uses))


def read_effects(effects: Sequence[Json]) -> Effects:
    """``effects_of`` a list of effects alone. :raises UnusableEffectError"""
    found: list[EffectUse] = []
    speed: Fraction | None = None
    retimed_in_point = varies = False
    for effect in effects:
        if not isinstance(effect, dict) or effect.get("enabled") is False:
            continue
        dialect, read = _read(effect)
        if read.speed is not None:
            speed = read.speed if speed is None else speed * read.speed
            retimed_in_point |= dialect == "fcp7"
        if read.name:
            found.append(EffectUse(dialect=dialect, name=read.name, label=read.label or read.name, parameters=read.parameters))
        varies |= read.speed_varies
    return Effects(tuple(found), speed, retimed_in_point, varies)


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
    rows = rows_of(host_data(reference, FINAL_CUT).get("parameter"))
    noted = [(_text(row.get("parameterid")), _plain(row.get("value"))) for row in rows]
    return (_plain_items(own) if isinstance(own, dict) else ()) + tuple(noted)


def exact_speed(value: object) -> Fraction:
    """A speed factor: 0.5 → 1/2, 0.3333333333333333 → 1/3. :raises UnusableEffectError"""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > 1e6:
        raise UnusableEffectError(f"speed {value!r} is not a usable number")
    return Fraction(value).limit_denominator(1_000_000)


def _read(effect: Json) -> tuple[str, _Reading]:
    metadata = effect.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    schema = schema_of(effect)
    is_translated = schema in ("LinearTimeWarp", "FreezeFrame")  # by the adapter
    for key, (dialect, reader) in _DIALECTS.items():
        own = metadata.get(key)
        if isinstance(own, dict):
            read = reader(effect, own)
            if is_translated:
                ramp = read if read.speed_varies else _Reading()
                read = ramp._replace(speed=exact_speed(effect.get("time_scalar", 0.0)))
            return dialect, read
    if is_translated:
        return "otio", _Reading(speed=exact_speed(effect.get("time_scalar", 0.0)))
    name = _text(effect.get("effect_name")) or _text(effect.get("name")) or schema
    return "otio", _Reading(name, _text(effect.get("name")) or name, _plain_items(metadata))


def _resolve(effect: Json, own: Json) -> _Reading:
    """Transform, Composite, … stand on every clip of Resolve's: only a changed or keyframed parameter makes an effect.

    A constant speed is OTIO's ``LinearTimeWarp``; a ramp is a ``TimeEffect`` with key frames.
    """
    if "Speed Ratio" in own or "Key Frames" in own:
        speed = exact_speed(own["Speed Ratio"]) if "Speed Ratio" in own else None
        keys = own.get("Key Frames") or []
        if _is_straight(keys, speed):
            return _Reading(speed=speed)
        return _Reading("Speed ramp", "Speed ramp", (("Key Frames", _plain(keys)),), speed, speed_varies=True)
    name = _text(own.get("Effect Name")) or _text(effect.get("effect_name")) or schema_of(effect)
    changed = []
    for parameter in own.get("Parameters") or ():
        if not isinstance(parameter, dict):
            continue
        frames, value = parameter.get("Key Frames"), parameter.get("Parameter Value")
        if frames:
            changed.append((_text(parameter.get("Parameter ID")), _plain(frames)))
        elif value != parameter.get("Default Parameter Value"):
            changed.append((_text(parameter.get("Parameter ID")), _plain(value)))
    if own.get("Enabled") is False or (name in ALWAYS_THERE and not changed):
        return _Reading()
    return _Reading(name, _text(own.get("Name")) or name, tuple(changed))


def _is_straight(keys: Any, speed: Fraction | None) -> bool:
    """Do key frames of Resolve's, (second of the timeline, second of the medium, curve …), say no more than ``speed``?

    Curves count between others only, so two have none.
    """
    if speed is None or not isinstance(keys, list) or len(keys) > 2:
        return False
    try:
        (start, first, *_), (end, last, *_) = keys or ((0, 0), (0, 0))
        return bool(abs(last - first - float(speed) * (end - start)) <= max(1.0, abs(end - start)) / 1000)
    except (TypeError, ValueError):
        return False


def _fcp7(effect: Json, own: Json) -> _Reading:
    """Final Cut Pro 7 XML: a change of speed is a filter called ``timeremap``, in per cent.

    The curve of a parameter's key frames stands with each of them, or once beside them all.
    """
    name = _text(own.get("effectid")) or _text(effect.get("effect_name")) or _text(effect.get("name"))
    label = _text(effect.get("name")) or name
    values: Json = {}
    keyed: dict[str, list[Json]] = {}
    for row in rows_of(own.get("parameter")):
        parameter = _text(row.get("parameterid") or row.get("name"))
        values[parameter] = row.get("value")
        if "keyframe" in row:
            curve = {"interpolation": row["interpolation"]} if "interpolation" in row else {}
            keyed[parameter] = [{**curve, **key} for key in rows_of(row["keyframe"])]
    parameters = _plain_items({**values, **{k: keys if len(keys) > 1 else keys[0] for k, keys in keyed.items() if keys}})
    if name != "timeremap":
        return _Reading(name, label, parameters)
    try:
        speed = exact_speed(float(_text(values.get("speed")) or "100") / 100)
        is_ramp = speed_varies(values, keyed, float(speed))
    except ValueError as e:
        raise UnusableEffectError(f"speed {values.get('speed')!r} is not a usable number") from e
    if is_ramp:
        return _Reading(name, label, parameters, speed_varies=True)
    speed = -speed if is_true(values.get("reverse")) and speed > 0 else speed
    if is_true(values.get("frameblending")) and abs(speed) not in (0, 1):
        return _Reading(_FRAME_BLENDING.name, _FRAME_BLENDING.label, (), speed)
    return _Reading(speed=speed)


_FRAME_BLENDING = EffectUse(dialect="fcp7", name="frameblending", label="Frame blending")


def _aaf(effect: Json, own: Json) -> _Reading:
    operation = own.get("Operation")
    name = (_text(operation.get("Name")) if isinstance(operation, dict) else "") or _text(effect.get("name"))
    parameters = own.get("Parameters")
    return _Reading(name, _text(effect.get("name")) or name, _plain_items(parameters) if isinstance(parameters, dict) else ())


def _mlt(effect: Json, own: Json) -> _Reading:
    if str(own.get("internal_added")) == "237":  # Kdenlive's own fades and track defaults
        return _Reading()
    name = _text(own.get("mlt_service")) or _text(effect.get("effect_name")) or _text(own.get("kdenlive_id"))
    return _Reading(name, _text(effect.get("name")) or name, _plain_items(own))


_DIALECTS: dict[str, tuple[str, Callable[[Json, Json], _Reading]]] = {
    "Resolve_OTIO": ("resolve", _resolve),
    FINAL_CUT: ("fcp7", _fcp7),
    "AAF": ("aaf", _aaf),
    "mlt": ("mlt", _mlt),
    "kdenlive": ("mlt", _mlt),
}


#: As ``_DIALECTS``: where hosts say which transition it is. Final Cut's adapter keeps no more than the transition's name.
_TRANSITIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Resolve_OTIO": ("resolve", ("Effect Name",)),
    FINAL_CUT: ("fcp7", ()),
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
