"""Projects of Kdenlive and MLT as they are written: a text that was there, changed where a timeline says another thing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from otio_perf.errors import UnwritableTimelineError
from otio_perf.timeline import guard, stamp
from otio_perf.timeline.describe import described
from otio_perf.timeline.guard import Limits
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.mlt import changing, overlay, preview
from otio_perf.timeline.mlt.overlay import Overlay
from otio_perf.timeline.mlt.preview import Preview
from otio_perf.timeline.mlt.project import KDENLIVE
from otio_perf.timeline.mlt.proxied import IsPlaced
from otio_perf.timeline.overlay import without_overlay
from otio_perf.timeline.references import NOTES, Json

_MOST_BYTES = 128 << 20  # elements of XML take ten times as much; Kdenlive writes some 5 kB a clip


def text_of(path: str | os.PathLike[str], limits: Limits | None = None) -> bytes:
    """:raises UnreadableTimelineError, HostileTimelineError"""
    return guard.read_bytes(Path(path), max_bytes=min((limits or Limits()).max_adapter_bytes, _MOST_BYTES))


def preview_paths(path: str | os.PathLike[str], limits: Limits | None = None) -> tuple[str, ...]:
    """Files that the timeline in ``path`` plays as rendered ahead by us, where it is a project of Kdenlive's."""
    return preview.chunk_paths(text_of(path, limits), path) if Path(path).suffix.lower() == KDENLIVE else ()


def changed(
    data: bytes,
    path: str,
    *,
    before: Json,
    after: Json,
    others: tuple[Json, Json] | None = None,
    target: Path,
    ahead: Preview | Overlay | None,
    stand_ins: Mapping[str, str],
    is_placed: IsPlaced,
) -> bytes:
    """``data``, the text of the project ``path``, with the proxies that ``after`` shows in place of those of ``before``.

    :param before, after: roots of documents; ``others``: likewise, of what only other sequences play
    :param ahead, stand_ins, is_placed: see ``files.write``
    :raises UnwritableTimelineError: media that it names relatively would not be found from ``target``
    """
    if target.parent != Path(path).parent and changing.names_relatively(data, path):
        raise UnwritableTimelineError(
            "cannot be written: media that the project names by relative paths would not be found from there",
            path=target,
            hint=f"Write it into {Path(path).parent}",
        )
    where = Locator(target)
    data = stamp.without_mark(data)
    if isinstance(ahead, Preview):
        data = preview.with_preview(data, path, ahead)
    elif ahead is not None:
        data = overlay.with_overlay(data, path, ahead)

    def path_of(reference: Json) -> str | None:
        found = where.target(described(reference)).path
        return None if found is None else stand_ins.get(found, found) or None

    cut, new = without_overlay(before), without_overlay(after)  # that is no clip of the edit
    edits = [(cut, new), *([] if others is None else [others])]
    text = changing.changed(data, path, edits=edits, path_of=path_of, is_placed=is_placed)
    return stamp.marked(text) if after.get("metadata", {}).get(NOTES) is not None else text
