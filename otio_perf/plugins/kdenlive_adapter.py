"""Adapter ``kdenlive_perf``: reads projects of Kdenlive (22.12 and 23.04 on), Shotcut and MLT.

    otioconvert -i edit.kdenlive -o edit.otio
    otioconvert -i edit.kdenlive -o edit.otio -a sequence="Sequence 2"

Where another package has an adapter for these suffixes too, name ours: ``-I kdenlive_perf``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_from_file(filepath: str, sequence: str | None = None) -> Any:
    """The timeline as OpenTimelineIO's object.

    :param sequence: by its name, default the one that was open
    :raises TimelineError: see ``otio_perf.timeline.mlt.reading.read``
    """
    import opentimelineio as otio

    from otio_perf.timeline import json_text
    from otio_perf.timeline.mlt.reading import read

    path = Path(filepath).absolute()
    return otio.core.deserialize_json_from_string(json_text.dumps(read(path.read_bytes(), str(path), sequence)))
