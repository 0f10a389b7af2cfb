"""Media linker: gives each clip that is read the proxies which are there.

    otioconvert -i edit.otio -o edit.perf.otio --media-linker otio_perf
    otioconvert … -M rung=720p -M workspace=/projects/x/.otio_perf -M base=/projects/x

Arguments: ``rung``: size to activate, default the one that most media have, or the largest, ``original`` activates none;
``workspace``: where the proxies are, default as for the ``otio-perf`` command; ``base``: folder in which relative URLs start
(a linker is not told where the timeline is), default the current one.

The clip is edited in place and ``None`` returned: a reference that is returned would replace the original. Whatever goes
wrong leaves the clip as it was.
"""

from __future__ import annotations

import functools
import logging
from typing import Any


def link_media_reference(in_clip: Any, media_linker_argument_map: dict[str, Any] | None = None) -> None:
    """Add proxies to ``in_clip`` (``opentimelineio.schema.Clip``) in place. Never raises."""
    try:
        from otio_perf.plugins import linking

        linking.link_clip(in_clip, dict(media_linker_argument_map or {}))
    except Exception as e:  # noqa: BLE001 — another program's read must not fail because of us
        _warn(str(e))


@functools.cache
def _warn(reason: str) -> None:
    """Once per process and reason, not once per clip."""
    logging.getLogger("otio_perf").warning("clips are left as they are: %s", reason)
