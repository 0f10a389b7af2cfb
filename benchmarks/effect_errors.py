"""Do all engines make the same picture? Every effect, blend and transition, from stored planes of several formats.

Each engine reads the planes, works, and hands the picture over; it is held against the definitions in numpy, which read the
same planes. Values are 0 to 1; engines promise at most 0.002 at any pixel. Of a blend and a transition the second picture has
alpha where the format has.

    python benchmarks/effect_errors.py [--arch cpu|vulkan|cuda|metal] [--json FILE] [--readme]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from _peers import CASES, Case, missing, opaque, pictures
from _tables import put

from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.engine import Engine, Image
from otio_perf.effects.gpu.engine import GpuEngine
from otio_perf.effects.pixels import Coding, from_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Picture
from otio_perf.model.pixels import Layout

SIZE = (480, 270)
FORMATS = {
    "4:2:0, 8 bits": Coding(layout=Layout(is_rgb=False, is_grey=False, bits=8, across=1, down=1)),
    "4:2:2, 10 bits": Coding(layout=Layout(is_rgb=False, is_grey=False, bits=10, across=1)),
    "4:4:4:4, 12 bits": Coding(layout=Layout(is_rgb=False, is_grey=False, bits=12, has_alpha=True)),
    "RGBA, float": Coding(
        layout=Layout(is_rgb=True, is_grey=False, bits=32, is_float=True, has_alpha=True), is_full_range=True
    ),
}


def made(case: Case, engine: Engine, coding: Coding, first: Picture, second: Picture) -> Picture:
    def stored(picture: Picture, is_opaque: bool) -> Image:
        image = engine.read(from_picture(picture, coding), coding)
        return Image(image.pixels, is_opaque) if is_opaque and coding.layout.has_alpha else image

    return case.ours(engine, first, second if coding.layout.has_alpha else opaque(second), stored)()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arch", default="cpu", help="what Taichi runs its kernels on; cpu needs no GPU")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    arguments = parser.parse_args()
    if without := missing():
        raise SystemExit(f"no values are said for: {', '.join(without)}")
    engines: dict[str, Engine] = {
        "floats": CpuEngine(),
        "planes": NativeEngine(),
        f"Taichi, {arguments.arch}": GpuEngine(arguments.arch),
    }
    reference = ReferenceEngine()
    first, second = pictures(*SIZE)
    rows: list[dict[str, Any]] = []
    worst = 0.0
    for case in (c for c in CASES if c.kind != "generator" and not c.is_opaque):
        row: dict[str, Any] = {"kind": case.kind, "name": case.title, "errors": {}}
        for form, coding in FORMATS.items():
            wanted = made(case, reference, coding, first, second)
            for name, engine in engines.items():
                difference = np.abs(made(case, engine, coding, first, second) - wanted)
                row["errors"][f"{name}, {form}"] = [float(difference.max()), float(difference.mean())]
                worst = max(worst, float(difference.max()))
        rows.append(row)
        largest = max(row["errors"], key=lambda key: row["errors"][key][0])
        print(f"{case.title:20s} worst: {largest:30s} {cell(row['errors'][largest])}", flush=True)
    print(f"the largest of all: {worst:.1e}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"size": SIZE, "arch": arguments.arch, "rows": rows}, indent=1))
    if arguments.readme:
        columns = list(rows[0]["errors"])
        lines = ["| | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
        lines += [f"| {row['name']} | " + " | ".join(cell(row["errors"][c]) for c in columns) + " |" for row in rows]
        put("engine errors", [*lines, "", f"The largest of all: {worst:.1e}."])


def cell(errors: list[float]) -> str:
    """Largest and mean; what is below a float's own precision is nothing."""
    largest, mean = errors
    return f"{largest:.0e} / {mean:.0e}" if largest > 1e-7 else "0"


if __name__ == "__main__":
    main()
