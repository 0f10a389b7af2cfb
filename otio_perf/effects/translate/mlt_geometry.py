"""MLT's filters that place and cut a picture, in terms of the picture as it stands on the canvas.

MLT fits the medium itself into the rectangle, here it has already been fitted into the canvas: the same where the rectangle, or
the medium, has the shape of the canvas.
"""

from __future__ import annotations

import math
from dataclasses import replace

from otio_perf.effects.keyframes import mlt_numbers
from otio_perf.effects.translate.answers import Asked, UntranslatableError, approximate, effect, exact
from otio_perf.effects.translate.mlt_values import animated, colour, number, rectangle, text
from otio_perf.model.frames import Fidelity, Translated

_RESAMPLED = "Qt and MLT resample with filters of their own"
_SHAPE = "; the rectangle has another shape than the canvas: right for media of the canvas's shape"


#: QPainter's composition modes that we have.
QT_MODES = {0: "over", 12: "add", 13: "multiply", 14: "screen", 15: "overlay", 16: "darken", 17: "lighten"}
QT_MODES |= {18: "color_dodge", 19: "color_burn", 20: "hard_light", 21: "soft_light", 22: "difference"}

#: Properties of ``qtblend``, and of the transition of that name.
QTBLEND: tuple[str, ...] = ("rect", "rotation", "compositing", "distort", "rotate_center", "rotate_anchor")
QTBLEND += ("composition", "a_track", "b_track", "always_active", "automatic", "force_track")

#: QPainter's composition modes that show the source where there is nothing below.
_MIXING = (0, *range(12, 24))


def qtblend(asked: Asked) -> Translated:
    """The filter draws on an empty picture, where every mode that mixes shows the source: ``compositing`` changes nothing. The
    transition of that name draws on a track below: right where no other track is between."""
    mode, is_composition = int(number(asked, "compositing", 0)), bool(text(asked, "composition"))
    if mode not in (QT_MODES if is_composition else _MIXING):
        raise UntranslatableError(f"compositing {text(asked, 'compositing')}")
    if text(asked, "rotate_anchor"):
        pivot = animated(asked, "rotate_anchor", mlt_numbers)
        assert isinstance(pivot, tuple)
        turned_about = (pivot[0], pivot[1]) if len(pivot) > 1 else (pivot[0], 0.0)
    else:
        turned_about = (0.5, 0.5) if number(asked, "rotate_center", 0) else (0.0, 0.0)
    width, height = asked.canvas
    rect = rectangle(asked, "rect", f"0 0 {width} {height} 1")
    turn = number(asked, "rotation", 0)
    scale = (rect[2] / width, rect[3] / height)
    if not number(asked, "distort", 0):
        scale = (min(scale),) * 2
    placed = _placed(asked, rect, turn, turned_about, scale)
    blend = QT_MODES[mode] if is_composition else "over"
    if blend == "over" and (not is_composition or placed.fidelity is Fidelity.NOTHING):
        return placed
    why = placed.why or "it works on one track, here on all that are below"
    return replace(placed, fidelity=Fidelity.APPROXIMATE, blend=None if blend == "over" else blend, why=why)


_AFFINE_REFUSED: tuple[str, ...] = (
    "ox",
    "oy",
    "rotate_x",
    "rotate_y",
    "rotate_z",
    "fix_rotate_y",
    "fix_rotate_z",
    "shear_x",
    "shear_y",
)
_AFFINE_REFUSED += ("fix_shear_x", "fix_shear_y", "fix_shear_z", "scale_x", "scale_y", "scale", "mirror", "cycle")

#: Those of ``affine`` that are looked at. Where nothing is repeated, whether to repeat in mirrors says nothing.
AFFINE: tuple[str, ...] = (
    "background",
    "producer.resource",
    "use_normalised",
    "use_normalized",
    "transition.repeat_off",
    "transition.mirror_off",
)
AFFINE += tuple(f"transition.{name}" for name in ("rect", "distort", "fill", "fix_rotate_x", "halign", "valign"))
AFFINE += tuple(f"transition.{name}" for name in _AFFINE_REFUSED)


def affine(asked: Asked) -> Translated:
    for name in _AFFINE_REFUSED:
        if number(asked, f"transition.{name}", 0):
            raise UntranslatableError(f"transition.{name} is {text(asked, f'transition.{name}')}")
    for name in ("halign", "valign"):
        if text(asked, f"transition.{name}") not in ("", "center", "centre", "middle", "c", "m"):
            raise UntranslatableError(f"transition.{name} is {text(asked, f'transition.{name}')}")
    if text(asked, "background") not in ("", "colour:0", "color:0", "colour:#00000000", "color:#00000000"):
        raise UntranslatableError(f"background {text(asked, 'background')}")
    if colour(asked, "producer.resource", "#00000000")[3]:
        raise UntranslatableError(f"producer.resource is {text(asked, 'producer.resource')}: coloured around")
    rect = rectangle(asked, "transition.rect", "0%/0%:100%x100%:100%")
    distort = number(asked, "transition.distort", 0) != 0
    if not distort and not number(asked, "transition.fill", 1):
        raise UntranslatableError("transition.fill is 0")
    turn = number(asked, "transition.fix_rotate_x", 0)
    across, down = rect[2] / asked.canvas[0], rect[3] / asked.canvas[1]
    return _placed(asked, rect, turn, (0.5, 0.5), (across if distort else down, down))  # as high as the rectangle


def crop(asked: Asked) -> Translated:
    sides = {side: float(int(number(asked, side, 0))) for side in ("left", "right", "top", "bottom")}
    if number(asked, "center", 0):
        raise UntranslatableError("it is centred, by how much depends on the medium")
    return _cropped_and_fitted(asked, sides)


def qtcrop(asked: Asked) -> Translated:
    if number(asked, "circle", 0) or number(asked, "radius", 0) or colour(asked, "color", "#00000000")[3]:
        raise UntranslatableError("it is round, or coloured outside")
    return _cropped(asked, rectangle(asked, "rect", "0%/0%:100%x100%"))


def _placed(
    asked: Asked,
    rect: tuple[float, ...],
    degrees: float,
    turned_about: tuple[float, float],
    scale: tuple[float, float],
) -> Translated:
    """The picture in the middle of ``rect`` (x, y, width, height, opacity), turned clockwise about a point in parts of that."""
    canvas = width, height = asked.canvas
    x, y, across, down, opacity = rect
    if across <= 0 or down <= 0:
        raise UntranslatableError("its rectangle is empty")
    # a point p of the canvas goes to corner + pivot + R · (margin + S · p − pivot)
    pivot = (turned_about[0] * across, turned_about[1] * down)
    margin = ((across - scale[0] * width) / 2, (down - scale[1] * height) / 2)
    middle = [m + s * size / 2 - q for m, s, size, q in zip(margin, scale, canvas, pivot, strict=True)]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    position = (
        x + pivot[0] + cos * middle[0] - sin * middle[1] - width / 2,
        y + pivot[1] + sin * middle[0] + cos * middle[1] - height / 2,
    )
    moved = effect("transform", position=position, scale=scale, rotation=degrees, interpolation="bilinear")
    opacity = min(1.0, max(0.0, opacity))
    if set(scale) == {1.0} and degrees % 360 == 0 and all(value == round(value) for value in position):
        return exact(moved, opacity=opacity)  # whole pixels: nothing is resampled
    why = _RESAMPLED + (_SHAPE if not math.isclose(across / down, width / height, rel_tol=1e-3) else "")
    return approximate(why, moved, opacity=opacity)


def _cropped(asked: Asked, rect: tuple[float, ...]) -> Translated:
    """All but ``rect`` is made transparent."""
    width, height = asked.canvas
    x, y, across, down = rect[:4]
    sides = {"left": x, "top": y, "right": width - x - across, "bottom": height - y - down}
    cut = effect("crop", **{side: max(0.0, length) for side, length in sides.items()})
    if all(length == round(length) for length in sides.values()):
        return exact(cut)
    return approximate("Qt counts parts of pixels its own way", cut)


def _cropped_and_fitted(asked: Asked, sides: dict[str, float]) -> Translated:
    """What is left fills the canvas as far as its shape allows."""
    width, height = asked.canvas
    across, down = width - sides["left"] - sides["right"], height - sides["top"] - sides["bottom"]
    if min(across, down) < 1:
        raise UntranslatableError("nothing is left of the picture")
    scale = min(width / across, height / down)
    position = (scale * (sides["right"] - sides["left"]) / 2, scale * (sides["bottom"] - sides["top"]) / 2)
    grown = effect("transform", position=position, scale=(scale, scale), interpolation="bilinear")
    return approximate("right for media of the canvas's shape; " + _RESAMPLED, effect("crop", **sides), grown)
