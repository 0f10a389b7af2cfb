"""Final Cut Pro 7 XML, as Final Cut, Premiere and Resolve write it: by ``effectid``.

Lengths are parts of the picture, key frames count from the first frame of the medium. None of these programs has ever been run
against this: only opacity that stands still, jumps or runs in a line is exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otio_perf.effects.keyframes import HOLD, LINEAR, Key, frame_of, sampled
from otio_perf.effects.translate.answers import (
    Asked,
    Row,
    UntranslatableError,
    approximate,
    effect,
    exact,
    nothing,
)
from otio_perf.model.frames import Fidelity, Translated

_POINT = ("horiz", "vert")


def _sampled(asked: Asked, name: str, parse: Any, default: Any) -> Any:
    """The survey has put a parameter's key frames in the place of its value, where it has some."""
    value = asked.parameters.get(name)
    if value is None or value == "":
        return default
    try:
        keys = _keys(value)
        if not keys:
            return parse(value)
        return sampled(sorted((_key(key, parse) for key in keys), key=lambda key: key.frame), asked.moment.inner)
    except (TypeError, ValueError, KeyError) as error:
        raise UntranslatableError(f"{name} cannot be read ({error})") from error


def _keys(value: Any) -> list[Mapping[str, Any]]:
    """One key is ``((when, …), (value, …))``, several are a tuple of these."""
    if not isinstance(value, tuple) or not value:
        return []
    if isinstance(value[0], tuple) and value[0] and isinstance(value[0][0], tuple):
        return [dict(key) for key in value]
    return [dict(value)] if "when" in dict(value) else []


def _key(said: Mapping[str, Any], parse: Any) -> Key:
    return Key(frame_of(said["when"]), parse(said["value"]), HOLD if _curve(said) == HOLD else LINEAR)


def _curve(said: Mapping[str, Any]) -> str:
    """What is said nothing of runs in a line."""
    named = dict(said["interpolation"]).get("name") if "interpolation" in said else None
    return str(named or LINEAR).strip().lower()


def eases(asked: Asked, name: str) -> bool:
    """Does a parameter's curve differ from the lines that it is taken for? ``FCPCurve`` is a Bézier curve, and handles are
    ``inbez``, ``outscale`` and the like."""
    try:
        keys = _keys(asked.parameters.get(name))
        bent = any(_curve(key) not in (HOLD, LINEAR) or not _HANDLES.isdisjoint(key) for key in keys)
    except (TypeError, ValueError) as error:
        raise UntranslatableError(f"{name} cannot be read ({error})") from error
    return bent and len({key.get("value") for key in keys}) > 1


_HANDLES = frozenset({"inscale", "outscale", "inbez", "outbez"})
EASED = "the eases between its key frames are taken for lines"


def _with_eases(asked: Asked, why: str, *names: str) -> str:
    return f"{why}; {EASED}" if any(eases(asked, name) for name in names) else why


def number(asked: Asked, name: str, default: float) -> float:
    found: float = _sampled(asked, name, float, default)
    return found


def _point(asked: Asked, name: str) -> tuple[float, float]:
    found: tuple[float, float] = _sampled(asked, name, _horizontal_and_vertical, (0.0, 0.0))
    return found


def _horizontal_and_vertical(value: Any) -> tuple[float, ...]:
    said = dict(value)
    return tuple(float(said[side]) for side in _POINT)


def _basic_motion(asked: Asked) -> Translated:
    width, height = asked.canvas
    across, down = _point(asked, "center")
    anchor_across, anchor_down = _point(asked, "centerOffset")
    scale = number(asked, "scale", 100) / 100
    if scale < 0:
        raise UntranslatableError(f"scale is {scale * 100:g}, below 0")
    anchor = (anchor_across * width, anchor_down * height)
    moved = effect(
        "transform",
        position=(across * width - anchor[0], down * height - anchor[1]),
        scale=(scale, scale),
        rotation=number(asked, "rotation", 0),
        anchor=anchor,
    )
    why = "no host of these has ever been run against it"
    return approximate(_with_eases(asked, why, "scale", "rotation", "center", "centerOffset"), moved)


def _crop(asked: Asked) -> Translated:
    width, height = asked.canvas
    lengths = {"left": width, "right": width, "top": height, "bottom": height}
    sides = {side: max(0.0, number(asked, side, 0)) / 100 * length for side, length in lengths.items()}
    softness = max(0.0, number(asked, "edgefeather", 0))
    cut = effect("crop", softness=softness, **sides)
    why = "sides are per cent of the medium: right where it has the shape of the canvas"
    return approximate(_with_eases(asked, why, *lengths, "edgefeather"), cut)


def _opacity(asked: Asked) -> Translated:
    found = exact(opacity=min(1.0, max(0.0, number(asked, "opacity", 100) / 100)))
    if found.opacity is None or not eases(asked, "opacity"):
        return found
    return replace(found, fidelity=Fidelity.APPROXIMATE, why=EASED)


def _composite_mode(asked: Asked) -> Translated:
    mode = str(asked.parameters.get("mode", "normal"))
    word = re.sub(r"[^a-z]", "", mode.lower())
    if word == "normal":
        return nothing(asked)
    if word not in _MODES:
        raise UntranslatableError(f"the composite mode {mode!r} is not there")
    return Translated(
        blend=_MODES[word], fidelity=Fidelity.APPROXIMATE, why="Final Cut's formula of it was never compared with ours"
    )


_MODES = {
    "add": "add",
    "multiply": "multiply",
    "screen": "screen",
    "overlay": "overlay",
    "darken": "darken",
    "lighten": "lighten",
    "difference": "difference",
    "softlight": "soft_light",
    "hardlight": "hard_light",
}


def _frame_blending(asked: Asked) -> Translated:
    """The change of speed itself has become times before it comes here."""
    raise UntranslatableError("the host blends frames where its speed falls between two, which is not done here")


def _of_a_part(asked: Asked) -> Translated:
    raise UntranslatableError("it works on a part of its clip, which writers count in two ways")


def _gaussian_blur(asked: Asked) -> Translated:
    radius = number(asked, "radius", number(asked, "Blurriness", number(asked, "1", 0)))
    blur = effect("gaussian_blur", sigma=max(0.0, radius) / 2)
    why = "how wide the host's blur is was never written down: sigma is taken as half its radius"
    return approximate(_with_eases(asked, why, "radius", "Blurriness", "1"), blur)


def _time_remap(asked: Asked) -> Translated:
    """Constant speeds have become times before they come here."""
    raise UntranslatableError("its speed varies")


EFFECTS: dict[str, Row] = {
    "audiolevels": nothing,
    "audiopan": nothing,
    "compositemode": _composite_mode,
    "frameblending": _frame_blending,
    "filter range": _of_a_part,
    "basic": _basic_motion,
    "crop": _crop,
    "opacity": _opacity,
    "Gaussian Blur": _gaussian_blur,
    "GaussianBlur": _gaussian_blur,
    "timeremap": _time_remap,
}

#: In which order Final Cut works, whatever the order in the file: other filters first.
ORDER = ("crop", "basic", "opacity", "compositemode")

_DIP = "the host holds the colour for a moment in the middle"
_WIPE = "the host's edge may run at another pace"

#: Name or effectid → our transition, its values, how near it comes, and what differs.
TRANSITIONS: dict[str, tuple[str, dict[str, object], Fidelity, str]] = {
    "Cross Dissolve": ("dissolve", {}, Fidelity.EXACT, ""),
    "Film Dissolve": ("dissolve", {}, Fidelity.APPROXIMATE, "Premiere mixes it in linear light"),
    "Dip to Color Dissolve": ("dip_to_colour", {}, Fidelity.APPROXIMATE, _DIP + "; its colour is taken for black"),
    "Dip to Black": ("dip_to_colour", {}, Fidelity.APPROXIMATE, _DIP),
    "Dip to White": ("dip_to_colour", {"colour": (1.0, 1.0, 1.0)}, Fidelity.APPROXIMATE, _DIP),
    "Fade In Fade Out Dissolve": ("dip_to_colour", {}, Fidelity.APPROXIMATE, _DIP),
    "Edge Wipe": ("wipe", {"pattern": "bar_left_to_right"}, Fidelity.APPROXIMATE, _WIPE + "; its angle is not read"),
    "Clock Wipe": ("wipe", {"pattern": "clock_twelve"}, Fidelity.APPROXIMATE, _WIPE),
    "Push": ("push", {"direction": "right"}, Fidelity.APPROXIMATE, "its direction is not read"),
}
