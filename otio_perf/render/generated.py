"""Pictures that no medium holds: generators as hosts call them, and slates for what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from otio_perf.effects.registry import registry
from otio_perf.errors import EffectError
from otio_perf.model.frames import Generated

Colour = tuple[float, float, float]
Parameters = tuple[tuple[str, Any], ...]

#: Ours by the names of hosts, besides their own names: letters and digits only, in lower case. OTIO's own documentation names
#: SMPTEBars; SolidColor is what Kdenlive's adapter writes, Color and Slug are Final Cut's, toucan: is the renderer of the
#: OpenTimelineIO project.
_KINDS = {
    "smptebars": "bars",
    "bars": "bars",
    "colorbars": "bars",
    "colourbars": "bars",
    "barsandtone": "bars",
    "solidcolor": "solid",
    "solid": "solid",
    "color": "solid",
    "colour": "solid",
    "colormatte": "solid",
    "toucanfill": "solid",
    "black": "solid",
    "blackvideo": "solid",
    "slug": "solid",
    "gradient": "gradient",
}
_NAMED: dict[str, Colour] = {
    "black": (0, 0, 0),
    "white": (1, 1, 1),
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "cyan": (0, 1, 1),
    "magenta": (1, 0, 1),
}
#: Under which of its parameters a generator keeps its colour.
_COLOURS = ("color", "colour", "resource", "fillcolor")


def generated(kind: str, parameters: Parameters) -> Generated | None:
    """A host's generator as one of ours, or one by its name in the registry; ``None``: there is none like it, a title say.

    What it cannot be told is passed over.
    """
    generators = registry().generators
    ours = _KINDS.get(re.sub(r"[^a-z0-9]", "", kind.lower())) or kind
    if ours not in generators:
        return None
    given = dict(parameters)
    if ours == "solid":
        found = next((given[name] for name in _COLOURS if name in given), None)
        return made("solid", {} if found is None else solid_values(found))
    known = {p.name for p in generators[ours].parameters}
    try:
        return made(ours, {name: value for name, value in given.items() if name in known})
    except EffectError:
        return None


def slate(title: str, text: str) -> Generated:
    """A picture that says what is missing: never black in silence."""
    return made("slate", {"title": title, "text": text})


def made(kind: str, given: Mapping[str, Any]) -> Generated:
    """:raises EffectError: values that the generator cannot take."""
    row = registry().generator(kind)
    return Generated(kind=kind, version=row.version, values=tuple(sorted(row.checked(given).items())))


def solid_values(value: Any) -> dict[str, Any]:
    """Colour and alpha from what hosts write: MLT's ``0xrrggbbaa``, ``#rrggbb``, ``#aarrggbb`` or a name; a list of three or
    four numbers, 0 to 1; OTIO's ``Color``; Final Cut's red, green and blue, 0 to 255. Black where it cannot be read."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):  # a dict, as ``EffectUse`` keeps it
        fields = dict(value)
        if "r" in fields:
            return _values(fields.get(name, 0 if name != "a" else 1) for name in "rgba")
        return _values(float(fields.get(name, 0)) / 255 for name in ("red", "green", "blue"))
    if isinstance(value, (tuple, list)):
        return _values(value)
    text = str(value).strip().lower()
    if re.fullmatch(r"0x[0-9a-f]{8}", text):
        return _values(int(text[i : i + 2], 16) / 255 for i in (2, 4, 6, 8))
    if re.fullmatch(r"#[0-9a-f]{8}", text):
        return _values(int(text[i : i + 2], 16) / 255 for i in (3, 5, 7, 1))
    if re.fullmatch(r"#[0-9a-f]{6}", text):
        return _values(int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return {"colour": _NAMED.get(text, (0.0, 0.0, 0.0))}


def _values(parts: Any) -> dict[str, Any]:
    try:
        numbers = [min(1.0, max(0.0, float(part))) for part in parts]
    except (TypeError, ValueError):
        return {}
    if len(numbers) not in (3, 4):
        return {}
    return {"colour": tuple(numbers[:3]), "alpha": numbers[3] if len(numbers) == 4 else 1.0}
