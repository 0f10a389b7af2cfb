"""Puts a table into benchmarks/README.md, between ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

README = Path(__file__).parent / "README.md"


def put(name: str, lines: Sequence[str]) -> None:
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = README.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{README} has no place for {name!r}")
    README.write_text(before + "\n".join([begin, "", *lines, "", end]) + after, encoding="utf-8")
