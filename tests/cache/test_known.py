"""The list of workspaces: what is used comes first, what is gone falls out, and nothing fails for its sake."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from otio_perf.cache import known
from otio_perf.cache.workspace import Workspace


@pytest.fixture
def roots(tmp_path: Path) -> list[Path]:
    return [Workspace.open(tmp_path / name).root for name in ("a", "b", "c")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "workspaces.json"


def test_used_last_is_first_and_what_is_gone_falls_out(roots: list[Path], file: Path) -> None:
    assert known.recall(file) == ()
    for root in (*roots, roots[0]):
        known.remember(file, root)
    a, b, c = roots
    assert known.recall(file) == (a, c, b)
    written = file.stat().st_mtime_ns
    known.remember(file, a)
    assert file.stat().st_mtime_ns == written  # nothing to write
    shutil.rmtree(c)
    assert known.recall(file) == (a, b)
    known.remember(file, b)
    assert json.loads(file.read_text())["workspaces"] == [str(b), str(a)]
    assert sorted(p.name for p in file.parent.iterdir()) == ["workspaces.json"]


def test_of_too_many_the_oldest_are_forgotten(tmp_path: Path, file: Path) -> None:
    roots = [tmp_path / f"{number}" for number in range(80)]
    for root in roots:
        root.mkdir()
        (root / "workspace.json").write_text("{}")
        known.remember(file, root)
    assert known.recall(file) == tuple(reversed(roots[-64:]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"schema_version": 1, "workspaces": 7}',
        b'{"schema_version": 2, "workspaces": ["/"]}',
        b'{"schema_version": 1, "workspaces": [null, "relative", "/no/such", "/\\u0000"]}',
    ],
)
def test_a_damaged_list_is_none(roots: list[Path], file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert known.recall(file) == ()
    known.remember(file, roots[0])
    assert known.recall(file) == (roots[0],)


def test_names_that_are_no_utf_8_are_kept(tmp_path: Path, file: Path) -> None:
    try:
        root = Workspace.open(tmp_path / os.fsdecode(b"\xe9t\xe9")).root
    except OSError:
        pytest.skip("NO SUCH NAMES: this file system takes UTF-8 only")
    known.remember(file, root)
    assert known.recall(file) == (root,)


def test_where_it_cannot_be_written_nothing_happens(roots: list[Path], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    known.remember(tmp_path / "taken" / "workspaces.json", roots[0])
    (tmp_path / "folder.json").mkdir()
    known.remember(tmp_path / "folder.json", roots[0])
    assert known.recall(tmp_path / "folder.json") == ()


def test_of_runs_at_once_none_is_forgotten(tmp_path: Path, file: Path) -> None:
    roots = [Workspace.open(tmp_path / f"w{number}").root for number in range(8)]
    start = multiprocessing.get_context("spawn")
    runs = [start.Process(target=known.remember, args=(file, root)) for root in roots]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert set(known.recall(file)) == set(roots)
