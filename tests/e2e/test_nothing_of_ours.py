"""What is said of timelines that hold nothing of ours, and of such as did."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from live_project import PROJECT

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(film: Path) -> Path:
    (film / "edit.kdenlive").write_text(PROJECT.format(folder=film))  # its medium is not there
    return film


@pytest.mark.parametrize("name", ["short_film.otio", "edit.kdenlive"])
def test_restore_of_what_was_never_optimized(name: str, folder: Path, otio_perf: Command) -> None:
    before, output = (folder / name).read_bytes(), folder / f"back{Path(name).suffix}"
    done = otio_perf("restore", name, "-o", output.name, cwd=folder)
    assert (done.returncode, done.stdout) == (0, f"wrote {output.name}: as it was, for there is nothing of otio-perf in it\n")
    assert output.read_bytes() == before


def test_restore_of_what_has_our_mark_alone(folder: Path, otio_perf: Command) -> None:
    assert otio_perf("optimize", "edit.kdenlive", "-o", "marked.kdenlive", cwd=folder).returncode == 4
    done = otio_perf("restore", "marked.kdenlive", "-o", "back.kdenlive", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "wrote back.kdenlive: no proxies are left in it\n")
    assert (folder / "back.kdenlive").read_bytes() == (folder / "edit.kdenlive").read_bytes()
