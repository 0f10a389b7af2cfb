"""What a frame of each span costs to play on this machine, in milliseconds. Pure.

The cost of a span is the sum of its parts, since all of them share the same processors: decoding each layer, taking its fields
apart, converting its colours, scaling it to the canvas, its effects, compositing, transitions. What is not there, or is made by
the host itself, is named and not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from otio_perf.model.analysis import SpanCost
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.model.media import MediaInfo, MediaKind, VideoInfo
from otio_perf.model.spans import Span
from otio_perf.model.uses import EffectUse, Survey, TargetKind, Use
from otio_perf.planning import explain
from otio_perf.planning.generations import Generations
from otio_perf.planning.source_costs import source_costs, timeline_light

#: Codecs that calibration does not measure: (nearest relative, how many times as dear). From the decoders' structure where
#: no figure is given; measured at 1080p on two cores: FFV1 48 ms, Ut Video 10 ms, MagicYUV 6 ms against MJPEG 14 ms.
RELATIVES: dict[str, tuple[str, float]] = {
    "vvc": ("hevc", 2.0),
    "av1": ("vp9", 1.0),
    "vp9": ("hevc", 1.0),
    "vp8": ("vp9", 0.7),
    "hevc": ("h264", 1.3),
    "vc1": ("h264", 0.9),
    "wmv3": ("h264", 0.9),
    "theora": ("mpeg4", 1.3),
    "h263": ("mpeg4", 1.0),
    "wmv2": ("mpeg4", 1.0),
    "msmpeg4v3": ("mpeg4", 1.0),
    "mpeg4": ("mpeg2video", 1.2),
    "mpeg1video": ("mpeg2video", 1.0),
    "mpeg2video": ("h264", 0.4),
    "dvvideo": ("mjpeg", 1.0),
    "cfhd": ("prores", 1.0),
    "prores_raw": ("prores", 1.5),
    "dnxhd": ("mjpeg", 1.0),
    "prores": ("mjpeg", 1.5),
    "ffv1": ("mjpeg", 3.5),
    "utvideo": ("mjpeg", 0.7),
    "huffyuv": ("mjpeg", 0.7),
    "ffvhuff": ("mjpeg", 0.7),
    "magicyuv": ("mjpeg", 0.45),
    "tiff": ("png", 0.5),
    "webp": ("png", 1.0),
    "dpx": ("exr", 0.5),
    "bmp": ("exr", 0.3),
    "targa": ("exr", 0.3),
    "rawvideo": ("exr", 0.3),
    "v210": ("exr", 0.5),
    "qtrle": ("exr", 0.5),
    "jpeg2000": ("png", 5.0),
}
#: What an unknown codec is taken for.
UNKNOWN_RELATIVE = ("h264", 1.5)

#: Samples per pixel of the footage that calibration measured; 4:2:0 where not listed.
_CALIBRATED_SAMPLES = {"prores": 2.0, "dnxhd": 2.0, "png": 3.0, "exr": 3.0, "jpeg2000": 3.0}

#: Relative cost of effects that nobody knows better, by words of their names, typical point-wise effect = 1: first match wins.
#: From FFmpeg's filters at 1080p on two threads, colorlevels (5.5 ms) = 1: gblur 1.1, unsharp 2.4, 3-D LUT 6, chromakey 14,
#: rotate 5, curves 0.6.
EFFECTS: tuple[tuple[tuple[str, ...], str, float], ...] = (
    (("speed", "timewarp", "time remap", "freeze", "retime", "volume", "pan audio", "audio", "gain (sound"), "timing", 0.0),
    (("denois", "noise reduction", "neat video", "degrain"), "noise reduction", 30.0),
    (("stabil", "optical flow", "warp"), "stabilising", 15.0),
    (("key", "ultra key", "spill", "greenscreen", "chroma"), "keyer", 14.0),
    (("lut", "lumetri", "look", "colorist", "grade"), "LUT or grade", 6.0),
    (
        ("transform", "motion", "rotat", "scale", "position", "pip", "picture in picture", "distort", "corner", "perspective",
         "affine", "pan and zoom", "qtblend", "zoom"),
        "transform", 5.0,
    ),
    (("glow", "bloom", "light ray", "lens"), "glow", 4.0),
    (("blur", "defocus", "mosaic", "pixelat"), "blur", 2.0),
    (("sharp", "unsharp", "edge"), "sharpening", 2.4),
    (("grain", "noise", "film"), "grain", 2.0),
    (("opacity", "fade", "dissolve", "crop", "flip", "mirror", "mask", "vignette"), "opacity or crop", 0.5),
    (("colo", "level", "curve", "bright", "contrast", "gamma", "satur", "hue", "white", "cdl", "tint"), "colour", 1.0),
)  # fmt: skip
UNKNOWN_EFFECT = ("unknown effect", 1.0)

EffectCosts = Callable[[Use, tuple[int, int], MachineProfile], Sequence[float | None]]
"""Of each of a use's effects, on a canvas of this width and height, on this machine: its cost, typical point-wise effect = 1,
as whoever renders effects knows it; ``None``: it is not known, the words of its name count."""

#: Where neither the timeline nor its media say how large the picture is.
_DEFAULT_CANVAS = (1920, 1080)


def by_words(use: Use, *_: object) -> tuple[None, ...]:
    """Nothing is known of effects but their names."""
    return (None,) * len(use.effects)


def decode_ms(video: VideoInfo, machine: MachineProfile) -> float:
    """Milliseconds of wall time that one frame of ``video`` takes in sequential playback."""
    cost, factor = _decode_cost(video, machine)
    base = video.codec
    samples = _samples_per_pixel(video.pixel_format) / _CALIBRATED_SAMPLES.get(base, 1.5)
    megabits = video.bits_per_second / float(video.frame_rate) / 1e6
    return factor * (cost.per_frame + cost.per_megapixel * video.megapixels * samples + cost.per_megabit * megabits)


def nearest_measured(video: VideoInfo, machine: MachineProfile) -> str | None:
    """The codec whose figures stand in for the one of ``video``; ``None`` where it was measured itself."""
    measured = {key.partition(":")[0] for key in machine.decode}
    return None if video.codec in measured else _relative(video.codec, machine)[0]


def _decode_cost(video: VideoInfo, machine: MachineProfile) -> tuple[DecodeCost, float]:
    name, factor = _relative(video.codec, machine)
    keys = [f"{name}:10", name] if video.bit_depth > 8 else [name, f"{name}:10"]
    if video.gop.all_intra and video.bit_depth == 8:
        keys.insert(0, f"{name}:intra")
    for key in keys:
        if key in machine.decode:
            return machine.decode[key], factor
    return DecodeCost(per_frame=0.2, per_megapixel=3.0, per_megabit=6.0), factor  # nothing at all was measured


def _relative(codec: str, machine: MachineProfile) -> tuple[str, float]:
    measured = {key.partition(":")[0] for key in machine.decode}
    factor, seen = 1.0, set()
    while codec not in measured and codec not in seen:
        seen.add(codec)
        codec, times = RELATIVES.get(codec, UNKNOWN_RELATIVE)
        factor *= times
    return codec, factor


def _samples_per_pixel(pixel_format: str) -> float:
    alpha = pixel_format.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya"))
    if "444" in pixel_format or pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr")):
        colour = 3.0
    elif "422" in pixel_format or "y210" in pixel_format:
        colour = 2.0
    elif "gray" in pixel_format or pixel_format.startswith("ya"):
        colour = 1.0
    else:
        colour = 1.5
    return colour + alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one use costs in each frame of the timeline."""

    path: str | None
    medium: str  # what findings are kept by
    track: int
    words: str  # "4K HEVC 10-bit long GOP"; "" where nothing is decoded
    decode_ms: float
    scale_ms: float
    prepared: tuple[tuple[str, float], ...]  # what else is done to its frames before effects, ms
    effects: tuple[tuple[str, float], ...]  # class of effect, ms
    bits: float  # read per frame
    absent: str | None  # offline or refused: its name
    remarks: tuple[str, ...]  # "reversed", "2 × speed"


class _Sum(NamedTuple):
    """What the layers of a span cost together. They are held, so that no identity is given twice."""

    layers: tuple[Layer, ...]
    frame_ms: float
    reasons: tuple[str, ...]
    parts_ms: tuple[tuple[str, float], ...]
    offline: tuple[str, ...]


class CostMemory:
    """What was reckoned before, for one machine by one ``EffectCosts``: of what did not change since, nothing is anew."""

    def __init__(self) -> None:
        self.machine: MachineProfile | None = None
        self.layers: Generations[tuple[Hashable, ...], Layer] = Generations()
        self.sums: Generations[tuple[Hashable, ...], _Sum] = Generations()

    def begin(self, machine: MachineProfile) -> None:
        """The next round begins: what neither it nor the last one asks for is forgotten."""
        memories: tuple[Generations[Any, Any], ...] = self.layers, self.sums
        for memory in memories:
            if machine != self.machine:
                memory.clear()
            memory.turn()
        self.machine = machine


def predict(
    survey: Survey,
    spans: Sequence[Span],
    media: Mapping[str, MediaInfo | None],
    machine: MachineProfile,
    effect_costs: EffectCosts = by_words,
    known: CostMemory | None = None,
) -> tuple[SpanCost, ...]:
    """The cost of each span. ``media`` by ``Target.medium``; ``None`` or absent: offline.

    The canvas is the timeline's; where that says none, the commonest size among its media.

    :param known: of no use where it is of another machine
    """
    budget = 1000 / float(survey.frame_rate)
    if known is None or known.machine != machine:
        known = CostMemory()
    layers = Layers(survey, media, machine, effect_costs, known)
    megapixels = layers.canvas[0] * layers.canvas[1] / 1e6
    costs = []
    for span in spans:
        shown = [layers[index] for index in span.uses]
        key = (len(span.transitions), megapixels, budget, *map(id, shown))
        found = known.sums.get(key)
        if found is None:
            found = _sum(shown, len(span.transitions), megapixels, budget, machine)
            known.sums.put(key, found)
        costs.append(
            SpanCost(
                span=span,
                frame_ms=found.frame_ms,
                factor=found.frame_ms / budget,
                reasons=found.reasons,
                parts_ms=found.parts_ms,
                with_proxy_factor=None,
                offline=found.offline,
            )
        )
    return tuple(costs)


def _sum(
    layers: Sequence[Layer], transitions: int, canvas_megapixels: float, budget_ms: float, machine: MachineProfile
) -> _Sum:
    parts: list[tuple[str, float]] = []
    for layer in layers:
        if layer.decode_ms:
            parts.append((f"decode {explain.file_name(layer.path or '')}", layer.decode_ms))
    scaling = sum(layer.scale_ms for layer in layers)
    if scaling:
        parts.append(("scaling", scaling))
    prepared: Counter[str] = Counter()
    for layer in layers:
        for name, ms in layer.prepared:
            prepared[name] += ms  # type: ignore[assignment]
    parts += prepared.items()
    effects: Counter[str] = Counter()
    for layer in layers:
        for name, ms in layer.effects:
            effects[name] += ms  # type: ignore[assignment]
    parts += effects.items()
    tracks = len({layer.track for layer in layers if layer.words or layer.absent is None})
    if tracks > 1:
        parts.append((f"{tracks} layers", (tracks - 1) * machine.composite_ms_per_megapixel * canvas_megapixels))
    if transitions:
        parts.append(("transition", transitions * machine.composite_ms_per_megapixel * canvas_megapixels))
    frame_ms = sum(ms for _, ms in parts)
    reading = sum(layer.bits for layer in layers) / 8 / machine.disk_read_bytes_per_second * 1e3
    if reading > frame_ms:  # reading goes on beside the rest: it counts where it is the slowest
        parts.append(("waiting for the disk", reading - frame_ms))
        frame_ms = reading
    parts = [(name, round(ms, 3)) for name, ms in parts if ms]
    offline = tuple(dict.fromkeys(layer.absent for layer in layers if layer.absent))
    reasons = explain.reasons(
        words=[layer.words for layer in layers if layer.words],
        remarks=[r for layer in layers for r in layer.remarks],
        layers=tracks,
        effects=tuple(effects),
        has_transition=bool(transitions),
        parts=parts,
        frame_ms=frame_ms,
        budget_ms=budget_ms,
        offline=offline,
    )
    return _Sum(tuple(layers), frame_ms, reasons, tuple(parts), offline)


class Layers:
    """The cost of each use, computed once for each distinct combination of medium, speed and effects: by the first of them."""

    def __init__(
        self,
        survey: Survey,
        media: Mapping[str, MediaInfo | None],
        machine: MachineProfile,
        effect_costs: EffectCosts = by_words,
        known: CostMemory | None = None,
    ) -> None:
        self._survey = survey
        self._media = media
        self._machine = machine
        self._effect_costs = effect_costs
        self._by_use: dict[int, Layer] = {}
        self._by_kind: dict[tuple[object, ...], Layer] = {}
        self.canvas = survey.canvas or _commonest_size(media)
        self._light = timeline_light(media.values())
        self._known = known or CostMemory()
        self._world = self.canvas, self._light, survey.frame_rate

    def __getitem__(self, index: int) -> Layer:
        found = self._by_use.get(index)
        if found is None:
            use = self._survey.uses[index]
            length = len(use.position) if use.effects else 0  # of what their key frames run through
            key = (id(use.target), use.track, use.retime.speed if use.retime else None, use.effects, length)
            found = self._by_kind.get(key)
            if found is None:
                found = self._by_kind[key] = self._recalled(use, length)
            self._by_use[index] = found
        return found

    def _recalled(self, use: Use, length: int) -> Layer:
        """The cost of ``use``, by all that it depends on."""
        info = self._info(use)
        shown = (info.kind, info.video) if info else use.clip
        moment = (use.source.start, len(use.source), use.available_start) if use.effects else None
        speed = use.retime.speed if use.retime else None
        key = (self._world, use.target, shown, use.track, speed, use.effects, length, moment)
        found = self._known.layers.get(key)
        if found is None:
            found = self._layer(use)
            self._known.layers.put(key, found)
        return found

    def _info(self, use: Use) -> MediaInfo | None:
        return self._media.get(use.target.medium) if use.target.path else None

    def _layer(self, use: Use) -> Layer:
        target, machine = use.target, self._machine
        canvas = self.canvas[0] * self.canvas[1] / 1e6
        effects = tuple(
            (name, relative * machine.effect_ms_per_megapixel * canvas) for name, relative in self._effects(use) if relative
        )
        nothing = Layer(
            path=target.path,
            medium=target.medium,
            track=use.track,
            words="",
            decode_ms=0,
            scale_ms=0,
            prepared=(),
            effects=effects,
            bits=0,
            absent=None,
            remarks=(),
        )
        if target.kind is TargetKind.GENERATOR:
            return replace(nothing, remarks=(f"{target.generator or 'generator'} made by the host is not counted",))
        info = self._info(use)
        video = info.picture if info else None
        if video is None:
            absent = target.path or target.url or use.clip
            return replace(nothing, effects=(), absent=None if info else absent)
        assert info is not None
        frames, remarks = _frames_per_tick(use, info, video, self._survey.frame_rate)
        one = 0.0 if info.kind is MediaKind.STILL else decode_ms(video, machine)
        needs_scaling = video.display_size != self.canvas
        stand_in = nearest_measured(video, machine)
        if stand_in:
            remarks += (f"{video.codec} was not measured here: taken from {stand_in}",)
        return Layer(
            path=target.path,
            medium=target.medium,
            track=use.track,
            words=explain.video_words(video),
            decode_ms=one * frames,
            scale_ms=machine.scale_ms_per_megapixel * video.megapixels if needs_scaling else 0.0,
            prepared=tuple(
                (name, relative * machine.effect_ms_per_megapixel * video.megapixels)
                for name, relative in source_costs(video, self._light)
            ),
            effects=effects,
            bits=video.bits_per_second / float(video.frame_rate) * frames if one else 0.0,
            absent=None,
            remarks=remarks,
        )

    def _effects(self, use: Use) -> list[tuple[str, float]]:
        """Class of each effect, for people, and its cost. What is known, but by no word, is called what the host calls it."""
        if not use.effects:
            return []
        found = []
        for effect, known in zip(use.effects, self._effect_costs(use, self.canvas, self._machine), strict=True):
            name, relative = effect_class(effect)
            if known is not None:
                name, relative = (effect.label if name == UNKNOWN_EFFECT[0] else name), known
            found.append((name, relative))
        return found


def effect_class(effect: EffectUse) -> tuple[str, float]:
    """Class of an effect, for people, and its cost relative to a typical point-wise effect. Unknown ones are typical."""
    text = f"{effect.name} {effect.label}".lower()
    for words, name, relative in EFFECTS:
        if any(word in text for word in words):
            return name, relative
    return UNKNOWN_EFFECT


def _frames_per_tick(use: Use, info: MediaInfo, video: VideoInfo, rate: Fraction) -> tuple[float, tuple[str, ...]]:
    """Frames to decode for one frame of the timeline, and remarks.

    A long GOP has to be decoded whole when it plays fast; when it plays backwards, each frame is reached from its keyframe,
    which is half a GOP on average. Media of intra frames decode what is shown and no more.
    """
    speed = use.retime.speed if use.retime else Fraction(1)
    if speed == 0 or info.kind is MediaKind.STILL:
        return 0.0, ("frozen",) if speed == 0 else ()
    frames = float(abs(speed) * video.frame_rate / rate)
    remarks: tuple[str, ...] = ()
    if abs(speed) != 1:
        remarks += (f"{float(abs(speed)):g} × speed",)
    if video.gop.all_intra:
        return min(frames, 1.0), remarks + (("reversed",) if speed < 0 else ())
    if speed < 0:
        # each frame that is shown costs the way from its keyframe, however fast it plays
        return min(frames, 1.0) * (video.gop.mean + 1) / 2, (*remarks, "reversed long GOP")
    return frames, remarks


def _commonest_size(media: Mapping[str, MediaInfo | None]) -> tuple[int, int]:
    sizes = Counter(info.picture.display_size for info in media.values() if info and info.picture)
    return sizes.most_common(1)[0][0] if sizes else _DEFAULT_CANVAS
