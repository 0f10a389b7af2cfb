"""``otio-perf queue`` and ``activity`` beside a running service; and what it writes, against ``optimize``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIRST, SECOND = "A001_C001.mp4", "A001_C002.mp4"
Clip = Callable[..., Any]
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def otio_perf(edit: Any, home: dict[str, str], run_command: Command) -> Command:
    """Run a command in the edit's folder."""
    return lambda *words: run_command([*words], env=home, cwd=edit.folder)


def test_the_words_of_the_api_on_the_command_line(edit: Any, serve: Any, make_clip: Clip, otio_perf: Command) -> None:
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    assert otio_perf("queue", "pause").returncode == 0
    since = len(service.events)
    edit.save(make_clip(FIRST, 0, 72))
    service.wait(lambda e: e["kind"] == "edit", since=since)

    def queue() -> Any:
        found = json.loads(otio_perf("queue", "status", "--json", "-").stdout)
        found["tasks"] = [task for task in found["tasks"] if task["kind"] != "probe"]  # that it was opened is not the matter
        return found

    found = queue()
    assert found["is_paused"]
    assert [task["start"] for task in found["tasks"]] == [0, 24, 48]
    assert otio_perf("queue", "prioritize", "--timeline", "cut.otio", "--range", "30-31").returncode == 0
    assert [task["start"] for task in queue()["tasks"]] == [24, 0, 48]
    for span, starts in (("01:00:00:00-01:00:00:05", [0, 24, 48]), ("2s-", [48, 0, 24]), ("30-31", [24, 48, 0])):
        assert otio_perf("queue", "prioritize", "--timeline", "cut.otio", "--range", span).returncode == 0
        assert [task["start"] for task in queue()["tasks"]] == starts, span
    backwards = otio_perf("queue", "prioritize", "--timeline", "cut.otio", "--range", "9-5")
    assert (backwards.returncode, "9-5 ends before it begins" in backwards.stderr) == (2, True)
    assert otio_perf("queue", "cancel", "--task", found["tasks"][2]["key"][:8]).returncode == 0
    assert [(task["start"], task["state"]) for task in queue()["tasks"]][:2] == [(24, "waiting"), (0, "waiting")]
    told = otio_perf("queue", "status").stdout
    assert "background paused" in told
    assert "cut.otio" in told
    wrong_words = (
        ("cancel", "--task", "zzz"),
        ("cancel", "--job", "zzz"),
        ("prioritize", "--timeline", "no"),
        ("prioritize", "--task", "zzz"),
    )
    for words in wrong_words:
        wrong = otio_perf("queue", *words)
        assert wrong.returncode == 2, words
        assert len(wrong.stderr.splitlines()) == 1
    playing = json.loads(otio_perf("activity", "playing", "--seconds", "60", "--json", "-").stdout)
    assert playing["activity"] == "playing"
    assert otio_perf("activity", "idle").returncode == 0
    assert otio_perf("queue", "clear").returncode == 0
    assert otio_perf("queue", "resume").returncode == 0
    service.settled(since=since)
    assert service.stop() == 0
    nobody = otio_perf("queue", "status")
    assert (nobody.returncode, len(nobody.stderr.splitlines())) == (2, 1)
    assert "otio-perf serve" in nobody.stderr
    quiet = otio_perf("activity", "playing")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert otio_perf("activity", "playing", "--seconds", "-5").returncode == 2
    assert "name one with --watch DIR" in otio_perf("serve", "--dry-run").stdout
    assert "Write HOST:PORT" in otio_perf("serve", "--listen", "foo").stderr


def test_what_is_written_is_what_optimize_writes(edit: Any, serve: Any, make_clip: Clip, otio_perf: Command) -> None:
    edit.save(make_clip(FIRST, 0, 24), make_clip(SECOND, 0, 24, stops=None))
    service = serve("--use-proxies", "always", "--proxy", "half")
    service.settled()
    assert service.stop() == 0
    done = otio_perf(
        *("optimize", "cut.otio", "-o", "command.otio", "--prerender", "all", "--prerender-size", "320x180"),
        *("--all", "--proxy", "half"),
    )
    assert done.returncode == 0, done.stderr
    assert (edit.folder / "command.otio").read_bytes() == edit.written.read_bytes()


def test_the_dashboard_from_another_folder(
    edit: Any, serve: Any, make_clip: Clip, run_command: Callable[..., Any], home: dict[str, str], tmp_path: Path
) -> None:
    """A menu command of an editing program runs wherever that does."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    nobody = run_command(["dashboard", "--print"], env=home, cwd=elsewhere)
    assert (nobody.returncode, "no service is running" in nobody.stderr) == (2, True)
    edit.save(make_clip(FIRST, 0, 24, stops=None))
    service = serve()
    service.settled()
    found = run_command(["dashboard", "--print"], env=home, cwd=elsewhere)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(service.client().url)
    named = run_command(["dashboard", "--print", "--workspace", str(elsewhere)], env=home, cwd=elsewhere)
    assert named.returncode != 0
