"""What is there on this machine, and what is not."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from otio_perf import settings as settings_module
from otio_perf.errors import OtioPerfError
from otio_perf.metrics import system
from otio_perf.model.machine import MachineProfile
from otio_perf.model.results import Check
from otio_perf.optimizer import this_machine
from otio_perf.optimizer.places import other_workspaces, workspace_root
from otio_perf.settings import Settings

_PACKAGES = ("opentimelineio", "av", "numpy", "taichi", "watchdog", "psutil", "pyyaml", "rich")
_MIN_FREE_BYTES = 5 << 30
#: ``OTIO_PERF_VENV`` is that of ``run.py``.
_VARIABLES = {"OTIO_PERF_VENV"} | {setting.variable for setting in settings_module.TABLE}


def examine(settings: Settings) -> tuple[Check, ...]:
    """Every check, in the order in which a person would ask."""
    return (*_software(), *_formats(), *_hardware(), *_machine(), *_folders(settings))


def _software() -> Iterator[Check]:
    yield Check(name="Python", works=True, required=True, found=f"{platform.python_version()} on {platform.platform()}")
    for package in _PACKAGES:
        try:
            found = metadata.version(package)
        except metadata.PackageNotFoundError:
            found = "" if package == "taichi" else f"not installed; pip install {package}"
            found = found or "not installed: there is none for this Python; prerender on the GPU needs it"
            yield Check(name=package, works=False, required=package != "taichi", found=found)
        else:
            yield Check(name=package, works=True, required=package != "taichi", found=found)


def _formats() -> Iterator[Check]:
    from otio_perf.timeline import files

    readable = sorted({suffix for suffix, (can_read, _) in files.formats().items() if can_read} | files.PROJECTS)
    yield Check(name="timeline formats", works=True, required=True, found=", ".join(readable))
    for suffix, name in ((".edl", "EDL"), (".xml", "Final Cut Pro 7 XML"), (".fcpxml", "Final Cut Pro X XML"), (".aaf", "AAF")):
        if suffix not in readable:
            yield Check(name=name, works=False, required=False, found='pip install "otio-perf[formats]"')


def _hardware() -> Iterator[Check]:
    from otio_perf.media import hardware
    from otio_perf.render.engines import NO_GPU, found_engine

    engine = found_engine("auto", cache_folder=str(settings_module.kernels_folder()))
    found = engine.why.removeprefix("processor: ")
    yield Check(name="GPU", works=bool(engine.devices), required=False, found=found, was_tried=found != NO_GPU)
    for finding in hardware.findings():
        yield Check(
            name=f"{finding.kind} {finding.name}",
            works=finding.works,
            required=False,
            found=finding.reason,
            was_tried=finding.was_tried,
        )


def _machine() -> Iterator[Check]:
    memory = f"{system.memory_bytes() / 2**30:.1f} GiB memory"
    yield Check(name="machine", works=True, required=True, found=f"{this_machine.identity()}, {memory}")
    profile = this_machine.known()
    found = "not measured yet: otio-perf calibrate" if profile is None else _words(profile)
    yield Check(name="machine profile", works=profile is not None, required=False, found=found)


def _words(profile: MachineProfile) -> str:
    """When it was measured, and what a 1080p frame of the commonest codecs costs at 0.1 bit per pixel."""
    costs = [
        f"{name} {cost.per_frame + 2.07 * (cost.per_megapixel + 0.1 * cost.per_megabit):.1f} ms"
        for name in ("h264", "hevc", "hevc:10", "prores")
        if (cost := profile.decode.get(name)) is not None
    ]
    partial = "; some codecs are guesses, the machine was busy: otio-perf calibrate" if profile.notes else ""
    return f"measured {profile.measured_at}: 1080p frames of {', '.join(costs)}{partial}"


def _folders(settings: Settings) -> Iterator[Check]:
    root = workspace_root(settings, None, create=False)
    free = system.free_disk_bytes(root)
    yield Check(
        name="free disk", works=free > _MIN_FREE_BYTES, required=False, found=f"{free / 2**30:.1f} GiB for the workspace {root}"
    )
    others = other_workspaces(root)
    found = f"{', '.join(map(str, others))}; their proxies serve here, too" if others else "none"
    yield Check(name="other workspaces", works=True, required=False, found=found)
    file: Path = settings_module.default_file()
    try:
        settings_module.load()
        yield Check(name="settings file", works=True, required=True, found=str(file) if file.is_file() else f"none ({file})")
    except OtioPerfError as e:
        yield Check(name="settings file", works=False, required=True, found=str(e))
    unknown = sorted(name for name in os.environ if name.startswith("OTIO_PERF_") and name not in _VARIABLES)
    if unknown:
        yield Check(name="environment", works=False, required=False, found=f"no setting is called {', '.join(unknown)}")
