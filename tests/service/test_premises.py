"""The workspace of a service goes, comes back, is deleted; its disk does not answer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otio_perf import settings
from otio_perf.service import premises as premises_module
from otio_perf.service.lock import ServiceLock
from otio_perf.service.premises import Premises
from otio_perf.service.service import Service


def wait(is_so: Callable[[], bool], said: Callable[[], object] = tuple) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, said()
        time.sleep(0.02)


@pytest.fixture
def disk(tmp_path: Path, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    monkeypatch.setattr(premises_module, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(premises_module, "_DELETED_SECONDS", 0.5)
    (tmp_path / "disk" / "cut").mkdir(parents=True)
    return tmp_path / "disk"


@pytest.fixture
def service(disk: Path) -> Iterator[Service]:
    with Service(settings.load({"workspace": disk / "cut" / "ws"}, environment={})) as service:
        yield service


def test_each_time_that_it_goes_and_comes_back_is_told(service: Service, disk: Path) -> None:
    away = disk.with_name("away")

    def told(what: str) -> int:
        return sum(what in text for text in service.status().notices)

    for times in (1, 2):
        disk.rename(away)
        wait(lambda times=times: told("ws is gone") == times, lambda: service.status().notices)  # type: ignore[misc]
        time.sleep(0.7)  # longer than what counts as deleted, while its disk is there
        away.rename(disk)
        wait(lambda times=times: told("ws is there again") == times, lambda: service.status().notices)  # type: ignore[misc]
    assert not service.ended.is_set()


def test_one_that_is_deleted_ends_the_service(service: Service, disk: Path) -> None:
    shutil.rmtree(disk / "cut" / "ws")
    assert service.ended.wait(20)
    assert "was deleted" in service.why_ended


def test_a_disk_that_does_not_answer_is_waited_for(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = disk / "cut" / "ws"
    told: list[str] = []
    with ServiceLock(workspace) as lock:
        premises = Premises(lock, lambda problem, is_final: told.append(f"{is_final} {problem}"))
        premises.start()
        is_folder = Path.is_dir

        def failing(path: Path) -> bool:
            if path == workspace.parent:
                raise OSError(5, "Input/output error")
            return is_folder(path)

        monkeypatch.setattr(Path, "is_dir", failing)
        workspace.rename(disk / "away")
        wait(lambda: bool(premises.problem))
        time.sleep(0.7)
        assert len(told) == 1
        (disk / "away").rename(workspace)
        monkeypatch.setattr(Path, "is_dir", is_folder)
        wait(lambda: not premises.problem)
        premises.close()
    assert told[0].startswith("False the workspace")
    assert told[1:] == ["False "]
