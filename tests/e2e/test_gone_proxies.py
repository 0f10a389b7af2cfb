"""Proxies that were cleared or left behind are told, before an editor finds a red timeline."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(optimized_film: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(optimized_film, tmp_path / "film"))


def analyzed(otio_perf: Command, folder: Path, name: str) -> tuple[str, list[dict[str, Any]]]:
    done = otio_perf("analyze", name, "--json", "analysis.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "analysis.json").read_text())["gone_proxies"]


@pytest.mark.slow
def test_what_was_cleared_is_told_until_it_is_made_anew(folder: Path, otio_perf: Command) -> None:
    said, gone = analyzed(otio_perf, folder, "short_film.perf.otio")
    assert gone == []
    assert "gone" not in said
    made = sorted(p.name for p in (folder / ".otio_perf" / "proxies").iterdir())
    assert otio_perf("cache", "clear", "proxies", "--force", cwd=folder).returncode == 0
    for _ in range(2):  # the second time what the timeline refers to is recalled, not read
        said, gone = analyzed(otio_perf, folder, "short_film.perf.otio")
        assert sorted(Path(one["path"]).name for one in gone) == made
        clips = sum(one["clips"] for one in gone)
        assert re.search(
            rf"{clips} clips refer to {len(made)} proxies that are gone .* otio-perf optimize.* otio-perf restore", said
        )
    assert analyzed(otio_perf, folder, "short_film.otio")[1] == []
    page = otio_perf("analyze", "short_film.perf.otio", "--html", "page.html", cwd=folder)
    assert page.returncode == 0
    assert f"{clips} clips refer to {len(made)} proxies that are gone" in (folder / "page.html").read_text()
    words = ("optimize", "short_film.perf.otio", "-o", "anew.otio", "--proxy", "120p", "--all")
    assert otio_perf(*words, cwd=folder).returncode == 0
    assert analyzed(otio_perf, folder, "anew.otio")[1] == []


@pytest.mark.slow
def test_proxies_that_are_linked_are_not_suggested_again(folder: Path, otio_perf: Command) -> None:
    done = otio_perf("analyze", "short_film.perf.otio", "--json", "analysis.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    answer = json.loads((folder / "analysis.json").read_text())
    linked = {Path(path).name for path in answer["linked_proxies"]}
    assert "A001_C001.mp4" in linked
    assert set(answer["linked_proxies"].values()) == {"120p"}
    assert "with the proxies that are linked" in " ".join(done.stdout.split())
    assert not linked & {Path(one["media_path"]).name for one in answer["suggestions"] if one["media_path"]}
    done = otio_perf("analyze", "short_film.otio", "--json", "analysis.json", cwd=folder)
    assert json.loads((folder / "analysis.json").read_text())["linked_proxies"] == {}
    assert "linked" not in done.stdout
