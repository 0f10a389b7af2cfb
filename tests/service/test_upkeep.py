"""A running service keeps its workspace within its limits without being asked."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from otio_perf import settings
from otio_perf.metrics import system
from otio_perf.service import upkeep as upkeep_module
from otio_perf.service.service import Service

FIRST = "A001_C001.mp4"
PATIENCE_SECONDS = 40.0


def test_a_disk_that_becomes_full_is_given_room_also_while_the_queue_stands_still(
    rushes: Path, home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No disk is filled here: the reading is injected."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home[name])
    monkeypatch.setattr(upkeep_module, "_LOOK_SECONDS", 0.1)
    monkeypatch.setattr(upkeep_module, "_AGAIN_SECONDS", 0.1)
    (tmp_path / "in").mkdir()
    shutil.copy(rushes / FIRST, tmp_path / "in" / FIRST)
    values = {"proxy": ["160x90"], "settle_seconds": 1, "workspace": tmp_path / "ws", "background_priority": "high"}
    with Service(settings.load(values, environment={}), folders=[tmp_path / "in"]) as service:
        proxies = tmp_path / "ws" / "proxies"

        def until(count: int) -> None:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while len(list(proxies.glob("[!.]*"))) != count:
                assert time.monotonic() < deadline, service.status()
                time.sleep(0.05)

        until(1)
        time.sleep(0.5)
        until(1)
        service.pause()
        monkeypatch.setattr(system, "free_disk_bytes", lambda path: 1000)
        until(0)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any("the disk is too full" in notice for notice in service.status().notices):
            assert time.monotonic() < deadline, service.status().notices
            time.sleep(0.05)
