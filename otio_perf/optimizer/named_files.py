"""Where files are that effects name, LUTs say: as media are found, and never from where the program happens to be started."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import PACKED, Locator, Reference
from otio_perf.timeline.references import notes_of


class Finding:
    """``finding(name)``: what ``find`` answers, which is asked once for each name. ``asked``: names and paths since whoever
    wants to know cleared it."""

    def __init__(self, find: Callable[[str], str]) -> None:
        self._find = cache(find)
        self.asked: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        path = self.asked[name] = self._find(name)
        return path


def finder(document: Document, where: Locator) -> Callable[[str], str]:
    """``find(name)``: the path of a file as an effect of ``document`` names it, there or not.

    Relative to the timeline, mapped or below a media root; of a timeline that was written to another folder by us, relative to
    where it was: effects are left as the host wrote them.
    """
    places = [where.based(document.base)]
    base = notes_of(document.root).get("base")
    if isinstance(base, str) and not document.base.startswith(PACKED):
        places.append(where.moved(str((Path(document.base).resolve() / base).absolute())))

    def find(name: str) -> str:
        targets = (place.target(Reference(kind="external", url=name)) for place in places)
        paths = [target.path for target in targets if target.path is not None]
        fallback = paths[0] if paths else str(Path(document.path).absolute().parent / name)
        return next((path for path in paths if Path(path).is_file()), fallback)

    return find
