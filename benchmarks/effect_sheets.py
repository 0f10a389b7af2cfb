"""Are the pictures right? Every effect, blend, transition and generator of ours beside what others make of the same picture.

Writes contact sheets (ours, theirs, ten times the difference, then what is rendered without a GPU and ten times its difference;
the committed ones are in ``docs/effects``) with the largest and the mean error below each, and a table of the errors. Values
are 0 to 1; peers that work on 8 bits differ by up to a code (0.004) from rounding alone, and cut off what lies beyond black and
white, which ours keeps: both are cut off before they are compared.

    python benchmarks/effect_sheets.py [--out DIR] [--json FILE] [--readme]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _peers import CASES, Case, Peer, has_melt, missing, opaque, pictures
from _tables import put

from otio_perf.effects import lettering
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.cpu.native import NativeEngine
from otio_perf.effects.engine import Image
from otio_perf.effects.pixels import Coding, from_picture, to_picture
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Picture
from otio_perf.model.pixels import Layout

SIZE = (480, 270)
#: Of a pair: five pictures side by side, each of this size, and lines of words.
SHOWN, LINE, GAP = (192, 108), 22, 6
#: As prerenders are stored, and most footage that is cut.
FILE = Coding(layout=Layout(is_rgb=False, is_grey=False, bits=10, across=1))
PAIRS_A_SHEET = (2, 7)
QUALITY = 72  # JPEG: small enough to be committed
INK, PAPER = 0.9, 0.12


def errors(ours: Picture, theirs: Picture) -> tuple[float, float]:
    """Largest and mean, of colours on screen and of alpha."""
    difference = np.abs(np.clip(ours, 0, 1) - np.clip(theirs, 0, 1))
    return float(difference.max()), float(difference.mean())


def compared(case: Case, peer: Peer, first: Picture, second: Picture) -> tuple[Picture, Picture]:
    """Of ours the picture that is further from theirs: the CPU engine has OpenCV for some effects, the definition has not."""
    theirs = peer.read(peer.make(first, second)())
    ours = [case.ours(engine, first, second)() for engine in (CpuEngine(), ReferenceEngine())]
    return max(ours, key=lambda picture: errors(picture, theirs)), theirs


class Filed:
    """The engine that renders without a GPU: its pictures are those that a file holds."""

    def __init__(self) -> None:
        self._engine = NativeEngine()
        self._files: list[tuple[Picture, list[Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def filed(self, picture: Picture) -> Picture:
        """What the planes of a file of it stand for, which ``take`` reads."""
        planes = from_picture(picture, FILE)
        self._files.append((to_picture(planes, FILE), planes))
        return self._files[-1][0]

    def take(self, picture: Picture, is_opaque: bool) -> Image:
        if not is_opaque:
            return self._engine.upload(picture, is_opaque=False)
        (planes,) = (planes for shown, planes in self._files if np.array_equal(shown, picture))
        return self._engine.read(planes, FILE)

    def download(self, image: Image) -> Picture:
        height, width = image.pixels.shape[:2]
        return to_picture(self._engine.store(image, FILE, width, height), FILE)


def as_files(case: Case, peer: Peer, first: Picture, second: Picture) -> tuple[Picture, Picture]:
    """Ours from planes to planes, and theirs, of the pictures that these planes stand for, stored once."""
    engine = Filed()
    first = engine.filed(first)
    if case.is_opaque or case.kind == "transition":
        second = engine.filed(opaque(second))
    ours = case.ours(engine, first, second, engine.take)()
    return ours, engine.filed(peer.read(peer.make(first, second)()))


def difference(one: Picture, other: Picture) -> Picture:
    """Ten times."""
    return np.clip(np.abs(np.clip(one, 0, 1) - np.clip(other, 0, 1))[..., :3] * 10, 0, 1)


def pair(ours: Picture, theirs: Picture, files: tuple[Picture, Picture] | None, words: list[str]) -> np.ndarray:
    """RGB, 0 to 1: ours, theirs, ten times the difference, on grey where they are transparent; ours as a file shows it, and ten
    times its difference."""
    shown = [np.clip(p, 0, 1)[..., :3] + (1 - np.clip(p[..., 3:], 0, 1)) * np.float32(0.35) for p in (ours, theirs)]
    shown += [difference(ours, theirs)]
    shown += [np.clip(files[0], 0, 1)[..., :3], difference(*files)] if files else []
    small = [cv2.resize(p, SHOWN, interpolation=cv2.INTER_AREA) for p in shown]
    width = 5 * SHOWN[0] + 4 * GAP
    cell = np.full((SHOWN[1] + LINE * len(words), width, 3), PAPER, np.float32)
    for number, picture in enumerate(small):
        left = number * (SHOWN[0] + GAP)
        cell[: SHOWN[1], left : left + SHOWN[0]] = picture
    for number, text in enumerate(words):
        dots = np.kron(lettering.line(text), np.ones((2, 2), bool))[: LINE - 2, : width - 4]
        top = SHOWN[1] + LINE * number + 4
        cell[top : top + dots.shape[0], 2 : 2 + dots.shape[1]][dots] = INK
    return cell


def sheets(cells: list[np.ndarray]) -> list[np.ndarray]:
    columns, rows = PAIRS_A_SHEET
    height, width = cells[0].shape[:2]
    found = []
    for begin in range(0, len(cells), columns * rows):
        some = cells[begin : begin + columns * rows]
        used = -(-len(some) // columns)
        sheet = np.full((used * (height + GAP) + GAP, columns * (width + 2 * GAP) + GAP, 3), PAPER / 2, np.float32)
        for number, cell in enumerate(some):
            top, left = GAP + number // columns * (height + GAP), GAP + number % columns * (width + 2 * GAP)
            sheet[top : top + height, left : left + width] = cell
        found.append(sheet)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "effects", metavar="DIR")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    arguments = parser.parse_args()
    if without := missing():
        raise SystemExit(f"no peer says how these should look: {', '.join(without)}")
    first, second = pictures(*SIZE)
    rows, cells = [], []
    for case in CASES:
        for peer in (p for p in case.peers if p.is_oracle):
            if peer.who.startswith("melt") and not has_melt():
                print(f"{case.name}: melt is not installed, not compared")
                continue
            ours, theirs = compared(case, peer, first, second)
            largest, mean = errors(ours, theirs)
            files = None if case.kind == "generator" else as_files(case, peer, first, second)
            of_files = errors(*files) if files else None
            rows.append(
                {"kind": case.kind, "name": case.title, "peer": peer.who, "note": peer.note, "max": largest, "mean": mean}
                | {"files": of_files}
            )
            said = f"max {largest:.1e} mean {mean:.1e}"
            said += f"   in planes: max {of_files[0]:.1e} mean {of_files[1]:.1e}" if of_files else ""
            print(f"{case.kind:11s} {case.title:20s} {peer.who:32s} {said}  {peer.note}")
            cells.append(pair(ours, theirs, files, [f"{case.title} / {peer.who}", said]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, sheet in enumerate(sheets(cells), 1):
        path = arguments.out / f"sheet_{number}.jpg"
        codes = np.round(np.clip(sheet[..., ::-1], 0, 1) * 255).astype(np.uint8)
        cv2.imwrite(str(path), codes, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        print(path, path.stat().st_size)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"size": SIZE, "rows": rows}, indent=1))
    if arguments.readme:
        lines = ["| | ours beside | largest | mean | in planes | remark |", "|---|---|---|---|---|---|"]
        for row in rows:
            planes = "{:.1e} / {:.1e}".format(*row["files"]) if row["files"] else "–"
            errors_of = f"{row['max']:.1e} | {row['mean']:.1e} | {planes}"
            lines.append(f"| {row['name']} | {row['peer']} | {errors_of} | {row['note']} |")
        put("effect errors", lines)


if __name__ == "__main__":
    main()
