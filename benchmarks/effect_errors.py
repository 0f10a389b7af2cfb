"""Do all engines make the same picture? Every effect, blend and transition, from stored planes of every format.

Each engine reads the planes of a picture with ramps, noise and hard edges, works with values as the contract test draws them,
and is held against the definitions in numpy, which read the same planes. What is beyond the tolerances that are stated (the
engine's, and those of ``otio_perf/effects/cpu/planar/tolerance.py``) is named, and ends the run with 1.

    python benchmarks/effect_errors.py [--arch cpu|vulkan|cuda|metal] [--json FILE] [--readme]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _contract import ALPHA_FORMATS, FORMATS, hard_picture, planes_apart, values_of
from _tables import put

from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.cpu.planar.tolerance import Apart, allowed
from otio_perf.effects.cpu.planar.value import Planar
from otio_perf.effects.engine import Engine, Image, Step
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.pixels import from_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import View, registry

SIZE = (133, 91)
VALUES = 6  # drawn, of each effect
SAMPLINGS = ("4:2:0", "4:2:2", "4:4:4")

Work = Callable[[Engine, Image, Image], Image]


def works(name: str) -> Iterator[Work]:
    """What is done with a row of the registry: with one set of values after the other."""
    rows = registry()
    if name in rows.effects:
        effect = rows.effect(name)
        for number, values in enumerate(values_of(name, effect.parameters, VALUES)):
            step = Step(effect, effect.checked(values))
            view = View(width=SIZE[0], height=SIZE[1], scale=(1.0, 0.5, 2.0)[number % 3])
            if not effect.is_identity(step.values):
                yield lambda engine, first, _, step=step, view=view: engine.apply(first, [step], view)
    elif name in rows.blends:
        blend, view = rows.blend(name), View(width=SIZE[0], height=SIZE[1])
        for opacity in (1.0, 0.4):
            yield lambda engine, first, second, opacity=opacity: engine.blend(first, second, blend, opacity, view)
    else:
        transition = rows.transition(name)
        view = View(width=SIZE[0], height=SIZE[1])
        for number, values in enumerate(values_of(name, transition.parameters, VALUES)):
            checked, progress = transition.checked(values), (0.3, 0.5, 0.9)[number % 3]
            yield lambda engine, first, second, v=checked, p=progress: engine.mix(first, second, transition, p, v, view)


class Row:
    """Of one effect: the largest and the mean error of R'G'B' by engine, and of planes by sampling."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pictures: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        self.planes: dict[str, Apart] = defaultdict(lambda: Apart(0, 0, 0))
        self.beyond: list[str] = []

    def take(self, engine_name: str, engine: Engine, form: str, ours: Image, wanted: Image) -> None:
        right = wanted.pixels
        if isinstance(ours.pixels, Planar):
            sampling = form.partition(",")[0]
            found, most = planes_apart(engine, ours, right, FORMATS[form]), allowed(self.name)
            self.planes[sampling] = Apart(*map(max, found, self.planes[sampling]))
            is_beyond = any(one > limit for one, limit in zip(found, most, strict=True))
        else:
            difference = np.abs(engine.download(ours) - right)
            found = float(difference.max()), float(difference.mean())
            largest, mean = self.pictures[engine_name]
            self.pictures[engine_name] = max(largest, found[0]), max(mean, found[1])
            is_beyond = found[0] > engine.tolerance or found[1] > engine.tolerance / 10
        if is_beyond:
            self.beyond.append(f"{self.name}: {engine_name}, {form}: {', '.join(f'{number:.2g}' for number in found)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arch", default="cpu", help="what Taichi runs its kernels on; cpu needs no GPU")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    arguments = parser.parse_args()
    engines: dict[str, Engine] = {
        "floats": CpuEngine(),
        "planes": NativeEngine(),
        f"Taichi, {arguments.arch}": GpuEngine(arguments.arch),
    }
    reference, found = ReferenceEngine(), registry()
    stored = {
        form: [from_picture(hard_picture(*SIZE, alpha=coding.layout.has_alpha, seed=seed), coding) for seed in (1, 2)]
        for form, coding in (FORMATS | ALPHA_FORMATS).items()
    }
    rows = []
    for name in (*found.effects, *found.blends, *found.transitions):
        row = Row(name)
        for form, coding in (FORMATS | ALPHA_FORMATS).items():
            for work in works(name):
                wanted = work(reference, *(reference.read(planes, coding) for planes in stored[form]))
                for engine_name, engine in engines.items():
                    ours = work(engine, *(engine.read(planes, coding) for planes in stored[form]))
                    row.take(engine_name, engine, form, ours, wanted)
        rows.append(row)
        print(f"{name:18s} " + "  ".join(shown(row, engines)), flush=True)
    if arguments.json:
        facts = [{"name": r.name, "pictures": r.pictures, "planes": r.planes, "beyond": r.beyond} for r in rows]
        Path(arguments.json).write_text(json.dumps({"size": SIZE, "arch": arguments.arch, "rows": facts}, indent=1))
    if arguments.readme:
        columns = ["floats", f"Taichi, {arguments.arch}", *(f"planes, {one}" for one in SAMPLINGS), "allowed of planes"]
        lines = ["| | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
        lines += [f"| {row.name} | " + " | ".join(shown(row, engines)) + " |" for row in rows]
        largest = max(r.pictures[name][0] for r in rows for name in engines)
        put("engine errors", [*lines, "", f"The largest of R'G'B': {largest:.1e}, of 0.002."])
    if beyond := [line for row in rows for line in row.beyond]:
        raise SystemExit("\n".join(["beyond what is stated:", *beyond]))


def shown(row: Row, engines: dict[str, Engine]) -> list[str]:
    """Largest and mean of R'G'B'; of planes Y', chroma, and the mean of chroma, in codes of 8 bits."""

    def codes(apart: Apart) -> str:
        return " / ".join(f"{number:.2f}" for number in apart)

    pictures: list[Any] = [row.pictures[name] for name in engines if name != "planes"]
    cells = [f"{largest:.0e} / {mean:.0e}" if largest > 1e-7 else "0" for largest, mean in pictures]
    cells += [codes(row.planes[one]) if one in row.planes else "R'G'B'" for one in SAMPLINGS]
    return [*cells, codes(allowed(row.name)) if row.planes else "–"]


if __name__ == "__main__":
    main()
