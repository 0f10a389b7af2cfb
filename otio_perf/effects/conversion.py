"""Values of one colour space as those of another, through linear light: what the screen of the one shows, the other shows too.

Light is display light, 1 = 203 cd/m², which is what white graphics and the white of SDR are in HDR (ITU-R BT.2408). So SDR
comes into an HDR timeline as bright as its titles. HDR comes into an SDR timeline by the tone map of ITU-R BT.2390 (section
5.4.1, "EETF") on the largest of R, G and B, which keeps hues, from the peak of the source's mastering screen to SDR white.

Where both sides are SDR with primaries as those of television, nothing is converted, whatever the tags say: BT.601, BT.709 and
sRGB material goes to one and the same screen, as it does in editing programs. (Its matrix is another matter: see ``pixels``.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_perf.effects.parameters import Numbers, Parameter, Values
from otio_perf.effects.registry import Picture
from otio_perf.model.colour import ColourSpace
from otio_perf.model.media import ColourTags, VideoInfo

Doubles = NDArray[np.float64]

#: Light 1 in cd/m² (BT.2408, table 1: HDR reference white).
WHITE_NITS = 203.0
#: The brightest light there is (SMPTE ST 2084).
MOST_LIGHT = 10_000 / WHITE_NITS
#: HLG is relative; this is the screen that all who convert it agree on (BT.2100, note 5f; BT.2408).
HLG_NITS = 1000.0
HLG_GAMMA = 1.2
#: Peak of a PQ source that does not say: what most are graded on (BT.2408, section 2).
USUAL_PEAK_NITS = 1000.0
#: Encoded values beyond this are held: no more fits into the headroom of video levels.
MOST_VALUE = 1.125

#: Chromaticities of red, green, blue and white (ITU-T H.273, table 2), by FFmpeg's names.
_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
PRIMARIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    "bt470m": ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    "bt470bg": ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    "smpte170m": ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    "smpte240m": ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    "film": ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    "smpte431": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    "smpte432": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    "ebu3213": ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
#: Primaries of television before UHD: near enough to each other that nobody tells them apart when cutting.
_TELEVISION = ("bt709", "bt470bg", "smpte170m", "smpte240m", "ebu3213")

#: What a curve is called here, by FFmpeg's name of the transfer; BT.1886 for all that is meant for a television.
_CURVES = {
    "smpte2084": "pq",
    "arib-std-b67": "hlg",
    "linear": "linear",
    "iec61966-2-1": "srgb",
    "bt470m": "gamma22",
    "bt470bg": "gamma28",
}
_HDR_CURVES = ("pq", "hlg")
#: Curves whose values one SDR screen shows.
_SCREEN_CURVES = ("bt1886", "srgb", "gamma22", "gamma28")

#: SMPTE ST 2084, section 5.2.
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
#: ARIB STD-B67; BT.2100, table 5.
_A = 0.17883277
_B, _C0 = 1 - 4 * _A, 0.5 - _A * np.log(4 * _A)

_MASTERING_PEAK = re.compile(r"L\((\d+),\d+\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the values of a picture mean: ``primaries`` is a name of ``PRIMARIES``, ``curve`` one of ``light_of``."""

    primaries: str
    curve: str

    @property
    def is_hdr(self) -> bool:
        return self.curve in _HDR_CURVES


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """From ``source`` to ``target``. ``peak_nits``: of the brightest light that the tone map makes room for; 0: there is none.

    It is done in this order: curve of the source, its luminance gain (HLG), ``matrix``, tone map, luminance gain of the target
    (HLG), curve of the target.
    """

    source: Meaning
    target: Meaning
    peak_nits: float = 0.0

    @property
    def matrix(self) -> Doubles:
        return _between(self.source.primaries, self.target.primaries)

    @property
    def target_nits(self) -> float:
        return HLG_NITS if self.target.curve == "hlg" else WHITE_NITS


def meaning_of(colour: ColourTags, *, is_float: bool = False) -> Meaning:
    """As the tags say. Where they are silent: BT.709, but floats are linear light, as all that write them have it. Integers
    that call themselves linear are not: FFmpeg, for one, writes every DPX so."""
    curve = _CURVES.get(colour.transfer or ("linear" if is_float else ""), "bt1886")
    return Meaning(
        primaries=colour.primaries if colour.primaries in PRIMARIES else "bt709",
        curve="bt1886" if curve == "linear" and not is_float else curve,
    )


def conversion_to(space: ColourSpace, source: Meaning, peak_nits: float = USUAL_PEAK_NITS) -> Conversion | None:
    """How values of ``source`` become those of ``space``; ``None``: they are."""
    target = meaning_of(space.tags)
    if source == target:
        return None
    is_television = source.primaries in _TELEVISION and source.curve in _SCREEN_CURVES
    if is_television and not space.is_hdr:
        return None
    found = Conversion(source=source, target=target)
    peak = HLG_NITS if source.curve == "hlg" else peak_nits
    needs_room = source.is_hdr and target.curve != "pq" and peak > found.target_nits
    return Conversion(source=source, target=target, peak_nits=peak) if needs_room else found


def is_tone_mapped(video: VideoInfo, space: ColourSpace) -> bool:
    """Whether frames of ``video`` have more light than a timeline in ``space`` shows."""
    conversion = conversion_to(space, meaning_of(video.colour), peak_nits_of(video))
    return conversion is not None and conversion.peak_nits > 0


def peak_nits_of(video: VideoInfo) -> float:
    """Brightest light of the screen that ``video`` was graded on."""
    found = _MASTERING_PEAK.search(video.mastering_display or "")
    peak = int(found[1]) / 10_000 if found else 0.0
    return min(peak, 10_000.0) or USUAL_PEAK_NITS


def converted(picture: Picture, conversion: Conversion) -> Picture:
    """The definition. Values may leave 0 … 1: what is outside the target's gamut stays so."""
    alpha = picture[..., 3:].astype(np.float64)
    straight = np.divide(picture[..., :3], alpha, out=np.zeros(picture[..., :3].shape), where=alpha > 0)
    light = light_of(conversion.source.curve, straight)
    if conversion.source.curve == "hlg":
        light *= hlg_gain(light @ luminance(conversion.source.primaries))
    light = light @ conversion.matrix.T
    if conversion.peak_nits:
        light *= tone_gain(light.max(axis=-1), conversion.peak_nits, conversion.target_nits)[..., None]
    if conversion.target.curve == "hlg":
        light *= hlg_inverse_gain(light @ luminance(conversion.target.primaries))
    result = np.empty_like(picture)
    result[..., :3] = values_of(conversion.target.curve, light) * alpha
    result[..., 3:] = picture[..., 3:]
    return result


#: What colours that are written as numbers mean, and pictures that are drawn: an SDR screen.
GRAPHICS = Meaning(primaries="bt709", curve="bt1886")


def values_in(space: ColourSpace, parameters: Sequence[Parameter], values: Values) -> dict[str, Any]:
    """``values`` for pictures in ``space``: colours are converted, all else is as it is."""
    found = dict(values)
    if space.is_hdr:
        for row in parameters:
            if isinstance(row, Numbers) and row.is_colour and row.name in found:
                found[row.name] = _colour_in(space, tuple(found[row.name]))
    return found


@cache
def _colour_in(space: ColourSpace, colour: tuple[float, float, float]) -> tuple[float, ...]:
    conversion = conversion_to(space, GRAPHICS)
    assert conversion is not None
    return tuple(map(float, converted(np.array([[[*colour, 1]]], np.float32), conversion)[0, 0, :3]))


def light_of(curve: str, values: Doubles) -> Doubles:
    """Encoded values → display light; of HLG: scene light, 1 = its peak. Negative values are mirrored."""
    if curve == "linear":
        return np.clip(values, -MOST_LIGHT, MOST_LIGHT)
    v = np.minimum(np.abs(values), MOST_VALUE)
    match curve:
        case "pq":
            power = np.minimum(v, 1) ** (1 / _M2)
            light = (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1) * MOST_LIGHT
        case "hlg":
            light = np.where(v <= 0.5, v * v / 3, (np.exp((v - _C0) / _A) + _B) / 12)
        case "srgb":  # IEC 61966-2-1
            light = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
        case _:
            light = v ** {"bt1886": 2.4, "gamma22": 2.2, "gamma28": 2.8}[curve]
    return np.copysign(light, values)


def values_of(curve: str, light: Doubles) -> Doubles:
    """Display light (of HLG: scene light) → values of a timeline's curve: BT.1886, PQ or HLG."""
    v = np.minimum(np.abs(light), MOST_LIGHT)
    match curve:
        case "pq":
            power = (v / MOST_LIGHT) ** _M1
            values = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
            values = np.where(v > 0, values, 0)
        case "hlg":
            values = np.where(v <= 1 / 12, np.sqrt(3 * v), _A * np.log(np.maximum(12 * v - _B, 1e-9)) + _C0)
        case _:
            values = v ** (1 / 2.4)
    return np.copysign(values, light)


def hlg_gain(luminance_of_scene: Doubles) -> Doubles:
    """HLG's OOTF (BT.2100, table 5): scene light times this is display light."""
    gain: Doubles = HLG_NITS / WHITE_NITS * np.maximum(luminance_of_scene, 0) ** (HLG_GAMMA - 1)
    return gain[..., None] if gain.ndim else gain


def hlg_inverse_gain(luminance_of_display: Doubles) -> Doubles:
    share = np.maximum(luminance_of_display * (WHITE_NITS / HLG_NITS), 1e-12)
    gain: Doubles = WHITE_NITS / HLG_NITS * share ** (1 / HLG_GAMMA - 1)
    return gain[..., None] if gain.ndim else gain


def tone_gain(light: Doubles, peak_nits: float, target_nits: float) -> Doubles:
    """BT.2390, section 5.4.1, with black as it is: what light is multiplied with so that ``peak_nits`` become
    ``target_nits``."""
    top = values_of("pq", np.array(peak_nits / WHITE_NITS))
    most = values_of("pq", np.array(target_nits / WHITE_NITS)) / top
    knee = 1.5 * most - 0.5
    e1 = np.minimum(values_of("pq", np.maximum(light, 0)) / top, 1)
    t = np.clip((e1 - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    mapped = light_of("pq", np.where(e1 < knee, e1, spline) * top)
    return np.where((light > 0) & (e1 >= knee), mapped / np.maximum(light, 1e-9), 1)


def luminance(primaries: str) -> Doubles:
    """Weights of R, G, B in Y."""
    weights: Doubles = _to_xyz(primaries)[1]
    return weights


@cache
def _to_xyz(primaries: str) -> Doubles:
    """Linear R, G, B → X, Y, Z (SMPTE RP 177)."""
    *colours, white = ((x / y, 1.0, (1 - x - y) / y) for x, y in PRIMARIES[primaries])
    columns = np.array(colours).T
    scaled: Doubles = columns * np.linalg.solve(columns, np.array(white))
    return scaled


@cache
def _between(source: str, target: str) -> Doubles:
    """Linear R, G, B of one to those of the other; white stays white (Bradford)."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    cones = [bradford @ _to_xyz(name).sum(axis=1) for name in (source, target)]
    adapted = np.linalg.inv(bradford) @ np.diag(cones[1] / cones[0]) @ bradford
    matrix: Doubles = np.linalg.inv(_to_xyz(target)) @ adapted @ _to_xyz(source)
    return matrix


# ---- for the engines


#: Encoded values are looked up in even steps.
VALUE_STEPS = 8192
#: Light is looked up by the bits of a float32: 128 steps for each doubling, from 2⁻³⁰ (black) to 2⁶, more than the most.
LEAST_BITS, MOST_BITS, BITS_BELOW_STEP = 97 << 23, 133 << 23, 16
TABLE_LIGHT = 64.0


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """A conversion as numbers, all float32. Tables are read between their entries in a straight line.

    ``lights``: light by value, ``VALUE_STEPS`` steps from 0 to ``MOST_VALUE``; ``values``: value by light. The gains are looked
    up by light, too: luminance before the matrix (weights ``before``), the largest component after it, luminance after that
    (``after``). The matrix may make more light than tables hold: then the gain of tones is that of ``TABLE_LIGHT``, less as
    there is more. A table of one entry: the step is not there.
    """

    lights: NDArray[np.float32]
    gain_before: NDArray[np.float32]
    before: NDArray[np.float32]
    matrix: NDArray[np.float32]
    gain_tone: NDArray[np.float32]
    gain_after: NDArray[np.float32]
    after: NDArray[np.float32]
    values: NDArray[np.float32]


@cache
def tables(conversion: Conversion) -> Tables:
    none = np.ones(1)
    light = np.arange(LEAST_BITS, MOST_BITS + 1, 1 << BITS_BELOW_STEP, dtype=np.int32).view(np.float32).astype(np.float64)
    light[0] = 0
    source, target = conversion.source, conversion.target
    tone = tone_gain(light, conversion.peak_nits, conversion.target_nits) if conversion.peak_nits else none
    after = hlg_inverse_gain(light)[..., 0] if target.curve == "hlg" else none
    found = {
        "lights": none if source.curve == "linear" else light_of(source.curve, np.linspace(0, MOST_VALUE, VALUE_STEPS + 1)),
        "gain_before": hlg_gain(light)[..., 0] if source.curve == "hlg" else none,
        "before": luminance(source.primaries),
        "matrix": conversion.matrix,
        "gain_tone": tone,
        "gain_after": after,
        "after": luminance(target.primaries),
        "values": values_of(target.curve, light),
    }
    return Tables(**{name: np.ascontiguousarray(table, np.float32) for name, table in found.items()})
