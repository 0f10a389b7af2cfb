"""Every file that others made goes through the front door with a verdict: done, or refused and why. No crash, no hang."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = [pytest.mark.testdata, pytest.mark.slow, pytest.mark.timeout(600)]

TIMELINES = {".otio", ".otioz", ".edl", ".xml", ".fcpxml", ".aaf", ".kdenlive", ".mlt", ".xges", ".ale"}


def test_every_medium_gets_a_proxy_or_a_reason(testdata: Path, tmp_path: Path, otio_perf: Command) -> None:
    media = sorted(p for p in (testdata / "media").rglob("*") if p.is_file())
    words = ("--all", "--proxy", "120p", "--workspace", tmp_path / "ws", "--json", "-")
    done = otio_perf("proxy", *media, *words, timeout=500)
    assert done.returncode == 4, done.stderr  # some of them are no media at all
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert [o for o in report["outcomes"] if o["state"] != "ready"] == []
    for decision in report["decisions"]:
        assert decision["action"] in ("make", "skip", "refuse", "offline"), decision
        assert decision["reason"]
    made = [o for o in report["outcomes"] if o["state"] == "ready"]
    assert len(made) >= 45
    for outcome in made:
        for product in outcome["products"]:
            assert Path(product["path"]).stat().st_size == product["size_bytes"]


def test_every_timeline_is_analyzed_or_refused_in_a_line(testdata: Path, tmp_path: Path, otio_perf: Command) -> None:
    answers: dict[int, list[str]] = {0: [], 2: [], 3: []}
    for path in sorted((testdata / "timelines").rglob("*")):
        if path.suffix.lower() not in TIMELINES or not path.is_file():
            continue
        done = otio_perf("analyze", path, "--workspace", tmp_path / "ws", "--quiet")
        assert "Traceback" not in done.stderr, path
        assert done.returncode in answers, (path, done.stderr)
        if done.returncode:
            assert path.name in done.stderr
        answers[done.returncode].append(path.name)
    assert len(answers[0]) >= 50
    assert "premiere_example.otio" in answers[3]  # of a newer OpenTimelineIO
