"""How long a timeline takes to load, and in how much memory, against its number of clips.

Columns: OpenTimelineIO's own read; ours (guard, read, survey, spans); ours again from the sidecar index. Every cell is
measured in fresh processes (median of ``--repeat``), interpreter start and imports excluded from seconds, included in
memory: wall seconds, processor seconds in brackets (all run on one core; where wall is longer, others had it). The
timelines are made here, the same every time: 4 tracks, 120 sources, effects, transitions and gaps on some.

    python benchmarks/timeline_load.py [--counts 1000 3000 10000 30000 100000] [--repeat 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COUNTS = [1000, 3000, 10_000, 30_000, 100_000]
RATE = 24.0
HOURS = 10
SOURCES = 120
TRACKS = 4


def time_of(value: float) -> dict:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": float(value)}


def range_of(start: float, duration: float) -> dict:
    return {"OTIO_SCHEMA": "TimeRange.1", "duration": time_of(duration), "start_time": time_of(start)}


def clip(number: int, frames: int) -> dict:
    source = number * 7 % SOURCES
    start = 86400 + number * 13 % 2000
    effects = []
    if number % 5 == 0:
        effects.append(
            {"OTIO_SCHEMA": "LinearTimeWarp.1", "metadata": {}, "name": "", "effect_name": "LinearTimeWarp",
             "enabled": True, "time_scalar": 2.0 if number % 10 else 0.5}
        )  # fmt: skip
    if number % 3 == 0:
        effects.append(
            {"OTIO_SCHEMA": "Effect.1", "metadata": {"fcp_xml": {"effectid": "GaussianBlur", "parameter":
             {"parameterid": "radius", "value": str(number % 9)}}}, "name": "Gaussian Blur", "effect_name": "",
             "enabled": True}
        )  # fmt: skip
    return {
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {"show": {"gain": 0.5, "note": f"take {number}", "reel": f"A{source:03d}"}},
        "name": f"shot_{number:06d}",
        "source_range": range_of(start, frames),
        "effects": effects,
        "markers": [],
        "enabled": True,
        "color": None,
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "metadata": {},
                "name": "",
                "available_range": range_of(86400, 20_000),
                "available_image_bounds": None,
                "target_url": f"rushes/A{source:03d}_C{source % 7:03d}.mov",
            }
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def write_timeline(path: Path, count: int) -> None:
    """A timeline of ``count`` clips over ten hours, in OTIO's own layout (indent 4)."""
    per_track = count // TRACKS
    frames = max(12, int(HOURS * 3600 * RATE) // per_track)
    item = {"metadata": {}, "source_range": None, "effects": [], "markers": [], "enabled": True, "color": None}
    tracks = []
    for track in range(TRACKS):
        children: list[dict] = []
        for i in range(per_track):
            number = track * per_track + i
            if i and i % 11 == 0:
                children.append(
                    {"OTIO_SCHEMA": "Transition.1", "metadata": {}, "name": "", "in_offset": time_of(5),
                     "out_offset": time_of(5), "transition_type": "SMPTE_Dissolve"}
                )  # fmt: skip
            children.append(clip(number, frames))
            if i % 17 == 16:
                children.append({"OTIO_SCHEMA": "Gap.1", **item, "name": "", "source_range": range_of(0, 6)})
        kind = "Video" if track < 3 else "Audio"
        tracks.append({"OTIO_SCHEMA": "Track.1", **item, "name": f"{kind} {track + 1}", "children": children, "kind": kind})
    root = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": f"{count} clips",
        "global_start_time": time_of(86400),
        "tracks": {"OTIO_SCHEMA": "Stack.1", **item, "name": "tracks", "children": tracks},
    }
    with path.open("w", encoding="utf-8") as file:
        json.dump(root, file, indent=4)


MEASURED = {
    "otio": """
import opentimelineio as otio
otio.adapters.available_adapter_names()
start, busy = clock(), time.process_time()
timeline = otio.adapters.read_from_file(path)
""",
    "ours": """
from otio_perf.timeline import files, locate, spans, survey
start, busy = clock(), time.process_time()
found = survey.survey(files.read(path), locate.Locator(path))
cut = spans.cut(found)
assert len(found.uses) and len(cut)
""",
    "reopen": """
from otio_perf.timeline import sidecar
from otio_perf.timeline.locate import Locator
from pathlib import Path
sidecar.survey_cached(path, Locator(path), Path(folder)) if prepare else None
start, busy = clock(), time.process_time()
found, cut, was_cached, _ = sidecar.survey_cached(path, Locator(path), Path(folder))
assert was_cached or prepare
assert found.uses[len(found.uses) // 2].clip and cut[len(cut) // 2].uses is not None
assert "opentimelineio" not in sys.modules or prepare
""",
}
FRAME = """
import sys, time, json
from time import perf_counter as clock
path, folder, prepare = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
{body}
seconds, busy = clock() - start, time.process_time() - busy
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
except ImportError:  # Windows has no resource module
    peak = 0.0
print(json.dumps([seconds, busy, peak]))
"""


def measure(what: str, path: Path, folder: Path, *, prepare: bool = False) -> list[float]:
    """Wall seconds, processor seconds and peak megabytes of one fresh process."""
    command = [sys.executable, "-c", FRAME.format(body=MEASURED[what]), str(path), str(folder), "1" if prepare else "0"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    if answer.returncode:
        raise SystemExit(f"{what} failed on {path.name}:\n{answer.stderr}")
    measured: list[float] = json.loads(answer.stdout.splitlines()[-1])
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    heads = " | ".join(f"{head:>27}" for head in ("OTIO's read", "read + survey + spans", "again from the sidecar"))
    print(f"{'clips':>8} {'MB':>6} | {heads} | ours ÷ OTIO    µs/clip")
    with tempfile.TemporaryDirectory() as folder:
        for count in options.counts:
            path = Path(folder) / f"{count}.otio"
            write_timeline(path, count)
            index = Path(folder) / f"index{count}"
            index.mkdir()
            measure("reopen", path, index, prepare=True)
            row: dict[str, float] = {"clips": count, "size_bytes": path.stat().st_size}
            runs: dict[str, list[list[float]]] = {what: [] for what in MEASURED}
            for _ in range(options.repeat):  # in turn, so that a slow moment of the machine hits all alike
                for what, results in runs.items():
                    results.append(measure(what, path, index))
            for what, results in runs.items():
                for column, name in enumerate(("seconds", "cpu_seconds", "peak_mb")):
                    row[f"{what}_{name}"] = statistics.median(result[column] for result in results)
            row["ratio"] = row["ours_seconds"] / row["otio_seconds"]
            row["cpu_ratio"] = row["ours_cpu_seconds"] / row["otio_cpu_seconds"]
            rows.append(row)
            cells = " | ".join(
                f"{row[f'{w}_seconds']:7.3f} s ({row[f'{w}_cpu_seconds']:6.3f}) {row[f'{w}_peak_mb']:5.0f} MB" for w in MEASURED
            )
            per_clip = row["ours_cpu_seconds"] / count * 1e6
            ratios = f"{row['ratio']:5.2f} ({row['cpu_ratio']:4.2f}) ×"
            print(f"{count:8d} {row['size_bytes'] / 1e6:6.1f} | {cells} | {ratios}  {per_clip:6.1f}", flush=True)
            path.unlink()
    if options.json:
        options.json.write_text(json.dumps({"python": sys.version, "platform": sys.platform, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
