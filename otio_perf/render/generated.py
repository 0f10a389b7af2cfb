"""Pictures that no medium holds: generators as hosts call them, and slates for what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    "colorbars": "bars",
    "colourbars": "bars",
    "barsandtone": "bars",
    "solidcolor": "solid",
    "color": "solid",
    "colour": "solid",
    "colormatte": "solid",
    "toucanfill": "solid",
    "black": "solid",
    "blackvideo": "solid",
    "slug": "solid",
    "gradient": "gradient",
}
#: Those of them that have no colour but one.
_BLACK = frozenset({"black", "blackvideo", "slug"})
#: Bars of hosts, which do not say of which standard.
_SOME_BARS = frozenset({"colorbars", "colourbars", "barsandtone"})
#: What MLT, Kdenlive and people call them; CSS has another green.
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
    """A host's generator as one of ours, or one by its name in the registry; ``None``: there is none like it, a title say, or
    what it is told cannot be read.

    Where it is told more than ours knows of, that is passed over in one by our name, and in bars; a host's gradient is another.
    """
    generators = registry().generators
    word = _word(kind)
    ours = kind if kind in generators else _KINDS.get(word, "")
    if ours not in generators:
        return None
    given = dict(parameters)
    known = {p.name for p in generators[ours].parameters}
    try:
        if ours == "solid":
            values = {} if word in _BLACK else _solid(given, has_default=kind == ours)
            return None if values is None else made(ours, values)
        if ours == "gradient" and kind != ours and not known.issuperset(given):
            return None
        return made(ours, {name: value for name, value in given.items() if name in known})
    except EffectError:
        return None


def refusal(kind: str) -> str:
    """Why ``generated`` has nothing for a kind, in a clause for people."""
    if _KINDS.get(_word(kind)) or kind in registry().generators:
        return "what it is told, its colour say, cannot be read for certain"
    if kind.endswith("(Slug)"):
        return "the host says no more of it than that it is there"
    return "there is no generator of ours like it"


def difference(kind: str) -> str:
    """What may differ between a host's generator and the one of ours that ``generated`` takes for it; "": nothing."""
    return "the host does not say of which standard its bars are" if _word(kind) in _SOME_BARS else ""


def _word(kind: str) -> str:
    return re.sub(r"[^a-z0-9]", "", kind.lower())


def _solid(given: Mapping[str, Any], *, has_default: bool) -> dict[str, Any] | None:
    found = {name.lower(): value for name, value in given.items()}
    colour = next((found[name] for name in _COLOURS if name in found), None)
    if colour is None:
        return {} if has_default else None
    values = solid_values(colour)
    return values if values is None or "alpha" not in given else {**values, "alpha": given["alpha"]}


def slate(title: str, text: str) -> Generated:
    """A picture that says what is missing: never black in silence."""
    return made("slate", {"title": title, "text": text})


def made(kind: str, given: Mapping[str, Any]) -> Generated:
    """:raises EffectError: values that the generator cannot take."""
    row = registry().generator(kind)
    return Generated(kind=kind, version=row.version, values=tuple(sorted(row.checked(given).items())))


def solid_values(value: Any) -> dict[str, Any] | None:
    """Colour and alpha from what hosts write: MLT's ``0xrrggbbaa``, or the same as a decimal; ``#rrggbb``, ``#aarrggbb`` or a
    name; a list of three or four numbers, 0 to 1; OTIO's ``Color``; Final Cut's red, green and blue, 0 to 255.

    ``None``: it cannot be read for certain. ``#f80`` is orange in CSS and dark green in MLT, ``0xff8000`` is orange to people
    and transparent in MLT.
    """
    try:
        if isinstance(value, tuple) and value and isinstance(value[0], tuple):  # a dict, as ``EffectUse`` keeps it
            fields = dict(value)
            if "r" in fields:
                return _values([fields["r"], fields["g"], fields["b"], fields.get("a", 1)])
            return _values([float(fields[name]) / 255 for name in ("red", "green", "blue")])
        if isinstance(value, (tuple, list)):
            return _values(value)
    except (KeyError, TypeError, ValueError):
        return None
    text = str(value).strip().lower()
    if _MLT_NUMBER.fullmatch(text) and int(text) < 2**32:
        text = f"0x{int(text):08x}"
    if re.fullmatch(r"0x[0-9a-f]{8}", text):
        return _values([int(text[i : i + 2], 16) / 255 for i in (2, 4, 6, 8)])
    if re.fullmatch(r"#[0-9a-f]{8}", text):
        return _values([int(text[i : i + 2], 16) / 255 for i in (3, 5, 7, 1)])
    if re.fullmatch(r"#[0-9a-f]{6}", text):
        return _values([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return {"colour": _NAMED[text]} if text in _NAMED else None


_MLT_NUMBER = re.compile(r"[1-9][0-9]{6,9}", re.ASCII)  # of fewer digits only such as nobody means: red and green are 0


def _values(parts: Sequence[Any]) -> dict[str, Any] | None:
    numbers = [float(part) for part in parts]
    if len(numbers) not in (3, 4) or not all(0 <= number <= 1 for number in numbers):
        return None
    return {"colour": tuple(numbers[:3]), "alpha": numbers[3] if len(numbers) == 4 else 1.0}
