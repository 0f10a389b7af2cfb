"""What is installed, in the real Kdenlive: its own dialog of Media Jobs shows ours, and what it writes leaves none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import editors
import pytest
from desktop import Desktop, until

from otio_perf import hosts
from otio_perf.hosts.home import Home

#: In a window of 1600x1000 pixels: the fifth job of the list, the field of its parameters, the button that closes the dialog.
_OUR_JOB, _PARAMETERS, _CLOSE = (445, 233), (700, 350), (1165, 800)


@pytest.mark.hosts
@pytest.mark.parametrize("program", ["26.08"], indirect=True)
def test_jobs_that_were_edited_in_kdenlive_go_without_a_trace(
    desktop: Desktop, edit: Path, kdenlive: Callable[[Path], editors.Kdenlive]
) -> None:
    """Closing the dialog writes the whole file anew: sorted, without comments, with settings of its own for a job of ours."""
    home = Home(folder=desktop.home, variables=desktop.environment, platform="linux")
    record = desktop.folder / "record.json"
    jobs = desktop.home / ".local/share/kdenlive/clipjobsettings.rc"
    jobs.parent.mkdir(parents=True)
    jobs.write_text("[Ids]\ncustom2=My own\n\n[Binary]\ncustom2=/usr/bin/true\n")
    hosts.install("kdenlive", command="/usr/bin/true", home=home, record_file=record)
    before = jobs.read_bytes()
    program = kdenlive(edit)
    program.begin("manageClipJobs")
    (dialog,) = until(lambda: [n for n, name in desktop.windows().items() if "Clip Jobs" in name], "the dialog of jobs")
    desktop.focus(dialog)
    desktop.click(*_OUR_JOB)
    desktop.click(*_PARAMETERS)
    desktop.press("ctrl+a", "x")
    desktop.click(*_CLOSE)
    until(lambda: jobs.read_bytes() != before, "the file that Kdenlive writes")
    assert b"otio_perf_1_proxy=x\n" in jobs.read_bytes()
    program.close()
    hosts.uninstall("kdenlive", home=home, record_file=record)
    assert jobs.read_bytes() == b"[Binary]\ncustom2=/usr/bin/true\n\n[Ids]\ncustom2=My own\n"
    assert [path.name for path in jobs.parent.glob("*otio_perf*")] == []
