"""The page that shows what becomes of a project's text is what comes out today."""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import colours
import pytest

PROJECT = Path(__file__).parent / "real" / "projects" / "kdenlive-22.12.kdenlive"
PAGE = Path(__file__).parents[2] / "docs" / "hosts" / "patched-project.diff"


@pytest.mark.skipif(os.name == "nt", reason="NO POSIX PATHS: the page has them")
def test_the_page_shows_what_is_changed(tmp_path: Path, measured_machine: Path, run_command: Callable[..., Any]) -> None:
    """With OTIO_PERF_PICTURES=docs/hosts it is written anew, as the pictures are."""
    folder, home = tmp_path / "film", tmp_path / "home"
    folder.mkdir()
    home.joinpath(".cache", "otio_perf").mkdir(parents=True)
    shutil.copy(measured_machine, home / ".cache" / "otio_perf")
    for number, name in enumerate(("a.mp4", "b.mp4")):
        colours.make(folder / name, frames=100, first=200 * number, size=(320, 180))
    before = PROJECT.read_text(encoding="utf-8").replace("{folder}", str(folder))
    (folder / "edit.kdenlive").write_text(before, encoding="utf-8")
    words = ["optimize", "edit.kdenlive", "-o", "edit.perf.kdenlive", "--all", "--proxy", "half"]
    done = run_command(words, env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, cwd=folder)
    assert done.returncode == 0, done.stderr
    after = (folder / "edit.perf.kdenlive").read_text(encoding="utf-8")
    names = "edit.kdenlive", "edit.perf.kdenlive"
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, n=1, lineterm="")
    found = re.sub(r"\b[0-9a-f]{32}\b", "…", "".join(f"{line}\n" for line in lines).replace(str(folder), "/film"))
    assert found.count("\n+") < 40
    if "OTIO_PERF_PICTURES" in os.environ:
        Path(os.environ["OTIO_PERF_PICTURES"], PAGE.name).write_text(found, encoding="utf-8")
    else:
        assert PAGE.read_text(encoding="utf-8") == found, "OTIO_PERF_PICTURES=docs/hosts"
