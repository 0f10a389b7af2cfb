"""Transitions: from one picture to another. All premultiplied."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from otio_perf.effects.parameters import Choice, Number, Numbers, Switch, Values
from otio_perf.effects.registry import Packed, Picture, Transition, View
from otio_perf.effects.wipes import WIPES, field


def _dissolve(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    mix = np.float32(progress)
    result: Picture = outgoing * (np.float32(1) - mix) + incoming * mix
    return result


def _pack_dissolve(progress: float, values: Values, view: View) -> Packed:
    return np.array([progress], np.float32)


def _dip(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    """In the first half the outgoing picture dissolves into the colour, in the second the colour into the incoming one."""
    if progress < 0.5:
        picture, share = outgoing, np.float32(1 - 2 * progress)
    else:
        picture, share = incoming, np.float32(2 * progress - 1)
    colour = np.array([*values["colour"], 1], np.float32)
    result: Picture = picture * share + colour * (np.float32(1) - share)
    return result


def _pack_dip(progress: float, values: Values, view: View) -> Packed:
    """Shares of the outgoing and of the incoming picture, and what the colour adds to R', G', B' and alpha."""
    out, into = max(0.0, 1 - 2 * progress), max(0.0, 2 * progress - 1)
    rest = 1 - out - into
    return np.array([out, into, *(c * rest for c in values["colour"]), rest], np.float32)


def wipe_ramp(progress: float, values: Values, view: View) -> tuple[float, float]:
    """``(gain, offset)``: the incoming picture's share of a pixel is ``field · gain + offset``, held within 0 and 1.

    The edge runs from outside the picture on one side to outside on the other. It is one pixel wide at least, so that a slow
    wipe does not jump.
    """
    width = max(values["softness"], 1 / max(view.width, view.height))
    edge = progress * (1 + width)
    if values["reverse"]:  # the field the other way round: 1 − field
        return 1 / width, (edge - 1) / width
    return -1 / width, edge / width


def _wipe(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    height, width = outgoing.shape[:2]
    gain, offset = wipe_ramp(progress, values, view)
    share = np.clip(field(values["pattern"], width, height) * gain + offset, 0, 1).astype(np.float32)[..., None]
    result: Picture = outgoing * (np.float32(1) - share) + incoming * share
    return result


def _towards_left(picture: Picture, direction: str) -> Picture:
    """Turned so that a movement to ``direction`` becomes one to the left."""
    if direction in ("up", "down"):
        picture = picture.swapaxes(0, 1)
    return picture if direction in ("left", "up") else picture[:, ::-1]


def _from_left(picture: Picture, direction: str) -> Picture:
    """And turned back."""
    picture = picture if direction in ("left", "up") else picture[:, ::-1]
    return np.ascontiguousarray(picture.swapaxes(0, 1) if direction in ("up", "down") else picture)


def _moving(outgoing: Picture, incoming: Picture, progress: float, values: Values, moves: str) -> Picture:
    """Between whole pixels, two neighbours are mixed."""
    direction = values["direction"]
    old, new = _towards_left(outgoing, direction), _towards_left(incoming, direction)
    length = old.shape[1]
    whole = math.floor(progress * length)
    part = np.float32(progress * length - whole)

    def read(shift: int) -> Picture:
        here = np.arange(length)
        column = here + shift
        if moves == "incoming":
            column = column - length
            is_new, of_old = column >= 0, here
        else:
            is_new, of_old = column >= length, np.minimum(column, length - 1)
            column = column - length if moves == "both" else here
        column = np.clip(column, 0, length - 1)
        return np.where(is_new[None, :, None], new[:, column], old[:, of_old])

    return _from_left(read(whole) * (np.float32(1) - part) + read(whole + 1) * part, direction)


def _push(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    return _moving(outgoing, incoming, progress, values, "both")


def _slide(outgoing: Picture, incoming: Picture, progress: float, values: Values, view: View) -> Picture:
    return _moving(outgoing, incoming, progress, values, values["moves"])


#: What moves, as a number for kernels.
MOVES = {"both": 0, "incoming": 1, "outgoing": 2}


def _pack_moving(progress: float, values: dict[str, Any] | Values, view: View) -> Packed:
    """``moves`` (see ``MOVES``), vertical or not, backwards (right, down) or not, whole pixels, the rest of a pixel."""
    direction = values["direction"]
    vertical = direction in ("up", "down")
    way = progress * (view.height if vertical else view.width)
    whole = math.floor(way)
    moves = MOVES[values.get("moves", "both")]
    return np.array([moves, vertical, direction in ("right", "down"), whole, way - whole], np.float32)


_DIRECTION = Choice(name="direction", default="left", options=("left", "right", "up", "down"), help="Where the movement goes")

EFFECTS = (
    Transition(name="dissolve", title="Cross dissolve", parameters=(), reference=_dissolve, pack=_pack_dissolve, cost=1.5),
    Transition(
        name="dip_to_colour",
        title="Dip to colour",
        parameters=(
            Numbers(
                name="colour",
                default=(0, 0, 0),
                least=0,
                most=1,
                usual=(0, 1),
                help="R'G'B'; black, or white",
                is_colour=True,
            ),
        ),
        reference=_dip,
        cost=1.1,
        pack=_pack_dip,
    ),
    Transition(
        name="wipe",
        title="Wipe",
        parameters=(
            Choice(name="pattern", default="bar_left_to_right", options=tuple(WIPES), help="SMPTE ST 258, named as in SMIL"),
            Number(name="softness", default=0, least=0, most=1, usual=(0, 0.5), help="Width of the edge, in parts of the way"),
            Switch(name="reverse", default=False, help="The pattern the other way round: from its end to its beginning"),
        ),
        reference=_wipe,
        cost=1.6,
    ),
    Transition(name="push", title="Push", parameters=(_DIRECTION,), reference=_push, pack=_pack_moving, cost=1.7),
    Transition(
        name="slide",
        title="Slide",
        parameters=(
            _DIRECTION,
            Choice(
                name="moves",
                default="incoming",
                options=("incoming", "outgoing"),
                help="The incoming picture covers the outgoing one, or that goes away and reveals it",
            ),
        ),
        reference=_slide,
        cost=1.7,
        pack=_pack_moving,
    ),
)
