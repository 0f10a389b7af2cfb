"""Fixtures for every test, and a loud account of what could not be run here."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, settings
from made_once import made_once
from warm_commands import CAN_FORK, Commands

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


@pytest.fixture(scope="session")
def warm_commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands | None]:
    """What starts ``otio-perf`` quickly; ``None``: this system cannot."""
    if not CAN_FORK:
        yield None
        return
    commands = Commands(tmp_path_factory.mktemp("warm"))
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def run_command(warm_commands: Commands | None) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``otio-perf``: ``run_command(words, env=…, cwd=…, timeout=…)``; the process with its output as text."""

    def run(words: list[str], *, env: dict[str, str], cwd: Path | None = None, timeout: float = 100) -> Any:
        if warm_commands is not None:
            return warm_commands.run(words, env=env, cwd=cwd, timeout=timeout)
        command = [sys.executable, "-m", "otio_perf", *words]
        environment = {**env, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=timeout, check=False)

    return run


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``shared_folder(name, make)``: a folder that ``make(folder)`` fills once, whichever process of the run needs it first."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    return lambda name, make: made_once(root / "shared" / name, make)


@pytest.fixture(scope="session")
def measured_machine(shared_folder: Callable[..., Path], run_command: Callable[..., Any]) -> Path:
    """The profile of this machine, for the cache folder of a home: the user's, else one that is measured once for all tests."""
    from otio_perf.optimizer import this_machine
    from otio_perf.settings import user_cache_folder

    if this_machine.known() is not None:
        return user_cache_folder() / "machine.json"

    def measure(folder: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF_", "XDG_"))}
        places = {"HOME": folder, "XDG_CACHE_HOME": folder / "cache", "XDG_CONFIG_HOME": folder / "config"}
        done = run_command(["calibrate"], env={**kept, **{name: str(place) for name, place in places.items()}})
        assert done.returncode == 0, done.stderr

    return shared_folder("machine", measure) / "cache" / "otio_perf" / "machine.json"


@pytest.fixture(scope="session")
def timelines(testdata: Path) -> list[Path]:
    """Every timeline file of the test data for which there is an adapter."""
    suffixes = (".otio", ".otioz", ".edl", ".xml", ".fcpxml", ".aaf")
    return sorted(p for p in (testdata / "timelines").rglob("*") if p.suffix.lower() in suffixes and p.is_file())


@pytest.fixture(scope="session")
def readable(timelines: list[Path], shared_folder: Callable[..., Path]) -> dict[Path, Any]:
    """The documents (``timeline.files.Document``) of those of them that can be read, as OpenTimelineIO spells them; the others
    are refused in one line that says which. They are read once in a run, each in a process of its own."""
    from otio_perf.errors import TimelineError
    from otio_perf.timeline import files

    def read(path: Path) -> Any:
        try:
            return files.read(path, canonical=True)
        except TimelineError as e:
            assert "\n" not in str(e)
            assert path.name in str(e)

    def read_all(folder: Path) -> None:
        with ThreadPoolExecutor(2) as pool:  # the other process of the run waits for them, too
            found = {path: document for path, document in zip(timelines, pool.map(read, timelines), strict=True) if document}
        (folder / "documents").write_bytes(pickle.dumps(found))

    found: dict[Path, Any] = pickle.loads((shared_folder("readable", read_all) / "documents").read_bytes())
    assert len(found) > 50
    return found


def run_melt(command: list[str], **how: Any) -> None:
    """Run ``melt``; it hangs now and then at its end, where it does nothing any more, and is then started again."""
    for _ in range(4):
        if _ended(command, **how):
            return
    pytest.skip("MELT HANGS: four times in a row")


def _ended(command: list[str], **how: Any) -> bool:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as melt:
        spent = -1.0  # seconds of processors
        for _ in range(8):
            try:
                out, err = melt.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                times = psutil.Process(melt.pid).cpu_times()
                if times.user + times.system - spent < 0.05:
                    break
                spent = times.user + times.system
                continue
            if melt.returncode:
                raise subprocess.CalledProcessError(melt.returncode, command, out, err)
            return True
        melt.kill()
        return False


@pytest.fixture(scope="session")
def melted_by() -> Callable[..., None]:
    return run_melt


def pytest_collection_finish() -> None:
    """All that was collected stays until the end: it needs no looking through."""
    gc.collect()
    gc.freeze()


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
    left_out = [name for name in ("slow", "gpu", "hosts") if f"not {name}" in terminalreporter.config.option.markexpr]
    if reasons or left_out:
        terminalreporter.section("NOT TESTED HERE", sep="=", yellow=True)
        for name in left_out:
            terminalreporter.line(f"  all × marked {name}: python3 run.py test -m {name}")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5d} × {reason}")
