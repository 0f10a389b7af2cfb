"""How fast the API answers while encoders keep every core busy and the queue is full, and what an idle service costs.

``otio-perf serve`` in a process of its own follows a timeline of 1,000 clips whose every frame has to be rendered, with as many
workers as cores; meanwhile the requests of a dashboard are made one after the other from another process, over one connection,
as a browser does. Each route: milliseconds until the last byte (median, 95th of a hundred, slowest); before that, while the
timeline is surveyed and planned, which is one thread of the service, ``status``. Then a service with nothing to do: percent of
one core, and memory, over ``--idle`` seconds; alone, and with 1,000 files watched.

    python benchmarks/service_latency.py [--rounds 100] [--idle 20] [--watched 1000] [--json FILE] [--readme]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import _footage
import _tables
import opentimelineio as otio
import psutil

from otio_perf.cache.workspace import Workspace
from otio_perf.client import Client
from otio_perf.errors import OtioPerfError

CLIPS, SOURCES, FRAMES = 1000, 40, 12
GOAL_MS, AIM_MS = 100.0, 30.0

#: What pages of the dashboard ask, and what hosts say.
ROUTES: dict[str, tuple[str, str, Any]] = {
    "status": ("GET", "/api/v1/status", None),
    "queue, 200 tasks": ("GET", "/api/v1/queue?limit=200", None),
    "timeline, 1,000 clips": ("GET", "/api/v1/timelines/{id}", None),
    "sources": ("GET", "/api/v1/sources?limit=200", None),
    "cache": ("GET", "/api/v1/cache", None),
    "metrics": ("GET", "/api/v1/metrics", None),
    "profile": ("GET", "/api/v1/profile", None),
    "settings": ("GET", "/api/v1/settings", None),
    "Prometheus": ("GET", "/metrics", None),
    "dashboard's page": ("GET", "/", None),
    "set_playhead": ("POST", "/api/v1/timelines/{id}/playhead", {"frame": 0}),
    "prioritize": ("POST", "/api/v1/queue/prioritize", {"timeline": "{id}", "start": 0, "stop": 48}),
    "activity": ("POST", "/api/v1/activity", {"activity": "idle", "seconds": 30}),
}


def make_edit(folder: Path) -> Path:
    """A timeline of ``CLIPS`` clips of 1080p, brightened one and all; ``SOURCES`` media of the same pictures."""
    base = folder / "base.mp4"
    cut = [_footage.FFMPEG, "-v", "error", "-i", str(_footage.footage("h264_1080")), "-t", "2.2", "-c", "copy", str(base)]
    subprocess.run(cut, check=True)
    content = base.read_bytes()
    base.unlink()
    for number in range(SOURCES):
        (folder / f"A{number:03d}.mp4").write_bytes(content + number.to_bytes(8, "big"))
    track = otio.schema.Track("V1", kind="Video")
    for number in range(CLIPS):
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(FRAMES, 24))
        clip = otio.schema.Clip(f"shot {number}", otio.schema.ExternalReference(f"A{number % SOURCES:03d}.mp4"), span)
        words = {"otio_perf": {"stops": 0.1 + number / CLIPS}}
        clip.effects.append(otio.schema.Effect(name="exposure", effect_name="exposure", metadata=words))
        track.append(clip)
    timeline = otio.schema.Timeline("cut", global_start_time=otio.opentime.RationalTime(86400, 24))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder / "cut.otio"


@contextmanager
def serving(workspace: Path, *words: str) -> Iterator[tuple[Client, psutil.Process]]:
    Workspace.open(workspace)
    command = [sys.executable, "-m", "otio_perf", "serve", "--workspace", str(workspace), "--quiet", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                client = Client.find(workspace)
                client.status()
                break
            except OtioPerfError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield client, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("the service does not get so far: see its notices")
        time.sleep(0.5)


def latencies(client: Client, id: str, rounds: int) -> dict[str, dict[str, float]]:
    token = Path(client_token(client)).read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", int(client.url.rpartition(":")[2]), timeout=30)
    found: dict[str, list[float]] = {name: [] for name in ROUTES}
    sizes: dict[str, int] = {}
    for number in range(rounds):
        for name, (method, path, body) in ROUTES.items():
            said = None if body is None else json.dumps(body).replace("{id}", id)
            began = time.perf_counter()
            connection.request(method, path.replace("{id}", id), said, headers)
            response = connection.getresponse()
            content = response.read()
            found[name].append((time.perf_counter() - began) * 1e3)
            sizes[name] = len(content)
            if response.status >= 400:
                raise SystemExit(f"{name}: {response.status} {content[:300]!r}")
        if number % 20 == 19:
            print(f"round {number + 1} of {rounds}", flush=True)
    connection.close()
    return {name: {**summary(times), "bytes": sizes[name]} for name, times in found.items()} | {
        "all": summary([t for times in found.values() for t in times])
    }


def while_planning(client: Client) -> dict[str, float]:
    """``status`` until there are tasks."""
    times = []
    deadline = time.monotonic() + 240
    is_planning = True
    while is_planning and time.monotonic() < deadline:
        began = time.perf_counter()
        background = client.status().background
        times.append((time.perf_counter() - began) * 1e3)
        is_planning = background.waiting + background.running <= SOURCES  # media are looked at by tasks, too
        time.sleep(0.02)
    return summary(times) | {"seconds": round(time.monotonic() - deadline + 240, 1), "many": len(times)}


def client_token(client: Client) -> str:
    from otio_perf.service.lock import address_of

    return address_of(Path(client.status().workspace)).token_file or ""


def summary(times: list[float]) -> dict[str, float]:
    return {"median": statistics.median(times), "p95": statistics.quantiles(times, n=20)[-1], "slowest": max(times)}


def idle(process: psutil.Process, seconds: float) -> dict[str, float]:
    """Percent of one core over ``seconds``, of the service and all that it started; memory in MB, now."""

    def spent() -> float:
        return sum(t.user + t.system for t in (p.cpu_times() for p in (process, *process.children(recursive=True))))

    before, began = spent(), time.monotonic()
    time.sleep(seconds)
    percent = (spent() - before) / (time.monotonic() - began) * 100
    every = [process, *process.children(recursive=True)]
    return {
        "percent": percent,
        "rss_mb": process.memory_info().rss / 1e6,
        "processes": len(every),
        "all_rss_mb": sum(p.memory_info().rss for p in every) / 1e6,
        "threads": process.num_threads(),
    }


def rushes(folder: Path, many: int) -> None:
    """``many`` small media."""
    folder.mkdir()
    base = folder / "base.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=24:duration=0.25", "-pix_fmt", "yuv420p"]
    subprocess.run([_footage.FFMPEG, "-v", "error", *source, "-c:v", "libx264", str(base)], check=True)
    content = base.read_bytes()
    base.unlink()
    for number in range(many):
        (folder / f"C{number:04d}.mp4").write_bytes(content + number.to_bytes(8, "big"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--idle", type=float, default=20.0)
    parser.add_argument("--watched", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md")
    asked = parser.parse_args()
    cores = os.cpu_count() or 1
    _footage.MEDIA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_footage.MEDIA) as made:
        folder = Path(made)
        with serving(folder / "empty") as (_, process):
            time.sleep(2)
            alone = idle(process, asked.idle)
        print("alone:", alone)
        cut = make_edit(folder)
        words = ["--jobs", str(cores), "--use-proxies", "always", "--proxy", "720p", "--prerender", "all"]
        with serving(folder / "busy", str(cut), *words, "--background-priority", "high") as (client, process):
            planning = while_planning(client)
            until(lambda: client.queue(limit=0).background.running >= 1, 240)
            until(lambda: client.queue(limit=0).background.waiting >= CLIPS, 240)
            time.sleep(3)
            queue = client.queue(limit=1)
            print(f"running {queue.background.running}, waiting {queue.background.waiting}")
            busy = latencies(client, client.timelines()[0].id, asked.rounds)
            after = client.queue(limit=0).background
            memory = process.memory_info().rss / 1e6
            print(f"running {after.running}, waiting {after.waiting}, the service itself: {memory:.0f} MB")
        watched: dict[str, float] = {}
        if asked.watched:
            rushes(folder / "rushes", asked.watched)
            with serving(folder / "watching", "--watch", str(folder / "rushes"), "--jobs", str(cores)) as (client, process):
                until(lambda: client.status().folders[0].ready + client.status().folders[0].failed >= asked.watched, 900)
                time.sleep(30)  # workers go, the folder is looked at once more
                watched = idle(process, asked.idle)
            print("watching:", watched)
    lines = [
        f"{queue.background.waiting} tasks wait, {queue.background.running} run on {cores} cores; {asked.rounds} rounds.",
        "",
        "| request | kB | median ms | p95 | slowest |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {f['bytes'] / 1e3:.1f} | {f['median']:.1f} | {f['p95']:.1f} | {f['slowest']:.1f} |"
            for name, f in busy.items()
            if name != "all"
        ),
        f"| *status, while it plans* | | {planning['median']:.1f} | {planning['p95']:.1f} | {planning['slowest']:.1f} |",
        f"| **all** | | {busy['all']['median']:.1f} | **{busy['all']['p95']:.1f}** | {busy['all']['slowest']:.1f} |",
        "",
        "| with nothing to do | % of one core | MB, the service | MB, with its workers | threads |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {f['percent']:.2f} | {f['rss_mb']:.0f} | {f['all_rss_mb']:.0f} | {f['threads']:.0f} |"
            for name, f in (("alone", alone), (f"{asked.watched:,} files watched", watched))
            if f
        ),
    ]
    print("\n".join(lines))
    if asked.readme:
        _tables.put("service latency", lines)
    if asked.json:
        asked.json.write_text(
            json.dumps({"busy": busy, "planning": planning, "alone": alone, "watched": watched, "cores": cores}, indent=2)
        )
    if busy["all"]["p95"] > GOAL_MS:
        raise SystemExit(f"p95 is {busy['all']['p95']:.0f} ms, the goal is {GOAL_MS:.0f}")


if __name__ == "__main__":
    main()
