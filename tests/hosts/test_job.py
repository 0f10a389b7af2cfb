"""The script behind Kdenlive's menu commands, run as Kdenlive runs it: a child of the program that is on the bus."""

from __future__ import annotations

import ast
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import colours
import pytest
from kdenlive_peer import Peer, session_bus

from otio_perf.hosts import scripts
from otio_perf.hosts.kdenlive import menu
from otio_perf.hosts.parts import Entries, OwnFile
from otio_perf.model.hosts import Installation, Packaging

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.12.0">
 <profile width="640" height="360" frame_rate_num="25" frame_rate_den="1" progressive="1"/>
 <producer id="a" in="0" out="19"><property name="length">20</property><property name="resource">my clip.mp4</property>
  <property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">4</property></producer>
 <playlist id="p0"><entry in="0" out="19" producer="a"/></playlist>
 <playlist id="main_bin"><property name="kdenlive:docproperties.version">1.04</property><entry producer="a"/></playlist>
 <tractor id="main" in="0" out="19"><track producer="p0"/></tractor>
</mlt>
"""
Job = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    folder = tmp_path / "my work"
    folder.mkdir()
    colours.make(folder / "my clip.mp4", frames=20)
    path = folder / "edit.kdenlive"
    path.write_text(PROJECT)
    return path


@pytest.fixture
def host(tmp_path: Path, edit: Path) -> Iterator[Peer]:
    """This process is the Kdenlive: its children are its jobs."""
    with session_bus(tmp_path) as address, Peer(address, acts={"file_revert": edit.read_bytes}) as peer:
        yield peer


@pytest.fixture
def job(tmp_path: Path, host: Peer, edit: Path, measured_machine: Path) -> Job:
    """``job(verb)``: the installed script, started for the clip."""
    command, script = tmp_path / "otio-perf", tmp_path / "otio_perf_job.py"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m otio_perf "$@"\n')
    command.chmod(0o755)
    script.write_bytes(scripts.installed("kdenlive/otio_perf_job.py", str(command)))
    config, cache = tmp_path / "config", tmp_path / "cache"
    (cache / "otio_perf").mkdir(parents=True)
    shutil.copy(measured_machine, cache / "otio_perf")
    (config / "otio_perf").mkdir(parents=True)
    (config / "otio_perf" / "settings.yaml").write_text("proxy: [half]\n")
    (config / "kdenliverc").write_text(f"[Recent Files]\nFile1[$e]={edit}\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF", "XDG_"))}
    own = {"HOME": tmp_path, "XDG_CONFIG_HOME": config, "XDG_CACHE_HOME": cache, "DBUS_SESSION_BUS_ADDRESS": host.address}
    environment = {**kept, **{name: str(value) for name, value in own.items()}}

    def run(verb: str) -> subprocess.Popen[str]:
        clip = edit.with_name("my clip.mp4")
        words = [sys.executable, str(script), verb, str(clip), str(clip.with_suffix(".otio_perf"))]
        return subprocess.Popen(words, env=environment, cwd=clip.parent, stderr=subprocess.PIPE, text=True)

    return run


def test_a_menu_command(job: Job, edit: Path, host: Peer) -> None:
    before = edit.read_bytes()
    running = job("optimize")
    _, told = running.communicate(timeout=100)
    lines = told.splitlines()
    percents = [int(line.partition(": ")[2]) for line in lines if line.startswith("percentage: ")]
    assert running.returncode == 0, told
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    assert any(10 < percent < 100 for percent in percents)
    backup = edit.with_name("edit.before-otio_perf.kdenlive")
    assert lines[-1] == f"otio_perf: edit.kdenlive: Kdenlive shows it. what was there before: {backup}"
    assert "activateAction file_revert" in host.asked
    assert b"my clip_half.mov" in edit.read_bytes()
    assert not edit.with_name("my clip.otio_perf").exists()  # what Kdenlive would take for a clip

    running = job("restore")
    assert running.communicate(timeout=100)[1].splitlines()[-1].startswith("otio_perf: edit.kdenlive: Kdenlive shows it")
    assert edit.read_bytes() == before


def test_code_beside_the_media_is_not_run(job: Job, edit: Path, host: Peer) -> None:
    """On the card of a camera, in a download, on a share."""
    ran = edit.with_name("ran")
    for name in ("json.py", "subprocess.py", "av.py", "otio_perf.py", "sitecustomize.py"):
        edit.with_name(name).write_text(f"open({str(ran)!r}, 'w')\n")
    host.acts["proxy_clip"] = lambda: None
    running = job("proxy")
    told = running.communicate(timeout=100)[1]
    assert running.returncode == 0, told
    assert told.splitlines()[-1].endswith("the proxy is there, and Kdenlive is told to show it")
    until = time.monotonic() + 30
    while "activateAction proxy_clip" not in host.asked and time.monotonic() < until:
        time.sleep(0.1)
    assert "activateAction proxy_clip" in host.asked
    assert not ran.exists()


@pytest.fixture
def script() -> ModuleType:
    spec = spec_from_file_location("otio_perf_job", scripts.script("kdenlive/otio_perf_job.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_a_package_sets_for_itself(script: ModuleType) -> None:
    own = {"APPDIR": "/tmp/.mount_x", "LD_LIBRARY_PATH": "/tmp/.mount_x/usr/lib:/opt/cuda", "PYTHONHOME": "/tmp/.mount_x"}
    assert script.environment(own) == {"APPDIR": "/tmp/.mount_x", "LD_LIBRARY_PATH": "/opt/cuda"}
    assert script.environment({"LD_LIBRARY_PATH": "/snap/kdenlive/8/lib", "SNAP": "/snap/kdenlive/8"}) == {
        "SNAP": "/snap/kdenlive/8"
    }


def test_in_a_flatpak(script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its Kdenlive cannot be told apart on the bus: proxies are placed, and no process is named that means another outside."""
    ran: list[list[str]] = []
    monkeypatch.setattr(script, "is_in_flatpak", lambda: True)
    monkeypatch.setattr(script, "run", lambda words: ran.append(words) or 0)
    assert [script.main([verb, "/m/a.mp4", "x"]) for verb in ("proxy", "dashboard", "optimize")] == [0, 0, 2]
    before = ["flatpak-spawn", "--host", "--watch-bus", "otio-perf"]
    assert [words[:4] for words in ran] == [before, before]
    assert ran[0][4:] == ["host", "place", "kdenlive", "/m/a.mp4", "--all", "--packaging", "flatpak", "--progress", "json"]
    told = capsys.readouterr().err.splitlines()
    assert told[0].endswith("switch it on with Proxy Clip in the clip's menu")
    assert told[1].endswith("Close the project, then: otio-perf optimize FILE")


def test_what_does_not_work_is_said_last(job: Job, edit: Path, host: Peer) -> None:
    before = edit.read_bytes()
    host.is_modified = True
    running = job("restore")
    told = running.communicate(timeout=100)[1].splitlines()
    assert (running.returncode, edit.read_bytes()) == (5, before)
    assert told[-1] == "otio-perf: Kdenlive cannot save now. Is a project open?"
    running = job("dashboard")
    assert "no service is running" in running.communicate(timeout=100)[1].splitlines()[-1]
    assert running.returncode == 2


def test_a_job_that_is_cancelled(job: Job, edit: Path, host: Peer) -> None:
    """Kdenlive kills it; what it started stops in order, and the project is as it was."""
    before = edit.read_bytes()
    running = job("optimize")
    assert running.stderr is not None
    line = running.stderr.readline()
    assert line.startswith(("percentage:", "note:")), line
    (child,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    until = time.monotonic() + 10
    while Path(f"/proc/{child}/stat").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}/stat").exists()
    assert edit.read_bytes() == before
    assert sorted(p.name for p in edit.parent.glob("*.kdenlive")) == ["edit.kdenlive"]
    assert "activateAction file_revert" not in host.asked
    running.stderr.close()


def test_without_our_command(edit: Path, tmp_path: Path) -> None:
    script = scripts.script("kdenlive/otio_perf_job.py")
    words = [sys.executable, str(script), "optimize", str(edit.with_name("my clip.mp4"))]
    done = subprocess.run(words, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "pip install otio-perf" in done.stderr
    shown = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True, check=True)
    assert "Media Jobs" in shown.stdout


def test_the_script_is_for_old_pythons() -> None:
    text = scripts.script("kdenlive/otio_perf_job.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 6))
    imported = {alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names


def installation(data: Path, packaging: Packaging = Packaging.SYSTEM) -> Installation:
    return Installation(
        host="kdenlive", packaging=packaging, version="26.08.2", program=None, config_folder="", data_folder=str(data)
    )


def test_a_sandbox_has_what_can_work_there(tmp_path: Path, script: ModuleType) -> None:
    _, rows = menu.parts(installation(tmp_path, Packaging.FLATPAK), "/opt/otio-perf")
    assert isinstance(rows, Entries)
    assert [words.split()[0] for words in rows.values["Parameters"].values()] == list(script.IN_SANDBOX)
    data = "snap/kdenlive/current/.local/share/kdenlive"
    assert menu.parts(installation(tmp_path / data, Packaging.SNAP), "/opt/otio-perf") == ()
    assert len(menu.parts(installation(tmp_path, Packaging.SNAP), "/opt/otio-perf")) == 2  # classic: none at all


def test_the_menu_has_what_the_script_knows(tmp_path: Path) -> None:
    script, rows = menu.parts(installation(tmp_path / "data"), "/opt/our command/otio-perf")
    assert isinstance(script, OwnFile)
    assert isinstance(rows, Entries)
    assert script.is_executable
    assert b"COMMAND = '/opt/our command/otio-perf'" in script.content
    jobs = list(rows.values["Ids"])
    assert jobs == sorted(jobs)
    assert all(list(group) == jobs for group in rows.values.values())
    assert set(rows.values["Binary"].values()) == {str(script.path)}
    script.path.parent.mkdir()
    script.path.write_bytes(script.content)
    known = runpy.run_path(str(script.path))["COMMANDS"]
    assert [words.split() for words in rows.values["Parameters"].values()] == [[verb, "{source}", "{output}"] for verb in known]
