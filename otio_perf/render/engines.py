"""Which engine renders: a GPU where one works, else the processor; never silently.

Whoever gives out work asks ``found_engine`` once: every GPU is tried in a process of its own. Whoever does the work calls
``engine_for``, with the GPUs that were found: a process takes the one that fewest others have, and keeps it for life.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otio_perf.cache import locks
from otio_perf.effects.engine import Engine
from otio_perf.errors import CacheError, EffectError
from otio_perf.model.devices import GpuDevice

if TYPE_CHECKING:
    from otio_perf.effects.gpu.engine import GpuEngine

#: ``Engine.name`` of the one that is always there.
PROCESSOR = "cpu"
#: How keys call the processor where it renders in place of a GPU: see ``stand_in``.
STAND_IN = "cpu for a GPU"

#: One of these is there on Linux when a GPU is.
_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/dri/renderD128", "/dev/dri/renderD129")
#: Seconds for children to say what works: Taichi starts in two or three, kernels that are not kept take ten to compile, and a
#: driver that does not answer never does.
_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.1
#: Processes that may share one GPU; more take any.
_MOST_SHARING = 16
#: How Taichi and drivers say that they have no room; anything else is a device that is lost.
_NO_ROOM = ("out of memory", "out_of_memory", "out_of_device_memory", "cuda error 2 ")
NO_GPU = "no GPU was found"
_HINT = "Take --gpu auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEngine:
    """Which engine workers will find: ``Engine.name``, what to tell the user of it, and the GPUs that work.

    Beside a GPU: ``decoders`` and an ``encoder`` of hardware. ``name`` then tells of the encoder too, as keys must.
    """

    name: str
    why: str
    devices: tuple[GpuDevice, ...] = ()
    decoders: tuple[str, ...] = ()
    encoder: str = ""


@dataclass(slots=True)
class _Own:
    """The GPU of this process."""

    engine: GpuEngine
    device: GpuDevice
    lost: str = ""  # how


_own: _Own | None = None
_claims: list[int] = []  # descriptors of locks, held until the process ends


def engine_for(gpu: str, *, devices: Sequence[GpuDevice] = (), cache_folder: str | None = None) -> tuple[Engine, str]:
    """The engine, and what to tell the user of it. ``gpu``: ``auto``, ``on`` (nothing else will do) or ``off``.

    It takes a GPU for this process: whoever only has to know asks ``found_engine``.

    :param devices: GPUs that work; none given: those that are here are tried one after the other.
    :param cache_folder: where compiled kernels of the GPU are kept; ``None``: nowhere.
    :raises EffectError: a GPU was demanded and none works.
    """
    if gpu == "off":
        return _cpu(), "processor"
    try:
        own = _gpu(devices, cache_folder)
    except EffectError as error:
        return _instead(gpu, error.message)
    if own.lost:
        return _instead(gpu, f"the GPU gave up before: {own.lost}")
    why = f"GPU by {own.device.arch}: {own.device.name}"
    return own.engine, f"{why}; {own.engine.fallback}" if own.engine.fallback else why


def found_engine(gpu: str, *, cache_folder: str | None = None, tick: Callable[[], None] = lambda: None) -> FoundEngine:
    """What ``engine_for`` finds, asked in child processes: this one takes no memory of a GPU, which is its workers', and a
    driver that crashes or hangs takes nobody along. Seconds where a GPU may be; nothing where none is.

    :param cache_folder: see ``engine_for``; without it each GPU takes a while.
    :param tick: called while it is asked: a place to stop by raising.
    :raises EffectError: a GPU was demanded and none works.
    """
    if gpu == "off":
        return FoundEngine(name=PROCESSOR, why="processor")
    reasons = []
    if _may_have_gpu():
        ((listed, end),) = _asked([("list", "")], tick)
        devices = tuple(GpuDevice(**one) for one in listed or ())
        answers = _asked([("try", json.dumps([asdict(device), cache_folder])) for device in devices], tick)
        works = tuple(device for device, (said, _) in zip(devices, answers, strict=True) if said == "")
        reasons = [f"{d.name}: {said or end}" for d, (said, end) in zip(devices, answers, strict=True) if said != ""] or [end]
        if works:
            left_out = "; not used: " + "; ".join(reasons) if len(works) < len(devices) else ""
            return FoundEngine(name="gpu", why=_called(works) + left_out, devices=works)
    engine, why = _instead(gpu, "; ".join(filter(None, reasons)) or NO_GPU)
    return FoundEngine(name=engine.name, why=why)


def stand_in() -> Engine:
    """The processor in place of a GPU, among whose pictures its own have to look alike: it averages chroma as the GPU does, on
    the way from R'G'B' (90 dB and more apart). The engine that is taken otherwise keeps chroma as it is where it can (44 dB and
    less apart), in half the time."""
    from otio_perf.effects.cpu.engine import CpuEngine

    return CpuEngine()


def gave_up(error: Exception, gpu: str) -> str:
    """What to tell the user of a GPU that was lost, or out of memory, and of the processor in its place. One that is lost is
    not asked again by this process.

    :raises EffectError: the GPU was demanded.
    """
    how = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if _own is not None:
        from otio_perf.effects.gpu import memory

        if any(words in how.lower() for words in _NO_ROOM):
            with suppress(RuntimeError):
                memory.free()
        else:
            _own.lost = how
    if gpu == "on":
        raise EffectError(f"the GPU gave up: {how}", hint=_HINT) from error
    return f"processor, for the GPU gave up: {how}"


def _instead(gpu: str, why_not: str) -> tuple[Engine, str]:
    """:raises EffectError: the GPU was demanded"""
    if gpu == "on":
        raise EffectError(why_not if why_not == NO_GPU else f"no GPU works here: {why_not}", hint=_HINT)
    return _cpu(), f"processor: {why_not}"


def _cpu() -> Engine:
    from otio_perf.effects.cpu.native import NativeEngine

    return NativeEngine()


def _called(devices: Sequence[GpuDevice]) -> str:
    count = "GPU" if len(devices) == 1 else f"{len(devices)} GPUs"
    arches = " and ".join(dict.fromkeys(device.arch for device in devices))
    return f"{count} by {arches}: {', '.join(device.name for device in devices)}"


def _may_have_gpu() -> bool:
    """Cheap, and wrong in one direction only: loading a driver to find out takes time, and may crash."""
    return sys.platform in ("darwin", "win32") or any(map(os.path.exists, _DEVICES))


# --- the GPU of this process ---------------------------------------------------------------------------------------------


def _gpu(devices: Sequence[GpuDevice], cache_folder: str | None) -> _Own:
    """:raises EffectError: none works"""
    global _own  # noqa: PLW0603 (a process has one, for life)
    if _own is None:
        if not devices and not _may_have_gpu():  # loading Taichi takes a second
            raise EffectError(NO_GPU)
        os.environ.setdefault("ENABLE_TAICHI_HEADER_PRINT", "0")  # its name and version, before a JSON document
        try:
            from otio_perf.effects.gpu.devices import listed
            from otio_perf.effects.gpu.engine import GpuEngine
        except ImportError as error:  # Taichi has no wheel for this Python
            raise EffectError(f"it needs Taichi, which is not there: {error}") from error
        reasons = []
        for device in [_claimed(devices, cache_folder)] if devices else listed():
            os.environ.update(device.environment)
            try:
                _own = _Own(GpuEngine(device.arch, cache_folder, device.name), device)
                break
            except EffectError as error:
                reasons.append(f"{device.name}: {error.message}")
        else:
            raise EffectError("; ".join(reasons) or NO_GPU)
    return _own


def _claimed(devices: Sequence[GpuDevice], folder: str | None) -> GpuDevice:
    """The one of ``devices`` that fewest processes of this user have."""
    if len(devices) == 1:
        return devices[0]
    place = Path(folder or tempfile.gettempdir())
    try:
        place.mkdir(parents=True, exist_ok=True)
        for number in range(_MOST_SHARING):
            for device in devices:
                descriptor = locks.acquire(place / locks.file_name(f"{asdict(device)} {number}"))
                if descriptor is not None:
                    _claims.append(descriptor)
                    return device
    except (OSError, CacheError):
        pass  # any will do
    return devices[os.getpid() % len(devices)]


# --- asking children -----------------------------------------------------------------------------------------------------


def _asked(questions: Sequence[tuple[str, str]], tick: Callable[[], None]) -> list[tuple[Any, str]]:
    """The answers of children that work at the same time: what each wrote, or ``None`` and in words how it ended. What drivers
    and Taichi print goes nowhere."""
    silent = subprocess.DEVNULL
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otio_perf_", ignore_cleanup_errors=True)))
        children: list[subprocess.Popen[bytes]] = []
        for number, question in enumerate(questions):
            command = [sys.executable, "-P", "-m", "otio_perf.render.engines", *question, str(folder / f"{number}.json")]
            try:
                child = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, env=environment)
            except OSError as error:
                return [(None, f"GPUs could not be looked for: {error.strerror}")] * len(questions)
            stack.callback(_end, child)
            children.append(child)
        deadline = time.monotonic() + _LIMIT_SECONDS
        while time.monotonic() < deadline and (working := next((c for c in children if c.poll() is None), None)):
            tick()
            with suppress(subprocess.TimeoutExpired):
                working.wait(_POLL_SECONDS)
        return [_answer(child, folder / f"{number}.json") for number, child in enumerate(children)]


def _answer(child: subprocess.Popen[bytes], path: Path) -> tuple[Any, str]:
    if child.poll() is None:
        return None, f"the GPU's driver did not answer within {_LIMIT_SECONDS:g} s"
    try:
        return json.loads(path.read_text(encoding="utf-8")), ""
    except (OSError, ValueError):
        return None, f"the GPU's driver crashed (exit {child.returncode})"


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(subprocess.TimeoutExpired):  # a driver may hold it in the kernel
        child.wait(1)


def _why_not(device: GpuDevice, cache_folder: str | None) -> str:
    """Why ``device`` does not work, in a process that may crash; empty: it does."""
    os.environ.update(device.environment)
    try:
        from otio_perf.effects.gpu.engine import GpuEngine
        from otio_perf.effects.gpu.proof import require_right

        require_right(GpuEngine(device.arch, cache_folder, device.name))
    except ImportError as error:
        return f"it needs Taichi, which is not there: {error}"
    except EffectError as error:
        return error.message
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return ""


def _main(question: str, words: str) -> Any:
    if question == "list":
        from otio_perf.effects.gpu.devices import listed

        return [asdict(device) for device in listed()]
    device, cache_folder = json.loads(words)
    return _why_not(GpuDevice(**device), cache_folder)


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(_main(sys.argv[1], sys.argv[2])), encoding="utf-8")
