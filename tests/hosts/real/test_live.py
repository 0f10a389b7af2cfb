"""The project that the real Kdenlive has open is changed, and shown at once; what is edited there meanwhile wins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import colours
import pytest
from desktop import Desktop, end, until
from editors import Kdenlive

ROOT = Path(__file__).resolve().parents[3]
Apply = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def apply(desktop: Desktop, otio_perf: Callable[..., str], run_command: Callable[..., Any]) -> Apply:
    """``otio-perf host apply kdenlive …``, which need not succeed."""
    del otio_perf  # which measures the machine

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        words = ("host", "apply", "kdenlive", *words, "--json", "-", "--quiet")
        return run_command(list(words), env=desktop.environment, cwd=desktop.home)

    return run


def test_optimized_and_restored_while_it_is_open(kdenlive: Callable[[Path], Kdenlive], edit: Path, apply: Apply) -> None:
    before = edit.read_bytes()
    host = kdenlive(edit)
    done = apply("optimize", "--all", "--proxy", "half")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["state"], said["program"]) == ("applied", f"Kdenlive {host.version} (process {host.process.pid})")
    assert until(lambda: host.badges() == 2, "two proxies in the bin")
    assert not host.is_modified
    assert Path(said["backup"]).read_bytes() == before

    colours.make(edit.with_name("c.mp4"), frames=10)
    host.call("addProjectClip", "s", str(edit.with_name("c.mp4")))
    until(lambda: host.is_modified, "the change")
    was = edit.read_bytes()
    refused = apply("restore")
    assert (refused.returncode, edit.read_bytes(), host.is_modified) == (5, was, True)
    assert "has changes that are not saved" in refused.stderr
    done = apply("restore", "--save")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "applied"
    assert until(lambda: host.badges() == 0, "no proxy in the bin")
    assert b"c.mp4" in edit.read_bytes()
    assert b"otio_perf" not in edit.read_bytes()


def test_prerendered_while_it_is_open(kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, apply: Apply) -> None:
    before = edit.read_bytes()
    host = kdenlive(edit)
    done = apply("prerender", "--all", "--save")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "applied"
    (folder,) = (desktop.home / ".cache" / "kdenlive").glob("*/preview")
    assert {path.name for path in folder.glob("*.mov")} == {"75.mov", "100.mov", "125.mov"}  # Kdenlive deletes what is too new
    assert not host.is_modified

    done = apply("restore")
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["state"], edit.read_bytes()) == ("applied", before)
    assert not list(folder.glob("*.mov"))


@pytest.mark.parametrize("how", ["edited", pytest.param("killed", marks=pytest.mark.hosts)])
def test_what_happens_to_it_meanwhile(
    kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, apply: Apply, how: str
) -> None:
    before = edit.read_bytes()
    host = kdenlive(edit)
    words = ["host", "apply", "kdenlive", "optimize", "--all", "--proxy", "half", "--json", "-", "--progress", "json"]
    environment = {**desktop.environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "otio_perf", *words]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if json.loads(line) == {"event": "stage", "stage": "proxy", "total": 2}:
            break
    if how == "edited":
        colours.make(edit.with_name("c.mp4"), frames=10)
        host.call("addProjectClip", "s", str(edit.with_name("c.mp4")))
        until(lambda: host.is_modified, "the change")
    else:
        end(host.process)
    answer, told = running.communicate(timeout=60)
    said = json.loads(answer)
    if how == "edited":
        assert (running.returncode, said["state"], edit.read_bytes()) == (4, "kept", before), told
        assert b"kdenlive:originalurl" in edit.with_name("edit.perf.kdenlive").read_bytes()
        assert host.is_modified
    else:
        assert (running.returncode, said["state"], said["program"]) == (0, "on disk", ""), told
        assert Path(said["backup"]).read_bytes() == before
        assert b"kdenlive:originalurl" in edit.read_bytes()


@pytest.mark.hosts  # as test_make_proxy_twice
def test_proxies_of_selected_clips(kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop, apply: Apply) -> None:
    """Menu commands of two clips: both are placed, and Kdenlive's own switch is thrown once. It has no FFmpeg of its own."""
    edit.write_text(edit.read_text().replace('enableproxy">0<', 'enableproxy">1<'))
    host = kdenlive(edit)
    host.select_all_clips()
    for name in ("a.mp4", "b.mp4"):
        done = apply("proxies", "--pid", str(host.process.pid), "--media", str(edit.with_name(name)), "--proxy", "half")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["message"] == "the proxy is there, and Kdenlive is told to show it"
        assert Path(said["written"]).parent == desktop.home / ".cache" / "kdenlive" / "proxy"
    until(lambda: host.badges() == 2, "two proxies in the bin")
    assert len(list((desktop.home / ".cache" / "kdenlive" / "proxy").iterdir())) == 2
    assert host.is_modified  # as after a click; undo takes it back
