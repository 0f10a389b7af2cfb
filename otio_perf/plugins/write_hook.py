"""Write hook: links proxies or originals into what is written, when asked to.

    otioconvert -i edit.otio -o edit.perf.otio -H otio_perf_rung=1080p
    otio.adapters.write_to_file(timeline, path, hook_function_argument_map={"otio_perf_rung": "original"})

Arguments: ``otio_perf_rung`` (a size, or ``"original"``; without it the hook does nothing), ``otio_perf_workspace``. It may be
found twice (entry point and ``OTIO_PLUGIN_MANIFEST_PATH``) and run twice: the second run finds nothing to change. Whatever
goes wrong leaves the timeline as it was.
"""

from __future__ import annotations

import logging
from typing import Any


def hook_function(in_timeline: Any, argument_map: dict[str, Any] | None = None) -> Any:
    """``in_timeline``, or a new timeline with proxies. Never raises."""
    if not argument_map or "otio_perf_rung" not in argument_map:
        return in_timeline
    try:
        from otio_perf.plugins import linking

        return linking.linked_timeline(in_timeline, argument_map)
    except Exception as e:  # noqa: BLE001 — another program's write must not fail because of us
        logging.getLogger("otio_perf").warning("timeline left as it is: %s", e)
        return in_timeline
