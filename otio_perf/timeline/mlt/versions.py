"""Which projects we may change: those of programs whose projects were seen. A newer one may mean something else by the same
words, and an editor's project is not the place to find out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from otio_perf.errors import UnwritableTimelineError
from otio_perf.timeline.mlt.storage import DOCUMENT

#: Of Kdenlive, that was tried: the document's version as it counts, and the program's, year and month.
_NEWEST_DOCUMENT, NEWEST_KDENLIVE = 1.1, (26, 8)


def refuse_newer(properties: Mapping[str, str], path: str | Path) -> None:
    """:param properties: of the bin. :raises UnwritableTimelineError: a newer Kdenlive than any that was seen wrote it"""
    document, program = (properties.get(DOCUMENT + name, "") for name in ("version", "kdenliveversion"))
    found = re.match(r"(\d{1,9})\.(\d{1,9})", program)
    newer = found is not None and (int(found[1]), int(found[2])) > NEWEST_KDENLIVE
    with suppress(ValueError):
        newer = newer or float(document.replace(",", ".")) > _NEWEST_DOCUMENT
    if newer:
        raise UnwritableTimelineError(
            f"is of Kdenlive {program or '?'} (document {document or '?'}), newer than any known here: it is not changed",
            path=path,
            hint="Place proxies instead, which changes no project: otio-perf host place kdenlive",
        )
