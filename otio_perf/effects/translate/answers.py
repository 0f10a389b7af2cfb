"""What the tables of all dialects are made of: what a row is asked, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otio_perf.effects.registry import registry
from otio_perf.errors import EffectError
from otio_perf.model.frames import Applied, Fidelity, Moment, Translated
from otio_perf.model.timing import FrameRate

#: Standard definition is BT.601, all else BT.709: what editors take a project for, by its rows.
_SD_ROWS = 720


class UntranslatableError(ValueError):
    """The host's effect says something that we cannot follow, in a clause for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An effect at one moment. ``parameters`` as the host writes them; of two by one name the later counts."""

    name: str
    parameters: Mapping[str, Any]
    moment: Moment
    canvas: tuple[int, int]
    frame_rate: FrameRate

    @property
    def matrix(self) -> str:
        """In which the host takes luma and chroma, as our effects call it."""
        return "smpte170m" if self.canvas[1] < _SD_ROWS else "bt709"


Row = Callable[[Asked], Translated]
NOTHING = Translated(fidelity=Fidelity.NOTHING)


def nothing(asked: Asked) -> Translated:
    """Sound, or what the editor shows to itself."""
    return NOTHING


def unknown(why: str) -> Translated:
    return Translated(fidelity=Fidelity.UNKNOWN, why=why)


def effect(name: str, /, **values: Any) -> Applied:
    """:raises EffectError: there is none called so, or it cannot take these values."""
    found = registry().effect(name)
    return Applied(name=name, version=found.version, values=_sorted(found.checked(values)))


def transition(name: str, /, **values: Any) -> Applied:
    """:raises EffectError: there is none called so, or it cannot take these values."""
    found = registry().transition(name)
    return Applied(name=name, version=found.version, values=_sorted(found.checked(values)))


def exact(*applied: Applied, opacity: float | None = None, blend: str | None = None) -> Translated:
    """Those effects that change something; nothing, where none is left."""
    kept = _effective(applied)
    opacity = None if opacity == 1 else opacity
    if not kept and opacity is None and blend is None:
        return NOTHING
    return Translated(applied=kept, opacity=opacity, blend=blend)


def approximate(why: str, *applied: Applied, opacity: float | None = None, blend: str | None = None) -> Translated:
    """As ``exact``; ``why`` is what differs where effects are left. Opacity and blend modes alone are exact."""
    found = exact(*applied, opacity=opacity, blend=blend)
    if not found.applied:
        return found
    return Translated(applied=found.applied, fidelity=Fidelity.APPROXIMATE, opacity=found.opacity, blend=found.blend, why=why)


def answered(row: Row, asked: Asked) -> Translated:
    """What ``row`` makes of it; what it cannot follow, or our effect cannot take, is unknown, by name."""
    try:
        return row(asked)
    except (ValueError, ArithmeticError, EffectError) as error:  # numbers beyond all measure among them
        return unknown(f"{asked.name}: {reason_of(error)}")


def reason_of(error: Exception) -> str:
    """A clause for people."""
    return "its numbers are beyond all measure" if isinstance(error, ArithmeticError) else str(error)


def _effective(applied: tuple[Applied, ...]) -> tuple[Applied, ...]:
    effects = registry().effects
    return tuple(one for one in applied if not effects[one.name].is_identity(dict(one.values)))


def _sorted(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(values.items()))
