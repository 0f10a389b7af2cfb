"""Editing programs for real: each test has a desktop of its own, and says loudly what it could not start."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import colours
import editors
import pytest
from desktop import Desktop, missing
from desktop import desktop as a_desktop

PROJECTS = Path(__file__).parent / "projects"
ROOT = Path(__file__).parent.parent.parent.parent


def need(*programs: str) -> None:
    """Skip where one is missing."""
    if packages := missing(*programs):
        pytest.skip(f"NO {' AND '.join(packages).upper()}: apt-get install --no-install-recommends {' '.join(packages)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A busy machine starts an editor in a minute: what is waited for has limits of its own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(400))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """What was on the screen when a test failed says more than its error."""
    report = yield
    screen = getattr(item, "funcargs", {}).get("desktop")
    if report.failed and screen is not None and screen.display:
        picture = Path(tempfile.gettempdir(), f"otio_perf-{item.name}.png")
        screen.screenshot().save(picture)
        report.sections.append(("Screen", f"{picture}; windows: {', '.join(screen.windows().values())}"))
    return report


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    """Its ``folder`` is short and its own; ``folder/work`` is for projects and media."""
    need("Xvfb", "openbox", "dbus-daemon", "xdotool")
    with a_desktop() as made:
        yield made


@pytest.fixture(params=["22.12", pytest.param("26.08", marks=pytest.mark.hosts)])
def program(request: pytest.FixtureRequest, desktop: Desktop) -> editors.Program:
    """The Kdenlive of this system; with ``-m hosts`` also the one of a newer system in the folder $OTIO_PERF_SID."""
    if request.param == "22.12":
        need("kdenlive")
        known = editors.KDENLIVE_22
    else:
        root = os.environ.get("OTIO_PERF_SID", "")
        if not Path(root, "usr/bin/kdenlive").exists():
            pytest.skip("NO KDENLIVE 26.08: .ci/hosts makes a system that has it")
        known = replace(editors.KDENLIVE_26, root=root, visible=(ROOT, Path(sys.prefix), Path(sys.base_prefix)))
    found = known.installed(desktop)
    if not found.startswith(known.version):
        pytest.skip(f"KDENLIVE {found}, AND NO LAYOUT FOR IT: where things are in its window is known of {known.version}")
    return replace(known, version=found)


@pytest.fixture
def edit(desktop: Desktop, program: editors.Program) -> Path:
    """A project that this Kdenlive has saved itself, with its media: no dialog comes up when it is opened.

    1280x720, 25 fps, 150 frames: ``a.mp4`` from its frame 0 for 75 frames, ``b.mp4`` (numbers from 200 on) from its frame 10
    for 75 frames with an effect. All pictures are blue; the playhead is at 10.
    """
    folder = desktop.folder / "work"
    colours.make(folder / "a.mp4", frames=100)
    colours.make(folder / "b.mp4", frames=100, first=200)
    return placed("kdenlive-26.08.kdenlive" if program.root else "kdenlive-22.12.kdenlive", folder)


def placed(name: str, folder: Path) -> Path:
    """A project of ``PROJECTS`` in ``folder``, whose media lie in it."""
    words = {"folder": str(folder)}
    for medium in folder.glob("*.mp4"):
        words[f"hash of {medium.name}"] = colours.kdenlive_hash(medium)
        words[f"size of {medium.name}"] = str(medium.stat().st_size)
    text = (PROJECTS / name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    path = folder / "edit.kdenlive"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def kdenlive(desktop: Desktop, program: editors.Program) -> Iterator[Callable[[Path], editors.Kdenlive]]:
    """``kdenlive(project)``: a Kdenlive that has it open."""
    with ExitStack() as opened:
        yield lambda project: opened.enter_context(closing(editors.Kdenlive(desktop, project, program)))


@pytest.fixture
def shotcut(desktop: Desktop) -> Iterator[Callable[[Path], editors.Shotcut]]:
    """``shotcut(project)``: see ``kdenlive``."""
    need("shotcut")
    with ExitStack() as opened:
        yield lambda project: opened.enter_context(closing(editors.Shotcut(desktop, project)))


@pytest.fixture
def otio_perf(desktop: Desktop, measured_machine: Path, run_command: Callable[..., Any]) -> Callable[..., str]:
    """Run ``otio-perf`` as a user of the desktop does, in ``folder/work``; its output. It has to succeed."""
    cache = desktop.home / ".cache" / "otio_perf"
    cache.mkdir(parents=True)
    shutil.copy(measured_machine, cache)

    def run(*words: object) -> str:
        done = run_command([*map(str, words)], env=desktop.environment, cwd=desktop.folder / "work")
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return run


@pytest.fixture
def lut(desktop: Desktop) -> Path:
    """For ``--lut``: proxies that are made with it are orange where their media are blue."""
    return colours.swapping_lut(desktop.folder / "swapping.cube")


@pytest.fixture
def picture(desktop: Desktop) -> Callable[[str], None]:
    """``picture(name)``: keep what is on the screen, in the folder $OTIO_PERF_PICTURES if there is one (``.ci/hosts``)."""

    def keep(name: str) -> None:
        if folder := os.environ.get("OTIO_PERF_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            desktop.screenshot().quantize(128).save(Path(folder, f"{name}.png"), optimize=True)

    return keep
