"""What people read of the service's queue and folders."""

from __future__ import annotations

import pytest

from otio_perf.cli import service_tables
from otio_perf.model.views import BackgroundView, JobView, QueueView, TaskState, TaskView, WatchedFolder

LONG = "/volumes/a_production/day_01/camera_a/a_very_long_folder_name_that_fills_a_line/A001_C001.mov"


def task(kind: str) -> TaskView:
    return TaskView(
        key=f"{kind}:0123456789",
        kind=kind,
        label=LONG,
        state=TaskState.WAITING,
        jobs=("request-1",),
        timeline=None,
        start=None,
        stop=None,
        is_pinned=False,
        done=0,
        total=1,
        seconds=None,
        seconds_left=None,
        message="",
        hint="",
    )


def test_media_are_called_by_their_names_and_folders_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    background = BackgroundView(
        state="idle", reason="", slots=1, running=0, waiting=2, frames_per_second=0.0, seconds_left=None
    )
    job = JobView(
        id="request-1",
        label=LONG,
        kind="request",
        waiting=2,
        running=0,
        done=0,
        failed=0,
        frames=0,
        total_frames=2,
        seconds_left=None,
    )
    queue = QueueView(is_paused=False, background=background, jobs=(job,), tasks=(task("proxy"), task("probe")), total=2)
    folder = WatchedFolder(
        id="f",
        path="/rushes",
        state="suspended",
        reason="it is not there",
        files=3,
        settling=0,
        queued=2,
        ready=1,
        failed=0,
        scanned_at=None,
    )
    service_tables.show_queue(queue, [folder])
    said = capsys.readouterr().out
    assert said.count("A001_C001.mov") == 3
    assert "a_production" not in said
    assert "/rushes: suspended: 3 media, 2 queued, 1 ready (it is not there)" in said
