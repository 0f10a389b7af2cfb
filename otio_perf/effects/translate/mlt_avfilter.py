"""FFmpeg's filters as MLT writes them: ``avfilter.NAME``, options as ``av.OPTION``. Definitions are FFmpeg's (5.1 to 8).

Left out: keys, and whatever else makes transparent (MLT 7.12 drops the alpha that comes out of FFmpeg's filters), and
``bilateral``, whose recursion shows other pictures than ours.
"""

from __future__ import annotations

import math
import re
from pathlib import PurePath
from typing import Any

from otio_perf.effects.lut_files import SUFFIXES
from otio_perf.effects.translate.answers import NOTHING, Asked, Row, UntranslatableError, approximate, effect, exact
from otio_perf.effects.translate.mlt_values import number, refuse_changed, text
from otio_perf.model.frames import Applied, Translated

_BLACK, _STEPS, _CODES = 16, 219, 255
_CHANNELS = ("red", "green", "blue")


def code_tone(asked: Asked, scale: float, offset: float, gamma: float, saturation: float) -> tuple[Applied, ...]:
    """Luma as a code of 0 to 1, black at 16 / 255: ``(scale · code + offset) ^ (1 / gamma)``, and back."""
    common: dict[str, Any] = {"space": "luma", "pivot": 0, "matrix": asked.matrix}
    to_code = {"contrast": scale * _STEPS / _CODES, "brightness": scale * _BLACK / _CODES + offset}
    back = {"contrast": _CODES / _STEPS, "brightness": -_BLACK / _STEPS}
    if gamma == 1:
        once = {
            "contrast": to_code["contrast"] * back["contrast"],
            "brightness": to_code["brightness"] * back["contrast"] + back["brightness"],
        }
        return (effect("adjust", **once, saturation=saturation, **common),)
    return (
        effect("adjust", **to_code, gamma=gamma, **common),
        effect("adjust", **back, saturation=saturation, **common),
    )


def two_radii(across: float, down: float, name: str, **others: Any) -> dict[str, Any]:
    """Ours has one size, and how much of it counts across and down."""
    size = max(across, down)
    shares = {"horizontal": across / size, "vertical": down / size} if size else {}
    return {name: size, **shares, **others}


# ---------------------------------------------------------------------------------------------------------------- colour


def _eq(asked: Asked) -> Translated:
    refuse_changed(asked, av_gamma_r=1, av_gamma_g=1, av_gamma_b=1, av_gamma_weight=1)
    contrast, brightness = number(asked, "av.contrast", 1), number(asked, "av.brightness", 0)
    gamma, saturation = number(asked, "av.gamma", 1), number(asked, "av.saturation", 1)
    if (contrast, brightness, gamma, saturation) == (1, 0, 1, 1):
        return NOTHING
    return exact(*code_tone(asked, contrast, 0.5 + brightness - contrast / 2, gamma, saturation))


def _hue(asked: Asked) -> Translated:
    refuse_changed(asked, av_H=0)
    values = {"hue": number(asked, "av.h", 0), "saturation": number(asked, "av.s", 1)}
    brightness = number(asked, "av.b", 0) * 25.5 / _STEPS
    return exact(effect("adjust", space="luma", brightness=brightness, matrix=asked.matrix, **values))


#: From here on MLT, with the FFmpeg of its time, makes Y'CbCr of R'G'B' by the same matrix as R'G'B' of Y'CbCr: what was seen.
#: 7.12, with FFmpeg 5.1, comes back by BT.601 whatever the picture is in; who is between was never run.
_RIGHT_SINCE = (7, 42)
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(\..*)?")


def _of_rgb(asked: Asked, *applied: Applied) -> Translated:
    """Of filters that work on R'G'B'. ``_mlt_version``: of the project, as its reader notes it."""
    version = _VERSION.fullmatch(text(asked, "_mlt_version"))
    if asked.matrix == "smpte170m" or (version and (int(version[1]), int(version[2])) >= _RIGHT_SINCE):
        return exact(*applied)
    return approximate("older MLT, 7.12 say, comes back from R'G'B' by BT.601 in high definition too", *applied)


def _exposure(asked: Asked) -> Translated:
    """``(c − black) / (2 ^ −exposure − black)``."""
    stops, black = number(asked, "av.exposure", 0), number(asked, "av.black", 0)
    if black == 0:
        return _of_rgb(asked, effect("exposure", stops=stops))
    gain = 1 / (2**-stops - black)
    return _of_rgb(asked, effect("adjust", contrast=gain, pivot=0, brightness=-black * gain))


def _negate(asked: Asked) -> Translated:
    """``255 − code``, of luma too, which is from 16 to 235: a little brighter than a negative."""
    refuse_changed(asked, av_negate_alpha=0)
    brighter = (_CODES - _STEPS - 2 * _BLACK) / _STEPS
    return exact(effect("invert"), effect("adjust", space="luma", brightness=brighter, matrix=asked.matrix))


def _curves(asked: Asked) -> Translated:
    """:raises UntranslatableError: other than points: presets of FFmpeg, files of Photoshop, key frames"""
    for name in ("preset", "psfile", "plot"):
        if text(asked, f"av.{name}") not in ("", "none", "0"):
            raise UntranslatableError(f"av.{name} is {text(asked, f'av.{name}')}")
    kind = {"": "natural", "natural": "natural", "0": "natural", "pchip": "monotone", "1": "monotone"}.get(
        text(asked, "av.interp")
    )
    if kind is None:
        raise UntranslatableError(f"av.interp is {text(asked, 'av.interp')}")
    of_all = text(asked, "av.all")
    given = {name: text(asked, f"av.{name}") or text(asked, f"av.{name[0]}") or of_all for name in _CHANNELS}
    given["master"] = text(asked, "av.master") or text(asked, "av.m")
    points = {name: _points(name, written) for name, written in given.items() if written}
    return _of_rgb(asked, effect("curves", spline=kind, **points))


def _points(name: str, written: str) -> tuple[tuple[float, ...], ...]:
    """``0/0 0.5/0.58 1/1``"""
    try:
        return tuple(tuple(float(part) for part in point.split("/")) for point in written.split())
    except ValueError:
        raise UntranslatableError(f"av.{name} is {written!r}, no points") from None


def _colorlevels(asked: Asked) -> Translated:
    refuse_changed(asked, av_aimin=0, av_aimax=1, av_aomin=0, av_aomax=1)
    if text(asked, "av.preserve") not in ("", "none", "0"):
        raise UntranslatableError(f"av.preserve is {text(asked, 'av.preserve')}")
    ours: dict[str, tuple[str, float]] = {
        "black_in": ("imin", 0),
        "white_in": ("imax", 1),
        "black_out": ("omin", 0),
        "white_out": ("omax", 1),
    }
    found: dict[str, tuple[float, ...]] = {
        name: tuple(number(asked, f"av.{channel}{option}", default) for channel in "rgb")
        for name, (option, default) in ours.items()
    }
    if min(*found["black_in"], *found["white_in"]) < 0:
        raise UntranslatableError("its levels are those that it finds in the picture")
    if not any(found["black_out"]) and min(found["white_out"]) == 1:
        return _of_rgb(asked, effect("levels", **found))
    return approximate("FFmpeg goes on beyond the levels that come out", effect("levels", **found))


def _lut(interpolations: dict[str, str]) -> Row:
    def row(asked: Asked) -> Translated:
        path = text(asked, "av.file")  # a relative one is looked for from where the timeline lies: see ``render.located``
        if PurePath(path).suffix.lower() not in SUFFIXES:
            raise UntranslatableError(f"the LUT {path!r} is in no format that is read here" if path else "it names no LUT")
        interpolation = interpolations.get(text(asked, "av.interp"))
        if interpolation is None:
            raise UntranslatableError(f"interpolation {text(asked, 'av.interp')!r}")
        return _of_rgb(asked, effect("lut", path=path, interpolation=interpolation))

    return row


_CUBES = {"": "tetrahedral", "tetrahedral": "tetrahedral", "2": "tetrahedral", "trilinear": "trilinear", "1": "trilinear"}
_LINES = {"": "trilinear", "linear": "trilinear", "1": "trilinear"}


# ------------------------------------------------------------------------------------------------------- blur and detail


def _all_planes(asked: Asked, usual: int) -> None:
    """:raises UntranslatableError: it works on some planes of the picture only"""
    planes = int(number(asked, "av.planes", usual))
    if planes & 0b111 != 0b111:
        raise UntranslatableError(f"av.planes is {planes}: not all of them")


def _gblur(asked: Asked) -> Translated:
    _all_planes(asked, 15)
    sigma = number(asked, "av.sigma", 0.5)
    down = number(asked, "av.sigmaV", -1)
    steps = int(number(asked, "av.steps", 1))
    values = two_radii(sigma, sigma if down < 0 else down, "sigma", edges="clamp")
    return approximate(
        f"FFmpeg's gblur comes near a gaussian in {steps} step{'s' if steps > 1 else ''}, of chroma as of luma samples",
        effect("gaussian_blur", **values),
    )


def _avgblur(asked: Asked) -> Translated:
    _all_planes(asked, 15)
    across = number(asked, "av.sizeX", 1)
    down = number(asked, "av.sizeY", 0) or across
    values = two_radii(across, down, "radius", edges="clamp")
    return approximate("FFmpeg blurs chroma by as many samples as luma: wider", effect("box_blur", **values))


def _boxblur(asked: Asked) -> Translated:
    """``power`` boxes one after the other: from two on as wide as a gaussian is taken for them."""
    radius, power = _whole(asked, "lr", "luma_radius", 2), _whole(asked, "lp", "luma_power", 2)
    if radius == 0 or power == 0:
        raise UntranslatableError("it blurs chroma only")
    if _whole(asked, "cr", "chroma_radius", -1) == 0 or _whole(asked, "cp", "chroma_power", -1) == 0:
        raise UntranslatableError("it leaves chroma sharp")
    why = "FFmpeg blurs chroma by samples of its own, and mirrors at the edges"
    if power == 1:
        return approximate(why, effect("box_blur", radius=float(radius)))
    sigma = math.sqrt(power * ((2 * radius + 1) ** 2 - 1) / 12)
    return approximate(f"{power} boxes are taken for a gaussian; {why}", effect("gaussian_blur", sigma=sigma))


def _whole(asked: Asked, short: str, long: str, default: int) -> int:
    written = text(asked, f"av.{short}") or text(asked, f"av.{long}") or str(default)
    try:
        return int(float(written))
    except ValueError:
        raise UntranslatableError(f"av.{short} is {written!r}, not a number") from None


def _unsharp(asked: Asked) -> Translated:
    """The blurred picture of a matrix of n × n is binomial: of a variance of (n − 1) / 4."""
    across, down = _whole(asked, "lx", "luma_msize_x", 5), _whole(asked, "ly", "luma_msize_y", 5)
    amount = number(asked, "av.la", number(asked, "av.luma_amount", 1))
    if number(asked, "av.ca", number(asked, "av.chroma_amount", 0)) not in (0, amount):
        raise UntranslatableError("it sharpens chroma otherwise than luma")
    if across != down:
        raise UntranslatableError(f"its matrix is {across} by {down}")
    why = "FFmpeg sharpens luma and chroma, each by itself, and limits them to whole codes"
    if across == 3:
        return approximate(why, effect("sharpen", amount=amount))
    return approximate(why, effect("unsharp", sigma=math.sqrt(across - 1) / 2, amount=amount, quality="exact"))


def _median(asked: Asked) -> Translated:
    _all_planes(asked, 15)
    refuse_changed(asked, av_percentile=0.5)
    radius = number(asked, "av.radius", 1)
    if number(asked, "av.radiusV", 0) not in (0, radius):
        raise UntranslatableError("it is higher than wide, or wider than high")
    return approximate("FFmpeg takes medians of luma and chroma", effect("median", radius=radius))


def _flipped(**sides: bool) -> Row:
    return lambda asked: exact(effect("flip", **sides))


#: By name, with the options that its row looks at, less ``av.``.
ROWS: dict[str, tuple[Row, str]] = {
    "avgblur": (_avgblur, "sizeX sizeY planes"),
    "boxblur": (_boxblur, "lr luma_radius lp luma_power cr chroma_radius cp chroma_power"),
    "colorlevels": (_colorlevels, " ".join(f"{c}{o}" for c in "rgba" for o in ("imin", "imax", "omin", "omax")) + " preserve"),
    "curves": (_curves, "master m red r green g blue b all preset psfile plot interp"),
    "eq": (_eq, "contrast brightness gamma saturation gamma_r gamma_g gamma_b gamma_weight"),
    "exposure": (_exposure, "exposure black"),
    "gblur": (_gblur, "sigma sigmaV steps planes"),
    "hflip": (_flipped(horizontal=True), ""),
    "hue": (_hue, "h H s b"),
    "lut1d": (_lut(_LINES), "file interp"),
    "lut3d": (_lut(_CUBES), "file interp"),
    "median": (_median, "radius radiusV percentile planes"),
    "negate": (_negate, "negate_alpha"),
    "unsharp": (
        _unsharp,
        "lx luma_msize_x ly luma_msize_y la luma_amount ca chroma_amount cx chroma_msize_x cy chroma_msize_y",
    ),
    "vflip": (_flipped(vertical=True), ""),
}
