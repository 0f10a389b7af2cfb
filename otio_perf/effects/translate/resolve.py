"""DaVinci Resolve's blocks in OpenTimelineIO, of which only changed or keyframed parameters arrive.

Units as exports have them: pan is a part of the canvas's width, tilt of its height, crops are parts of the picture, fades
timeline frames; key frames count from the clip's visible start. Resolve has never been run against this: only what follows from
the definition (opacity without eases) is exact.
"""

from __future__ import annotations

from typing import Any

from otio_perf.effects.keyframes import Key, frame_of, sampled
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

_RESAMPLED = "Resolve resamples with a filter of its own; eases between key frames are near, not the same"
_EASED = "eases between key frames are near, not the same"


def number(asked: Asked, name: str, default: float) -> float:
    found = _sampled(asked, name, default)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise UntranslatableError(f"{name} is {found!r}, not a number")
    return float(found)


def _sampled(asked: Asked, name: str, default: Any) -> Any:
    """A value as it stands, or one between ``((frame, ((Value, v), (InBez, …), …)), …)``."""
    value = asked.parameters.get(name, default)
    if not (isinstance(value, tuple) and value and isinstance(value[0], tuple)):
        return value
    try:
        keys = sorted((_key(frame, dict(said)) for frame, said in value), key=lambda key: key.frame)
    except (TypeError, ValueError, KeyError) as error:
        raise UntranslatableError(f"the key frames of {name} cannot be read") from error
    return sampled(keys, asked.moment.frame)


def _key(frame: str, said: dict[str, Any]) -> Key:
    value = said["Value"]
    number = tuple(float(v) for v in value) if isinstance(value, tuple) else float(value)
    leave, arrive = (_handle(said.get(side), side) for side in ("OutBez", "InBez"))
    return Key(frame_of(frame), number, leave=leave, arrive=arrive)


def _handle(said: Any, side: str) -> tuple[float, float] | None:
    if not said:
        return None
    x, y = dict(said)[side]
    return float(x), float(y)


def _eases(value: Any) -> bool:
    """Have the key frames of a value, which ``_sampled`` has read, handles?"""
    return isinstance(value, tuple) and any(said.get("InBez") or said.get("OutBez") for said in (dict(s) for _, s in value))


def refuse_others(asked: Asked, *known: str) -> None:
    others = [name for name in asked.parameters if name not in known]
    if others:
        raise UntranslatableError(f"{others[0]} is not translated")


def _transform(asked: Asked) -> Translated:
    refuse_others(
        asked,
        *(
            f"transformation{name}"
            for name in ("ZoomX", "ZoomY", "Pan", "Tilt", "RotationAngle", "AnchorPoint", "FlipX", "FlipY")
        ),
    )
    width, height = asked.canvas
    anchor = _sampled(asked, "transformationAnchorPoint", (0.0, 0.0))
    if not isinstance(anchor, tuple) or len(anchor) != 2:
        raise UntranslatableError(f"transformationAnchorPoint is {anchor!r}, not a point")
    position = (
        number(asked, "transformationPan", 0) * width,
        -number(asked, "transformationTilt", 0) * height,  # tilt is up
    )
    flips = [asked.parameters.get(f"transformationFlip{axis}", False) is True for axis in "XY"]
    placed = effect(
        "transform",
        position=position,
        scale=(number(asked, "transformationZoomX", 1), number(asked, "transformationZoomY", 1)),
        rotation=-number(asked, "transformationRotationAngle", 0),  # anticlockwise
        anchor=(float(anchor[0]) * width, -float(anchor[1]) * height),
        interpolation="bicubic",
    )
    return approximate(_RESAMPLED, effect("flip", horizontal=flips[0], vertical=flips[1]), placed)


def _cropping(asked: Asked) -> Translated:
    sides = {"left": 0, "right": 0, "top": 1, "bottom": 1}
    refuse_others(asked, *(f"crop{side.title()}" for side in sides))
    values = {side: max(0.0, number(asked, f"crop{side.title()}", 0)) * asked.canvas[axis] for side, axis in sides.items()}
    return approximate(
        "Resolve crops parts of the clip's own picture: the same where that has the shape of the canvas",
        effect("crop", **values),
    )


def _composite(asked: Asked) -> Translated:
    refuse_others(asked, "opacity")  # modes are numbers, what they stand for is not written down anywhere
    found = exact(opacity=min(1.0, max(0.0, number(asked, "opacity", 100) / 100)))
    if found.opacity is None or not _eases(asked.parameters.get("opacity")):
        return found
    return Translated(fidelity=Fidelity.APPROXIMATE, opacity=found.opacity, why=_EASED)


def _faders(asked: Asked) -> Translated:
    """Fades to what is below, each so many frames long."""
    refuse_others(asked, "videoFaderIn", "videoFaderOut")
    moment, factor = asked.moment, 1.0
    for name, gone in (("videoFaderIn", moment.frame), ("videoFaderOut", moment.length - moment.frame)):
        frames = number(asked, name, 0)
        if frames > 0:
            factor *= min(1.0, max(0.0, float(gone) / frames))
    found = exact(opacity=factor)
    if found.fidelity is Fidelity.NOTHING:
        return found
    return Translated(fidelity=Fidelity.APPROXIMATE, opacity=factor, why="the curve of Resolve's fades is taken for a line")


def _untouched(asked: Asked) -> Translated:
    """Blocks that we know of, but not what they do once something in them is changed."""
    refuse_others(asked)
    return nothing(asked)


def _ramp(asked: Asked) -> Translated:
    """Constant speeds have become times before they come here."""
    raise UntranslatableError("its speed varies")


EFFECTS: dict[str, Row] = {
    "Speed ramp": _ramp,
    "Transform": _transform,
    "Cropping": _cropping,
    "Composite": _composite,
    "Video Faders": _faders,
    "Dynamic Zoom": _untouched,
    "Lens Correction": _untouched,
    "Retime and Scaling": _untouched,
    "Stabilization": _untouched,
    "Fairlight Clip Volume and Fades": nothing,
    "Fairlight Clip Pan": nothing,
    "Fairlight Clip Pitch": nothing,
    "Fairlight Clip Equaliser": nothing,
    "Fairlight Equaliser Band": nothing,
}

#: In which order Resolve works, whatever the order in the file.
ORDER = ("Cropping", "Transform", "Composite", "Video Faders")
