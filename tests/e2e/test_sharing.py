"""Two projects with the same media: proxies are made once, used where they lie, and made anew when they are gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("--proxy", "120p", "--all")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def run(home: dict[str, str], run_command: Command, measured_machine: Path, tmp_path: Path) -> Command:
    """``otio-perf`` of a user whose runs know each other's workspaces."""
    cache = tmp_path / "user" / "cache"
    (cache / "otio_perf").mkdir(parents=True)
    shutil.copy(measured_machine, cache / "otio_perf")
    environment = {**home, "XDG_CACHE_HOME": str(cache)}

    def run(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return run_command([*map(str, words)], env=environment, cwd=cwd)

    return run


@pytest.fixture
def projects(film_media: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with a timeline each, of one medium that both have a copy of."""
    found = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(film_media / "media" / "A001_C001.mp4", folder)
        time_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(12, 24))
        clip = otio.schema.Clip("A001_C001", otio.schema.ExternalReference("A001_C001.mp4"), time_range)
        timeline = otio.schema.Timeline("cut")
        timeline.tracks.append(otio.schema.Track(children=[clip]))
        otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
        found.append(folder)
    return found[0], found[1]


def actions(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return [decision["action"] for decision in json.loads(done.stdout)["proxies"]["decisions"]]


def plays(path: Path) -> str:
    clip = next(iter(otio.adapters.read_from_file(str(path)).find_clips()))
    assert clip.active_media_reference_key == "otio_perf:120p"
    return os.path.normpath(path.parent / clip.media_reference.target_url)


def test_a_proxy_of_another_project_is_used_where_it_lies(projects: tuple[Path, Path], run: Command) -> None:
    first, second = projects
    optimize = ("optimize", "cut.otio", *SMALL)
    assert actions(run(*optimize, "--json", "-", cwd=first)) == ["make"]
    made = first / ".otio_perf" / "proxies" / "A001_C001_120p.mov"
    assert plays(first / "cut.perf.otio") == str(made)
    assert actions(run(*optimize, "--dry-run", "--json", "-", cwd=second)) == ["have"]
    done = run(*optimize, cwd=second)
    assert done.returncode == 0, done.stderr
    assert f"1 proxy is used from {made.parent}, where another run made it" in done.stderr
    assert plays(second / "cut.perf.otio") == str(made)
    assert list((second / ".otio_perf" / "proxies").iterdir()) == []
    # what was written is a timeline as any other
    assert run("convert", "-i", "cut.perf.otio", "-o", "checked.otio", "--check-contract", cwd=second).returncode == 0
    assert run("optimize", "cut.perf.otio", "-o", "again.otio", *SMALL, cwd=second).returncode == 0
    assert plays(second / "again.otio") == str(made)
    assert run("restore", "again.otio", "-o", "back.otio", cwd=second).returncode == 0
    assert (second / "back.otio").read_bytes() == (second / "cut.otio").read_bytes()
    host = otio.schema.Timeline("from a host that keeps no notes")
    time_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(12, 24))
    host.tracks.append(
        otio.schema.Track(children=[otio.schema.Clip("c", otio.schema.ExternalReference(str(made)), time_range)])
    )
    otio.adapters.write_to_file(host, str(second / "host.otio"))
    assert run("restore", "host.otio", "-o", "host_back.otio", cwd=second).returncode == 0
    (clip,) = otio.adapters.read_from_file(str(second / "host_back.otio")).find_clips()
    assert clip.media_reference.target_url == str(second / "A001_C001.mp4")  # both have a copy of it


def test_workspaces_know_each_other_and_leave_each_other_alone(projects: tuple[Path, Path], run: Command) -> None:
    first, second = projects
    optimize = ("optimize", "cut.otio", *SMALL, "--json", "-")
    assert actions(run(*optimize, cwd=first)) == ["make"]
    made = first / ".otio_perf" / "proxies" / "A001_C001_120p.mov"
    assert actions(run(*optimize, cwd=second)) == ["have"]
    status = run("cache", "status", cwd=second).stdout
    told = next(line for line in status.splitlines() if " known here: " in line)
    assert str(first / ".otio_perf") in told
    assert str(second) not in told
    assert "0 proxies" in status
    others = json.loads(run("cache", "status", "--json", "-", cwd=first).stdout)["status"]["others"]
    assert others[0] == str(second / ".otio_perf")  # the one that was used last
    assert str(first / ".otio_perf") not in others
    checks = {c["name"]: c["found"] for c in json.loads(run("doctor", "--json", "-", cwd=second).stdout)["checks"]}
    assert str(first / ".otio_perf") in checks["other workspaces"]
    # the second's commands leave it alone
    assert run("cache", "clear", "--force", cwd=second).returncode == 0
    assert made.is_file()
    assert run("cache", "verify", cwd=first).returncode == 0
    # its owner is told who plays it
    kept = json.loads(run("cache", "clear", "proxies", "--json", "-", cwd=first).stdout)
    assert (kept["proxies"], kept["kept_proxies"]) == (0, 1)
    assert kept["players"] == [str(folder / "cut.perf.otio") for folder in (first, second)]
    assert made.is_file()
    # when its owner clears it nevertheless, it is made here
    assert run("cache", "clear", "proxies", "--force", cwd=first).returncode == 0
    assert actions(run(*optimize, cwd=second)) == ["make"]
    assert plays(second / "cut.perf.otio") == str(second / ".otio_perf" / "proxies" / "A001_C001_120p.mov")
    assert actions(run(*optimize, cwd=first)) == ["have"]  # now the other way round


def test_a_damaged_proxy_of_another_is_left_to_its_owner(projects: tuple[Path, Path], run: Command) -> None:
    first, second = projects
    optimize = ("optimize", "cut.otio", *SMALL, "--json", "-")
    assert actions(run(*optimize, cwd=first)) == ["make"]
    made = first / ".otio_perf" / "proxies" / "A001_C001_120p.mov"
    stat, content = made.stat(), bytearray(made.read_bytes())
    content[len(content) // 2] ^= 1
    made.write_bytes(content)
    os.utime(made, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert actions(run(*optimize, cwd=second)) == ["make"]
    assert plays(second / "cut.perf.otio") == str(second / ".otio_perf" / "proxies" / "A001_C001_120p.mov")
    assert made.read_bytes() == content
    assert "its content has changed" in run("cache", "verify", cwd=first).stdout


def test_converting_looks_for_them_too(projects: tuple[Path, Path], run: Command) -> None:
    first, second = projects
    assert actions(run("optimize", "cut.otio", *SMALL, "--json", "-", cwd=first)) == ["make"]
    convert = ("convert", "-i", "cut.otio", "-o", "light.otio", "--use-proxies", "120p")
    done = run(*convert, cwd=second)
    assert done.returncode == 0, done.stderr
    assert plays(second / "light.otio") == str(first / ".otio_perf" / "proxies" / "A001_C001_120p.mov")
    (second / "light.otio").unlink()
    done = run(*convert, "--workspace", "mine", cwd=second)
    assert done.returncode == 2
    assert "no clip has a 120p proxy" in done.stderr


def test_a_workspace_that_was_named_is_the_only_one(projects: tuple[Path, Path], run: Command) -> None:
    first, second = projects
    assert actions(run("optimize", "cut.otio", *SMALL, "--json", "-", cwd=first)) == ["make"]
    named = run("proxy", "A001_C001.mp4", *SMALL, "--workspace", "mine", cwd=second)
    assert named.returncode == 0, named.stderr
    assert (second / "mine" / "proxies" / "A001_C001_120p.mov").is_file()
    plain = run("proxy", "A001_C001.mp4", *SMALL, cwd=second)
    assert plain.returncode == 0, plain.stderr
    assert f"used from {second / 'mine' / 'proxies'}" in plain.stderr  # the one that was used last
    shutil.rmtree(second / "mine")
    assert f"used from {first / '.otio_perf' / 'proxies'}" in run("proxy", "A001_C001.mp4", *SMALL, cwd=second).stderr
    beside = run("proxy", "A001_C001.mp4", *SMALL, "--beside", cwd=second)
    assert beside.returncode == 0, beside.stderr
    assert (second / "Proxy" / "A001_C001.mov").is_file()


def test_what_another_project_rendered_is_used_where_it_lies(projects: tuple[Path, Path], run: Command) -> None:
    first, second = projects
    for folder in projects:
        timeline = otio.adapters.read_from_file(str(folder / "cut.otio"))
        timeline.tracks[0][0].effects.append(otio.schema.Effect(effect_name="exposure", metadata={"otio_perf": {"stops": 0.5}}))
        otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    words = ("prerender", "cut.otio", "-o", "out.otio", "--prerender", "all", "--prerender-size", "384x216", "--gpu", "off")
    answers = []
    for folder in projects:
        done = run(*words, "--json", "-", cwd=folder)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    (made,), (used,) = (answer["regions"] for answer in answers)
    assert made["new_frames"] == 12
    assert used["new_frames"] == 0
    assert used["path"] == made["path"]
    assert str(first / ".otio_perf" / "renders") in done.stderr
    assert not list((second / ".otio_perf" / "renders").rglob("*.mov"))
    assert "../first/.otio_perf/renders/cut_" in (second / "out.otio").read_text()
    kept = json.loads(run("cache", "clear", "renders", "--json", "-", cwd=first).stdout)
    assert (kept["kept"], kept["players"]) == (1, [str(folder / "out.otio") for folder in projects])
    assert run("restore", "out.otio", "-o", "back.otio", cwd=second).returncode == 0
    assert (second / "back.otio").read_bytes() == (second / "cut.otio").read_bytes()
    # its owner deletes it: it is made here
    assert run("cache", "clear", "--force", cwd=first).returncode == 0
    again = json.loads(run(*words, "--json", "-", cwd=second).stdout)
    assert again["regions"][0]["path"].startswith(str(second))
