"""Watches that tell a list, and movies small enough to be made in passing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf.watch import folder as folder_module
from otio_perf.watch.events import Gone, Settled, Turned
from otio_perf.watch.folder import FolderWatch

SETTLE_SECONDS = 0.3
PATIENCE_SECONDS = 15.0


class Heard:
    """What a watch said, in order; ``until`` waits for something."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._news = threading.Condition()

    def __call__(self, event: Any) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def until(self, is_so: Callable[[], bool], what: str = "") -> None:
        with self._news:
            assert self._news.wait_for(is_so, PATIENCE_SECONDS), f"{what or 'it'} never came: {self.events}"

    def settled(self) -> list[str]:
        return [event.seen.path for event in self.events if isinstance(event, Settled)]

    def gone(self) -> list[str]:
        return [event.path for event in self.events if isinstance(event, Gone)]

    def turns(self) -> list[str]:
        return [event.mode for event in self.events if isinstance(event, Turned)]

    def until_settled(self, *paths: Path) -> None:
        self.until(lambda: set(map(str, paths)) <= set(self.settled()), f"{paths} settled")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def rushes(tmp_path: Path) -> Path:
    folder = tmp_path / "rushes"
    folder.mkdir()
    return folder


@pytest.fixture
def watching(rushes: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FolderWatch]]:
    """Start a watch of ``rushes`` that tells ``heard``, and wait until it watches."""
    monkeypatch.setattr(folder_module, "_ROOT_SECONDS", 0.2)
    running: list[FolderWatch] = []

    def begin(**options: Any) -> FolderWatch:
        watch = FolderWatch(rushes, heard, **{"settle_seconds": SETTLE_SECONDS, **options})
        watch.start()
        running.append(watch)
        assert wait_until(lambda: watch.state().scanned_at is not None or heard.turns()[:1] == ["suspended"])
        return watch

    yield begin
    for watch in running:
        watch.close()


@pytest.fixture
def make_movie() -> Callable[..., Path]:
    def make(path: Path, *, frames: int = 12, seed: int = 0) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 180, "yuv420p", 4_000_000
            noise = np.random.default_rng(seed).integers(0, 255, (180, 320, 3), dtype=np.uint8)
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(np.roll(noise, number * 5, axis=1), format="rgb24")
                for packet in stream.encode(frame):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)
        return path

    return make


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[..., bool]:
    return wait_until
