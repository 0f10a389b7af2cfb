"""A small copy of the sample film: the committed timeline over media of the same names, in pictures of a fifth of the size."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import colours
import pytest

from sample_timelines.make_media import CLIPS, make

ROOT = Path(__file__).parent.parent.parent
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def film_media(shared_folder: Callable[..., Path]) -> Path:
    """Folder with ``short_film.otio`` and ``media/``; copied for each test, never changed."""
    return shared_folder("film", make_film)


def make_film(folder: Path) -> None:
    for clip in CLIPS.values():
        small = replace(clip, width=clip.width // 5 // 2 * 2, height=clip.height // 5 // 2 * 2, bit_rate=clip.bit_rate // 16)
        if clip.container == "mxf":  # FFmpeg's MXF muxer takes this codec in broadcast sizes only
            small = replace(clip, width=640, height=360, bit_rate=clip.bit_rate // 8)
        make(small, folder / "media")
    for name in ("short_film.otio", "documentary.otio", "warm.cube"):
        shutil.copy(ROOT / "sample_timelines" / name, folder)


@pytest.fixture
def film(film_media: Path, tmp_path: Path) -> Path:
    """A copy of the film's folder that a test may change."""
    return Path(shutil.copytree(film_media, tmp_path / "film"))


@pytest.fixture(scope="session")
def optimized_film(film_media: Path, shared_folder: Callable[..., Path], otio_perf: Command) -> Path:
    """The film's folder after one ``optimize``: with ``short_film.perf.otio`` and its workspace; copied, never changed."""

    def optimize(folder: Path) -> None:
        shutil.copytree(film_media, folder, dirs_exist_ok=True)
        done = otio_perf("optimize", "short_film.otio", "-o", "short_film.perf.otio", "--proxy", "120p", "--all", cwd=folder)
        assert done.returncode == 0, done.stderr

    return shared_folder("optimized film", optimize)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, measured_machine: Path) -> dict[str, str]:
    """An environment with a home of its own; the machine is measured once for all tests."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "cache" / "otio_perf").mkdir(parents=True)
    shutil.copy(measured_machine, folder / "cache" / "otio_perf")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF_", "XDG_"))}
    return {**kept, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}


def forget_workspaces(home: dict[str, str]) -> None:
    """The same media are in the folders of many tests: none takes the proxies of another."""
    (Path(home["XDG_CACHE_HOME"]) / "otio_perf" / "workspaces.json").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def nothing_of_other_tests(home: dict[str, str]) -> None:
    """No workspaces, and no Kdenlive that has run."""
    forget_workspaces(home)
    shutil.rmtree(Path(home["XDG_CACHE_HOME"]) / "kdenlive", ignore_errors=True)


@pytest.fixture(scope="session")
def otio_perf(home: dict[str, str], run_command: Command) -> Command:
    """Run ``otio-perf`` as a user does: ``otio_perf("analyze", path)``; the process with its output as text.

    Each run knows the workspace that it works with, and no other.
    """

    def run(*words: object, cwd: Path | None = None, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        forget_workspaces(home)
        return run_command([*map(str, words)], env=home, cwd=cwd, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def numbered_clips(shared_folder: Callable[..., Path]) -> Path:
    """Folder with ``a.mp4`` and ``b.mp4``, 100 blue frames of 1280x720 at 25 fps each, b's numbers from 200 on; copied, never
    changed."""

    def make(folder: Path) -> None:
        colours.make(folder / "a.mp4", frames=100)
        colours.make(folder / "b.mp4", frames=100, first=200)

    return shared_folder("numbered clips", make)
