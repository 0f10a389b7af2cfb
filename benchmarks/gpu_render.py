"""How fast does a GPU render? Each kernel beside what its memory allows, chains of effects on 4K frames, copies beside kernels.

    python benchmarks/gpu_render.py [--arch auto|cuda|vulkan|metal] [--size 3840x2160] [--frames 60] [--json FILE]

``limit``: a kernel that copies a picture, in the same run; what reads two pictures and writes one is allowed half as much
again, and what is done in several kernels as much as these read and write. Frames are 8-bit 4:2:0 as decoders give them, and
are stored as 10-bit 4:2:2 as encoders take them; decoding and encoding are not measured here.

Without a GPU nothing is measured, and that is said. ``--arch vulkan`` runs on Mesa's driver in software too, with small
pictures: then the run shows that all of it works, and the rates are those of a processor.
"""

# No "from __future__ import annotations" in modules of kernels: Taichi reads the annotations as they stand.
import argparse
import json
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import taichi as ti

from otio_perf import settings
from otio_perf.effects.engine import Engine, Image, Step, unheard
from otio_perf.effects.gpu import kernels, memory
from otio_perf.effects.gpu.devices import vulkan_devices
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.parameters import File, Number, Numbers, Parameter, Points, Switch
from otio_perf.effects.pixels import Coding
from otio_perf.effects.registry import Effect, View, registry
from otio_perf.errors import OtioPerfError
from otio_perf.model.pixels import Layout
from otio_perf.render.engines import engine_for, found_engine

READ = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1))
STORED = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=10, across=1))
GOAL_SHARE, GOAL_FRAMES = 0.6, 30
LUT = Path(__file__).parent.parent / "sample_timelines" / "warm.cube"
CURVE = ((0.0, 0.1), (0.2, 0.2), (0.4, 0.7), (0.8, 0.75), (1.0, 1.0))
#: Ten, as an editor stacks them.
CHAIN = (
    "exposure",
    "white_balance",
    "lift_gamma_gain",
    "asc_cdl",
    "adjust",
    "curves",
    "gaussian_blur",
    "sharpen",
    "sepia",
    "vignette",
)
#: Readings and writings of a picture, in copies, of what is done in several kernels.
TRAFFIC = {"gaussian_blur": 2.0, "box_blur": 2.0, "sharpen": 3.5, "unsharp": 3.5}
SOFTWARE_SIZE = "192x108"
LAYERS, UNDER_WAY = 5, 2


@ti.kernel
def copied(source: kernels.PIXELS, target: kernels.PIXELS):
    for y, x in source:
        target[y, x] = source[y, x]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arch", default="auto", choices=("auto", "cuda", "vulkan", "metal"))
    parser.add_argument("--size", metavar="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, metavar="N", help="of each chain (60, in software 6)")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    try:
        engine, what, in_software = opened(arguments.arch)
    except OtioPerfError as error:
        print(f"not run: {error.message}")
        return
    width, height = map(int, (arguments.size or (SOFTWARE_SIZE if in_software else "3840x2160")).split("x"))
    frames = arguments.frames or (6 if in_software else 60)
    view = View(width=width, height=height, scale=width / 3840)
    print(f"{what}, {width}x{height}{f'; {engine.fallback}' if engine.fallback else ''}")
    if in_software:
        print("IN SOFTWARE: this shows that it works. The rates are those of a processor, and say nothing of a GPU.")
    found: dict[str, Any] = {"device": what, "in_software": in_software, "size": [width, height], "fallback": engine.fallback}
    found["kernels"] = shares(engine, view, tries=3 if in_software else 20)
    found["chains"] = chains(engine, view, frames)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


def opened(arch: str) -> tuple[GpuEngine, str, bool]:
    """The engine, what it runs on, and whether that is no GPU. :raises EffectError: there is none"""
    folder = str(settings.kernels_folder())
    software = vulkan_devices(software=True) if arch == "vulkan" and not vulkan_devices() else []
    if software:
        return GpuEngine("vulkan", None, software[0].name), f"vulkan: {software[0].name}", True
    if arch != "auto":
        return GpuEngine(arch, folder), arch, False
    devices = found_engine("on").devices[:1]
    engine, what = engine_for("on", devices=devices, cache_folder=folder)
    assert isinstance(engine, GpuEngine)
    return engine, what, False


# ---- each kernel


def shares(engine: GpuEngine, view: View, *, tries: int) -> list[dict[str, Any]]:
    """Every effect, blend mode and transition, each beside a copy that is timed just before."""
    random = np.random.default_rng(1)
    first, second = (engine.upload(random.random((view.height, view.width, 4), np.float32), is_opaque=False) for _ in range(2))
    target = memory.empty(view.width, view.height)
    rows: list[dict[str, Any]] = []
    copies: list[float] = []
    print(f"\n{'':24}{'ms':>9}{'limit':>9}{'share':>8}")
    for name, work, traffic in launches(engine, view, first, second):
        copies.append(timed(lambda: copied(first.pixels, target), tries))
        limit = copies[-1] * traffic
        milliseconds = timed(work, tries)
        share = limit / milliseconds
        rows.append({"name": name, "ms": milliseconds, "limit_ms": limit, "share": share})
        print(f"{name:24}{milliseconds:9.3f}{limit:9.3f}{share:8.0%}")
    speed = 2 * view.width * view.height * 16 / statistics.median(copies) / 1e6
    print(
        f"copies at about {speed:.1f} GB/s; median share {statistics.median(row['share'] for row in rows):.0%}, "
        f"goal {GOAL_SHARE:.0%}"
    )
    return rows


def launches(engine: Engine, view: View, first: Image, second: Image) -> Iterator[tuple[str, Callable[[], object], float]]:
    """Name, work, and its least traffic in copies of a picture."""
    found = registry()
    done_here = {*kernels.table("POINTS"), *kernels.table("WHOLES")}
    assert done_here >= found.effects.keys(), "an effect has no kernel"
    for name in sorted(found.effects):
        step = worked(name)
        yield name, lambda step=step: engine.apply(first, [step], view), TRAFFIC.get(name, 1.0)
    for name, blend in sorted(found.blends.items()):
        yield f"blend {name}", lambda blend=blend: engine.blend(first, second, blend, 0.7, view), 1.5
    for name, transition in sorted(found.transitions.items()):
        values = transition.checked({})
        yield name, lambda t=transition, v=values: engine.mix(first, second, t, 0.4, v, view), 1.5


def worked(name: str, part: float = 0.75) -> Step:
    """An effect that does something: one that changes nothing is left out of every pass."""
    step = Step(registry().effect(name), usual(registry().effect(name), part))
    assert not step.effect.is_identity(step.values), name
    return step


def timed(work: Callable[[], object], tries: int) -> float:
    """Milliseconds of one of ``tries`` launches in a row."""
    work()
    ti.sync()
    began = time.perf_counter()
    for _ in range(tries):
        work()
    ti.sync()
    return (time.perf_counter() - began) * 1e3 / tries


def usual(effect: Effect, part: float = 0.75) -> dict[str, Any]:
    """Values so far up the range that people use; all that may be drawn or switched on is."""

    def value(parameter: Parameter) -> Any:
        match parameter:
            case Number():
                low, high = parameter.usual
                return low + (high - low) * part
            case Numbers():
                low, high = parameter.usual
                return tuple(low + (high - low) * part for _ in parameter.default)
            case Points():
                return CURVE
            case Switch():
                return True
            case File():
                return str(LUT)
        return parameter.default

    return effect.checked({p.name: value(p) for p in effect.parameters})


# ---- whole frames


def chains(engine: GpuEngine, view: View, frames: int) -> list[dict[str, Any]]:
    """Ten effects on a picture; a hundred on five layers; both as they are rendered, and with nothing under way meanwhile."""
    ten = [worked(name, 0.6) for name in CHAIN]
    rows = []
    print(f"\n{'':34}{'frames/s':>10}{'upload':>9}{'compute':>9}{'download':>9}{'together':>9}   (ms a frame)")
    for title, layers, steps in (("10 effects", 1, ten), (f"100 effects, {LAYERS} layers", LAYERS, ten * 2)):
        assert title.startswith(f"{len(steps) * layers} "), "so many as are said"
        for under_way in (0, UNDER_WAY):
            row = chain(engine, view, frames, layers=layers, steps=steps, under_way=under_way)
            row |= {"name": title, "under_way": under_way}
            rows.append(row)
            label = f"{title}, {f'{under_way} under way' if under_way else 'one by one'}"
            stages = "".join(f"{row['ms'][stage]:9.2f}" for stage in ("upload", "compute", "download"))
            print(f"{label:34}{row['frames_per_second']:10.1f}{stages}{row['together_ms']:9.2f}")
    hundred = rows[-1]
    print(
        f"100 effects: {hundred['frames_per_second']:.1f} frames/s, goal {GOAL_FRAMES}; copies and kernels together took "
        f"{hundred['together_ms'] / sum(hundred['ms'].values()):.0%} of the time they take one after the other"
    )
    return rows


def chain(engine: GpuEngine, view: View, frames: int, *, layers: int, steps: Sequence[Step], under_way: int) -> dict[str, Any]:
    random = np.random.default_rng(2)
    width, height = view.width, view.height
    half = (-(-height // 2), -(-width // 2))
    sources = [
        [random.integers(16, 235, shape).astype(np.uint8) for shape in ((height, width), half, half)] for _ in range(layers)
    ]
    over = registry().blend("over")
    told: list[tuple[str, float, float]] = []

    def begun() -> Callable[[], Any]:
        image: Image | None = None
        for planes in sources:
            above = engine.apply(engine.read(planes, READ), steps, view)
            image = above if image is None else engine.blend(image, above, over, 0.6, view)
        assert image is not None
        return engine.storing(image, STORED, width, height)

    begun()()  # what has to be compiled
    engine.listen(lambda *one: told.append(one))
    waiting: deque[Callable[[], Any]] = deque()
    began = time.perf_counter()
    for _ in range(frames):
        waiting.append(begun())
        if len(waiting) > under_way:
            waiting.popleft()()
    while waiting:
        waiting.popleft()()
    seconds = time.perf_counter() - began
    engine.listen(unheard)
    sums = {
        stage: sum(end - start for name, start, end in told if name == stage) for stage in ("upload", "compute", "download")
    }
    return {
        "frames_per_second": frames / seconds,
        "ms": {stage: total * 1e3 / frames for stage, total in sums.items()},
        "together_ms": covered((start, end) for _, start, end in told) * 1e3 / frames,
    }


def covered(spans: Iterator[tuple[float, float]]) -> float:
    """Seconds in which at least one of them was under way."""
    total, last = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, last))
        last = max(last, end)
    return total


if __name__ == "__main__":
    main()
