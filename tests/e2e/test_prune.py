"""``cache prune``: within its limits, and never at the cost of a timeline that was written."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_limits_take_what_nobody_plays_and_leave_the_rest(film_media: Path, tmp_path: Path, otio_perf: Command) -> None:
    for name in ("A001_C001.mp4", "A001_C002.mp4"):
        shutil.copy(film_media / "media" / name, tmp_path)
    clip = otio.schema.Clip("one", otio.schema.ExternalReference("A001_C001.mp4"))
    clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24))
    track = otio.schema.Track("V1", kind="Video", children=[clip])
    otio.adapters.write_to_file(otio.schema.Timeline("cut", tracks=[track]), str(tmp_path / "cut.otio"))
    place = ("--workspace", "work")

    def told(*words: str) -> str:
        done = otio_perf(*words, *place, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pruned(*words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(told("cache", "prune", *words, "--json", "-"))
        return answer

    told("proxy", "A001_C002.mp4", "--proxy", "120p", "--all")
    told("optimize", "cut.otio", "--proxy", "120p", "--all")
    assert not pruned()["removed"]
    said = told("cache", "prune", "--cache-max-bytes", "1", "--dry-run")
    assert said.startswith("1 proxy would be deleted: ")
    assert "1 product stays, for timelines play it: " in said
    assert "cut.perf.otio" in said
    done = pruned("--cache-max-bytes", "1")
    assert [Path(one["path"]).name for one in done["removed"]] == ["A001_C002_120p.mov"]
    assert done["kept"] == 1
    assert done["over_bytes"] == done["size_bytes"] - 1
    assert [path.name for path in (tmp_path / "work" / "proxies").iterdir()] == ["A001_C001_120p.mov"]
    (tmp_path / "cut.perf.otio").unlink()
    assert len(pruned("--cache-max-bytes", "1")["removed"]) == 1
