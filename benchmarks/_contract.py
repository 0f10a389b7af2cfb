"""What every engine is held to: pictures, values and formats, and how far it is from the definition. For the contract test
(``tests/effects/test_contract.py``) and ``effect_errors.py`` alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.cpu.planar.tolerance import Apart
from otio_perf.effects.cpu.planar.value import Planar
from otio_perf.effects.engine import Engine, Image, premultiplied
from otio_perf.effects.parameters import Choice, Number, Numbers, Parameter, Points, Switch
from otio_perf.effects.pixels import Coding, from_picture
from otio_perf.effects.registry import Picture, View, registry
from otio_perf.model.pixels import Layout

LUT = Path(__file__).parent.parent / "sample_timelines" / "warm.cube"
_SAMPLINGS = {"4:2:0": (1, 1), "4:2:2": (1, 0), "4:4:4": (0, 0)}
#: Opaque Y'CbCr.
FORMATS = {
    f"{name}, {bits} bits, {'full' if is_full else 'limited'}": Coding(
        layout=Layout(is_rgb=False, is_grey=False, bits=bits, across=across, down=down), is_full_range=is_full
    )
    for name, (across, down) in _SAMPLINGS.items()
    for bits in (8, 10)
    for is_full in (False, True)
}
#: With alpha.
ALPHA_FORMATS = {
    "4:4:4:4, 12 bits": Coding(layout=Layout(is_rgb=False, is_grey=False, bits=12, has_alpha=True)),
    "RGBA, float": Coding(
        layout=Layout(is_rgb=True, is_grey=False, bits=32, is_float=True, has_alpha=True), is_full_range=True
    ),
}
#: Of the range of codes, either way: chroma may be a tenth larger than R'G'B'.
_PART = 0.45


def hard_picture(width: int = 67, height: int = 45, *, alpha: bool = False, seed: int = 1) -> Picture:
    """With ramps, edges, noise, a black and a white area; ``alpha``: transparent, half and opaque areas."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    red, green, blue = x / (width - 1), y / (height - 1), ((x // 8 + y // 8) % 2)
    colour = np.stack([red, green, blue], axis=2) + random.normal(0, 0.03, (height, width, 3))
    colour = np.clip(colour, 0, 1)
    colour[:4, :8], colour[:4, 8:16] = 0, 1
    result = np.ones((height, width, 4), np.float32)
    result[..., :3] = colour
    if alpha:
        result[..., 3] = np.clip(np.hypot(x - width / 2, y - height / 2) / (width / 4), 0, 1)
        result[height // 2 :, : width // 4, 3] = 0
        result = premultiplied(result)
    return result


def drawn(parameters: Sequence[Parameter], number: int) -> dict[str, Any]:
    """Values from the usual ranges of a schema; number 0 is all defaults."""
    random = np.random.default_rng([number, len(parameters)])
    found: dict[str, Any] = {}
    for p in parameters if number else ():
        match p:
            case Number():
                found[p.name] = float(random.uniform(*p.usual))
            case Numbers():
                found[p.name] = tuple(float(random.uniform(*p.usual)) for _ in p.default)
            case Choice():
                found[p.name] = str(random.choice(p.options))
            case Switch():
                found[p.name] = bool(random.integers(2))
            case Points():
                ys = np.sort(random.uniform(0, 1, 4))
                found[p.name] = tuple(zip((0.0, 0.3, 0.7, 1.0), map(float, ys), strict=True))
    return found


#: Values that drawn ones hardly come to, by the name of the effect: hard ones that are done to planes, and a file.
ALSO: dict[str, tuple[dict[str, Any], ...]] = {
    "code_gain": ({"level": 1.7}, {"level": 2.5}),
    "exposure": ({"stops": 1.5},),
    "adjust": ({"saturation": 2.0, "contrast": 1.3, "space": "luma"}, {"gamma": 1.4, "hue": 40, "space": "luma"}),
    "gaussian_blur": ({"sigma": 0.6}, {"sigma": 1.2}, {"sigma": 2.0, "edges": "clamp"}),
    "lut": ({"path": str(LUT)}, {"path": str(LUT), "interpolation": "trilinear"}),
    "sharpen": ({"amount": 2.0},),
    "unsharp": ({"sigma": 0.8, "amount": 1.5},),
    "transform": (
        {"scale": (1.3, 1.3), "position": (5.0, -3.0), "edges": "clamp"},
        {"scale": (1.2, 1.4), "interpolation": "bilinear"},
        {"position": (4.0, 2.0)},
        {"scale": (0.5, 0.5)},
    ),
}


def values_of(name: str, parameters: Sequence[Parameter], count: int) -> list[dict[str, Any]]:
    """``count`` that are drawn, and those of ``ALSO``."""
    return [*(drawn(parameters, number) for number in range(count)), *ALSO.get(name, ())]


def planes_apart(engine: Engine, ours: Image, wanted: Picture, coding: Coding) -> Apart:
    """Y'CbCr of what ``engine`` made beside ``wanted``, on black, both averaged to the chroma samples of ``coding`` and not cut
    off: see ``planar.tolerance``."""
    if not ours.is_opaque:
        canvas = engine.upload(np.broadcast_to(np.array([0, 0, 0, 1], np.float32), wanted.shape).copy(), is_opaque=True)
        height, width = wanted.shape[:2]
        view = View(width=width, height=height, subsampling=(coding.layout.across, coding.layout.down))
        ours = engine.blend(canvas, ours, registry().blend("over"), 1.0, view)
    shown = engine.download(ours)
    most = max(1.0, *(float(np.abs(picture[..., :3]).max()) for picture in (shown, wanted)))
    found, right = (_values(picture, coding, most) for picture in (shown, wanted))
    planar = ours.pixels
    if isinstance(planar, Planar) and planar.is_averaged:
        parts = zip(planar.planes, planar.gains, planar.offsets, strict=True)
        found = [plane * np.float32(gain) + np.float32(offset) for plane, gain, offset in parts]
    luma, *chroma = (np.abs(a - b) for a, b in zip(found, right, strict=True))
    largest, mean = max(float(c.max()) for c in chroma), max(float(c.mean()) for c in chroma)
    return Apart(float(luma.max()) * 219, largest * 224, mean * 224)


def _values(picture: Picture, coding: Coding, most: float) -> list[NDArray[np.float32]]:
    """Y' from 0 to 1 and chroma from −½ to ½, and what lies beyond: ``pixels.from_picture`` of a picture that is made so small
    that nothing of it is cut off."""
    layout = replace(coding.layout, bits=16)
    small = picture * np.float32(_PART / most)
    small[..., :3] += np.float32(0.5)
    luma, cb, cr = (
        plane / np.float32(65535) for plane in from_picture(small, replace(coding, layout=layout, is_full_range=True))
    )
    middle = np.float32(32768 / 65535)
    return [(plane - zero) * np.float32(most / _PART) for plane, zero in ((luma, np.float32(0.5)), (cb, middle), (cr, middle))]
