"""Who waits sees that it goes on, and why the first frame takes so long."""

from __future__ import annotations

import pytest

from otio_perf.cli import console
from otio_perf.cli.console import Display
from otio_perf.model.events import Stage, StageStarted, TaskProgress, TaskStarted


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(console, "time", found)
    return found


@pytest.mark.parametrize("stage", [Stage.PRERENDER, Stage.EXPORT])
def test_frames_are_told_of_and_compiling_once(stage: Stage, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=False, debug=False) as display:
        display(StageStarted(stage=stage, total=2))
        display(TaskStarted(key="a", label="01:00:00:00", total=48))
        for done, seconds in ((0, 1), (0, 2.5), (0, 1), (1, 1), (10, 5), (12, 1), (40, 10)):
            clock.now += seconds
            display(TaskProgress(key="a", done=done, total=48))
    said = capsys.readouterr().err.splitlines()
    assert "compiled" in said[1]
    assert said[2:] == ["01:00:00:00: 10 of 48 frames", "01:00:00:00: 40 of 48 frames"]


def test_nothing_is_explained_where_frames_come(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=False, debug=False) as display:
        display(StageStarted(stage=Stage.PRERENDER, total=2))
        display(TaskStarted(key="a", label="a", total=48))
        for done in (0, 2, 4):
            clock.now += 2
            display(TaskProgress(key="a", done=done, total=48))
    assert "compiled" not in capsys.readouterr().err
