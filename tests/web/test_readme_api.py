"""The README's requests, as they stand there, to a service that follows the sample film's timeline."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otio_perf import settings
from otio_perf.cache.workspace import Workspace
from otio_perf.service.service import Service
from otio_perf.web.server import Server

ROOT = Path(__file__).parent.parent.parent


def block(language: str, word: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return next(b for b in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if word in b)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, _own_folders: None) -> Iterator[Path]:
    """Where a service has its workspace; the timeline's media are not there, which is no hindrance."""
    folder = tmp_path_factory.mktemp("film")
    shutil.copy(ROOT / "sample_timelines" / "short_film.otio", folder)
    Workspace.open(folder / ".otio_perf")
    words = {"workspace": folder / ".otio_perf", "proxy": ["half"], "prerender": "none"}
    with Service(settings.load(words), settings_file=folder / "settings.yaml") as service, Server(service):
        yield folder


def test_the_requests_of_the_readme(folder: Path) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("NO CURL: the command line tools curl and bash are not installed")
    script = block("bash", "curl").replace("python3", sys.executable)
    done = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    status, end = json.JSONDecoder().raw_decode(done.stdout)
    assert status["workspace"] == str(folder / ".otio_perf")
    followed, end = json.JSONDecoder().raw_decode(done.stdout, end)
    assert followed["name"] == "short_film.otio" and done.stdout[end:].startswith("retry: ")


def test_the_client_of_the_readme(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", block("py", "Client.find")]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "short_film.otio" in done.stdout, done.stderr


def test_the_command_that_opens_the_dashboard(folder: Path) -> None:
    environment = {**{k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "otio_perf", "dashboard"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/enter\?code=[\w-]{43}\n", done.stdout)
