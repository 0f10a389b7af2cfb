"""Which hardware encoders and decoders work here: those that open, and give back the pictures that were put in.

A driver that crashes or hangs must not take the program along: devices are tried in a child process with a time limit.
Where no device is there, no child is started. Whoever gives out work asks once, and says in each task what passed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from otio_perf.errors import MediaError
from otio_perf.media.safe_open import safe_open

Kind = Literal["encoder", "decoder"]

#: Codecs that hardware is asked for.
CODECS = ("h264", "hevc")

#: Seconds for all self-tests together; drivers answer in two or never.
_LIMIT_SECONDS = 30.0
_POLL_SECONDS = 0.1
_FRAMES = 8
_SIZE = (640, 360)
#: Software encoders at their defaults reach 40 dB on these pictures; wrong colours or shifted frames stay below 25.
_LEAST_PSNR_DB = 30.0

#: What encodes where no hardware does.
_SOFTWARE = {"h264": "libx264", "hevc": "libx265"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareFinding:
    """Whether an encoder (``name`` is FFmpeg's, "h264_nvenc") or decoder ("h264 on cuda") works here, and why not."""

    name: str
    kind: Kind
    codec: str
    works: bool
    reason: str
    was_tried: bool = False  # a device is there


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """One maker's interface. ``encoder`` is the suffix of FFmpeg's encoders, ``device`` the type of its decoders."""

    title: str
    encoder: str | None
    device: str | None
    platforms: tuple[str, ...]
    files: tuple[str, ...] = ()  # on Linux one of these is there when a device is
    library: str | None = None  # elsewhere, or in containers: the driver's library


_RENDER_NODES = ("/dev/dri/renderD128", "/dev/dri/renderD129")

_FAMILIES = (
    _Family(
        title="NVIDIA",
        encoder="nvenc",
        device="cuda",
        platforms=("linux", "win32"),
        files=("/dev/nvidiactl", "/dev/dxg"),
        library="nvcuda",
    ),
    _Family(title="VideoToolbox", encoder="videotoolbox", device="videotoolbox", platforms=("darwin",)),
    _Family(
        title="Intel Quick Sync", encoder="qsv", device="qsv", platforms=("linux", "win32"), files=("/dev/dri/renderD128",)
    ),
    _Family(title="VA-API", encoder="vaapi", device="vaapi", platforms=("linux",), files=("/dev/dri/renderD128",)),
    _Family(title="AMD AMF", encoder="amf", device="amf", platforms=("linux", "win32"), files=("/dev/dri/renderD128",)),
    _Family(title="Direct3D 11", encoder=None, device="d3d11va", platforms=("win32",)),
)


def findings(codecs: Collection[str] = CODECS, *, tick: Callable[[], None] = lambda: None) -> tuple[HardwareFinding, ...]:
    """Every encoder and decoder of ``codecs`` with its verdict, the preferred ones first. Tries the devices that are here:
    that takes seconds, at most ``_LIMIT_SECONDS``.

    :param tick: called while devices are tried: a place to stop by raising.
    """
    known: dict[str, HardwareFinding] = {}
    candidates = []
    wanted = [candidate for candidate in _candidates() if candidate[2] in codecs]
    for name, kind, codec, family in wanted:
        reason = _why_not(name, kind, codec, family)
        if reason:
            known[name] = HardwareFinding(name=name, kind=kind, codec=codec, works=False, reason=reason)
        else:
            candidates.append(name)
    known |= {finding.name: finding for finding in _try_in_child(candidates, tick)}
    return tuple(known[name] for name, *_ in wanted)


def best_encoder(codec: str, working: Collection[str]) -> str | None:
    """FFmpeg's name of the encoder to use for ``codec`` ("h264", "hevc"): of the table's, the first that is ``working``."""
    names = (name for name, kind, its_codec, _ in _candidates() if kind == "encoder" and its_codec == codec)
    return next((name for name in names if name in working), None)


def hwaccel_for(codec: str, working: Collection[str]) -> HWAccel | None:
    """Decoding of ``codec`` on the first device of the table that is ``working``; ``None`` where none is.

    Streams that the device cannot decode (4:2:2, 12 bit …) fall back to software one by one.
    """
    for name, kind, its_codec, family in _candidates():
        if kind == "decoder" and its_codec == codec and family.device and name in working:
            return HWAccel(family.device, allow_software_fallback=True)
    return None


def _candidates() -> Iterator[tuple[str, Kind, str, _Family]]:
    for family in _FAMILIES:
        for codec in CODECS:
            if family.encoder:
                yield f"{codec}_{family.encoder}", "encoder", codec, family
            if family.device:
                yield f"{codec} on {family.device}", "decoder", codec, family


def _why_not(name: str, kind: Kind, codec: str, family: _Family) -> str | None:
    """The reason that is known without touching a device."""
    if sys.platform not in family.platforms:
        return f"{family.title} does not exist on this system"
    if kind == "encoder" and name not in av.codecs_available:
        return "not in this build of FFmpeg"
    if kind == "decoder" and not _decodes_on(codec, family):
        return "not in this build of FFmpeg"
    if sys.platform == "linux" and family.files and not any(Path(file).exists() for file in family.files):
        return f"no {family.title} device is here"
    if sys.platform == "win32" and family.library and not find_library(family.library):
        return f"no {family.title} driver is installed"
    return None


def _decodes_on(codec: str, family: _Family) -> bool:
    if family.device not in hwdevices_available():
        return False
    configs = av.codec.Codec(codec, "r").hardware_configs
    return any(config.is_supported and config.device_type.name == family.device for config in configs)


def _try_in_child(names: list[str], tick: Callable[[], None]) -> list[HardwareFinding]:
    """One child tries all; where it dies, the candidate that it was at is to blame and the rest is tried anew. One that
    hangs takes the time of those after it."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    left = list(names)
    found = []
    while left:
        output, how_it_ended = _run_child(left, deadline, tick)
        done = [HardwareFinding(**json.loads(line)) for line in output.splitlines() if line.startswith("{")]
        found += done
        left = left[len(done) :]
        if left:
            found.append(_failed(left.pop(0), how_it_ended))
        if time.monotonic() >= deadline:
            found += [_failed(name, "not tried: another driver took all the time") for name in left]
            break
    return found


def _failed(name: str, reason: str) -> HardwareFinding:
    kind, codec = next((kind, codec) for its_name, kind, codec, _ in _candidates() if its_name == name)
    return HardwareFinding(name=name, kind=kind, codec=codec, works=False, reason=reason, was_tried=True)


def _run_child(names: list[str], deadline: float, tick: Callable[[], None]) -> tuple[str, str]:
    """The child's output, and in words how it ended. What drivers print goes nowhere."""
    command = [sys.executable, "-P", "-m", "otio_perf.media.hardware", *names]
    with (
        tempfile.TemporaryDirectory(prefix="otio_perf_", ignore_cleanup_errors=True) as folder,  # a killed child tidies nothing
        Path(folder, "output").open("w+b") as output,
    ):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": folder}
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, env=environment
            )
        except OSError as error:
            return "", f"the self-test could not be started: {error.strerror}"
        try:
            while child.poll() is None and time.monotonic() < deadline:
                tick()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_POLL_SECONDS)
            code = child.returncode
        finally:
            child.kill()
            with suppress(subprocess.TimeoutExpired):  # a driver may hold it in the kernel
                child.wait(1)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if code is None:
        return text, f"the driver did not answer within {_LIMIT_SECONDS:g} s"
    return text, f"the driver crashed (exit {code})"


# --- the self-test, in the child ----------------------------------------------------------------------------------------


def self_test(name: str) -> HardwareFinding:
    """Try one encoder or decoder of the table in this very process (a driver may take it down: see ``findings``)."""
    kind, codec, family = next((k, c, f) for n, k, c, f in _candidates() if n == name)
    try:
        with tempfile.TemporaryDirectory(prefix="otio_perf_") as folder:
            path = str(Path(folder, "self_test.mkv"))
            if kind == "encoder":
                accel = HWAccel(family.device or "") if family.encoder == "vaapi" else None
                psnr = _round_trip(path, name, accel, None)
            else:
                psnr = _round_trip(path, _SOFTWARE[codec], None, HWAccel(family.device or "", allow_software_fallback=False))
    except (av.error.FFmpegError, MediaError, OSError, ValueError, RuntimeError) as error:
        what = error.message if isinstance(error, MediaError) else getattr(error, "strerror", None) or error
        reason = f"does not open: {what}"
        return HardwareFinding(name=name, kind=kind, codec=codec, works=False, reason=reason, was_tried=True)
    works = psnr >= _LEAST_PSNR_DB
    reason = f"self-test passed, {psnr:.0f} dB" if works else f"gives back wrong pictures ({psnr:.0f} dB)"
    return HardwareFinding(name=name, kind=kind, codec=codec, works=works, reason=reason, was_tried=True)


def _round_trip(path: str, encoder: str, encode_on: HWAccel | None, decode_on: HWAccel | None) -> float:
    """Encode the test pictures, decode them, and return the worst picture's PSNR (luma, dB); 0 where some are missing."""
    pictures = [_test_picture(number) for number in range(_FRAMES)]
    with av.open(path, "w", format="matroska") as output:
        stream = cast(VideoStream, output.add_stream(encoder, rate=Fraction(25), hwaccel=encode_on))
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        for number, luma in enumerate(pictures):
            frame = VideoFrame.from_ndarray(np.vstack([luma, np.full((_SIZE[1] // 2, _SIZE[0]), 128, np.uint8)]), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with safe_open(path, hwaccel=decode_on) as source:
        decoded = [frame.reformat(format="yuv420p").to_ndarray()[: _SIZE[1]] for frame in source.decode(video=0)]
    if len(decoded) != len(pictures):
        return 0.0
    if decode_on is not None:  # H.264 and HEVC say what each sample is: what is made of them may not depend on the decoder
        with safe_open(path) as source:
            exact = [frame.reformat(format="yuv420p").to_ndarray()[: _SIZE[1]] for frame in source.decode(video=0)]
        if not all(map(np.array_equal, decoded, exact)):
            return 0.0
    return min(_psnr(before, after) for before, after in zip(pictures, decoded, strict=True))


def _test_picture(number: int) -> npt.NDArray[np.uint8]:
    """Limited-range luma: a slope that moves, and a block whose place is the frame's number."""
    width, height = _SIZE
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    luma = (16 + (x // 4 + y // 4 + 5 * number) % 200).astype(np.uint8)
    luma[40:80, 40 + 60 * number : 90 + 60 * number] = 235
    return luma


def _psnr(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> float:
    error = float(np.mean((before.astype(np.float64) - after.astype(np.float64)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        sys.stdout.write(json.dumps(asdict(self_test(asked))) + "\n")
        sys.stdout.flush()
