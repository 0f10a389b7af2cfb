"""How soon the service follows an edit, and what it costs while nothing happens.

Timelines of ``--clips`` clips of two seconds over 50 small media, every fifth, then every one, with an effect of its own to be
rendered ahead.
The queue is paused, so that nothing but the service works. Each edit is written as editors do (beside, and renamed), and
timed from then to the moment its tasks are in the queue; processor seconds are the service's. Then the queue is emptied, and
for ``--idle-seconds`` nothing happens.

    python benchmarks/service_edits.py [--clips 1000] [--every 5 1] [--idle-seconds 60] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from otio_perf import settings  # noqa: E402
from otio_perf.service.service import Service  # noqa: E402
from sample_timelines.make_media import CLIPS, make  # noqa: E402

Time = otio.opentime.RationalTime
MEDIA, FRAMES = 50, 48


def footage(folder: Path) -> None:
    """Fifty media that differ in a box that no decoder reads."""
    made = make(replace(CLIPS["A001_C001.mp4"], width=320, height=180, bit_rate=400_000), folder)
    for number in range(MEDIA):
        copy = folder / f"m{number:03}.mp4"
        shutil.copy(made, copy)
        with copy.open("ab") as file:
            file.write(b"\0\0\0\x10free" + number.to_bytes(8, "big"))


def clip(number: int, every: int, *, frames: int = FRAMES, stops: float | None = None) -> Any:
    name = f"m{number % MEDIA:03}.mp4"
    span = otio.opentime.TimeRange(Time(number % 40, 24), Time(frames, 24))
    made = otio.schema.Clip(f"shot {number}", otio.schema.ExternalReference(f"media/{name}"), span)
    if number % every == 0:
        values = {"stops": 0.1 + number / 5000 if stops is None else stops}
        made.effects.append(otio.schema.Effect(name="exposure", effect_name="exposure", metadata={"otio_perf": values}))
    return made


def save(folder: Path, clips: list[Any]) -> float:
    """:returns: when it was in its place"""
    timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
    track = otio.schema.Track("V1", kind="Video")
    track.extend([c.clone() for c in clips])
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "saving.otio"))
    (folder / "saving.otio").replace(folder / "cut.otio")
    return time.perf_counter()


def followed(count: int, every: int, idle_seconds: float) -> dict[str, Any]:
    """What a service does with edits of ``count`` clips, every so many with an effect, and then with nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        footage(folder / "media")
        middle = count // 2 // every * every  # one with an effect
        clips = [clip(number, every) for number in range(count)]
        trimmed, graded = list(clips), list(clips)
        trimmed[middle] = clip(middle, every, frames=FRAMES - 8)
        graded[middle] = clip(middle, every, stops=0.9)
        edits = {
            "trim a clip": trimmed,
            "another value of its effect": graded,
            "move a tenth of the clips to the end": clips[count // 10 :] + clips[: count // 10],
            "undo": clips,
        }
        heard: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()
        wanted = settings.load({"prerender": "all", "prerender_size": "320x180", "use_proxies": "never"})
        save(folder, clips)

        def listen(event: Any) -> None:
            if event.kind == "edit":
                heard.put((time.perf_counter(), event.body))

        rows = []
        with Service(wanted, timelines=[folder / "cut.otio"], listener=listen) as service:
            heard.get(timeout=600)
            service.pause()  # not before: what the media are is found out by tasks of the queue
            for words, edited in edits.items():
                began_cpu = time.process_time()
                saved = save(folder, edited)
                at, body = heard.get(timeout=600)
                cpu = time.process_time() - began_cpu
                counts = {word: len(body[word]) for word in ("new", "kept", "cancelled")}
                rows.append({"edit": words, "seconds": at - saved, "cpu_seconds": cpu, **counts})
                told = ", ".join(f"{n} {word}" for word, n in counts.items())
                print(f"{words:40} {at - saved:6.2f} s ({cpu:.2f} s of a core, with writing the file)   {told}")
            service.clear()
            time.sleep(min(10.0, idle_seconds))
            process = psutil.Process(os.getpid())
            before = time.process_time()
            threading.Event().wait(idle_seconds)
            share = (time.process_time() - before) / idle_seconds
            memory = process.memory_info().rss
            print(f"idle for {idle_seconds:.0f} s: {share:.2%} of a core, {memory / 1e6:.0f} MB")
    return {"clips": count, "every": every, "edits": rows, "idle_share_of_a_core": share, "memory_bytes": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--every", type=int, nargs="+", default=[5, 1], help="each so many clips has an effect")
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = []
    for every in asked.every:
        print(f"{asked.clips} clips, {'all' if every == 1 else f'one of {every}'} with an effect")
        found.append(followed(asked.clips, every, asked.idle_seconds))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
