"""Commands that work where a service is up: it rests meanwhile, hears of what they did, and does what it knows better."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from otio_perf import settings
from otio_perf.cli import beside_service, main
from otio_perf.service.service import Service
from otio_perf.web.server import Server


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def told(service: Service, since: int) -> set[str]:
    return {event.kind for event in service.events(since)}


def last(service: Service) -> int:
    return max((event.number for event in service.events()), default=0)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    otio.adapters.write_to_file(otio.schema.Timeline("cut"), str(tmp_path / "cut.otio"))
    return tmp_path / "cut.otio"


def test_the_service_rests_while_a_command_works_and_looks_anew(
    service: Service, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside_service, "_HOLDS_SECONDS", 0.6)
    monkeypatch.setattr(beside_service, "_AGAIN_SECONDS", 0.2)
    since = last(service)
    with beside_service.yielding(settings.load({"workspace": service.workspace}), None):
        until(lambda: service.status().activity == "exporting")
        time.sleep(1.0)  # said once, it would be over
        assert service.status().activity == "exporting"
        assert "sources" not in told(service, since)
    assert "sources" in told(service, since)
    until(lambda: service.status().activity == "idle", 3)


def test_each_command_that_works_says_so(service: Service, server: Server, cut: Path, tmp_path: Path) -> None:
    where = ["--workspace", str(service.workspace), "--quiet"]
    since = last(service)
    assert main(["optimize", str(cut), "--dry-run", *where]) == 0
    assert "sources" not in told(service, since)  # it does nothing
    for words in (
        ["optimize", str(cut)],
        ["prerender", str(cut)],
        ["convert", "-i", str(cut), "-o", str(tmp_path / "other.otio")],
        ["cache", "verify"],
    ):
        since = last(service)
        assert main([*words, *where]) == 0, words
        assert "sources" in told(service, since), words


def test_the_service_clears_and_prunes_its_workspace_itself(
    service: Service, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    clear, prune = service.clear_cache, service.prune_cache
    monkeypatch.setattr(service, "clear_cache", lambda *said, **more: (asked.append((said, more)), clear(*said, **more))[1])
    monkeypatch.setattr(service, "prune_cache", lambda: (asked.append("prune"), prune())[1])
    picture = service.workspace / "analysis" / "thumbnail-1.jpg"
    where = ["--workspace", str(service.workspace), "--json", str(tmp_path / "answer.json"), "--quiet"]
    for words, is_asked in ((["--dry-run"], False), ([], True)):
        picture.write_bytes(b"123")
        assert main(["cache", "clear", "analysis", *words, *where]) == 0
        assert json.loads((tmp_path / "answer.json").read_text())["freed_bytes"] >= 3
        assert (picture.exists(), bool(asked)) == (not is_asked, is_asked)
        (tmp_path / "answer.json").unlink()
    assert main(["cache", "prune", *where]) == 0
    assert asked == [(("analysis",), {"force": False}), "prune"]


def test_a_service_that_was_killed_or_lies_disturbs_no_command(cut: Path, tmp_path: Path) -> None:
    root = tmp_path / ".otio_perf"
    for text in (None, "{", '{"version": 1, "pid": 1, "url": "http://127.0.0.1:9", "token_file": "/x"}'):
        if text is not None:
            (root / "service.json").write_text(text)
        assert main(["optimize", str(cut), "--workspace", str(root), "--quiet"]) == 0
        assert main(["cache", "clear", "--workspace", str(root), "--quiet"]) == 0
