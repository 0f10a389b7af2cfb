"""Avid Media Composer, by the names of AAF operations. ``_2`` at their end is the second generation of the same effect.

Avid keeps the geometry of most effects in private blobs: few can be told from the outside.
"""

from __future__ import annotations

from otio_perf.effects.translate.answers import Asked, Row, effect, exact, nothing
from otio_perf.model.frames import Fidelity, Translated


def _flipped(**sides: bool) -> Row:
    def row(asked: Asked) -> Translated:
        return exact(effect("flip", **sides))

    return row


EFFECTS: dict[str, Row] = {
    "Audio Pan": nothing,
    "Audio Pan Volume": nothing,
    "Audio Gain": nothing,
    "Mono Audio Gain": nothing,
    "Mono Audio Pan": nothing,
    "Submaster": nothing,  # holds others, changes nothing itself
    "Flip": _flipped(vertical=True),
    "Flop": _flipped(horizontal=True),
    "Flip-Flop": _flipped(horizontal=True, vertical=True),
}

_STEP = "Avid is a frame ahead: it has begun in its first frame"

#: Name → our transition, its values, how near it comes, and what differs.
TRANSITIONS: dict[str, tuple[str, dict[str, object], Fidelity, str]] = {
    "VideoDissolve": ("dissolve", {}, Fidelity.APPROXIMATE, _STEP),
    "Video Dissolve": ("dissolve", {}, Fidelity.APPROXIMATE, _STEP),
    "FadeUp": ("dissolve", {}, Fidelity.EXACT, ""),
    "FadeDown": ("dissolve", {}, Fidelity.APPROXIMATE, _STEP),
    "Dip": ("dip_to_colour", {}, Fidelity.APPROXIMATE, _STEP),
}
