"""Watched folders of a running service: what is copied in becomes proxies, whatever the copier does."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otio_perf import settings
from otio_perf.errors import CacheError, SettingsError, UnknownIdError
from otio_perf.model.plans import Plan
from otio_perf.model.views import ServiceEvent, WatchedFolder
from otio_perf.optimizer import proxies
from otio_perf.optimizer.session import Session
from otio_perf.service import ingest
from otio_perf.service.service import Service

PATIENCE_SECONDS = 40.0
FIRST, SECOND = "A001_C001.mp4", "A001_C002.mp4"


class Run:
    """A service in this process, and what it told."""

    def __init__(self, service: Service, events: list[ServiceEvent]) -> None:
        self.service, self.events = service, events

    @property
    def folder(self) -> WatchedFolder:
        (folder,) = self.service.status().folders
        return folder

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, (self.service.status(), self.service.queue())
            time.sleep(0.05)

    def until_ready(self, count: int) -> None:
        self.until(lambda: (self.folder.ready, self.folder.queued, self.folder.settling) == (count, 0, 0))

    def proxies(self) -> list[str]:
        return sorted(path.name for path in (self.service.workspace / "proxies").glob("[!.]*"))

    def tasks(self, kind: str) -> list[str]:
        """Media that tasks of ``kind`` were started for."""
        told = [e.body for e in self.events if e.kind == "task" and e.body["kind"] == kind and e.body["state"] == "running"]
        return sorted({Path(str(body["label"])).name for body in told})


@pytest.fixture
def watch(tmp_path: Path, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """A service that watches ``tmp_path / "in"`` with proxies of 90 lines."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    (tmp_path / "in").mkdir()
    running: list[Service] = []

    def begin(*, folders: Sequence[Path] = (), beside: bool = False, **more: Any) -> Run:
        row = {"path": str(tmp_path / "in"), "proxy": ["160x90"], **more.pop("row", {})}
        values = {"watch": [row], "settle_seconds": 1, "workspace": tmp_path / "ws", "background_priority": "high", **more}
        events: list[ServiceEvent] = []
        service = Service(settings.load(values, environment={}), folders=folders, beside=beside, listener=events.append)
        service.start()
        running.append(service)
        return Run(service, events)

    yield begin
    for service in running:
        service.close()


def test_copiers_of_all_kinds_are_followed(watch: Callable[..., Run], rushes: Path, tmp_path: Path) -> None:
    """A copy, a move, a slow copy, a file that is allocated in full before it is filled, and one that stays broken."""
    target, content = tmp_path / "in", (rushes / SECOND).read_bytes()
    run = watch()
    shutil.copy(rushes / FIRST, target / "copied.mp4")
    (target / "card").mkdir()
    shutil.copy(rushes / SECOND, tmp_path / "moved.mp4")
    shutil.move(tmp_path / "moved.mp4", target / "card" / "moved.mp4")
    (target / "broken.mp4").write_bytes(content[: len(content) // 3])
    with (target / "allocated.mp4").open("wb") as file:
        file.truncate(len(content))

    def copy_slowly() -> None:
        with (target / "slow.mp4").open("wb") as file:
            for start in range(0, len(content), 1 + len(content) // 10):
                file.write(content[start : start + 1 + len(content) // 10])
                file.flush()
                time.sleep(0.2)

    copier = threading.Thread(target=copy_slowly)
    copier.start()
    run.until(lambda: (run.folder.ready, run.folder.settling) == (3, 2))
    copier.join()
    assert sum("is not whole" in note for note in run.service.status().notices) == 2
    with (target / "allocated.mp4").open("r+b") as file:
        file.write(content)
    run.until(lambda: (run.folder.ready, run.folder.settling) == (4, 1))
    assert run.folder.failed == 0
    page = {source.name: source.state.value for source in run.service.sources().sources}
    assert page["copied.mp4"] == page["moved.mp4"] == "ready"
    assert len(run.proxies()) == 2  # three of them have the same content


def test_a_changed_source_is_made_anew_and_a_deleted_one_is_not_made(
    watch: Callable[..., Run], rushes: Path, tmp_path: Path
) -> None:
    target = tmp_path / "in"
    shutil.copy(rushes / FIRST, target / "clip.mp4")
    run = watch()
    run.until_ready(1)
    (before,) = run.proxies()
    shutil.copy(rushes / SECOND, target / "clip.mp4")
    run.until(lambda: len(run.proxies()) == 2)
    run.until_ready(1)
    (source,) = run.service.sources().sources
    assert {proxy.state.value for proxy in source.proxies} == {"ready", "stale"}
    run.service.pause()
    shutil.copy(rushes / FIRST, target / "short.mp4")
    run.until(lambda: run.folder.queued == 1)
    run.until(lambda: any(task.label.endswith("short.mp4") for task in run.service.queue().tasks if task.state == "waiting"))
    (target / "short.mp4").unlink()
    run.until(lambda: run.folder.queued == 0)
    run.until(lambda: not [task for task in run.service.queue().tasks if task.state == "waiting"])
    run.service.resume()
    run.until_ready(1)
    assert before in run.proxies()


@pytest.mark.slow
def test_a_folder_that_goes_and_comes_back_costs_nothing(watch: Callable[..., Run], rushes: Path, tmp_path: Path) -> None:
    target = tmp_path / "in"
    for name in (FIRST, SECOND):
        shutil.copy(rushes / name, target / name)
    run = watch()
    run.until_ready(2)
    made = run.tasks("proxy")
    target.rename(tmp_path / "away")
    run.until(lambda: (run.folder.state, run.folder.ready) == ("suspended", 0))
    (tmp_path / "away").rename(target)
    run.until_ready(2)
    assert run.folder.state == "watching"
    assert run.tasks("proxy") == made
    assert len(run.proxies()) == 2


def test_rows_of_the_settings_say_what_is_made_where(watch: Callable[..., Run], rushes: Path, tmp_path: Path) -> None:
    target = tmp_path / "in"
    (target / "trash").mkdir()
    shutil.copy(rushes / FIRST, target / FIRST)
    shutil.copy(rushes / SECOND, target / "trash" / SECOND)
    named = tmp_path / "named"
    named.mkdir()
    shutil.copy(rushes / SECOND, named)
    run = watch(row={"beside": True, "exclude": ["trash"], "quality": 30}, folders=[named], beside=True, proxy=["160x90"])
    run.until(lambda: [folder.ready for folder in run.service.status().folders] == [1, 1])
    assert [path.name for path in (named / "Proxy").iterdir()] == ["A001_C002.mov"]
    run.service.unwatch(run.service.watch(named).id)
    assert [path.name for path in (target / "Proxy").iterdir()] == ["A001_C001.mov"]
    assert run.proxies() == []
    other = tmp_path / "other"
    other.mkdir()
    assert run.service.watch(other).path == str(other)
    assert len(run.service.status().folders) == 2
    run.service.unwatch(run.service.watch(other).id)
    assert len(run.service.status().folders) == 1
    with pytest.raises(UnknownIdError):
        run.service.unwatch("nobody")
    with pytest.raises(SettingsError, match="is no folder"):
        run.service.watch(target / FIRST)


def test_few_of_many_are_in_the_queue_at_a_time(
    watch: Callable[..., Run], rushes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_MOST_TASKS", 3)
    for number in range(10):
        os.link(rushes / FIRST, tmp_path / "in" / f"clip{number}.mp4")
    run = watch()
    most = 0

    def is_done() -> bool:
        nonlocal most
        most = max(most, sum(task.state in ("waiting", "running") for task in run.service.queue().tasks))
        return run.folder.ready == 10

    run.until(is_done)
    assert 1 <= most <= 3


@pytest.mark.slow
def test_what_was_pruned_is_not_made_again_ahead_of_need(watch: Callable[..., Run], rushes: Path, tmp_path: Path) -> None:
    shutil.copy(rushes / FIRST, tmp_path / "in" / FIRST)
    run = watch(cache_max_bytes=1)
    run.until_ready(1)
    assert run.service.prune_cache() > 0
    assert run.proxies() == []
    run.service.unwatch(run.folder.id)
    run.service.watch(tmp_path / "in")
    run.until_ready(1)
    time.sleep(0.5)
    assert run.proxies() == []


def test_what_may_pass_is_tried_again_and_what_nobody_foresaw_fails_alone(
    watch: Callable[..., Run], rushes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_AGAIN_SECONDS", 0.5)
    planned, recall = proxies.planned, Session.recall
    failures = [CacheError("the index is busy"), CacheError("the index is busy")]

    def plan(session: Session, **more: Any) -> Plan:
        if len(failures) == 1:
            raise failures.pop()
        if any(str(target.path).endswith("poison.mp4") for target in more["targets"]):
            raise ZeroDivisionError("a medium that nobody foresaw")
        return planned(session, **more)

    def look(session: Session, targets: Any) -> Any:
        if len(failures) == 2:
            raise failures.pop()
        return recall(session, targets)

    monkeypatch.setattr(proxies, "planned", plan)
    monkeypatch.setattr(Session, "recall", look)
    for name in ("before.mp4", "poison.mp4", "then.mp4"):
        os.link(rushes / FIRST, tmp_path / "in" / name)
    run = watch()
    run.until(lambda: (run.folder.ready, run.folder.failed, run.folder.queued) == (2, 1, 0))
    assert failures == []
    notices = run.service.status().notices
    assert any("waits: the index is busy" in text for text in notices)
    assert any("poison.mp4" in text and "ZeroDivisionError" in text for text in notices)


def test_a_cleared_queue_is_not_filled_again_from_what_waited(
    watch: Callable[..., Run], rushes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_MOST_TASKS", 2)
    run = watch()
    run.service.pause()
    for number in range(8):
        os.link(rushes / FIRST, tmp_path / "in" / f"clip{number}.mp4")
    run.until(lambda: run.folder.queued == 8 and run.service.queue().total == 2)
    run.service.clear()
    run.until(lambda: run.folder.queued == 0)
    run.service.resume()
    os.link(rushes / SECOND, tmp_path / "in" / "later.mp4")
    run.until(lambda: run.folder.ready == 1)
    assert run.folder.failed == 8
    assert run.tasks("probe") == ["later.mp4"]


def test_rows_that_change_while_it_runs_are_followed(
    watch: Callable[..., Run], rushes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    shutil.copy(rushes / FIRST, tmp_path / "in" / FIRST)
    run = watch()
    run.until_ready(1)
    run.service.set_settings({"playback_quality": "half"})
    assert run.folder.ready == 1  # it concerns no proxy
    run.service.set_settings({"watch": [{"path": str(tmp_path / "in"), "proxy": ["128x72"]}]})
    run.until(lambda: len(run.proxies()) == 2)
    run.service.set_settings({"watch": None})
    run.until(lambda: run.service.status().folders == ())


@pytest.mark.slow
def test_ten_hours_of_footage_leave_the_pages_quick(watch: Callable[..., Run], tmp_path: Path) -> None:
    """Twenty takes of half an hour at a picture a second: long, and cheap to make."""
    take = tmp_path / "take.mp4"
    with av.open(str(take), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        picture = np.zeros((180, 320, 3), np.uint8)
        for second in range(30 * 60):
            picture[second % 180] = second % 251
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    for number in range(20):  # each ends in a box of its own, which says nothing
        (tmp_path / "in" / f"take{number}.mp4").write_bytes(take.read_bytes() + b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
    run = watch()
    asked: list[float] = []

    def is_done() -> bool:
        for ask in (run.service.status, run.service.cache, run.service.sources, run.service.queue, run.service.metrics):
            began = time.monotonic()
            ask()
            asked.append(time.monotonic() - began)
        return run.folder.ready == 20

    deadline = time.monotonic() + 100
    while not is_done():
        assert time.monotonic() < deadline, run.folder
        time.sleep(0.1)
    asked.sort()
    assert asked[len(asked) * 95 // 100] < 0.1, asked[-10:]
    page = run.service.sources()
    assert sum(source.frames for source in page.sources) == 20 * 1800
    (proxies,) = (kind for kind in run.service.cache().kinds if kind.kind == "proxies")
    assert proxies.files == 20
    assert proxies.size_bytes == sum(path.stat().st_size for path in (run.service.workspace / "proxies").glob("[!.]*"))
