"""``--trace`` of what renders shows where the time went, from inside the workers, and the next analysis has learnt from it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf.metrics import system
from sample_timelines.make_media import CLIPS, make

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Time = otio.opentime.RationalTime

EFFECTS = {"exposure": {"stops": 0.15}, "gaussian_blur": {"sigma": 3.0}, "sepia": {}}


def graded(folder: Path, frames: int) -> Path:
    """A timeline of one clip with ``EFFECTS``."""
    span = otio.opentime.TimeRange(Time(0, 24), Time(frames, 24))
    clip = otio.schema.Clip("A001_C001", otio.schema.ExternalReference("media/A001_C001.mp4"), span)
    for name, values in EFFECTS.items():
        clip.effects.append(otio.schema.Effect(name=name, effect_name=name, metadata={"otio_perf": values}))
    timeline = otio.schema.Timeline("cut", tracks=[otio.schema.Track("V1", children=[clip], kind="Video")])
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder / "cut.otio"


def traced(path: Path) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """The slices, and the names of their rows."""
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    rows = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    return [e for e in events if e["ph"] == "X"], rows


def frames_of(slices: list[dict[str, Any]], rows: dict[int, str], lane: str) -> dict[str, int]:
    """How many frames went through each stage, by what the sums in lanes called so say."""
    sums = [e for e in slices if lane in rows[e["tid"]] and "count" in e["args"]]
    return {name: sum(e["args"]["count"] for e in sums if e["name"] == name) for name in {e["name"] for e in sums}}


def test_a_trace_of_a_movie_says_where_the_time_went(tmp_path: Path, otio_perf: Command) -> None:
    make(replace(CLIPS["A001_C001.mp4"], width=192, height=108, bit_rate=800_000), tmp_path / "media")
    graded(tmp_path, 30)
    words = ("render", "cut.otio", "-o", "out.mov", "--gpu", "off", "--trace", "trace.json", "--quiet")
    done = otio_perf(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    slices, rows = traced(tmp_path / "trace.json")
    frames = frames_of(slices, rows, "sums")
    for name in EFFECTS:
        assert frames[f"effect {name}"] == 30
    assert frames["decode"] == frames["store"] == 30
    assert frames["encode"] >= 30
    assert frames["verify"] == frames["publish"] == 2  # chunks
    assert len([e for e in slices if e["args"].get("outcome") == "Prerendered"]) == 2
    assert {"plan", "export", "movie"} <= {e["name"] for e in slices}
    assert all(e["dur"] >= 0 and e["ts"] >= 0 for e in slices)


@pytest.mark.slow
def test_a_trace_says_where_the_time_went(film: Path, home: dict[str, str], otio_perf: Command) -> None:
    graded(film, 40)
    is_quiet = system.load() < 0.8  # otherwise nothing may be learnt
    words = ("prerender", "cut.otio", "-o", "out.otio", "--prerender", "all", "--prerender-size", "384x216", "--gpu", "off")
    done = otio_perf(*words, "--trace", "trace.json", "--quiet", cwd=film)
    assert done.returncode == 0, done.stderr
    slices, rows = traced(film / "trace.json")
    sums = [e for e in slices if rows[e["tid"]].endswith("sums")]
    frames = frames_of(slices, rows, "sums")
    for name in EFFECTS:
        assert frames[f"effect {name}"] == 40
    assert frames["decode"] == frames["store"] == 40
    assert frames["encode"] >= 40
    assert frames["verify"] == frames["publish"] == 2  # chunks
    whole = {e["name"]: e for e in slices if e["args"].get("outcome") == "Prerendered"}
    assert len(whole) == 2
    for chunk in whole.values():
        below = [e for e in sums if rows[e["tid"]].startswith(rows[chunk["tid"]]) and e["ts"] < chunk["ts"] + chunk["dur"]]
        assert below
    assert all(e["dur"] >= 0 and e["ts"] >= 0 for e in slices)
    assert {"plan", "prerender", "join", "write"} <= {e["name"] for e in slices}

    known = json.loads((Path(home["XDG_CACHE_HOME"]) / "otio_perf" / "machine.json").read_text(encoding="utf-8"))["value"]
    for name in EFFECTS if is_quiet else ():
        assert known["effects"][name]["frames"] >= 40
        assert 0 < known["effects"][name]["unit_ms"] < 1000

    done = otio_perf("frame", "cut.otio", "3", "4", "-o", "sheet.png", "--trace", "frame.json", "--gpu", "off", cwd=film)
    assert done.returncode == 0, done.stderr
    slices, rows = traced(film / "frame.json")
    counts = {e["name"]: e["args"]["count"] for e in slices if rows[e["tid"]].startswith("render")}
    assert {f"effect {name}": 2 for name in EFFECTS}.items() <= counts.items()
    assert counts["decode"] == 2
