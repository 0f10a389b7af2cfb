"""Every effect, blend mode and transition of the registry as others do it: OpenCV, OpenColorIO, FFmpeg, MLT, plain numpy.

A row says how a peer makes the same picture of the same input, from its own documentation and never through our code: what it
makes is held against ours (``effect_sheets.py``), and how long it takes too (``effect_speed.py``). Pictures are those of
``otio_perf.effects``: float32 R'G'B'A, premultiplied. FFmpeg's run inside PyAV; in ``gbrapf32le`` they work on the same
numbers, in other formats on 8 bits.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import PyOpenColorIO
from _footage import FFMPEG, texture
from av.filter import Graph

from otio_perf.effects.engine import Engine, Image, Step
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.registry import Generator, Picture, View, registry
from otio_perf.model.pixels import Layout

LUT = Path(__file__).parent.parent / "sample_timelines" / "warm.cube"
Make = Callable[[Picture, Picture], Callable[[], Any]]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Peer:
    """``make(first, second)`` prepares; what it returns is what is timed; ``read`` makes a picture of that."""

    who: str
    make: Make
    read: Callable[[Any], Picture] = lambda made: made
    #: Works on the same numbers as ours (not on 8 bits): times may be compared.
    is_float: bool = True
    #: Says what the picture should be, not only how long it takes.
    is_oracle: bool = True
    #: Takes its time in a process of its own: cannot be timed.
    is_timed: bool = True
    note: str = ""


@dataclass(frozen=True)
class Case:
    """One row of the registry with the values that all benchmarks show it with."""

    kind: str  # "effect", "blend", "transition" or "generator"
    name: str
    values: Values = field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    progress: float = 0.4
    #: Pictures that must be read.
    reads: int = 1
    #: Nothing of what is above is transparent: what others call a blend.
    is_opaque: bool = False

    @property
    def title(self) -> str:
        """With what tells it from another of the same name."""
        if self.is_opaque:
            return f"{self.name}, opaque"
        return f"{self.name}, {self.values['quality']}" if "quality" in self.values else self.name

    def ours(
        self, engine: Engine, first: Picture, second: Picture, take: Callable[[Picture, bool], Image] | None = None
    ) -> Callable[[], Picture]:
        """Ready to be called, as often as wanted. ``take(picture, is_opaque)``: how ``engine`` gets a picture."""
        take = take or (lambda picture, is_opaque: engine.upload(picture, is_opaque=is_opaque))
        view = View(width=first.shape[1], height=first.shape[0])
        below = take(first, True)
        above = take(opaque(second), True) if self.is_opaque else take(second, False)
        work: Callable[[], Image]
        match self.kind:
            case "effect":
                effect = registry().effect(self.name)
                steps = [Step(effect, effect.checked(self.values))]
                work = partial(engine.apply, below, steps, view)
            case "blend":
                blend = registry().blend(self.name)
                work = partial(engine.blend, below, above, blend, 1.0, view)
            case "transition":
                transition = registry().transition(self.name)
                values = transition.checked(self.values)
                incoming = take(opaque(second), True)
                work = partial(engine.mix, below, incoming, transition, self.progress, values, view)
            case _:
                generator: Generator = registry().generator(self.name)
                drawn = generator.checked(self.values)
                return lambda: generator.draw(drawn, view)
        return lambda: engine.download(work())


def opaque(picture: Picture) -> Picture:
    """The colours of ``picture`` where it is transparent too, as far as they are known."""
    alpha = np.maximum(picture[..., 3:], np.float32(1e-6))
    result = np.where(picture[..., 3:] > 0, picture / alpha, np.float32(0.2)).astype(np.float32)
    result[..., 3] = 1
    return result


def pictures(width: int, height: int) -> tuple[Picture, Picture]:
    """An opaque one with textures, ramps, saturated colours and a green screen; and one with holes and a soft edge."""
    result = []
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height
    for seed in (7, 11):
        picture = np.ones((height, width, 4), np.float32)
        grain = cv2.resize(
            texture(max(2, width // 2), max(2, height // 2), seed), (width, height), interpolation=cv2.INTER_CUBIC
        )
        tint = np.stack([0.35 + 0.5 * x, 0.75 - 0.6 * y, 0.3 + 0.6 * (1 - x) * y], axis=2)
        picture[..., :3] = np.clip(tint * (0.45 + grain / np.float32(230)), 0, 1)
        result.append(picture)
    first, second = result
    first[(x > 0.03) & (x < 0.25) & (y > 0.45) & (y < 0.95), :3] = (0.1, 0.75, 0.2)
    for number, colour in enumerate(((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (0, 0, 0))):
        first[(x > 0.3 + number * 0.08) & (x < 0.36 + number * 0.08) & (y > 0.82) & (y < 0.95), :3] = colour
    second[..., :3] = second[:, ::-1, 2::-1]
    second *= np.clip((0.42 - np.hypot((x - 0.5) * width / height, y - 0.5)) * 12, 0, 1)[..., None]
    return first, np.ascontiguousarray(second, np.float32)


# ------------------------------------------------------------------------------------------------------------------ FFmpeg

_YUV = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8))


def ffmpeg(description: str, pixel_format: str, *, note: str = "", inputs: int = 1, is_oracle: bool = True) -> Peer:
    """One thread of a filter. ``pixel_format``: ``gbrapf32le``, or ``gbrp`` or ``yuv444p`` of 8 bits. Of two ``inputs`` the
    second picture comes first: FFmpeg's ``blend`` has what is above there."""

    def make(first: Picture, second: Picture) -> Callable[[], av.VideoFrame]:
        given = [_frame(p, pixel_format) for p in ((first,) if inputs == 1 else (opaque(second), first))]
        graph = Graph()
        graph.threads = 1
        form = av.VideoFormat(pixel_format, first.shape[1], first.shape[0])
        sources = [
            graph.add_buffer(width=form.width, height=form.height, format=form, time_base=Fraction(1, 25)) for _ in given
        ]
        name, _, arguments = description.partition("=")
        node = graph.add(name, arguments)
        sink = graph.add("buffersink")
        for pad, source in enumerate(sources):
            source.link_to(node, 0, pad)
        node.link_to(sink)
        graph.configure()
        times = iter(range(1 << 30))

        def run() -> av.VideoFrame:
            now = next(times)
            for source, frame in zip(sources, given, strict=True):
                frame.pts, frame.time_base = now, Fraction(1, 25)
                source.push(frame)
            return graph.pull()

        return run

    return Peer(
        f"FFmpeg {description.partition('=')[0]} ({pixel_format.removesuffix('le')})",
        make,
        _read,
        is_float=pixel_format == "gbrapf32le",
        is_oracle=is_oracle,
        note=note or ("" if pixel_format == "gbrapf32le" else "8 bits"),
    )


def _frame(picture: Picture, pixel_format: str) -> av.VideoFrame:
    height, width = picture.shape[:2]
    planes = {
        "gbrapf32le": lambda: [picture[..., c] for c in (1, 2, 0, 3)],
        "gbrp": lambda: [np.round(np.clip(picture[..., c], 0, 1) * 255).astype(np.uint8) for c in (1, 2, 0)],
        "yuv444p": lambda: from_picture(picture, _YUV),
        "yuva444p": lambda: [*from_picture(picture, _YUV), np.round(picture[..., 3] * 255).astype(np.uint8)],
    }[pixel_format]()
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, target in zip(planes, frame.planes, strict=True):
        rows = np.frombuffer(memoryview(target), plane.dtype).reshape(height, target.line_size // plane.itemsize)
        rows[:, :width] = plane
    return frame


def _read(frame: av.VideoFrame) -> Picture:
    height, width = frame.height, frame.width
    kind = np.float32 if "f32" in frame.format.name else np.uint8
    planes = [
        np.frombuffer(memoryview(p), kind).reshape(height, p.line_size // np.dtype(kind).itemsize)[:, :width]
        for p in frame.planes
    ]
    if frame.format.name.startswith("gbr"):
        full = 1 if kind is np.float32 else 255
        green, blue, red, *alpha = planes
        result = np.ones((height, width, 4), np.float32)
        for channel, plane in enumerate((red, green, blue, *alpha)):
            result[..., channel] = plane / np.float32(full)
        return result
    result = to_picture(planes[:3], _YUV)
    if len(planes) == 4:
        result = result * (planes[3][..., None] / np.float32(255))
        result[..., 3] = planes[3] / np.float32(255)
    return result


# -------------------------------------------------------------------------------------------------------------------- melt


def melt(*given: str) -> Peer:
    """A filter of MLT, on 4:2:2 of 8 bits."""

    def make(first: Picture, _: Picture) -> Callable[[], Picture]:
        height, width = first.shape[:2]
        coding = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8, across=1))
        raw = ["-f", "rawvideo", "-pix_fmt", "yuv422p"]

        def run() -> Picture:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                frame = b"".join(np.ascontiguousarray(plane).tobytes() for plane in from_picture(first, coding))
                tagged = ["-vf", "setparams=colorspace=bt709:range=tv", "-c:v", "ffv1", f"{folder}/in.mkv"]
                quiet = [FFMPEG, "-v", "error"]
                subprocess.run(
                    [*quiet, *raw, "-s", f"{width}x{height}", "-r", "25", "-i", "-", *tagged], input=frame * 2, check=True
                )
                sides = {"width": width, "height": height, "display_aspect_num": width, "display_aspect_den": height}
                rest = {"frame_rate_num": 25, "progressive": 1, "colorspace": 709}
                ones = dict.fromkeys(("frame_rate_den", "sample_aspect_num", "sample_aspect_den"), 1)
                profile = folder / "p.profile"
                profile.write_text("".join(f"{k}={v}\n" for k, v in ({"description": "x"} | sides | rest | ones).items()))
                target = [f"avformat:{folder}/out.mkv", "vcodec=ffv1", "pix_fmt=yuv422p", "an=1", "real_time=0"]
                words = [
                    "melt",
                    "-silent",
                    "-profile",
                    str(profile),
                    f"{folder}/in.mkv",
                    "-filter",
                    *given,
                    "-consumer",
                    *target,
                ]
                subprocess.run(words, check=True, capture_output=True, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"})
                answer = subprocess.run([*quiet, "-i", f"{folder}/out.mkv", *raw, "-"], capture_output=True, check=True).stdout
            data = np.frombuffer(answer, np.uint8)[: 2 * width * height]
            y, cb, cr = np.split(data, [width * height, width * height * 3 // 2])
            return to_picture([y.reshape(height, width), cb.reshape(height, -1), cr.reshape(height, -1)], coding)

        return run

    return Peer(f"melt {given[0]}", make, is_float=False, is_timed=False, note="8 bits, 4:2:2")


# ------------------------------------------------------------------------------------------------------ OpenCV, OpenColorIO


def opencv(function: Callable[[Picture], Picture], *, is_oracle: bool = True) -> Peer:
    return Peer("OpenCV", lambda first, _: lambda: function(first), is_oracle=is_oracle)


def opencv_of_two(function: Callable[[Picture, Picture], Picture]) -> Peer:
    """Both opaque, as in a transition."""

    def make(first: Picture, second: Picture) -> Callable[[], Picture]:
        incoming = opaque(second)
        return lambda: function(first, incoming)

    return Peer("OpenCV", make)


def numpy_of_two(function: Callable[[Picture, Picture], Picture]) -> Peer:
    def make(first: Picture, second: Picture) -> Callable[[], Picture]:
        incoming = opaque(second)
        return lambda: function(first, incoming)

    return Peer("numpy", make)


def matrix(rows: np.ndarray, offset: float = 0.0) -> Peer:
    """A 3 × 3 matrix of R'G'B', and a number added."""
    whole = np.zeros((4, 5), np.float32)
    whole[:3, :3], whole[3, 3], whole[:3, 4] = rows, 1, offset
    return opencv(lambda p: cv2.transform(p, whole))


def opencolorio(transform: Callable[[], Any]) -> tuple[Peer, Peer]:
    """As exact as it can, which is what ours is held against; and as it is meant to be used, which is what is timed."""

    def maker(optimization: Any) -> Make:
        def make(first: Picture, _: Picture) -> Callable[[], Picture]:
            worker = PyOpenColorIO.Config.CreateRaw().getProcessor(transform()).getOptimizedCPUProcessor(optimization)

            def run() -> Picture:
                result = first.copy()
                worker.applyRGBA(result)
                return result

            return run

        return make

    exact = Peer("OpenColorIO", maker(PyOpenColorIO.OPTIMIZATION_NONE), is_timed=False)
    return exact, Peer("OpenColorIO, optimised", maker(PyOpenColorIO.OPTIMIZATION_DEFAULT), is_oracle=False)


def _cdl() -> Any:
    found = PyOpenColorIO.CDLTransform(slope=_CDL["slope"], offset=_CDL["offset"], power=_CDL["power"], sat=_CDL["saturation"])
    found.setStyle(PyOpenColorIO.CDL_ASC)
    return found


def _file() -> Any:
    return PyOpenColorIO.FileTransform(str(LUT), interpolation=PyOpenColorIO.INTERP_TETRAHEDRAL)


# ------------------------------------------------------------------------------------------------------------- definitions

_BT709 = np.array([0.2126, 0.7152, 0.0722])
_TO_YCC = np.array([_BT709, (np.array([0, 0, 1]) - _BT709) / 1.8556, (np.array([1, 0, 0]) - _BT709) / 1.5748])
_CDL: dict[str, Any] = {"slope": (1.2, 0.9, 1.1), "offset": (-0.05, 0.1, 0.02), "power": (0.8, 1.3, 1.0), "saturation": 1.4}
_LINE = (21.0, 30.0)
_TURN = {"position": (40.0, -20.0), "scale": (1.2, 1.2), "rotation": 12.0}
_PIN = {"top_left": (60.0, 30.0), "top_right": (-40.0, 20.0), "bottom_right": (-20.0, -30.0), "bottom_left": (30.0, -10.0)}
#: x / y of curves: FFmpeg rounds x to whole codes, these are.
_CURVE = ((0.0, 0.1), (0.2, 0.2), (0.4, 0.7), (0.8, 0.75), (1.0, 1.0))


def _adjusted(hue: float, saturation: float) -> np.ndarray:
    """In Y'CbCr of BT.709: chroma turned and multiplied."""
    cos, sin = saturation * math.cos(math.radians(hue)), saturation * math.sin(math.radians(hue))
    return np.linalg.inv(_TO_YCC) @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _TO_YCC


def _held_within_codes(picture: Picture) -> Picture:
    """0.6 of the code values, foot and all; as Y'CbCr held within what there are codes for; and back."""
    to, back = np.zeros((4, 5), np.float32), np.zeros((4, 5), np.float32)
    to[:3, :3], back[:3, :3], to[3, 3], back[3, 3] = 0.6 * _TO_YCC, np.linalg.inv(_TO_YCC), 1, 1
    to[0, 4] = (0.6 - 1) * 16 / 219
    ycc = cv2.transform(picture, to)
    cv2.max(ycc, (0, -0.5, -0.5, 0), dst=ycc)
    cv2.min(ycc, (1, 0.5, 0.5, 1), dst=ycc)
    return cv2.transform(ycc, back)


def _line_kernel(length: float, angle: float) -> np.ndarray:
    """The mean along a line: a dot moved to as many places as the line is pixels long."""
    size = 2 * math.ceil(length / 2) + 5
    dot = np.zeros((size, size), np.float32)
    dot[size // 2, size // 2] = 1
    pieces = 2 * math.ceil((length - 1) / 2) + 1
    total = np.zeros_like(dot)
    for t in ((np.arange(pieces) + 0.5) / pieces - 0.5) * length:
        move = np.array([[1, 0, t * math.cos(math.radians(angle))], [0, 1, t * math.sin(math.radians(angle))]])
        total += cv2.warpAffine(dot, move, (size, size), flags=cv2.INTER_LINEAR) / pieces
    return total


def _eight_sigma(picture: Picture) -> Picture:
    return cv2.GaussianBlur(picture, (49, 49), 8.0, borderType=cv2.BORDER_REFLECT)


def _unsharp(picture: Picture) -> Picture:
    result = cv2.addWeighted(picture, 1.8, cv2.GaussianBlur(picture, (19, 19), 3.0, borderType=cv2.BORDER_REFLECT), -0.8, 0)
    result[..., 3] = picture[..., 3]
    return result


def _bilateral(picture: Picture) -> Picture:
    colours = cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB)
    result = cv2.bilateralFilter(colours, -1, 0.1, 2.0, borderType=cv2.BORDER_REFLECT)
    return cv2.cvtColor(result, cv2.COLOR_RGB2RGBA)


def _sharpen_kernel() -> np.ndarray:
    kernel = -np.outer([1, 2, 1], [1, 2, 1]) / 16.0
    kernel[1, 1] += 2
    return kernel.astype(np.float32)


def _sharpened(picture: Picture) -> Picture:
    result = cv2.filter2D(picture, -1, _sharpen_kernel(), borderType=cv2.BORDER_REPLICATE)
    result[..., 3] = picture[..., 3]
    return result


def _turned(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    angle = math.radians(_TURN["rotation"])
    across, down = _TURN["scale"]
    linear = np.array([[math.cos(angle) * across, -math.sin(angle) * down], [math.sin(angle) * across, math.cos(angle) * down]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    forward = np.column_stack([linear, middle + np.array(_TURN["position"]) - linear @ middle])
    return cv2.warpAffine(picture, forward, (width, height), flags=cv2.INTER_CUBIC)


def _pinned(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    to = cv2.getPerspectiveTransform(corners - 0.5, corners + np.array(list(_PIN.values()), np.float32) - 0.5)
    return cv2.warpPerspective(picture, to, (width, height), flags=cv2.INTER_CUBIC)


def _cropped(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return cv2.copyMakeBorder(picture[20 : height - 30, 40 : width - 60], 20, 30, 40, 60, cv2.BORDER_CONSTANT)


def _gain_of_white(name: str, values: Values) -> tuple[float, ...]:
    effect = registry().effect(name)
    white = np.ones((1, 1, 4), np.float32)
    return tuple(float(v) for v in effect.reference(white, effect.checked(values), View(width=1, height=1))[0, 0])


def _vignetting(first: Picture, _: Picture) -> Callable[[], Picture]:
    """From 1 within a quarter of the width to 0.2 beyond three quarters, by the sine cubed of MLT's ``vignette``."""
    height, width = first.shape[:2]
    y, x = np.mgrid[0:height, 0:width] + 0.5
    way = np.clip((0.75 - np.hypot(x - width / 2, y - height / 2) / width) / 0.5, 0, 1)
    mask = np.ones_like(first)
    mask[..., :3] = (1 - 0.8 * (1 - np.sin(way * math.pi / 2) ** 3))[..., None]
    return lambda: cv2.multiply(first, mask)


#: ``B(below, above)`` of W3C's Compositing and Blending Level 1, for straight colours.
_W3C: dict[str, Callable[[Any, Any], Any]] = {
    "over": lambda _, s: s,
    "add": lambda b, s: b + s,
    "multiply": lambda b, s: b * s,
    "screen": lambda b, s: b + s - b * s,
    "overlay": lambda b, s: _hard_light(s, b),
    "soft_light": lambda b, s: np.where(
        s <= 0.5,
        b - (1 - 2 * s) * b * (1 - b),
        b + (2 * s - 1) * (np.where(b <= 0.25, ((16 * b - 12) * b + 4) * b, np.sqrt(b)) - b),
    ),
    "hard_light": lambda b, s: _hard_light(b, s),  # noqa: PLW0108 - it comes below
    "darken": np.minimum,
    "lighten": np.maximum,
    "difference": lambda b, s: np.abs(b - s),
    "color_dodge": lambda b, s: np.where(
        b <= 0, 0, np.where(s >= 1, 1, np.minimum(1, b / np.maximum(1 - s, np.float32(1e-9))))
    ),
    "color_burn": lambda b, s: np.where(
        b >= 1, 1, np.where(s <= 0, 0, 1 - np.minimum(1, (1 - b) / np.maximum(s, np.float32(1e-9))))
    ),
}


#: FFmpeg's names of those modes that are the same; its ``softlight`` is another one, and which of two pictures decides between
#: dark and light it sees the other way round.
_FFMPEG_MODES = {
    "add": "addition",
    "multiply": "multiply",
    "screen": "screen",
    "overlay": "hardlight",
    "hard_light": "overlay",
    "darken": "darken",
    "lighten": "lighten",
    "difference": "difference",
    "color_dodge": "dodge",
    "color_burn": "burn",
}


def _hard_light(b: Any, s: Any) -> Any:
    return np.where(s <= 0.5, b * 2 * s, b + (2 * s - 1) - b * (2 * s - 1))


def w3c(mode: str) -> Peer:
    """On an opaque ground: ``(1 − α) · below + α · B(below, above)``."""

    def make(first: Picture, second: Picture) -> Callable[[], Picture]:
        def run() -> Picture:
            alpha = second[..., 3:]
            straight = second[..., :3] / np.maximum(alpha, np.float32(1e-9))
            result = np.ones_like(first)
            result[..., :3] = (1 - alpha) * first[..., :3] + alpha * _W3C[mode](first[..., :3], straight)
            return result

        return run

    return Peer("numpy (W3C)", make)


def _over(first: Picture, second: Picture) -> Callable[[], Picture]:
    def run() -> Picture:
        kept = cv2.cvtColor(1 - second[..., 3], cv2.COLOR_GRAY2RGBA)
        kept[..., 3] = kept[..., 0]
        return cv2.add(cv2.multiply(first, kept, dst=kept), second)

    return run


def _pushed(first: Picture, second: Picture, *, both: bool) -> Picture:
    """0.4 of the way to the left, whole pixels."""
    gone = round(0.4 * first.shape[1])
    result = np.empty_like(first)
    result[:, : first.shape[1] - gone] = first[:, gone:] if both else first[:, : first.shape[1] - gone]
    result[:, first.shape[1] - gone :] = second[:, :gone]
    return result


def _dipped(first: Picture, _: Picture) -> Picture:
    """0.4 of the whole way is 0.8 of the way to black."""
    return cv2.multiply(first, (0.2, 0.2, 0.2, 1.0))


def _wiped(first: Picture, second: Picture) -> Picture:
    """From left to right, an edge of one pixel."""
    width = first.shape[1]
    edge = np.clip(0.4 * (width + 1) - np.arange(width, dtype=np.float32) - 0.5, 0, 1).astype(np.float32)[None, :, None]
    return first + (second - first) * edge


def _text(curve: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{x}/{y}" for x, y in curve)


_SEPIA = np.array([0, -53 / 224, 22 / 224])


def _sepia_matrix() -> np.ndarray:
    """Luma, and chroma that is always the same."""
    whole = np.zeros((4, 5), np.float32)
    whole[:3, :3] = _BT709
    whole[:3, 4] = [
        _SEPIA[2] * 1.5748,
        -(_SEPIA[2] * 1.5748 * 0.2126 + _SEPIA[1] * 1.8556 * 0.0722) / 0.7152,
        _SEPIA[1] * 1.8556,
    ]
    whole[3, 3] = 1
    return whole


_LGG: dict[str, Any] = {"lift": (0.1, 0.0, -0.1), "gamma": (1.2, 1.0, 0.8), "gain": (1.1, 1.0, 0.9), "encoding": 2.2}
_LGG_WORDS = "lift_r=0.1 lift_b=-0.1 gamma_r=1.2 gamma_b=0.8 gain_r=1.1 gain_b=0.9".split()
_COLORLEVELS = "colorlevels=rimin=0.1:gimin=0.05:gimax=0.9:bimax=0.8"
_GREY = "colorchannelmixer=" + ":".join(f"{to}{of}={part}" for to in "rgb" for of, part in zip("rgb", _BT709, strict=True))
_LEVELS: dict[str, Any] = {"black_in": (0.1, 0.05, 0.0), "white_in": (1.0, 0.9, 0.8)}
#: FFmpeg takes codes of 8 bits for 0 to 255: ours come in parts of the way from black to white, 219 codes (chroma 224).
_KEY = "color=0x8D533D:yuv=1:similarity=0.12:blend=0.1"
_CHROMA_PART, _LUMA_PART = 255 / 224, 255 / 219


def _gradient(like: Picture) -> Picture:
    part = ((np.arange(like.shape[1]) + 0.5) / like.shape[1])[None, :, None]
    ends = np.array([[[0.1, 0.2, 0.5, 1]], [[1.0, 0.8, 0.3, 1]]])
    return np.broadcast_to(ends[0] + (ends[1] - ends[0]) * part, like.shape).astype(np.float32)


def _bars(like: Picture) -> Picture:
    """White, yellow, cyan, green, magenta, red, blue, black: EBU 100/0/100/0."""
    colours = [[1, 1, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 1], [1, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]]
    row = cv2.resize(np.array([colours], np.float32), (like.shape[1], 1), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(np.broadcast_to(row, like.shape))


CASES: tuple[Case, ...] = (
    Case(
        "effect",
        "exposure",
        {"stops": 0.7},
        (opencv(lambda p: cv2.multiply(p, (2**0.7,) * 3 + (1,))), ffmpeg("exposure=exposure=0.7", "gbrapf32le")),
    ),
    Case("effect", "adjust", {"hue": 40, "saturation": 0.6}, (matrix(_adjusted(40, 0.6)), ffmpeg("hue=h=40:s=0.6", "yuv444p"))),
    Case(
        "effect",
        "white_balance",
        {"temperature": 4000},
        (opencv(lambda p: cv2.multiply(p, _gain_of_white("white_balance", {"temperature": 4000})), is_oracle=False),),
    ),
    Case("effect", "invert", {}, (matrix(-np.eye(3), 1.0), ffmpeg("negate", "gbrp"))),
    Case(
        "effect", "greyscale", {}, (matrix(np.tile(_BT709, (3, 1))), ffmpeg(_GREY, "gbrapf32le"), ffmpeg("hue=s=0", "yuv444p"))
    ),
    Case("effect", "sepia", {}, (opencv(lambda p: cv2.transform(p, _sepia_matrix())), melt("sepia"))),
    Case("effect", "code_gain", {"level": 0.6}, (opencv(_held_within_codes), melt("brightness", "level=0.6"))),
    Case("effect", "lift_gamma_gain", _LGG, (melt("lift_gamma_gain", *_LGG_WORDS),)),
    Case("effect", "asc_cdl", _CDL, opencolorio(_cdl)),
    Case("effect", "levels", _LEVELS, (ffmpeg(_COLORLEVELS, "gbrapf32le"), ffmpeg(_COLORLEVELS, "gbrp"))),
    Case("effect", "curves", {"master": _CURVE}, (ffmpeg(f"curves=master='{_text(_CURVE)}':interp=pchip", "gbrp"),)),
    Case(
        "effect", "lut", {"path": str(LUT)}, (*opencolorio(_file), ffmpeg(f"lut3d=file={LUT}:interp=tetrahedral", "gbrapf32le"))
    ),
    Case(
        "effect",
        "vignette",
        {"amount": 0.8},
        (Peer("OpenCV, ready mask", _vignetting),),
    ),
    Case(
        "effect",
        "gaussian_blur",
        {"sigma": 8.0},
        (
            opencv(_eight_sigma),
            ffmpeg("gblur=sigma=8:steps=6", "gbrapf32le", note="recursive, six steps"),
        ),
    ),
    Case("effect", "gaussian_blur", {"sigma": 8.0, "quality": "exact"}, (opencv(_eight_sigma),)),
    Case(
        "effect",
        "box_blur",
        {"radius": 8.0},
        (opencv(lambda p: cv2.blur(p, (17, 17), borderType=cv2.BORDER_REFLECT)), ffmpeg("avgblur=sizeX=8", "gbrp")),
    ),
    Case(
        "effect",
        "directional_blur",
        {"length": _LINE[0], "angle": _LINE[1]},
        (opencv(lambda p: cv2.filter2D(p, -1, cv2.flip(_line_kernel(*_LINE), -1), borderType=cv2.BORDER_REFLECT)),),
    ),
    Case("effect", "sharpen", {"amount": 1.0}, (opencv(_sharpened), ffmpeg("unsharp=3:3:1:3:3:1", "yuv444p"))),
    Case("effect", "unsharp", {"sigma": 3.0, "amount": 0.8}, (opencv(_unsharp),)),
    Case("effect", "median", {"radius": 1}, (opencv(lambda p: cv2.medianBlur(p, 3)), ffmpeg("median=radius=1", "gbrp"))),
    Case("effect", "bilateral", {"sigma": 2.0, "difference": 0.1}, (opencv(_bilateral),)),
    Case(
        "effect",
        "chroma_key",
        {"color": (0x1A / 255, 0xBF / 255, 0x33 / 255), "tolerance": 0.12 * _CHROMA_PART, "softness": 0.1 * _CHROMA_PART},
        (ffmpeg(f"chromakey={_KEY}", "yuva444p", note="8 bits, looks at nine pixels"),),
    ),
    Case(
        "effect",
        "luma_key",
        {"threshold": (0.3 * 255 - 16) / 219, "softness": 0.2 * _LUMA_PART},
        (ffmpeg("lumakey=threshold=0:tolerance=0.3:softness=0.2", "yuva444p", note="8 bits"),),
    ),
    Case("effect", "transform", _TURN, (opencv(_turned),)),
    Case("effect", "corner_pin", _PIN, (opencv(_pinned),)),
    Case("effect", "flip", {"horizontal": True}, (opencv(lambda p: cv2.flip(p, 1)), ffmpeg("hflip", "gbrapf32le"))),
    Case("effect", "crop", {"left": 40, "top": 20, "right": 60, "bottom": 30}, (opencv(_cropped),)),
    *(
        Case("blend", mode, {}, (w3c(mode), Peer("OpenCV", _over)) if mode == "over" else (w3c(mode),), reads=2)
        for mode in _W3C
    ),
    *(
        Case(
            "blend",
            mode,
            {},
            (ffmpeg(f"blend=c0_mode={theirs}:c1_mode={theirs}:c2_mode={theirs}:c3_mode=normal", "gbrapf32le", inputs=2),),
            reads=2,
            is_opaque=True,
        )
        for mode, theirs in _FFMPEG_MODES.items()
    ),
    Case(
        "transition",
        "dissolve",
        {},
        (
            opencv_of_two(lambda a, b: cv2.addWeighted(a, 0.6, b, 0.4, 0)),
            ffmpeg("blend=all_mode=normal:all_opacity=0.4", "gbrapf32le", inputs=2),
        ),
        reads=2,
    ),
    Case("transition", "dip_to_colour", {}, (opencv_of_two(_dipped),)),
    Case("transition", "wipe", {"pattern": "bar_left_to_right"}, (numpy_of_two(_wiped),)),
    Case("transition", "push", {"direction": "left"}, (numpy_of_two(lambda a, b: _pushed(a, b, both=True)),)),
    Case("transition", "slide", {"direction": "left"}, (numpy_of_two(lambda a, b: _pushed(a, b, both=False)),)),
    Case("generator", "solid", {"colour": (0.2, 0.4, 0.6)}, (opencv(lambda p: np.full_like(p, (0.2, 0.4, 0.6, 1))),)),
    Case("generator", "gradient", {"start": (0.1, 0.2, 0.5), "end": (1.0, 0.8, 0.3)}, (opencv(_gradient),)),
    Case("generator", "bars", {"standard": "ebu_100"}, (opencv(_bars),)),
    Case("generator", "slate", {"title": "MEDIA OFFLINE", "text": "A001_C001.mp4"}),
)


def missing() -> list[str]:
    """Rows of the registry without a case: there must be none."""
    found = registry()
    shelves = {"effect": found.effects, "blend": found.blends, "transition": found.transitions, "generator": found.generators}
    there = {(case.kind, case.name) for case in CASES}
    return [f"{kind} {name}" for kind, shelf in shelves.items() for name in shelf if (kind, name) not in there]


def has_melt() -> bool:
    return shutil.which("melt") is not None
