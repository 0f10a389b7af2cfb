"""What happens to a service, and to its workers, at bad moments."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import psutil
import pytest

from otio_perf import settings
from otio_perf.cache.index import Index
from otio_perf.cache.workspace import Workspace
from otio_perf.media.publish import is_part
from otio_perf.render_queue.journal import Journal
from otio_perf.service import ingest
from otio_perf.service.service import Service
from sample_timelines.make_media import read_number

FIRST, SECOND = "A001_C001.mp4", "A001_C002.mp4"
Clip = Callable[..., Any]


def numbers(path: Path) -> list[int]:
    """In the pictures of a finished file."""
    with av.open(str(path)) as container:
        return [read_number(frame.reformat(format="gray").to_ndarray()) for frame in container.decode(video=0)]


def require_legal(edit: Any) -> None:
    """Nobody is at work: journal and index can be read, and what lies under its final name is whole."""
    workspace = Workspace.open(edit.workspace)
    journal = Journal(edit.workspace / "queue.sqlite")
    journal.read(tuple)
    assert not journal.notices()
    journal.close()
    with Index.open(workspace.root) as index:
        assert not index.notices
        for render in index.renders.present():
            assert len(numbers(Path(render.path))) == render.frames
    for path in workspace.chunks.glob("*.mov"):
        if not is_part(path.name):
            found = numbers(path)
            assert found == list(range(found[0], found[0] + len(found)))


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=30)
    return not alive


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_kills_at_random_moments(kills: int, edit: Any, serve: Any, make_clip: Clip) -> None:
    """Service and workers in turn. Each time something new is to be done, and in the end all of it is."""
    moments = random.Random(kills)
    edit.save(make_clip(FIRST, 0, 96))
    service = serve()
    for number in range(kills):
        service.wait(lambda e: e["kind"] == "edit")
        edit.save(make_clip(FIRST, 0, 96, stops=0.01 * (number + 1)), make_clip(SECOND, 0, 48, stops=0.01 * (number + 1)))
        service.wait(lambda e: e["kind"] == "task" and e["body"]["state"] == "running", since=len(service.events) - 1)
        time.sleep(moments.uniform(0.0, 1.5))
        if number % 2 == 0:
            workers = service.workers()
            service.kill()
            assert gone(workers), "workers outlive the service"
            require_legal(edit)
            service = serve()
        elif workers := service.workers():
            moments.choice(workers).kill()
    since = len(service.events)
    edit.save(make_clip(FIRST, 0, 96, stops=0.5), make_clip(SECOND, 0, 48, stops=0.01 * kills))
    service.wait(lambda e: e["kind"] == "edit", since=since)
    service.settled(since=service.events.index(service.wait(lambda e: e["kind"] == "edit", since=since)))
    assert sorted(n for path in edit.regions() for n in numbers(path)) == sorted([*range(96), *range(48)])
    assert not [e for e in service.events if e["kind"] == "task" and e["body"]["state"] == "failed"]
    assert service.stop() == 0
    require_legal(edit)


@pytest.mark.slow
def test_ctrl_c_keeps_all_state_and_the_next_start_goes_on(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 120))
    service = serve()
    service.wait(lambda e: e["kind"] == "task" and e["body"]["state"] == "done")
    client = service.client()
    client.pause()
    (timeline,) = client.timelines()
    client.pin(timeline.id, 100, 110)
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < 5
    done = {e["body"]["key"] for e in service.events if e["kind"] == "task" and e["body"]["state"] == "done"}

    again = serve()
    again.wait(lambda e: e["kind"] == "edit")
    client = again.client()
    queue = client.queue()
    assert queue.is_paused
    client.resume()
    again.settled()
    made = [e["body"]["key"] for e in again.events if e["kind"] == "task" and e["body"]["state"] == "done"]
    assert not done & set(made)
    assert sorted(n for path in edit.regions() for n in numbers(path)) == list(range(120))


def test_a_second_serve_says_where_the_first_listens(edit: Any, serve: Any, make_clip: Clip, home: dict[str, str]) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    first = serve()
    address = first.client().url
    command = [sys.executable, "-m", "otio_perf", "serve", "cut.otio"]
    environment = {**home, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    second = subprocess.run(command, cwd=edit.folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 2
    assert address in second.stderr
    assert len(second.stderr.splitlines()) == 1


@pytest.mark.slow  # of a queue with nothing around it: render_queue/test_live.py
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP on Windows")
def test_a_worker_that_is_stopped_is_replaced(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 96))
    service = serve("--stall-seconds", "10")
    service.wait(lambda e: e["kind"] == "task" and e["body"]["state"] == "running")
    while not (workers := service.workers()):
        time.sleep(0.01)
    for worker in workers:
        worker.suspend()
    assert gone(workers)
    service.settled()
    assert [e["body"]["message"] for e in service.events if e["kind"] == "task" and e["body"]["state"] == "failed"] == []
    assert sorted(n for path in edit.regions() for n in numbers(path)) == list(range(96))


@pytest.mark.slow  # quickly, and in this process: test_premises.py
def test_a_workspace_that_goes_and_comes_back(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    since = len(service.events)
    client = service.client()
    away = edit.folder.with_name("unmounted")
    edit.folder.rename(away)  # as a disk that is taken out: the folder that it lay in is gone, too
    service.wait(lambda e: e["kind"] == "notice" and "is gone" in e["body"]["text"], since=since)
    service.wait(lambda e: e["kind"] == "timeline" and e["body"]["state"] == "gone", since=since)
    assert any("is gone" in text for text in client.status().notices)
    away.rename(edit.folder)
    service.wait(lambda e: e["kind"] == "notice" and "there again" in e["body"]["text"], since=since)
    service.edited(lambda: edit.save(make_clip(FIRST, 0, 24)))
    assert len(edit.regions()) == 1
    assert service.stop() == 0


@pytest.mark.slow
def test_a_workspace_that_is_deleted_ends_the_service(edit: Any, serve: Any, make_clip: Clip) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    shutil.rmtree(edit.workspace)
    assert service.process.wait(40) == 5
    service.stop()
    assert "was deleted" in service.said
    assert len(service.said.strip().splitlines()) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 MB: of the last 64, nothing is taken (``media.publish.RESERVE_BYTES``)."""
    folder = tmp_path / "small"
    folder.mkdir()
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("NOT ROOT: a small file system cannot be mounted, a full disk is not tested")
    command = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"NO MOUNT: a full disk is not tested ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_holds_the_work_up_and_room_lets_it_go_on(edit: Any, serve: Any, make_clip: Clip, small_disk: Path) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve("--workspace", str(small_disk / "w"), "--settings", str(_settings(edit.folder)))
    service.settled()
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        while shutil.disk_usage(small_disk).free > 200_000:
            file.write(bytes(150_000))
            file.flush()
    since = len(service.events)
    edit.save(make_clip(FIRST, 0, 96))
    told = service.wait(
        lambda e: (
            (e["kind"] == "notice" and "full" in e["body"]["text"]) or (e["kind"] == "task" and "full" in e["body"]["message"])
        ),
        since=since,
    )
    assert told
    filler.unlink()
    service.edited(lambda: edit.save(make_clip(FIRST, 0, 72)))
    assert service.process.poll() is None


def test_rushes_wait_for_room_on_a_full_disk(
    small_disk: Path, rushes: Path, tmp_path: Path, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_AGAIN_SECONDS", 0.5)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    folder, filler = tmp_path / "in", small_disk / "filler"
    folder.mkdir()
    values = {"settle_seconds": 1, "workspace": small_disk / "w", "min_free_disk": 0, "proxy": ["160x90"]}
    in_force = settings.load({**values, "background_priority": "high"}, environment={})
    with Service(in_force, folders=[folder]) as service:
        with filler.open("wb") as file:
            while shutil.disk_usage(small_disk).free > 200_000:
                file.write(bytes(150_000))
                file.flush()
        shutil.copy(rushes / FIRST, folder)

        def wait(is_so: Callable[[], bool]) -> None:
            deadline = time.monotonic() + 40
            while not is_so():
                assert time.monotonic() < deadline, (service.status(), service.queue())
                time.sleep(0.05)

        wait(lambda: any("full" in text for text in service.status().notices))
        assert service.status().folders[0].ready == 0
        filler.unlink()
        wait(lambda: service.status().folders[0].ready == 1)
        assert service.status().folders[0].failed == 0


def _settings(folder: Path) -> Path:
    path = folder / "settings.yaml"
    path.write_text("min_free_disk: 0\n")
    return path


@pytest.mark.slow
def test_a_clock_that_jumps_stops_nothing(edit: Any, serve: Any, make_clip: Clip) -> None:
    """Files from the past and from the future, as after a wrong clock was put right, are saves like others."""
    edit.save(make_clip(FIRST, 0, 24))
    service = serve()
    service.settled()
    for year in (1971, 2060, 1999):

        def save(at: float = (year - 1970) * 365.25 * 86_400, frames: int = year % 40 + 1) -> None:
            edit.save(make_clip(FIRST, 0, frames))
            os.utime(edit.path, (at, at))

        service.edited(save)
        assert len(numbers(edit.regions()[0])) == year % 40 + 1
