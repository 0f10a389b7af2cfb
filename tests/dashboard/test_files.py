"""What the dashboard's files may not hold, so that its security policy and its names are safe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parent.parent.parent / "otio_perf" / "web" / "static"
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".ico")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(STATIC)))
def test_nothing_is_inline_parsed_or_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    elsewhere = re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\s\"'`]+", text)
    assert not elsewhere, elsewhere
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc"
    code = r"\beval\(|new Function|setTimeout\([\"'`]|javascript:|setAttribute\([\"']style"
    found = re.findall(f"{markup}|{code}", text)
    assert not found, found
    if path.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)


def test_every_symbol_and_module_that_is_named_is_there() -> None:
    symbols = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
    for path in STATIC.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'(?:icon\(|sign: )"([\w-]+)"', text):
            assert name in symbols, f"{path.name}: {name}"
        for module in re.findall(r'from "(\.[^"]+)"', text):
            assert (path.parent / module).is_file(), f"{path.name}: {module}"
