"""Geometry: where the picture stands. All premultiplied. Coordinates run right and down; angles run clockwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otio_perf.effects.parameters import Choice, Number, Numbers, Switch, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View
from otio_perf.effects.sampling import Edges, Floats, Interpolation, resampled, taps, warped

_FARTHEST = 1e5
"""Canvas pixels: no canvas is larger, and beyond that single precision no longer tells neighbouring pixels apart."""


@dataclass(frozen=True, slots=True)
class Warp:
    """A picture, first shrunk to ``width`` × ``height``, then read at ``matrix · (x, y, 1)``."""

    width: int
    height: int
    matrix: Floats
    interpolation: Interpolation
    edges: Edges


def transform_warp(values: Values, view: View) -> Warp | None:
    """``None``: nothing is left of the picture.

    A place ``p`` goes to ``anchor + position + R · S · (p − anchor)``. A picture made smaller is first averaged by the whole
    number of times that it shrinks, or it would flicker.
    """
    across, down = values["scale"]
    if across == 0 or down == 0:
        return None
    anchor = np.array([view.width, view.height]) / 2 + np.array(values["anchor"]) * view.scale
    target = anchor + np.array(values["position"]) * view.scale
    angle = np.deg2rad(values["rotation"])
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    forward = _moved(*target) @ turn @ np.diag([across, down, 1]) @ _moved(*-anchor)
    return _warp(forward, (across, down), view, Interpolation(values["interpolation"]), Edges(values["edges"]))


#: Pixels beside a place that are looked at when it is read (Lanczos: three).
_REACH = 3


def still_covers(values: Values, view: View) -> bool:
    """Whether an opaque picture of the size of the canvas still hides all of it, a punch-in say: every pixel is read from
    inside of it."""
    warp = transform_warp(values, view)
    if warp is None:
        return False
    right, bottom = view.width - 1, view.height - 1
    corners = np.array([[0, right, 0, right], [0, 0, bottom, bottom], [1, 1, 1, 1]], float)
    x, y, _ = warp.matrix @ corners
    inside = (x >= _REACH) & (x <= warp.width - 1 - _REACH) & (y >= _REACH) & (y <= warp.height - 1 - _REACH)
    return bool(inside.all())


def corner_pin_warp(values: Values, view: View) -> Warp | None:
    """The homography that takes the picture's corners to the four points (Heckbert 1989, Fundamentals of Texture Mapping,
    2.2.3). ``None``: they are no convex quadrilateral, nothing is seen."""
    width, height = view.width, view.height
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    points = corners + np.array([values[name] for name in _CORNERS]) * view.scale
    sides = np.roll(points, -1, axis=0) - points
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if not (np.all(turns > _SMALLEST_TURN) or np.all(turns < -_SMALLEST_TURN)):
        return None
    rows, wanted = [], []
    for (x, y), (u, v) in zip(corners, points, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    forward = np.append(np.linalg.solve(np.array(rows), np.array(wanted)), 1).reshape(3, 3)
    lengths = np.hypot(*sides.T)
    scale = (max(lengths[0], lengths[2]) / width, max(lengths[1], lengths[3]) / height)
    return _warp(forward, scale, view, Interpolation(values["interpolation"]), Edges.TRANSPARENT)


#: Twice the area, in pixels, of the smallest corner of a quadrilateral that is drawn.
_SMALLEST_TURN = 1.0


def _warp(forward: Floats, scale: tuple[float, float], view: View, interpolation: Interpolation, edges: Edges) -> Warp:
    """:param forward: from places in the picture to places on the screen, whole numbers being the edges of pixels."""
    width, height = (
        max(1, int(np.ceil(length / max(1, np.floor(1 / min(1, abs(by)) + 1e-9)))))
        for length, by in zip((view.width, view.height), scale, strict=True)
    )
    reduce = np.diag([width / view.width, height / view.height, 1])
    matrix = _moved(-0.5, -0.5) @ reduce @ np.linalg.inv(forward) @ _moved(0.5, 0.5)
    return Warp(width, height, matrix, interpolation, edges)


def _moved(x: float, y: float) -> Floats:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


def _drawn(picture: Picture, warp: Warp | None, view: View) -> Picture:
    if warp is None:
        return np.zeros_like(picture)
    height, width = picture.shape[:2]
    if (warp.width, warp.height) != (width, height):
        columns, rows = (taps(old, new, warp.interpolation) for old, new in ((width, warp.width), (height, warp.height)))
        picture = resampled(picture, columns, rows)
    return warped(picture, warp.matrix, view.width, view.height, warp.interpolation, warp.edges)


def _transform(picture: Picture, values: Values, view: View) -> Picture:
    return _drawn(picture, transform_warp(values, view), view)


def _corner_pin(picture: Picture, values: Values, view: View) -> Picture:
    return _drawn(picture, corner_pin_warp(values, view), view)


def _flip(picture: Picture, values: Values, view: View) -> Picture:
    across, down = (-1 if values[name] else 1 for name in ("horizontal", "vertical"))
    return np.ascontiguousarray(picture[::down, ::across])


def _crop(picture: Picture, values: Values, view: View) -> Picture:
    """Alpha times how much of the pixel lies inside; with ``softness``, a linear ramp of that length inside the cut."""
    ramp = max(1.0, values["softness"] * view.scale)

    def kept(length: int, before: float, after: float) -> Floats:
        centres = np.arange(length) + 0.5
        sides = [np.ones(length)]
        if before > 0:
            sides.append((centres - before * view.scale + 0.5) / ramp)
        if after > 0:
            sides.append((length - after * view.scale - centres + 0.5) / ramp)
        inside: Floats = np.clip(np.min(sides, axis=0), 0, 1)
        return inside

    height, width = picture.shape[:2]
    rows = kept(height, values["top"], values["bottom"])
    columns = kept(width, values["left"], values["right"])
    result: Picture = picture * (rows[:, None] * columns)[..., None].astype(np.float32)
    return result


def _pack_crop(values: Values, view: View) -> Packed:
    """``left, top, right, bottom, 1 / ramp``: the lines half a pixel outside the cuts, far away where nothing is cut."""
    ramp = max(1.0, values["softness"] * view.scale)
    far = 2 * ramp + 1
    left, top = (values[side] * view.scale - 0.5 if values[side] > 0 else -far for side in ("left", "top"))
    right, bottom = (
        length - values[side] * view.scale + 0.5 if values[side] > 0 else length + far
        for side, length in (("right", view.width), ("bottom", view.height))
    )
    return np.array([left, top, right, bottom, 1 / ramp], np.float32)


#: Of a picture read at places of their own, by how many pixels are looked at, in exposures; measured at 1080p.
_READING = {Interpolation.BILINEAR: 3.1, Interpolation.BICUBIC: 9.4, Interpolation.LANCZOS: 64.0}
_ONCE = 2.3


def _transform_cost(values: Values) -> float:
    """As much of it as is covered."""
    across, down = values["scale"]
    covered: float = min(1.0, across * down)
    return _ONCE + covered * (_READING[Interpolation(values["interpolation"])] - _ONCE)


_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")

_INTERPOLATION = Choice(name="interpolation", default="bicubic", options=tuple(Interpolation))

EFFECTS = (
    Effect(
        name="transform",
        title="Position, scale, rotation",
        family="transform",
        shape=Shape.WARP,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Numbers(
                name="position",
                default=(0, 0),
                least=-_FARTHEST,
                most=_FARTHEST,
                usual=(-40, 40),
                unit="px",
                help="How far it moves, right and down",
            ),
            Numbers(name="scale", default=(1, 1), least=0, most=100, usual=(0.2, 3), help="Across and down; 1 is as it was"),
            Number(
                name="rotation",
                default=0,
                least=-36000,
                most=36000,
                usual=(-180, 180),
                unit="°",
                help="Clockwise, about the anchor",
            ),
            Numbers(
                name="anchor",
                default=(0, 0),
                least=-_FARTHEST,
                most=_FARTHEST,
                usual=(-20, 20),
                unit="px",
                help="What stays in place while it turns and grows: right of and below the middle of the canvas",
            ),
            _INTERPOLATION,
            Choice(name="edges", default="transparent", options=tuple(Edges), help="What is seen beyond the picture's edge"),
        ),
        reference=_transform,
        cost=9.4,
        cost_of=_transform_cost,
        keeps_opaque=lambda v: v["edges"] != Edges.TRANSPARENT and 0 not in v["scale"],
        is_identity=lambda v: v["position"] == (0, 0) and v["scale"] == (1, 1) and v["rotation"] % 360 == 0,
    ),
    Effect(
        name="corner_pin",
        title="Corner pin",
        family="transform",
        shape=Shape.WARP,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            *(
                Numbers(
                    name=name,
                    default=(0, 0),
                    least=-_FARTHEST,
                    most=_FARTHEST,
                    usual=(-12, 12),
                    unit="px",
                    help="How far this corner is moved, right and down",
                )
                for name in _CORNERS
            ),
            _INTERPOLATION,
        ),
        reference=_corner_pin,
        cost=10.3,
        cost_of=lambda v: 1.1 * _READING[Interpolation(v["interpolation"])],
        keeps_opaque=lambda v: False,
        is_identity=lambda v: all(v[name] == (0, 0) for name in _CORNERS),
    ),
    Effect(
        name="flip",
        title="Flip",
        family="transform",
        shape=Shape.WARP,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            Switch(name="horizontal", default=False, help="Left becomes right"),
            Switch(name="vertical", default=False, help="Top becomes bottom"),
        ),
        reference=_flip,
        cost=1.2,
        is_identity=lambda v: not (v["horizontal"] or v["vertical"]),
    ),
    Effect(
        name="crop",
        title="Crop",
        family="transform",
        shape=Shape.PLACE,
        alpha=Alpha.PREMULTIPLIED,
        parameters=(
            *(
                Number(name=side, default=0, least=0, most=_FARTHEST, usual=(0, 25), unit="px", help="Cut off this side")
                for side in ("left", "top", "right", "bottom")
            ),
            Number(
                name="softness", default=0, least=0, most=_FARTHEST, usual=(0, 20), unit="px", help="Fade inside the cut sides"
            ),
        ),
        reference=_crop,
        cost=1.1,
        pack=_pack_crop,
        keeps_opaque=lambda v: False,
        is_identity=lambda v: not any(v[side] for side in ("left", "top", "right", "bottom")),
    ),
)
