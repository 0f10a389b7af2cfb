"""The ASC Color Decision List, as OpenTimelineIO's EDL adapter leaves it in a clip's ``metadata["cdl"]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otio_perf.effects.translate.answers import Asked, Row, UntranslatableError, effect, exact
from otio_perf.model.frames import Translated


def _asc_cdl(asked: Asked) -> Translated:
    """One definition for all: ASC CDL 1.2. A file may leave out either half."""
    found = _pairs(asked.parameters.get("asc_sop", ()))
    values: dict[str, Any] = {name: found[name] for name in ("slope", "offset", "power") if name in found}
    saturation = asked.parameters.get("asc_sat")
    if saturation is not None:
        values["saturation"] = saturation
    return exact(effect("asc_cdl", **values))


def _pairs(value: object) -> Mapping[str, Any]:
    try:
        return dict(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        raise UntranslatableError(f"asc_sop is {value!r}, not slope, offset and power") from None


EFFECTS: dict[str, Row] = {"asc_cdl": _asc_cdl}
