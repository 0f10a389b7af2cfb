"""Filters of MLT, which Kdenlive and Shotcut write: by ``mlt_service``.

Definitions are those of MLT's sources (7.12 to 7.38). What is called exact or approximate was rendered by melt 7.12 and
compared, see ``tests/effects/test_translate_melt.py``. MLT from 7.34 on multiplies R'G'B' in ``brightness`` where a compositor
asks it for alpha; the file does not say where.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from otio_perf.effects.translate import mlt_avfilter, mlt_frei0r, mlt_geometry
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
from otio_perf.effects.translate.mlt_values import active, colour, knowing, number, progress, refuse_changed, text
from otio_perf.model.frames import Translated

_CHROMA_STEPS = 224


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
    return NOTHING if gamma == 1 else exact(*mlt_avfilter.code_tone(asked, 1, 0, gamma, 1))


def _lift_gamma_gain(asked: Asked) -> Translated:
    values = {
        name: tuple(number(asked, f"{name}_{channel}", default) for channel in "rgb")
        for name, default in (("lift", 0), ("gamma", 1), ("gain", 1))
    }
    return exact(effect("lift_gamma_gain", encoding=2.2, **values))


def _vignette(asked: Asked) -> Translated:
    """Codes are multiplied, black's 16 among them; ``smooth`` is in hundreds of pixels, ``opacity`` the least that is left."""
    values = {
        "radius": number(asked, "radius", 0.5),
        "softness": 100 * number(asked, "smooth", 0.8) / asked.canvas[0],
        "x": number(asked, "x", 0.5),
        "y": number(asked, "y", 0.5),
        "amount": 1 - min(1.0, max(0.0, number(asked, "opacity", 0))),
        "falloff": "smooth" if number(asked, "mode", 0) == 1 else "linear",
    }
    to_code, back = (effect("adjust", brightness=sign * 16 / 219, space="luma") for sign in (1, -1))
    return approximate(
        "MLT counts in whole pixels, and stops short at its opacity", to_code, effect("vignette", **values), back
    )


# ------------------------------------------------------------------------------------------------------------------ blur


def _box_blur(asked: Asked) -> Translated:
    """Radii in thousandths of the width of the canvas, whole pixels."""
    across, down = (float(max(0, round(number(asked, name, 1) * asked.canvas[0] / 1000))) for name in ("hradius", "vradius"))
    return approximate(
        "MLT's edges differ", effect("box_blur", **mlt_avfilter.two_radii(across, down, "radius", edges="clamp"))
    )


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


#: ``flip`` mirrors left and right in MLT, ``flop`` top and bottom; the others fold one half over the other.
_MIRRORS = {"flip": {"horizontal": True}, "flop": {"vertical": True}}


def _mirror(asked: Asked) -> Translated:
    kind = text(asked, "mirror") or "horizontal"
    if kind not in _MIRRORS:
        raise UntranslatableError(f"{kind} mirror")
    return exact(effect("flip", **_MIRRORS[kind]))


# ----------------------------------------------------------------------------------------------------------------- blend


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
    if mode not in mlt_geometry.QT_MODES:
        raise UntranslatableError(f"mode {mode}")
    return _blended(mlt_geometry.QT_MODES[mode])


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

#: Filters of pictures, with the properties that their rows look at.
_PICTURES: dict[str, tuple[Row, Collection[str]]] = {
    "affine": (mlt_geometry.affine, mlt_geometry.AFFINE),
    "box_blur": (_box_blur, ("hradius", "vradius", "preserve_alpha")),
    "brightness": (_brightness, ("level", "start", "end", "alpha")),
    "cairoblend_mode": (_cairo_mode, ("mode",)),
    "chroma": (_chroma, ("key", "variance")),
    "crop": (mlt_geometry.crop, ("left", "right", "top", "bottom", "center", "center_bias", "use_profile")),
    "gamma": (_gamma, ("gamma",)),
    "greyscale": (_greyscale, ()),
    "grayscale": (_greyscale, ()),
    "invert": (_invert, ("alpha",)),
    "lift_gamma_gain": (_lift_gamma_gain, [f"{name}_{channel}" for name in ("lift", "gamma", "gain") for channel in "rgb"]),
    "lumakey": (_lumakey, ("threshold", "slope", "prelevel", "postlevel")),
    "mirror": (_mirror, ("mirror", "reverse")),
    "qtblend": (mlt_geometry.qtblend, mlt_geometry.QTBLEND),
    "qtblend_mode": (_qt_mode, ("mode",)),
    "qtcrop": (mlt_geometry.qtcrop, ("rect", "radius", "circle", "color")),
    "sepia": (_sepia, ("u", "v")),
    "vignette": (_vignette, ("radius", "smooth", "x", "y", "opacity", "mode")),
    **{
        f"avfilter.{name}": (row, ("position", "av.threads", *(f"av.{option}" for option in options.split())))
        for name, (row, options) in mlt_avfilter.ROWS.items()
    },
    **{f"frei0r.{name}": (row, (*names, *map(str, range(len(names))))) for name, (row, names) in mlt_frei0r.ROWS.items()},
}

EFFECTS: dict[str, Row] = {
    **dict.fromkeys(_SOUND, nothing),
    **{name: knowing(row, properties) for name, (row, properties) in _PICTURES.items()},
}


def row_of(name: str) -> Row | None:
    row = EFFECTS.get(name) or (nothing if name.startswith(_SOUND_FAMILIES) else None)
    if row is None:
        return None
    return lambda asked: row(asked) if active(asked) else NOTHING
