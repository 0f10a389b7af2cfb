"""One service a workspace: the lock, and what clients read of it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otio_perf.cache.workspace import Workspace
from otio_perf.errors import NoServiceError, ServiceRunningError
from otio_perf.service.lock import ServiceLock, address_of

ROOT = Path(__file__).parent.parent.parent
HOLDER = """
import sys, time
from pathlib import Path
from otio_perf.service.lock import ServiceLock
lock = ServiceLock(Path(sys.argv[1]))
lock.announce(url="http://127.0.0.1:4711", token_file=Path(sys.argv[1]) / "token")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return Workspace.open(tmp_path / ".otio_perf").root


@pytest.fixture
def holder(workspace: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workspace)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_where_the_first_listens(workspace: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(ServiceRunningError, match=r"http://127\.0\.0\.1:4711") as caught:
        ServiceLock(workspace)
    assert caught.value.exit_code == 2
    found = address_of(workspace)
    assert (found.pid, found.url) == (holder.pid, "http://127.0.0.1:4711")
    assert found.token_file == str(workspace / "token")


def test_a_holder_that_is_killed_holds_nothing(workspace: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert (workspace / "service.json").exists()  # it had no time to take it away, and it counts for nothing
    with pytest.raises(NoServiceError, match="otio-perf serve"):
        address_of(workspace)
    with ServiceLock(workspace) as lock:
        assert lock.is_current


def test_who_tidies_locks_up_is_no_service(workspace: Path) -> None:
    """It holds each for a moment only, and leaves one that is held alone."""
    opened = Workspace.open(workspace)
    with ServiceLock(workspace) as lock:
        assert opened.clean_orphans(lambda name: False) == 0
        assert lock.is_current


def test_only_the_user_reads_where_it_listens_and_it_goes_with_the_service(workspace: Path) -> None:
    with ServiceLock(workspace):
        file = workspace / "service.json"
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()
    assert not list((workspace / "locks").glob("service*"))


def test_a_workspace_that_was_replaced_is_another(workspace: Path) -> None:
    with ServiceLock(workspace) as lock:
        workspace.rename(workspace.with_name("away"))
        assert not lock.is_current
        Workspace.open(workspace)
        assert not lock.is_current
        with ServiceLock(workspace) as other:  # nobody works there
            assert other.is_current
            assert not lock.is_current


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99, "pid": 1}', '{"version": 1}', '{"version": 1, "x": 2}'])
def test_a_damaged_address_counts_as_none(text: str, workspace: Path) -> None:
    with ServiceLock(workspace):
        (workspace / "service.json").write_text(text)
        with pytest.raises(ServiceRunningError, match="just starting"):
            ServiceLock(workspace)
