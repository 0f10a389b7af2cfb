"""A project that looks as if a Kdenlive had it open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import colours
import pytest
from kdenlive_peer import Peer, session_bus
from live_project import PROJECT


@pytest.fixture(scope="session")
def optimized(shared_folder: Callable[..., Path], run_command: Callable[..., Any], measured_machine: Path) -> Path:
    """A folder with ``plain.kdenlive``, and with ``edit.kdenlive``, which is that with a proxy."""

    def make(folder: Path) -> None:
        colours.make(folder / "a.mp4", frames=20)
        (folder / "plain.kdenlive").write_text(PROJECT.format(folder=folder))
        cache = folder / "cache" / "otio_perf"
        cache.mkdir(parents=True)
        shutil.copy(measured_machine, cache)
        words = ["optimize", "plain.kdenlive", "-o", "edit.kdenlive", "--proxy", "half", "--all"]
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
        done = run_command(words, env=environment, cwd=folder)
        assert done.returncode == 0, done.stderr

    return shared_folder("project with a proxy", make)


@pytest.fixture
def edit(optimized: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured_machine: Path) -> Path:
    """A project with a proxy that may be changed; ``plain`` beside it is what its restoring gives."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("edit.kdenlive", "plain.kdenlive"):
        shutil.copy(optimized / name, folder)
    for name, place in (("HOME", "home"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")):
        monkeypatch.setenv(name, str(tmp_path / place))
    (tmp_path / "cache" / "otio_perf").mkdir(parents=True)
    shutil.copy(measured_machine, tmp_path / "cache" / "otio_perf")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "kdenliverc").write_text(f"[Recent Files]\nFile1[$e]={folder}/edit.kdenlive\n")
    return folder / "edit.kdenlive"


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with session_bus(tmp_path_factory.mktemp("bus")) as found:
        yield found


@pytest.fixture
def kdenlive(address: str, edit: Path) -> Iterator[Callable[..., Peer]]:
    """``kdenlive(title=…)``: one that runs. It can revert."""
    with ExitStack() as opened:

        def start(**how: Any) -> Peer:
            peer = Peer(address, **how)
            peer.acts.setdefault("file_revert", edit.read_bytes)
            return opened.enter_context(peer)

        yield start
