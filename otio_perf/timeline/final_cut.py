"""Final Cut Pro 7's XML, of which its adapter keeps much in metadata: what is said of filters, and of speeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otio_perf.timeline.describe import FINAL_CUT, host_data, is_off
from otio_perf.timeline.references import DAMAGE, Json, original_of

#: Of Final Cut's graphs of time: so many frames beside the line are rounded ones.
_ROUNDED_FRAMES = 1.5
#: Of sound, and of time: their range is that of the clip.
_ALWAYS_WHOLE = frozenset({"audiolevels", "audiopan", "timeremap"})


def filtered(effects: Sequence[Any], rows: list[Json], item: Json) -> list[Any]:
    """``effects`` without those whose filter is off; those of a part of the clip by another name.

    The adapter leaves what is said of filters beside the effects that it makes of them, in the same order.
    """
    if not any(is_off(row) or "start" in row or "end" in row for row in rows):
        return list(effects)
    kept = []
    for effect in effects:
        said = host_data(effect, FINAL_CUT) if isinstance(effect, dict) else {}
        at = next((n for n, row in enumerate(rows) if said and _without_name(row.get("effect")) == said), None)
        if at is None:
            kept.append(effect)
            continue
        row, rows = rows[at], rows[at + 1 :]
        if not is_off(row):
            kept.append(effect if _is_whole(row, item) else _of_a_part(effect, said))
    return kept


def _without_name(said: Any) -> Any:
    return {key: value for key, value in said.items() if key != "name"} if isinstance(said, dict) else said


def _of_a_part(effect: Json, said: Json) -> Json:
    effectid = said.get("effectid")
    if effectid in _ALWAYS_WHOLE:
        return effect
    metadata = {**effect["metadata"], FINAL_CUT: {"effectid": "filter range", "of": effectid}}
    return {**effect, "metadata": metadata}


def _is_whole(row: Json, item: Json) -> bool:
    """Does a filter work on all of its clip? Writers count its range from the clip's start (Resolve), or from the medium's."""
    span: Any = item.get("source_range")
    try:
        start, stop = (float(row.get(name) or -1) for name in ("start", "end"))
        length = float(span["duration"]["value"]) if isinstance(span, dict) else 0.0
        if start <= 0 and (stop < 0 or stop >= length):
            return True
        available = (original_of(item) or {}).get("available_range") or span
        first, origin = (t["start_time"]["value"] / t["start_time"]["rate"] for t in (span, available))
        begin = (first - origin) * span["start_time"]["rate"]
        return bool(start <= begin and stop >= begin + length)
    except DAMAGE:
        return False


def speed_varies(values: Json, keyed: Mapping[str, Sequence[Json]], speed: float) -> bool:
    """Is a time remap of Final Cut's a ramp? ``variablespeed`` says so; where it is left out, its graph. Key frames of the
    speed itself are a ramp in any case. :raises ValueError: numbers that are none."""
    if is_true(values.get("variablespeed")) or len({str(key.get("value")) for key in keyed.get("speed", ())}) > 1:
        return True
    if values.get("variablespeed") is not None or "graphdict" not in keyed:
        return False
    graph = [(float(str(key.get("when"))), float(str(key.get("value")))) for key in keyed["graphdict"]]
    (start, first), *others = graph
    return any(abs(abs(at - first) - abs(speed) * (when - start)) > _ROUNDED_FRAMES for when, at in others)


def is_true(value: object) -> bool:
    return str(value).strip().upper() in ("TRUE", "1")


def rows_of(said: Any) -> list[Json]:
    """Final Cut's adapter makes a list of what stands there more than once, and of nothing else."""
    return [row for row in (said if isinstance(said, list) else [said]) if isinstance(row, dict)]
