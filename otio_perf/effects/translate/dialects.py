"""Effects and transitions of all hosts in our words: exact, approximate, unknown or nothing.

Which of the two is asked, where a host counts its key frames from, and in which order it works, are rows of its dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from otio_perf.effects.translate import aaf, cdl, fcp7, mlt, mlt_lumas, own, resolve
from otio_perf.effects.translate.answers import Asked, Row, UntranslatableError, answered, nothing, transition
from otio_perf.effects.wipes import NAME_OF_CODE
from otio_perf.errors import EffectError
from otio_perf.model.frames import Applied, Fidelity, Moment, Translated
from otio_perf.model.timing import FrameRate
from otio_perf.model.uses import EffectUse

_ROWS: dict[str, Callable[[str], Row | None]] = {
    "aaf": lambda name: aaf.EFFECTS.get(_without_generation(name)),
    "cdl": cdl.EFFECTS.get,
    "fcp7": fcp7.EFFECTS.get,
    "mlt": mlt.row_of,
    "otio": own.row_of,
    "resolve": resolve.EFFECTS.get,
}

_ORDERS = {"resolve": resolve.ORDER, "fcp7": fcp7.ORDER}


def translated(use: EffectUse, moment: Moment, canvas: tuple[int, int], frame_rate: FrameRate) -> Translated:
    """What an effect, or a transition, is at ``moment``. Never raises: what cannot be told is unknown, with the reason.

    :param canvas: width and height of the timeline, in pixels: many hosts' lengths are parts of it.
    :param frame_rate: of the timeline, for key frames that are times.
    """
    rows = _ROWS.get(use.dialect)
    row = rows(use.name) if rows else None
    asked = Asked(
        name=use.label or use.name, parameters=dict(use.parameters), moment=moment, canvas=canvas, frame_rate=frame_rate
    )
    if row is not None:
        return answered(row, asked)
    ours, fidelity, why = translated_transition(use.label, use.name, use)
    return Translated(applied=(ours,) if ours else (), fidelity=fidelity, why=why)


def is_of_pictures(use: EffectUse) -> bool:
    """Whether an effect is known to change pictures, and not sound."""
    rows = mlt.EFFECTS.get if use.dialect == "mlt" else _ROWS.get(use.dialect)
    row = rows(use.name) if rows else None
    return row is not None and row is not nothing


def in_order(uses: Sequence[EffectUse]) -> tuple[EffectUse, ...]:
    """As the host works: some crop before they move, whatever the file says first. All else stays in its order."""

    def rank(use: EffectUse) -> int:
        order = _ORDERS.get(use.dialect, ())
        return 1 + order.index(use.name) if use.name in order else 0

    return tuple(sorted(uses, key=rank))


def translated_transition(name: str, kind: str, effect: EffectUse | None = None) -> tuple[Applied | None, Fidelity, str]:
    """A transition by what the host says of it, by its name, or by OTIO's ``transition_type``, in this order.

    :return: ours (``None``: unknown), how near it comes, and what differs.
    """
    try:
        return _transition(name, kind, effect)
    except (EffectError, UntranslatableError) as error:
        return None, Fidelity.UNKNOWN, f"{name or kind}: {error}"


def _transition(name: str, kind: str, effect: EffectUse | None) -> tuple[Applied | None, Fidelity, str]:
    parameters: Mapping[str, Any] = dict(effect.parameters) if effect else {}
    names = [_without_generation(n) for n in ((effect.name, effect.label) if effect else ()) + (name,) if n]
    if "otio_perf" in parameters:
        ours = own.transition_of(kind if effect is None else effect.name, _bare(effect, parameters))
        if ours:
            return ours, Fidelity.EXACT, ""
    code = _wipe_code(parameters)
    if code is not None:
        pattern = NAME_OF_CODE.get(code)
        if pattern is None:
            return None, Fidelity.UNKNOWN, f"{name or kind}: SMPTE wipe {code} is not there"
        return transition("wipe", pattern=pattern), Fidelity.APPROXIMATE, "the edge may run at another pace than the host's"
    if effect is not None and effect.dialect == "mlt":
        return _mlt_transition(effect, parameters)
    if effect is not None and effect.dialect == "aaf" and parameters.get("ClassName") != "Transition":
        names = []  # an effect on a clip, not between two
    for one in names:
        for table in (fcp7.TRANSITIONS, aaf.TRANSITIONS):
            if one in table:
                ours_name, values, fidelity, why = table[one]
                return transition(ours_name, **values), fidelity, why
    if effect is not None and effect.dialect in ("fcp7", "aaf"):
        return None, Fidelity.UNKNOWN, f"{names[-1] if names else kind}: nothing of ours is known to be the same"
    if "SMPTE_Dissolve" in (kind, *names):
        return transition("dissolve"), Fidelity.EXACT, ""
    return None, Fidelity.UNKNOWN, f"{name or kind}: nothing of ours is known to be the same"


def _mlt_transition(effect: EffectUse, parameters: Mapping[str, Any]) -> tuple[Applied | None, Fidelity, str]:
    """``luma`` without a picture is a dissolve; who comes and who goes has been settled by whoever read the tracks."""
    if parameters.get("composition"):
        return None, Fidelity.UNKNOWN, f"{effect.label or effect.name}: it works between two tracks, which is not translated"
    if effect.name in ("luma", "mix", "dissolve") and not parameters.get("resource"):
        return transition("dissolve"), Fidelity.EXACT, ""
    if effect.name == "luma":
        ours, why = mlt_lumas.wipe_of(parameters)
        return ours, Fidelity.APPROXIMATE, why
    return None, Fidelity.UNKNOWN, f"{effect.label or effect.name}: {effect.name} is not translated"


def _wipe_code(parameters: Mapping[str, Any]) -> int | None:
    """``W001`` of an edit list, as OpenTimelineIO's adapter keeps it."""
    own_words = parameters.get("cmx_3600", parameters)
    try:
        found = re.fullmatch(r"W(\d{3})", str(dict(own_words).get("transition")))
    except (TypeError, ValueError):
        return None
    return int(found[1]) if found else None


def _without_generation(name: str) -> str:
    return name.removesuffix("_2")


def _bare(effect: EffectUse | None, parameters: Mapping[str, Any]) -> Asked:
    """A transition's values do not change while it runs."""
    still = Moment(frame=Fraction(0), length=Fraction(1), inner=Fraction(0))
    return Asked(name=effect.name if effect else "", parameters=parameters, moment=still, canvas=(1, 1), frame_rate=Fraction(1))
