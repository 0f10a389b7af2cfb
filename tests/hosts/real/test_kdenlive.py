"""What the real Kdenlive of this system makes of what we write: seen in the projects that it saves, and on its screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import colours
from desktop import until
from editors import Kdenlive


def shown(host: Kdenlive) -> tuple[str, int | None] | None:
    """Colour and number of the picture in the monitor."""
    found = colours.seen(host.screenshot())
    return (found[0].colour, found[0].number) if found else None


def test_a_project_opens_without_a_question(kdenlive: Callable[[Path], Kdenlive], edit: Path) -> None:
    host = kdenlive(edit)
    until(lambda: shown(host) == ("blue", 10), "the picture at the playhead")
    host.seek(80)
    until(lambda: shown(host) == ("blue", 215), "the picture five frames into the second clip")
    assert not host.is_modified
