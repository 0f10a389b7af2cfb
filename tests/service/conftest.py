"""A small edit whose every picture carries its number, and ``otio-perf serve`` beside it as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import opentimelineio as otio
import psutil
import pytest

from otio_perf.client import Client
from otio_perf.metrics import system
from otio_perf.model import wire
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.optimizer import this_machine
from sample_timelines.make_media import CLIPS, make

ROOT = Path(__file__).parent.parent.parent
Time = otio.opentime.RationalTime
FIRST, SECOND = "A001_C001.mp4", "A001_C002.mp4"
#: Small pictures, all that has an effect is rendered ahead, and no proxies but where a test asks for them.
WORDS = ("--prerender", "all", "--prerender-size", "320x180", "--use-proxies", "never", "--background-priority", "high")


@pytest.fixture(scope="session")
def rushes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of two clips, 120 and 96 frames at 24 fps; copied, never changed."""
    folder = tmp_path_factory.mktemp("rushes")
    for clip in CLIPS.values():
        if clip.name in (FIRST, SECOND):
            make(replace(clip, width=320, height=180, bit_rate=clip.bit_rate // 40), folder)
    return folder


@pytest.fixture(autouse=True)
def no_settings_of_other_tests(home: dict[str, str]) -> None:
    """What a service was told is kept in the user's settings file."""
    (Path(home["XDG_CONFIG_HOME"]) / "otio_perf" / "settings.yaml").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with a home of its own, in which the machine was measured already: what is measured elsewhere."""
    folder = tmp_path_factory.mktemp("home")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF_", "XDG_"))}
    environment = {
        **kept,
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    cost = DecodeCost(per_frame=0.5, per_megapixel=2.0, per_megabit=2.0)
    profile = MachineProfile(
        machine=this_machine.identity(),
        measured_at=datetime.now(UTC).isoformat(),
        seconds_taken=1.0,
        cores=system.cores(),
        memory_bytes=system.memory_bytes(),
        decode={"h264": cost, "h264:intra": cost, "prores:10:intra": cost},
        encode_ms_per_megapixel={"h264": 10.0},
        scale_ms_per_megapixel=1.0,
        composite_ms_per_megapixel=4.0,
        effect_ms_per_megapixel=4.0,
        disk_read_bytes_per_second=5e8,
    )
    (folder / "cache" / "otio_perf").mkdir(parents=True)
    (folder / "cache" / "otio_perf" / "machine.json").write_text(wire.dumps(profile), encoding="utf-8")
    return environment


def clip(name: str, start: int, frames: int, *, stops: float | None = 0.15, effect: str = "exposure", **values: Any) -> Any:
    """``frames`` of the medium ``name`` from ``start`` on, brightened by ``stops``; ``None``: as it is."""
    span = otio.opentime.TimeRange(Time(start, 24), Time(frames, 24))
    made = otio.schema.Clip(name, otio.schema.ExternalReference(f"media/{name}"), span)
    if stops is not None:
        values = values or {"stops": stops}
        made.effects.append(otio.schema.Effect(name=effect, effect_name=effect, metadata={"otio_perf": values}))
    return made


class Edit:
    """The folder of a timeline, ``cut.otio``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path, self.written = folder / "cut.otio", folder / "cut.perf.otio"
        self.workspace = folder / ".otio_perf"

    def save(self, *clips: Any) -> None:
        """Write ``cut.otio`` as an editor does that writes beside and renames."""
        timeline = otio.schema.Timeline("cut", global_start_time=Time(86400, 24))
        track = otio.schema.Track("V1", kind="Video")
        track.extend([c.clone() for c in clips])
        timeline.tracks.append(track)
        beside = self.folder / "saving.otio"
        otio.adapters.write_to_file(timeline, str(beside))
        beside.replace(self.path)

    def regions(self) -> list[Path]:
        """Files that the written timeline plays on its top track; each is there."""
        track = otio.adapters.read_from_file(str(self.written)).tracks[-1]
        found = [self.folder / c.media_reference.target_url for c in track.find_clips()] if "otio_perf" in track.name else []
        assert all(path.is_file() for path in found)
        return found


class Serving:
    """``otio-perf serve`` in a process of its own; ``events`` are all that it told, as plain documents."""

    def __init__(self, edit: Edit, home: dict[str, str], *words: str) -> None:
        command = [sys.executable, "-m", "otio_perf", "serve", "cut.otio", "--json-events", *WORDS, *words]
        environment = {**home, "PYTHONPATH": str(ROOT)}
        self.edit = edit
        self.process = subprocess.Popen(
            command, cwd=edit.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.events: list[dict[str, Any]] = []
        self.said = ""
        self._heard = threading.Condition()
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._listen, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._heard:
                self.events.append(json.loads(line))
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.said = self.process.stderr.read()

    def wait(self, what: Callable[[dict[str, Any]], Any], *, since: int = 0, seconds: float = 60.0) -> dict[str, Any]:
        """The first event from number ``since`` on of which ``what`` is true."""
        deadline = time.monotonic() + seconds
        with self._heard:
            at = since
            while True:
                while at < len(self.events):
                    if what(self.events[at]):
                        return self.events[at]
                    at += 1
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds:g} s; last: {self.events[-5:]}"
                assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said}"
                self._heard.wait(left)

    def settled(self, *, since: int = 0) -> dict[str, Any]:
        """The timeline is ready, and written."""
        return self.wait(lambda e: e["kind"] == "timeline" and e["body"]["state"] == "ready", since=since)

    def edited(self, save: Callable[[], None]) -> dict[str, Any]:
        """What saving came to: ``new``, ``kept`` and ``cancelled`` keys; returned once the timeline is written."""
        since = len(self.events)
        save()
        found = self.wait(lambda e: e["kind"] == "edit", since=since)
        at = self.events.index(found)
        self.settled(since=at)
        body: dict[str, Any] = found["body"]
        return body

    def client(self) -> Client:
        self.wait(lambda e: e)  # it is up
        return Client.find(self.edit.workspace)

    def workers(self) -> list[psutil.Process]:
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def stop(self) -> int:
        """As Ctrl-C does. :returns: the exit code"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        for thread in self._threads:
            thread.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


Serve = Callable[..., Serving]


@pytest.fixture
def edit(rushes: Path, tmp_path: Path) -> Edit:
    shutil.copytree(rushes, tmp_path / "media")
    return Edit(tmp_path)


@pytest.fixture
def serve(edit: Edit, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start ``otio-perf serve`` on the edit; what still runs at the end of the test is stopped. It knows no other workspace:
    the same pictures are made in many tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", home["XDG_CACHE_HOME"])  # clients find the service's token there
    (Path(home["XDG_CACHE_HOME"]) / "otio_perf" / "workspaces.json").unlink(missing_ok=True)
    started: list[Serving] = []

    def start(*words: str) -> Serving:
        started.append(Serving(edit, home, *words))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def make_clip() -> Callable[..., Any]:
    return clip
