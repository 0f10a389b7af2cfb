"""What is said where a user names something else than the command is about."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(film_media: Path, tmp_path: Path) -> Path:
    shutil.copy(film_media / "media" / "PHONE_0001.mp4", tmp_path / "film.mp4")
    shutil.copy(film_media / "short_film.otio", tmp_path / "cut.otio")
    (tmp_path / "empty").mkdir()
    with wave.open(str(tmp_path / "talk.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    return tmp_path


@pytest.mark.parametrize("command", ["proxy", "probe"])
def test_a_folder_without_media_is_a_mistake(folder: Path, otio_perf: Command, command: str) -> None:
    done = otio_perf(command, "empty", "--workspace", "w", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no media found in empty" in done.stderr
    both = otio_perf(command, "empty", "talk.wav", "--workspace", "w", cwd=folder)
    assert both.returncode == 0
    assert "note: no media found in empty" in both.stderr


@pytest.mark.parametrize("command", ["analyze", "optimize"])
def test_a_medium_is_no_timeline(folder: Path, otio_perf: Command, command: str) -> None:
    done = otio_perf(command, "film.mp4", cwd=folder)
    assert done.returncode == 3
    assert "film.mp4" in done.stderr
    assert "otio-perf probe" in done.stderr
    assert "otio-perf proxy" in done.stderr


def test_a_timeline_is_no_medium(folder: Path, otio_perf: Command) -> None:
    done = otio_perf("proxy", "cut.otio", "--workspace", "w", cwd=folder)
    assert done.returncode == 5
    assert "is a timeline: otio-perf optimize makes proxies of its media" in done.stdout


def test_sounds_in_a_folder_are_not_passed_over(folder: Path, otio_perf: Command) -> None:
    done = otio_perf("probe", ".", "--workspace", "w", "--json", "-", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert {Path(m["path"]).name for m in json.loads(done.stdout)["media"]} == {"film.mp4", "talk.wav"}
    made = otio_perf("proxy", ".", "--workspace", "w", "--dry-run", cwd=folder)
    assert "sound only: left alone" in made.stdout
    assert "the timeline" not in made.stderr  # there is none
    gone = otio_perf("probe", "gone.mov", "--workspace", "w", cwd=folder)
    assert "  is offline: there is no such file" in gone.stdout
    assert "offline: is offline" not in gone.stdout


@pytest.mark.parametrize(
    ("words", "code", "begins"),
    [
        (["--help"], 0, "Runs otio_perf on a fresh machine"),
        (["demo", "--help"], 0, "Runs otio_perf on a fresh machine"),
        (["test", "--help"], 0, "Runs otio_perf on a fresh machine"),
        ([], 2, "Say what to do:"),
        (["dmeo"], 2, "'dmeo' is not one of these:"),
    ],
)
def test_run_py_helps(words: list[str], code: int, begins: str) -> None:
    done = subprocess.run([sys.executable, "run.py", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert (done.stderr if code else done.stdout).startswith(begins)
