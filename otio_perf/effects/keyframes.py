"""Values that change over time, interpolated as the hosts do.

A key says how its value goes on to the next one (``curve``). Before the first key and after the last one the value stands
still. The curves are MLT's (``src/framework/mlt_animation.c`` of MLT 7.38; 7.12 knows the first three), and Bézier segments
for hosts that draw handles. The easing families are Robert Penner's, http://robertpenner.com/easing.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

Number = float | tuple[float, ...]
Handle = tuple[float, float]
"""Where a Bézier handle lies, from its key: frames, and how much the value differs."""

HOLD, LINEAR = "hold", "linear"
SMOOTH = "smooth"  # Catmull-Rom over values alone: may swing beyond them
SMOOTH_NATURAL = "smooth-natural"  # centripetal Catmull-Rom, flat at peaks
SMOOTH_TIGHT = "smooth-tight"  # flat at every key


@dataclass(frozen=True, slots=True)
class Key:
    """``leave`` and ``arrive``: handles towards the next and the previous key; either makes its segment a Bézier curve."""

    frame: Fraction
    value: Number
    curve: str = LINEAR
    leave: Handle | None = None
    arrive: Handle | None = None


def sampled(keys: Sequence[Key], frame: Fraction) -> Number:
    """The value at ``frame``. ``keys``: one or more, in order, no two at one frame, all values of one length."""
    after = bisect_right(keys, frame, key=lambda key: key.frame)
    if after == 0 or after == len(keys) or keys[after - 1].curve == HOLD:
        return keys[max(after - 1, 0)].value
    start, end = keys[after - 1], keys[after]
    around = (keys[max(after - 2, 0)], start, end, keys[min(after + 1, len(keys) - 1)])
    if not isinstance(start.value, tuple):
        return _between(around, [_number(key.value) for key in around], frame)
    parts = zip(*(key.value if isinstance(key.value, tuple) else (key.value,) for key in around), strict=True)
    return tuple(_between(around, list(values), frame) for values in parts)


def _number(value: Number) -> float:
    assert not isinstance(value, tuple), "one of the keys has several numbers"
    return value


def _between(around: tuple[Key, Key, Key, Key], values: Sequence[float], frame: Fraction) -> float:
    _, start, end, _ = around
    progress = float((frame - start.frame) / (end.frame - start.frame))
    _, first, last, _ = values
    if start.leave or end.arrive:
        return _bezier(start, first, end, last, float(frame))
    if start.curve in _SPLINES:
        return _spline(around, values, progress, *_SPLINES[start.curve])
    return first + (last - first) * (progress if start.curve == LINEAR else EASES[start.curve](progress))


#: Exponent of the distance between keys (0: all count as equally far), and how steep keys are passed; below 0: flat at peaks.
_SPLINES = {SMOOTH: (0.0, 1.0), SMOOTH_NATURAL: (0.5, -1.0), SMOOTH_TIGHT: (0.5, 0.0)}
_FAR_FRAMES = 10_000  # where MLT puts the neighbour that the first and the last key do not have


def _spline(around: tuple[Key, Key, Key, Key], ys: Sequence[float], progress: float, power: float, tension: float) -> float:
    """Catmull-Rom, after https://qroph.github.io/2018/07/30/smooth-paths-using-catmull-rom-splines.html, as MLT does it."""
    xs = [float(key.frame) for key in around]
    xs[0] -= _FAR_FRAMES if xs[0] == xs[1] else 0
    xs[3] += _FAR_FRAMES if xs[3] == xs[2] else 0
    y0, y1, y2, y3 = ys
    t01, t12, t23 = (math.hypot(x - w, z - y) ** power for (w, y), (x, z) in pairwise(zip(xs, ys, strict=True)))
    leave = arrive = 0.0
    if tension > 0 or y0 < y1 < y2 or y0 > y1 > y2:
        leave = abs(tension) * (y2 - y1 + t12 * ((y1 - y0) / t01 - (y2 - y0) / (t01 + t12)))
    if tension > 0 or y1 < y2 < y3 or y1 > y2 > y3:
        arrive = abs(tension) * (y2 - y1 + t12 * ((y3 - y2) / t23 - (y3 - y1) / (t12 + t23)))
    cubic, square = 2 * (y1 - y2) + leave + arrive, 3 * (y2 - y1) - 2 * leave - arrive
    return ((cubic * progress + square) * progress + leave) * progress + y1


def _bezier(start: Key, first: float, end: Key, last: float, frame: float) -> float:
    """A cubic from key to key. A missing handle points at the other key; none reaches beyond it, so that time never turns."""
    span, rise = float(end.frame - start.frame), last - first
    out_x, out_y = start.leave or (span / 3, rise / 3)
    in_x, in_y = end.arrive or (-span / 3, -rise / 3)
    xs = (0.0, min(max(out_x, 0), span), span + max(min(in_x, 0), -span), span)
    ys = (first, first + out_y, last + in_y, last)

    def at(points: tuple[float, float, float, float], t: float) -> float:
        u = 1 - t
        return u**3 * points[0] + 3 * u * u * t * points[1] + 3 * u * t * t * points[2] + t**3 * points[3]

    wanted, low, high = frame - float(start.frame), 0.0, 1.0
    for _ in range(50):  # x rises with t: halving finds it to the last digit
        middle = (low + high) / 2
        low, high = (middle, high) if at(xs, middle) < wanted else (low, middle)
    return at(ys, (low + high) / 2)


def _bounce(t: float) -> float:
    u = 1 - t
    if u < 4 / 11:
        return 1 - 121 * u * u / 16
    if u < 8 / 11:
        return 1 - (363 / 40 * u * u - 99 / 10 * u + 17 / 5)
    if u < 9 / 10:
        return 1 - (4356 / 361 * u * u - 35442 / 1805 * u + 16061 / 1805)
    return 1 - (54 / 5 * u * u - 513 / 25 * u + 268 / 25)


def _powered(order: int) -> Callable[[float], float]:
    return lambda t: t**order


#: How a value sets off; arriving is the same seen backwards. In the order of MLT's letters.
_FAMILIES: dict[str, Callable[[float], float]] = {
    "sinusoidal": lambda t: 1 - math.cos(t * math.pi / 2),
    "quadratic": _powered(2),
    "cubic": _powered(3),
    "quartic": _powered(4),
    "quintic": _powered(5),
    "exponential": lambda t: 2 ** (10 * t - 10) if 0 < t < 1 else t,
    "circular": lambda t: 1 - math.sqrt(1 - t * t),
    "back": lambda t: t**3 - t * math.sin(t * math.pi),
    "elastic": lambda t: math.sin(13 * math.pi / 2 * t) * 2 ** (10 * (t - 1)),
    "bounce": _bounce,
}


def _eased(family: Callable[[float], float], way: str) -> Callable[[float], float]:
    if way == "in":
        return family
    if way == "out":
        return lambda t: 1 - family(1 - t)
    return lambda t: family(2 * t) / 2 if t < 0.5 else 1 - family(2 - 2 * t) / 2


#: Progress 0 … 1 → how much of the way is gone.
EASES = {f"{name}-{way}": _eased(family, way) for name, family in _FAMILIES.items() for way in ("in", "out", "in-out")}

#: The sign before ``=`` in an animation of MLT.
_MLT_CURVES = {"|": HOLD, "!": HOLD, "~": SMOOTH, "$": SMOOTH_NATURAL, "-": SMOOTH_TIGHT} | dict(
    zip("abcdefghijklmnopqrstuvwxyzABCD", EASES, strict=True)
)
_ITEM = re.compile(r"\s*([-+\d:.,]*\d[:.,]*)(.?)=(.*)", re.DOTALL)


def mlt_keys(text: str, value_of: Callable[[str], Number], frame_rate: Fraction, length: int | None = None) -> tuple[Key, ...]:
    """An MLT property: ``0=0;25~=0.5;-1=1``, times also as ``00:00:01.000`` or ``00:00:01:00``, or one value for all time.

    :param frame_rate: of the project, for times.
    :param length: frames in all, for those counted from the end (−1 is the last); ``None``: not known.
    :raises ValueError: a value that ``value_of`` does not take, or a frame counted from an end that is not known.
    """
    if "=" not in text:
        return (Key(Fraction(0), value_of(text)),)
    keys: dict[int, Key] = {}
    for item in text.split(";"):
        if not item:
            continue
        found = _ITEM.fullmatch(item)
        if not found:
            break  # as MLT: what follows is not read
        time, sign, value = found.groups()
        frame = mlt_frame(time, frame_rate)
        if frame < 0:
            if length is None:
                raise ValueError(f"key frame {frame} is counted from an end that is not known")
            frame += length
        keys[frame] = Key(Fraction(frame), value_of(value.strip('"')), _MLT_CURVES.get(sign, LINEAR))
    if not keys:
        raise ValueError(f"{text!r} is no animation")
    return tuple(keys[frame] for frame in sorted(keys))


_TIME = re.compile(r"[-+\d:.,]{1,24}")
_FRAME = re.compile(r"[-+]?\d{1,12}(\.\d{1,12})?")


def frame_of(written: object) -> Fraction:
    """A frame as JSON or XML has it. :raises ValueError: none, or beyond all measure"""
    if not _FRAME.fullmatch(str(written)):  # Fraction("1e999999999") would fill the memory
        raise ValueError(f"{written!r} is no frame")
    return Fraction(str(written))


def mlt_frame(time: str, rate: Fraction) -> int:
    """``25``, a clock ``hh:mm:ss.mmm`` or a timecode ``hh:mm:ss:ff``; rounded part by part, as MLT does.

    :raises ValueError: none of these, or beyond all measure
    """
    if not _TIME.fullmatch(time):
        raise ValueError(f"{time!r} is no time")
    parts = time.split(":")
    if len(parts) == 1:
        return int(re.match(r"[-+]?\d*", time)[0] or 0)  # type: ignore[index]
    if "." in time or "," in time:
        *whole, last = parts
        hours, minutes = ([0, 0] + [int(p) for p in whole])[-2:]
        seconds = round(rate * Fraction(last.replace(",", ".")))
        return math.floor(rate * hours * 3600) + math.floor(rate * minutes * 60) + seconds
    hours, minutes, seconds, frames = ([0, 0] + [int(p) for p in parts])[-4:]
    return math.floor(rate * hours * 3600) + math.floor(rate * minutes * 60) + math.ceil(rate * seconds) + frames


_NUMBER = re.compile(r"\s*([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(%?)\s*")


def mlt_number(text: str) -> float:
    """``0.5``, ``50%``, and ``0,5`` as old files of Kdenlive have it. :raises ValueError: anything else"""
    found = _NUMBER.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a number")
    return _finite(found[1].replace(",", ".")) / (100 if found[2] else 1)


def mlt_numbers(text: str) -> tuple[float, ...]:
    """The numbers of a rectangle, ``10 20 320 180 1`` or ``10%/10%:50%x50%``; those in per cent as ratios.

    :raises ValueError: there is none
    """
    found = re.findall(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(%?)", text)
    if not found:
        raise ValueError(f"there is no number in {text!r}")
    return tuple(_finite(number) / (100 if percent else 1) for number, percent in found)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is beyond all measure")
    return number
