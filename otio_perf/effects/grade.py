"""Grading: the colourists' three controls, ASC CDL, levels.

An effect whose values are all at their defaults changes nothing, not even what is brighter than white: hosts leave untouched
grades on every clip.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects import stages
from otio_perf.effects.luma import luma, weights
from otio_perf.effects.parameters import Number, Numbers, Parameter, Values
from otio_perf.effects.registry import Alpha, Effect, Packed, Picture, Shape, View

_NONE, _UNIT = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

#: White and black of ``levels`` are at least this far apart: a step, no division by nothing.
_NARROWEST = 1e-4

#: As the ASC CDL says, whatever the picture's own matrix.
_CDL_MATRIX = "bt709"


def _triple(values: Values, name: str) -> NDArray[np.float32]:
    return np.array(values[name], np.float32)


def _limited(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(colour, np.float32(0), np.float32(stages.HEADROOM))


def _lift_gamma_gain(picture: Picture, values: Values, view: View) -> Picture:
    """``(gain · (c + lift · (1 − c))) ^ (1 / gamma)``: lift moves black and leaves white, gain moves white and leaves black.

    ``encoding``: lift is put on ``c ^ (1 / encoding)``, all else on what it was. MLT's ``lift_gamma_gain`` is this with 2.2.
    """
    lift, gain = _triple(values, "lift"), _triple(values, "gain")
    encoding = np.float32(values["encoding"])
    colour = picture[..., :3]
    if encoding != 1:
        colour = _limited(colour) ** (1 / encoding)
    colour = colour + lift * (1 - colour)
    if encoding != 1:
        colour = _limited(colour) ** encoding
    result = picture.copy()
    result[..., :3] = _limited(colour * gain) ** (1 / _triple(values, "gamma"))
    return result


def _pack_lift_gamma_gain(values: Values, view: View) -> Packed:
    """How many tone curves, and those."""
    lift, gain, exponent = _triple(values, "lift"), _triple(values, "gain"), 1 / _triple(values, "gamma")
    encoding = values["encoding"]
    most = stages.HEADROOM
    if encoding == 1:
        tones = [stages.tone(scale=gain * (1 - lift), offset=gain * lift, least=0, most=most, exponent=exponent)]
    else:
        tones = [
            stages.tone(least=0, most=most, exponent=1 / encoding, gain=1 - lift, lift=lift),
            stages.tone(least=0, most=most, exponent=encoding, gain=gain),
            stages.tone(least=0, most=most, exponent=exponent),
        ]
    return np.concatenate([np.array([len(tones)], np.float32), *tones])


def _asc_cdl(picture: Picture, values: Values, view: View) -> Picture:
    """ASC Color Decision List 1.2: ``clamp(clamp(c · slope + offset) ^ power)``, then ``clamp(Y' + saturation · (c − Y'))``
    with the weights of BT.709; all clamps are to 0 to 1."""
    colour = np.clip(picture[..., :3] * _triple(values, "slope") + _triple(values, "offset"), np.float32(0), np.float32(1))
    result = picture.copy()
    result[..., :3] = colour ** _triple(values, "power")
    grey = luma(result, _CDL_MATRIX)
    result[..., :3] = np.clip(grey + np.float32(values["saturation"]) * (result[..., :3] - grey), np.float32(0), np.float32(1))
    return result


def _pack_asc_cdl(values: Values, view: View) -> Packed:
    """Whether there is saturation to do, the tone curve, the affine map."""
    saturation = values["saturation"]
    curve = stages.tone(scale=values["slope"], offset=values["offset"], least=0, most=1, exponent=values["power"])
    matrix = saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), weights(_CDL_MATRIX))
    return np.concatenate([np.array([saturation != 1], np.float32), curve, stages.affine(matrix)])


def _levels(picture: Picture, values: Values, view: View) -> Picture:
    """What lies between black and white comes to 0 to 1, is limited to that, raised to ``1 / gamma``, and put between the
    black and white of the result. White below black turns the picture negative."""
    colour = (picture[..., :3] - _triple(values, "black_in")) / _width(values)
    colour = np.clip(colour, np.float32(0), np.float32(1)) ** (1 / _triple(values, "gamma"))
    black, white = _triple(values, "black_out"), _triple(values, "white_out")
    result = picture.copy()
    result[..., :3] = black + colour * (white - black)
    return result


def _width(values: Values) -> NDArray[np.float32]:
    width = _triple(values, "white_in") - _triple(values, "black_in")
    result: NDArray[np.float32] = np.copysign(np.maximum(np.abs(width), np.float32(_NARROWEST)), width)
    return result


def _pack_levels(values: Values, view: View) -> Packed:
    width, black = _width(values), _triple(values, "black_out")
    return stages.tone(
        scale=1 / width,
        offset=-_triple(values, "black_in") / width,
        least=0,
        most=1,
        exponent=1 / _triple(values, "gamma"),
        gain=_triple(values, "white_out") - black,
        lift=black,
    )


def _defaults(parameters: tuple[Parameter, ...], values: Values) -> bool:
    return all(tuple(np.atleast_1d(values[p.name])) == tuple(np.atleast_1d(p.default)) for p in parameters)


_LIFT_GAMMA_GAIN = (
    Numbers(name="lift", default=_NONE, least=-2, most=1, usual=(-0.2, 0.2), help="Of R', G', B': moves black"),
    Numbers(name="gamma", default=_UNIT, least=0.1, most=10, usual=(0.5, 2), help="Of R', G', B': above 1 lifts the middle"),
    Numbers(name="gain", default=_UNIT, least=0, most=64, usual=(0.5, 1.5), help="Of R', G', B': moves white"),
)
_CDL = (
    Numbers(name="slope", default=_UNIT, least=0, most=100, usual=(0.5, 1.5)),
    Numbers(name="offset", default=_NONE, least=-10, most=10, usual=(-0.2, 0.2)),
    Numbers(name="power", default=_UNIT, least=0.01, most=100, usual=(0.6, 1.6)),
    Number(name="saturation", default=1, least=0, most=10, usual=(0, 2)),
)
_LEVELS = (
    Numbers(name="black_in", default=_NONE, least=-2, most=3, usual=(0, 0.2)),
    Numbers(name="white_in", default=_UNIT, least=-2, most=3, usual=(0.7, 1.1)),
    Numbers(name="gamma", default=_UNIT, least=0.1, most=10, usual=(0.5, 2), help="Above 1 lifts the middle"),
    Numbers(name="black_out", default=_NONE, least=-2, most=3, usual=(0, 0.2)),
    Numbers(name="white_out", default=_UNIT, least=-2, most=3, usual=(0.7, 1.1)),
)

EFFECTS = (
    Effect(
        name="lift_gamma_gain",
        title="Lift, gamma, gain",
        family="grade",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=(
            *_LIFT_GAMMA_GAIN,
            Number(
                name="encoding", default=1, least=1, most=4, usual=(1, 2.6), help="Exponent of what lift is put on; MLT: 2.2"
            ),
        ),
        reference=_lift_gamma_gain,
        pack=_pack_lift_gamma_gain,
        cost=1.1,
        cost_of=lambda v: 1.1 + 0.8 * (tuple(v["gamma"]) != _UNIT) + 3.1 * (v["encoding"] != 1),
        is_identity=lambda values: _defaults(_LIFT_GAMMA_GAIN, values),
    ),
    Effect(
        name="asc_cdl",
        title="ASC CDL",
        family="grade",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=_CDL,
        reference=_asc_cdl,
        pack=_pack_asc_cdl,
        cost=1.1,
        cost_of=lambda v: 1.1 + 0.7 * (v["saturation"] != 1) + 0.8 * (tuple(v["power"]) != _UNIT),
        is_identity=lambda values: _defaults(_CDL, values),
    ),
    Effect(
        name="levels",
        title="Levels",
        family="grade",
        shape=Shape.POINT,
        alpha=Alpha.STRAIGHT,
        parameters=_LEVELS,
        reference=_levels,
        pack=_pack_levels,
        cost=1.1,
        cost_of=lambda v: 1.1 + 0.6 * (tuple(v["gamma"]) != _UNIT),
        is_identity=lambda values: _defaults(_LEVELS, values),
    ),
)
