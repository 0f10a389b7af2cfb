"""The proxy switch of a Kdenlive is thrown once for all clips that are selected, after the last of their commands."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kdenlive_peer import Peer, session_bus

from otio_perf.hosts.kdenlive import toggling


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(toggling, "_QUIET_SECONDS", 0.5)
    with session_bus(tmp_path) as address, Peer(address, acts={"proxy_clip": lambda: None}) as peer:
        yield peer


def folder(host: Peer) -> Path:
    return toggling._folder(host.pid)


def throw(host: Peer, thrown: list[bool]) -> threading.Thread:
    variables = {"DBUS_SESSION_BUS_ADDRESS": host.address}
    thread = threading.Thread(target=lambda: thrown.append(toggling.throw(host.pid, variables)))
    thread.start()
    return thread


def test_once_for_all(host: Peer) -> None:
    thrown: list[bool] = []
    running = folder(host) / f"{os.getpid()}.runs"  # one of the commands is still at work
    running.write_text("{}")
    (folder(host) / "4000001.runs").write_text("{}")  # one was killed
    (folder(host) / "4000002.done").write_text("{}")
    threads = [throw(host, thrown) for _ in range(3)]
    threads[0].join(1.0)
    assert not thrown
    (folder(host) / "4000003.done").write_text("{}")
    running.unlink()
    for thread in threads:
        thread.join(20)
    assert sorted(thrown) == [False, False, True]
    assert host.asked.count("activateAction proxy_clip") == 1
    assert not list(folder(host).iterdir())


def test_a_switch_that_is_grey(host: Peer) -> None:
    """Nothing is selected any more, or the project has no proxies switched on."""
    host.acts.clear()
    thrown: list[bool] = []
    (folder(host) / "4000002.done").write_text("{}")
    throw(host, thrown).join(20)
    assert thrown == [False]
    assert not any("activateAction" in asked for asked in host.asked)
