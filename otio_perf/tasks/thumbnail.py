"""Make a small picture of one medium. Runs in a worker process: a file that crashes or hangs FFmpeg costs that process only."""

from __future__ import annotations

import time
from collections.abc import Callable

from otio_perf.errors import TaskCancelledError
from otio_perf.media import publish, thumbnail
from otio_perf.model.events import Ready
from otio_perf.model.tasks import ThumbnailTask


def run(task: ThumbnailTask, *, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> Ready:
    """:raises MediaError, TaskCancelledError: the registry makes it a ``Failed``"""

    def tick() -> None:
        if cancelled():
            raise TaskCancelledError("stopped", path=task.label)
        progress(0)

    began = time.monotonic()
    with publish.part_file(task.path) as part:
        part.write_bytes(thumbnail.jpeg(task.media, tick=tick))
        publish.publish(part, task.path, tick=tick)
    return Ready(key=task.key, products=(), seconds=time.monotonic() - began)
