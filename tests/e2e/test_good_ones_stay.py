"""A timeline that we wrote is not lost to one that shows less: media may be offline on the day, proxies elsewhere."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import colours
import pytest
from live_project import PROJECT

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    colours.make(tmp_path / "a.mp4", frames=20)
    project = tmp_path / "edit.kdenlive"
    project.write_text(PROJECT.format(folder=tmp_path))
    return project


@pytest.mark.parametrize("suffix", [".kdenlive", ".otio"])
def test_media_that_are_offline_today(edit: Path, suffix: str, otio_perf: Command) -> None:
    folder, medium = edit.parent, edit.with_name("a.mp4")
    optimize = "optimize", edit.name, "-o", f"edit.perf{suffix}", "--all", "--proxy", "half"
    assert otio_perf(*optimize, cwd=folder).returncode == 0
    good, kept = folder / f"edit.perf{suffix}", folder / f"edit.perf{suffix}.bak"
    before = good.read_bytes()
    assert otio_perf(*optimize, cwd=folder).returncode == 0
    assert (good.read_bytes(), kept.exists()) == (before, False)

    away = medium.rename(medium.with_name("away"))
    for _ in range(2):
        done = otio_perf(*optimize, "--quiet", cwd=folder)
        assert done.returncode == 4
        assert kept.read_bytes() == before
    assert good.read_bytes() != before
    assert not Path(f"{kept}2").exists()
    away.rename(medium)
    assert otio_perf(*optimize, cwd=folder).returncode == 0
    assert good.read_bytes() == before

    medium.rename(away)
    kept.unlink()
    told = otio_perf(*optimize, "--quiet", cwd=folder).stderr
    assert f"{good.name} has no more proxies of a.mp4: as it was before, it is kept as {kept}\n" in told


def test_proxies_in_a_workspace_that_is_not_asked(edit: Path, otio_perf: Command) -> None:
    folder = edit.parent
    optimize = "optimize", edit.name, "--proxy", "half"
    assert otio_perf(*optimize, "--all", "--workspace", "elsewhere", cwd=folder).returncode == 0
    good = (folder / "edit.perf.kdenlive").read_bytes()
    (folder / "a.mp4").rename(folder / "away")
    done = otio_perf(*optimize, "--workspace", "here", cwd=folder)
    assert done.returncode == 4
    assert "no more proxies of a.mp4" in done.stderr
    assert (folder / "edit.perf.kdenlive.bak").read_bytes() == good


def test_a_proxy_that_is_right_no_more_is_no_loss(edit: Path, otio_perf: Command) -> None:
    folder = edit.parent
    optimize = "optimize", edit.name, "--proxy", "half"
    assert otio_perf(*optimize, "--all", cwd=folder).returncode == 0
    (folder / "a.mp4").write_bytes(b"no movie any more")
    assert otio_perf(*optimize, cwd=folder).returncode == 4
    assert not (folder / "edit.perf.kdenlive.bak").exists()
