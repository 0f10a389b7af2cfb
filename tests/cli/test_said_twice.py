"""What help and errors both say, they say in the same words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from otio_perf.model.recipes import ProxyRecipe

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("command", "flag", "setting"),
    [("proxy", "--proxy", "proxy"), ("prerender", "--prerender-size", "prerender_size"), ("frame", "--size", "")],
)
def test_sizes(command: str, flag: str, setting: str, run_command: Command, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "COLUMNS": "400"}
    sizes = "1080p, 720p, 360p … (any height), WIDTHxHEIGHT, half or quarter"
    for named in ("1080p", "720p", "360p", "543p", "640x360", "half", "quarter"):
        assert ProxyRecipe(rung=named).rung == named
    assert sizes in run_command([command, "--help"], env=environment).stdout
    (tmp_path / "cut.otio").write_text('{"OTIO_SCHEMA": "Timeline.1", "name": "x"}')
    words = {"proxy": ["."], "prerender": ["cut.otio"], "frame": ["cut.otio", "0", "-o", "x.png"]}[command]
    done = run_command([command, *words, flag, "banana"], env=environment, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert sizes in done.stderr
    if setting:
        (tmp_path / "settings.yaml").write_text(f"{setting}: banana\n")
        done = run_command([command, *words, "--settings", "settings.yaml"], env=environment, cwd=tmp_path)
        assert done.returncode == 2
        assert sizes in done.stderr
