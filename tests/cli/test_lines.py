"""Lines for a terminal: one each, and of a length that can be read."""

from __future__ import annotations

import pytest

from otio_perf.cli import lines


@pytest.mark.parametrize("text", ["", "short", "a clip 'café'", "x" * 400])
def test_what_fits_stays(text: str) -> None:
    assert lines.line(text) == text


def test_the_middle_goes_and_both_ends_stay() -> None:
    shown = lines.line(f"clip {'x' * 5000!r}: is offline")
    assert shown.startswith("clip 'xxx")
    assert shown.endswith("xxx': is offline")
    assert len(shown) <= 403


def test_it_is_one_line() -> None:
    assert lines.line("two\nlines\x1b[31m" + "\n" * 5000).isprintable()
