"""An analysis as lines of text: the strip of the timeline and the rows of its table. Colours are the caller's."""

from __future__ import annotations

from dataclasses import dataclass

from otio_perf.model.analysis import Analysis
from otio_perf.reports import words
from otio_perf.reports.regions import Region, cells, regions

#: Told apart without colour, on any terminal (Windows consoles have these block characters in every code page).
_CHARACTERS = {"smooth": "░", "close": "▒", "slow": "█", "empty": " ", "offline": "?"}
LEGEND = "░ smooth  ▒ only just, or in parts  █ needs work  ? media missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table, ready to print."""

    start: str
    stop: str
    load: str  # "needs 2.6 × the time it has; with proxies 40 %"
    reasons: str


def strip_cells(analysis: Analysis, width: int) -> tuple[tuple[str, str], ...]:
    """The timeline from end to end in ``width`` characters: each with its state (a key of ``regions.STATES``)."""
    found = tuple((_CHARACTERS[cell.state], cell.state) for cell in cells(analysis, width))
    if 0 < len(found) < width:  # fewer frames than characters: each is drawn wider
        return tuple(found[i * len(found) // width] for i in range(width))
    return found


def strip(analysis: Analysis, width: int) -> str:
    """The strip without colours."""
    return "".join(character for character, _ in strip_cells(analysis, width))


def rows(analysis: Analysis) -> tuple[Row, ...]:
    """The regions that stutter, most time lost first."""
    survey = analysis.survey
    return tuple(
        Row(
            start=survey.timecode(region.start),
            stop=survey.timecode(region.stop),
            load=_load(region),
            reasons="; ".join(region.worst.reasons),
        )
        for region in regions(analysis)
    )


def _load(region: Region) -> str:
    after = words.short_load(region.with_proxy_factor)
    return f"needs {words.load(region.worst.factor)}{f'; with proxies {after}' if after else ''}"
