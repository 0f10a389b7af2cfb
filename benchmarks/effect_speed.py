"""How fast is each effect? Milliseconds per 1080p frame of every effect, blend and transition on the CPU engine, beside others.

One thread each, its processor time, float32 R'G'B'A in memory. Ours and the peers run in turn, round after round; times are
medians, ratios medians of the rounds' ratios, so that what disturbs the machine disturbs both. Memory is kept, as where
it renders. OpenCV, OpenColorIO and numpy
get the same pictures as ours, FFmpeg planes in the format that is named. A peer that works on 8 bits does a quarter of the
memory traffic and none of the precision: it is shown, and no ratio is taken. ``limit``: what the memory allows, the time that
numpy takes to copy a picture (blends and dissolves: to add two) in the same rounds. ``cost``: times ``exposure``, which is
what ``Effect.cost`` says.

    python benchmarks/effect_speed.py [--rounds 9] [--only NAME …] [--json FILE] [--readme]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _peers import CASES, Case, missing, pictures
from _tables import put

from otio_perf.effects.cpu.engine import CpuEngine
from otio_perf.effects.cpu.memory import kept
from otio_perf.effects.registry import registry

SIZE = (1920, 1080)
GOAL = 1.2
#: Above this much other work single times mean little.
BUSY = 1.5


def milliseconds(work: Callable[[], object]) -> float:
    """Of the processor: all of it is done by the thread that calls, and waiting for other programs is not its fault."""
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    arguments = parser.parse_args()
    if without := missing():
        raise SystemExit(f"not measured: {', '.join(without)}")
    cv2.setNumThreads(1)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    first, second = pictures(*SIZE)
    engine = CpuEngine()
    unit = CASES[0].ours(engine, first, second)
    assert CASES[0].name == "exposure"
    rows = []
    with kept():  # as where it renders; FFmpeg has pools of frames of its own
        for case in CASES:
            if case.kind != "generator" and (not arguments.only or case.name in arguments.only):
                rows.append(measured(case, engine, unit, first, second, arguments.rounds))
                print(said(rows[-1]), flush=True)
    verdict = counted(rows)
    print(f"{verdict}; load average {load:.1f}")
    if load > BUSY:
        print("the machine was shared: measure again")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"load_average": load, "goal": GOAL, "rows": rows}, indent=1))
    if arguments.readme:
        lines = [
            "| | limit ms | ours ms | best peer, same numbers | ms | ours ÷ peer | 8-bit peer | ms | cost |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [cells(row) for row in rows]
        lines += [
            "",
            f"{verdict}. Load average when it began: {load:.1f} on {os.cpu_count()} cores.",
        ]
        put("effect speed", lines)


def counted(rows: list[dict[str, Any]]) -> str:
    """numpy is no peer to be proud of: such rows say how long ours takes, and are counted apart."""
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None and not row["best"].startswith("numpy")]
    met = sum(ratio <= GOAL for ratio in ratios)
    alone, none = sum(row["ratio"] is not None for row in rows) - len(ratios), sum(row["ratio"] is None for row in rows)
    return (
        f"{met} of {len(ratios)} within {GOAL} of the best of OpenCV, FFmpeg and OpenColorIO on the same numbers; {alone} have "
        f"only numpy beside them, {none} nobody"
    )


def measured(case: Case, engine: CpuEngine, unit: Callable[[], Any], first: Any, second: Any, rounds: int) -> dict[str, Any]:
    target = np.empty_like(first)
    limit = partial(np.copyto, target, first) if case.reads == 1 else partial(np.add, first, second, out=target)
    works: dict[str, Callable[[], Any]] = {"unit": unit, "limit": limit}
    works["ours"] = case.ours(engine, first, second)
    peers = {peer.who: peer for peer in case.peers if peer.is_timed}
    works |= {who: peer.make(first, second) for who, peer in peers.items()}
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(milliseconds(work))
    row: dict[str, Any] = {"kind": case.kind, "name": case.title, "values": str(dict(case.values))}
    row["ms"] = {name: statistics.median(t) for name, t in times.items() if name not in ("unit", "limit")}
    row["limit_ms"] = statistics.median(times["limit"])
    row["cost"] = statistics.median(o / u for o, u in zip(times["ours"], times["unit"], strict=True))
    row["said"] = stated(case)
    row["ratio"] = row["best"] = row["of_8_bits"] = None
    same = [who for who, peer in peers.items() if peer.is_float]
    if same:
        row["best"] = min(same, key=lambda who: row["ms"][who])
        row["ratio"] = statistics.median(o / p for o, p in zip(times["ours"], times[row["best"]], strict=True))
    others = [who for who, peer in peers.items() if not peer.is_float]
    if others:
        row["of_8_bits"] = min(others, key=lambda who: row["ms"][who])
    return row


def stated(case: Case) -> float:
    """What the registry says that it costs."""
    found = registry()
    if case.kind == "effect":
        effect = found.effect(case.name)
        return effect.cost_with(effect.checked(case.values))
    return (found.blend(case.name) if case.kind == "blend" else found.transition(case.name)).cost


def said(row: dict[str, Any]) -> str:
    peers = "  ".join(f"{who} {ms:.1f}" for who, ms in (row["ms"] | {"limit": row["limit_ms"]}).items() if who != "ours")
    ratio = "    –" if row["ratio"] is None else f"{row['ratio']:5.2f}"
    verdict = "" if row["ratio"] is None or row["ratio"] <= GOAL else "MISSED"
    costs = f"cost {row['cost']:5.2f} (said {row['said']:.2f})"
    return f"{row['name']:20s} {row['ms']['ours']:7.1f} ms  ÷ {ratio} {verdict:6s}  {costs}  {peers}"


def cells(row: dict[str, Any]) -> str:
    def of(who: str | None) -> str:
        return "– | –" if who is None else f"{who} | {row['ms'][who]:.1f}"

    ratio = "–" if row["ratio"] is None else f"{row['ratio']:.2f}"
    ours, cost = f"{row['ms']['ours']:.1f}", f"{row['cost']:.1f}"
    return f"| {row['name']} | {row['limit_ms']:.1f} | {ours} | {of(row['best'])} | {ratio} | {of(row['of_8_bits'])} | {cost} |"


if __name__ == "__main__":
    main()
