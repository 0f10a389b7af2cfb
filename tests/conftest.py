"""Fixtures for every test, and a loud account of what could not be run here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
TESTDATA = ROOT.parent / "shared" / "testdata"

# a busy machine is no reason to fail; where a change is judged, every run tries the same examples
settings.register_profile(
    "otio_perf", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("otio_perf")

# a shell's background jobs ignore Ctrl-C, and so would every program that a test interrupts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _tool(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder of shared test data (``media/``, ``timelines/``) beside the checkout; skips where it is missing."""
    if not TESTDATA.is_dir():
        pytest.skip("NO TEST DATA: ../shared/testdata is not beside this checkout")
    return TESTDATA


@pytest.fixture(scope="session")
def ffmpeg() -> Path:
    """The ``ffmpeg`` command line tool of the system; skips where it is missing."""
    return _tool("ffmpeg") or pytest.skip("NO FFMPEG: the command line tool ffmpeg is not installed")


@pytest.fixture(scope="session")
def ffprobe() -> Path:
    """The ``ffprobe`` command line tool of the system; skips where it is missing."""
    return _tool("ffprobe") or pytest.skip("NO FFPROBE: the command line tool ffprobe is not installed")


def run_melt(command: list[str], **how: Any) -> None:
    """Run ``melt``; it hangs now and then at its end, and is then started again."""
    for _ in range(4):
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=25, **how)
        except subprocess.TimeoutExpired:
            continue
        return
    pytest.skip("MELT HANGS: four times in a row")


@pytest.fixture(scope="session")
def melted_by() -> Callable[..., None]:
    return run_melt


def pytest_report_header() -> list[str]:
    optional = "it is optional, and its tests are skipped"
    lines = [f"test data: {TESTDATA if TESTDATA.is_dir() else f'none in ../shared/testdata; {optional}'}"]
    lines += [f"{name}: {_tool(name) or f'not installed; {optional}'}" for name in ("ffmpeg", "ffprobe", "melt")]
    return lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in plain words what was skipped and why, so that a green run is not mistaken for a complete one."""
    reasons = Counter(
        (report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
    )
    left_out = [name for name in ("slow", "gpu") if f"not {name}" in terminalreporter.config.option.markexpr]
    if reasons or left_out:
        terminalreporter.section("NOT TESTED HERE", sep="=", yellow=True)
        for name in left_out:
            terminalreporter.line(f"  all × marked {name}: python3 run.py test -m {name}")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5d} × {reason}")
