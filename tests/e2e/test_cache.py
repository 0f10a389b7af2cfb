"""What the workspace says of itself: where it is, what is stale, what was deleted."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.slow


def test_the_life_of_a_proxy_as_its_owner_sees_it(film_media: Path, tmp_path: Path, otio_perf: Command) -> None:
    for name in ("A001_C001.mp4", "A001_C002.mp4"):
        shutil.copy(film_media / "media" / name, tmp_path)
    source, place = tmp_path / "A001_C001.mp4", ("--workspace", "work")

    def told(*words: object) -> str:
        done = otio_perf(*words, *place, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    asked = ("proxy", source.name, "--proxy", "120p", "--proxy", "half", "--all")
    said = told(*asked)
    assert "2 proxies made" in said
    assert f"proxies are in {tmp_path / 'work' / 'proxies'}\n" in said
    assert f"proxies are in {tmp_path / 'work' / 'proxies'}\n" in told(*asked)  # they are there already

    status = told("cache", "status")
    assert "  2 proxies, " in status
    assert "stale" not in status
    assert "lost" not in status
    content = source.read_bytes()
    shutil.copy(tmp_path / "A001_C002.mp4", source)
    assert "  2 of them are stale: their sources have changed since" in told("cache", "status")
    source.unlink()
    assert "  2 of them have lost their sources" in told("cache", "status")
    source.write_bytes(content)  # by content it is the same
    assert "stale" not in told("cache", "status")

    assert told("cache", "clear", "--dry-run").startswith("2 proxies of 1 source would be deleted: ")
    assert len(list((tmp_path / "work" / "proxies").iterdir())) == 2
    answer = json.loads(told("cache", "clear", "proxies", "--json", "-"))
    assert (answer["proxies"], answer["sources"], answer["dry_run"]) == (2, 1, False)
    assert answer["freed_bytes"] > 0
    assert list((tmp_path / "work" / "proxies").iterdir()) == []
    assert told("cache", "clear", "proxies").startswith("0 proxies of 0 sources deleted: 0 bytes freed")
