"""Filters of MLT, which Kdenlive and Shotcut write: by ``mlt_service``.

Definitions are those of MLT's sources (7.12 to 7.38) and FFmpeg's. What is called exact was rendered by melt 7.12 and compared
(``tests/effects/test_translate_melt.py``). MLT from 7.34 on multiplies R'G'B' in ``brightness`` where a compositor asks it for
alpha; the file does not say where.
"""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import Any

from otio_perf.effects.lut_files import SUFFIXES
from otio_perf.effects.translate import mlt_geometry
from otio_perf.effects.translate.answers import (
    NOTHING,
    Asked,
    Row,
    UntranslatableError,
    approximate,
    effect,
    exact,
    nothing,
)
from otio_perf.effects.translate.mlt_values import active, colour, number, progress, refuse_changed, text
from otio_perf.model.frames import Applied, Translated

_BLACK, _STEPS, _CHROMA_STEPS, _CODES = 16, 219, 224, 255


# ---------------------------------------------------------------------------------------------------------------- colour


def _brightness(asked: Asked) -> Translated:
    if text(asked, "level"):
        level = number(asked, "level", 1)
    else:
        level = abs(number(asked, "start", 1))
        if text(asked, "end"):
            level += (abs(number(asked, "end", 1)) - level) * progress(asked)
    alpha = number(asked, "alpha", 1) if text(asked, "alpha") else 1.0
    opacity = level if alpha < 0 else alpha
    return exact(effect("code_gain", level=max(0.0, level), matrix=asked.matrix), opacity=min(1.0, max(0.0, opacity)))


def _greyscale(asked: Asked) -> Translated:
    return exact(effect("greyscale", matrix=asked.matrix))


def _invert(asked: Asked) -> Translated:
    refuse_changed(asked, alpha=0)
    return exact(effect("invert"))


def _sepia(asked: Asked) -> Translated:
    cb, cr = ((int(number(asked, name, code)) - 128) / _CHROMA_STEPS for name, code in (("u", 75), ("v", 150)))
    held = {name: min(0.5, max(-0.5, value)) for name, value in (("cb", cb), ("cr", cr))}
    toned = effect("sepia", matrix=asked.matrix, **held)
    if held != {"cb": cb, "cr": cr}:
        return approximate("codes of chroma beyond 16 to 240 are limited to these", toned)
    return exact(toned)


def _gamma(asked: Asked) -> Translated:
    gamma = number(asked, "gamma", 1)
    return NOTHING if gamma == 1 else exact(*_code_tone(asked, 1, 0, gamma, 1))


def _code_tone(asked: Asked, scale: float, offset: float, gamma: float, saturation: float) -> tuple[Applied, ...]:
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


def _eq(asked: Asked) -> Translated:
    refuse_changed(asked, av_gamma_r=1, av_gamma_g=1, av_gamma_b=1, av_gamma_weight=1)
    contrast, brightness = number(asked, "av.contrast", 1), number(asked, "av.brightness", 0)
    gamma, saturation = number(asked, "av.gamma", 1), number(asked, "av.saturation", 1)
    if (contrast, brightness, gamma, saturation) == (1, 0, 1, 1):
        return NOTHING
    return exact(*_code_tone(asked, contrast, 0.5 + brightness - contrast / 2, gamma, saturation))


def _hue(asked: Asked) -> Translated:
    refuse_changed(asked, av_H=0)
    values = {"hue": number(asked, "av.h", 0), "saturation": number(asked, "av.s", 1)}
    brightness = number(asked, "av.b", 0) * 25.5 / _STEPS
    return exact(effect("adjust", space="luma", brightness=brightness, matrix=asked.matrix, **values))


def _lift_gamma_gain(asked: Asked) -> Translated:
    values = {
        name: tuple(number(asked, f"{name}_{channel}", default) for channel in "rgb")
        for name, default in (("lift", 0), ("gamma", 1), ("gain", 1))
    }
    return exact(effect("lift_gamma_gain", encoding=2.2, **values))


def _lut3d(asked: Asked) -> Translated:
    path = text(asked, "av.file")  # a relative one is looked for from where the timeline lies: see ``render.located``
    if PurePath(path).suffix.lower() not in SUFFIXES:
        raise UntranslatableError(f"the LUT {path!r} is in no format that is read here" if path else "it names no LUT")
    tetrahedral = text(asked, "av.interp") in ("", "tetrahedral", "2")
    if not tetrahedral and text(asked, "av.interp") not in ("trilinear", "1"):
        raise UntranslatableError(f"interpolation {text(asked, 'av.interp')!r}")
    return exact(effect("lut", path=path, interpolation="tetrahedral" if tetrahedral else "trilinear"))


_UNSEEN = "after frei0r's source, never compared with its pictures"


def _frei0r_brightness(asked: Asked) -> Translated:
    """Below a half it multiplies, above it mixes with white."""
    amount = 2 * number(asked, "Brightness", 0.5) - 1
    if amount < 0:
        return approximate(_UNSEEN, effect("levels", white_out=(1 + amount,) * 3))
    return approximate(_UNSEEN, effect("levels", black_out=(amount,) * 3))


def _frei0r_contrast(asked: Asked) -> Translated:
    amount = 2 * number(asked, "Contrast", 0.5) - 1
    contrast = 1 + amount if amount < 0 else 1 / max(1 - amount, 1 / 64)
    return approximate(_UNSEEN, effect("adjust", contrast=contrast, pivot=128 / 255))


def _frei0r_saturation(asked: Asked) -> Translated:
    return approximate(_UNSEEN, effect("adjust", saturation=3 * number(asked, "Saturation", 1 / 3), matrix="smpte170m"))


# ------------------------------------------------------------------------------------------------------------------ blur


def _two_radii(across: float, down: float, name: str, **others: Any) -> dict[str, Any]:
    """Ours has one size, and how much of it counts across and down."""
    size = max(across, down)
    shares = {"horizontal": across / size, "vertical": down / size} if size else {}
    return {name: size, **shares, **others}


def _gblur(asked: Asked) -> Translated:
    sigma = number(asked, "av.sigma", 0.5)
    down = number(asked, "av.sigmaV", -1)
    steps = int(number(asked, "av.steps", 1))
    values = _two_radii(sigma, sigma if down < 0 else down, "sigma", edges="clamp")
    return approximate(
        f"FFmpeg's gblur comes near a gaussian in {steps} step{'s' if steps > 1 else ''}, of chroma as of luma samples",
        effect("gaussian_blur", **values),
    )


def _box_blur(asked: Asked) -> Translated:
    """Radii in thousandths of the width of the canvas, whole pixels."""
    across, down = (float(max(0, round(number(asked, name, 1) * asked.canvas[0] / 1000))) for name in ("hradius", "vradius"))
    return approximate("MLT's edges differ", effect("box_blur", **_two_radii(across, down, "radius", edges="clamp")))


def _avgblur(asked: Asked) -> Translated:
    across = number(asked, "av.sizeX", 1)
    down = number(asked, "av.sizeY", 0) or across
    values = _two_radii(across, down, "radius", edges="clamp")
    return approximate("FFmpeg blurs chroma by as many samples as luma: wider", effect("box_blur", **values))


# -------------------------------------------------------------------------------------------------------------------- key


def _chroma(asked: Asked) -> Translated:
    """All colours in a square of Cb and Cr around the key; here, in a circle of the same area."""
    radius = 2 * int(200 * number(asked, "variance", 0.15)) / math.sqrt(math.pi)
    key = effect(
        "chroma_key",
        color=colour(asked, "key", "#0000ff")[:3],
        tolerance=min(1.0, radius / _CHROMA_STEPS / math.sqrt(2)),
        softness=0,
    )
    return approximate("MLT keys a square of chroma, here it is a circle", key)


def _lumakey(asked: Asked) -> Translated:
    before, after = number(asked, "prelevel", 0), number(asked, "postlevel", 255)
    if sorted((before, after)) != [0, 255]:
        raise UntranslatableError(f"levels {before:g} and {after:g}")
    threshold, slope = number(asked, "threshold", 128), min(128.0, max(0.0, number(asked, "slope", 0)))
    start, end = max(0.0, threshold - slope), min(255.0, threshold + slope)
    key = effect("luma_key", threshold=start / 255, softness=(end - start) / 255, invert=before > after)
    return approximate("MLT weighs luma as 0.3, 0.59, 0.11, and forgets the alpha that was there", key)


# -------------------------------------------------------------------------------------------------------------- geometry


def _flipped(**sides: bool) -> Row:
    return lambda asked: exact(effect("flip", **sides))


#: ``flip`` mirrors left and right in MLT, ``flop`` top and bottom; the others fold one half over the other.
_MIRRORS = {"flip": {"horizontal": True}, "flop": {"vertical": True}}


def _mirror(asked: Asked) -> Translated:
    kind = text(asked, "mirror") or "horizontal"
    if kind not in _MIRRORS:
        raise UntranslatableError(f"{kind} mirror")
    return exact(effect("flip", **_MIRRORS[kind]))


# ----------------------------------------------------------------------------------------------------------------- blend


#: QPainter's composition modes that we have.
_QT_MODES = {0: "over", 12: "add", 13: "multiply", 14: "screen", 15: "overlay", 16: "darken", 17: "lighten"}
_QT_MODES |= {18: "color_dodge", 19: "color_burn", 20: "hard_light", 21: "soft_light", 22: "difference"}


_CAIRO_MODES = {"normal": "over", "colordodge": "color_dodge", "colorburn": "color_burn", "hardlight": "hard_light"}
_CAIRO_MODES |= {"softlight": "soft_light"}
_CAIRO_MODES |= {mode: mode for mode in ("add", "multiply", "screen", "overlay", "darken", "lighten", "difference")}


def _cairo_mode(asked: Asked) -> Translated:
    mode = text(asked, "mode") or "normal"
    if mode not in _CAIRO_MODES:
        raise UntranslatableError(f"mode {mode}")
    return _blended(_CAIRO_MODES[mode])


def _qt_mode(asked: Asked) -> Translated:
    mode = int(number(asked, "mode", 0))
    if mode not in _QT_MODES:
        raise UntranslatableError(f"mode {mode}")
    return _blended(_QT_MODES[mode])


def _blended(mode: str) -> Translated:
    return NOTHING if mode == "over" else exact(blend=mode)


_SOUND: tuple[str, ...] = (
    "volume",
    "panner",
    "audiolevel",
    "audiomap",
    "audiowave",
    "channelcopy",
    "mono",
    "loudness",
    "dynamic_loudness",
)
_SOUND += ("loudness_meter", "audiochannels", "audioconvert", "audioseam", "rbpitch", "swresample", "avfilter.volume", "tone")
_SOUND_FAMILIES = ("ladspa", "sox", "vst2", "jackrack")

EFFECTS: dict[str, Row] = {
    **dict.fromkeys(_SOUND, nothing),
    "affine": mlt_geometry.affine,
    "avfilter.avgblur": _avgblur,
    "avfilter.eq": _eq,
    "avfilter.gblur": _gblur,
    "avfilter.hflip": _flipped(horizontal=True),
    "avfilter.hue": _hue,
    "avfilter.lut3d": _lut3d,
    "avfilter.vflip": _flipped(vertical=True),
    "box_blur": _box_blur,
    "brightness": _brightness,
    "cairoblend_mode": _cairo_mode,
    "chroma": _chroma,
    "crop": mlt_geometry.crop,
    "frei0r.brightness": _frei0r_brightness,
    "frei0r.contrast0r": _frei0r_contrast,
    "frei0r.saturat0r": _frei0r_saturation,
    "gamma": _gamma,
    "greyscale": _greyscale,
    "grayscale": _greyscale,
    "invert": _invert,
    "lift_gamma_gain": _lift_gamma_gain,
    "lumakey": _lumakey,
    "mirror": _mirror,
    "qtblend": mlt_geometry.qtblend,
    "qtblend_mode": _qt_mode,
    "qtcrop": mlt_geometry.qtcrop,
    "sepia": _sepia,
}


def row_of(name: str) -> Row | None:
    row = EFFECTS.get(name) or (nothing if name.startswith(_SOUND_FAMILIES) else None)
    if row is None:
        return None
    return lambda asked: row(asked) if active(asked) else NOTHING
