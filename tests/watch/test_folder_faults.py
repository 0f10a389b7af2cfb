"""What the kernel, the disk and ten thousand files do to a watch: nothing is lost, and what it falls back to is told."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WATCHER = Path(__file__).with_name("watcher.py")
PATIENCE_SECONDS = 40.0
#: Of one file that is watched: path, what is known of it and what is told of it.
FILE_BYTES = 4_000

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and mounts are Linux's")


class Watcher:
    """A process that watches; ``until`` waits for what it says."""

    def __init__(self, command: list[str]) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline, last = time.monotonic() + PATIENCE_SECONDS, {}
        while time.monotonic() < deadline:
            try:
                last = self._lines.get(timeout=0.5)
            except queue.Empty:
                continue
            if is_so(last):
                return last
        raise AssertionError(f"it never said so: {last}")

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self._thread.join()


@pytest.fixture
def watcher(rushes: Path) -> Iterator[Callable[..., Watcher]]:
    running: list[Watcher] = []

    def begin(*before: str, root: Path = rushes) -> Watcher:
        watcher = Watcher([*before, sys.executable, str(WATCHER), str(root), "120"])
        running.append(watcher)
        return watcher

    yield begin
    for one in running:
        one.close()


def can_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode == 0


needs_unshare = pytest.mark.skipif(not can_unshare(), reason="needs user and mount namespaces (unshare -Urm)")


def drop(folder: Path, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"clip{number}.mov").write_bytes(b"x")


@pytest.mark.slow
def test_ten_thousand_files_at_once_are_found_and_memory_stays_small(watcher: Callable[..., Watcher], rushes: Path) -> None:
    one = watcher()
    before = one.until(lambda said: said["is_ready"])
    for folder in range(10):
        drop(rushes / f"day{folder}", 1000)
    after = one.until(lambda said: said["settled"] == 10_000)
    assert after["megabytes"] - before["megabytes"] < 10_000 * FILE_BYTES / 1e6


@pytest.mark.slow
def test_events_that_the_kernel_lost_are_made_up_for_and_told(watcher: Callable[..., Watcher], rushes: Path) -> None:
    kept = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    one = watcher()
    one.until(lambda said: said["is_ready"])
    one.process.send_signal(signal.SIGSTOP)
    count = kept // 3 + 2000  # three events of each at least
    drop(rushes, count)
    one.process.send_signal(signal.SIGCONT)
    after = one.until(lambda said: said["settled"] == count)
    assert any("looked at again" in text for text in after["said"]), after["said"]
    assert after["mode"] == "watching"


@needs_unshare
@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_where_the_system_watches_no_more_it_polls_and_says_so(
    watcher: Callable[..., Watcher], rushes: Path, limit: str
) -> None:
    for number in range(20):
        drop(rushes / f"day{number}", 1)
    least = "10" if limit.endswith("watches") else "0"
    one = watcher("unshare", "-Ur", "sh", "-c", f'echo {least} > /proc/sys/user/{limit} && exec "$@"', "sh")
    said = one.until(lambda said: said["settled"] == 20)
    assert said["mode"] == "polling"
    assert any(text.startswith("polling: the system tells of no") for text in said["said"]), said["said"]
    drop(rushes / "late", 3)
    one.until(lambda said: said["settled"] == 23)


@needs_unshare
def test_limits_that_are_met_later_are_noticed(watcher: Callable[..., Watcher], rushes: Path) -> None:
    one = watcher("unshare", "-Ur", "sh", "-c", 'echo 10 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh")
    one.until(lambda said: said["is_ready"] and said["mode"] == "watching")
    for number in range(20):
        drop(rushes / f"day{number}", 1)
    said = one.until(lambda said: said["settled"] == 20)
    one.until(lambda said: said["mode"] == "polling")
    drop(rushes / "day19", 5)
    said = one.until(lambda said: said["settled"] == 24)
    assert said["gone"] == 0


@needs_unshare
def test_a_disk_that_is_unmounted_and_back_is_waited_for(watcher: Callable[..., Watcher], tmp_path: Path) -> None:
    """In a mount namespace of its own: a file system in memory, taken away and put back with what was on it."""
    disk, elsewhere, sign = tmp_path / "disk", tmp_path / "elsewhere", tmp_path / "sign"
    for folder in (disk, elsewhere):
        folder.mkdir()
    script = f"""
        mount -t tmpfs none {elsewhere} && mkdir {elsewhere}/rushes && echo x > {elsewhere}/rushes/a.mov &&
        mount --bind {elsewhere}/rushes {disk} || exit 3
        (while [ ! -e {sign}.away ]; do sleep 0.1; done; umount -l {disk}
         while [ ! -e {sign}.back ]; do sleep 0.1; done; mount --bind {elsewhere}/rushes {disk}) >&2 &
        exec "$@"
    """
    one = watcher("unshare", "-Urm", "sh", "-c", script, "sh", root=disk)
    one.until(lambda said: said["settled"] == 1)
    Path(f"{sign}.away").touch()
    said = one.until(lambda said: said["mode"] == "suspended")
    assert said["gone"] == 0
    Path(f"{sign}.back").touch()
    said = one.until(lambda said: said["mode"] == "watching" and said["files"] == 1)
    assert said["gone"] == 0


def test_a_folder_that_is_deleted_and_made_anew_is_watched_on(watcher: Callable[..., Watcher], rushes: Path) -> None:
    drop(rushes, 3)
    one = watcher()
    one.until(lambda said: said["settled"] == 3)
    shutil.rmtree(rushes)
    one.until(lambda said: said["mode"] == "suspended")
    drop(rushes, 5)
    one.until(lambda said: said["mode"] == "watching" and said["settled"] == 5)
    (rushes / "later.mov").write_bytes(b"1")
    one.until(lambda said: said["settled"] == 6)
