"""The contract of ``hosts/README.md``: what the scripts may use, and that what the page says is so."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otio_perf.cli.progress import JsonLines
from otio_perf.hosts import HOSTS
from otio_perf.hosts.rooms import ROOMS
from otio_perf.model.events import Notice, Ready, Stage, StageStarted, TaskFinished, TaskProgress, TaskStarted
from otio_perf.reports import document

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "hosts").rglob("*.py"))
PAGE = (ROOT / "hosts" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(ROOT / "hosts").as_posix())
def test_scripts_use_the_standard_library_in_the_words_of_python_3_6(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 6))
    own = {path.name for path in (ROOT / "hosts").rglob("*") if path.is_dir()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {(node.module or "").partition(".")[0]}
        else:
            continue
        assert names <= {*sys.stdlib_module_names, *own, "DaVinciResolveScript"}, f"line {node.lineno}"


def test_the_table_of_hosts_has_all_of_them() -> None:
    assert tuple(ROOMS) == HOSTS
    for name, row in ROOMS.items():
        assert bool(row.parts) is not bool(row.steps_in), f"{name}: parts are put there, or the steps are said"
    for schema in ("hosts", "host_changes", "host_findings"):
        (rows,) = (
            value
            for value in document.schemas()[f"{schema}.schema.json"]["properties"].values()
            if "items" in value and "properties" in value["items"]
        )
        assert tuple(rows["items"]["properties"]["host"]["enum"]) == HOSTS


def test_the_example_of_the_page_reads_an_answer(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    command = tmp_path / "otio-perf"
    command.write_text(f"#!{sys.executable}\nimport sys, json\nprint(json.dumps({{'words': sys.argv[1:]}}))\n")
    command.chmod(0o755)
    words: dict[str, object] = {"command": str(command), "subprocess": subprocess, "json": json}
    exec(example, words)
    found = words["document"]
    assert isinstance(found, dict)
    assert found["words"][0] == "optimize"


def test_progress_is_said_in_the_words_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r'^```\n(\{"event".*?)^```', PAGE, re.MULTILINE | re.DOTALL)
    described = [json.loads(line.partition("}")[0] + "}") for line in block.splitlines()]
    listener = JsonLines()
    listener(StageStarted(stage=Stage.PROXY, total=3))
    listener(TaskStarted(key="a", label="A001.mov", total=100))
    listener(TaskProgress(key="a", done=41, total=100))
    listener(TaskFinished(key="a", outcome=Ready(key="a", products=(), seconds=1.0)))
    listener(Notice(text="…"))
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    for event in described:
        assert any(one["event"] == event["event"] and set(one) == set(event) for one in said), event


@pytest.mark.skipif(os.name == "nt", reason="NOT HERE: names of files are told by their case on this system")
def test_what_the_page_names_is_there() -> None:
    for name in re.findall(r"`((?:otio_perf|tests|hosts)/[a-z_./]+)`", PAGE):
        assert (ROOT / name).exists(), name
