"""Which decoder and encoders one pass uses: hardware where it passed its self-test and keeps the contract, else software.

The task says what passed (``ProxyTask.hardware``): no device is tried here. Hardware encoders were not run where this was
written: no machine there has one. They are therefore never trusted further than the self-test and the comparison of every
finished proxy; whatever fails is made again in software, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from av.codec.hwaccel import HWAccel

from otio_perf.media.encodings import ENCODINGS, Encoding, at_quality, pixel_format_for
from otio_perf.media.hardware import best_encoder, hwaccel_for
from otio_perf.model.media import VideoInfo
from otio_perf.model.recipes import Codec
from otio_perf.model.tasks import ProxyTask


def _quantiser(quality: int) -> str:
    return str(round(at_quality(quality, 40, 28, 16)))


#: Options by maker: all-intra with a fixed quantiser, as in software (names of FFmpeg's encoder options).
_OPTIONS: dict[str, Callable[[int], dict[str, str]]] = {
    "nvenc": lambda q: {"preset": "p2", "rc": "constqp", "qp": _quantiser(q), "g": "1", "bf": "0"},
    "videotoolbox": lambda q: {"flags": "+qscale", "global_quality": str(118 * max(1, q)), "g": "1", "bf": "0"},
    "qsv": lambda q: {"preset": "veryfast", "global_quality": _quantiser(q), "g": "1", "bf": "0"},
    "vaapi": lambda q: {"rc_mode": "CQP", "qp": _quantiser(q), "g": "1", "bf": "0"},
    "amf": lambda q: {"quality": "speed", "rc": "cqp", "qp_i": _quantiser(q), "g": "1"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """``encodings`` holds a row for each codec of the task; ``notes`` say what was chosen and why."""

    hwaccel: HWAccel | None
    encodings: dict[Codec, Encoding]
    notes: tuple[str, ...]
    has_hardware: bool


def software(task: ProxyTask) -> Engine:
    """No device is asked."""
    return Engine(hwaccel=None, encodings={c: ENCODINGS[c] for c in _codecs(task)}, notes=(), has_hardware=False)


def best(task: ProxyTask) -> Engine:
    """Devices that passed their self-test, for what they do as well as software. The same task gets the same engine."""
    video = task.media.picture
    if video is None:
        return software(task)
    notes = []
    hwaccel = _decoder(task, video)
    if hwaccel is not None:
        notes.append(f"{video.codec} was decoded in hardware, which passed its self-test")
    encodings = {}
    for codec in _codecs(task):
        row = _hardware_row(codec, video, task.hardware)
        if row is not None:
            notes.append(f"encoded by {row.encoder}: it passed its self-test")
        encodings[codec] = row or ENCODINGS[codec]
    return Engine(hwaccel=hwaccel, encodings=encodings, notes=tuple(notes), has_hardware=bool(notes))


def _codecs(task: ProxyTask) -> list[Codec]:
    return sorted({product.recipe.codec for product in task.products})


def _decoder(task: ProxyTask, video: VideoInfo) -> HWAccel | None:
    """Devices read 4:2:0 of 8 and 10 bits; fields are left to software, whose flags the scaler relies on."""
    is_plain = video.pixel_format in ("yuv420p", "yuvj420p", "yuv420p10le") and not video.is_interlaced
    return hwaccel_for(video.codec, task.hardware) if is_plain and task.media.sequence is None else None


def _hardware_row(codec: Codec, video: VideoInfo, working: Collection[str]) -> Encoding | None:
    """Only what every maker's encoder does: 8 bits, progressive."""
    if video.is_interlaced or pixel_format_for(codec, video) != "yuv420p":
        return None
    name = best_encoder(codec.value, working)
    if name is None:
        return None
    maker = name.rpartition("_")[2]
    device = "vaapi" if maker == "vaapi" else None
    return replace(ENCODINGS[codec], encoder=name, options=_OPTIONS[maker], interlaced=False, hdr_option=None, device=device)
