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
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.recipes import Codec
from otio_perf.model.tasks import ProxyTask

#: Options by maker, of quality, quantiser and pictures between keyframes: a fixed quantiser, and no picture between pictures
#: (names of FFmpeg's encoder options).
_OPTIONS: dict[str, Callable[[int, str, str], dict[str, str]]] = {
    "nvenc": lambda _, qp, g: {"preset": "p2" if g == "1" else "p5", "rc": "constqp", "qp": qp, "g": g, "bf": "0"},
    "videotoolbox": lambda q, _, g: {"flags": "+qscale", "global_quality": str(118 * max(1, q)), "g": g, "bf": "0"},
    "qsv": lambda _, qp, g: {"preset": "veryfast", "global_quality": qp, "g": g, "bf": "0"},
    "vaapi": lambda _, qp, g: {"rc_mode": "CQP", "qp": qp, "g": g, "bf": "0"},
    "amf": lambda _, qp, g: {"quality": "speed", "rc": "cqp", "qp_i": qp, "qp_p": qp, "g": g, "bf": "0"},
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
    hwaccel = decoder_for(task.media, task.hardware)
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


def decoder_for(media: MediaInfo, working: Collection[str]) -> HWAccel | None:
    """Devices read 4:2:0 of 8 and 10 bits; fields are left to software, whose flags the scaler relies on."""
    video = media.picture
    if video is None or media.sequence is not None or video.is_interlaced:
        return None
    is_plain = video.pixel_format in ("yuv420p", "yuvj420p", "yuv420p10le")
    return hwaccel_for(video.codec, working) if is_plain else None


def by_hardware(row: Encoding, encoder: str, *, quantisers: tuple[float, float, float], gop: int = 1) -> Encoding:
    """``row`` as ``encoder`` of the table in ``hardware`` writes it.

    :param quantisers: at the worst quality, the usual and the best.
    """
    maker = encoder.rpartition("_")[2]
    return replace(
        row,
        encoder=encoder,
        options=lambda quality: _OPTIONS[maker](quality, str(round(at_quality(quality, *quantisers))), str(gop)),
        interlaced=False,
        hdr_option=None,
        device="vaapi" if maker == "vaapi" else None,
    )


def _hardware_row(codec: Codec, video: VideoInfo, working: Collection[str]) -> Encoding | None:
    """Only what every maker's encoder does: 8 bits, progressive."""
    if video.is_interlaced or pixel_format_for(codec, video) != "yuv420p":
        return None
    name = best_encoder(codec.value, working)
    return None if name is None else by_hardware(ENCODINGS[codec], name, quantisers=(40, 28, 16))
