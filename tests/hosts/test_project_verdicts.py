"""Every project of the test data is read, or refused with the reason; the page that says so is what comes out today."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.project_verdicts import PAGE, table


@pytest.mark.testdata
def test_the_page_says_what_becomes_of_every_project(testdata: Path) -> None:
    found = table(testdata)
    rows = found.splitlines()[2:]
    assert len(rows) >= 20
    for row in rows:
        verdict = row.rstrip(" |").rpartition("| ")[2]
        assert verdict.startswith("read") or len(verdict) > len("refused: "), row
    assert PAGE.read_text(encoding="utf-8").endswith(found), "python benchmarks/project_verdicts.py --docs"
