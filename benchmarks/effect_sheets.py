"""Are the pictures right? Every effect, blend, transition and generator of ours beside what others make of the same picture.

Writes contact sheets (ours, theirs, ten times the difference; the committed ones are in ``docs/effects``) with the largest and
the mean error below each pair, and a table of the errors. Values are 0 to 1; peers that work on 8 bits differ by up to a code
(0.004) from rounding alone, and cut off what lies beyond black and white, which ours keeps: both are cut off before they are
compared.

    python benchmarks/effect_sheets.py [--out DIR] [--json FILE] [--readme]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from _peers import CASES, Case, Peer, has_melt, missing, pictures
from _tables import put

from otio_perf.effects import lettering
from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.reference import ReferenceEngine
from otio_perf.effects.registry import Picture

SIZE = (480, 270)
#: Of a pair: three pictures side by side, each of this size, and a line of words.
SHOWN, LINE, GAP = (240, 135), 22, 6
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


def pair(ours: Picture, theirs: Picture, words: list[str]) -> np.ndarray:
    """RGB, 0 to 1: ours, theirs, ten times the difference, on grey where they are transparent."""
    difference = np.abs(np.clip(ours, 0, 1) - np.clip(theirs, 0, 1))[..., :3] * 10
    shown = [np.clip(p, 0, 1)[..., :3] + (1 - np.clip(p[..., 3:], 0, 1)) * np.float32(0.35) for p in (ours, theirs)]
    small = [cv2.resize(p, SHOWN, interpolation=cv2.INTER_AREA) for p in (*shown, np.clip(difference, 0, 1))]
    width = 3 * SHOWN[0] + 2 * GAP
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
            rows.append(
                {"kind": case.kind, "name": case.title, "peer": peer.who, "note": peer.note, "max": largest, "mean": mean}
            )
            print(f"{case.kind:11s} {case.title:20s} {peer.who:32s} max {largest:.1e}  mean {mean:.1e}  {peer.note}")
            words = [f"{case.title} / {peer.who}", f"max {largest:.1e} mean {mean:.1e}"]
            cells.append(pair(ours, theirs, words))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, sheet in enumerate(sheets(cells), 1):
        path = arguments.out / f"sheet_{number}.jpg"
        codes = np.round(np.clip(sheet[..., ::-1], 0, 1) * 255).astype(np.uint8)
        cv2.imwrite(str(path), codes, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        print(path, path.stat().st_size)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"size": SIZE, "rows": rows}, indent=1))
    if arguments.readme:
        lines = ["| | ours beside | largest | mean | remark |", "|---|---|---|---|---|"]
        lines += [f"| {r['name']} | {r['peer']} | {r['max']:.1e} | {r['mean']:.1e} | {r['note']} |" for r in rows]
        put("effect errors", lines)


if __name__ == "__main__":
    main()
