"""Generators: pictures out of nothing. Drawn in numpy once, the same on every engine."""

from __future__ import annotations

import numpy as np

from otio_perf.effects import lettering
from otio_perf.effects.parameters import Choice, Number, Numbers, Text, Values
from otio_perf.effects.registry import Generator, Picture, View

_Colour = tuple[float, float, float]


def _filled(view: View, colour: _Colour, alpha: float = 1) -> Picture:
    picture = np.empty((view.height, view.width, 4), np.float32)
    picture[:] = np.array([*colour, 1], np.float32) * np.float32(alpha)
    return picture


def _solid(values: Values, view: View) -> Picture:
    return _filled(view, values["colour"], values["alpha"])


def _gradient(values: Values, view: View) -> Picture:
    """Mixed as the screen gets it (not in linear light), as editors do. Linear: CSS's line from corner to corner (CSS Images 3,
    3.1.1); radial: from the middle to the corners."""
    y, x = np.mgrid[0 : view.height, 0 : view.width] + 0.5
    x, y = x - view.width / 2, y - view.height / 2
    if values["shape"] == "radial":
        share = np.hypot(x, y) / np.hypot(view.width / 2, view.height / 2)
    else:
        angle = np.deg2rad(values["angle"])
        across, down = np.cos(angle), np.sin(angle)
        length = abs(across) * view.width + abs(down) * view.height
        share = (x * across + y * down) / length + 0.5
    share = share[..., None]
    colours = np.array(values["start"]) * (1 - share) + np.array(values["end"]) * share
    return np.concatenate([colours, np.ones_like(share)], axis=2).astype(np.float32)


def _row(*parts: tuple[float, _Colour | None]) -> list[tuple[float, _Colour | None]]:
    return list(parts)


def _grey(level: float) -> _Colour:
    return (level, level, level)


def _primaries(level: float) -> tuple[_Colour, ...]:
    """Yellow, cyan, green, magenta, red, blue."""
    v = level
    return ((v, v, 0), (0, v, v), (0, v, 0), (v, 0, v), (v, 0, 0), (0, 0, v))


_SIDE = 1 / 8
_BAR = 3 / 4 / 7

#: Of each pattern rows of ``height, [(width, colour)]`` in parts of the picture; ``None``: a ramp from black to white.
#: EBU bars: white and seven more of the same width, 100/0/75/0 and 100/0/100/0 in the words of ITU-R BT.471.
#: SMPTE RP 219-2002, figure 1: 7/12, 1/12, 1/12, 3/12 of the height; sides of 1/8, bars of 3/28 of the width. Of the choices
#: that it leaves: 75 % white at its *2, black at its *3. Levels as R'G'B': 40 % and 15 % grey, 75 % bars, ±2 % and 4 % near
#: black.
_BARS: dict[str, list[tuple[float, list[tuple[float, _Colour | None]]]]] = {
    "ebu_75": [(1, _row(*((1 / 8, c) for c in (_grey(1), *_primaries(0.75), _grey(0)))))],
    "ebu_100": [(1, _row(*((1 / 8, c) for c in (_grey(1), *_primaries(1), _grey(0)))))],
    "smpte_rp_219": [
        (7 / 12, _row((_SIDE, _grey(0.4)), *((_BAR, c) for c in (_grey(0.75), *_primaries(0.75))), (_SIDE, _grey(0.4)))),
        (1 / 12, _row((_SIDE, (0, 1, 1)), (_BAR, _grey(0.75)), (6 * _BAR, _grey(0.75)), (_SIDE, (0, 0, 1)))),
        (
            1 / 12,
            _row((_SIDE, (1, 1, 0)), (_BAR, _grey(0)), (5 * _BAR, None), (_BAR, _grey(1)), (_SIDE, (1, 0, 0))),
        ),
        (
            3 / 12,
            _row(
                (_SIDE, _grey(0.15)),
                (3 / 2 * _BAR, _grey(0)),
                (2 * _BAR, _grey(1)),
                (5 / 6 * _BAR, _grey(0)),
                *((_BAR / 3, _grey(level)) for level in (-0.02, 0, 0.02, 0, 0.04)),
                (_BAR, _grey(0)),
                (_SIDE, _grey(0.15)),
            ),
        ),
    ],
}


def _bars(values: Values, view: View) -> Picture:
    """Each pixel has the colour of the bar that its centre lies in."""
    picture = _filled(view, (0, 0, 0))
    top = 0.0
    for height, row in _BARS[values["standard"]]:
        rows = slice(round(top * view.height), round((top + height) * view.height))
        left = 0.0
        for width, colour in row:
            start, stop = round(left * view.width), round((left + width) * view.width)
            if colour is None:
                picture[rows, start:stop, :3] = np.linspace(0, 1, max(2, stop - start))[: stop - start, None]
            else:
                picture[rows, start:stop, :3] = colour
            left += width
        top += height
    return picture


_PAPER, _STRIPE, _INK = (0.25, 0.05, 0.05), (0.32, 0.07, 0.07), (1.0, 1.0, 1.0)


def _slate(values: Values, view: View) -> Picture:
    """White letters on striped dark red, so that nobody takes it for a picture; as large as fits, in whole dots."""
    picture = _filled(view, _PAPER)
    y, x = np.mgrid[0 : view.height, 0 : view.width]
    band = max(2, min(view.width, view.height) // 8)
    picture[((x + y) // band) % 2 == 1, :3] = _STRIPE

    title = lettering.plain(values["title"])
    dot = max(1, min(view.width * 9 // 10 // max(1, len(title) * lettering.ADVANCE), view.height // 5 // lettering.LINE))
    small = max(1, dot // 2)
    lines = [(text, dot) for text in lettering.wrapped(title, max(1, view.width // (dot * lettering.ADVANCE)), 2)]
    length = max(1, view.width * 9 // 10 // (small * lettering.ADVANCE))
    lines += [(text, small) for text in lettering.wrapped(values["text"], length, 3)]
    top = (view.height - sum(size * lettering.LINE for _, size in lines)) // 2
    for text, size in lines:
        dots = np.kron(lettering.line(text), np.ones((size, size), bool))
        left = (view.width - dots.shape[1]) // 2
        rows, columns = np.nonzero(dots)
        rows, columns = rows + top, columns + left
        inside = (rows >= 0) & (rows < view.height) & (columns >= 0) & (columns < view.width)
        picture[rows[inside], columns[inside], :3] = _INK
        top += size * lettering.LINE
    return picture


def _colour(name: str, default: _Colour) -> Numbers:
    return Numbers(name=name, default=default, least=0, most=1, usual=(0, 1), help="R'G'B'")


EFFECTS = (
    Generator(
        name="solid",
        title="Solid colour",
        parameters=(_colour("colour", (0, 0, 0)), Number(name="alpha", default=1, least=0, most=1, usual=(0, 1))),
        draw=_solid,
    ),
    Generator(
        name="gradient",
        title="Gradient",
        parameters=(
            Choice(name="shape", default="linear", options=("linear", "radial")),
            _colour("start", (0, 0, 0)),
            _colour("end", (1, 1, 1)),
            Number(
                name="angle",
                default=0,
                least=-36000,
                most=36000,
                usual=(0, 360),
                unit="°",
                help="Clockwise; 0 runs to the right",
            ),
        ),
        draw=_gradient,
    ),
    Generator(
        name="bars",
        title="Colour bars",
        parameters=(Choice(name="standard", default="smpte_rp_219", options=tuple(_BARS)),),
        draw=_bars,
    ),
    Generator(
        name="slate",
        title="Slate",
        parameters=(
            Text(name="title", default="MEDIA OFFLINE", help="In large letters"),
            Text(name="text", default="", help="Below it: the name of the file"),
        ),
        draw=_slate,
        version=2,
    ),
)
