"""Cassettes: what Resolve answered once is answered again, and what is in one says nothing of who recorded it."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from otio_perf_resolve import cassette, commands
from resolve_replay import Replay

CASSETTES = sorted((Path(__file__).parent / "cassettes").glob("*.json"))


@pytest.mark.parametrize("file", CASSETTES, ids=lambda p: p.stem)
def test_a_cassette_plays_as_it_was_recorded(file: Path) -> None:
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert (recorded["schema"], recorded["schema_version"]) == ("otio_perf.resolve_cassette", 1)
    assert recorded["product"].endswith("fake") == file.stem.startswith("fake")
    replay = Replay(recorded)
    lines: list[str] = []
    report = commands.run(recorded["command"], replay.resolve, "", lines.append, command_of=replay.command_of)
    print("\n".join(lines))
    assert (replay.problems, replay.left) == ([], [])
    assert report.counts == recorded["counts"]
    assert any(report.counts.values())


def other_pythons() -> list[Path]:
    """Versions that a host may bring, as far as they are on this machine (pyenv's folder, or ``PATH``)."""
    known = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {path.parents[1].name.rpartition(".")[0]: path for path in sorted(known.glob("3.*/bin/python3"))}
    for version in map("3.{}".format, range(6, 15)):
        if version not in found and (there := shutil.which(f"python{version}")):
            found[version] = Path(there)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [path for version, path in sorted(found.items()) if version != here]


@pytest.mark.parametrize("python", other_pythons() or [pytest.param(None, id="none")], ids=lambda p: p and p.parents[1].name)
def test_the_scripts_run_in_other_pythons(python: Path | None, at_home: Path, tmp_path: Path) -> None:
    if python is None:
        pytest.skip("NO OTHER PYTHON: scripts for DaVinci Resolve are for 3.6 and newer, and were run in this one only")
    root = Path(__file__).resolve().parents[3]
    program = [python, "-B", "-W", "error", root / "tests" / "library" / "resolve_replay.py"]
    environment = {**os.environ, "OTIO_PERF": sys.executable, "PYTHONPATH": ""}
    for file in CASSETTES:
        words = [*program, file, root / "hosts" / "resolve"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
    asked = "import sys; sys.path.insert(0, sys.argv[1]); from otio_perf_resolve import command as c; "
    asked += "print(c.Command('', sys.argv[2], print)(['cache', 'status']).document['schema'])"
    words = [python, "-B", "-W", "error", "-c", asked, root / "hosts" / "resolve", tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.splitlines()[-1:] == ["otio_perf.cache_status"], done.stderr


@pytest.fixture
def tape(film: Any, canned: Any, tmp_path: Path) -> Path:
    """Recorded from the fake, with a project full of private words."""
    film.pool["look"].properties.update({"Comments": "call Berta", "Keyword": "secret wedding"})
    film.timeline.markers[3.0] = {"color": "Red", "name": "Berta", "note": "ugly", "duration": 1, "customData": "hers"}
    answers = canned("link")
    answers.documents |= canned("mark").documents
    answers.codes |= canned("mark").codes
    film.pool["again"].refuses_proxies = True
    file = tmp_path / "tape.json"
    report = commands.run("record", film.world.resolve, "", str, cassette=str(file), command_of=answers.command_of)
    assert any("recorded in" in text for _, _, text in report.entries)
    return file


def test_what_is_recorded_can_be_played(tape: Path) -> None:
    test_a_cassette_plays_as_it_was_recorded(tape.rename(tape.with_name("fake-tape.json")))


def test_a_cassette_says_nothing_of_who_recorded_it(tape: Path, film: Any, at_home: Path) -> None:
    text = tape.read_text()
    words = {"Ann", "Berta", "wedding", "ugly", "Rushes", "shot", "taken", "hers", "Title", "day 2", "Film", "id-0"}
    words |= (set(film.media.parts[1:]) | set(at_home.parts[1:])) - {"tmp", "resolve"}
    if getpass.getuser() != "root":
        words.add(getpass.getuser())
    found = {word for word in words if re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text)}
    assert not found
    assert "$WORK/timeline.otio" in text


def test_a_script_that_asks_otherwise_is_noticed(tape: Path) -> None:
    recorded = json.loads(tape.read_text())
    for change in ("argument", "order", "less", "more"):
        events = [dict(event) for event in recorded["events"]]
        at = next(i for i, event in enumerate(events) if event.get("call") == "LinkProxyMedia")
        if change == "argument":
            events[at]["arguments"] = ["/p1/another.mov"]
        elif change == "order":
            events[at], events[at - 1] = events[at - 1], events[at]
        elif change == "less":
            events = events[: at + 1]
        else:
            events.append(events[0])
        replay = Replay({**recorded, "events": events})
        with suppress(AssertionError):
            commands.run("record", replay.resolve, "", str, command_of=replay.command_of)
        assert replay.problems or replay.left, change


def test_paths_of_windows_stay_paths_of_windows() -> None:
    recorder = cassette.Recorder("link", "/work")
    recorder.note({"call": "GetName", "on": 1, "arguments": [], "answer": "Ann's film"})
    clip = {"Clip Name": "Berta's", "File Path": "D:\\Ann\\Day 1\\A.[001-024].exr", "Frames": "24", "Comments": "Berta"}
    recorder.note({"call": "GetClipProperty", "on": 2, "arguments": [], "answer": clip})
    recorder.note({"call": "LinkProxyMedia", "on": 2, "arguments": ["D:\\Ann\\Proxy\\A.mov"], "answer": False})
    said = "Ann's film (otio_perf) of D:\\Ann\\Day 1\\A.[001-024].exr and /work/timeline.otio"
    recorder.note({"call": "AddMarker", "on": 3, "arguments": [0, "Red", "otio_perf", said, 1, "x"], "answer": True})
    text = recorder.text("DaVinci Resolve 19.1", {})
    events = json.loads(text)["events"]
    path = events[1]["answer"]["File Path"]
    assert re.fullmatch(r"D:\\p\d+\\p\d+\\p\d+\.\[001-024\]\.exr", path)
    assert events[1]["answer"] == {"Clip Name": "name-2", "File Path": path, "Frames": "24"}
    assert re.fullmatch(r"D:\\p\d+\\Proxy\\p\d+\.mov", events[2]["arguments"][0])
    assert events[2]["arguments"][0].split("\\")[1] == path.split("\\")[1]
    assert events[3]["arguments"][3] == f"name-1 (otio_perf) of {path} and $WORK/timeline.otio"
