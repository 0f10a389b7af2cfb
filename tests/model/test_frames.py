"""What is said of effects and media in a plan."""

from __future__ import annotations

from otio_perf.model.frames import clause_of, with_reasons


def test_a_reason_begins_with_no_name_that_is_said_already() -> None:
    assert clause_of("Grade: exposure: stops is nan, not a number", "Grade", "exposure") == "stops is nan, not a number"
    assert clause_of("the curve is taken for a line", "Grade") == "the curve is taken for a line"


def test_a_value_that_is_a_book_is_told_by_its_beginning() -> None:
    told = clause_of(f"stops is {'9' * 1_000_000}, not a number")
    assert told.startswith("stops is 999")
    assert len(told) < 400


def test_reasons_stand_behind_their_names() -> None:
    assert with_reasons(["Glow", "exposure"], {"exposure": "stops is nan"}) == "Glow, exposure (stops is nan)"
