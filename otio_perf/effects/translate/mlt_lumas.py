"""Wipes of MLT: its ``luma`` with a picture that says when each pixel turns.

Kdenlive brings such pictures; those that are one of our patterns stand for it. All others are unknown: the picture is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from otio_perf.effects.keyframes import mlt_number
from otio_perf.effects.translate.answers import UntranslatableError, transition
from otio_perf.model.frames import Applied

#: Kdenlive's pictures, ``lumas/HD/NAME.pgm`` and the like: within a twentieth of the way of our pattern, on the whole.
PATTERNS = {
    "bi-linear_x": "barn_door_vertical",
    "bi-linear_y": "barn_door_horizontal",
    "clock": "clock_twelve",
    "linear_x": "bar_left_to_right",
    "linear_y": "bar_top_to_bottom",
    "radial": "ellipse_circle",
    "square2": "iris_rectangle",
    "symmetric_clock": "fan_center_top",
}
_KNOWN = frozenset("softness invert reverse".split())
#: Values of what changes nothing between two clips that fill the frame.
_IDLE = {"alpha_over": ("0", "1"), "fix_background_alpha": ("0", "1"), "fill": ("1",), "progressive": ("0", "1")}
_NOTES = frozenset("mlt_service mlt_type resource in out a_track b_track internal_added disable factory automatic".split())


def wipe_of(parameters: Mapping[str, Any]) -> tuple[Applied, str]:
    """Ours, and what differs. :raises UntranslatableError: it is none of ours, or says something that is not known"""
    path = PurePath(str(parameters["resource"]).replace("\\", "/"))
    pattern = PATTERNS.get(path.stem) if "lumas" in path.parts and path.suffix == ".pgm" else None
    if pattern is None:
        raise UntranslatableError(f"the pattern {path.name} is not translated")
    for name, value in parameters.items():
        is_note = name in _NOTES | _KNOWN or name.startswith(("kdenlive", "shotcut", "_"))
        if not is_note and str(value) not in _IDLE.get(name, ()):
            raise UntranslatableError(f"its {name} is {str(value)[:40]!r}, which is not known here")
    inverted, reversed_ = (str(parameters.get(name) or "0") not in ("0", "") for name in ("invert", "reverse"))
    if inverted and reversed_:
        raise UntranslatableError("it is inverted and runs backwards")
    softness = min(1.0, max(0.0, mlt_number(str(parameters.get("softness") or "0"))))
    why = "MLT's edge is an S and follows the picture itself, here it is straight and follows the pattern"
    return transition("wipe", pattern=pattern, softness=softness, reverse=inverted or reversed_), why
